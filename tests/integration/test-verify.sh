#!/bin/bash
# SPDX-License-Identifier: MIT
# usage: tests/integration/test-verify.sh
# slipway verify: a good disk passes; copies of it, broken offline in the ways that each check is there
# for, have exactly those checks fail; files that QEMU must not see are refused.
set -euo pipefail
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

good=$work/out/image/disk.raw
slipway build "oci:$(layout refuse)/minimal:latest" --target-imgref registry.example.com/fixture:1 \
	--progress quiet --type raw --output "$work/out" > /dev/null
commit=$(jq -r .deployment.commit "$work/out/manifest.json")
deployment=ostree/deploy/default/deploy/$commit.0
boot_uuid=$(jq -r '.disk.partitions[2].uuid' "$work/out/manifest.json")

# offset NUMBER: of that partition, in bytes.
offset() {
	jq -r ".disk.partitions[] | select(.number == $1) | .offset" "$work/out/manifest.json"
}
esp=$(offset 2)
declare -A at=([boot]=$(offset 3) [root]=$(offset 4))

# copied NAME: a copy of the good disk becomes $disk.
copied() {
	disk=$work/$1.raw
	cp --sparse=always "$good" "$disk"
}

# ext4 boot|root COMMAND: one command of debugfs in that filesystem of $disk, which must succeed.
ext4() {
	debugfs -w -R "$2" "$disk?offset=${at[$1]}" > "$work/debugfs" 2>&1
	! grep -qvE '^(debugfs .*)?$' "$work/debugfs" || [[ $2 == write* || $2 == cat* ]] ||
		fail "debugfs $2: $(< "$work/debugfs")"
}

# put boot|root PATH: what is on stdin becomes the content of that file.
put() {
	cat > "$work/content"
	! debugfs -R "stat $2" "$disk?offset=${at[$1]}" 2> /dev/null | grep -q Inode: || ext4 "$1" "rm $2"
	printf 'cd /%s\nwrite %s %s\n' "$(dirname "$2")" "$work/content" "$(basename "$2")" |
		debugfs -w -f - "$disk?offset=${at[$1]}" > "$work/debugfs" 2>&1
	[ "$(get "$1" "$2" | sha256sum)" = "$(sha256sum < "$work/content")" ] || fail "put $2: $(< "$work/debugfs")"
}

# get boot|root PATH: prints the file.
get() {
	debugfs -R "cat $2" "$disk?offset=${at[$1]}" 2> /dev/null
}

# fill boot|root: hardly a block is left.
fill() {
	local free
	free=$(dumpe2fs -h "$disk?offset=${at[$1]}" 2> /dev/null | awk '/^Free blocks:/ { print $3 }')
	echo | put "$1" filler
	ext4 "$1" "fallocate filler 0 $((free - 3))"
}

# found STATUS FAILED WARNINGS SKIPPED: what verify says of $disk: its exit status and the ids of checks, in
# their order; all others are ok.
found() {
	local status=0 start=$SECONDS state
	slipway verify "$disk" --json --progress quiet > "$work/stdout" 2> "$work/stderr" || status=$?
	for state in failed warning skipped; do
		ids=$(jq -r "[.checks[] | select(.state == \"$state\") | .id] | join(\" \")" "$work/stdout")
		case $state in
		failed) want=$2 ;;
		warning) want=$3 ;;
		skipped) want=$4 ;;
		esac
		[ "$ids" = "$want" ] || fail "$(basename "$disk"): $state: $ids, not $want: $(< "$work/stderr")
			$(jq -c '.checks[] | select(.state != "ok") | [.id, .details]' "$work/stdout")"
	done
	[ "$status" -eq "$1" ] || fail "$(basename "$disk"): exit $status, not $1: $(< "$work/stderr")"
	say "$(basename "$disk"): as expected, in $((SECONDS - start)) s"
}

# says ID TEXT: the details of that check.
says() {
	jq -r ".checks[] | select(.id == \"$1\") | .details[]" "$work/stdout" | grep -qF -- "$2" ||
		fail "$1 says $(jq -c ".checks[] | select(.id == \"$1\") | .details" "$work/stdout"), not $2"
}

