#!/bin/bash
# SPDX-License-Identifier: MIT
# usage: tests/integration/test-build.sh
# A whole build from the registry, looked at by independent readers: bmaptool, sgdisk, e2fsck, fsck.fat, mtools,
# libguestfs, ostree, qemu-img; and a second build, which must fetch nothing.
set -euo pipefail
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

reference=$(pushed debian-bootc)
out=$work/out

build() {
	slipway build "$reference" --tls-verify=false --progress plain --output "$out" "$@"
}

# field FILTER: of manifest.json.
field() {
	jq -r "$1" "$out/manifest.json"
}

# partition NUMBER: its offset in bytes.
partition() {
	field ".disk.partitions[] | select(.number == $1) | .offset"
}

build --type raw --type qcow2 --json > "$work/result.json"
cmp "$work/result.json" "$out/manifest.json"
(cd "$out" && sha256sum --quiet -c SHA256SUMS)
[ "$(field .source.layers_fetched)" -eq "$(field '.source.layers | length')" ] || fail "not all layers were fetched"
[ -z "$(find "$out" -name '.*' -print -quit)" ] || fail "scratch is left in the output directory"

disk=$out/image/disk.raw
[ "$(field .disk.size)" -eq "$(stat -c %s "$disk")" ] || fail "manifest.json: another size than the disk's"

# All below is seen on a stick that was full of something else and got only what the block map says.
as_root bmaptool -q copy --bmap "$disk.bmap" "$disk" "$work/copy"
cmp "$disk" "$work/copy"
rm -f "$work/copy"
head -c "$(stat -c %s "$disk")" < <(tr '\0' '\377' < /dev/zero) > "$work/stick"
"$(dirname "$0")/flash.py" "$disk" "$work/stick"
disk=$work/stick

sgdisk -v "$disk" | grep -q 'No problems found' || fail "sgdisk finds problems: $(sgdisk -v "$disk")"
[ "$(sgdisk -p "$disk" | awk '/^ +[0-9]/ { print $6 $7 }' | tr '\n' ' ')" = \
	"EF02BIOS-BOOT EF00EFI-SYSTEM EA00boot 8304root " ] || fail "partitions: $(sgdisk -p "$disk")"
for number in 3 4; do
	e2fsck -fn "$disk?offset=$(partition $number)" > "$work/fsck" 2>&1 || fail "partition $number: $(< "$work/fsck")"
	[ "$(blkid -p -O "$(partition $number)" -s UUID -o value "$disk")" = \
		"$(field ".disk.partitions[$((number - 1))].uuid")" ] || fail "partition $number: another UUID"
done
dd if="$disk" of="$work/esp" bs=1M skip=$(($(partition 2) / 1048576)) count=512 status=none conv=sparse
fsck.fat -n "$work/esp" > /dev/null
for file in BOOT/BOOTX64.EFI BOOT/grubx64.efi debian/shimx64.efi debian/grubx64.efi debian/grub.cfg; do
	mdir -i "$work/esp" "::EFI/$file" > /dev/null || fail "the ESP lacks EFI/$file"
done

# An image without a policy gives no labels.
"$top/tests/labels.py" "$disk"

qemu-img check -q "$out/qcow2/disk.qcow2"
qemu-img compare -q "$out/image/disk.raw" "$out/qcow2/disk.qcow2"

# The disk's own repository, by upstream's reader, which must be root to see true owners.
disk_repo "$disk" "$work/repo"
as_root ostree fsck --quiet --repo="$work/repo"
commit=$(field .deployment.commit)
[ "$(ostree rev-parse --repo="$work/repo" ostree/1/1/0)" = "$commit" ] || fail "the deployment's ref"
[ "$(ostree refs --repo="$work/repo" --list ostree/container/blob | wc -l)" -eq \
	"$(field '.source.layers | length')" ] || fail "the layers' refs"
[ "$(ostree show --repo="$work/repo" --print-metadata-key=ostree.manifest-digest "$commit" | tr -d "'")" = \
	"$(field .source.manifest_digest)" ] || fail "the manifest's digest in the commit"

build --type raw
[ "$(field .source.layers_fetched)" -eq 0 ] || fail "the second build fetched layers again"
[ "$(field .deployment.commit)" = "$commit" ] || fail "the second build made another commit"
