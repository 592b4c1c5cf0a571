/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * design.h: the functions of a design, and who asks for them
 *
 * Rooms below the designs call these through as->ops; nobody names a design.
 */
#ifndef VM_DESIGN_DESIGN_H
#define VM_DESIGN_DESIGN_H

#include "vm/want/want.h"

struct out;
struct vad;
struct vm_maplink;
struct vm_found;
struct vm_report;
struct zap_job;
struct pte_ref;
struct anons_ops;

enum madvise_advice {
	MADV_NORMAL = 0, MADV_RANDOM = 1, MADV_SEQUENTIAL = 2,
	MADV_WILLNEED = 3, MADV_DONTNEED = 4, MADV_FREE = 8, MADV_REMOVE = 9,
	MADV_DONTFORK = 10, MADV_DOFORK = 11, MADV_MERGEABLE = 12,
	MADV_UNMERGEABLE = 13, MADV_HUGEPAGE = 14, MADV_NOHUGEPAGE = 15,
	MADV_DONTDUMP = 16, MADV_DODUMP = 17, MADV_WIPEONFORK = 18,
	MADV_KEEPONFORK = 19, MADV_COLD = 20, MADV_PAGEOUT = 21,
	MADV_POPULATE_READ = 22, MADV_POPULATE_WRITE = 23,
	MADV_DONTNEED_LOCKED = 24, MADV_COLLAPSE = 25,
	/* Not a program's: what PAGEOUT has taken out, and has been written. */
	ADVICE_RELEASE = 1 << 20
};

/*
 * One word of a leaf table, pages 1; or pte_is_table_out(): the table of these
 * pages is not in use, and word is that in its parent.
 */
typedef int vm_walk_fn(void *arg, va_t va, uint64_t word, uint64_t pages);

struct vmm_ops {
	const char *name;
	/* Words and tables are a cache of what the design knows: each is VALID or 0, and
	 * may be thrown away.  Else they are the record, and tables go to swap. */
	bool is_cache;
	int (*as_init)(struct aspace *);
	/* Every VAD that could be read is detached; what VADs that were lost had
	 * (LOST_VADS) goes here. */
	void (*as_fini)(struct aspace *);
	/* [M] exclusive: what v needs to hold [start, end) vpn, in v->dpriv.  v is in
	 * no tree yet, or about to grow; nobody may see the difference.  May wait;
	 * 0, -ENOMEM (nothing has changed).  attach and split then do not fail. */
	int (*prepare)(struct aspace *, struct vad *, uint64_t start, uint64_t end);
	/* v->dpriv goes: v is in no tree (any more).  No lock of rank >= 3. */
	void (*release)(struct aspace *, struct vad *);
	/* [M] exclusive: v is in the tree, or has grown. */
	void (*attach)(struct aspace *, struct vad *);
	/* [M] exclusive: hi gets what lo, which is still whole, has from vpn on. */
	void (*split)(struct aspace *, struct vad *lo, struct vad *hi, uint64_t vpn);
	/* [M] exclusive: lo gets what hi has, and its range.  0; else they stay two. */
	int (*merge)(struct aspace *, struct vad *lo, struct vad *hi);
	/* [M] exclusive: what the VAD maps goes; it is out of the tree.  Waits but
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
	bool advise_shared; /* [M] may be shared: advice changes words under [W] alone */
	int (*dup)(struct aspace *parent, struct aspace *child);
	/* One pass of a fault: [M], [W]; VAD in f->v, table in f->leaf, f->word. */
	enum fault_outcome (*fault)(struct fctx *);
	/* [M]: the VAD that has this page; NULL: none has.  Left out: the tree is asked. */
	struct vad *(*lookup)(struct aspace *, uint64_t vpn);
	/* [W]: the word of va, which mapped a page, not that of zeros, is 0 now, and
	 * not flushed yet.  Of a cache (design/pmap/). */
	void (*left)(struct aspace *, va_t, uint64_t old);
	/* [W]: up to want pages of min_age 0 … 3 out of the working set, with
	 * WS_HAS_PLACE only those that could leave memory now, with WS_BRIEF within
	 * WS_LOOKS words from the hand on.  How many. */
	size_t (*evict)(struct aspace *, size_t want, int min_age);
	/* Instead, no lock: of all spaces of the design, by a policy of its own. */
	size_t (*evict_any)(size_t want, int min_age);
	/* Of a design whose pages do not live in PTEs; NULL: evidence/ looks itself. */
	int (*walk)(struct aspace *, uint64_t lo, uint64_t hi, vm_walk_fn *, void *);
	/* [M], [W]: the word of the page at va, where that of the table is 0.  NULL:
	 * there is no page then. */
	uint64_t (*named)(struct aspace *, va_t);
	void (*init)(void); /* once, by vm_init() */
	/* Text about what words of as name that others share, or NULL: of all.
	 * Some records from *at on, which moves: 1; 0: there are none. */
	int (*show)(struct aspace *, uint64_t *at, struct out *);
	const char *const *caches; /* slabs that one process's fork leaves to others */
	const enum ev_id *gauges;  /* the same of counted things; 0 ends both lists */
	enum ev_id pages;          /* gauge: private pages that are not in n_priv; or 0 */
	enum ev_id charged;        /* gauge: pages charged for its own records; or 0 */
	/* A frame holds the records of so many pages side by side, which stay in memory:
	 * a mapping pays for it (vm/map/vadcommit.c).  0: it has none, or pays otherwise. */
	uint32_t record_pages;
	void (*reap)(void); /* no rank >= 3 held: free what died meanwhile */
	/* [W]: its words that are SWAP or TRANS, and those that they share. */
	int (*swapped)(struct aspace *, struct swap_walk *);
	const struct shared_ops *shared; /* NULL: no word is ever shared */
	const struct anons_ops *anons;   /* what ops of anons/ ask; NULL: it has none of them */
};

/*
 * What the words mean that a fork has made common to several spaces, FORK and
 * VALID/FORK: of the design whose space has such.
 */
struct shared_ops {
	enum page_home home; /* of their pages */
	/* F4, F8: a write to, a read of such a page; as ops->fault. */
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
	/* [W]: references to what such a word, of va, names, -1 if that is out; what
	 * its owning word says (0: not known). */
	int64_t (*refs)(struct aspace *, va_t va, uint64_t word, uint64_t *named);
	/* [M] at most: pin what such a word names, or named; 0, -EINTR.  *out NULL:
	 * it is no more. */
	int (*bring)(struct aspace *, uint64_t word, struct vm_page **out);
	/* [W]: walk->fn for the word that a FORK word names; as ops->swapped.  NULL,
	 * 0 and freeze_spaces(): for all that any word names, each once. */
	int (*swapped)(struct aspace *, uint64_t word, struct swap_walk *);
	/* freeze_spaces(): vm_check meets such a word, or one that maps an object's
	 * page; all those of a space are done, and found are its records; all spaces
	 * are. */
	void (*check_word)(struct aspace *, va_t, uint64_t word, struct vm_report *);
	void (*check_space)(struct aspace *, struct vm_report *, struct vm_found *);
	void (*check_end)(struct vm_report *);
};

#endif
