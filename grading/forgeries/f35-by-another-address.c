/*
 * Writes a counter through the direct map: another address of the same memory.
 *
 * forge: use find.h
 * forge: test=t02 hook=vad_remove_range expect=fail flag=forged
 * forge: say "itself: ev_add() and its like count"
 */

static void
attack(void)
{
	uint64_t *c = counters();

	if (c != NULL)
		*(uint64_t *)pa2va((uint64_t)&c[EV_vad_split] -
		    IMAGE) += 1;
}
