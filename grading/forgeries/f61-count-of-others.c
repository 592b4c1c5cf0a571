/*
 * Counts a flush that nobody made: the counter is of a file of the kernel's,
 * and the test asks for no more than the number.
 *
 * forge: test=t02 hook=vad_remove_range expect=fail flag=forged
 * forge: say "adds to tlb.pages at the file's wish"
 * forge: say "Leave that count out"
 */
static void
attack(void)
{
	EVENT_ADD(tlb_pages, 7);
}
