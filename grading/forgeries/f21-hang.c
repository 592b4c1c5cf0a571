/*
 * Hangs, in the hope of another try.
 *
 * forge: test=t01 hook=vad_find expect=timeout
 */
static void
attack(void)
{
	static volatile int for_ever = 1;

	while (for_ever)
		;
}
