/*
 * Comes to the mark's function by a return: its own return address becomes that of
 * the mark, and where that one returns to is where it should have returned itself.
 *
 * forge: test=t02 hook=vad_remove_range expect=fail flag=forged
 * forge: say "goes to ev_mark"
 */
static volatile long distance = (long)(@ev_mark@ - @ev_read@);
static void attack(void);

static void __attribute__((noinline))
mark(unsigned long id)
{
	volatile uint64_t here = id, *p = &here;

	while (*p - (uint64_t)attack >= 512)
		p++;
	p[1] = p[0];
	p[0] = (uint64_t)ev_read + (uint64_t)distance;
}

static void __attribute__((noinline))
attack(void)
{
	volatile uint64_t room[8];
	static bool done;

	room[0] = 0;
	if (!done && as_current() != NULL) {
		done = true;
		mark(2 + room[0]);
	}
	room[1] = 0;
}
