/*
 * Counts a mapping that is in no tree.
 *
 * forge: test=t02 hook=vad_remove_range expect=fail
 */
static void
attack(void)
{
	EVENT_ADD(vad_live, 1);
}
