#!/bin/bash
# SPDX-License-Identifier: MIT
# usage: test-cli.sh, with the program in $SLIPWAY
#
# What the command line promises before any image is touched: help, errors and their hints, exit
# statuses, streams, signals, completion, the manual page.  Needs only the program; shells and
# mandoc are used where they are installed.
set -u
# shellcheck source=tests/need.sh
. "$(dirname "$0")/../need.sh"

slipway=$(realpath "${SLIPWAY:?is the program to test}")
template=$(realpath "$(dirname "$0")/../../docs/slipway.1.in")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
unset SLIPWAY_CACHE
export LC_ALL=C.UTF-8 XDG_CACHE_HOME=$work/cache
failures=0
checks=0

fail() {
	echo "FAIL: $*" >&2
	sed 's/^/  stdout: /' out >&2
	sed 's/^/  stderr: /' err >&2
	failures=$((failures + 1))
}

# run STATUS ARGUMENT...: runs slipway; its streams are in the files out and err.
run() {
	local expected=$1 status=0
	shift
	checks=$((checks + 1))
	"$slipway" "$@" > out 2> err < /dev/null || status=$?
	[ "$status" = "$expected" ] || fail "slipway $*: status $status, not $expected"
}

# refuse STATUS MESSAGE ARGUMENT...: fails with just that line on stderr and nothing on stdout.
refuse() {
	local status=$1 message="slipway: $2"
	shift 2
	run "$status" "$@"
	[ "$(cat err)" = "$message" ] || fail "slipway $*: wants the error \"$message\""
	[ -s out ] && fail "slipway $*: an error writes to stdout"
}

# good NAME: what was run said nothing on stderr and something on stdout.
good() {
	[ -s err ] && fail "$1: writes to stderr"
	[ -s out ] || fail "$1: writes nothing"
}

verbs=$("$slipway" completion bash | sed -n "s/^\t\t:\*) words='\(.*\)' ;;/\1/p")
[ "$(wc -w <<< "$verbs")" -ge 7 ] || { echo "FAIL: no verbs in the completion" >&2; exit 1; }

test_help() {
	local verb
	run 0 --help
	good --help
	cp out overview
	run 0 help
	cmp -s out overview || fail "help is not --help"
	run 0 -h
	for verb in $verbs; do
		grep -q "^  $verb " overview || fail "$verb is not in --help"
		run 0 "$verb" --help
		good "$verb --help"
		awk 'length > 80 { exit 1 }' out || fail "$verb --help is wider than 80 columns"
		grep -q '^Examples:' out || fail "$verb --help has no examples"
		cp out help
		run 0 help "$verb"
		cmp -s out help || fail "help $verb is not $verb --help"
		run 0 --help "$verb"
		cmp -s out help || fail "--help $verb is not $verb --help"
	done
	awk 'length > 80 { exit 1 }' overview || fail "--help is wider than 80 columns"
	grep -q ' man ' overview && fail "a hidden verb is in --help"
}

test_usage() {
	refuse 2 'no verb is given (see slipway --help)'
	refuse 2 'unknown verb "buidl"; did you mean build?' buidl
	refuse 2 'unknown verb "zzzzzz" (see slipway --help)' zzzzzz
	refuse 2 'unknown verb "quay.io/a/b"; did you mean slipway build quay.io/a/b?' quay.io/a/b
	refuse 2 'unknown option --siez; did you mean --size?' build x --siez 3G
	refuse 2 'unknown option --zzzzzz (see slipway build --help)' build x --zzzzzz
	refuse 2 'unknown option -z (see slipway build --help)' build -z
	refuse 2 'inspect has no option --keep (see slipway inspect --help)' inspect x --keep
	refuse 2 '--size belongs behind a verb, as in: slipway build --size' --size 3G build x
	refuse 2 '--size needs a value: --size SIZE' build x --size
	refuse 2 '--size is given twice' build x --size 1G --size=1G
	refuse 2 '--json takes no value' build x --json=yes
	refuse 2 '--size: the value is empty' build x --size=
	refuse 2 '--size: 3 is not whole MiB; the next that is: 1M' build x --size=3
	refuse 2 '--type: unknown format "qcow"; did you mean "qcow2"?' build x -tqcow
	refuse 2 '--option: unknown format "qcow"; did you mean "qcow2"?' build x --option qcow.level=1
	refuse 2 '--option: format qcow2: unknown option "lvel"; did you mean "level"?' \
		build x --option qcow2.lvel=1
	refuse 2 '--option: format qcow2: option compression: "zst" is none of zlib, zstd, none; did you mean zstd?' \
		build x --option=qcow2.compression=zst
	refuse 2 '--option: "qcow2" is no option of a type: write TYPE.NAME=VALUE' build x --option qcow2
	refuse 2 '--option: "qcow2.level" is no option of a type: write TYPE.NAME=VALUE' \
		build x --option qcow2.level
	refuse 2 '--option qcow2.level=1: qcow2 is not made: add --type qcow2' \
		build x -t raw --option qcow2.level=1
	refuse 2 'format qcow2: level is not from 1 to 9' build x --option qcow2.level=10
	refuse 2 '--rootfs: "ext3" is none of ext4, xfs, btrfs; did you mean ext4?' \
		build x --rootfs ext3
	refuse 2 '--tls-verify: "no" is none of true, false' build x --tls-verify no
	refuse 2 'build takes one IMAGE, but "y" is a second' build x y
	refuse 2 'version takes no argument, but "x" is given' version x
	refuse 2 'list needs an argument: slipway list formats|storage' list
	refuse 2 'list: "format" is none of formats, storage; did you mean formats?' list format
	refuse 2 'inspect needs an argument: slipway inspect IMAGE' inspect
}

