#!/bin/bash
# SPDX-License-Identifier: MIT
# usage: tests/boot/test-composefs.sh
# An image that demands composefs: without .ostree.cfs it would stop in its initramfs.
set -euo pipefail
# shellcheck source=tests/boot/lib.sh
. "$(dirname "$0")/lib.sh"

build_disk debian-bootc-composefs
verified "$work/out/qcow2/disk.qcow2"
boot_and_check ext4 yes "$work/out/qcow2/disk.qcow2"
