/*
 * Calls a function that lies at a known distance from one that it imports: the
 * order of objects does not change that.
 *
 * forge: test=t02 hook=vad_remove_range expect=fail flag=forged
 * forge: say "which the file does not import"
 */
static volatile long distance = (long)(@ev_mark@ - @ev_read@);

static void
attack(void)
{
	if (thread_current()->name[0] != 0)
		((void (*)(unsigned))((char *)ev_read + distance))(2);
}
