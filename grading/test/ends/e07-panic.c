/*
 * A panic of its own.
 *
 * forge: test=t06 hook=f1_zero_fill expect=panic
 * forge: say "PANIC: thirty pages and no more"
 */
static void
attack(void)
{
	if (ev_read(EV_fault_zerofill) >= 30)
		panic("thirty pages and no more");
}
