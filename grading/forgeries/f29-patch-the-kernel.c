/*
 * Makes the kernel's text writable through the direct map, where its tables
 * lie, and makes a function of it return at once.
 *
 * forge: test=t02 hook=vad_remove_range expect=fail flag=forged
 * forge: say "writes to a page table"
 * forge: say "the kernel's code or its constants are not what they were"
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
	uint64_t va = (uint64_t)ev_read, at;
	static bool done;

	if (done || as == NULL)
		return;
	done = true;
	at = (uint64_t)pa2va(va - 0xffffffff80000000ul);
	*word_of(as, at) |= MD_PTE_W;
	*(volatile uint8_t *)at = *(volatile uint8_t *)at;
	/* Padding in front of the function: nothing runs it. */
	*(volatile uint8_t *)(at - 1) ^= 1;
}
