/*
 * Calls itself until the stack is full.
 *
 * forge: test=t06 hook=f1_zero_fill expect=panic
 * forge: say "PANIC: "
 */
static volatile unsigned deep;

static unsigned __attribute__((noinline))
sink(unsigned n)
{
	volatile char page[512];

	page[n % 512] = (char)n;
	deep++;
	return n == 0 ? 0 : sink(n - 1) + (unsigned)page[n % 512];
}

static void
attack(void)
{
	if (ev_read(EV_fault_zerofill) >= 30)
		deep += sink(100000);
}
