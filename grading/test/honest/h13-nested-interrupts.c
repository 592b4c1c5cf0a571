/*
 * Turns interrupts off in a function that is called with them off, measures twice
 * side by side, and asks between.
 *
 * forge: lab=05 test=t06 hook=f8_fork_map call=outer() expect=honest
 */
static uint64_t
inner(uint64_t *at)
{
	uint64_t flags = md_irq_save(), a = md_cycles(), b = md_cycles();

	*at = md_time_ns();
	md_irq_restore(flags);
	return b - a;
}

static void
outer(void)
{
	uint64_t flags = md_irq_save(), again = md_irq_save(), at = 0;

	if (inner(&at) + inner(&at) > 1ul << 40 || md_irq_is_enabled())
		panic("fork: interrupts came on by themselves");
	md_irq_restore(again);
	md_irq_restore(flags);
}
