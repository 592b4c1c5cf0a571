/*
 * Moves its stack to where others keep theirs: what a function of the kernel
 * saves there, nobody takes for a store.
 *
 * forge: test=t02 hook=vad_remove_range expect=gate
 */
static volatile long by = -4096;

static void
attack(void)
{
	volatile char *p = __builtin_alloca(by);

	*p = *p;
	(void)ev_read(EV_page_copy);
}
