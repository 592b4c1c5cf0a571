# A name by which the witness finds its way, behind more names than a list of them may
# have: what nobody has looked at is refused.
. grading/forgeries/lab.sh
with "	many();" |
	awk -v n=6000 '/^#include/ { last = NR } { line[NR] = $0 }
	END { for (i = 1; i <= NR; i++) { print line[i]; if (i == last) names() } }
	function name(k) { return sprintf("a0_a_name_that_is_long_as_fifty_letters_%09d", k) }
	function names(k) {
		for (k = 0; k < n; k++) printf "static volatile int %s;\n", name(k)
		print "static void __attribute__((noinline)) ram_copy(void) {"
		print name(0) "++; }\nstatic void __attribute__((noinline)) many(void) {"
		for (k = 0; k < n; k++) printf "%s = 1;\n", name(k)
		print "ram_copy(); }" }' >"$tmp/y.c"
run --test "$FORGE_TEST" --submission "$tmp/y.c" >"$tmp/out"
[ $? = 2 ] && grep -q 'is refused' "$tmp/out" || { head -n 5 "$tmp/out"; exit 1; }
