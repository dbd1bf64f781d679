#!/bin/bash
# SPDX-License-Identifier: MIT
# usage: tests/integration/test-artifacts.sh
# The artifacts that are more than a disk image, of one build, looked at by those who take them: bmaptool, zstd,
# GNU tar, the aws client's validation, unsquashfs; a tree against the image's layers.
set -euo pipefail
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
out=$work/out/artifacts

export PYTHONDONTWRITEBYTECODE=1
"$(dirname "$0")/rich_image.py" make "$work/image"
chmod -R a+rX "$work/image"
slipway build "oci:$work/image:latest" --target-imgref registry.example.com/rich:1 --output "$out" --progress quiet \
	--type raw --type ami --type gce --type tar --type netboot --option ami.name='a name' > "$work/stdout"
(cd "$out" && sha256sum --quiet --strict -c SHA256SUMS)
[ "$(cd "$out" && find . -type f | LC_ALL=C sort | tr '\n' ' ')" = "./SHA256SUMS ./ami/disk.raw ./ami/import-snapshot.json \
./ami/register-image.json ./gce/image.tar.gz ./image/disk.raw ./image/disk.raw.bmap ./manifest.json ./netboot/boot.ipxe \
./netboot/initramfs-6.0-fixture.img ./netboot/rootfs-6.0-fixture.squashfs ./netboot/vmlinuz-6.0-fixture ./tar/root.tar.zst " ] ||
	fail "the files are $(cd "$out" && find . -type f)"
disk=$out/image/disk.raw
[ $(($(stat -c %s "$disk") % 1073741824)) -eq 0 ] || fail "the disk has no whole GiB"

# ami and gce are the same disk.
cmp "$disk" "$out/ami/disk.raw"
for call in 'import-snapshot --disk-container' 'register-image --cli-input-json'; do
	read -r verb flag <<< "$call"
	AWS_DEFAULT_REGION=eu-central-1 aws ec2 "$verb" "$flag" "file://$out/ami/$verb.json" --generate-cli-skeleton output \
		> "$work/aws" 2>&1 || fail "aws refuses $verb.json: $(< "$work/aws")"
done
[ "$(jq -r '.Name, .Architecture, .BootMode, .EnaSupport' "$out/ami/register-image.json" | tr '\n' ' ')" = \
	"a name x86_64 uefi-preferred true " ] || fail "register-image.json: $(< "$out/ami/register-image.json")"
[ "$(tar -tf "$out/gce/image.tar.gz")" = disk.raw ] || fail "gce: $(tar -tf "$out/gce/image.tar.gz")"
mkdir "$work/gce"
tar -C "$work/gce" -xzf "$out/gce/image.tar.gz"
cmp "$disk" "$work/gce/disk.raw"
[ "$(stat -c %b "$work/gce/disk.raw")" -lt $(($(stat -c %b "$disk") + 2048)) ] || fail "gce: the disk is not sparse"

# The tree.
zstd -q -t "$out/tar/root.tar.zst"
zstd -q -d "$out/tar/root.tar.zst" -o "$work/root.tar"
"$(dirname "$0")/rich_image.py" compare "$work/image" "$work/root.tar" > "$work/differs" || fail "tar: $(< "$work/differs")"

# The squashfs has the same tree, and the rest comes from it.
mkdir "$work/tree"
as_root tar --xattrs --xattrs-include='*' --numeric-owner -C "$work/tree" -xpf "$work/root.tar"
as_root unsquashfs -q -n -d "$work/squashed" "$out/netboot/rootfs-6.0-fixture.squashfs" > /dev/null
# listing DIRECTORY: all that is there, with what is beside the content.
listing() {
	as_root find "$1" -printf '%P %y %m %U %G %l\n' | LC_ALL=C sort
	as_root getfattr -R -d -m - "$1" 2> /dev/null | sed "s#${1#/}##"
}
[ "$(listing "$work/tree")" = "$(listing "$work/squashed")" ] ||
	fail "squashfs: $(diff <(listing "$work/tree") <(listing "$work/squashed"))"
[[ $(listing "$work/squashed") == *'user.note="a note"'* ]] || fail "the squashfs has lost the xattr"
as_root diff -r --no-dereference "$work/tree" "$work/squashed"
for file in vmlinuz:vmlinuz-6.0-fixture initramfs.img:initramfs-6.0-fixture.img; do
	as_root cmp "$work/tree/usr/lib/modules/6.0-fixture/${file%%:*}" "$out/netboot/${file#*:}"
done
grep -q 'kernel vmlinuz-6.0-fixture initrd=initramfs-6.0-fixture.img root=live:' "$out/netboot/boot.ipxe" ||
	fail "boot.ipxe: $(< "$out/netboot/boot.ipxe")"

# The same again is the same bytes.
sums=$(< "$out/SHA256SUMS")
slipway build "oci:$work/image:latest" --target-imgref registry.example.com/rich:1 --output "$out" --progress quiet \
	--type tar --type netboot > "$work/stdout"
[ "$(grep -E 'tar/|netboot/' <<< "$sums")" = "$(< "$out/SHA256SUMS")" ] || fail "another build gives other files"
