#!/bin/bash
# SPDX-License-Identifier: MIT
# usage: tests/integration/test-lying-registry.sh
# Registries that refuse, lie or break: errors at once where trying again cannot help, a few tries and then success
# where it can, and nothing of a lie in the cache.
set -euo pipefail
# shellcheck source=tests/integration/faults.sh
. "$(dirname "$0")/faults.sh"
digest=$(jq -r '.manifests[0].digest' "$images/minimal/index.json")

# lies STATUS ID FAULT [ARGUMENT...]: a registry with that fault; the build must be refused.
lies() {
	rm -f "$work/requests"
	lying_registry "$images/minimal" --fault "$3" --log "$work/requests"
	refused "$1" "$2" --tls-verify=false "${@:4}" "docker://$registry/os"
	say "$3: $(sed 's/.*os:latest: //' "$work/stderr")"
	kill "$registry_pid"
}

# asked_once WHAT: the last registry was asked but once for the layers or manifests.
asked_once() {
	local most
	most=$(grep "GET .*/$1/" "$work/requests" | sort | uniq -c | sort -rn | awk 'NR == 1 { print $1 }')
	[ "${most:-0}" -le 1 ] || fail "asked $most times: $(sort "$work/requests" | uniq -c)"
}

lies 4 unauthorized 401
asked_once manifests
lies 4 unauthorized auth:me:secret
lies 4 unauthorized 403
asked_once manifests
lies 4 image-not-found 404
asked_once manifests
lies 4 image-not-found blob-404
asked_once blobs
lies 4 digest wrong-blob
asked_once blobs
lies 4 digest short-blob
lies 4 manifest garbage-manifest
asked_once manifests
lies 4 manifest huge-manifest
lies 4 source redirect-loop
lies 4 digest wrong-config
lies 4 digest endless-blob
lies 4 unreachable 500
lies 4 unreachable truncated-blob
lies 4 unreachable reset

lying_registry "$images/minimal" --fault wrong-manifest
refused 4 digest --tls-verify=false "docker://$registry/os@$digest"
kill "$registry_pid"
refused 4 unreachable --tls-verify=false "docker://$registry/os"

# A certificate that nobody knows, and a server that does not speak TLS.
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1 \
	-keyout "$work/key" -out "$work/crt" 2> "$work/openssl.log"
lying_registry "$images/minimal" --tls "$work/crt" "$work/key"
refused 4 tls "docker://$registry/os"
slipway plan --target-imgref "$target" --tls-verify=false "docker://$registry/os" > "$work/stdout" ||
	fail "--tls-verify=false does not help"
kill "$registry_pid"
lying_registry "$images/minimal"
refused 4 tls "docker://$registry/os"
kill "$registry_pid"

# What passes: each from an empty cache, so that layers are asked for.
for fault in 503:2 429:1 blob-500:2 truncated-blob:2 reset:2; do
	rm -rf "$work/cache/repo"
	lying_registry "$images/minimal" --fault "$fault"
	slipway plan --target-imgref "$target" --tls-verify=false "docker://$registry/os" \
		> "$work/stdout" 2> "$work/stderr" || fail "$fault: $(< "$work/stderr")"
	kill "$registry_pid"
done

# Credentials from a file, and from the usual places of a user without a login session (as this one is).
lying_registry "$images/minimal" --fault auth:me:secret
echo "{\"auths\": {\"$registry\": {\"auth\": \"$(printf me:secret | base64)\"}}}" > "$work/auth.json"
chmod 644 "$work/auth.json"
slipway plan --target-imgref "$target" --tls-verify=false --authfile "$work/auth.json" "docker://$registry/os" \
	> "$work/stdout" || fail "--authfile does not help"
if [ "$(id -u)" -eq 0 ]; then
	mkdir -m 700 "$work/closed"
	mkdir -p /run/containers "$work/home/.docker"
	cp "$work/auth.json" "$work/home/.docker/config.json"
	# shellcheck disable=SC2016 # the inner shell expands it
	unshare --mount -- bash -euc 'mount --bind "$1" /run/containers; shift; exec "$@"' - "$work/closed" \
		setpriv --reuid "$user" --regid "$(id -g "$user")" --clear-groups \
		env -u XDG_RUNTIME_DIR HOME="$work/home" SLIPWAY_CACHE="$work/cache" \
		"$slipway" plan --target-imgref "$target" --tls-verify=false "docker://$registry/os" > "$work/stdout" ||
		fail "a closed /run/containers hides ~/.docker/config.json"
fi
clean
cache_is_good
