#!/bin/bash
# SPDX-License-Identifier: MIT
# usage: tests/boot/test-iso.sh
# The installation medium: what other programs say of it; installations from file to file, and refusals; then as a
# CD over UEFI onto an empty disk, which boots alone, and as a stick over BIOS, where that disk is refused.
set -euo pipefail
# shellcheck source=tests/boot/lib.sh
. "$(dirname "$0")/lib.sh"
need xorriso isoinfo cpio sgdisk

iso=$work/out/bootiso/install.iso
installer=$work/parts/usr/lib/slipway/installer

# A second key, of which the build knows nothing but by the option.
ssh-keygen -q -t ed25519 -N '' -C 'second key' -f "$work/second"
options=(--option iso.install=auto --option iso.end=poweroff --option iso.timeout=1 --option iso.hostname=edge-7
	--option iso.karg='fixture.iso=1 fixture.more=a,b' --option "iso.ssh-key=$(< "$work/second.pub")")
build_disk debian-bootc --type raw --type iso "${options[@]}"

look_at_medium() {
	local report size
	report=$(xorriso -indev "$iso" -report_el_torito plain -report_system_area plain 2> "$work/xorriso.log")
	grep -q '^El Torito boot img :   1  BIOS ' <<< "$report" || fail "no BIOS image: $report"
	grep -q '^El Torito boot img :   2  UEFI ' <<< "$report" || fail "no UEFI image: $report"
	grep -q '^System area summary: MBR protective-msdos-label grub2-mbr .*GPT' <<< "$report" || fail "no stick: $report"
	isoinfo -d -i "$iso" | grep -qx 'Volume id: SLIPWAY-INSTALL' || fail "another volume id"
	sgdisk -v "$iso" > "$work/sgdisk.log" || fail "$(< "$work/sgdisk.log")"
	# Kernel, initramfs, installer, GRUB and the EFI programs; the rest is the payload.
	size=$(stat -c %s "$iso")
	[ "$size" -le $(($(zstd -q -c -T0 "$work/out/image/disk.raw" | wc -c) + 80 * 1024 * 1024)) ] ||
		fail "the medium has $size bytes"
}

take_installer() {
	mkdir "$work/parts"
	xorriso -osirrox on -indev "$iso" -extract /boot/installer.img "$work/parts/installer.img" 2> "$work/xorriso.log"
	(cd "$work/parts" && cpio -i -d --quiet < installer.img)
	[ "$(stat -c %s "$installer")" -le $((2 * 1024 * 1024)) ] || fail "the installer is larger than 2 MiB"
}

# refuses ID TARGET MEDIUM [ARGUMENTS]: the installation must end with that failure.
refuses() {
	! "$installer" "$3" "$2" "${4:-}" > "$work/installer.log" || fail "$1: not refused"
	grep -q "slipway: FAILED: $1: " "$work/installer.log" || fail "not $1: $(tail -n 1 "$work/installer.log")"
}

install_to_files() {
	local peak place size
	size=$(stat -c %s "$work/out/image/disk.raw")
	truncate -s "$size" "$work/target"
	peak=$(python3 -c 'import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)' "$installer" "$iso" "$work/target")
	say "the installer took $peak KiB"
	[ "$peak" -le $((128 * 1024)) ] || fail "the installer took $peak KiB"
	cmp "$work/target" "$work/out/image/disk.raw"
	refuses disk-not-empty "$work/target" "$iso"
	truncate -s $((size - 1024 * 1024)) "$work/target"
	refuses disk-too-small "$work/target" "$iso" slipway.wipe
	rm "$work/target"
	# In the middle of the last partition: that is in a frame.
	cp "$iso" "$work/damaged.iso"
	place=$(sgdisk -i 3 "$iso" | sed -n 's/^First sector: \([0-9]*\) .*/\1/p')
	printf '\xff\xfe\xfd\xfc' |
		dd of="$work/damaged.iso" bs=1 seek=$((place * 512 + 50000000)) conv=notrunc status=none
	truncate -s "$size" "$work/target"
	refuses payload-corrupted "$work/target" "$work/damaged.iso"
	grep -q 'frame [0-9]* of the image is damaged' "$work/installer.log" || fail "$(< "$work/installer.log")"
	rm "$work/target" "$work/damaged.iso"
}

# The same disk and options: the same bytes, but a disk alone has no GRUB for BIOS.
same_bytes() {
	local i
	for i in 1 2; do
		slipway convert "$work/out/image/disk.raw" --type iso --output "$work/out/$i" --progress quiet \
			"${options[@]}" > "$work/stdout"
	done
	cmp "$work/out/1/bootiso/install.iso" "$work/out/2/bootiso/install.iso"
	rm -r "$work/out/1" "$work/out/2"
	expect_error 2 'volume-id' convert "$work/out/image/disk.raw" --progress quiet --output "$work/out/3" \
		--type iso --option iso.volume-id=a/b
	expect_error 2 'hostname: "a;b" is not' convert "$work/out/image/disk.raw" --progress quiet \
		--output "$work/out/3" --type iso --option iso.hostname='a;b'
	truncate -s 8M "$work/out/empty"
	expect_error 8 'no partition table' convert "$work/out/empty" --progress quiet --type iso --output "$work/out/3"
	nothing_left "$work/out/3"
}

look_at_medium
take_installer
install_to_files
same_bytes

disk=$work/installed.raw
truncate -s 4G "$disk"
"$top/tests/boot/install" --log "$work/serial.install" "$iso" "$disk" 'slipway: INSTALLED: /dev/vda'
{
	printf 'rootfs=ext4 composefs=no origin=%q\n' "ostree-unverified-registry:$reference"
	cat "$top/tests/boot/guest.sh"
	cat <<- 'CHECKS'
		check "hostname" same "$(hostname)" edge-7
		check "kernel arguments of the installation" has_word fixture.iso=1 "$cmdline"
		check "all of them" has_word fixture.more=a,b "$cmdline"
		check "both keys" same "$(awk '{ print $NF }' /root/.ssh/authorized_keys | tr '\n' ' ')" "fixture key "
		check "the root fills the disk" test "$(df --output=size -B M /sysroot | tr -dc 0-9)" -gt 2300
		verdict
	CHECKS
} > "$work/check"
"$top/tests/boot/boot" --key "$work/second" --log "$work/serial.disk" "$disk" "$work/check"
"$top/tests/boot/install" --bios --stick --log "$work/serial.stick" "$iso" "$disk" \
	'slipway: FAILED: disk-not-empty: /dev/vda '
