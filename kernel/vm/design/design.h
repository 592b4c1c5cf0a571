/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * design.h: the functions by which vm/ calls a design
 *
 * as->school has the mechanics: where a private page is recorded, and all that follows
 * from it; there are two (words_school, anons_school).  as->design says what a fork
 * does with such pages.  Rooms below call both through these pointers only.
 */
#ifndef VM_DESIGN_DESIGN_H
#define VM_DESIGN_DESIGN_H

#include "vm/space/space.h"
#include "vm/want/want.h"

struct out;
struct vad;
struct vm_maplink;
struct vm_found;
struct vm_report;
struct zap_job;
struct pte_ref;
struct anons_ops;
struct trapframe;

enum madvise_advice {
	MADV_NORMAL = 0, MADV_RANDOM = 1, MADV_SEQUENTIAL = 2,
	MADV_WILLNEED = 3, MADV_DONTNEED = 4, MADV_FREE = 8, MADV_REMOVE = 9,
	MADV_DONTFORK = 10, MADV_DOFORK = 11, MADV_MERGEABLE = 12,
	MADV_UNMERGEABLE = 13, MADV_HUGEPAGE = 14, MADV_NOHUGEPAGE = 15,
	MADV_DONTDUMP = 16, MADV_DODUMP = 17, MADV_WIPEONFORK = 18,
	MADV_KEEPONFORK = 19, MADV_COLD = 20, MADV_PAGEOUT = 21,
	MADV_POPULATE_READ = 22, MADV_POPULATE_WRITE = 23,
	MADV_DONTNEED_LOCKED = 24, MADV_COLLAPSE = 25,
	/* Not from programs: frees the frames of pages that PAGEOUT has written. */
	ADVICE_RELEASE = 1 << 20,
	ADVICE_FORGET = 1 << 21  /* clear_refs: used pages no longer look used */
};

/*
 * One word of a leaf table, pages 1; or pte_is_table_out(): the table of these
 * pages is not in use, and word is that in its parent.
 */
typedef int vm_walk_fn(void *arg, va_t va, uint64_t word, uint64_t pages);

/* Where private pages are recorded: in page-table words, or in records beside them.  All
 * rows [c]. */
struct school {
	/* Words and tables are a cache of the records: each word is VALID or 0, and
	 * may be dropped.  Else they are the record, and tables go to swap. */
	bool is_cache;
	bool advise_shared; /* [M] may be shared: advice changes words under [W] alone */
	/* Every VAD that could be read is detached; the pages of lost VADs (LOST_VADS)
	 * go here. */
	void (*as_fini)(struct aspace *);
	/* [M] exclusive: the pages of the VAD go; it is out of the tree.  Waits but
	 * does not fail. */
	void (*detach)(struct aspace *, struct vad *);
	/* [X] held, takes [W]: truncate.  [lo, hi) vpn in link's space.  0; -EAGAIN:
	 * job->want, with a token and job->tables.as. */
	int (*zap)(struct aspace *, struct vm_maplink *, uint64_t lo, uint64_t hi,
	    struct zap_job *);
	/* vad->prot is still the old one; fewer rights only.  0. */
	int (*protect)(struct aspace *, struct vad *, uint8_t prot);
	/* Words of from (n pages) to to; target tables made first.  0, -ENOMEM. */
	int (*move)(struct aspace *, struct vad *from, struct vad *to, uint64_t n);
	/* ADVICE_RELEASE: how many pages are still to be written first; else 0, of
	 * DONTNEED also -EAGAIN, -ENOMEM, -EINTR: nothing has changed. */
	int (*advise)(struct aspace *, struct vad *, uint64_t lo, uint64_t hi,
	    int advice);
	/* One pass of a fault: [M], [W]; VAD in f->v, table in f->leaf, f->word. */
	enum fault_outcome (*fault)(struct fctx *);
	/* [M]: the VAD that has this page; NULL: none has, or the space is lost. */
	struct vad *(*lookup)(struct aspace *, uint64_t vpn);
	/* [W]: up to want pages of min_age 0 … 3 out of the working set, with
	 * WS_HAS_PLACE only those that could leave memory now, with WS_BRIEF within
	 * WS_LOOKS words from the hand on.  How many. */
	size_t (*evict)(struct aspace *, size_t want, int min_age);
	/* [M]; takes [W], unless the caller has it: fn for each page of [lo, hi) vpn. */
	int (*walk)(struct aspace *, uint64_t lo, uint64_t hi, vm_walk_fn *, void *);
	/* [M], [W]: the word that names the page at va.  0: there is no page. */
	uint64_t (*named)(struct aspace *, va_t);
	/* [W]: walk->fn for its words that are SWAP or TRANS, and for shared ones. */
	int (*swapped)(struct aspace *, struct swap_walk *);
};
extern const struct school words_school, anons_school;

