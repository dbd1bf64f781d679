# SPDX-License-Identifier: MIT
# Runs in the booted machine behind guest.sh: are the images that its image is bound to in its image store?
# shellcheck shell=sh

store=/usr/lib/bootc/storage

run_bound() {
	podman --storage-opt additionalimagestore=$store run --rm --pull=never --network=none "$@"
}

# bound NAME: what the machine's own quadlets call it.
bound() {
	sed -n "s/^Image=\(.*\/$1[:@].*\)/\1/p" /usr/lib/bootc/bound-images.d/*
}

prints() {
	same "$(run_bound "$(bound "$1")")" "$2"
}

# As bootc calls podman, with /sysroot writable: images with other names would go with the next update.
names_only() {
	mkdir -p /run/bootc/storage /run/bootc/run
	mount --bind /sysroot/ostree/bootc/storage /run/bootc/storage
	mount -o remount,bind,rw /run/bootc/storage
	names=$(podman --root /run/bootc/storage --runroot /run/bootc/run images --format '{{range .Names}}{{println .}}{{end}}' |
		grep . | sort)
	same "$names" "$(sed -n 's/^Image=//p' /usr/lib/bootc/bound-images.d/* | sort)"
}

nothing_else() {
	same "$(ls -A /sysroot/ostree/bootc)" storage && same "$(find /sysroot -maxdepth 1 -name '.slipway*')" ""
}

check "an OCI image, by its tag" prints hello "hello from an OCI image"
check "an image of Docker's schema 2, by its digest" prints world "hello from Docker's schema 2"
check "an image of a list, by the list's digest" prints many "hello from a list"
check "a file that a layer deletes" same "$(run_bound "$(bound hello)" /bin/busybox ls /etc/deleted /etc/added 2> /dev/null)" \
	/etc/added
check "names in the store" names_only
check "nothing beside the store" nothing_else
