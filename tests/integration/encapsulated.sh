# SPDX-License-Identifier: MIT
# Sourced by the tests of encapsulated images: tests/lib.sh, and how such images are made and looked at.
# shellcheck shell=bash
# shellcheck source=tests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

# encapsulate NAME IMAGE COUNT OPTION...: into $work/NAME; prints the commit's checksum.
encapsulate() {
	local name=$1
	shift
	TMPDIR=$work PYTHONDONTWRITEBYTECODE=1 "$top/fixtures/encapsulate" "${@:3}" "$1" "$2" "$work/$name"
	chmod -R a+rX "$work/$name"
}

# of REPO REF: the commit.
of() {
	as_root ostree rev-parse --repo="$1" "$2"
}

# blob LAYOUT NUMBER: the digest of a layer, from 0, without its algorithm.
blob() {
	local manifest
	manifest=$(jq -r '.manifests[0].digest' "$1/index.json")
	jq -r ".layers[$2].digest" "$1/blobs/sha256/${manifest#sha256:}" | cut -d: -f2
}
