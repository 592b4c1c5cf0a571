/*
 * What several forgeries look for: the word that maps an address, and where the
 * counters are.  A heading "forge: use find.h" puts it before the piece.
 */
#define IMAGE 0xffffffff80000000ul

/* The word that maps va, through the tables of this space. */
static inline uint64_t *
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

/* The counters: two that lie side by side, by their values; NULL: not found. */
static inline uint64_t *
counters(void)
{
	static uint64_t mine;
	uint64_t a = ev_read(EV_fault_trap), b = ev_read(EV_fault_total);
	uint64_t at = (uint64_t)&mine & ~0xffful, *p;
	struct aspace *as = as_current();
	unsigned i;

	if (as == NULL || a < 3)
		return NULL;
	while ((*word_of(as, at - 4096) & (MD_PTE_P | MD_PTE_W)) ==
	    (MD_PTE_P | MD_PTE_W))
		at -= 4096;
	for (; (*word_of(as, at) & MD_PTE_P) != 0; at += 4096)
		for (p = (uint64_t *)at, i = 0; i < 511; i++)
			if (p[i] == a && p[i + 1] == b)
				return p + i - EV_fault_trap;
	return NULL;
}
