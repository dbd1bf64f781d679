#!/bin/bash
# SPDX-License-Identifier: MIT
# usage: tests/check-format.sh
# All C as clang-format leaves it. Other versions than 14 (Debian 12's) differ in trifles.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=tests/need.sh
. tests/need.sh
need clang-format
[[ $(clang-format --version) == *'version 14.'* ]] || { echo "this is not clang-format 14" && exit 77; }

find src formats storage installer tests \( -name '*.c' -o -name '*.cc' -o -name '*.h' \) -print0 |
	xargs -0 clang-format --dry-run -Werror
