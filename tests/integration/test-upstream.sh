#!/bin/bash
# SPDX-License-Identifier: MIT
# usage: tests/integration/test-upstream.sh
# Upstream's importer as the judge: it reads the repository of a disk of ours, writes the image out again, and
# imports the same image itself, with the same result but for what src/image/README.md says.
set -euo pipefail
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

upstream() {
	as_root "$program" container image "$@"
}

revision() {
	as_root ostree rev-parse --repo="$1" "$2"
}

# tree REPO COMMIT: its entries with their modes, owners and checksums (of a directory: of its metadata).
tree() {
	as_root ostree ls --repo="$1" -R -C "$2" | awk '/^d/ { $5 = "-" } { print }' | LC_ALL=C sort -u
}

# Where libostree is older than 2024.3, upstream puts /var elsewhere.
their_tree() {
	tree "$@" | sed -e 's, /usr/share/factory/var, /var,' -e '\, /usr/share/factory$,d' | LC_ALL=C sort -u
}

# same_tree WHAT REPO COMMIT [THEIRS [EXCEPT]]: the disk's COMMIT has the tree of that one (or of THEIRS) in
# REPO, but for one path.
same_tree() {
	tree "$ours" "$3" | grep -v " ${5:--}\$" > "$work/ours.tree"
	their_tree "$2" "${4:-$3}" | grep -v " ${5:--}\$" > "$work/theirs.tree"
	diff "$work/ours.tree" "$work/theirs.tree" > "$work/diff" || fail "$1: $(head "$work/diff")"
}

# value REPO COMMIT KEY: of a commit's metadata.
value() {
	as_root ostree show --repo="$1" --print-metadata-key="$3" "$2" | sed "s/^'//; s/'$//"
}

program=$("$top/fixtures/crate" ostree-container)
# Of the fixture's layers only those that upstream can take, too.
two_releases 4
"$top/fixtures/registry" start > /dev/null
reference=$("$top/fixtures/registry" push "$work/images/1" upstream)
image=docker://$reference
slipway build "$reference" --tls-verify=false --progress plain --output "$work/out" --type raw > /dev/null
commit=$(jq -r .deployment.commit "$work/out/manifest.json")
ours=$work/repo
disk_repo "$work/out/image/disk.raw" "$ours"

[ "$(upstream list --repo "$ours")" = "$image" ] || fail "list: $(upstream list --repo "$ours")"
for what in --raw '--raw --config'; do
	# shellcheck disable=SC2086
	diff <(upstream metadata --repo "$ours" ${what#--raw} "$image" | jq -S .) \
		<(skopeo inspect --tls-verify=false $what "$image" | jq -S .) > "$work/diff" || fail "metadata: $(< "$work/diff")"
done
skopeo inspect --tls-verify=false --raw "$image" | jq -r '.layers[].digest' > "$work/layers"
[ "$(wc -l < "$work/layers")" -eq 5 ] || fail "the image has not five layers"
upstream history --repo "$ours" "$image" > "$work/history"
cmp <(tail -n +2 "$work/history" | cut -c1-20) <(cut -c8-27 "$work/layers") || fail "history: $(< "$work/history")"

# What it writes out is an image again: imported anew, it gives the same base and the same tree. (It leaves the former
# layers in the configuration, and their end of the base; `ostree export` drops extended attributes.)
as_root mkdir "$work/again"
upstream reexport --repo "$ours" "$image" "oci:$work/again:latest" > /dev/null
as_root env PYTHONPATH="$top/fixtures" python3 -B - "$work/again" <<- 'PY'
	import sys
	from oci import Layout
	layout = Layout(sys.argv[1])
	manifest, config = layout.load()
	diff_ids = config["rootfs"]["diff_ids"][5:]
	config["rootfs"]["diff_ids"] = diff_ids
	config["config"]["Labels"]["ostree.final-diffid"] = diff_ids[2]
	layout.save(manifest, config)
PY
as_root chmod -R a+rX "$work/again"
slipway plan "oci:$work/again" --target-imgref "$reference" > /dev/null
ostree refs --repo="$work/cache/repo" --list slipway/image | grep '/merge$' > "$work/merges"
[ "$(wc -l < "$work/merges")" -eq 2 ] || fail "reexport: not another image: $(< "$work/merges")"
while read -r ref; do
	same_tree reexport "$work/cache/repo" "$commit" "$ref" /usr/bin/fixture-capability
	[ "$(revision "$work/cache/repo" "$ref^")" = "$(revision "$ours" "$commit^")" ] || fail "reexport: another base"
done < "$work/merges"

# Its own import of the same image: the ostree layers are the same commits, all others the same trees.
theirs=$work/theirs
as_root ostree init --repo="$theirs" --mode=bare-user
upstream pull --quiet --insecure-skip-tls-verification "$theirs" "ostree-unverified-registry:$reference" \
	> "$work/pull" 2>&1 || fail "pull: $(< "$work/pull")"
layer=0
while read -r digest; do
	ref=ostree/container/blob/${digest/:/_3A_}
	[ "$layer" -ge 3 ] || [ "$(revision "$ours" "$ref")" = "$(revision "$theirs" "$ref")" ] || fail "layer $layer: another commit"
	same_tree "layer $layer" "$theirs" "$ref"
	layer=$((layer + 1))
done < "$work/layers"
ref=$(as_root ostree refs --repo="$theirs" --list ostree/container/image)
[ "$(revision "$ours" "$ref")" = "$commit" ] || fail "not under $ref"
same_tree merge "$theirs" "$ref"
[ "$(value "$ours" "$commit" ostree.manifest-digest)" = "$(value "$theirs" "$ref" ostree.manifest-digest)" ] ||
	fail "another manifest digest"
