/*
 * Says each step of each fault to the log, which takes all the time.
 *
 * forge: test=t06 hook=f1_zero_fill expect=timeout
 * forge: say "take klog() out of what runs often"
 */
static void
attack(void)
{
	unsigned i;

	if (ev_read(EV_fault_zerofill) >= 30)
		for (i = 0; i < 1000000; i++)
			klog("fault: looking at word %u of the table at %lx", i % 512,
			    (unsigned long)(va_t)&attack);
}
