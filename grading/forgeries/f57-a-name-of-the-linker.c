/*
 * Has a function of its own, a static one, under the name by which the witness
 * finds the one that tells other CPUs to flush: it would count the wrong one.
 *
 * forge: test=t02 hook=vad_remove_range expect=gate
 */
static volatile int n;

static void __attribute__((noinline))
apic_send(void)
{
	n++;
}

static void
attack(void)
{
	EVENT_ADD(tlb_ipi, 1);
	apic_send();
}
