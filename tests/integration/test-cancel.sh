#!/bin/bash
# SPDX-License-Identifier: MIT
# usage: tests/integration/test-cancel.sh
# Ctrl-C and SIGTERM in each stage: the build ends soon, says so in one line, and leaves nothing but the cache.
set -euo pipefail
# shellcheck source=tests/integration/faults.sh
. "$(dirname "$0")/faults.sh"
out=$work/out/cancelled

# cancelled WHEN: the build that has been started and told to end has done so.
cancelled() {
	local line
	ended 10
	line=$(grep -v '^{' "$work/progress" || true)
	[ "$status" -eq 130 ] || fail "$1: exit $status, not 130: $line"
	[ "$line" = 'slipway: cancelled' ] || fail "$1: says $line"
	is_error 130 cancelled "$line"
	nothing_left "$work/out"
	clean
	say "cancelled: $1"
}

# The keyboard's Ctrl-C goes to the whole process group.
press_ctrl_c() {
	kill -INT -- "-$pid"
}

start --output "$out" "$good"
await '"stage":"prepare"'
press_ctrl_c
cancelled prepare

lying_registry "$images/minimal" --fault slow:50
start --output "$out" --tls-verify=false "docker://$registry/os"
await '"stage":"source"'
sleep 1
kill -TERM "$pid"
cancelled 'source, fetching'
kill "$registry_pid"

lying_registry "$images/minimal" --fault hang-manifest
start --output "$out" --tls-verify=false "docker://$registry/os"
await '"stage":"source"'
sleep 1
press_ctrl_c
cancelled 'source, asking a registry that does not answer'
kill "$registry_pid"

big_image "$work/noise" 200
start --output "$out" "oci:$work/noise:latest"
await '"stage":"source"'
sleep 0.3
kill -TERM "$pid"
cancelled 'source, importing'

# libguestfs has to make its appliance first, which takes a while.
mkdir -m 1777 "$work/appliance"
LIBGUESTFS_CACHEDIR=$work/appliance start --output "$out" "$good"
await '"stage":"disk"'
sleep 2
press_ctrl_c
cancelled 'disk, making the appliance'
[ -z "$(find "$work/appliance" -name 'appliance.d.*')" ] || fail "half an appliance is left"

cat > "$work/bin/hanging-qemu" <<- 'SH'
	#!/bin/sh
	case "$*" in *guestfsd*) exec sleep 600 ;; *) exec qemu-system-x86_64 "$@" ;; esac
SH
chmod 755 "$work/bin/hanging-qemu"
LIBGUESTFS_HV=$work/bin/hanging-qemu SLIPWAY_ACCEL=tcg start --output "$out" "$good"
await '"step","stage":"disk"'
sleep 1
kill -TERM "$pid"
cancelled 'disk, with an appliance that hangs'

start --output "$out" "oci:$work/noise:latest"
await '"stage":"disk"'
press_ctrl_c
cancelled 'disk, on the host'

start --output "$out" --rootfs xfs "oci:$work/noise:latest"
await_appliance
kill -TERM "$pid"
cancelled 'disk, in the appliance'

start --output "$out" --type raw --type qcow2 "oci:$work/noise:latest"
await '"stage":"format"'
press_ctrl_c
cancelled format

# What moves the artifacts into place takes no time and is not left half done.
start --output "$out" --type raw --type qcow2 "oci:$work/noise:latest"
await '"stage":"store"'
kill -TERM "$pid"
ended 30
case $status in
0) whole "$out" ;;
130) nothing_left "$work/out" ;;
*) fail "store: exit $status: $(tail -n 3 "$work/progress")" ;;
esac
clean
say "cancelled: store, exit $status"
cache_is_good
