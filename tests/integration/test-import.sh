#!/bin/bash
# SPDX-License-Identifier: MIT
# usage: tests/integration/test-import.sh
# Small images, imported from what the usual programs write: encapsulated ones in every form (contract 1.5),
# one that buildah derived from those, layers in zstd:chunked, Docker's manifests. Upstream's ostree looks.
set -euo pipefail
# shellcheck source=tests/integration/encapsulated.sh
. "$(dirname "$0")/encapsulated.sh"

small=$(layout refuse)/minimal
cache=$work/cache/repo

# root_of REPO REF: the checksums of the tree's contents and of its top directory.
root_of() {
	as_root ostree ls --repo="$1" -d -C "$2" / | awk '{ print $5, $6 }'
}

say "the three forms of a small commit"
for form in inline links first; do
	commit=$(encapsulate "$form" "$small" 1 --form "$form")
	slipway inspect "oci:$work/$form:latest" > /dev/null
	[ "$(of "$cache" "slipway/base/sha256_3A_$(blob "$work/$form" 0)")" = "$commit" ] || fail "$form: another commit"
done

# An engine that copies whole files finds the change of one at its object, the file being a link to that.
say "a file that a container changed"
# engine ARGUMENT...: buildah with a storage of its own.
engine() {
	(cd "$work" && as_root env CONTAINERS_STORAGE_CONF="$work/storage.conf" buildah "$@" < /dev/null)
}
cat > "$work/storage.conf" <<- CONF
	[storage]
	driver = "vfs"
	graphroot = "$work/storage"
	runroot = "$work/run"
