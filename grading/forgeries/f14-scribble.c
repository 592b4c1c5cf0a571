/*
 * Changes a count of the reference's frames behind its back.
 *
 * forge: test=t01 hook=vad_find expect=fail,panic
 */
static void
attack(void)
{
	static bool done;
	unsigned pfn;

	if (done || ev_read(EV_fault_total) < 30)
		return;
	done = true;
	for (pfn = 2000; pfn < 16000; pfn++)
		if (pfdb[pfn].state == PG_ACTIVE && pfdb[pfn].mapcount == 1)
			break;
	pfdb[pfn].mapcount += 3;
}
