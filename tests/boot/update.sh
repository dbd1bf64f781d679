# SPDX-License-Identifier: MIT
# Runs in the booted machine behind guest.sh (tests/boot/test-update.sh): another version of its image is brought
# in by upstream's importer, booted, and taken back. Before it stand the variables image (where the machine
# updates from), layer (the digest of what is new there), and those of guest.sh.
# shellcheck shell=sh disable=SC2154

PATH=/var/put/bin:$PATH
mine=/etc/slipway-fixture/update

# The tools write below /sysroot and /boot, which are read-only for everybody else.
writable() {
	unshare --mount sh -euc 'mount -o remount,rw /sysroot && "$@"' writable "$@"
}

deployments() {
	ostree admin status | sed -n 's/^[* ] default \([0-9a-f]*\)\.[0-9].*/\1/p' | tr '\n' ' '
}

booted() {
	ostree admin status | sed -n 's/^\* default \([0-9a-f]*\)\.[0-9].*/\1/p'
}

kargs_d() {
	ostree --repo=/ostree/repo ls --nul-filenames-only "$1" /usr/lib/bootc/kargs.d | tr '\0' '\n' | while read -r file; do
		case $file in *.toml) ;; *) continue ;; esac
		ostree --repo=/ostree/repo cat "$1" "$file" | grep -q match-architectures ||
			ostree --repo=/ostree/repo cat "$1" "$file" | sed -n 's/^kargs = \["\(.*\)"\]$/\1/p'
	done
}

# The machine's kernel arguments with what the kargs.d of the second commit adds to that of the first, as bootc does.
new_kargs() {
	tr ' ' '\n' < /proc/cmdline | grep -v -e '^ostree=' -e '^BOOT_IMAGE='
	kargs_d "$1" > /tmp/kargs.old
	kargs_d "$2" | grep -vxF -f /tmp/kargs.old
}

# fetched: only the layer that is new, says the importer.
fetched() {
	cat /tmp/pull
	grep -qE 'layers already present: [1-9][0-9]*; layers needed: 1 ' /tmp/pull
}

update() {
	mkdir -p /etc/containers
	echo '{"default": [{"type": "insecureAcceptAnything"}]}' > /etc/containers/policy.json
	check "upstream's list of images" same "$(ostree-container container image list --repo /ostree/repo)" \
		"docker://$image"
	old=$(booted)
	writable ostree-container container image pull --quiet --insecure-skip-tls-verification /ostree/repo \
		"$origin" > /tmp/pull 2>&1 || {
		echo "FAILED: pull: $(cat /tmp/pull)"
		exit 1
	}
	check "only the new layer is fetched" fetched
	new=$(ostree --repo=/ostree/repo rev-parse "$(ostree --repo=/ostree/repo refs --list ostree/container/image)")
	set --
	for karg in $(new_kargs "$old" "$new"); do
		set -- "$@" --karg "$karg"
	done
	writable ostree-container container image deploy --insecure-skip-tls-verification --imgref "$origin" "$@" \
		> /tmp/deploy 2>&1 || {
		echo "FAILED: deploy: $(cat /tmp/deploy)"
		exit 1
	}
	check "the update waits for the shutdown" same "$(deployments)" "$new $old "
	echo machine > $mine-of-machine
	echo machine > $mine-of-both
	rm $mine-only-first
	echo machine > /var/lib/slipway-fixture/update/machine
	echo "$old $new" > /var/lib/slipway-fixture/update/commits
	sync
}

# check_etc RELEASE: /etc has what the image of that release brings, and what was changed here.
check_etc() {
	check "/etc: changed by the image" same "$(cat $mine-of-image)" "$1"
	check "/etc: changed by the image and here" same "$(cat $mine-of-both)" machine
	check "/etc: made here" same "$(cat $mine-of-machine)" machine
	check "/etc: removed here" test ! -e $mine-only-first
}

check_var() {
	check "/var: made here" same "$(cat /var/lib/slipway-fixture/update/machine)" machine
	check "/var: not touched by the image" same "$(cat /var/lib/slipway-fixture/update/seed)" 1
}

# check_boot: /boot has all that the entries of both deployments name, and room.
check_boot() {
	check "entries of both" same "$(find /boot/loader/entries -name '*.conf' | wc -l)" 2
	for file in $(sed -n 's/^\(linux\|initrd\) //p' /boot/loader/entries/*.conf); do
		check "$file" test -s "$file"
	done
	check "two kernels in /boot" same "$(find /boot/ostree -mindepth 1 -maxdepth 1 -type d | wc -l)" 2
	df -h --output=size,used,avail /boot | tail -n 1
}

after_update() {
	read -r old new < /var/lib/slipway-fixture/update/commits
	check "the second release" same "$(cat /usr/share/slipway-fixture/release)" 2
	check "kernel argument of the second release" has_word fixture.update=2 "$cmdline"
	check "both deployments" same "$(deployments)" "$new $old "
	check "the second is booted" same "$(booted)" "$new"
	check_etc 2
	check "/etc: new in the image" same "$(cat $mine-only-second)" 2
	check_var
	check_boot
	ostree admin set-default 1 > /tmp/rollback 2>&1 || {
		echo "FAILED: rollback: $(cat /tmp/rollback)"
		exit 1
	}
	check "the first is the default again" same "$(deployments)" "$old $new "
}

after_rollback() {
	read -r old new < /var/lib/slipway-fixture/update/commits
	check "the first release" same "$(cat /usr/share/slipway-fixture/release)" 1
	check "no kernel argument of the second release" fails has_word fixture.update=2 "$cmdline"
	check "both deployments" same "$(deployments)" "$old $new "
	check "the first is booted" same "$(booted)" "$old"
	check_etc 1
	check_var
	check_boot
}
