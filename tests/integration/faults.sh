# SPDX-License-Identifier: MIT
# Sourced by the tests of what goes wrong: tests/lib.sh, and what a failed build may leave behind.
# shellcheck shell=bash
# shellcheck source=tests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

# The images of fixtures/refuse.py; `minimal` is the good one.
images=$(layout refuse)
good=oci:$images/minimal:latest
target=registry.example.com/fixture:1

# Runs slipway as slipway() does, but as this very process: its id is the program's, and that of a process group.
# (A shell's background jobs ignore SIGINT.)
exec_slipway() {
	cd "$work"
	local -a as=()
	[ "$(id -un)" = "$user" ] ||
		as=(setpriv --reuid "$user" --regid "$(id -g "$user")" "${groups:---clear-groups}")
	exec setsid "${as[@]}" env --default-signal=INT -u XDG_RUNTIME_DIR -u XDG_CACHE_HOME HOME="$(home_of "$user")" \
		TMPDIR="$work/tmp" SLIPWAY_CACHE="${SLIPWAY_CACHE:-$work/cache}" \
		LIBGUESTFS_CACHEDIR="${LIBGUESTFS_CACHEDIR:-/var/tmp}" "$slipway" "$@" < /dev/null
}

# Who is still there in the end was started here, and is not wanted.
# shellcheck disable=SC2016 # that is for later
at_end 'kill -KILL $(jobs -rp) 2> /dev/null'

# start ARGUMENT...: a build of those in the background, with its id in $pid, its progress, a JSON
# object a line, in $work/progress, its result in $work/stdout. ($suffix is appended to these names.)
start() {
	: > "$work/progress${suffix:-}"
	exec_slipway build --target-imgref "$target" --progress json --json "$@" \
		> "$work/stdout${suffix:-}" 2> "$work/progress${suffix:-}" &
	pid=$!
}

# await PATTERN: until the progress has a line with that; fails when the build ends before it.
await() {
	local i
	for ((i = 0; i < 3000; i++)); do
		! grep -q -- "$1" "$work/progress" || return 0
		kill -0 "$pid" 2> /dev/null || break
		sleep 0.02
	done
	fail "no $1 in the progress: $(< "$work/progress")"
}

# await_appliance: until the build, of an xfs with much in it, has begun to fill that in the appliance.
await_appliance() {
	await '"step","stage":"disk","done":[1-9]'
}

# ended SECONDS: waits for the end of the build $pid, at most that long; its status is in $status.
ended() {
	local i
	for ((i = 0; i < $1 * 20; i++)); do
		kill -0 "$pid" 2> /dev/null || break
		sleep 0.05
	done
	! kill -0 "$pid" 2> /dev/null || fail "slipway has not ended within $1 s: $(tail -n 3 "$work/progress")"
	status=0
	wait "$pid" 2> /dev/null || status=$?
}

# refused STATUS ID ARGUMENT...: a build of those must end with that status: one line on stderr, the
# same in JSON under that id on stdout, and no output directory ($output, or one of its own).
refused() {
	local status=0 want=$1 id=$2 line
	shift 2
	slipway build --target-imgref "$target" --output "${output:-$work/out/refused}" --json --progress quiet "$@" \
		> "$work/stdout" 2> "$work/stderr" || status=$?
	[ "$status" -eq "$want" ] || fail "build $*: exit $status, not $want: $(< "$work/stderr")"
	line=$(< "$work/stderr")
	[ "$(wc -l < "$work/stderr")" -eq 1 ] || fail "build $*: not one line: $line"
	[[ $line == 'slipway: '* ]] || fail "build $*: says $line"
	is_error "$want" "$id" "$line"
	nothing_left "$work/out"
	clean
}

# is_error STATUS ID [LINE]: what is on stdout is an error as JSON, with that exit status, id and text.
is_error() {
	local found
	found=$(jq -r '.error | "\(.code) \(.id)"' "$work/stdout") || fail "no JSON: $(head -n 3 "$work/stdout")"
	[ "$found" = "$1 $2" ] || fail "the error is $found, not $1 $2: $(jq -r .error.message "$work/stdout")"
	[ -z "${3:-}" ] || [ "$3" = "slipway: $(jq -r .error.message "$work/stdout")" ] ||
		fail "stdout and stderr differ: $3"
}

