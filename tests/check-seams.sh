#!/bin/bash
# SPDX-License-Identifier: MIT
# usage: tests/check-seams.sh
# The architecture, as far as grep can see it: who may include whom, and what nobody may call.
set -euo pipefail
cd "$(dirname "$0")/.."

status=0

# refuse WHY, with grep's findings on stdin.
refuse() {
	local found
	found=$(cat)
	[ -n "$found" ] || return 0
	printf '%s:\n%s\n' "$1" "$found"
	status=1
}

# found COMMAND...: grep, for which finding nothing is no failure; any other one is a finding.
found() {
	"$@" || [ $? -eq 1 ] || echo "failed: $*"
}

# code PATTERN PATH...: where C or C++ matches.
code() {
	found grep -rnE --include='*.c' --include='*.cc' --include='*.h' "$@"
}

# may_include FOLDER FOLDER...: the first one's files include headers of these folders only.
may_include() {
	local folder=$1 allowed
	shift
	allowed=$(IFS='|' && echo "$*")
	refuse "$folder/ may include only $*" < <(code '^#include "' "$folder" | found grep -vE "#include \"($allowed)/")
}
may_include src/core core
may_include src/store store core
may_include src/spec spec store source core
may_include src/source source core
may_include src/image image source core
may_include src/disk disk image source spec core
may_include src/verify verify disk image source spec core
may_include src/build build store disk image source spec core
may_include src/cli cli build verify store disk image source spec core
may_include formats core formats installer
may_include installer installer
may_include storage core storage

refuse "only the files of the guest speak to libguestfs" \
	< <(code 'guestfs\.h|\bguestfs_' src formats storage installer | found grep -vE '^src/disk/(guest|guest-label|examine)\.c:|^src/disk/guest-handle\.h:')
for plugin in formats/*.c storage/*.c; do
	[ -e "$plugin" ] || continue
	name=$(basename "$plugin" .c)
	refuse "the core does not name $plugin" < <(code "sw_(format|storage)_$name\\b" src)
done

refuse "programs are run by core/subprocess.h, never by a shell" < <(code '\b(system|popen|execlp|execvp|wordexp)\(' src formats storage installer)
refuse "unbounded string functions" < <(code '\b(sprintf|vsprintf|strcpy|strcat|stpcpy|gets|alloca|strtok)\(' src formats storage installer)
refuse "numbers are parsed by core/" < <(code '\b(atoi|atol|atoll|strtol|strtoul|strtoll|strtoull|sscanf)\(' src formats storage installer)
refuse "cleanup by attribute, not by goto" < <(code '\bgoto\b' src formats storage installer)
refuse "only programs print and exit" < <(code '\b(printf|puts|putchar|exit|_exit|abort|g_print|g_printerr)\(' src formats storage installer | found grep -vE '^(src/cli|installer)/')
refuse "nothing is left to be done" < <(found grep -rnIE '\b(TODO|FIXME|XXX)\b' src formats storage installer contrib fixtures tests | found grep -v '^tests/check-seams\.sh:')
refuse "a header is included once" < <(find src formats storage installer -name '*.h' -exec grep -LE '^#pragma once' {} +)
refuse "a file starts with its licence" < <(
	find src formats storage installer tests contrib fixtures .ci -type f \
		\( -name '*.c' -o -name '*.cc' -o -name '*.h' -o -name '*.py' -o -name '*.sh' -o -perm -u+x \) -print0 |
		xargs -0 awk 'FNR == 1 { seen = 0 } /SPDX-License-Identifier: MIT/ { seen = 1 } FNR == 2 && !seen { print FILENAME } FNR == 2 { nextfile }'
)
exit $status
