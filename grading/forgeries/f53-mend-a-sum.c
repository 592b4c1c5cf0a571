/*
 * Finds counts of the room that word_set() stands in, by the pointer that lies
 * before them, and lets that function set them: data of the kernel, but no word
 * of a page table.
 *
 * forge: use find.h
 * forge: test=t02 hook=vad_remove_range expect=fail flag=forged
 * forge: say "writes to data of the kernel on behalf of the file"
 */
static void
attack(void)
{
	static uint64_t mine;
	uint64_t at = (uint64_t)&mine & ~0xffful, *p;
	uint64_t zero = (uint64_t)page_zero_frame();
	struct aspace *as = as_current();
	unsigned i, n;

	if (as == NULL)
		return;
	while ((*word_of(as, at - 4096) & (MD_PTE_P | MD_PTE_W)) ==
	    (MD_PTE_P | MD_PTE_W))
		at -= 4096;
	for (; (*word_of(as, at) & MD_PTE_P) != 0; at += 4096)
		for (p = (uint64_t *)at, i = 0; i < 508; i++)
			for (n = 1; p[i] == zero && n < 4; n++)
				(void)word_set(NULL, &p[i + n], p[i + n]);
}