test_build_usage() {
	refuse 2 '--output: images are written into a directory, not to a pipe: name one' build x -o -
	refuse 2 'no image is given: name one on the command line, or as "image" in the document' build
	run 2 build oci:/nowhere
	grep -q -- '--target-imgref REF$' err || fail "no remedy for an image outside of a registry"
	run 2 build 'bad name'
	run 2 build x --karg 'a b'
	run 2 build x --target-imgref 'no where'
	run 2 build x --root-ssh-authorized-keys /nonexistent
	grep -q '^slipway: --root-ssh-authorized-keys: cannot .*/nonexistent' err ||
		fail "the keys file is not named"
	run 2 build x --authfile /nonexistent
	run 2 build -- --type
	grep -q -- "image reference '--type'" err || fail "-- does not end the options"
	[ -e output ] && fail "a usage error leaves an output directory"
	[ -e cache ] && fail "a usage error leaves a cache"
}

test_document() {
	printf 'imagee: x\ntypes: [qcow]\nsize: 3\nsize: 4G\n' > bad.yaml
	refuse 3 'bad.yaml:1:1: unknown key "imagee"; did you mean image?
slipway: bad.yaml:2:9: types: unknown format "qcow"; did you mean "qcow2"?
slipway: bad.yaml:3:7: size: 3 is not whole MiB; the next that is: 1M
slipway: bad.yaml:4:1: size is here twice, first in line 3' build -f bad.yaml
	cat > options.yaml <<- 'E'
		image: x
		options:
		  qcow: {level: 1}
		  qcow2:
		    lvel: 1
		    compression: lz4
		    level: 3
		    level: 4
		    cluster-size: [1]
		  raw: 3
	E
	refuse 3 'options.yaml:3:3: options: unknown format "qcow"; did you mean "qcow2"?
slipway: options.yaml:5:5: options: format qcow2: unknown option "lvel"; did you mean "level"?
slipway: options.yaml:6:18: options: format qcow2: option compression: "lz4" is none of zlib, zstd, none
slipway: options.yaml:8:5: qcow2.level is here twice, first in line 7
slipway: options.yaml:9:19: qcow2.cluster-size must be a single value
slipway: options.yaml:10:8: the options of raw must be lines "name: value"' build -f options.yaml
	printf 'image: x\noptions: [qcow2.level=1]\n' > options.yaml
	refuse 3 'options.yaml:2:10: options must be types with their options: {qcow2: {level: 9}}' \
		build -f options.yaml
	printf 'image: x\ntypes: [qcow2]\noptions: {qcow2: {level: 10}}\n' > options.yaml
	refuse 2 'format qcow2: level is not from 1 to 9' build -f options.yaml
	run 3 build -f /nonexistent.yaml
	run 3 build -f "$work"
	run 3 build -f -
	grep -q '^slipway: stdin:1:1: the document is empty$' err || fail "-f - does not read stdin"
	mkdir -p sub
	printf '{"image": "oci:x", "authfile": "auth.json"}\n' > sub/build.json
	refuse 3 'sub/build.json:1:32: authfile: cannot read sub/auth.json: No such file or directory' \
		plan --file=sub/build.json
	printf '{}' > sub/auth.json
	run 2 plan --file=sub/build.json
	grep -q 'oci:x is not in a registry' err || fail "the document's image is not used"
	run 2 plan oci:y --file=sub/build.json
	grep -q 'oci:y is not in a registry' err || fail "the argument does not win"
}

test_json_errors() {
	run 2 build --json
	[ "$(wc -l < err)" = 1 ] || fail "not one line on stderr"
	tr -d ' \n' < out | grep -q '^{"error":{"id":"no-image","code":2,"message":"no.*"}}$' ||
		fail "no error object on stdout"
	run 3 build --json -f bad.yaml
	tr -d ' \n' < out | grep -q '^{"error":{"id":"document","code":3,' || fail "no error object"
	run 2 build --json --zzz
	tr -d ' \n' < out | grep -q '^{"error":{"id":"unknown-option"' || fail "no error object"
}

