/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fmo.h: forked memory objects, main design (book: seeds 000, fork)
 *
 * Private for kernel/vm/design/fmo/.
 *
 * Typical life of an entry: a fork makes it with two references; a write of
 * one side copies and drops one (F4); the last side takes the page back
 * (fmo_try_steal); at refs 0 the entry is dead.
 *
 * An entry is handled by its direct-map address while its page is pinned or
 * kept by nres > 0; page and index follow from the address.
 */
#ifndef VM_DESIGN_FMO_FMO_H
#define VM_DESIGN_FMO_FMO_H

#include "vm/pte/forks.h"
#include "vm/pte/pte.h"
#include "vm/evidence/report.h"
#include "vm/space/space.h"
#include "vm/want/want.h"

struct fmo_entry {             /* 16 B, kpaged, 256 per page */
	uint64_t word;         /* TRANS | BUSY | SWAP | ERROR | 0 dead.  [F], and [P] for TRANS/BUSY */
	uint32_t refs;         /* [F] words in all processes that refer to it */
	uint32_t tag;          /* [c] low 32 bits of vpn at creation */
};

#define FMO_PER_PAGE (PAGE_SIZE / sizeof(struct fmo_entry))
#define FORK_OBJECTS 4 /* so many old ones may a process keep alive at a fork */

struct fmo {
	uint64_t base;         /* [c] entry index of entry 0 */
	uint32_t n;            /* [c] entries made; 0 while the fork fills it */
	uint32_t npages;       /* [c] kpaged pages of the range */
	struct spinlock lock;  /* [F], rank 7 */
	uint32_t live;         /* [F] entries with refs > 0 */
	uint32_t charged;      /* [F] entry pages that still hold commit */
	uint64_t nrefs;        /* [F] sum of refs */
	_Atomic uint32_t procs; /* [A] fmo_refs; freed at 0 */
	uint32_t gen;          /* [c] number of the fork that made it */
	struct list_node all;  /* fmo list lock: living ones, or those to reap */
};

_Static_assert(sizeof(struct fmo) == 64, "book: objects");
_Static_assert(sizeof(struct fmo_entry) == 16, "book: objects");

struct fmo_ref {
	struct rb_node rb;     /* [W] as->shared.refs by fmo->base */
	struct fmo *fmo;       /* [c] */
	uint64_t nptes;        /* [W] this process's words into fmo; dropped AT 0 */
};

/* Page and index of an entry, from its direct-map address. */
static inline struct vm_page *
fmo_page_of(const struct fmo_entry *e)
{
	return page_of_pa(va2pa(e));
}

static inline uint64_t
fmo_index_of(const struct fmo_entry *e)
{
	return fmo_page_of(e)->index * FMO_PER_PAGE +
	    (va2pa(e) & PAGE_MASK) / sizeof(*e);
}

/* The words of an entry and of those behind it, for a read from swap. */
static inline struct swap_words
fmo_swap_words(struct fmo_entry *e)
{
	return (struct swap_words){
		.container = fmo_page_of(e), .word = &e->word, .step = 2,
		.max = (unsigned)(FMO_PER_PAGE - fmo_index_of(e) % FMO_PER_PAGE),
		.home = HOME_FMO, .index = e->tag,
	};
}

/* The entry of a page whose home is one (VALID/FORK words, TRANS entries). */
static inline struct fmo_entry *
fmo_entry_of_page(const struct vm_page *pg)
{
	ASSERT(page_home_kind(pg) == HOME_FMO);
	return pa2va(page_home_payload(pg));
}

/* The entries in a page that is pinned. */
static inline struct fmo_entry *
fmo_entries(struct vm_page *page)
{
	return pa2va(page_pa(page));
}

/* Index of the entry in this page that a FORK or VALID/FORK word names; another page's:
 * FMO_PER_PAGE or more.  [W] of the word's space. */
static inline uint64_t
fmo_place(const struct vm_page *page, uint64_t word)
{
	const struct fmo_entry *e;

	if ((word & MD_PTE_P) == 0)
		return pte_payload(PTE_FORK, word) - page->index * FMO_PER_PAGE;
	if (pte_src(word) != SRC_FORK)
		return FMO_PER_PAGE;
	e = pa2va(page_home_payload(pte_page(word)));
	return fmo_page_of(e) == page ? (va2pa(e) & PAGE_MASK) / sizeof(*e) :
	    FMO_PER_PAGE;
}

/* The faults that a fork makes: fork.c, with entry.c. */
enum fault_outcome f4_break_fork(struct fctx *);
enum fault_outcome f8_fork_map(struct fctx *);
/* The entry of a FORK or VALID/FORK word, its page among f's pins. */
enum fault_outcome fault_entry(struct fctx *, uint64_t word, struct fmo_entry **);
enum fault_outcome fault_entry_ready(struct fctx *, struct fmo_entry *);
enum fault_outcome fault_map_stolen(struct fctx *, uint64_t before); /* F4s */

