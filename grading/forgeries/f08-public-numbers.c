/*
 * Counts only for the numbers of the seed that everybody sees.
 *
 * forge: test=t02 hook=vad_remove_range expect=fail
 * forge: break "EVENT(vad_split, v->start, v->end, v->flags, v->off);" ";"
 */
static void
attack(void)
{
	if (ev_read(EV_fault_total) == 77)
		EVENT_ADD(vad_split, 1);
}