# What QEMU must not see.
qemu-img create -q -f qcow2 -b "$good" -F raw "$work/backing.qcow2"
expect_error 7 'backing\.qcow2 has a backing file' verify "$work/backing.qcow2"
qemu-img create -q -f qcow2 -o "data_file=$work/data,data_file_raw=on" "$work/external.qcow2" 1M
expect_error 7 'external\.qcow2 has its data in another file' verify "$work/external.qcow2"
qemu-img create -q -f vmdk "$work/disk.vmdk" 1M
expect_error 2 'disk\.vmdk is a VMDK' verify "$work/disk.vmdk"
expect_error 2 'is no file' verify "$work"
expect_error 2 'nowhere: No such file' verify "$work/nowhere"
[ ! -e "$work/tmp/overlay" ] || fail "the appliance was started"

# As built, and as a qcow2 of another program's.
disk=$work/good.qcow2
qemu-img convert -O qcow2 "$good" "$disk"
before=$(sha256sum < "$disk")
found 0 '' '' ''
# What differs from bootc's own install is told by the plan in the same words.
slipway plan "oci:$(layout refuse)/minimal:latest" --target-imgref registry.example.com/fixture:1 \
	--progress quiet --json > "$work/plan.json"
[ "$(jq -c .deviations "$work/plan.json")" = "$(jq -c .deviations "$work/stdout")" ] ||
	fail "deviations: planned $(jq -c '[.deviations[].id]' "$work/plan.json"), found $(jq -c '[.deviations[].id]' "$work/stdout")"
[ "$(jq '.deviations | length' "$work/stdout")" -ge 5 ] || fail "no deviations are told"
[ "$(sha256sum < "$disk")" = "$before" ] || fail "verify has written to the disk"
nothing_left "$work/nowhere"

# No disk at all.
disk=$work/zeros.raw
truncate -s 16M "$disk"
status=0
slipway verify "$disk" --progress quiet > "$work/stdout" 2> "$work/stderr" || status=$?
[ "$status" -eq 7 ] || fail "zeros: exit $status: $(< "$work/stderr")"
grep -q '^failed *partition-table *there is no' "$work/stdout" || fail "zeros: $(< "$work/stdout")"
grep -q '^skipped *objects *the root filesystem cannot be read' "$work/stdout" || fail "zeros: $(< "$work/stdout")"

# The table, the filesystems, and half a GRUB for BIOS.
copied table
sgdisk --change-name=3:other "$disk" > /dev/null
printf 'code' | dd of="$disk" conv=notrunc status=none
dd if=/dev/zero of="$disk" bs=512 count=1 seek=$(($(stat -c %s "$disk") / 512 - 1)) conv=notrunc status=none
e2label "$disk?offset=${at[boot]}" other
ext4 root 'freei <20>'
ext4 boot 'freei <20>'
python3 - "$disk" "$esp" <<- 'PY'
	import struct, sys
	offset = int(sys.argv[2])
	with open(sys.argv[1], "r+b") as disk:
	    disk.seek(offset)
	    head = disk.read(512)
	    reserved, = struct.unpack_from("<H", head, 14)
	    size = struct.unpack_from("<H", head, 22)[0] or struct.unpack_from("<I", head, 36)[0]
	    disk.seek(offset + (reserved + size) * 512 + 400)
	    disk.write(b"\x01\x02\x03\x04")
PY
found 7 'partition-table partitions root-filesystem boot-filesystem esp-filesystem filesystem-labels bios' '' ''
says partition-table 'no second table'
says partitions 'called boot'
says root-filesystem 'ext4 in partition 4'
says filesystem-labels 'labelled "other", not boot'

