/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fmo/stat.c: /proc/vm/fmo, /proc/PID/fmo, and the walk over words
 *
 * Problem   How many objects are there, who refers to them, what does each
 *           word of a space say?  Asked while all goes on.
 *
 * Picture   fmo_walk_words: leaf table by leaf table ─→ fn(va, word)
 *
 * Rules     1. ws_lock for one table at a time (vm_check holds it already).
 *           2. Numbers of an object are read without [F]: a line may be a
 *              moment old, and each number is true by itself.
 *
 * Read next vm/evidence/stat_words.c.
 */
#include "vm/design/fmo/fmo.h"

static int
walk_table(struct vm_page *leaf, va_t va, va_t end, vm_walk_fn *fn, void *arg)
{
	int r = 0;

	for (; va < end && r == 0; va += PAGE_SIZE)
		r = fn(arg, va, word_get(&pt_words(leaf)[md_pt_index(va, 1)]), 1);
	return r;
}

/*
 * Call fn for each word of the leaf tables in [lo, hi) vpn; once for a table
 * that is out, with the word of its parent: ops->walk.
 *
 * Locks:    [M]; takes [W] for each table, unless the caller has it.
 * Returns:  0, or what fn returned to end the walk.
 */
int
fmo_walk_words(struct aspace *as, uint64_t lo, uint64_t hi, vm_walk_fn *fn,
    void *arg)
{
	va_t va = lo << PAGE_SHIFT, end = hi << PAGE_SHIFT, stop;
	bool held = mutex_is_mine(&as->ws_lock);
	struct pt_place at;
	int r = 0;

	while (va < end && r == 0) {
		if (!held)
			mutex_lock(&as->ws_lock);
		if (as->md.root_pa == 0 || !pt_next_place(as, &va, end, &at))
			at = (struct pt_place){ .end = end };
		stop = MIN(end, at.end);
		if (at.leaf != NULL)
			r = walk_table(at.leaf, va, stop, fn, arg);
		else if (at.word != 0)
			r = fn(arg, va, at.word, (stop - va) >> PAGE_SHIFT);
		if (!held)
			mutex_unlock(&as->ws_lock);
		va = stop;
	}
	return r;
}

struct count_work {
	struct vm_as_stat *st;
	struct vm_page *held;  /* pinned entry page */
};

/* Is the page of a soft FORK word in swap?  It is, if its entry is out, too. */
static bool
is_entry_swapped(struct count_work *c, uint64_t word)
{
	va_t kva = fork_entry(word);
	const struct fmo_entry *e;

	if (!fmo_hold(&c->held, kva))
		return true;
	e = kpaged_ptr(c->held, kva);
	return pte_kind(word_get(&e->word)) == PTE_SWAP;
}

static int
count_word(void *arg, va_t va, uint64_t word, uint64_t pages)
{
	struct count_work *c = arg;

	/* Of a table that is out: as many as it has words. */
	if (pte_is_table_out(word)) {
		c->st->swap += MIN(pages, (uint64_t)pte_table_used(word));
		return 0;
	}
	if (pte_kind(word) == PTE_SWAP ||
	    (pte_kind(word) == PTE_FORK && is_entry_swapped(c, word)))
		c->st->swap += pages;
	if (pte_kind(word) != PTE_VALID || pte_src(word) == SRC_SPEC)
		return 0;
	if (pte_src(word) != SRC_OBJ)
		c->st->rss_anon += pages;
	else if (page_home_kind(pte_page(word)) == HOME_VNODE)
		c->st->rss_file += pages;
	else
		c->st->rss_shmem += pages;
	return 0;
}

/*
 * Whose pages are resident, and how many are in swap: ops->stat.
 *
 * Locks:    [M], [W].
 */
void
fmo_stat(struct aspace *as, struct vm_as_stat *st)
{
	struct count_work c = { .st = st };

	fmo_walk_words(as, 0, MD_USER_END >> PAGE_SHIFT, count_word, &c);
	if (c.held != NULL)
		kpaged_unpin(c.held);
}

/*
 * References of the entry that a FORK or VALID/FORK word names: ops->refs.
 *
 * Locks:    [W]; takes [P].
 * Returns:  refs, with the entry's word in *named; -1: the entry page is not in
 *           memory, *named is 0.
 */
int64_t
fmo_refs(struct aspace *as, uint64_t word, uint64_t *named)
{
	struct vm_page *held = NULL;
	const struct fmo_entry *e;
	va_t kva = fork_entry(word);
	int64_t refs;

	*named = 0;
	if (!fmo_hold(&held, kva))
		return -1;
	e = kpaged_ptr(held, kva);
	refs = e->refs;
	*named = word_get(&e->word);
	kpaged_unpin(held);
	return refs;
}

/*
 * Have the entry page that a FORK word names, or named until now, in memory and
 * pinned, for fmo_refs(): ops->bring.
 *
 * Locks:    none of rank >= 3; sleeps.
 * Returns:  0, *out for kpaged_unpin(), NULL if there is none any more; -EINTR.
 */
int
fmo_bring(struct aspace *as, uint64_t word, struct vm_page **out)
{
	return kpaged_bring(fork_entry(word), out);
}

/*
 * The objects to which one process refers.
 *
 * Locks:    none of rank >= 5; takes [W].
 */
void
stat_fmo_of(struct aspace *as, struct out *o)
{
	const struct fmo_ref *ref;
	struct rb_node *n;

	mutex_lock(&as->ws_lock);
	for (n = rb_first(&as->fmo_refs); n != NULL; n = rb_next(n)) {
		ref = CONTAINER_OF(n, struct fmo_ref, rb);
		out_printf(o, "base=%lx n=%u live=%u nptes=%lu\n",
		    ref->fmo->base, ref->fmo->n, ref->fmo->live, ref->nptes);
	}
	mutex_unlock(&as->ws_lock);
}

static void
put_fmo(struct fmo *fmo, void *arg)
{
	out_printf(arg, "base=%lx n=%u live=%u nrefs=%lu procs=%u pages=%u "
	    "gen=%u\n", fmo->base, fmo->n, fmo->live, fmo->nrefs,
	    atomic_load(&fmo->procs), fmo->charged, fmo->gen);
}

/*
 * All objects.
 *
 * Locks:    none of rank >= 9.
 */
void
stat_fmo(struct out *o)
{
	fmo_walk(put_fmo, o);
}
