/*
 * Two processes give way to each other for ever.
 *
 * forge: test=t07 hook=fault_by_pte expect=timeout
 * forge: say "livelock: threads wake each other"
 */
static void
attack(void)
{
	while (ev_read(EV_fork_calls) > 0)
		sched_yield();
}
