# SPDX-License-Identifier: MIT
# Sourced by the scripts of contrib/, fixtures/ and tests/: names of places, messages, root and users.
# shellcheck shell=bash

# shellcheck disable=SC2034 # for those who source this
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# say TEXT: one line about what happens, on stderr, so that stdout holds only results.
say() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
}

die() {
	say "$*"
	exit 1
}

# Prints the usage comment at the head of the running script.
usage() {
	sed -n '/^# usage:/,/^[^#]/ s/^# \{0,1\}//p' "$0"
}

# as_root COMMAND...: runs it as root, through sudo if need be.
as_root() {
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	elif command -v sudo > /dev/null; then
		sudo --preserve-env=SLIPWAY_FIXTURES,http_proxy,https_proxy,no_proxy -- "$@"
	else
		die "must be root (or have sudo) to run $1"
	fi
}

# as_user USER COMMAND...: runs it as that user, with a login's environment (no sbin in its PATH) and no
# input.
as_user() {
	local user=$1
	shift
	if [ "$(id -un)" = "$user" ]; then
		"$@" < /dev/null
	else
		as_root runuser -u "$user" -- env HOME="$(home_of "$user")" USER="$user" \
			LOGNAME="$user" PATH=/usr/local/bin:/usr/bin:/bin XDG_CACHE_HOME= XDG_RUNTIME_DIR= \
			"$@" < /dev/null
	fi
}

home_of() {
	getent passwd "$1" | cut -d: -f6
}

# ordinary_user: prints the user that builds run as: whoever called, or else the system user
# `slipway`, which is made when it does not exist.
ordinary_user() {
	if [ "$(id -u)" -ne 0 ]; then
		id -un
	elif [ -n "${SUDO_USER:-}" ] && [ "$SUDO_USER" != root ]; then
		echo "$SUDO_USER"
	else
		getent passwd slipway > /dev/null || {
			say "making the system user slipway, as builds never run as root"
			useradd --system --create-home --home-dir /var/lib/slipway \
				--shell /usr/sbin/nologin slipway
		}
		echo slipway
	fi
}

# Where images made by fixtures/make are kept between runs.
fixtures_dir() {
	echo "${SLIPWAY_FIXTURES:-/var/cache/slipway-fixtures}"
}

# The same for what needs no root to be made: users other than root have a place of their own.
own_fixtures_dir() {
	if [ "$(id -u)" -eq 0 ]; then
		fixtures_dir
	else
		echo "${XDG_CACHE_HOME:-$HOME/.cache}/slipway-fixtures"
	fi
}

# os_release KEY: a value of /etc/os-release.
os_release() {
	(
		# shellcheck source=/dev/null
		. /etc/os-release
		eval "echo \"\${$1:-}\""
	)
}

# debian_mirror: prints the archive that this machine's apt takes Debian from (deb822 or one-line
# sources alike, as apt itself says it), or nothing where there is none: then Debian's tools use
# their own default.
debian_mirror() {
	[ "$(os_release ID)" = debian ] || return 0
	apt-get update --print-uris 2> /dev/null |
		awk -F"'" -v end="/dists/$(os_release VERSION_CODENAME)/InRelease" '
			!found && $2 ~ end "$" { sub(end "$", "", $2); print $2; found = 1 }'
}
