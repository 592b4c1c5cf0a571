/*
 * Makes page_zero return at once.
 *
 * forge: test=t01 hook=vad_find expect=gate
 */
static void
attack(void)
{
	*(volatile uint8_t *)@page_zero@ = 0xc3;
}