/* A design: what a fork does with private pages.  All rows [c]. */
struct design {
	const char *name;
	const struct school *school;
	void (*init)(void); /* once, by vm_init(); NULL: nothing to do */
	int (*dup)(struct aspace *parent, struct aspace *child);
	const struct shared_ops *shared; /* NULL: it shares nothing among spaces */
	/* Of words_school, where a fork leaves FORK words: asked only for those. */
	const struct forked_ops *forked;
	/* Of anons_school. */
	const struct anons_ops *anons;   /* where its records are: design/anons/ */
	const struct entry_ops *entries; /* its entries, one for each VAD; NULL: none */
	/* Memory that its programs have outside of VADs; NULL: none. */
	const struct own_ops *own;
};

/* What a design shares among spaces, for checks and /proc. */
struct shared_ops {
	enum page_home home; /* of the pages of FORK words */
	/* [W]: references to the entry that such a word, of va, names, -1 if it is on
	 * swap; *named: its owning word (0: not known). */
	int64_t (*refs)(struct aspace *, va_t va, uint64_t word, uint64_t *named);
	/* freeze_spaces(): walk->fn for the owning word of each record, once. */
	void (*swapped)(struct swap_walk *);
	/* freeze_spaces(), for vm_check: such a word, or one that maps an object's page;
	 * the end of a space, with the records that were found; the end of all spaces. */
	void (*check_word)(struct aspace *, va_t, uint64_t word, struct vm_report *);
	void (*check_space)(struct aspace *, struct vm_report *, struct vm_found *);
	void (*check_end)(struct vm_report *);
	/* Text about the shared records that as refers to; as NULL: about all.
	 * Some records from *at on, which moves: 1; 0: there are none. */
	int (*show)(struct aspace *, uint64_t *at, struct out *);
	const char *const *caches; /* slabs that one process's fork leaves to others */
	const enum ev_id *gauges;  /* the same of counted things; 0 ends both lists */
	enum ev_id pages;          /* gauge: private pages that are not in words.priv */
	enum ev_id charged;        /* gauge: pages charged for its own records; or 0 */
	/* Where its pages are mapped; of a school that is a cache.
	 * [W]: the word of va, which mapped a page (not the zero page), is 0 now, and not
	 * flushed yet.  NULL: the design keeps no list. */
	void (*left)(struct aspace *, va_t, uint64_t old);
	/* No lock: school->evict for all spaces of the design, by a policy of its own.
	 * NULL: it has none, and pages are trimmed space by space. */
	size_t (*evict_any)(size_t want, int min_age);
};

/*
 * The meaning of words that a fork has made common to several spaces, FORK and
 * VALID/FORK, for the loops of pte/.
 */
struct forked_ops {
	/* F4, F8: a write to, a read of such a page; as school->fault. */
	enum fault_outcome (*write_fault)(struct fctx *);
	enum fault_outcome (*read_fault)(struct fctx *);
	/* [W]: a VALID/FORK word is about to lose its mapping.  What it becomes;
	 * the last owner may take the page back first: VALID/PRIV, and TRANS. */
	uint64_t (*trim)(const struct pte_ref *);
	/* [W]: the FORK words of one leaf table in [*va, end) go.  0, -EAGAIN; *va has
	 * moved on. */
	int (*drop)(struct aspace *, struct vm_page *leaf, va_t *va, va_t end,
	    struct want *);
	/* [W]: a VALID/FORK word that mapped the page is gone, its flush has been
	 * acknowledged: drop mapping and reference. */
	void (*unmapped)(struct aspace *, struct vm_page *);
	/* [W]: tables of the space are lost, and with them what they named. */
	void (*forget)(struct aspace *);
	/* [M] at most: pin the entry page that such a word names, or named; 0, -EINTR.
	 * *out NULL: it exists no more. */
	int (*bring)(struct aspace *, uint64_t word, struct vm_page **out);
	/* [W]: walk->fn for the word that a FORK word names; as school->swapped. */
	int (*swapped)(struct aspace *, uint64_t word, struct swap_walk *);
};