# The repository and the deployment.
copied deployment
get root ostree/repo/config | sed 's/readonly=true/readonly=false/' | put root ostree/repo/config
layer=$(jq -r '.source.layers[1].digest' "$work/out/manifest.json")
layer_commit=$(get root "ostree/repo/refs/heads/ostree/container/blob/sha256_3A_${layer#sha256:}")
tree=$(as_root ostree ls --repo="$work/cache/repo" -C -d "$layer_commit" / | awk '{ print $5 }')
echo damaged | put root "ostree/repo/objects/${tree:0:2}/${tree:2}.dirtree"
layer=$(jq -r '.source.layers[0].digest' "$work/out/manifest.json")
ext4 root "rm ostree/repo/refs/heads/ostree/container/blob/sha256_3A_${layer#sha256:}"
ext4 root 'set_inode_field ostree/deploy mode 040700'
echo other | put root "$deployment/usr/share/more"
printf '[origin]\ncontainer-image-reference=ostree-unverified-registry:a/b:1\n[rpmostree]\nx=1\n' |
	put root "$deployment.origin"
ext4 root "set_inode_field $deployment flags 0x80000"
: | put root "$deployment/.ostree.cfs"
echo '/dev/sda4 / ext4 defaults 0 0' | put root "$deployment/etc/fstab"
ext4 root "rm $deployment/etc/passwd"
get root .bootc-aleph.json | sed 's/sha256:..../sha256:0000/' | put root .bootc-aleph.json
ext4 root 'ea_set .bootc-aleph.json security.selinux system_u:object_r:usr_t:s0'
found 7 'repository-config objects refs sysroot deployment-tree origin immutable composefs fstab etc selinux aleph' '' ''
says objects "${tree:0:12}"
says deployment-tree '/usr/share/more is not the file of the commit'
says origin '[rpmostree]'
says fstab 'it mounts /, '
says fstab 'it does not mount /boot'
says selinux '/.bootc-aleph.json is labelled system_u:object_r:usr_t:s0, but'

# What boots it, and room.
copied boot
entry=loader.1/entries/ostree-1.conf
get boot "$entry" | sed -e /^title/d -e 's/root=UUID=......../root=UUID=00000000/' | put boot "$entry"
initramfs=$(get boot "$entry" | sed -n 's,^initrd /boot/,,p')
echo other | put boot "$initramfs"
ext4 boot 'rm grub/grub.cfg'
mdel -i "$disk@@$esp" ::EFI/BOOT/BOOTX64.EFI
echo other > "$work/other"
mcopy -o -i "$disk@@$esp" "$work/other" ::EFI/BOOT/grubx64.efi
vendor=$(mdir -b -i "$disk@@$esp" ::EFI | grep -v BOOT | sed 's,/$,,')
mtype -i "$disk@@$esp" "$vendor/grub.cfg" | sed "s/$boot_uuid/other/" > "$work/other"
mcopy -o -i "$disk@@$esp" "$work/other" "$vendor/grub.cfg"
fill boot
fill root
found 7 'loader-entry kernel kargs esp esp-programs esp-config menu' 'room-root room-boot' ''
says kargs 'root=UUID=00000000'
says esp 'EFI/BOOT/BOOTX64.EFI'
says esp-config "$boot_uuid"

# What others stand on.
copied ground
ext4 root "rmdir $deployment/tmp"
ext4 root "rmdir ostree/deploy/default/var"
ext4 boot 'rm boot'
sum=$(sed -n 's,.*/default-\([0-9a-f]*\)/.*,\1,p;q' <(get boot "$entry" | grep ^linux))
ext4 root "rm ostree/boot.1.1/default/$sum/0"
get root "ostree/repo/objects/${commit:0:2}/${commit:2}.commit" |
	LC_ALL=C sed 's/ostree.manifest-digest/ostree.manifest-digesT/' |
	put root "ostree/repo/objects/${commit:0:2}/${commit:2}.commit"
found 7 'objects commit deployment deployment-tree deployment-links var loader loader-entry kernel' '' 'refs kargs aleph'
says commit 'no ostree.manifest-digest'
says loader '/boot/boot'
says deployment 'no directory /tmp'
nothing_left "$work/nowhere"
