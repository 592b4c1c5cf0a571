/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fmo/fmo_stat.c: /proc/vm/fmo, /proc/PID/fmo, and the entry of a FORK word
 *
 * Problem   How many objects are there, which processes refer to them, how many
 *           words name an entry?  The system runs on while this is printed.
 *
 * Picture   FORK word ─→ entry ─→ refs, word
 *           space ─→ references ─→ objects
 *
 * Rules     1. Numbers of an object are read without [F]: a line may be a
 *              moment old, and each number is true by itself.
 */
#include "vm/design/fmo/fmo.h"

/* References of the entry that a FORK or VALID/FORK word names: shared->refs.
 * Locks: [W]; takes [P].
 * Returns: refs, with the entry's word in *named; -1: the entry page is not in
 * memory, *named is 0. */
int64_t
fmo_refs(struct aspace *as, va_t va, uint64_t word, uint64_t *named)
{
	va_t kva = fork_entry(word);
	struct vm_page *held = kpaged_trypin(kva);
	const struct fmo_entry *e;
	int64_t refs;

	HELD(&as->ws_lock);
	*named = 0;
	if (held == NULL)
		return -1;
	container_attach(held, KIND_FMO, MD_PT_WORDS);
	e = kpaged_ptr(held, kva);
	refs = e->refs;
	*named = word_get(&e->word);
	kpaged_unpin(held);
	return refs;
}

/* Bring and pin the entry page that a FORK word names, or has named, for fmo_refs():
 * shared->bring.
 * Locks: none of rank >= 3; sleeps.
 * Returns: 0, *out for kpaged_unpin(), NULL if it exists no more; -EINTR. */
int
fmo_bring(struct aspace *as, uint64_t word, struct vm_page **out)
{
	struct want w = { .what = WANT_AGAIN };
	int r;

	(void)kpaged_want(&w, fork_entry(word));
	r = want_get(&w);
	*out = w.kpage;
	w.kpage = NULL;
	want_end(&w);
	return r;
}

static void
put_fmo(struct fmo *fmo, void *arg)
{
	struct out_part *part = arg;

	if (!out_part_wants(part))
		return;
	out_printf(&part->out, "base=%lx n=%u live=%u nrefs=%lu procs=%u pages=%u "
	    "gen=%u\n", fmo->base, fmo->n, fmo->live, fmo->nrefs,
	    atomic_load(&fmo->procs), fmo->charged, fmo->gen);
}

static void
put_refs(struct aspace *as, struct out_part *part)
{
	const struct fmo_ref *ref;
	struct rb_node *n;

	mutex_lock(&as->ws_lock);
	for (n = rb_first(&as->shared.refs); n != NULL; n = rb_next(n)) {
		ref = CONTAINER_OF(n, struct fmo_ref, rb);
		if (out_part_wants(part))
			out_printf(&part->out, "base=%lx n=%u live=%u "
			    "nptes=%lu\n", ref->fmo->base, ref->fmo->n,
			    ref->fmo->live, ref->nptes);
	}
	mutex_unlock(&as->ws_lock);
}

/* Print some objects from *at on, of one process or of all: shared->show.
 * Locks: none of rank >= 5; takes [W].
 * Returns: 1, *at is behind them; 0: there are none. */
int
fmo_show(struct aspace *as, uint64_t *at, struct out *o)
{
	struct out_part part;

	out_part_begin(&part, *at, o);
	if (as != NULL)
		put_refs(as, &part);
	else
		fmo_walk(put_fmo, &part);
	return out_part_end(&part, at);
}
