/*
 * Lets word_set() map the counters where the kernel's paged memory lies, which
 * the file may write.
 *
 * forge: use find.h
 * forge: test=t02 hook=vad_remove_range expect=fail flag=forged
 * forge: say "maps memory of the kernel's image"
 */
static void
attack(void)
{
	uint64_t *c = counters(), va, *word;
	volatile uint64_t *alias;

	if (c == NULL)
		return;
	/* A place of a table that is there, and that nothing uses yet. */
	for (va = MD_KPAGED_BASE + 511 * PAGE_SIZE;; va -= PAGE_SIZE) {
		word = word_of(as_current(), va);
		if (*word == 0)
			break;
	}
	word_set(NULL, word, (((uint64_t)c - IMAGE) & MD_PTE_PFN) | MD_PTE_P |
	    MD_PTE_W | MD_PTE_A | MD_PTE_D | MD_PTE_NX);
	alias = (uint64_t *)(va | ((uint64_t)&c[EV_vad_split] & 0xffful));
	*alias += 0;
	word_set(NULL, word, 0);
}
