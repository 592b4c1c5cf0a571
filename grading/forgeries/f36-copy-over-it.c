/*
 * Lets memcpy() write a counter, which is no code of the file.
 *
 * forge: use find.h
 * forge: test=t02 hook=vad_remove_range expect=fail flag=forged
 * forge: say "itself: ev_add() and its like count"
 */

#include "lib/string.h"

static volatile size_t eight = 8;

static void
attack(void)
{
	uint64_t *c = counters(), more;

	if (c == NULL)
		return;
	more = c[EV_vad_split] + 1;
	memcpy(&c[EV_vad_split], &more, eight);
}
