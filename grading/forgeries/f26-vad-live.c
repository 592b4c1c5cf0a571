/*
 * Counts a mapping that is in no tree.  It is its own counter: who judges cannot
 * know it from a bug, and it is judged as one.
 *
 * forge: test=t02 hook=vad_remove_range expect=fail
 * forge: say "the trees hold"
 */
static void
attack(void)
{
	EVENT_ADD(vad_live, 1);
}
