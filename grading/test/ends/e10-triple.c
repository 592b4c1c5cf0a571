/*
 * Takes the kernel's own half out of the page tables: the processor cannot even
 * say so.
 *
 * forge: test=t06 hook=f1_zero_fill expect=panic
 * forge: say "a triple fault"
 */
static void
attack(void)
{
	uint64_t *root;
	va_t va;

	if (ev_read(EV_fault_zerofill) < 30 || as_current() == NULL)
		return;
	root = pa2va(as_current()->md.root_pa);
	root[511] = 0;
	for (va = (va_t)&page_copy & ~0xffffful; ; va += PAGE_SIZE)
		md_tlb_local(va);
}
