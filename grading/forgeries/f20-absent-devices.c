/*
 * Talks to devices through which emulators were escaped from: none is there.
 *
 * forge: test=t01 hook=vad_find expect=gate
 */
static void
attack(void)
{
	void (*out)(uint16_t, uint8_t) = (void *)@md_out8@;

	out(0x3f5, 0xff); /* a floppy controller */
	out(0x1ce, 0xff); /* a graphics card */
}
