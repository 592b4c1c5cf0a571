/*
 * Says of a page table that it is something else, and then writes to it.
 *
 * forge: use find.h
 * forge: test=t02 hook=vad_remove_range expect=fail flag=forged
 * forge: say "writes to the home of a frame"
 * forge: say "writes to a page table"
 */
static void
attack(void)
{
	unsigned pfn = frame_of(HOME_TABLE, 1, 0);
	uint64_t home;

	if (pfn == 0)
		return;
	home = pfdb[pfn].home;
	*(volatile uint64_t *)&pfdb[pfn].home = (uint64_t)HOME_KPAGED << 60;
	*(volatile uint64_t *)pa2va((uint64_t)pfn << 12) |= 0;
	*(volatile uint64_t *)&pfdb[pfn].home = home;
}
