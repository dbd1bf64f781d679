#!/bin/bash
# SPDX-License-Identifier: MIT
# usage: tests/integration/test-selinux.sh
# Labels of a root that the appliance unpacks, judged by matchpathcon; then some are broken, which must be
# named. (tests/boot/test-selinux.sh looks at a root that the host writes.)
set -euo pipefail
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

reference=$(pushed debian-bootc-selinux)
slipway build "$reference" --tls-verify=false --progress plain --output "$work/out" --type raw --rootfs xfs
disk=$work/out/image/disk.raw
"$top/tests/labels.py" "$disk"

export LIBGUESTFS_BACKEND=direct LIBGUESTFS_BACKEND_SETTINGS=force_tcg
deployment=$(jq -r '.deployment | "ostree/deploy/\(.stateroot)/deploy/\(.commit).0"' "$work/out/manifest.json")
as_root guestfish -a "$disk" -m /dev/sda4 -m /dev/sda3:/boot <<- FISH
	lremovexattr security.selinux /$deployment/etc/hostname
	lsetxattr security.selinux system_u:object_r:usr_t:s0 26 /$deployment/etc/shadow
	lremovexattr security.selinux /boot/loader.1/entries/ostree-1.conf
FISH
status=0
"$top/tests/labels.py" "$disk" DEPLOYMENT/etc /boot/loader.1 > "$work/named" || status=$?
[ $status -eq 1 ] || fail "the broken disk: exit $status"
[ "$(sed -E 's|^/ostree/deploy/[^/]*/deploy/[^/]*||' "$work/named" | sed '$d' | sort)" = "$(
	echo "/boot/loader.1/entries/ostree-1.conf: no label, should be system_u:object_r:boot_t:s0"
	echo "/etc/hostname: no label, should be system_u:object_r:net_conf_t:s0"
	echo "/etc/shadow: system_u:object_r:usr_t:s0, should be system_u:object_r:shadow_t:s0"
)" ] || fail "named: $(< "$work/named")"
