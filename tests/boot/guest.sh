# SPDX-License-Identifier: MIT
# Runs in the booted machine, as root, over ssh: does it have what the build was asked for?
# Before it stand the variables rootfs, composefs and origin; after it, calls of its functions.
# shellcheck shell=sh disable=SC2154

export LC_ALL=C.UTF-8
failures=0

# check WHAT COMMAND...: the command must succeed.
check() {
	what=$1
	shift
	"$@" > /tmp/check.log 2>&1 || {
		echo "FAILED: $what: $(tail -n 5 /tmp/check.log)"
		failures=$((failures + 1))
	}
}

same() {
	[ "$1" = "$2" ] || {
		echo "is: $1; should be: $2"
		return 1
	}
}

fails() {
	! "$@"
}

has_word() {
	case " $2 " in *" $1 "*) ;; *) echo "not in: $2" && return 1 ;; esac
}

has_option() {
	has_word "$1" "$(findmnt -n -o OPTIONS "$2" | tr , ' ')"
}

up() {
	state=$(systemctl is-system-running --wait)
	same "$state" running || {
		systemctl --failed --no-legend --plain | while read -r unit _; do
			echo "$unit: $(journalctl -b -u "$unit" -n 3 -o cat)"
		done
		return 1
	}
}

deployed() {
	ostree admin status | grep '^\* default [0-9a-f]\{64\}\.0' || return 1
	same "$(find /ostree/deploy/default/deploy -maxdepth 1 -name '*.origin' -exec \
		sed -n 's/^container-image-reference=//p' {} + | sort -u)" "$origin"
}

verdict() {
	echo "$(uname -r): $failures checks failed"
	exit "$((failures > 0))"
}

cmdline=$(cat /proc/cmdline)
check "all units are up" up
check "kernel argument of --karg" has_word fixture.flag=1 "$cmdline"
check "kernel argument of the install configuration" has_word fixture.install=1 "$cmdline"
check "kernel argument of kargs.d" has_word console=ttyS0 "$cmdline"
check "no kernel argument of another architecture" fails has_word fixture.other-arch=1 "$cmdline"
check "kernel argument rw" has_word rw "$cmdline"
check "deployment and its origin" deployed
check "root filesystem" same "$(findmnt -n -o FSTYPE /sysroot)" "$rootfs"
check "/sysroot is read-only" has_option ro /sysroot
check "/usr is read-only" fails touch /usr/trace
check "/etc is writable" touch /etc/trace
check "/var is writable" touch /var/trace
check "/boot is mounted" test -d /boot/loader/entries
check "image's own view of the boot entries" ostree admin status
check "repository" ostree --repo=/ostree/repo refs
if [ "$composefs" = yes ]; then
	check "/ is composefs" same "$(findmnt -n -o SOURCE /)" composefs
fi

# check_entry TYPE MODE OWNER VALUE PATH: a line of fixtures/expected/.
check_entry() {
	case $1 in
	file)
		test -f "$5" && test ! -L "$5" && same "$(stat -c '%04a %u:%g' "$5")" "$2 $3" &&
			{ [ "$4" = - ] || same "$(sha256sum < "$5" | cut -c1-64)" "$4"; }
		;;
	dir) test -d "$5" && test ! -L "$5" && same "$(stat -c '%04a %u:%g' "$5")" "$2 $3" ;;
	only) same "$(find "$5" -mindepth 1 -maxdepth 1 -printf '%f\n' | sort | tr '\n' ,)" "$4," ;;
	link) test -L "$5" && same "$(readlink "$5")" "$4" ;;
	cap) same "$(getcap "$5")" "$5 $4" ;;
	xattr) same "$(getfattr -h --absolute-names --only-values -n "${4%%=*}" "$5")" "${4#*=}" ;;
	equal) cmp "$4" "$5" ;;
	gone) test ! -e "$5" && test ! -L "$5" ;;
	*) echo "unknown type $1" && return 1 ;;
	esac
}

# check_files: reads lines of fixtures/expected/.
check_files() {
	entries=0
	while read -r type mode owner value path; do
		case $type in '#'* | '') continue ;; esac
		check "$type $path" check_entry "$type" "$mode" "$owner" "$value" "$path"
		entries=$((entries + 1))
	done
	echo "checked $entries files"
}

# What a reboot must keep.
leave_traces() {
	echo kept > /etc/slipway-fixture/trace
	echo kept > /var/lib/slipway-fixture/trace
	sync
}

find_traces() {
	check "/etc kept over the reboot" same "$(cat /etc/slipway-fixture/trace)" kept
	check "/var kept over the reboot" same "$(cat /var/lib/slipway-fixture/trace)" kept
	check "host key kept over the reboot" test -s /etc/ssh/ssh_host_ed25519_key
}
