#!/bin/bash
# SPDX-License-Identifier: MIT
# Disks that are there into other types: the same disk comes out, complete or not at all.
set -euo pipefail
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
need qemu-img

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
slipway convert out/image/disk.raw -t raw -o out > "$work/stdout"
same "$work/out/image/disk.raw" raw
[ "$(grep -A 1 '^# to use' "$work/stdout")" = "# to use the raw:
sudo bmaptool copy out/image/disk.raw /dev/sdX" ] || fail "how to use it: $(< "$work/stdout")"
! grep -q qcow2 "$work/out/SHA256SUMS" "$work/out/manifest.json" || fail "the record names what was not made"

# image NAME OPTIONS [ARGUMENT...]: what qemu-img makes of the disk, and what is read of it.
image() {
	local name=$1 options=$2
	shift 2
	qemu-img convert -f raw -O qcow2 -o "$options" "$@" "$disk" "$work/$name.qcow2"
	chmod 644 "$work/$name.qcow2"
	slipway convert "$name.qcow2" -t raw -t qcow2 -o from --progress quiet > "$work/stdout"
	same "$work/from/image/disk.raw" raw
	same "$work/from/qcow2/disk.qcow2" qcow2
}

say "qcow2 images are read: old and new, plain and compressed, with any clusters"
image v2 compat=0.10
image v2-zlib compat=0.10,cluster_size=512 -c
image v3 compat=1.1,lazy_refcounts=on,cluster_size=2M
image zlib cluster_size=4k -c
image zlib-large cluster_size=2M -c
image zstd compression_type=zstd -c
image zstd-small compression_type=zstd,cluster_size=512 -c
image full preallocation=metadata
# A snapshot, clusters of zeros and an odd size.
qemu-img snapshot -c before "$work/v3.qcow2"
qemu-io -c 'write -z 41M 3M' -c 'write -P 0x33 100M 70000' -c 'discard 45M 2M' "$work/v3.qcow2" > "$work/stdout"
qemu-img resize -q "$work/v3.qcow2" $((210 * 1048576 + 512))
slipway convert v3.qcow2 -t raw -o changed --progress quiet > "$work/stdout"
qemu-img compare -q -f qcow2 -F raw "$work/v3.qcow2" "$work/changed/image/disk.raw" || fail "a changed image is not the disk"

say "images that reach for other files, or that are none, are refused"
refused() {
	chmod 644 "$work/$1"
	expect_error 8 "$2" convert --progress quiet "$1" -o new
}
qemu-img create -q -f qcow2 -b "$work/v2.qcow2" -F qcow2 "$work/backing.qcow2"
refused backing.qcow2 'has a backing file'
qemu-img create -q -f qcow2 -o data_file="$work/data",data_file_raw=on "$work/external.qcow2" 10M
refused external.qcow2 'has its data in another file'
qemu-img create -q -f qcow2 -o extended_l2=on "$work/sub.qcow2" 10M
refused sub.qcow2 'has subclusters'
qemu-img create -q --object secret,id=s,data=x -f qcow2 -o encrypt.format=luks,encrypt.key-secret=s,encrypt.iter-time=10 \
	"$work/secret.qcow2" 10M
refused secret.qcow2 'is encrypted'
qemu-img convert -f raw -O vmdk "$disk" "$work/other.vmdk"
refused other.vmdk 'is a VMDK file: only raw disks and qcow2 images are read'
head -c 1000000 "$work/v2.qcow2" > "$work/cut.qcow2"
refused cut.qcow2 'damaged'
cp "$work/v2.qcow2" "$work/version.qcow2"
printf '\004' | dd of="$work/version.qcow2" bs=1 seek=7 conv=notrunc status=none
refused version.qcow2 'has version 4'
cp "$work/zstd.qcow2" "$work/features.qcow2"
printf '\200' | dd of="$work/features.qcow2" bs=1 seek=72 conv=notrunc status=none
refused features.qcow2 'features that are not known here: bits 0x8000000000000000'

say "what cannot be done is said before anything is touched"
expect_error 8 'cannot open the disk nothing: No such file' convert --progress quiet nothing -o new
expect_error 8 'is neither a file nor a block device' convert --progress quiet /dev/null -o new
: > "$work/empty"
expect_error 8 'the disk empty is empty' convert --progress quiet empty -o new
expect_error 2 'level is not from 1 to 9' convert --progress quiet "$disk" --option qcow2.level=0 -o new
expect_error 2 'type tar is made of the files of an image, not of a disk' convert --progress quiet "$disk" -t tar -o new
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
