/*
 * Copies a page in a loop of its own, which page.copy does not see.
 *
 * forge: test=t01 hook=vad_find expect=fail
 */
static volatile uint64_t from[512], to[512];

static void
attack(void)
{
	unsigned i, k;

	for (k = 0; k < 40; k++)
		for (i = 0; i < 512; i++)
			to[i] = from[i];
}
