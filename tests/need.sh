# SPDX-License-Identifier: MIT
# Sourced by scripts of tests/: programs that they cannot do without.
# shellcheck shell=bash

# missing WHAT: says that it is not installed. Where all is said to be installed, with SW_TEST_STRICT, which
# contrib/test sets, the test ends as a failure.
missing() {
	printf '%s: %s is not installed\n' "${0##*/}" "$1" >&2
	[ -z "${SW_TEST_STRICT:-}" ] || exit 1
}

# has PROGRAM: for a part of a test; false when it is missing.
has() {
	command -v "$1" > /dev/null || { missing "$1" && false; }
}

# need PROGRAM...: for a whole test, which is skipped when one is missing.
need() {
	local program
	for program in "$@"; do
		has "$program" || exit 77
	done
}
