#!/bin/bash
# SPDX-License-Identifier: MIT
# usage: tests/integration/test-same-bytes.sh
# Two builds of one image come out the same: the repository with owners and times, the files of /boot.
set -euo pipefail
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

reference=$(pushed debian-bootc)
out=$work/out
disk=$out/image/disk.raw

build() {
	slipway build "$reference" --tls-verify=false --progress plain --output "$out" "$@"
}

# field FILTER: of manifest.json.
field() {
	jq -r "$1" "$out/manifest.json"
}

# What must come out the same each time: the repository with owners and times, the files of /boot.
same_parts() {
	as_root env LIBGUESTFS_BACKEND=direct LIBGUESTFS_BACKEND_SETTINGS=force_tcg guestfish --ro -a "$disk" -m /dev/sda4 -m /dev/sda3:/boot <<- EOF
		tar-out /ostree/repo $1.tar xattrs:true
		checksums-out sha256 /boot $1.sums
	EOF
	sort "$1.sums" > "$1.boot"
	sha256sum < "$1.tar" > "$1.repo"
}
build --type raw
commit=$(field .deployment.commit)
same_parts "$work/first"
grep -q ' \./loader\.1/entries/ostree-1\.conf$' "$work/first.boot" || fail "no boot entry in $(< "$work/first.boot")"

build --type raw
[ "$(field .source.layers_fetched)" -eq 0 ] || fail "the second build fetched layers again"
[ "$(field .deployment.commit)" = "$commit" ] || fail "the second build made another commit"
same_parts "$work/second"
cmp "$work/first.repo" "$work/second.repo" || fail "the second build made another repository"
diff "$work/first.boot" "$work/second.boot" || fail "the second build made another /boot"

# Another machine knows nothing of this one's cache.
SLIPWAY_CACHE=$work/tmp/cache slipway plan "$reference" --tls-verify=false --json > "$work/plan.json"
[ "$(jq -r .source.commit "$work/plan.json")" = "$commit" ] || fail "an import into another cache made another commit"

# A digest is a fine source, but nothing to update from.
slipway plan "${reference%:*}@$(field .source.manifest_digest)" --tls-verify=false > "$work/pinned" 2> "$work/notes"
grep -q 'stays with.*--target-imgref' "$work/notes" || fail "not said: a digest never changes: $(< "$work/notes")"
