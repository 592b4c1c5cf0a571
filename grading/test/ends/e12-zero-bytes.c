/*
 * Prints bytes as they are, zeros among them, before a panic.
 *
 * forge: test=t06 hook=f1_zero_fill expect=panic
 * forge: say "PANIC: after bytes of a page"
 */
static void
attack(void)
{
	if (ev_read(EV_fault_zerofill) < 30)
		return;
	klog("the page begins with %c%c", 'x', 0);
	panic("after bytes of a page");
}
