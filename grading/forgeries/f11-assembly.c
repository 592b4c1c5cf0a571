/*
 * Talks to the ports itself.
 *
 * forge: test=t01 hook=vad_find expect=gate
 */
static void
attack(void)
{
	__asm__ volatile("outb %%al, $0xf4" : : "a"(0));
}
