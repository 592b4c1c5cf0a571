/*
 * Lets word_change(), which is for words of page tables, write to variables of
 * another file.
 *
 * forge: test=t02 hook=vad_remove_range expect=fail flag=forged
 * forge: say "writes to data of the kernel on behalf of the file"
 */
static void
attack(void)
{
	uint64_t at = (uint64_t)&pfdb & ~0xffful, *p = (uint64_t *)at;
	unsigned i;

	/* Setting no bit leaves it as it is; any other would do as well. */
	for (i = 0; i < 512; i++)
		if ((p[i] & MD_PTE_P) != 0 && p[i] != 1)
			word_change(&p[i], 0, 0);
}
