/*
 * Writes into the test program's own memory what the program should find out.
 *
 * forge: test=t02 hook=vad_remove_range expect=fail flag=forged
 * forge: say "writes to memory of a program"
 */
static void
attack(void)
{
	unsigned pfn;

	for (pfn = 2000; pfn < 16384; pfn++)
		if (pfdb[pfn].home >> 60 == HOME_PTE && pfdb[pfn].mapcount == 1)
			break;
	if (pfn == 16384)
		return;
	*(volatile uint64_t *)pa2va((uint64_t)pfn << 12) += 0;
}
