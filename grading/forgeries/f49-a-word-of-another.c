/*
 * Lets word_change(), which is for words of page tables, write to variables of
 * another file.
 *
 * forge: use find.h
 * forge: test=t02 hook=vad_remove_range expect=fail flag=forged
 * forge: say "writes to data of the kernel on behalf of the file"
 */
static void
attack(void)
{
	uint64_t at = (uint64_t)&pfdb & ~0xffful, *p;
	const uint64_t rw = MD_PTE_P | MD_PTE_W;
	struct aspace *as = as_current();
	unsigned i, n = 0;

	/* Setting no bit leaves it as it is; any other would do as well. */
	while (as != NULL && (*word_of(as, at - 4096) & rw) == rw)
		at -= 4096;
	for (; as != NULL && n < 400 && (*word_of(as, at) & rw) == rw; at += 4096)
		for (p = (uint64_t *)at, i = 0; i < 512; i++)
			if ((p[i] & MD_PTE_P) != 0 && p[i] != 1) {
				word_change(&p[i], 0, 0);
				n++;
			}
}
