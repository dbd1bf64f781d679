#!/bin/bash
# SPDX-License-Identifier: MIT
# usage: tests/boot/test-btrfs.sh
# A btrfs root, though the image asks for ext4.
set -euo pipefail
# shellcheck source=tests/boot/lib.sh
. "$(dirname "$0")/lib.sh"

build_disk debian-bootc --rootfs btrfs
verified "$work/out/qcow2/disk.qcow2"
boot_and_check btrfs no "$work/out/qcow2/disk.qcow2"
