#!/bin/bash
# SPDX-License-Identifier: MIT
# usage: tests/integration/test-formats.sh
# A whole system's disk through every row of the conformance suite: each format with each of its options, read
# back by programs that are not ours.  (The disk has whole GiB: ami and gce would move its backup table.)
set -euo pipefail
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

slipway build "oci:$(layout debian-bootc):latest" --target-imgref registry.example.com/debian-bootc:latest -t raw \
	--size 4G -o out --progress quiet > /dev/null
TMPDIR=$work SW_TEST_DISK=$work/out/image/disk.raw \
	"$(dirname "${SLIPWAY:-$top/build/src/slipway}")/../tests/conformance-formats" > "$work/log" 2>&1 ||
	fail "the suite: $(tail -n 5 "$work/log")"
rows=$(grep -cE '^ok .*/given-disk$' "$work/log")
[ "$rows" -ge 20 ] || fail "only $rows rows were read back"
