#!/bin/bash
# SPDX-License-Identifier: MIT
# usage: tests/integration/test-concurrent.sh
# Two builds at once: over one cache, which is empty, both make the same disk; into one output directory, one of the two
# results is there in the end, whole.
set -euo pipefail
# shellcheck source=tests/integration/faults.sh
. "$(dirname "$0")/faults.sh"

# both WHAT ARGUMENT... -- ARGUMENT...: two builds with those, which must do.
both() {
	local what=$1 first
	local -a one=()
	shift
	while [ "$1" != -- ]; do
		one+=("$1")
		shift
	done
	shift
	suffix=.1 start "${one[@]}"
	first=$pid
	suffix=.2 start "$@"
	ended 240
	[ "$status" -eq 0 ] || fail "$what, the second: $(grep -v '^{' "$work/progress.2")"
	pid=$first
	ended 240
	[ "$status" -eq 0 ] || fail "$what, the first: $(grep -v '^{' "$work/progress.1")"
	clean
	say "both did: $what"
}

big_image "$work/noise" 40
both 'over one cache' --type raw --output "$work/out/one" "oci:$work/noise:latest" -- \
	--type raw --output "$work/out/two" "oci:$work/noise:latest"
whole "$work/out/one"
whole "$work/out/two"
cmp "$work/out/one/image/disk.raw" "$work/out/two/image/disk.raw" || fail "the disks differ"
cache_is_good

both 'into one directory' --karg one --type raw --type qcow2 --output "$work/out/same" "$good" -- \
	--karg two --type raw --type qcow2 --output "$work/out/same" "$good"
whole "$work/out/same"
[ -z "$(find "$work/out/same" -name '.slipway-*')" ] || fail "left behind: $(ls -A "$work/out/same")"
qemu-img compare "$work/out/same/image/disk.raw" "$work/out/same/qcow2/disk.qcow2" > "$work/stdout" ||
	fail "the artifacts are of two builds"
