/*
 * Hides copies by counting them away.
 *
 * forge: test=t01 hook=vad_find expect=fail flag=forged
 */
static void
attack(void)
{
	EVENT_ADD(page_copy, -1);
}
