#!/bin/bash
# SPDX-License-Identifier: MIT
# usage: tests/boot/test-ext4.sh
# An ext4 root: the raw disk over UEFI, the qcow2 of it over BIOS.
set -euo pipefail
# shellcheck source=tests/boot/lib.sh
. "$(dirname "$0")/lib.sh"

build_disk debian-bootc --type raw --type qcow2
boot_and_check ext4 no "$work/out/image/disk.raw"
boot_and_check ext4 no "$work/out/qcow2/disk.qcow2" --bios
