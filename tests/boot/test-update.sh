#!/bin/bash
# SPDX-License-Identifier: MIT
# usage: tests/boot/test-update.sh
# A machine's life: upstream's own importer brings the second version of the image into the running machine,
# from a registry on the host; it boots, and is taken back.
set -euo pipefail
# shellcheck source=tests/boot/lib.sh
. "$(dirname "$0")/lib.sh"

registry() {
	"$top/fixtures/registry" --state "$work/registry" "$@"
}

# The importer and the skopeo that it calls; the latter with the host's own libraries and loader.
tools() {
	local file loader
	mkdir -p "$1/bin" "$1/lib"
	cp "$("$top/fixtures/crate" ostree-container)" "$1/bin/"
	while read -r file; do
		cp "$file" "$1/lib/"
	done < <(ldd "$(command -v skopeo)" | grep -o '/[^ ]*')
	loader=$(ldd "$(command -v skopeo)" | sed -n 's,^[[:space:]]*/\([^ ]*/\)\?\(ld[^ ]*\).*,\2,p')
	cp "$(command -v skopeo)" "$1/lib/"
	printf '#!/bin/sh\nexec /var/put/lib/%s --library-path /var/put/lib /var/put/lib/skopeo "$@"\n' "$loader" > "$1/bin/skopeo"
	chmod 755 "$1/bin/skopeo"
}

# calls FUNCTION...: the script that runs them in the machine.
calls() {
	printf 'rootfs=ext4 composefs=no origin=%q image=%q\n' "ostree-unverified-registry:$image" "$image"
	cat "$top/tests/boot/guest.sh" "$top/tests/boot/update.sh"
	printf '%s\n' "$@" verdict
}

# blobs RELEASE: the digests of the layers of that version, and of its configuration.
blobs() {
	skopeo inspect --raw "oci:$work/images/$1:latest" | jq -r '.config.digest, .layers[].digest' | sort
}

two_releases
tools "$work/put"
at_end 'registry stop'
address=$(registry start)
reference=$(registry push "$work/images/1" machine)
# As QEMU's network shows the host to the machine.
image=10.0.2.2:${address##*:}/machine:latest
build_reference --target-imgref "ostree-unverified-registry:$image"
registry push "$work/images/2" machine > /dev/null

calls update > "$work/first"
calls after_update > "$work/second"
calls after_rollback > "$work/third"
before=$(wc -l < "$work/registry/log")
"$top/tests/boot/boot" --key "$work/key" --log "$work/serial" --put "$work/put" "$work/out/qcow2/disk.qcow2" \
	"$work/first" "$work/second" "$work/third"

# The registry's own account of what the machine took.
tail -n +$((before + 1)) "$work/registry/log" |
	sed -n 's,.*"GET /v2/machine/blobs/\(sha256:[0-9a-f]*\) .* 200 .*,\1,p' | sort -u > "$work/fetched"
comm -13 <(blobs 1) <(blobs 2) | cmp - "$work/fetched" || fail "the machine fetched: $(< "$work/fetched")"

# GRUB's menu, as it comes over the serial line: from the second boot on with both.
grep -aq '(ostree:0)' "$work/serial" && grep -aq '(ostree:1)' "$work/serial" || fail "GRUB does not show both deployments"
