/*
 * Changes what its callers have in registers, where functions on the way have
 * saved them: a loop of who judges goes on with another value.
 *
 * forge: test=t02 hook=vad_remove_range expect=fail flag=forged
 * forge: say "writes to what its callers keep on the stack"
 */
static void
attack(void)
{
	volatile uint64_t here = 0, at = (uint64_t)&here, *p = (void *)at;
	unsigned i;

	for (i = 1; i < 32; i++)
		p[i] = p[i];
}
