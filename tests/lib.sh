# SPDX-License-Identifier: MIT
# Sourced by the scripts of tests/integration and tests/boot: the program under test as an ordinary
# user with a place of its own, the images, and what to expect.
#   $slipway  the program (set $SLIPWAY to choose another)
#   $work     a directory of the user's, removed in the end; on failure, too, unless $SW_KEEP is set
#   $user     who runs slipway
# shellcheck shell=bash
set -euo pipefail
# shellcheck source=contrib/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../contrib/lib.sh"
# shellcheck source=tests/need.sh
. "$top/tests/need.sh"

user=$(ordinary_user)
work=$(mktemp -d "${SW_TEST_DIR:-/var/tmp}/slipway-test.XXXXXX")
cleanups=()

# at_end COMMAND: runs it before the work directory goes, last come first served.
at_end() {
	cleanups=("$1" "${cleanups[@]}")
}

finish() {
	local status=$? command
	set +e
	for command in "${cleanups[@]}"; do
		eval "$command"
	done
	[ "${SW_KEEP:-}" ] || rm -rf "$work"
	exit "$status"
}
trap finish EXIT
trap 'exit 130' INT TERM

# The build directory need not be where others can read it.
slipway=$work/bin/slipway
mkdir "$work/bin" "$work/out" "$work/cache" "$work/tmp"
install -m 755 "${SLIPWAY:-$top/build/src/slipway}" "$slipway"
chmod 755 "$work" "$work/bin"
[ "$(id -u)" -ne 0 ] || chown "$user" "$work" "$work/out" "$work/cache" "$work/tmp"

# slipway ARGUMENT...: as the ordinary user, with the cache in $work/cache and, if they are set, $program_path for
# PATH and $user_home for HOME. The appliance is libguestfs' own and the same for all; it takes a while to make.
slipway() {
	local variables=(TMPDIR="$work/tmp" SLIPWAY_CACHE="${SLIPWAY_CACHE:-$work/cache}" LIBGUESTFS_CACHEDIR=/var/tmp)
	[ -z "${SLIPWAY_ACCEL:-}" ] || variables+=(SLIPWAY_ACCEL="$SLIPWAY_ACCEL")
	[ -z "${user_home:-}" ] || variables+=(HOME="$user_home")
	[ -z "${program_path:-}" ] || variables+=(PATH="$program_path")
	(cd "$work" && as_user "$user" env "${variables[@]}" "$slipway" "$@")
}

# skip WHY: for what this machine cannot do; a program that is not there is for need().
skip() {
	say "skipped: $*"
	exit 77
}

fail() {
	say "FAILED: $*"
	exit 1
}

# expect_error STATUS PATTERN ARGUMENT...: slipway must end with that status, nothing on stdout and one
# line on stderr that matches the extended regular expression. (Progress is off.)
expect_error() {
	local status=0 want=$1 pattern=$2
	shift 2
	slipway "$@" > "$work/stdout" 2> "$work/stderr" || status=$?
	[ "$status" -eq "$want" ] || fail "slipway $*: exit $status, not $want: $(< "$work/stderr")"
	[ ! -s "$work/stdout" ] || fail "slipway $*: prints on stdout: $(head -n 3 "$work/stdout")"
	[ "$(wc -l < "$work/stderr")" -eq 1 ] || fail "slipway $*: not one line: $(< "$work/stderr")"
	grep -qE -- "$pattern" "$work/stderr" || fail "slipway $*: says: $(< "$work/stderr")"
}

# nothing_left DIRECTORY...: an output directory must be as if no build had been: empty or not there.
nothing_left() {
	local dir
	for dir in "$@"; do
		[ ! -e "$dir" ] || [ -z "$(ls -A "$dir")" ] || fail "left behind in $dir: $(ls -A "$dir")"
	done
	[ -z "$(ls -A "$work/tmp")" ] || fail "left behind in TMPDIR: $(ls -A "$work/tmp")"
}

# layout NAME: the OCI layout directory of an image of fixtures/make, or of a script of its own.
layout() {
	if [ -x "$top/fixtures/make-$1" ]; then
		"$top/fixtures/make-$1"
	else
		"$top/fixtures/make" "$1"
	fi
}

# pushed NAME: puts that image into the registry, which it starts; prints its reference.
pushed() {
	"$top/fixtures/registry" start > /dev/null
	"$top/fixtures/registry" push "$(layout "$1")" "$1"
}

# two_releases [COUNT]: two versions of an image (fixtures/update.py) on top of an encapsulated Debian or its
# first COUNT layers, in $work/images.
two_releases() {
	"$top/fixtures/encapsulate" --scratch "$work" "$(layout debian-bootc)" 2 "$work/base" > /dev/null
	python3 -B "$top/fixtures/update.py" "$work/base" "$work/images" "$@"
}

# disk_repo DISK DIRECTORY: copies the ostree repository of a disk, whose root is its last partition, for readers
# on the host, which must be root to see true owners.
disk_repo() {
	local settings=(LIBGUESTFS_BACKEND=direct LIBGUESTFS_BACKEND_SETTINGS=force_tcg)
	mkdir "$2"
	as_root env "${settings[@]}" guestfish --ro -a "$1" -m /dev/sda4 tar-out /ostree/repo "$2.tar" xattrs:true
	as_root tar --xattrs --xattrs-include='*' -C "$2" -xf "$2.tar"
	rm -f "$2.tar"
}
