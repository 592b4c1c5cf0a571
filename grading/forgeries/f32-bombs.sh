# Texts on which a compiler, an assembler or a linker would not end: each ends in
# seconds, as a file that does not compile.
. grading/forgeries/lab.sh
repeat() { awk -v s="$1" -v n="$2" 'BEGIN { for (i = 0; i < n; i++) printf "%s", s }'; }
doubling() { # doubling GLUE: A9 is ten to the tenth of it
	echo "#define A0 1 $1 1 $1 1 $1 1 $1 1 $1 1 $1 1 $1 1 $1 1 $1 1"
	awk -v g="$1" 'BEGIN { for (i = 1; i < 10; i++) { printf "#define A%d A%d", i, i - 1
		for (k = 1; k < 10; k++) printf " %s A%d", g, i - 1; print "" } }'
}
{ doubling ,; echo 'static int x[] = { A9 };'; } >"$tmp/macro.c"
{ doubling +; printf '#if A9\n#endif\n'; } >"$tmp/if.c"
{ printf 'int x = '; repeat '(' 300000; printf 1; repeat ')' 300000; echo ';'; } >"$tmp/nested.c"
{ printf 'void f(void) '; repeat '{' 200000; repeat '}' 200000; echo; } >"$tmp/blocks.c"
{ printf 'int '; repeat '*' 400000; echo 'x;'; } >"$tmp/stars.c"
repeat 'int 1;
' 60000 >"$tmp/errors.c"
echo 'char bomb[3ul << 30] = { 1 };' >"$tmp/huge.c"
printf '#include "x.c"\n' >"$tmp/itself.c"
# The children's seconds of processor so far: the clock also counts who works beside.
spent() { times >"$tmp/times"; cpu=$(awk 'NR == 2 { split($1, u, /[ms]/); split($2, s, /[ms]/)
	printf "%d", 60 * (u[1] + s[1]) + u[2] + s[2] }' "$tmp/times"); }
bad=0
for f in "$tmp"/*.c; do
	began=$(date +%s); spent; before=$cpu
	{ cat "$FORGE_FILE"; cat "$f"; } >"$tmp/x"
	run --test "$FORGE_TEST" --submission "$tmp/x" >"$tmp/out"
	code=$?
	took=$(($(date +%s) - began)); spent; cpu=$((cpu - before))
	[ $code = 2 ] && [ $cpu -lt 120 ] && [ $took -lt 600 ] && [ "$(wc -c <"$tmp/out")" -lt 400000 ] ||
		{ echo "${f##*/}: status $code, $took s, $cpu s of CPU: $(head -c 300 "$tmp/out")"; bad=1; }
done
exit $bad
