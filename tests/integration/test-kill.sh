#!/bin/bash
# SPDX-License-Identifier: MIT
# usage: tests/integration/test-kill.sh
# SIGKILL in each stage, one after the other into the same output directory: all that slipway had started ends, no
# record names what is not there, the cache is in order, the next run clears up and works.
set -euo pipefail
# shellcheck source=tests/integration/faults.sh
. "$(dirname "$0")/faults.sh"
out=$work/out/killed

# killed WHEN: does it to the build that has been started, after a look at what is left of earlier ones.
killed() {
	local i left
	[ "$(find "$out" -name '.slipway-*' -prune | wc -l)" -le 1 ] || fail "$1: not reclaimed: $(ls -A "$out")"
	left=$(dead_scratch)
	[ -z "$left" ] || fail "$1: not reclaimed: $left"
	kill -KILL "$pid"
	ended 5
	# libguestfs's recovery process looks every other second.
	for ((i = 0; i < 100; i++)); do
		left=$(processes)
		[ "$left" ] || break
		sleep 0.1
	done
	[ -z "$left" ] || fail "$1: still runs: $left"
	[ -z "$(ls -A "$work/tmp")" ] || fail "$1: left behind in TMPDIR: $(ls -A "$work/tmp")"
	[ ! -e "$out/manifest.json" ] || whole "$out"
	[ ! -e "$work/cache/repo/objects" ] ||
		ostree fsck --quiet --repo="$work/cache/repo" > "$work/fsck" 2>&1 || fail "$1: $(< "$work/fsck")"
	say "killed: $1"
}

start --output "$out" "$good"
await '"stage":"prepare"'
killed prepare

lying_registry "$images/minimal" --fault slow:50
start --output "$out" --tls-verify=false "docker://$registry/os"
await '"stage":"source"'
sleep 1
killed 'source, fetching'

big_image "$work/noise" 200
start --output "$out" "oci:$work/noise:latest"
await '"stage":"source"'
sleep 0.5
killed 'source, importing'

start --output "$out" "oci:$work/noise:latest"
await '"stage":"disk"'
killed 'disk, on the host'
[ "$(du -sm "$work/cache" | cut -f1)" -lt 300 ] || fail "the cache keeps what a killed import left"

start --output "$out" --rootfs xfs "oci:$work/noise:latest"
await_appliance
killed 'disk, in the appliance'

start --output "$out" --type raw --type qcow2 "oci:$work/noise:latest"
await '"stage":"format"'
killed format

# This stage takes a moment only: it is stopped in it first, and sometimes over before that.
for _ in 1 2 3 4 5; do
	start --output "$out" --type raw --type qcow2 "oci:$work/noise:latest"
	await '"stage":"store"'
	! kill -STOP "$pid" 2> /dev/null || break
	ended 5
done
killed store

slipway build --target-imgref "$target" --output "$out" --type raw --type qcow2 "$good" \
	> "$work/stdout" 2> "$work/stderr" || fail "the next run fails: $(< "$work/stderr")"
whole "$out"
[ -z "$(find "$out" -name '.slipway-*')" ] || fail "not reclaimed: $(ls -A "$out")"
clean
cache_is_good
