# SPDX-License-Identifier: MIT
# Runs in the booted machine behind guest.sh: is the image's policy in force, and are the labels right?
# Before it stands the variable mode.
# shellcheck shell=sh disable=SC2154

denials() {
	journalctl -b --no-pager -o cat | grep -E 'avc: +denied'
}

loaded() {
	same "$(getenforce)" "$mode" && journalctl -b --no-pager -o cat | grep 'Successfully loaded SELinux policy' &&
		sestatus | grep -E '^Loaded policy name: +default$'
}

no_unlabelled() {
	! denials | grep unlabeled_t
}

# The image's own judge; what the machine itself made in /var since is not our doing.
nothing_to_relabel() {
	same "$(restorecon -n -v -R /usr /etc /boot 2>&1)" ""
}

# rightly_labelled LABEL: one of the paths on stdin has that type by the policy, or none.
rightly_labelled() {
	any=
	while read -r path; do
		any=1
		wanted=$(matchpathcon -n "$path" | cut -d : -f 3)
		case $wanted in "$1" | '<<none>>') return 0 ;; esac
		echo "$path is $1, the policy says $wanted"
	done
	[ ! "$any" ]
}

# Each denial about a file of the disk: by its path, or by its inode.
denied_are_labelled() {
	root=$(findmnt -n -o SOURCE /sysroot)
	find / -xdev -path /sysroot -prune -o -printf '%i %p\n' > /tmp/inodes
	denials | grep -E 'tclass=(file|dir|lnk_file)' | grep "dev=\"${root#/dev/}\"" |
		sed -n 's/.* ino=\([0-9]*\) .*tcontext=[^:]*:[^:]*:\([^: ]*\).*/\1 \2/p' | sort -u > /tmp/denied
	count=0
	while read -r inode label; do
		sed -n "s/^$inode //p" /tmp/inodes | rightly_labelled "$label" || return 1
		count=$((count + 1))
	done < /tmp/denied
	echo "$count files that something was denied"
}

check "policy in force" loaded
check "PID 1 has its domain" same "$(tr -d '\0' < /proc/1/attr/current)" system_u:system_r:init_t:s0
check "who logs in has theirs" same "$(id -Z | cut -d : -f 3)" unconfined_t
check "no denial for want of a label" no_unlabelled
check "no denial for a wrong label" denied_are_labelled
cat /tmp/check.log
check "nothing to relabel" nothing_to_relabel
echo "$(denials | wc -l) denials"
