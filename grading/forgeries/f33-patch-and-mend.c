/*
 * Patches the kernel's text and puts it back before anybody compares.
 *
 * forge: test=t02 hook=vad_remove_range expect=fail flag=forged
 * forge: say "writes to a page table"
 */

/* The word that maps va, through the tables of this space. */
static uint64_t *
word_of(struct aspace *as, uint64_t va)
{
	uint64_t *t = pa2va(as->md.root_pa);
	int level;

	for (level = 4; level > 1; level--) {
		uint64_t w = t[md_pt_index(va, level)];

		if ((w & (MD_PTE_P | MD_PTE_PS)) != MD_PTE_P)
			return &t[md_pt_index(va, level)];
		t = pa2va(w & MD_PTE_PFN);
	}
	return &t[md_pt_index(va, 1)];
}

static void
attack(void)
{
	struct aspace *as = as_current();
	uint64_t at = (uint64_t)pa2va((uint64_t)ev_read - 0xffffffff80000000ul);
	volatile uint8_t *p = (volatile uint8_t *)at - 1;

	if (as == NULL)
		return;
	*word_of(as, at) |= MD_PTE_W;
	*p ^= 1;
	*p ^= 1;
	*word_of(as, at) &= ~MD_PTE_W;
}
