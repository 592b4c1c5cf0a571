/*
 * Sets a word of a page table itself, where no function counts it.
 *
 * forge: test=t02 hook=vad_remove_range expect=fail flag=forged
 * forge: say "writes to a page table"
 */
static void
attack(void)
{
	unsigned pfn;

	for (pfn = 500; pfn < 16384; pfn++)
		if (pfdb[pfn].home >> 60 == HOME_TABLE)
			break;
	if (pfn == 16384)
		return;
	*(volatile uint64_t *)pa2va((uint64_t)pfn << 12) |= 0;
}
