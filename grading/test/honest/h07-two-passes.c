/*
 * Looks at all words of a range before it changes one: a copy of them on the
 * stack, a count of each kind.
 *
 * forge: lab=05 test=t03 hook=fork_range call=survey(w,*start,end) expect=honest
 */
static void
survey(struct fork_work *w, va_t from, va_t end)
{
	uint64_t word[512], kinds[16] = { 0 }, *at;
	struct aspace *p = w->c.parent;
	struct vm_page *leaf;
	unsigned i, n = 0, best = 0;
	static unsigned said;

	mutex_lock(&p->ws_lock);
	for (; from < end && n < 512; from += PAGE_SIZE) {
		at = pt_find(p, from, &leaf);
		if (at != NULL)
			word[n++] = word_get(at);
	}
	mutex_unlock(&p->ws_lock);
	for (i = 0; i < n; i++)
		kinds[pte_kind(word[i]) & 15]++;
	for (i = 0; i < 16; i++)
		if (kinds[i] > kinds[best])
			best = i;
	if (n > 0 && said++ < 4)
		klog("fork: of %u words most are %s", n,
		    pte_kind_name((enum pte_kind)best));
}
