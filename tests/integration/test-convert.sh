#!/bin/bash
# SPDX-License-Identifier: MIT
# Disks that are there into other types: the same disk comes out, complete or not at all.
set -euo pipefail
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
command -v qemu-img > /dev/null || skip "qemu-img is not installed"

# A disk with data at its beginning, in its middle and in its last sector.
disk=$work/edge.raw
truncate -s 200M "$disk"
for at in 0 65536 204799 409599; do
	printf 'sector %d' "$at" | dd of="$disk" bs=512 seek="$at" conv=notrunc status=none
done
dd if=/dev/urandom of="$disk" bs=1M count=20 seek=40 conv=notrunc status=none
chmod 644 "$disk"

same() {
	qemu-img compare -q -f raw -F "$2" "$disk" "$1" || fail "$1 is not the disk"
}

say "all types at once, with options"
slipway convert "$disk" -t raw -t qcow2 --option qcow2.compression=zstd --json -o out > "$work/json"
same "$work/out/image/disk.raw" raw
same "$work/out/qcow2/disk.qcow2" qcow2
cmp "$work/json" "$work/out/manifest.json"
(cd "$work/out" && sha256sum --quiet --strict -c SHA256SUMS)
qemu-img info --output=json "$work/out/qcow2/disk.qcow2" | grep -q '"compression-type": "zstd"' || fail "the option is not used"
[ "$(stat -c %b "$work/out/image/disk.raw")" -le $((22 * 2048)) ] || fail "holes are filled"

say "a disk may be replaced by what is made of it"
slipway convert out/image/disk.raw -t raw -o out
same "$work/out/image/disk.raw" raw
[ "$(wc -l < "$work/out/SHA256SUMS")" = 1 ] || fail "the record names what was not made"

say "what cannot be done is said before anything is touched"
expect_error 8 'cannot open the disk nothing: No such file' convert --progress quiet nothing -o new
expect_error 8 'is neither a file nor a block device' convert --progress quiet /dev/null -o new
: > "$work/empty"
expect_error 8 'the disk empty is empty' convert --progress quiet empty -o new
expect_error 2 'level is not from 1 to 9' convert --progress quiet "$disk" --option qcow2.level=0 -o new
expect_error 2 'convert needs an argument: slipway convert DISK' convert --progress quiet -o new
expect_error 6 "cannot make the directory" convert --progress quiet "$disk" -t raw -o "$work/bin/slipway"
nothing_left "$work/new"

say "nothing is left when the directory is full, or somebody cancels"
mkdir "$work/small"
if mount -t tmpfs -o size=2M,mode=777 none "$work/small" 2> /dev/null; then
	at_end 'umount "$work/small"'
	expect_error 6 'no space|No space' convert --progress quiet "$disk" -o small
	nothing_left "$work/small"
fi
status=0
(cd "$work" && as_user "$user" timeout --preserve-status -s INT 0.3 "$slipway" convert "$disk" -o gone \
	--option qcow2.level=9 --option qcow2.cluster-size=4K 2> /dev/null > "$work/stdout") || status=$?
if [ "$status" -eq 0 ]; then
	same "$work/gone/qcow2/disk.qcow2" qcow2
else
	[ "$status" -eq 130 ] || fail "a signal: exit $status, not 130"
	nothing_left "$work/gone"
fi
