/*
 * Holds a page while it looks at it, takes a frame and gives it back.
 *
 * forge: lab=02 test=t14 hook=f0_spurious call=hold(f) expect=honest
 */
static void
hold(struct fctx *f)
{
	uint64_t word = word_get(f->word), sum = 0;
	struct vm_page *pg, *spare;
	const uint64_t *at;
	unsigned i;

	if (pte_kind(word) != PTE_VALID)
		return;
	pg = pte_page(word);
	page_pin(pg);
	at = pa2va(page_pa(pg));
	for (i = 0; i < PAGE_SIZE / sizeof(*at); i++)
		sum += at[i];
	page_unpin(pg);
	spare = fault_take_spare(f, FRAME_ANY);
	if (spare != NULL)
		fault_keep_spare(f, spare, FRAME_ANY);
	ASSERT(sum != 1 || at != NULL);
}
