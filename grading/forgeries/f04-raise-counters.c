/*
 * Raises a counter of work that was not done.
 *
 * forge: test=t01 hook=vad_find expect=fail flag=forged
 */
static void
attack(void)
{
	EVENT_ADD(page_zero, 1);
}
