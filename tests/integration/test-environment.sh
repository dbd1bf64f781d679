#!/bin/bash
# SPDX-License-Identifier: MIT
# usage: tests/integration/test-environment.sh
# A machine that is not as it should be: programs that are missing or fail, an appliance that does not
# start, places that cannot be written to.
set -euo pipefail
# shellcheck source=tests/integration/faults.sh
. "$(dirname "$0")/faults.sh"

# says PATTERN: what the refusal said.
says() {
	grep -qE -- "$1" "$work/stderr" || fail "says: $(< "$work/stderr")"
	say "$(< "$work/stderr")"
}

# script NAME, with its text on stdin: a program of the user's.
script() {
	cat > "$work/bin/$1"
	chmod 755 "$work/bin/$1"
}

# Programs that are missing: PATH leads to all but skopeo.
mkdir "$work/path"
ln -s /usr/bin/* "$work/path"
ln -sf /usr/sbin/* "$work/path"
rm "$work/path/skopeo"
program_path=$work/path refused 6 program-missing "$good"
says 'the program skopeo is missing: install the package skopeo'
script skopeo <<< $'#!/bin/sh\necho "no such command" >&2; exit 1'
program_path=$work/bin:$work/path refused 6 skopeo "$good"
says 'no such command'
rm "$work/bin/skopeo"
LIBGUESTFS_HV=/nowhere/qemu refused 6 program-missing "$good"
says '/nowhere/qemu is missing: install the package qemu-system-x86'

# Appliances that do not start.
LIBGUESTFS_HV=/bin/false refused 6 appliance-start "$good"
says 'the appliance ended by itself \(.*false exited with error status 1\)'
script dying-qemu <<- 'SH'
	#!/bin/sh
	case "$*" in *guestfsd*) sleep 0.5 && kill -SEGV $$ ;; *) exec qemu-system-x86_64 "$@" ;; esac
SH
LIBGUESTFS_HV=$work/bin/dying-qemu SLIPWAY_ACCEL=tcg refused 6 appliance-start "$good"
says 'the appliance ended by itself'
SLIPWAY_ACCEL=fast refused 2 accel "$good"
says 'kvm or tcg'
if [ ! -w /dev/kvm ] || [ "$user" != "$(id -un)" ]; then
	SLIPWAY_ACCEL=kvm refused 6 kvm "$good"
	says '/dev/kvm cannot be used'
fi

# A /dev/kvm that can be opened: it is used, or found not to work within seconds, and a line says so.
if [ "$(id -u)" -eq 0 ] && [ -c /dev/kvm ]; then
	groups=--groups=$(stat -c %g /dev/kvm) start --output "$work/out/kvm" "$good"
	await '"stage":"disk"'
	for ((i = 0; i < 80; i++)); do
		! grep -q '"note".*dev/kvm is there but does not work' "$work/progress" || break
		[[ $(processes) != *accel=kvm* ]] || break
		sleep 0.1
	done
	[ "$i" -lt 80 ] || fail "KVM was not decided upon within 8 s: $(< "$work/progress")"
	kill -TERM "$pid"
	ended 10
	[ "$status" -eq 130 ] || fail "exit $status, not 130"
	nothing_left "$work/out"
	clean
fi

# Places that cannot be written to.
touch "$work/out/file"
mkdir "$work/closed"
chmod 555 "$work/closed"
cannot() {
	local status=0 want=$1 id=$2
	shift 2
	slipway build --target-imgref "$target" --json --progress quiet "$good" "$@" \
		> "$work/stdout" 2> "$work/stderr" || status=$?
	[ "$status" -eq "$want" ] || fail "$*: exit $status, not $want: $(< "$work/stderr")"
	is_error "$want" "$id" "$(< "$work/stderr")"
	clean
}
cannot 6 directory --output "$work/out/file"
says "$work/out/file"
cannot 6 directory --output "$work/out/file/below"
cannot 6 output --output "$work/closed"
says "cannot write to the directory $work/closed: Permission denied"
cannot 6 directory --output "$work/closed/below"
SLIPWAY_CACHE=$work/closed cannot 6 cache --output "$work/out/new"
says "cannot open $work/closed/lock"
SLIPWAY_CACHE=$work/out/file cannot 6 directory --output "$work/out/new"
nothing_left "$work/out/new" "$work/closed"
[ -f "$work/out/file" ] || fail "the file is gone"
rm "$work/out/file"
install -d -o "$user" "$work/out/taken" "$work/out/taken/image/disk.raw"
touch "$work/out/taken/qcow2"
cannot 6 output --type raw --output "$work/out/taken"
says 'image/disk.raw is in the way'
cannot 6 output --type qcow2 --output "$work/out/taken"
says 'qcow2 is in the way'
rm -r "$work/out/taken"

# A kernel for the appliance that cannot be read, as Ubuntu's cannot, or none.
if [ "$(id -u)" -eq 0 ]; then
	# with_boot DIRECTORY: the user's slipway sees that as /boot.
	with_boot() {
		local boot=$1 status=0
		# shellcheck disable=SC2016 # the inner shell expands it
		(cd "$work" && unshare --mount -- bash -euc 'mount --bind "$1" /boot; shift; exec "$@"' - "$boot" \
			setpriv --reuid "$user" --regid "$(id -g "$user")" --clear-groups \
			env HOME="$work" TMPDIR="$work/tmp" SLIPWAY_CACHE="$work/cache" LIBGUESTFS_CACHEDIR=/var/tmp \
			"$slipway" build "$good" --target-imgref "$target" --output "$work/out/new" --json \
			--progress quiet > "$work/stdout" 2> "$work/stderr") || status=$?
		[ "$status" -eq 6 ] || fail "exit $status with $boot as /boot: $(< "$work/stderr")"
		clean
	}
	mkdir "$work/boot"
	with_boot "$work/boot"
	is_error 6 kernel-missing "$(< "$work/stderr")"
	echo kernel > "$work/boot/vmlinuz-6.8.0-1-generic"
	chmod 600 "$work/boot/vmlinuz-6.8.0-1-generic"
	with_boot "$work/boot"
	is_error 6 kernel-unreadable "$(< "$work/stderr")"
	says 'sudo chmod 0644 /boot/vmlinuz-6.8.0-1-generic'
fi
cache_is_good
