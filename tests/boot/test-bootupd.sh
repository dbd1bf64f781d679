#!/bin/bash
# SPDX-License-Identifier: MIT
# usage: tests/boot/test-bootupd.sh
# The image's own bootupd installs the bootloader. One that is told a device, with the old layout of its
# payload, over UEFI: the firmware finds shim, its fallback program the vendor's directory, GRUB there
# the loader entries. One that is told a filesystem, with the new layout and without the UUID of /boot,
# over BIOS. In the machine bootupctl itself says whether what it knows is what lies on the disk.
set -euo pipefail
# shellcheck source=tests/boot/lib.sh
. "$(dirname "$0")/lib.sh"

# check_bootupd IMAGE CONFIGURATION ARGUMENT...: builds a disk of it and boots that. CONFIGURATION: uuid
# or static.
check_bootupd() {
	local image=$1 configuration=$2
	shift 2
	rm -rf "$work/key" "$work/key.pub" "$work/out"
	install -d -o "$user" "$work/out"
	build_disk "$image" --type raw
	{
		printf 'rootfs=ext4 composefs=yes origin=%q configuration=%q\n' \
			"ostree-unverified-registry:$reference" "$configuration"
		cat "$top/tests/boot/guest.sh"
		cat <<- 'CHECKS'
			status() {
				bootupctl status --json | tr -d ' \n' > /tmp/status && cat /tmp/status &&
					grep -q '"BIOS":{.*"EFI":{' /tmp/status
			}
			uuid_of_boot() {
				if [ "$configuration" = uuid ]; then
					grep -F "$(findmnt -n -o UUID /boot)" /boot/grub2/bootuuid.cfg
				else
					test ! -e /boot/grub2/bootuuid.cfg
				fi
			}
			check "bootupctl status" status
			check "bootupctl validate" bootupctl validate
			check "static configuration" grep -q 'do not edit' /boot/grub2/grub.cfg
			check "bootuuid.cfg" uuid_of_boot
			check "GRUB's environment" grub-editenv /boot/grub2/grubenv list
			check "ostree leaves GRUB alone" grep -x bootloader=none /ostree/repo/config
			verdict
		CHECKS
	} > "$work/check"
	"$top/tests/boot/boot" --key "$work/key" "$@" "$work/out/image/disk.raw" "$work/check"
}

check_bootupd debian-bootc-bootupd uuid
check_bootupd debian-bootc-bootupd-efi static --bios
