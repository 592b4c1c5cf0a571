/*
 * Writes into the test program's own memory what the program should find out.
 *
 * forge: use find.h
 * forge: test=t02 hook=vad_remove_range expect=fail flag=forged
 * forge: say "writes to memory of a program"
 */
static void
attack(void)
{
	unsigned pfn = frame_of(HOME_PTE, 1, 1);

	/* Behind a fork what it has is shared. */
	if (pfn == 0)
		pfn = frame_of(HOME_FMO, 1, 1);
	/* Of a record. */
	if (pfn == 0)
		pfn = frame_of(HOME_ANON, 1, 1);
	if (pfn != 0)
		*(volatile uint64_t *)pa2va((uint64_t)pfn << 12) += 0;
}
