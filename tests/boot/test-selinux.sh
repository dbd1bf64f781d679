#!/bin/bash
# SPDX-License-Identifier: MIT
# usage: tests/boot/test-selinux.sh
# An image with a policy: every file of the disk has its label, and the machine runs with the policy.
set -euo pipefail
# shellcheck source=tests/boot/lib.sh
. "$(dirname "$0")/lib.sh"

build_disk debian-bootc-selinux --type raw
disk=$work/out/image/disk.raw
"$top/tests/labels.py" "$disk"
{
	printf 'rootfs=ext4 composefs=no origin=%q mode=Permissive\n' "ostree-unverified-registry:$reference"
	cat "$top/tests/boot/guest.sh" "$top/tests/boot/selinux.sh"
	echo verdict
} > "$work/check"
"$top/tests/boot/boot" --key "$work/key" --log "$work/serial" "$disk" "$work/check"
