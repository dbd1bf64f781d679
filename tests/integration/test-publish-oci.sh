#!/bin/bash
# SPDX-License-Identifier: MIT
# usage: tests/integration/test-publish-oci.sh
# Publishing to registries: what skopeo, curl and tar find there, logins, and what is left after faults. A real
# registry, its like with TLS and a login, and a proxy of ours that spoils its answers.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
need docker-registry htpasswd skopeo curl jq openssl python3

registry() {
	"$top/fixtures/registry" --state "$work/plain" "$@"
}
secure() {
	"$top/fixtures/registry" --tls --state "$work/tls" "$@"
}
at_end 'registry stop; secure stop'
plain=$(registry start)
http='?plain-http=true'
accept='Accept: application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json'
head -c 3M /dev/urandom > "$work/disk.qcow2"
head -c 5M /dev/urandom > "$work/disk.raw"
truncate -s 9M "$work/disk.raw"
chmod 644 "$work"/disk.*

# publish URI ARGUMENT...: the qcow2 as the one artifact of "edge".
publish() {
	slipway publish disk.qcow2 --name edge --store "$@" --progress quiet
}

# manifest REPOSITORY REFERENCE: as the registry has it.
manifest() {
	curl -sf -H "$accept" "http://$plain/v2/$1/manifests/$2"
}

# tags REPOSITORY: all of them, sorted; none where there is no such repository.
tags() {
	curl -s "http://$plain/v2/$1/tags/list" | jq -r '.tags // [] | .[]' | sort
}

# whole REPOSITORY VERSION: the file is what it was, for a reader of manifests and for slipway.
whole() {
	local digest
	digest=$(manifest "$1" "edge__$2__amd64__disk.qcow2" | jq -r '.layers[0].digest') || fail "$1: no $2"
	curl -sfL "http://$plain/v2/$1/blobs/$digest" | cmp - "$work/disk.qcow2" || fail "$1: $2 differs"
	slipway verify-store "oci://$plain/$1$http" --progress quiet > /dev/null || fail "$1: verify-store"
}

# fails PATTERN ARGUMENT...: slipway must say so and end with 9, whatever it prints of places.
fails() {
	local status=0 pattern=$1
	shift
	slipway "$@" --progress quiet > "$work/stdout" 2> "$work/stderr" || status=$?
	[ "$status" -eq 9 ] && grep -qE -- "$pattern" "$work/stderr" || fail "slipway $*: exit $status: $(< "$work/stderr")"
}

say "artifacts of OCI 1.1, several names for one upload"
publish "oci://$plain/a/edge$http" --image-version 1 --latest --tag 1.0 > /dev/null
whole a/edge 1
whole a/edge latest
whole a/edge 1.0
manifest a/edge edge__1__amd64__disk.qcow2 > "$work/manifest"
jq -e '.mediaType == "application/vnd.oci.image.manifest.v1+json" and (.layers | length) == 1 and
	.config.mediaType == "application/vnd.oci.empty.v1+json" and .config.size == 2 and
	.artifactType == "application/vnd.qemu.qcow2" and .subject == null and
	.layers[0].annotations["org.opencontainers.image.title"] == "disk.qcow2"' "$work/manifest" > /dev/null ||
	fail "$(< "$work/manifest")"
