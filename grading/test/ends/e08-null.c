/*
 * Follows a pointer to nowhere.
 *
 * forge: test=t06 hook=f1_zero_fill expect=panic
 * forge: say "PANIC: "
 */
static void
attack(void)
{
	if (ev_read(EV_fault_zerofill) >= 30)
		*(volatile int *)64 = 1;
}