/* Entries of a map, in v->dpriv, and the space that has them, in as->dpriv. */
struct entry_ops {
	int (*as_init)(struct aspace *);
	/* [M] exclusive: allocate all that v needs for [start, end) vpn.  v is in no tree
	 * yet, or about to grow; no effect can be seen.  May wait; 0, -errno (nothing
	 * has changed).  attach and split then do not fail. */
	int (*prepare)(struct aspace *, struct vad *, uint64_t start, uint64_t end);
	/* v->dpriv goes: v is in no tree (any more).  No lock of rank >= 3. */
	void (*release)(struct aspace *, struct vad *);
	/* [M] exclusive: v is in the tree, or has grown. */
	void (*attach)(struct aspace *, struct vad *);
	/* [M] exclusive: hi gets the pages of lo, which is still whole, from vpn on. */
	void (*split)(struct aspace *, struct vad *lo, struct vad *hi, uint64_t vpn);
	/* [M] exclusive: lo gets the pages and the range of hi.  0; else both stay. */
	int (*merge)(struct aspace *, struct vad *lo, struct vad *hi);
	/* As school->move. */
	int (*move)(struct aspace *, struct vad *from, struct vad *to, uint64_t n);
};

/* Memory that programs have beside their VADs; of a space, in as->dpriv. */
struct own_ops {
	int (*as_init)(struct aspace *);
	/* The space ends, its VADs are gone; [M] exclusive. */
	void (*as_fini)(struct aspace *);
	/* No lock.  A program's fault would be a signal: can another process resolve it?
	 * True: the thread goes on with the registers in the frame. */
	bool (*upcall)(struct aspace *, va_t, enum access, struct trapframe *);
	/* Structures beside spaces, for vm_check and as text; no lock of rank >= 2. */
	void (*check)(struct vm_report *);
	void (*owners)(struct out *);
	/* The design's own tables map these addresses: no VAD lies there, and common code
	 * does not touch these words of the root. */
	va_t base;
	va_t end;
};

/* ---- calls of functions that may be NULL ---- */

static inline int
design_as_init(struct aspace *as)
{
	const struct entry_ops *e = as->design->entries;
	const struct own_ops *own = as->design->own;

	if (own != NULL)
		return own->as_init(as);
	return e == NULL ? 0 : e->as_init(as);
}

static inline void
design_as_fini(struct aspace *as)
{
	if (as->design->own != NULL)
		as->design->own->as_fini(as);
}

/* Has the design tables of its own for va?  See own_ops. */
static inline bool
design_owns(const struct aspace *as, va_t va)
{
	const struct own_ops *own = as->design->own;

	return own != NULL && va < own->end && va >= own->base;
}

static inline int
design_prepare(struct aspace *as, struct vad *v, uint64_t start, uint64_t end)
{
	const struct entry_ops *e = as->design->entries;
	const struct own_ops *own = as->design->own;

	if (own != NULL && start < own->end >> PAGE_SHIFT && end > own->base >> PAGE_SHIFT)
		return -ENOMEM;
	return e == NULL ? 0 : e->prepare(as, v, start, end);
}

static inline void
design_release(struct aspace *as, struct vad *v)
{
	if (as->design->entries != NULL)
		as->design->entries->release(as, v);
}

static inline void
design_attach(struct aspace *as, struct vad *v)
{
	if (as->design->entries != NULL)
		as->design->entries->attach(as, v);
}

static inline void
design_split(struct aspace *as, struct vad *lo, struct vad *hi, uint64_t vpn)
{
	if (as->design->entries != NULL)
		as->design->entries->split(as, lo, hi, vpn);
}

static inline bool
design_merge(struct aspace *as, struct vad *lo, struct vad *hi)
{
	const struct entry_ops *e = as->design->entries;

	return e == NULL || e->merge(as, lo, hi) == 0;
}

/* For vm_check; a design that shares nothing has no FORK words. */
static inline bool
design_check_word(struct aspace *as, va_t va, uint64_t word, struct vm_report *rep)
{
	const struct shared_ops *s = as->design->shared;

	if (s != NULL)
		s->check_word(as, va, word, rep);
	return s != NULL;
}

static inline void
design_check_space(struct aspace *as, struct vm_report *rep, struct vm_found *found)
{
	if (as->design->shared != NULL)
		as->design->shared->check_space(as, rep, found);
}

static inline int
design_show(struct aspace *as, uint64_t *at, struct out *o)
{
	const struct shared_ops *s = as->design->shared;

	return s == NULL ? 0 : s->show(as, at, o);
}

/* Are its pages evicted by a policy over all its spaces? */
static inline bool
design_evicts_any(const struct aspace *as)
{
	const struct shared_ops *s = as->design->shared;

	return s != NULL && s->evict_any != NULL;
}

#endif
