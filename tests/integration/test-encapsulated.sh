#!/bin/bash
# SPDX-License-Identifier: MIT
# usage: tests/integration/test-encapsulated.sh
# An image that is an ostree commit in tar form (contract 1.4, 1.5), made by fixtures/encapsulate, with layers
# on top builds to a disk, whose repository upstream's ostree reads: refs, metadata, objects.
set -euo pipefail
# shellcheck source=tests/integration/encapsulated.sh
. "$(dirname "$0")/encapsulated.sh"

plain=$(layout debian-bootc)
cache=$work/cache/repo

say "a disk from a base in three chunks with three layers on it"
base=$(encapsulate image "$plain" 2 --chunks 2 --meta fixture.note=detached)
"$top/fixtures/registry" start > /dev/null
reference=$("$top/fixtures/registry" push "$work/image" encapsulated:1)
slipway build "$reference" --tls-verify=false --output "$work/out" --type raw

export LIBGUESTFS_BACKEND=direct LIBGUESTFS_BACKEND_SETTINGS=force_tcg
repo=$work/repo
mkdir "$repo"
as_root guestfish --ro -a "$work/out/image/disk.raw" -m /dev/sda4 tar-out /ostree/repo "$work/repo.tar" xattrs:true
as_root tar --xattrs --xattrs-include='*' -C "$repo" -xf "$work/repo.tar"
as_root ostree fsck --quiet --repo="$repo" > /dev/null
[ "$(sha256sum < "$repo/objects/${base:0:2}/${base:2}.commit" | cut -d' ' -f1)" = "$base" ] || fail "the commit's bytes"
[ "$(ostree show --repo="$repo" --print-metadata-key=version "$base")" = "'1.base'" ] || fail "the commit's metadata"
[ "$(ostree show --repo="$repo" --print-detached-metadata-key=fixture.note "$base")" = "'detached'" ] ||
	fail "the commit's detached metadata"

# The refs, all of them.
merge=$(jq -r .deployment.commit "$work/out/manifest.json")
name=$(sed 's/[.]/_2E_/g; s/:/_3A_/g' <<< "$reference")
{
	echo "ostree/1/1/0 $merge"
	echo "ostree/container/image/docker_3A__2F__2F_$name $merge"
	for number in 0 1 2 3 4 5; do
		echo "ostree/container/blob/sha256_3A_$(blob "$work/image" $number)"
	done
} | LC_ALL=C sort > "$work/expected"
ostree refs --repo="$repo" | LC_ALL=C sort | while read -r ref; do
	case $ref in
	*/blob/*) echo "$ref" ;;
	*) echo "$ref $(of "$repo" "$ref")" ;;
	esac
done > "$work/refs"
diff "$work/expected" "$work/refs" >&2 || fail "the refs"
[ "$(of "$repo" "ostree/container/blob/sha256_3A_$(blob "$work/image" 0)")" = "$base" ] || fail "the first layer's ref"

# A component: a file an object, named by its checksum, all of them the base's.
ostree ls --repo="$repo" -R -C "ostree/container/blob/sha256_3A_$(blob "$work/image" 1)" |
	awk '$1 !~ /^d/ { print $5, $6 }' > "$work/component"
[ "$(wc -l < "$work/component")" -gt 1000 ] || fail "a component of $(wc -l < "$work/component") objects"
awk '"/" $1 != $2 { exit 1 }' "$work/component" || fail "a component has other names than checksums"
ostree ls --repo="$repo" -R -C "$base" | awk '$1 !~ /^d/ { print $5 }' | LC_ALL=C sort -u > "$work/base"
[ -z "$(cut -d' ' -f1 "$work/component" | LC_ALL=C sort -u | LC_ALL=C comm -23 - "$work/base")" ] ||
	fail "a component has objects that the base has not"

# The merge commit: child of the base, with the four keys alone.
[ "$(of "$repo" "$merge^")" = "$base" ] || fail "the merge commit's parent"
ostree show --repo="$repo" --raw "$merge" | grep -o "'[a-z.-]*': <" | tr -d "':< " > "$work/keys"
[ "$(tr '\n' ' ' < "$work/keys")" = \
	"ostree.container.image-config ostree.importer.version ostree.manifest ostree.manifest-digest " ] ||
	fail "the merge commit's metadata: $(< "$work/keys")"
digest=$(jq -r '.manifests[0].digest' "$work/image/index.json")
[ "$(ostree show --repo="$repo" --print-metadata-key=ostree.manifest-digest "$merge")" = "'$digest'" ] ||
	fail "the manifest's digest"

# What it says is what the plain image says, but for a path that this base has no place for.
slipway inspect "oci:$plain:latest" > /dev/null
index=$(jq -r '.manifests[0].digest' "$plain/index.json")
same=$(as_root ostree diff --repo="$cache" "slipway/image/sha256_3A_${index#sha256:}/merge" "$merge")
[ "$same" = "D    /fixture-top" ] || fail "another tree than the plain image's: $same"
