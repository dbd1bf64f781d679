#!/bin/bash
# SPDX-License-Identifier: MIT
# usage: tests/integration/test-refuse.sh
# Images that cannot be installed: one line that says why, the right exit status, nothing left
# behind. fixtures/expected/refuse.txt has a line for each: REASON STATUS PATTERN.
set -euo pipefail
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

images=$(layout refuse)
expected=$top/fixtures/expected/refuse.txt
refused=0
while read -r reason status pattern; do
	case $reason in '#'* | '') continue ;; esac
	expect_error "$status" "$pattern" build "oci:$images/refuse-$reason" --progress quiet \
		--target-imgref registry.example/fixture:1 --output "$work/out"
	nothing_left "$work/out"
	echo "refused $reason: $(sed 's/.*latest: //' "$work/stderr")"
	refused=$((refused + 1))
done < "$expected"
[ "$refused" -eq "$(find "$images" -mindepth 1 -maxdepth 1 -name 'refuse-*' | wc -l)" ] ||
	fail "not every image of fixtures/refuse.py has a line in $expected"
slipway plan "oci:$images/minimal" --target-imgref registry.example/fixture:1 > /dev/null ||
	fail "the good image is refused, too"
