/*
 * Lets the scheduler load page tables of its own, in which a page of the
 * kernel's code is another one: nothing is written to the code itself.
 *
 * forge: use find.h own_root.h
 * forge: test=t02 hook=vad_remove_range expect=fail flag=forged
 * forge: say "the kernel's code or its constants are not what they were"
 */
static void
attack(void)
{
	static uint64_t (*volatile fn)(enum ev_id) = ev_read;
	uint64_t at = (uint64_t)fn, *word;
	struct aspace *as = as_current();
	static uint64_t *text;

	if (as == NULL || text != NULL)
		return;
	text = kmem_zalloc(PAGE_SIZE);
	/* By the direct map: nobody reads code where it runs. */
	page_copy(page_of_pa(va2pa(text)), page_of_pa((at - IMAGE) & ~0xffful));
	((uint8_t *)text)[at % 4096] = 0xc3; /* RET */
	word = new_root(as, at);
	*word = va2pa(text) | (*word & ~MD_PTE_PFN);
	go_to(&other);
	(void)ev_read(EV_page_copy);
	go_to(&as->md);
	kmem_free(text);
}