# Prints the processes of the user's that work in $work: all that slipway starts stays there.
# (Who has ended and was not waited for has no directory.)
processes() {
	local cwd
	# Some end while they are looked at.
	(find /proc/[0-9]*/cwd -maxdepth 0 \( -lname "$work" -o -lname "$work/*" \) || true) 2> /dev/null |
		while read -r cwd; do
			(tr '\0' ' ' < "${cwd%cwd}cmdline" && echo) 2> /dev/null || true
		done
}

# Prints the scratch directories of appliances that nobody holds. (Other tests' builds hold theirs.)
dead_scratch() {
	local dir
	for dir in /tmp/slipway-????????????; do
		if [ -d "$dir" ] && [ "$(stat -c %U "$dir")" = "$user" ] && flock --nonblock "$dir" true; then
			echo "$dir"
		fi
	done
}

# clean: nothing but the cache is left of a build that has ended.
clean() {
	local left
	left=$(processes)
	[ -z "$left" ] || fail "still runs: $left"
	[ -z "$(ls -A "$work/tmp")" ] || fail "left behind in TMPDIR: $(ls -A "$work/tmp")"
	left=$(dead_scratch)
	# It may be on its way.
	[ -z "$left" ] || { sleep 0.5 && left=$(dead_scratch); }
	[ -z "$left" ] || fail "left behind: $left"
}

# whole DIRECTORY: the output of a build is complete and nothing else is there (but what a killed build
# left).
whole() {
	(cd "$1" && sha256sum --quiet --strict -c SHA256SUMS) || fail "$1: wrong checksums"
	[ "$(jq -r '.artifacts[] | "\(.sha256)  \(.path)"' "$1/manifest.json")" = "$(< "$1/SHA256SUMS")" ] ||
		fail "$1: manifest.json and SHA256SUMS differ"
	[ "$(cd "$1" && find . -name '.slipway-*' -prune -o -type f -print | LC_ALL=C sort)" = "$(cd "$1" &&
		{ jq -r '.artifacts[] | "./\(.path)"' manifest.json && printf './%s\n' SHA256SUMS manifest.json; } |
		LC_ALL=C sort)" ] || fail "$1: holds $(cd "$1" && find . -type f)"
}

# The cache is in order, and a next build can use it.
cache_is_good() {
	ostree fsck --quiet --repo="$work/cache/repo" > "$work/fsck" 2>&1 || fail "the cache is damaged: $(tail -n 3 "$work/fsck")"
	slipway plan --target-imgref "$target" "$good" > "$work/stdout" 2> "$work/stderr" ||
		fail "the cache is of no use: $(< "$work/stderr")"
}

# big_image DIRECTORY MIB: an OCI layout of the minimal image with that much of noise on top.
big_image() {
	PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$top/fixtures python3 - "$1" "$2" <<- 'PY'
		import random, sys
		import refuse
		noise = refuse.upper().file("usr/share/noise", random.Random(1).randbytes(int(sys.argv[2]) << 20))
		refuse.Image(sys.argv[1], [refuse.tree(), noise]).save()
	PY
	chmod -R a+rX "$1"
}

# lying_registry LAYOUT [OPTION]...: starts tests/fakes/lying-registry.py; its address is in $registry,
# its id in $registry_pid.
lying_registry() {
	rm -f "$work/port"
	python3 "$top/tests/fakes/lying-registry.py" --port-file "$work/port" "${@:2}" "$1" \
		> /dev/null 2> "$work/registry.log" 9>&- &
	# shellcheck disable=SC2034 # for those who source this
	registry_pid=$!
	for ((i = 0; i < 200; i++)); do
		[ ! -s "$work/port" ] || break
		sleep 0.05
	done
	# shellcheck disable=SC2034
	registry=127.0.0.1:$(< "$work/port")
}
