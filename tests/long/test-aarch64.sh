#!/bin/bash
# SPDX-License-Identifier: MIT
# usage: tests/long/test-aarch64.sh
# A disk for aarch64, of an image whose programs nobody here can run: the layout, the ESP's programs, a boot.
set -euo pipefail
# shellcheck source=tests/boot/lib.sh
. "$(dirname "$0")/../boot/lib.sh"

need qemu-system-aarch64
image=$("$top/fixtures/aarch64")
reference=oci:$image:latest
expect_error 5 'arm64.*amd64' build "$reference" --target-imgref registry.example.com/fixture:1 --output "$work/out" \
	--progress quiet
build_reference --target-arch arm64 --target-imgref registry.example.com/fixture:1 --karg console=ttyAMA0 --type raw

disk=$work/out/image/disk.raw
[ "$(sgdisk -p "$disk" | awk '/^ +[0-9]/ { print $6 $7 }' | tr '\n' ' ')" = "EF00EFI-SYSTEM EA00boot 8305root " ] ||
	fail "partitions: $(sgdisk -p "$disk")"
dd if="$disk" of="$work/esp" bs=1M skip=1 count=512 status=none conv=sparse
fsck.fat -n "$work/esp" > /dev/null
for file in BOOT/BOOTAA64.EFI BOOT/grubaa64.efi debian/shimaa64.efi debian/grub.cfg; do
	mdir -i "$work/esp" "::EFI/$file" > /dev/null || fail "the ESP lacks EFI/$file"
done
{
	sed '/^cmdline=/,$d' "$top/tests/boot/guest.sh"
	cat <<- 'GUEST'
		check "all units are up" up
		check "processor" same "$(uname -m)" aarch64
		check "kernel argument" has_word fixture.flag=1 "$(cat /proc/cmdline)"
		check "deployment" ostree admin status
		check "origin" grep -rqx container-image-reference=ostree-unverified-registry:registry.example.com/fixture:1 \
			/ostree/deploy/default/deploy --include='*.origin'
		check "root's type" same "$(lsblk -no PARTTYPE "$(findmnt -no SOURCE /sysroot)")" \
			b921b045-1df0-41c3-af44-4c6f280d3fae
		check "/boot is mounted" test -f /boot/loader/entries/ostree-1.conf
		check "/var has the image's content" test -f /var/lib/slipway-fixture/base
		verdict
	GUEST
} > "$work/check"
"$top/tests/boot/boot" --aarch64 --key "$work/key" --log "$work/serial" "$disk" "$work/check"
