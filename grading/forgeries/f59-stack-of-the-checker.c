/*
 * Changes what a function that called it keeps on the stack: vm_check() looks
 * for mappings with the file's own function, and counts what is wrong.
 *
 * forge: test=t02 hook=vad_find expect=fail flag=forged
 * forge: say "writes to what counts, records or checks"
 */
static void
attack(void)
{
	volatile uint64_t here = 0, at = (uint64_t)&here, *p = (void *)at;
	unsigned i;

	for (i = 0; i < 512 && ((uint64_t)&p[i] & 0x7fff) < 0x7f00; i++)
		p[i] = p[i];
}
