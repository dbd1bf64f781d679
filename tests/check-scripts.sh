#!/bin/bash
# SPDX-License-Identifier: MIT
# usage: tests/check-scripts.sh
# Shell scripts that shellcheck has nothing against, Python that compiles, words that codespell knows.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=tests/need.sh
. tests/need.sh
need shellcheck codespell python3

status=0
mapfile -t shell < <(grep -rlIE '^(#!/bin/(ba)?sh|# shellcheck shell=)' contrib fixtures tests .ci | sort)
shellcheck --severity=warning --external-sources --source-path=. "${shell[@]}" || status=1
mapfile -t python < <(find contrib fixtures tests -name '*.py' | sort)
for file in "${python[@]}"; do
	python3 -c 'import ast, sys; ast.parse(open(sys.argv[1], encoding="utf-8").read(), sys.argv[1])' "$file" || status=1
done
# The words are wrong on purpose, or names.
codespell --skip='./.git,./build*,./out,*/corpus' --ignore-words-list=buidl,crate,pasword,etcc,nd,conectix . || status=1
exit $status
