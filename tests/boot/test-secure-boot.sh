#!/bin/bash
# SPDX-License-Identifier: MIT
# usage: tests/boot/test-secure-boot.sh
# With Secure Boot and Microsoft's keys: the signed shim, GRUB and kernel of the image. Then the machine's
# own ostree deploys a second system, which GRUB's menu must have, first, beside the old one.
set -euo pipefail
# shellcheck source=tests/boot/lib.sh
. "$(dirname "$0")/lib.sh"

build_disk debian-bootc --type raw
{
	printf 'rootfs=ext4 composefs=no origin=%q\n' "ostree-unverified-registry:$reference"
	cat "$top/tests/boot/guest.sh"
	cat <<- 'CHECKS'
		secure_boot() {
			same "$(od -An -tu1 -j4 -N1 /sys/firmware/efi/efivars/SecureBoot-*)" "   1" &&
				journalctl -k -b -o cat | grep 'Secure boot enabled'
		}
		deploy_second() {
			revision=$(ostree admin status | sed -n 's/^\* default \([0-9a-f]*\)\.0.*/\1/p')
			ostree --repo=/ostree/repo commit --branch=second --subject=second --tree=ref="$revision" &&
				ostree admin deploy --stage --karg-append=fixture.second=1 second
		}
		check "Secure Boot" secure_boot
		check "a second deployment" deploy_second
		verdict
	CHECKS
} > "$work/first"
{
	sed '/^check "all units/,/^fi$/d; /^secure_boot() {/,$d' "$work/first"
	cat <<- 'CHECKS'
		count_labels() {
			same "$(grep -c '^LABEL .*(ostree:[01])$' /boot/loader/syslinux.cfg)" 2 &&
				cat /boot/syslinux/syslinux.cfg
		}
		check "the second deployment runs" has_word fixture.second=1 "$(cat /proc/cmdline)"
		check "and is the first of two" count_labels
		check "ostree's status" sh -c 'test "$(ostree admin status | grep -c "^[* ] default [0-9a-f]")" -eq 2'
		check "all units are up" up
		verdict
	CHECKS
} > "$work/second"
"$top/tests/boot/boot" --secure-boot --key "$work/key" --log "$work/serial" "$work/out/image/disk.raw" \
	"$work/first" "$work/second"
for index in 0 1; do
	grep -qaF "(ostree:$index)" "$work/serial" || fail "GRUB's menu does not show deployment $index"
done
