/*
 * Keeps a lock that it never gives back: its next fault waits for it.
 *
 * forge: test=t07 hook=fault_by_pte expect=deadlock
 * forge: say "of thread"
 */
static struct mutex kept = MUTEX_INIT(kept, LR_KWS);

static void
attack(void)
{
	if (ev_read(EV_fork_calls) > 0 && !mutex_is_mine(&kept))
		mutex_lock(&kept);
}
