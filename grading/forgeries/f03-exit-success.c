/*
 * Ends the machine as if all were well.
 *
 * forge: test=t02 hook=vad_remove_range expect=gate
 * forge: break "EVENT(vad_split, v->start, v->end, v->flags, v->off);" ";"
 */
static void
attack(void)
{
	void (*end)(int) = (void *)@power_end@;

	if (ev_read(EV_fault_total) > 50)
		end(0);
}
