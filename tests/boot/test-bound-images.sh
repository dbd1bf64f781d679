#!/bin/bash
# SPDX-License-Identifier: MIT
# usage: tests/boot/test-bound-images.sh
# An image that is bound to others (OCI, Docker's schema 2, a list; by tag and by digest): --bound-images stored
# puts them where the machine's podman finds them, labelled by the image's policy; what cannot be stored is refused.
set -euo pipefail
# shellcheck source=tests/boot/lib.sh
. "$(dirname "$0")/lib.sh"

# found_at PLACE: bound.example.com is PLACE of the test registry, by a registries.conf of the user's own.
found_at() {
	user_home=$work/home
	mkdir -p "$user_home/.config/containers"
	printf '[[registry]]\nprefix = "bound.example.com"\nlocation = "%s"\ninsecure = true\n' "$address/$1" \
		> "$user_home/.config/containers/registries.conf"
	chmod -R a+rX "$user_home"
}

push_bound() {
	skopeo copy --quiet --all --preserve-digests --dest-tls-verify=false "$1" "docker://$address/bound/$2:1"
}

image=$(layout debian-bootc-bound)
address=$("$top/fixtures/registry" start)
push_bound "oci:$image/bound/hello:latest" hello
push_bound "dir:$image/bound/world" world
push_bound "oci:$image/bound/many:latest" many

refusal=$("$top/fixtures/registry" push "$(layout refuse)/refuse-bound-images" refuse-bound-images)
expect_error 5 'the image has no podman.*install podman and skopeo' build "$refusal" --tls-verify=false \
	--bound-images stored --output "$work/out" --progress quiet
reference=$(pushed debian-bootc-bound)
found_at nowhere
expect_error 4 'bound image: docker://bound\.example\.com/hello:1: .*check its name' build "$reference" \
	--tls-verify=false --bound-images stored --output "$work/out" --progress quiet
nothing_left "$work/out"

found_at bound
slipway plan "$reference" --tls-verify=false --bound-images stored --output "$work/out" --progress quiet \
	> "$work/plan"
grep -E 'bound image +bound\.example\.com/many@sha256:' "$work/plan" || fail "plan does not name the bound images"
build_reference --bound-images stored --type raw
disk=$work/out/image/disk.raw
verified "$disk"
"$top/tests/labels.py" "$disk" /ostree/bootc

{
	printf 'rootfs=ext4 composefs=no origin=%q\n' "ostree-unverified-registry:$reference"
	cat "$top/tests/boot/guest.sh" "$top/tests/boot/bound.sh"
	echo verdict
} > "$work/check"
"$top/tests/boot/boot" --key "$work/key" --log "$work/serial" "$disk" "$work/check"
