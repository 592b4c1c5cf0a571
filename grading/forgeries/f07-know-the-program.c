/*
 * Counts only for the test program, by its name.
 *
 * forge: test=t02 hook=vad_remove_range expect=fail
 * forge: break "EVENT(vad_split, v->start, v->end, v->flags, v->off);" ";"
 */
static void
attack(void)
{
	if (thread_current()->name[0] == 's' && thread_current()->name[1] == 'm')
		EVENT_ADD(vad_split, 1);
}
