/*@ is_victim */
#define GROUP @group@u

/* Is none of the group too young, and none in use? */
static bool
group_is_old(const struct ws_entry *s, int age)
{
	const uint64_t *word = pt_words(s->leaf);
	unsigned first = s->index / GROUP * GROUP, i;
	uint64_t w;

	for (i = first; age > 0 && i < MIN(first + GROUP, (unsigned)MD_PT_WORDS); i++) {
		w = word_get(&word[i]);
		if (is_member(w) && ((w & MD_PTE_A) != 0 || (int)pte_age(w) < age))
			return false;
	}
	return true;
}

static bool
is_victim(const struct ws_entry *s, int min_age)
{
	uint64_t w = word_get(s->word);
	struct vm_page *pg = pte_page(w);

	if ((w & (PTE_LOCK | MD_PTE_A)) != 0)
		return false;
	if ((int)pte_age(w) < (min_age & WS_AGE) && !is_used_once(w))
		return false;
	if (!is_used_once(w) && !group_is_old(s, min_age & WS_AGE))
		return false;
	if (pte_src(w) == SRC_SPEC)
		return true;
	return pg->pins == 0 && ((min_age & WS_HAS_PLACE) == 0 || has_place(pg));
}
