#!/bin/bash
# SPDX-License-Identifier: MIT
# usage: tests/boot/test-configured.sh
# An image that configures its installation in every way, from a directory; composefs with fs-verity, which
# the kernel then demands of every file.
set -euo pipefail
# shellcheck source=tests/boot/lib.sh
. "$(dirname "$0")/lib.sh"

cp -R "$(layout debian-bootc-composefs)" "$work/image"
reference=oci:$work/image:latest
target=registry.example.com/org/fleet:1
expect_error 2 '--target-imgref REF$' build "$reference" --output "$work/out"
slipway inspect "$reference" --json --progress quiet > "$work/before.json"
python3 -B "$top/fixtures/configure.py" "$work/image" "$(jq -r .kernel "$work/before.json")"
chmod -R a+rX "$work/image"

expect_error 5 'registry\.example\.com/one:1.*--bound-images skip' build "$reference" --target-imgref "$target" \
	--output "$work/out" --progress quiet
expect_error 5 'verity.*--rootfs ext4' build "$reference" --target-imgref "$target" --rootfs xfs \
	--bound-images skip --output "$work/out" --progress quiet
slipway inspect "$reference" --json --progress quiet | jq -S .install_configuration > "$work/configuration.json"
diff - "$work/configuration.json" <<- 'JSON' || fail "another install configuration"
	{
	  "block": [
	    "direct"
	  ],
	  "boot-mount-spec": "LABEL=boot",
	  "bootloader": null,
	  "bootupd": null,
	  "discoverable-partitions": null,
	  "enforce-container-sigpolicy": true,
	  "filesystem": {
	    "root": {
	      "type": "ext4"
	    }
	  },
	  "karg-deletes": [
	    "fixture.deleted",
	    "fixture.install=1"
	  ],
	  "kargs": [
	    "fixture.install=1",
	    "fixture.spaces=\"a b\" fixture.second=1",
	    "fixture.deleted=1"
	  ],
	  "match-architectures": null,
	  "ostree": {
	    "bls-append-except-default": "fixture=1"
	  },
	  "root-fs-type": "ext4",
	  "root-mount-spec": "LABEL=root",
	  "stateroot": "fleet"
	}
JSON

echo '{"auths":{"registry.example.com":{"auth":"Zml4dHVyZTpzZWNyZXQ="}}}' > "$work/auth.json"
chmod 644 "$work/auth.json"
build_reference --target-imgref "$target" --target-authfile "$work/auth.json" --bound-images skip \
	--karg-delete fixture.second 2>&1 | tee "$work/log" >&2
grep -q 'begins without.*registry\.example\.com/one:1' "$work/log" || fail "not said: the bound image"
grep -q 'refuse to update.*policy\.json' "$work/log" || fail "not said: the policy"
! grep -rq Zml4dHVyZTpzZWNyZXQ "$work/log" "$work/out/manifest.json" || fail "the secret is told"

{
	sed '/^cmdline=/,$d' "$top/tests/boot/guest.sh"
	cat <<- 'GUEST'
		cmdline=$(cat /proc/cmdline)
		sealed() {
			find "$@" -type f -exec lsattr -d {} + > /tmp/attributes
			test -s /tmp/attributes
			same "$(cut -d ' ' -f 1 /tmp/attributes | grep -cv V)" 0
		}
		entry=/boot/loader/entries/ostree-1.conf
		deployment=$(find /ostree/deploy/fleet/deploy -mindepth 1 -maxdepth 1 -type d)
		kernel=$(dirname "$(sed -n 's/^linux //p' "$entry")")
		version=$(uname -r)
		check "all units are up" up
		check "kernel arguments" has_word "root=LABEL=root rw boot=LABEL=boot" "$cmdline"
		check "an argument with a blank" sh -c 'grep -E "fixture.spaces=\"?a b\"" /proc/cmdline'
		for gone in fixture.install=1 fixture.deleted=1 fixture.second=1 fixture.replaced=1 fixture.other-arch=1; do
			check "no $gone" fails has_word "$gone" "$cmdline"
		done
		check "stateroot" test -d /ostree/deploy/fleet/var/lib/slipway-fixture
		check "one stateroot" same "$(ls /ostree/deploy)" fleet
		check "origin" same "$(cat "$deployment.origin" | tr '\n' ' ')" \
			"[origin] container-image-reference=ostree-image-signed:docker://registry.example.com/org/fleet:1 "
		check "fstab" same "$(cat /etc/fstab)" "LABEL=boot /boot auto ro 0 0"
		check "/boot is read-only" has_option ro /boot
		check "credentials" same "$(stat -c '%a %u:%g' /etc/ostree/auth.json)" "600 0:0"
		check "credentials' text" grep -q Zml4dHVyZTpzZWNyZXQ= /etc/ostree/auth.json
		check "no path in the aleph file" fails grep -q '"image"' /sysroot/.bootc-aleph.json
		check "repository configuration" same \
			"$(ostree config --repo=/ostree/repo get sysroot.bls-append-except-default)" fixture=1
		check "deployment is immutable" grep -q i <<- ATTRIBUTES
			$(lsattr -d "$deployment" | cut -d ' ' -f 1)
		ATTRIBUTES
		check "device trees" same "$(sed -n 's/^fdtdir //p' "$entry")" "$kernel/dtb"
		check "kernel's checksum" same "/boot/ostree/fleet-$(cat "/usr/lib/modules/$version/vmlinuz" \
			"/usr/lib/modules/$version/initramfs.img" "$kernel/dtb/vendor/board.dtb" | sha256sum | cut -c 1-64)" "$kernel"
		check "kernel's HMAC" test -f "$kernel/.vmlinuz-$version.hmac"
		check "/ demands fs-verity" grep -q '^[^ ]* / overlay .*verity=require' /proc/mounts
		check "objects are sealed" sealed /ostree/repo/objects -name '*.file'
		check "repository's configuration is sealed" sealed /ostree/repo/config
		check ".ostree.cfs is sealed" sealed "$deployment/.ostree.cfs"
		check "what is sealed can be read" sh -c 'find /usr/bin /usr/sbin /usr/share/slipway-fixture -type f -exec cat {} + > /dev/null'
		verdict
	GUEST
} > "$work/check"
"$top/tests/boot/boot" --key "$work/key" --log "$work/serial" "$work/out/qcow2/disk.qcow2" "$work/check"
