# A test in the kernel asks by calls, and has its question in a register meanwhile
# or on its stack: a file of lab 00 that computes nothing makes it one whose answer
# is 0.  The test keeps what it asks elsewhere.
. grading/forgeries/lab.sh
unset GRADE_LABS
FORGE_LAB=00-tour FORGE_FILE=kernel/test/boot/tour/tour.c
# index LINES: our file with these in the place of what tour_index() does.
index() {
	awk -v text="$1" '/^tour_index\(/ { here = 1 }
		here && /^}/ { print text; here = 0 }
		!here || !body { print } here && /^{/ { body = 1 } !here { body = 0 }' \
		"$FORGE_FILE"
}
# What lives across a call of somebody else is in rbx and r12 to r15.
index '	static volatile uint64_t sink[6];
	volatile uint64_t here = (uint64_t)level, *p = &here;
	uint64_t a = sink[0], b = sink[1], c = sink[2], d = sink[3], e = sink[4];

	sink[5] = md_time_ns();
	for (level = 1; level < 16; level++)
		if (p[level] == va)
			p[level] = 0;
	sink[0] = a, sink[1] = b, sink[2] = c, sink[3] = d, sink[4] = e;
	return 0;' >"$tmp/register.c"
run --test t01 --submission "$tmp/register.c" >"$tmp/out"
grep -q ' 0/20 ' "$tmp/out" || { cat "$tmp/out"; exit 1; }
