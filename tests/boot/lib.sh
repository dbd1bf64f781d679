# SPDX-License-Identifier: MIT
# Sourced by tests/boot/test-*.sh: builds a disk from an image in the registry and boots it.
# shellcheck shell=bash
# shellcheck source=tests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

need qemu-system-x86_64

# build_disk IMAGE ARGUMENT...: a disk with a kernel argument and a key of ours, in $work/out.
build_disk() {
	reference=$(pushed "$1")
	shift
	build_reference "$@"
}

# build_reference ARGUMENT...: the same from the image $reference.
build_reference() {
	ssh-keygen -q -t ed25519 -N '' -C fixture -f "$work/key"
	chmod 644 "$work/key.pub"
	slipway build "$reference" --tls-verify=false --output "$work/out" --progress plain \
		--karg fixture.flag=1 --root-ssh-authorized-keys "$work/key.pub" "$@"
}

# boot_and_check ROOTFS COMPOSEFS DISK ARGUMENT...: boots it twice (ARGUMENTs: of tests/boot/boot) and
# checks that it is what was asked for.
boot_and_check() {
	local rootfs=$1 composefs=$2 disk=$3 here=$top/tests/boot name
	shift 3
	name=${disk##*/}$*
	{
		printf 'rootfs=%q composefs=%q origin=%q\n' "$rootfs" "$composefs" \
			"ostree-unverified-registry:$reference"
		cat "$here/guest.sh"
		echo "check_files <<'EXPECTED'"
		cat "$top/fixtures/expected/debian-bootc.txt"
		printf 'EXPECTED\nleave_traces\nverdict\n'
	} > "$work/first.$name"
	{
		sed '/^EXPECTED$/,$d; /^check_files /,$d' "$work/first.$name"
		printf 'find_traces\nverdict\n'
	} > "$work/second.$name"
	"$here/boot" --key "$work/key" --log "$work/serial.$name" "$@" "$disk" "$work/first.$name" "$work/second.$name"
}

# verified DISK: all checks of slipway verify must be good.
verified() {
	local start=$SECONDS
	slipway verify "$1" --json --progress quiet > "$work/verify.json" || fail "verify fails"
	jq -e '[.checks[] | select(.state != "ok")] == []' "$work/verify.json" > /dev/null ||
		fail "verify: $(jq -c '.checks[] | select(.state != "ok") | [.id, .details]' "$work/verify.json")"
	say "$(jq '.checks | length' "$work/verify.json") checks are good, in $((SECONDS - start)) s"
}
