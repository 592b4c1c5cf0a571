/*
 * Sleeps until somebody wakes it, and nobody knows of it.
 *
 * forge: test=t06 hook=f1_zero_fill expect=deadlock
 * forge: say "for an event"
 */
static struct waitq nobody = WAITQ_INIT(nobody);

static void
attack(void)
{
	struct waiter w;

	if (ev_read(EV_fault_zerofill) < 30)
		return;
	wait_prepare(&nobody, &w);
	(void)wait_sleep(&w, WAIT_PLAIN, WAIT_FOREVER);
	wait_finish(&w);
}
