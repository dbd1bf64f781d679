#!/bin/bash
# SPDX-License-Identifier: MIT
# usage: tests/integration/test-disk-full.sh
# A full disk, under the cache and under the output: found out before the work where it can be, and met in the
# middle of each stage. A build with space works afterwards.
set -euo pipefail
# shellcheck source=tests/integration/faults.sh
. "$(dirname "$0")/faults.sh"
[ "$(id -u)" -eq 0 ] || skip "needs root to mount small filesystems"

# small NAME SIZE: $work/NAME is a filesystem of that size.
small() {
	mkdir -p "$work/$1"
	mount -t tmpfs -o "size=$2,mode=755,uid=$(id -u "$user")" tmpfs "$work/$1"
	at_end "umount --lazy '$work/$1'"
}

# fill NAME: leaves no space there. It fails for as long as more is taken at the same time.
fill() {
	local i
	for ((i = 0; i < 100; i++)); do
		! mount -o "remount,size=$(($(df --output=used -k "$work/$1" | tail -n 1)))k" "$work/$1" 2> /dev/null ||
			return 0
	done
	fail "$work/$1 cannot be filled"
}

# full WHERE: the build that has been started has failed for want of space there.
full() {
	ended 60
	[ "$status" -eq 6 ] || fail "exit $status, not 6: $(tail -n 3 "$work/progress")"
	is_error 6 disk-full "$(grep -v '^{' "$work/progress")"
	[[ $(jq -r .error.message "$work/stdout") == *"$work/$1"* ]] || fail "says: $(jq -r .error.message "$work/stdout")"
	say "$(jq -r .error.message "$work/stdout")"
	clean
}

small cache 48M
setfattr -n user.fixture -v yes "$work/cache" || skip "this kernel's tmpfs has no user.* attributes"

# The layers are known to need more than the cache has.
big_image "$work/noise" 64
refused 6 disk-full "oci:$work/noise:latest"
grep -q "$work/cache.* free" "$work/stderr" || fail "says: $(< "$work/stderr")"
[ ! -d "$work/cache/repo/objects" ] || [ -z "$(find "$work/cache/repo/objects" -type f)" ] || fail "it began"

# A layer that is larger than anyone could know.
PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$top/fixtures python3 - "$work/zeros" <<- 'PY'
	import sys
	import refuse
	zeros = refuse.upper().file("usr/share/zeros", bytes(64 << 20))
	refuse.Image(sys.argv[1], [refuse.tree(), zeros]).save()
PY
chmod -R a+rX "$work/zeros"
refused 6 disk-full "oci:$work/zeros:latest"
say "$(< "$work/stderr")"
[ "$(stat -f -c '%a' "$work/cache")" -gt 2048 ] || fail "the cache stays full"
cache_is_good
mount -o remount,size=600M "$work/cache"
slipway plan --target-imgref "$target" "oci:$work/zeros:latest" > "$work/stdout" || fail "with space it does not work"

# The output has less than the disk is known to need, less than the disk turns out to need on the host, in the
# appliance, and for the artifacts.
small output 100M
output=$work/output/new refused 6 disk-full "$good"
nothing_left "$work/output"
say "$(< "$work/stderr")"

mount -o remount,size=400M "$work/output"
start --output "$work/output/new" --type raw --type qcow2 "oci:$work/noise:latest"
await '"stage":"disk"'
fill output
full output
mount -o remount,size=400M "$work/output"
nothing_left "$work/output"

start --output "$work/output/new" "$good"
await '"step","stage":"disk"'
fill output
full output
mount -o remount,size=400M "$work/output"
nothing_left "$work/output"

# libguestfs has to make its appliance first.
small appliance 50M
chmod 1777 "$work/appliance"
LIBGUESTFS_CACHEDIR=$work/appliance start --output "$work/output/new" "$good"
full appliance
nothing_left "$work/output"
[ -z "$(find "$work/appliance" -name 'appliance.d.*')" ] || fail "half an appliance is left"

# The appliance stops when it cannot write.
start --output "$work/output/new" --rootfs xfs "oci:$work/noise:latest"
await_appliance
fill output
full output
mount -o remount,size=400M "$work/output"
nothing_left "$work/output"

slipway build --target-imgref "$target" --output "$work/output/new" "$good" > "$work/stdout" 2> "$work/stderr" ||
	fail "with space it does not work: $(< "$work/stderr")"
whole "$work/output/new"
clean
