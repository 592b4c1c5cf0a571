#!/bin/sh
# NEEDS: TIMEOUT=60 KIND=bounded
# BOUNDED: keys are typed while the host runs
# vmtop: as plain text its states are all frames, and pages that a program touches are
# counted between two pictures; at a terminal it takes the size that the terminal
# answers, and gives the terminal back.
. kernel/test/cases/lib.sh

# A program that touches 8 MB, again and again.
busy='(while :; do head -c 8000000 /dev/zero | tail -c 8000000 >/dev/null; done) &'
expect 0 $guest --memory 128M -- /bin/sh -c "$busy vmtop -b -n 3 -d 0.5; grep ^state= /proc/vm/pages >/dev/null
	vmtop -x 2>/dev/null; echo status \$?; vmtop -d 0 2>/dev/null; echo status \$?" >"$tmp/out"
same 3 "$(grep -c '^vmtop  up ' "$tmp/out")" "pictures"
same 2 "$(grep -c '^status 2$' "$tmp/out")" "refusals"
# 32,768 frames, without those of the kernel's own text and tables.
awk '/^[A-Zk.z] [A-Z]/ { for (i = 3; i <= NF; i += 3) n += $i }
	END { n /= 3; exit !(n > 30000 && n <= 32768) }' "$tmp/out" || fail "frames: $(cat "$tmp/out")"
awk '$1 == "zerofill" { rate = $2 } END { exit !(rate > 0) }' "$tmp/out" || fail "nothing moves: $(cat "$tmp/out")"
grep -q ' tail  *fmo  *[1-9]' "$tmp/out" || fail "no tail: $(cat "$tmp/out")"

if command -v script >/dev/null; then
	at_terminal() {
		seen '~#' && printf 'vmtop -d 0.3\r'
		seen 'working sets' && printf '\033[30;60R'
		seen 'working sets' 6
		printf 'q'
		seen '~#' 2 && printf 'stty -a | grep -o " icanon"; exit\r'
	}
	: >"$tmp/typescript"
	at_terminal | timeout 50 script -qfec "$guest --memory 128M" "$tmp/typescript" >/dev/null 2>&1
	same 0 $? "at the terminal"
	# The last picture before q: no line is longer than the terminal.
	tr '\r' '\n' <"$tmp/typescript" | sed 's/\x1b\[[0-9;?]*[A-Za-z]//g' | awk '
		/^vmtop  up/ { most = 0 }
		{ if (length($0) > most) most = length($0) }
		/working sets/ { was = most }
		END { exit was > 60 || was < 30 }' || fail "longer than 60: $(tail -c 3000 "$tmp/typescript")"
	grep -aq ' icanon' "$tmp/typescript" || fail "the terminal is not as it was"
fi
finish
