/*
 * Writes over a return address of its caller's: the kernel goes on behind the
 * check that would follow.
 *
 * forge: test=t02 hook=vad_remove_range expect=fail flag=forged
 * forge: say "a return goes to"
 */
static volatile uint64_t here;

static void
attack(void)
{
	volatile uint64_t local = 0, *p = &local;
	uint64_t text = (uint64_t)ev_read & ~0xfffffful;
	unsigned i, n = 0;

	for (i = 0; i < 64 && n < 3; i++)
		if ((p[i] & ~0xfffffful) == text && n++ == 2)
			p[i] += 4;
	here = local;
}
