#!/bin/bash
# SPDX-License-Identifier: MIT
# Publishing to a directory and to a claim: what is there afterwards, and what is not after a failure. sha256sum,
# jq and cmp judge.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

claims=$work/claims
claim=$claims/one
pvc="pvc://one/images?root=$claims"
mkdir -p "$claim" "$work/local"
as_root mount -t tmpfs -o size=192M,mode=777 slipway-claim "$claim" || skip "no mounts here"
at_end "as_root umount -l '$claim' 2> /dev/null"
head -c 24M /dev/urandom > "$work/disk.raw"
truncate -s 40M "$work/disk.raw"
head -c 5M /dev/urandom > "$work/disk.qcow2"
[ "$(id -u)" -ne 0 ] || chown -R "$user" "$work/local" "$work/disk.raw" "$work/disk.qcow2"

# publish ARGUMENT...: both files to both places.
publish() {
	slipway publish disk.raw disk.qcow2 --name "my edge" --store "$work/local" --store "$pvc" --progress quiet "$@"
}

# whole DIRECTORY VERSION: all of a version is there and is what its record and the files say.
whole() {
	local dir="$1/my edge/$2/amd64"
	(cd "$dir" && sha256sum --quiet -c SHA256SUMS) || fail "$dir: SHA256SUMS"
	cmp "$work/disk.raw" "$dir/disk.raw" && cmp "$work/disk.qcow2" "$dir/disk.qcow2" || fail "$dir differs"
	jq -e '.tool.name == "slipway" and (.locations | length) == 2' "$dir/manifest.json" > /dev/null || fail "$dir: manifest"
}

# no_parts DIRECTORY: no file in the making.
no_parts() {
	[ -z "$(find "$1" -name '.slipway-*')" ] || fail "left behind: $(find "$1" -name '.slipway-*')"
}

say "two places at once, and latest"
publish --image-version 1 --latest --json > "$work/result.json"
[ "$(jq -r '[.locations[].state] | join(" ")' "$work/result.json")" = "stored stored" ] || fail "$(< "$work/result.json")"
for place in "$work/local" "$claim/images"; do
	whole "$place" 1
	whole "$place" latest
	no_parts "$place"
	[ "$(stat -c %h "$place/my edge/1/amd64/disk.raw")" -eq 2 ] || fail "$place: latest is not a second name"
	[ "$(stat -c %b "$place/my edge/1/amd64/disk.raw")" -lt 60000 ] || fail "$place: holes were filled"
done

say "what is there is not sent again, nor overwritten"
inode=$(stat -c %i "$work/local/my edge/1/amd64/disk.raw")
publish --image-version 1 > "$work/result"
[ "$(grep -c unchanged "$work/result")" -eq 4 ] || fail "$(< "$work/result")"
[ "$(stat -c %i "$work/local/my edge/1/amd64/disk.raw")" = "$inode" ] || fail "it was stored again"
cp "$work/disk.qcow2" "$work/other.qcow2"
head -c 3M /dev/urandom > "$work/disk.qcow2"
status=0
publish --image-version 1 > "$work/result" 2> "$work/stderr" || status=$?
[ "$status" -eq 9 ] && grep -q -- --overwrite "$work/stderr" || fail "exit $status: $(< "$work/stderr")"
cmp -s "$work/other.qcow2" "$work/local/my edge/1/amd64/disk.qcow2" || fail "it was overwritten"
publish --image-version 1 --overwrite > /dev/null
whole "$work/local" 1
whole "$claim/images" 1

say "what is refused is refused before anything is stored"
find "$work/local" "$claim" | sort > "$work/before"
expect_error 2 'would both be stored' publish disk.raw disk.raw --store "$work/local" --progress quiet
expect_error 2 'not known' publish disk.raw --store "$work/local" --layout openchami --progress quiet
expect_error 2 'user or a password' publish disk.raw --store 'pvc://me:hunter2@one/x'
expect_error 9 'no mount point' publish disk.raw --store "pvc://two/x?root=$claims" --progress quiet
find "$work/local" "$claim" | sort | cmp "$work/before" - || fail "something was stored"

say "the failure of one place is its own: the other has all"
as_user "$user" mkdir -p "$claim/images/my edge/2/amd64/disk.raw"
status=0
publish --image-version 2 --json > "$work/result.json" 2> "$work/stderr" || status=$?
[ "$status" -eq 9 ] && grep -q '1 of 2 places failed' "$work/stderr" || fail "exit $status: $(< "$work/stderr")"
[ "$(jq -r '[.locations[].state] | join(" ")' "$work/result.json")" = "stored failed" ] || fail "$(< "$work/result.json")"
whole "$work/local" 2
[ -z "$(find "$claim/images/my edge/2" -type f)" ] || fail "a part is visible"
as_root rm -r "$claim/images/my edge/2"

say "a full claim is said before anything is stored"
as_root mount -o remount,size=60M "$claim"
head -c 30M /dev/urandom > "$work/disk.qcow2"
status=0
publish --image-version 3 > "$work/result" 2> "$work/stderr" || status=$?
[ "$status" -eq 6 ] && grep -q "has room for" "$work/stderr" || fail "exit $status: $(< "$work/stderr")"
[ ! -e "$claim/images/my edge/3" ] && [ ! -e "$work/local/my edge/3" ] || fail "something was stored"
no_parts "$claim"
as_root mount -o remount,size=192M "$claim"

say "a claim that becomes read-only"
as_root mount -o remount,ro "$claim"
expect_error 9 'cannot write' publish disk.raw --store "$pvc" --image-version 3 --progress quiet
as_root mount -o remount,rw "$claim"
slipway verify-store "$pvc" --progress quiet > /dev/null || fail "the claim is not what it was"