CONF
at_end 'as_root rm -rf "$work/storage" "$work/run" "$work/changed" "$work/mode"'
# changed NAME COMMAND LINE...: a container runs COMMAND in the root of the image; the difference must be LINES.
changed() {
	local container root index merge
	container=$(engine from --quiet oci:inline:latest)
	root=$(engine mount "$container")
	(cd "$root" && as_root sh -c "$2")
	engine commit --quiet --rm "$container" "oci:$1:latest" > /dev/null
	as_root chmod -R a+rX "$work/$1"
	slipway inspect "oci:$work/$1:latest" > /dev/null
	index=$(jq -r '.manifests[0].digest' "$work/$1/index.json")
	merge=slipway/image/sha256_3A_${index#sha256:}/merge
	as_root ostree diff --repo="$cache" "slipway/base/sha256_3A_$(blob "$work/inline" 0)" "$merge" |
		grep -v /usr/share | tr -s ' ' > "$work/difference"
	printf '%s\n' "${@:3}" | diff - "$work/difference" >&2 || fail "$1: another difference"
}
changed changed 'echo changed >> usr/sbin/grub-install' 'M /usr/sbin/grub-install'
# Of this the engine keeps the time, 0, by which upstream's importer, and only that, would not know the change.
changed mode 'chmod 700 usr/lib/os-release' 'M /usr/lib/os-release'

say "upstream's importer of the same images"
# It makes the same commits of the base's layers and the same trees, except that with an old libostree it moves /var.
importer=$("$top/fixtures/crate" ostree-container)
ostree init --repo="$work/upstream" --mode=bare-user
for image in inline links changed; do
	TMPDIR=$work "$importer" container image pull "$work/upstream" "ostree-unverified-image:oci:$work/$image" > "$work/pull.log"
	for prefix in base objects; do
		for number in 0 1 2; do
			ref=sha256_3A_$(blob "$work/$image" $number)
			ostree rev-parse --repo="$cache" "slipway/$prefix/$ref" > "$work/ours" 2> /dev/null || continue
			[ "$(of "$work/upstream" "ostree/container/blob/$ref")" = "$(< "$work/ours")" ] ||
				fail "$image: layer $number is another commit"
			echo "$image $prefix" >> "$work/compared"
		done
	done
	index=$(jq -r '.manifests[0].digest' "$work/$image/index.json")
	of "$work/upstream" "$(grep -o '[0-9a-f]\{64\}$' "$work/pull.log")" > "$work/theirs"
	[ "$(root_of "$work/upstream" "$(< "$work/theirs")")" = "$(root_of "$cache" "slipway/image/sha256_3A_${index#sha256:}/merge")" ] ||
		fail "$image: another tree"
done
[ "$(wc -l < "$work/compared")" -eq 9 ] || fail "not all layers were compared: $(< "$work/compared")"

say "labels that are wrong"
# labelled NAME DIFF-ID: the small image, which holds no commit, as if it were encapsulated.
cp -r "$small" "$work/small"
labelled() {
	local container
	container=$(engine from --quiet oci:small:latest)
	engine config --label "ostree.final-diffid=$2" "$container"
	engine commit --quiet --rm "$container" "oci:$1:latest" > /dev/null
	as_root chmod -R a+rX "$work/$1"
	at_end "as_root rm -rf '$work/$1'"
}
labelled nowhere "sha256:$(printf '%064d' 0)"
expect_error 5 'final-diffid names no layer' inspect "oci:$work/nowhere:latest"
index=$(jq -r '.manifests[0].digest' "$small/index.json")
config=$(jq -r .config.digest "$small/blobs/sha256/${index#sha256:}")
labelled plain "$(jq -r '.rootfs.diff_ids[0]' "$small/blobs/sha256/${config#sha256:}")"
expect_error 5 'should hold an ostree commit' inspect "oci:$work/plain:latest"

say "layers in zstd:chunked"
# (An old skopeo cuts the padding behind the end off a tar; these have none.)
commit=$(encapsulate whole "$small" 2)
skopeo copy --quiet --dest-compress --dest-compress-format zstd:chunked "oci:$work/whole:latest" "dir:$work/chunked"
chmod -R a+rX "$work/chunked"
jq -r '.layers[] | "\(.mediaType) \(.annotations | keys | tostring)"' "$work/chunked/manifest.json" |
	grep -c 'tar+zstd .*zstd-chunked' | grep -qx 3 || fail "skopeo wrote no zstd:chunked"
slipway inspect "dir:$work/chunked" > /dev/null
digest=$(jq -r '.layers[0].digest' "$work/chunked/manifest.json")
[ "$(of "$cache" "slipway/base/sha256_3A_${digest#sha256:}")" = "$commit" ] || fail "zstd:chunked: another commit"

say "Docker's manifests"
"$top/fixtures/registry" start > /dev/null
name=$("$top/fixtures/registry" address)/import-docker:1
skopeo copy --quiet --format v2s2 --dest-tls-verify=false "oci:$small" "docker://$name"
skopeo inspect --raw --tls-verify=false "docker://$name" > "$work/docker.json"
grep -q 'application/vnd.docker.distribution.manifest.v2+json' "$work/docker.json" || fail "skopeo wrote no such manifest"
slipway inspect --tls-verify=false "$name" > /dev/null
slipway inspect "oci:$small" > /dev/null
digest=$(sha256sum < "$work/docker.json" | cut -d' ' -f1)
merge=slipway/image/sha256_3A_$digest/merge
index=$(jq -r '.manifests[0].digest' "$small/index.json")
[ -z "$(as_root ostree diff --repo="$cache" "slipway/image/sha256_3A_${index#sha256:}/merge" "$merge")" ] ||
	fail "Docker's form of an image has another tree"
[ "$(as_root ostree show --repo="$cache" --print-metadata-key=ostree.manifest-digest "$merge")" = "'sha256:$digest'" ] ||
	fail "the digest of Docker's manifest"
as_root ostree show --repo="$cache" --print-metadata-key=ostree.manifest "$merge" | tr -d "'" > "$work/manifest.json"
[ "$(jq -r .mediaType "$work/manifest.json")" = application/vnd.oci.image.manifest.v1+json ] || fail "no OCI manifest"
[ "$(jq -c '[.layers[].digest]' "$work/manifest.json")" = "$(jq -c '[.layers[].digest]' "$work/docker.json")" ] ||
	fail "OCI's form has other layers than Docker's"
as_root ostree fsck --quiet --repo="$cache" > /dev/null
