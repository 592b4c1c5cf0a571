/*
 * Lets memcpy() write a counter, which is no code of the file.
 *
 * forge: use find.h
 * forge: test=t02 hook=vad_remove_range expect=fail flag=forged
 * forge: say "writes to data of the kernel that is not the file's"
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
