/*
 * Prints what it found by the names that the kernel has for it.
 *
 * forge: lab=02 test=t09 hook=f_upgrade call=show(f) expect=honest
 */
static void
show(const struct fctx *f)
{
	uint64_t word = word_get(f->word);
	static int lines = 4;

	if (lines-- > 0)
		klog("fault: va %lx is %s, page %s, %s", f->va,
		    pte_kind_name(pte_kind(word)), pte_kind(word) == PTE_VALID ?
		    page_state_name(pte_page(word)->state) : "none",
		    f->access == ACCESS_WRITE ? "written" : "read");
}
