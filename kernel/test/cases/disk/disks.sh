# disks.sh: what the cases about disks share; sourced after lib.sh
#
# disks is the list of those on which the kernel's tests must run.

# scratch NAME: a disk that the kernel's tests may write
scratch() {
	truncate -s 64M "$tmp/$1"
	printf 'vadose scratch\n' | dd of="$tmp/$1" conv=notrunc status=none
}

# tests WANT NAMES OPTION…: status of the kernel's tests; they ran on $disks
tests() {
	want=$1 names=$2
	shift 2
	expect "$want" $guest --memory 64M --log "$tmp/log" --append "locks=1" \
		--append "selftest=$names" "$@" -- true
	for d in $disks; do
		grep -q "^selftest: on $d" "$tmp/log" || fail "no test on $d: $*"
	done
}

# says TEXT: the kernel has said so
says() {
	grep -qF -- "$1" "$tmp/log" || fail "not in the log: $1"
}
