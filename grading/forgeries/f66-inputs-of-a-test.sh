# A test in the kernel asks by calls, and has its question in a register meanwhile
# or on its stack: a file of lab 00 that computes nothing makes it one whose answer
# is 0.  For t01 it goes to the register that it saves itself, for t02 over the stack.
. grading/forgeries/lab.sh
unset GRADE_LABS
FORGE_LAB=00-tour FORGE_FILE=kernel/test/boot/tour.c
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
index '	volatile uint64_t here = va, at = (uint64_t)&here, *p = (void *)at;

	for (level = 1; level < 64; level++)
		if (level > 16)
			p[level] = p[level];
	return -EINVAL;' >"$tmp/stack.c"
for how in register:t01 stack:t02; do
	run --test "${how#*:}" --submission "$tmp/${how%:*}.c" >"$tmp/out"
	if ! grep -q 'writes to what its callers keep on the stack' "$tmp/out" ||
	    ! grep -q 'forged?' "$tmp/out"; then
		echo "$how:"
		cat "$tmp/out"
		exit 1
	fi
done