test_results() {
	local word
	run 0 --version
	good --version
	grep -q '^slipway [0-9.]*$' out || fail "--version is not a version"
	for word in formats storage; do
		run 0 list "$word"
		good "list $word"
		run 0 list "$word" --json
		good "list $word --json"
		grep -q '"name"' out || fail "list $word --json has no names"
	done
	run 0 version
	good version
	run 0 -v version --json
	grep -q '"version"' out || fail "version --json has no version"
	SLIPWAY_CACHE=$'a\nb' run 2 version
}

test_streams() {
	local status
	for redirection in '> /dev/full' '>&-'; do
		status=0
		checks=$((checks + 1))
		eval '"$slipway" version' "$redirection" 2> err || status=$?
		: > out
		[ "$status" = 6 ] || fail "version $redirection: status $status, not 6"
		grep -q '^slipway: cannot write the result to stdout: ' err ||
			fail "version $redirection: the error is not told"
	done
	status=0
	"$slipway" nothing 2>&- || status=$?
	[ "$status" = 2 ] || fail "a closed stderr changes the status to $status"
}

# await_handler PID SIGNAL: until that process is slipway and has made up its mind about the signal.
await_handler() {
	local i mask number
	number=$(kill -l "$2")
	for ((i = 0; i < 500; i++)); do
		[[ $(readlink "/proc/$1/exe") == */slipway ]] && while read -r mask; do
			(((0x$mask >> (number - 1)) & 1)) && return 0
		done < <(awk '/^Sig(Blk|Cgt):/ { print $2 }' "/proc/$1/status")
		sleep 0.02
	done
	fail "SIG$2: no handler within 10 s"
}

# Waits for a document that never comes, then gets a signal.
test_signals() {
	local signal status pid
	for signal in INT TERM HUP; do
		status=0
		checks=$((checks + 1))
		mkfifo "fifo.$signal"
		set -m
		"$slipway" build -f - < "fifo.$signal" > out 2> err &
		pid=$!
		set +m
		exec 3> "fifo.$signal"
		await_handler "$pid" "$signal"
		kill -s "$signal" "$pid"
		wait "$pid" || status=$?
		exec 3>&-
		[ "$status" = 130 ] || fail "SIG$signal: status $status, not 130"
		grep -qi '^slipway: .*cancelled$' err || fail "SIG$signal: not told"
	done
}

test_completion() {
	local shell
	for shell in bash zsh fish; do
		run 0 completion "$shell"
		good "completion $shell"
		cp out "completion.$shell"
		command -v "$shell" > /dev/null || continue
		"$shell" -n "completion.$shell" || fail "completion $shell does not parse"
	done
	run 2 completion csh
	bash -c '
		source completion.bash
		complete_line() {
			COMP_WORDS=("$@")
			COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
			_slipway
			echo "${COMPREPLY[*]}"
		}
		complete_line slipway bui
		complete_line slipway build --roo
		complete_line slipway build --rootfs x
		complete_line slipway build --type = q
		complete_line slipway build --option qcow2.c
		complete_line slipway build --option qcow2.compression = zl
		complete_line slipway list ""
		complete_line slipway build -f bad
	' > got 2> err
	printf '%s\n' build '--rootfs --root-ssh-authorized-keys' xfs qcow2 \
		'qcow2.compression=zlib qcow2.compression=zstd qcow2.compression=none qcow2.cluster-size=' zlib \
		'formats storage' \
		bad.yaml > wanted
	tr ' ' '\n' < got | sort > out
	tr ' ' '\n' < wanted | sort | cmp -s - out || fail "bash completes something else"
	if command -v fish > /dev/null; then
		HOME=$work fish --no-config -c 'source completion.fish
			complete -C "slipway bui"
			complete -C "slipway build --rootfs x"' > out 2> err
		cut -f 1 out | tr '\n' ' ' | grep -qx 'build xfs ' || fail "fish completes something else"
	fi
}

test_manual() {
	run 0 man "$template"
	good man
	cp out slipway.1
	grep -q '^@' slipway.1 && fail "a table is left open in the manual page"
	for word in '.It Cm build' '.It Fl t , Fl -type Ar TYPE' '.It Cm karg-deletes' '.It Cm qcow2'; do
		grep -qF "$word" slipway.1 || fail "the manual page lacks \"$word\""
	done
	has mandoc || return 0
	mandoc -T lint -W warning slipway.1 > out 2>&1 || fail "mandoc finds faults"
}

test_help
test_usage
test_build_usage
test_document
test_json_errors
test_results
test_streams
test_signals
test_completion
test_manual
echo "$checks runs, $failures failures"
[ "$failures" = 0 ]
