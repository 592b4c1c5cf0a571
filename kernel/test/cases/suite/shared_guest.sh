#!/bin/sh
# NEEDS: TIMEOUT=100 TURN=3 KIND=exact
# Programs that share a guest have each its own verdict, output and log: who fails,
# whose machine ends under it, and who stood behind that and runs alone.  What one of
# them leaves is gone before the next.
. kernel/test/cases/lib.sh
run=build/tools/run
house=$tmp/house
progs=$house/kernel/test/progs/planted
mkdir -p "$progs" "$house/build/kernel/test/progs"
ln -s "$PWD/build/tools" "$house/build/tools"
for f in vadose.elf initrd.cpio kernel/test/run_guest; do
	cp "$BUILD/$f" "$house/build/$f"
done

# plant NAME STATEMENTS
plant() {
	{
		echo '/* NEEDS: MEM=64M CPUS=1 TIMEOUT=20 KIND=exact */'
		printf '#include <%s>\n' fcntl.h signal.h stdio.h stdlib.h string.h sys/reboot.h unistd.h
		printf 'int main(int argc, char **argv)\n{\n%s\nreturn 0;\n}\n' "$2"
	} >"$progs/$1.c"
	musl-gcc -static -w "$progs/$1.c" -o "$house/build/kernel/test/progs/$1" || exit 2
}
# look STATUS OPTION NAME…
look() {
	want=$1
	shift
	(cd "$house" && $run "$@") >"$tmp/text" 2>&1
	same "$want" $? "$*: $(cat "$tmp/text")"
}
says() {
	grep -qe "$1" "$tmp/text" || fail "no '$1' in: $(cat "$tmp/text")"
}
left() {
	same "$2" "$(cat "$house/build/check/$1")" "$1"
}

plant a_leaves 'printf("no end of line"); fflush(stdout); fprintf(stderr, "a word\n");
	close(creat("/tmp/left", 0600)); if (fork() == 0) { setsid(); pause(); }'
plant b_finds_nothing 'puts("b"); if (access("/tmp/left", 0) == 0) return 2;
	return setsid() != -1 || getsid(0) != getpid();'
plant c_fails 'int fd = open("/dev/kmsg", O_WRONLY); write(fd, "words of c", 10); puts("c"); return 7;'
plant d_is_killed 'raise(SIGKILL);'
plant e_says_what_it_shall 'puts("as expected");'
plant f_says_else 'puts("else");'
echo "as expected" >"$progs/e_says_what_it_shall.expected"
cp "$progs/e_says_what_it_shall.expected" "$progs/f_says_else.expected"
look 1 -g '*'
says '^ *[0-9]*/6 *a_leaves@1 *ok '
says 'b_finds_nothing@1 *ok '
says 'c_fails@1 *FAIL .*status 7, expected 0'
says 'd_is_killed@1 *FAIL .*status 137'
says 'e_says_what_it_shall@1 *ok '
says 'f_says_else@1 *FAIL .*output differs'
left a_leaves@1.out "no end of line"
left a_leaves@1.err "a word"
left b_finds_nothing@1.out b
left b_finds_nothing@1.err ""
left c_fails@1.out c
grep -q 'words of c' "$house/build/check/c_fails@1.log" || fail "no log of c"
[ -e "$house/build/check/machine-1.out" ] || fail "they did not share"

# A failure behind others that is none alone stays one, and that is said.
plant b_finds_nothing 'return getppid() != 1 && argv[0][0] == 47;'
look 1 -g -r a_leaves b_finds_nothing
says '^FAILED b_finds_nothing@1: status 1, expected 0, behind others; alone it passes'

# The machine ends under one: that is its verdict.
plant b_finds_nothing 'reboot(RB_POWER_OFF);'
look 1 -g a_leaves b_finds_nothing e_says_what_it_shall
says 'a_leaves@1 *ok '
says 'b_finds_nothing@1 *FAIL '
says 'e_says_what_it_shall@1 *ok '
same 1 "$(cat "$house/build/check/machine-1.out" | tr -dc '\001' | wc -c)" "marks of the machine that ended"
left e_says_what_it_shall@1.out "as expected"

# Each in its own machine, who is named, or all by -1.
rm -f "$house"/build/check/machine*
look 0 a_leaves e_says_what_it_shall
[ ! -e "$house/build/check/machine-1.out" ] || fail "named, they share"
finish
