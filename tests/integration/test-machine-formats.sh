#!/bin/bash
# SPDX-License-Identifier: MIT
# Disks for other virtual machines, as readers see them that are neither ours nor QEMU's: libvmdk and libvhdi;
# the OVA as an archive, its manifest, and its descriptor as XML. (QEMU reads all in tests/conformance.)
set -euo pipefail
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
/usr/bin/python3 -c 'import pyvmdk, pyvhdi' 2> /dev/null || { missing "python3-libvmdk or python3-libvhdi" && exit 77; }

disk=$work/edge.raw
truncate -s 64M "$disk"
head -c 3000000 /dev/urandom | dd of="$disk" bs=1M seek=1 conv=notrunc iflag=fullblock status=none
printf '%05000000d' 7 | dd of="$disk" bs=1M seek=20 conv=notrunc iflag=fullblock status=none
printf 'the last sector' | dd of="$disk" bs=512 seek=131071 conv=notrunc status=none
chmod 644 "$disk"

# library_reads MODULE FILE: the library finds the same disk in it.
library_reads() {
	/usr/bin/python3 - "$1" "$2" "$disk" <<- 'PYTHON' || fail "$1 does not find the disk in $2"
		import importlib, sys
		module = importlib.import_module(sys.argv[1])
		file = module.handle() if hasattr(module, "handle") else module.file()
		file.open(sys.argv[2])
		if hasattr(file, "open_extent_data_files"):
		    file.open_extent_data_files()
		with open(sys.argv[3], "rb") as disk:
		    wanted = disk.read()
		sys.exit(file.get_media_size() != len(wanted) or file.read_buffer(len(wanted)) != wanted)
	PYTHON
}

say "libvmdk and libvhdi"
slipway convert "$disk" -t vmdk -t vhd -t vhdx -t ova -o out --progress quiet --option ova.name='A & "B"' \
	--option ova.cpus=3 --option ova.memory=3G --option ova.secure-boot=true > "$work/stdout"
library_reads pyvmdk "$work/out/vmdk/disk.vmdk"
library_reads pyvhdi "$work/out/vpc/disk.vhd"
library_reads pyvhdi "$work/out/vhdx/disk.vhdx"
slipway convert "$disk" -t vmdk -t vhd -o other --progress quiet --option vmdk.subformat=monolithicSparse \
	--option vhd.subformat=dynamic > "$work/stdout"
library_reads pyvmdk "$work/other/vmdk/disk.vmdk"
library_reads pyvhdi "$work/other/vpc/disk.vhd"

say "places behind the first 4 GiB"
truncate -s 9G "$work/far.raw"
i=64 reads=()
for at in 0 4294966784 4294971392 5368709120 9663675904; do
	i=$((i + 1))
	head -c 512 /dev/zero | tr '\0' "\\$(printf %o $i)" | dd of="$work/far.raw" bs=512 seek=$((at / 512)) conv=notrunc status=none
	reads+=(-c "read -P $i $at 512")
done
chmod 644 "$work/far.raw"
for option in vmdk.subformat=streamOptimized vmdk.subformat=monolithicSparse vhd.subformat=dynamic vhdx.block-size=1M \
	vhdx.block-size=64M vdi; do
	type=${option%%.*} options=()
	[ "$option" = "$type" ] || options=(--option "$option")
	slipway convert "$work/far.raw" -t "$type" -o far --progress quiet "${options[@]}" > "$work/stdout"
	image=$(ls "$work"/far/*/disk.*)
	qemu-io -r -f "${type/%vhd/vpc}" "${reads[@]}" -c 'read -P 0 6G 1M' "$image" > "$work/io" || fail "$option: $(< "$work/io")"
	! grep -qiE 'failed|error' "$work/io" || fail "$option: $(< "$work/io")"
	[ "$(du -k "$image" | cut -f 1)" -le 2048 ] || fail "$option: takes $(du -k "$image")"
	rm -r "$work/far"
done

say "what Azure and vSphere ask for"
[ "$(stat -c %s "$work/out/vpc/disk.vhd")" -eq $((64 * 1048576 + 512)) ] || fail "the vhd is not the disk and a footer"
[ "$(stat -c %b "$work/out/vpc/disk.vhd")" -le $((12 * 2048)) ] || fail "the vhd has no holes"
for want in 'ddb.adapterType = "lsilogic"' 'ddb.virtualHWVersion = "13"' 'createType="streamOptimized"'; do
	grep -qaF "$want" <(head -c 10752 "$work/out/vmdk/disk.vmdk") || fail "the vmdk does not say $want"
done

say "the OVA"
ova=$work/out/archive/image.ova
[ "$(tar -tf "$ova" | tr '\n' ' ')" = 'image.ovf image.mf image.vmdk ' ] || fail "members: $(tar -tf "$ova")"
mkdir "$work/ova"
tar -C "$work/ova" -x -f "$ova"
[ "$(wc -l < "$work/ova/image.mf")" -eq 2 ] || fail "manifest: $(< "$work/ova/image.mf")"
(cd "$work/ova" && sed -E 's/^SHA256\((.*)\)= ([0-9a-f]{64})$/\2  \1/' image.mf | sha256sum --quiet --strict -c) ||
	fail "the manifest is wrong"
library_reads pyvmdk "$work/ova/image.vmdk"
/usr/bin/python3 "$top/tests/integration/check-ovf.py" "$work/ova" $((64 * 1048576)) || fail "the OVF descriptor is wrong"

say "what cannot be done is said before anything is touched"
truncate -s 2049G "$work/huge.raw"
expect_error 2 'format vmdk: a disk has at most 2 TiB' convert --progress quiet huge.raw -t vmdk -o new
expect_error 2 'format ova: a disk has at most 2 TiB' convert --progress quiet huge.raw -t ova -o new
expect_error 2 'format vhd: a disk has at most 2040 GiB' convert --progress quiet huge.raw -t vhd -o new
truncate -s 65T "$work/huge.raw" 2> /dev/null &&
	expect_error 2 'format vhdx: a disk has at most 64 TiB' convert --progress quiet huge.raw -t vhdx -o new
expect_error 2 'format ova: secure-boot needs firmware efi' convert --progress quiet "$disk" -t ova -o new \
	--option ova.firmware=bios --option ova.secure-boot=true
expect_error 2 'format ova: memory is not a multiple of 4M' convert --progress quiet "$disk" -t ova -o new --option ova.memory=5M
expect_error 2 'format ova: name is not' convert --progress quiet "$disk" -t ova -o new --option "ova.name=$(printf '%081d' 1)"
expect_error 2 'format vhdx: block-size is not' convert --progress quiet "$disk" -t vhdx -o new --option vhdx.block-size=3M
nothing_left "$work/new"
