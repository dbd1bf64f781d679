#!/bin/bash
# SPDX-License-Identifier: MIT
# usage: tests/boot/test-formats.sh
# One disk in the formats of other virtual machines: each boots over UEFI. (test-ext4.sh has the qcow2.)
set -euo pipefail
# shellcheck source=tests/boot/lib.sh
. "$(dirname "$0")/lib.sh"

build_disk debian-bootc --type vmdk --type vhd --type vhdx --type vdi
{
	printf 'rootfs=ext4 composefs=no origin=%q\n' "ostree-unverified-registry:$reference"
	cat "$top/tests/boot/guest.sh"
	echo verdict
} > "$work/check"
for disk in vmdk/disk.vmdk vpc/disk.vhd vhdx/disk.vhdx vdi/disk.vdi; do
	"$top/tests/boot/boot" --key "$work/key" --log "$work/serial.${disk##*.}" "$work/out/$disk" "$work/check"
done
