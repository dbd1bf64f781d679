#!/bin/bash
# SPDX-License-Identifier: MIT
# usage: tests/check-size.sh
# No file over 600 lines, no C function over 80 lines or of a complexity over 15. There are no exceptions.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=tests/need.sh
. tests/need.sh
need pmccabe

mapfile -t code < <(find src formats storage installer tests -name '*.c' -o -name '*.cc' -o -name '*.h' | sort)
mapfile -t scripts < <(grep -rlIE '^#!' contrib fixtures tests .ci | sort -u)
status=0
wc -l "${code[@]}" "${scripts[@]}" | awk '
	$2 != "total" && $1 > 600 { print $2 ": " $1 " lines, at most 600"; bad = 1 }
	END { exit bad }' || status=1
# Columns: modified complexity, complexity, statements, first line, lines, file(line): function
printf '%s\n' "${code[@]}" | grep -v '\.h$' | xargs pmccabe | awk -F'\t' '
	$1 > 15 { print $6 ": complexity " $1 ", at most 15"; bad = 1 }
	$5 > 80 { print $6 ": " $5 " lines, at most 80"; bad = 1 }
	END { exit bad }' || status=1
exit $status
