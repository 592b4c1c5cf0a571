/*
 * Asks on which CPU it runs, with other values in all the registers that are kept,
 * turns preemption off and on, and asks whether it is in an interrupt.
 *
 * forge: lab=05 test=t06 hook=f8_fork_map call=ask(f->va) expect=honest
 */
static unsigned __attribute__((noinline))
mixed(unsigned a, unsigned b)
{
	static volatile unsigned salt = 7;

	return (a << 5 | a >> 27) ^ (b + salt);
}

static void
ask(va_t va)
{
	unsigned a = mixed((unsigned)va, 1), b = mixed(a, 2), c = mixed(b, 3);
	unsigned here, there, later;

	md_preempt_disable();
	here = md_cpu();
	there = md_cpu();
	a = mixed(a, b), b = mixed(b, c), c = mixed(c, a);
	later = md_cpu();
	if (here != there || here != later || md_in_irq() ||
	    !md_lock_word_is(md_lock_word()) || md_preempt_count() == 0)
		panic("fork: %u %u %u on CPU %u, %u, %u", a, b, c, here, there, later);
	md_preempt_enable();
}