say "killed at any moment, then run again: whole, and nothing left in the making"
head -c 5M /dev/urandom > "$work/disk.qcow2"
killed=0
for i in 1 2 3 4 5 6 7 8; do
	moment=0.$((RANDOM % 3))$((RANDOM % 9 + 1))
	status=0
	(cd "$work" && as_user "$user" timeout --foreground -s KILL "$moment" "$slipway" publish disk.raw disk.qcow2 --name "my edge" \
		--store "$work/local" --store "$pvc" --image-version "k$i" --latest --progress quiet) > "$work/result" 2>&1 || status=$?
	[ "$status" -eq 0 ] || killed=$((killed + 1))
	for place in "$work/local" "$claim/images"; do
		[ ! -e "$place/my edge/k$i/amd64/manifest.json" ] || whole "$place" "k$i"
		[ ! -e "$place/my edge/latest/amd64/manifest.json" ] ||
			(cd "$place/my edge/latest/amd64" && sha256sum --quiet -c SHA256SUMS) || fail "latest after a kill at $moment"
	done
	publish --image-version "k$i" --latest > /dev/null
	for place in "$work/local" "$claim/images"; do
		whole "$place" "k$i"
		whole "$place" latest
		no_parts "$place"
		slipway rm "$place/my edge/k$i/amd64" > /dev/null
	done
done
say "killed $killed of 8"
[ "$killed" -gt 0 ] || fail "nothing was killed"

say "a disk for KubeVirt, also after a run that was killed before the key had its name"
kubevirt() {
	slipway publish disk.raw --store "pvc://one/vm?root=$claims&kubevirt=true" --name vm --image-version 1 \
		--progress quiet > "$work/result" 2> "$work/stderr"
}
as_root mount -o remount,size=192M "$claim"
disk=$claim/vm/disk.img
key=$claim/vm/vm/1/amd64/disk.raw
kubevirt || fail "$(< "$work/stderr")"
cmp "$work/disk.raw" "$disk" || fail "$disk differs"
[ "$(stat -c %a "$disk")" = 660 ] && [ "$disk" -ef "$key" ] || fail "$disk: $(stat "$disk")"
as_root rm -r "$claim/vm/vm"
kubevirt || fail "$(< "$work/stderr")"
[ "$disk" -ef "$key" ] || fail "$disk is not the key's file"
as_root rm -r "$claim/vm/vm"
printf x | as_root dd of="$disk" bs=1 seek=1000 conv=notrunc status=none
status=0
kubevirt || status=$?
[ "$status" -eq 9 ] && grep -q 'disk.img is there already' "$work/result" && [ ! -e "$key" ] || fail "exit $status: $(< "$work/result")"
as_root rm -r "$claim/vm"

say "unmounted: refused, and nothing is put below the mount point"
as_root umount "$claim"
expect_error 9 'no mount point' publish disk.raw --store "$pvc" --image-version 4 --progress quiet
nothing_left "$claim"
[ -z "$(ls -A "$claim")" ] || fail "in the empty mount point: $(ls -A "$claim")"

say "found, fetched, verified, removed"
slipway ls "$work/local" --json > "$work/list.json"
[ "$(jq -r '.[].key' "$work/list.json" | LC_ALL=C sort)" = "$(cd "$work/local" && find . -type f -printf '%P\n' | LC_ALL=C sort)" ] ||
	fail "ls: $(< "$work/list.json")"
file="$work/local/my edge/latest/amd64/disk.raw"
head -c 1M "$file" > "$work/out/got.raw.part"
chmod 666 "$work/out/got.raw.part"
slipway fetch "$file" --output "$work/out/got.raw" --progress quiet --json > "$work/result.json"
jq -e '.verified and .resumed == 1048576' "$work/result.json" > /dev/null || fail "fetch: $(< "$work/result.json")"
cmp "$work/out/got.raw" "$file"
slipway verify-store "$work/local" --progress quiet > /dev/null
for version in 7 8 9; do
	publish_local="$version"
	slipway publish disk.qcow2 --name edge --store "$work/local" --image-version "$publish_local" --progress quiet > /dev/null
	sleep 1.1
done
echo mine > "$work/local/edge/7/amd64/mine"
[ "$(slipway prune "$work/local" --keep-last 1 --pinned '8*' --dry-run --json | jq -r '.would_remove | join(" ")' | grep -c edge/7)" = 1 ] || fail "prune --dry-run"
[ -e "$work/local/edge/7/amd64/disk.qcow2" ] || fail "--dry-run removes"
slipway prune "$work/local" --keep-last 1 --pinned '8*' > /dev/null
[ "$(cd "$work/local/edge" && find . -name disk.qcow2 | sort | xargs)" = "./8/amd64/disk.qcow2 ./9/amd64/disk.qcow2" ] || fail "prune"
[ -e "$work/local/edge/7/amd64/mine" ] || fail "prune removes what is not its own"
printf x | as_root dd of="$work/local/edge/9/amd64/disk.qcow2" bs=1 seek=1000 conv=notrunc status=none
expect_error_output=$(slipway verify-store "$work/local" --progress quiet 2>&1) && fail "verify-store sees nothing"
grep -q '9/amd64/disk.qcow2: does not have the SHA-256' <<< "$expect_error_output" || fail "$expect_error_output"
status=0
slipway fetch "$work/local/edge/9/amd64/disk.qcow2" --output "$work/out/bad" --progress quiet 2> "$work/stderr" || status=$?
[ "$status" -eq 9 ] && [ ! -e "$work/out/bad" ] && [ ! -e "$work/out/bad.part" ] || fail "fetch of a bad file: exit $status"
say "done"
