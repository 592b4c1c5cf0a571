/*
 * Lets a function of the kernel write over a counter: it initialises whatever
 * it is told is a lock.
 *
 * forge: use find.h
 * forge: test=t02 hook=vad_remove_range expect=fail flag=forged
 * forge: say "writes to what counts, records or checks"
 */

static void
attack(void)
{
	uint64_t *c = counters();

	if (c != NULL)
		mutex_init((void *)&c[EV_page_copy], 0);
}