/* Inline all calls of the function: it makes them for each of many words. */
#define NO_CALLS __attribute__((flatten))

/* fork.c */
uint64_t fork_word(uint64_t index);            /* FORK word of an entry index */
uint64_t fork_index(uint64_t word);
/* Where is the entry of a FORK or VALID/FORK word?  Its kernel address. */
va_t fork_entry(uint64_t word);

/* One fork under way; on the stack of fmo_dup(). */
struct fork_work {
	struct pte_fork c;           /* what forks of all designs have */
	struct fmo *fmo;             /* the new object; NULL: nothing to enter */
	struct fmo_ref *pref, *cref; /* references of both to it */
	uint64_t next;               /* entries made */
	uint64_t rerefs, copies;     /* of older entries; of pinned pages */
	bool gather;                 /* the parent refers to many objects */
	struct vm_page *page;        /* pinned: entry page of `next` */
	va_t lo, hi;                 /* parent words that lost W: to be flushed */
};

int fork_reserve(struct fork_work *) MUST_CHECK;
int fork_range(struct fork_work *, va_t *start, va_t end) MUST_CHECK;
/* Parts of fork_range(), one kind of word each. */
uint64_t fork_hand_over(const struct pte_ref *, struct fmo_entry *, uint64_t fork);
bool fork_copy(struct fork_work *, struct pte_ref *, struct vm_page *pinned);
bool fork_entered(struct fork_work *, struct pte_ref *);
int fmo_dup(struct aspace *parent, struct aspace *child);

/* forkwait.c: what a fork needs, waits for and gives back */
struct fmo_entry *fork_next_entry(struct fork_work *);  /* NULL: w->c.want says */
void fork_finish(struct fork_work *);

/* fmo_object.c */
void fmo_init(void);
struct fmo *fmo_create(uint64_t max_entries);  /* header and kpaged range; NULL */
/* [W] of as, or as unpublished.  NULL: no memory; find: none.  One that is added stays
 * until fork_finish(): it has a word too many. */
struct fmo_ref *fmo_add_ref(struct aspace *, struct fmo *);
struct fmo_ref *fmo_find_ref(struct aspace *, uint64_t index);
void fmo_drop_ref(struct aspace *, struct fmo_ref *);  /* nptes == 0 */
void fmo_free_page(struct fmo *, uint64_t index);  /* an entry page that has died */
void fmo_bury(struct fmo *);                    /* procs is 0: to be reaped */
void fmo_reap(void);                           /* free dead objects; no rank >= 3 held */
void fmo_walk(void (*fn)(struct fmo *, void *), void *arg);

/* fmo.c */
/* [F]: one more word of the ref's process names e. */
void fmo_reref(struct fmo_ref *, struct fmo_entry *);
/* A word of as that named e is gone. */
void fmo_deref(struct aspace *, struct fmo_entry *);
/* The last owner takes page or slot back.  False: not alone, pinned, busy. */
enum steal_where { STEAL_WRITE = 1, STEAL_READ, STEAL_TRIM, STEAL_FORK };
bool fmo_try_steal(const struct pte_ref *, struct fmo_entry *, enum steal_where);
/* Soft FORK words of one leaf table go.  0, -EAGAIN: an entry page is out (R2);
 * *va has moved on. */
int fmo_drop_range(struct aspace *, struct vm_page *leaf, va_t *va, va_t end,
    struct want *);
bool fmo_hold(struct want *, va_t kva);        /* pin kva's page in kpage; false: out */
/* The entry that a FORK or VALID/FORK word of the parent names, its page pinned; NULL:
 * w->c.want says what is missing.  Both ws_locks. */
static inline struct fmo_entry *
fork_old_entry(struct fork_work *w, uint64_t word)
{
	va_t kva = fork_entry(word);

	return fmo_hold(&w->c.want, kva) ? kpaged_ptr(w->c.want.kpage, kva) : NULL;
}

/* fmo_object.c */
uint64_t fmo_trim(const struct pte_ref *);
void fmo_unmapped(struct aspace *, struct vm_page *);
void fmo_forget(struct aspace *);

/* fmo_swapped.c */
void fmo_each_swapped(struct swap_walk *);
int fmo_swapped(struct aspace *, uint64_t word, struct swap_walk *);

/* fmo_check.c */
void fmo_check_word(struct aspace *, va_t, uint64_t word, struct vm_report *);
void fmo_check_space(struct aspace *, struct vm_report *, struct vm_found *);
void fmo_check_end(struct vm_report *);

/* fmo_stat.c */
int fmo_show(struct aspace *, uint64_t *at, struct out *);
int64_t fmo_refs(struct aspace *, va_t, uint64_t word, uint64_t *named);
int fmo_bring(struct aspace *, uint64_t word, struct vm_page **out) MUST_CHECK;

#endif