[ "$(grep -c '"PATCH .*/a/edge/' "$work/plain/log")" -eq "$(grep -c '"PUT .*/a/edge/blobs/' "$work/plain/log")" ] || fail "streams"
[ "$(find "$work/plain/data" -path '*_uploads/*' -name data | wc -l)" -eq 0 ] || fail "an upload is open"
# The file, "{}", and a SHA256SUMS and a manifest.json for each of three names, of which the former are the same.
[ "$(grep -c '"PUT .*/a/edge/blobs/.* 201 ' "$work/plain/log")" -eq 6 ] || fail "$(grep -c '"PUT .*/a/edge/blobs/' "$work/plain/log") blobs"
skopeo inspect --raw --tls-verify=false "docker://$plain/a/edge:edge__1__amd64__disk.qcow2" | cmp - "$work/manifest"

say "what is there is not sent again, nor overwritten"
publish "oci://$plain/a/edge$http" --image-version 1 > "$work/result"
[ "$(grep -c unchanged "$work/result")" -eq 1 ] || fail "$(< "$work/result")"
[ "$(manifest a/edge edge__1__amd64__disk.qcow2)" = "$(< "$work/manifest")" ] || fail "it was stored again"
cp "$work/disk.qcow2" "$work/first"
head -c 1M /dev/urandom > "$work/disk.qcow2"
fails '--overwrite' publish disk.qcow2 --name edge --store "oci://$plain/a/edge$http" --image-version 1
publish "oci://$plain/a/edge$http" --image-version 1 --overwrite > /dev/null
[ "$(manifest a/edge edge__1.0__amd64__disk.qcow2 | jq -r '.layers[0].digest')" = "sha256:$(sha256sum < "$work/first" | cut -d' ' -f1)" ] ||
	fail "another name became another file"

say "found, fetched, a URL, removed, pruned"
slipway ls "oci://$plain/a/edge$http" --json | jq -r '.[].key' > "$work/keys"
[ "$(grep -c . "$work/keys")" -eq 9 ] || fail "$(< "$work/keys")"
head -c 1000 "$work/disk.qcow2" > "$work/out/got.part"
chmod 666 "$work/out/got.part"
slipway fetch "oci://$plain/a/edge:edge/1/amd64/disk.qcow2$http" -o "$work/out/got" --json --progress quiet > "$work/result"
jq -e '.verified and .resumed == 1000' "$work/result" > /dev/null && cmp "$work/out/got" "$work/disk.qcow2" || fail "$(< "$work/result")"
curl -sf "$(slipway url "oci://$plain/a/edge:edge/1/amd64/disk.qcow2$http")" | cmp - "$work/disk.qcow2"
publish "oci://$plain/a/edge$http" --image-version 2 > /dev/null
skopeo copy --quiet --dest-tls-verify=false "oci:$(layout refuse)/minimal:latest" "docker://$plain/a/edge:mine"
slipway prune "oci://$plain/a/edge$http" --keep-last 1 > "$work/result"
[ "$(tags a/edge | grep -c 'edge__1__')" -eq 0 ] || fail "prune: $(tags a/edge)"
tags a/edge | grep -qx mine || fail "prune removes what is not its own"
whole a/edge 2
slipway rm "oci://$plain/a/edge:edge/2/amd64$http" > /dev/null
! tags a/edge | grep -q 'edge__2__' || fail "rm: $(tags a/edge)"

say "a container disk under a tag: an image that skopeo copies"
qemu-img create -q -f qcow2 "$work/disk.qcow2" 20M
chmod 644 "$work/disk.qcow2"
for file in disk.qcow2 disk.raw; do
	name=${file/raw/img}
	slipway publish "$file" --name vm --image-version 1 --store "oci://$plain/vm/${file#*.}:1.0$http&containerdisk=true" --progress quiet > /dev/null
	rm -rf "$work/image"
	skopeo copy --quiet --src-tls-verify=false "docker://$plain/vm/${file#*.}:1.0" "dir:$work/image"
	layer=$(jq -r '.layers[0].digest' "$work/image/manifest.json")
	tar --numeric-owner -tvf "$work/image/${layer#sha256:}" > "$work/listing"
	[ "$(grep -c . "$work/listing")" -eq 2 ] && grep -qE "^-r--r----- 107/107 .* disk/${name/disk.img/disk.img}$" "$work/listing" || fail "$(< "$work/listing")"
	tar -xOf "$work/image/${layer#sha256:}" "disk/$name" | cmp - "$work/$file"
	skopeo inspect --config --tls-verify=false "docker://$plain/vm/${file#*.}:1.0" |
		jq -e --arg layer "$layer" '.architecture == "amd64" and .rootfs.diff_ids == [$layer]' > /dev/null || fail "configuration"
	slipway fetch "oci://$plain/vm/${file#*.}:1.0$http" -o "$work/out/$file" --progress quiet > /dev/null
	cmp "$work/out/$file" "$work/$file"
	slipway verify-store "oci://$plain/vm/${file#*.}:1.0$http" --progress quiet > /dev/null
done
fails 'names one file' publish disk.qcow2 disk.raw --name vm --store "oci://$plain/vm/two:1.0$http"

say "referrers of an image, with FlightCtl's types"
reference=$(registry push "$(layout refuse)/minimal" os:1)
subject=$(skopeo inspect --tls-verify=false --format '{{.Digest}}' "docker://$reference")
fails 'push the image there first' publish disk.qcow2 --store "oci://$plain/os$http&subject=2"
slipway publish disk.qcow2 disk.raw --name edge --image-version 1 --progress quiet \
	--store "oci://$plain/os$http&subject=1&convention=flightctl" > /dev/null
manifest os "${subject/:/-}" > "$work/index"
jq -e '[.manifests[].artifactType] == ["application/vnd.qcow2", "application/vnd.raw"]' "$work/index" > /dev/null || fail "$(< "$work/index")"
digest=$(jq -r '.manifests[0].digest' "$work/index")
manifest os "$digest" | jq -e --arg subject "$subject" '.subject.digest == $subject and .artifactType == "application/vnd.qcow2" and
	.layers[0].mediaType == "application/vnd.oci.image.layer.v1.tar"' > /dev/null || fail "$(manifest os "$digest")"
slipway rm "oci://$plain/os:edge/1/amd64/disk.qcow2$http" > /dev/null
manifest os "${subject/:/-}" | jq -e '[.manifests[].artifactType] == ["application/vnd.raw"]' > /dev/null || fail "still a referrer"
slipway rm "oci://$plain/os:edge/1/amd64/disk.raw$http" > /dev/null
! manifest os "${subject/:/-}" > /dev/null || fail "an empty list of referrers is left"

say "TLS and a login"
hidden=$(secure start)
install -m 644 "$work/tls/tls.crt" "$work/ca.crt"
printf '{"auths": {"%s": {"auth": "%s"}}}' "$hidden/a" "$(printf fixture:sesame | base64)" > "$work/auth.json"
printf '{"auths": {"%s": {"auth": "%s"}}}' "$hidden" "$(printf fixture:hunter2 | base64)" > "$work/wrong.json"
[ "$(id -u)" -ne 0 ] || chown "$user" "$work"/*.json
chmod 600 "$work"/*.json
fails 'option ca' publish disk.raw --store "oci://$hidden/a/b"
fails 'skopeo login' publish disk.raw --store "oci://$hidden/a/b?ca=$work/ca.crt"
fails 'refuses the login' publish disk.raw --store "oci://$hidden/a/b?ca=$work/ca.crt&authfile=$work/wrong.json"
! grep -q hunter2 "$work/stderr" || fail "the password is shown"
fails 'skopeo login' publish disk.raw --store "oci://$hidden/b?ca=$work/ca.crt&authfile=$work/auth.json"
expect_error 2 'cannot read the auth file' publish disk.raw --store "oci://$hidden/a/b?ca=$work/ca.crt&authfile=/nowhere" --progress quiet
publish "oci://$hidden/a/b?ca=$work/ca.crt" --image-version 1 --authfile "$work/auth.json" > /dev/null
slipway verify-store "oci://$hidden/a/b?tls-verify=false" --authfile "$work/auth.json" --progress quiet > /dev/null
expect_error 9 'wants a login, which no URL' url "oci://$hidden/a/b:edge/1/amd64/disk.qcow2?ca=$work/ca.crt" --authfile "$work/auth.json"
install -D -m 600 "$work/auth.json" "$work/home/.docker/config.json"
[ "$(id -u)" -ne 0 ] || chown -R "$user" "$work/home"
as_user "$user" env HOME="$work/home" XDG_CONFIG_HOME= "$slipway" ls "oci://$hidden/a/b?ca=$work/ca.crt" > /dev/null || fail "no login in ~/.docker"
as_user "$user" env REGISTRY_AUTH_FILE="$work/auth.json" "$slipway" ls "oci://$hidden/a/b?ca=$work/ca.crt" > /dev/null || fail "no login by REGISTRY_AUTH_FILE"

# proxied FAULT[,FAULT...]: $proxy is the registry behind it, with its requests in $work/requests.
proxied() {
	[ -z "${proxy_pid:-}" ] || { kill "$proxy_pid" && wait "$proxy_pid" || true; }
	: > "$work/requests"
	exec 3< <(exec python3 "$top/tests/fakes/faulty-registry.py" "http://$plain" "$1" "$work/requests")
	proxy_pid=$!
	read -r -t 20 -u 3 proxy
	proxy=${proxy#http://}
}
at_end '[ -z "${proxy_pid:-}" ] || kill "$proxy_pid"'

head -c 3M /dev/urandom > "$work/disk.qcow2"
number=0
for fault in busy,pages reset,elsewhere lie,lost-complete,cut lost-manifest,no-range; do
	say "a registry that is $fault: whole"
	proxied "$fault"
	repository=f/$((number += 1))
	publish "oci://$proxy/$repository$http" --image-version 1 --latest > /dev/null
	whole "$repository" 1
	whole "$repository" latest
	rm -f "$work/out/got"
	head -c 100 "$work/disk.qcow2" > "$work/out/got.part"
	chmod 666 "$work/out/got.part"
	slipway fetch "oci://$proxy/$repository:edge/1/amd64/disk.qcow2$http" -o "$work/out/got" --progress quiet > /dev/null
	cmp "$work/out/got" "$work/disk.qcow2"
	[ "$(slipway ls "oci://$proxy/$repository$http" | wc -l)" -eq 6 ] || fail "ls: $(slipway ls "oci://$proxy/$repository$http")"
done

# refused FAULT PATTERN: nothing may be visible afterwards.
refused() {
	say "a registry that is $1: $2"
	proxied "$1"
	fails "$2" publish disk.qcow2 --name edge --store "oci://$proxy/g/$1$http"
	[ -z "$(tags "g/$1")" ] || fail "visible: $(tags "g/$1")"
}
refused lie-always 'what arrived is not what was sent'
refused lie-digest 'names another digest'
refused denied 'does not allow it'

say "tokens that expire in mid-upload, and a blob elsewhere that is shown none"
printf '{"auths": {"https://%s/v1/": {"auth": "%s"}}}' PROXY "$(printf fixture:sesame | base64)" > "$work/token.json"
proxied token,elsewhere
fails 'skopeo login' publish disk.qcow2 --store "oci://$proxy/t$http"
sed -i "s/PROXY/$proxy/" "$work/token.json"
publish "oci://$proxy/t$http" --image-version 1 --latest --authfile "$work/token.json" > /dev/null
whole t 1
slipway verify-store "oci://$proxy/t$http" --authfile "$work/token.json" --progress quiet > /dev/null
slipway rm "oci://$proxy/t:edge/1/amd64$http" --authfile "$work/token.json" > /dev/null
! tags t | grep -q edge__1__ || fail "rm: $(tags t)"

say "a registry that lies to who reads"
for fault in lie-blob lie-manifest garbage; do
	proxied "$fault"
	expect_error 9 'digest|not JSON|nested' fetch "oci://$proxy/t:edge/latest/amd64/disk.qcow2$http" -o "$work/out/bad" --progress quiet
	[ ! -e "$work/out/bad" ] || fail "$fault: a lie was taken"
done

say "a registry that forbids deleting"
proxied no-delete
expect_error 9 'forbids deleting' rm "oci://$proxy/t:edge/latest/amd64/disk.qcow2$http"
for version in 2 3; do
	publish "oci://$proxy/t$http" --image-version "$version" --latest > /dev/null
	whole t "$version"
	whole t latest
done
expect_error 9 'forbids deleting' prune "oci://$proxy/t$http" --keep-last 1

say "a registry that lists referrers by itself"
proxied referrers
publish "oci://$proxy/os$http&subject=1" --image-version 2 > /dev/null
! manifest os "${subject/:/-}" > /dev/null || fail "a list of referrers was made"
manifest os edge__2__amd64__disk.qcow2 | jq -e --arg subject "$subject" '.subject.digest == $subject' > /dev/null || fail "no subject"

say "killed at any moment, then run again"
killed=0
for i in 1 2 3 4 5 6; do
	status=0
	head -c 9M /dev/urandom > "$work/disk.qcow2"
	(cd "$work" && as_user "$user" timeout -s KILL "0.$((RANDOM % 2))$((RANDOM % 10))" "$slipway" publish disk.qcow2 --name edge \
		--store "oci://$plain/k$http" --image-version "$i" --latest --progress quiet) > "$work/result" 2>&1 || status=$?
	[ "$status" -eq 0 ] || killed=$((killed + 1))
	# Each that is there is whole, and a record is there only with all it names.
	for tag in $(tags k | grep 'disk.qcow2$' || true); do
		digest=$(manifest k "$tag" | jq -r '.layers[0].digest')
		[ "$(curl -sfL "http://$plain/v2/k/blobs/$digest" | sha256sum | cut -d' ' -f1)" = "${digest#sha256:}" ] || fail "$tag is not whole"
	done
	! tags k | grep -q "edge__${i}__amd64__manifest.json" || whole k "$i"
	publish "oci://$plain/k$http" --image-version "$i" --latest > /dev/null
	whole k "$i"
	whole k latest
done
say "killed $killed of 6"
[ "$killed" -gt 0 ] || fail "nothing was killed"
say "done"
