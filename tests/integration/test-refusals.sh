#!/bin/bash
# SPDX-License-Identifier: MIT
# usage: tests/integration/test-refusals.sh
# What scripts see of a refused image (test-refuse.sh has what people see): the id of the error, nothing left
# running, an output directory as it was, a cache that is as good as before.
set -euo pipefail
# shellcheck source=tests/integration/faults.sh
. "$(dirname "$0")/faults.sh"

while read -r status id reason; do
	refused "$status" "$id" "oci:$images/refuse-$reason:latest"
	say "refused $reason: $id"
done <<- 'TABLE'
	5 bootc-label not-bootc
	5 architecture wrong-arch
	5 kernel no-kernel
	5 kernel two-kernels
	5 root-filesystem no-rootfs
	5 path dotdot
	5 path absolute
	5 device device
	5 hardlink hardlink-nowhere
	4 digest wrong-digest
	4 diff-id wrong-diffid
	4 digest short-blob
	4 compression truncated-gzip
	4 tar truncated-tar
	4 config config-garbage
TABLE
refused 4 image-not-found "oci:$images/nowhere:latest"
refused 4 image-not-found "oci:$images/minimal:no-such-tag"

# Refused before anything is made.
refused 3 document -f /nowhere/build.yaml "$good"
refused 2 bad-value --size 3 "$good"

# What an earlier build left stays.
mkdir -p "$work/out/kept/qcow2"
echo old | tee "$work/out/kept/qcow2/disk.qcow2" > "$work/out/kept/manifest.json"
chown -R "$user" "$work/out/kept"
before=$(cd "$work/out/kept" && find . -printf '%p %y %m %u %s %T@\n' | LC_ALL=C sort)
status=0
slipway build --target-imgref "$target" --output "$work/out/kept" "oci:$images/refuse-no-kernel:latest" \
	2> "$work/stderr" || status=$?
[ "$status" -eq 5 ] || fail "exit $status, not 5"
after=$(cd "$work/out/kept" && find . -mindepth 1 -printf '%p %y %m %u %s %T@\n' | LC_ALL=C sort)
[ "$(tail -n +2 <<< "$before")" = "$after" ] || fail "the output directory was $before and is $after"
clean

# Directories above the output go, too, when they were made for it.
status=0
slipway build --target-imgref "$target" --output "$work/out/a/b/c" "oci:$images/refuse-no-kernel:latest" \
	2> "$work/stderr" || status=$?
[ "$status" -eq 5 ] || fail "exit $status, not 5"
nothing_left "$work/out/a"
[ ! -e "$work/out/a" ] || fail "left behind: $(find "$work/out/a")"
cache_is_good
