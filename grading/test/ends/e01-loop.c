/*
 * A loop without end in the kernel.
 *
 * forge: test=t06 hook=f1_zero_fill expect=timeout
 * forge: say "too slow, or endless" "f1_zero_fill"
 */
static volatile int for_ever = 1;

static void
attack(void)
{
	if (ev_read(EV_fault_zerofill) > 30)
		while (for_ever)
			;
}
