#!/bin/bash
# SPDX-License-Identifier: MIT
# usage: tests/check-format.sh
# All C as clang-format leaves it. Other versions than 14 (Debian 12's) differ in trifles.
set -euo pipefail
cd "$(dirname "$0")/.."
clang-format --version 2> /dev/null | grep -q 'version 14\.' || { echo "clang-format 14 is not installed" && exit 77; }

find src formats storage tests \( -name '*.c' -o -name '*.cc' -o -name '*.h' \) -print0 |
	xargs -0 clang-format --dry-run -Werror
