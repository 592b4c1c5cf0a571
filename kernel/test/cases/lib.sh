# lib.sh: what the cases share; sourced, not run
#
# expect STATUS COMMAND…      the command's exit status
# same WANT GOT WHAT          two texts
# seen TEXT [N]               waits until $tmp/typescript shows it (N times); false: it does not
# in_full                     true but in the short form of a SHORT=1 case
# printed FILE BEGIN          the line of a block of FILE that begins so, as one would paste it
# of_commit N                 a number below N: of each commit its own, on any day
# designs_to_try              fmo; in full form also another design, of each commit its own
# built TARGET…               made in build/, for all cases, by one at a time
# host_programs PROG…         copied with their libraries into $tmp/root; the case
#                             fails where the host has not got one
# host_files PATH…            files and folders of the host, there, too
# root_words                  --add for all of that
# $guest, $exact_guest        tools/guest; with time, chance and swap that repeat (KIND=exact)
# at_end=COMMAND              what else is to be done when the case ends, however
# A failure is said, counted, and makes finish return 1.  It is said to the case, also
# where what was tried writes to a file: nothing fails without a word.

# e2fsprogs are where only root looks; and no habit or language of a user changes what
# tools do.
PATH=$PATH:/usr/sbin:/sbin
unset CDPATH POSIXLY_CORRECT
export LC_ALL=C
GUEST=${GUEST:-tools/guest}
BUILD=${BUILD:-build}
# The limit is for who starts a case by hand: the runner's, NEEDS, knows a host that is slow.
guest="$GUEST --kernel $BUILD/vadose.elf --timeout 900"
# As the runner starts an exact program (run.c).
exact_guest="$GUEST --kernel $BUILD/vadose.elf --timeout 900 --icount=4"
exec 9>&2
tmp=$(mktemp -d) || exit 2
at_end=:
trap ended EXIT
trap 'exit 1' INT TERM HUP
failures=0

fail() {
	echo "does not hold: $*" | cut -c1-400 >&9
	failures=$((failures + 1))
	: >"$tmp/failed"        # also from a shell below this one
}

ended() {
	status=$?
	[ $status = 0 ] || [ -e "$tmp/failed" ] || echo "status $status: ended before finish" >&9
	eval "$at_end"
	rm -rf "$tmp"
}

expect() {
	want=$1
	shift
	"$@"
	got=$?
	[ $got = "$want" ] || fail "status $got, expected $want: $*"
}

same() {
	[ "$1" = "$2" ] || fail "$3: expected '$1', got '$2'"
}

seen() {
	for try in $(seq 300); do
		[ "$(grep -ao -e "$1" "$tmp/typescript" 2>/dev/null | wc -l)" -lt "${2:-1}" ] || return 0
		sleep 0.1
	done
	return 1
}

in_full() {
	[ -z "${SHORT-}" ]
}

# What is drawn of many is drawn by the commit, for its verdict shall be its own.  Not
# by the digits that say whose turn it is: a third of the third would never be drawn.
of_commit() {
	head=$(git rev-parse -q --verify HEAD 2>/dev/null || echo 0000000000)
	echo $((0x$(echo "$head" | cut -c9-15) % $1))
}

designs_to_try() {
	set -- uvm scalux shadow frames eager
	shift "$(of_commit $#)"
	echo fmo $(in_full && echo "$1")
}

printed() {
	awk -v begin="$2" '/^```/ { on = !on; next } on && index($0, begin) == 1 { print; found = 1; exit }
		END { exit !found }' "$1" || fail "$1 prints no line '$2'"
}

# Cases run side by side: two makes of one program write it both, while the one
# or the other case already runs it.  The second finds it made.
built() {
	flock build/making make -s BUILD=build "$@" >"$tmp/make" 2>&1 || {
		cat "$tmp/make"
		exit 2
	}
}

host_files() {
	for path; do
		mkdir -p "$tmp/root${path%/*}"
		cp -rL "$path" "$tmp/root$path"
	done
}

host_programs() {
	for prog; do
		command -v $prog >/dev/null || {
			echo "no $prog: tools/setup installs it"
			exit 1
		}
	done
	mkdir -p "$tmp/root/usr/bin"
	for prog; do
		at=$(command -v $prog)
		cp -L "$at" "$tmp/root/usr/bin"
		ldd "$at" | sed -n 's/.*=> \(\/[^ ]*\).*/\1/p; s/^\t\(\/lib64[^ ]*\).*/\1/p'
	done | sort -u >"$tmp/libs"
	# shellcheck disable=SC2046
	host_files $(cat "$tmp/libs")
}

root_words() {
	for dir in "$tmp"/root/*; do
		echo "--add $dir:/${dir##*/}"
	done
}

finish() {
	[ ! -e "$tmp/failed" ]
	exit
}
