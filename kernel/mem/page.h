/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * page.h: struct vm_page, one per frame (book: objects)
 *
 * The one struct that crosses rooms.  Which room may write a field follows
 * from tag and state: state by page_set_state(), home by page_set_home().
 *
 * Typical life: phys_alloc → LIMBO → ACTIVE → MODIFIED → STANDBY → FREE.
 */
#ifndef MEM_PAGE_H
#define MEM_PAGE_H

#include "lib/assert.h"
#include "lib/spin.h"
#include "lib/tree.h"
#include "lib/types.h"

struct aspace;

enum page_state {
	PG_FREE,     /* in a buddy list or magazine */
	PG_ZEROED,   /* the same, all bytes 0 */
	PG_ACTIVE,   /* mapped, pinned or a live container */
	PG_STANDBY,  /* clean, unmapped, contents kept */
	PG_MODIFIED, /* dirty, unmapped */
	PG_READING,  /* being filled by I/O */
	PG_LIMBO,    /* no home: new, or waiting for its last holder */
	PG_WIRED,    /* home KERNEL, IO, FRAME */
	PG_BAD,
	PG_NSTATES
};

enum page_flag {
	PF_DIRTY = 1,
	PF_WRITING = 2,    /* write I/O in flight */
	PF_ORPHAN = 4,     /* home gone; free when idle */
	PF_SLOTSTALE = 8,  /* free slot when the write ends */
	PF_LAZYFREE = 16,
	PF_ERROR = 32,
	PF_CONTAINER = 64, /* holds owning words */
	PF_WANTED = 128    /* someone sleeps for it */
};

enum page_home {
	HOME_NONE, HOME_PTE, HOME_FMO, HOME_AOBJ, HOME_VNODE, HOME_TABLE,
	HOME_KPAGED, HOME_ANON, HOME_SHADOW, HOME_FRAME, HOME_KERNEL, HOME_IO,
	HOME_SXANON,
	HOME_COUNT
};

struct vm_page {
	uint64_t home;       /* [P] kind, payload (book: page-states) */
	uint64_t index;      /* [P] pgoff or kpaged page number; of a PTE's page: not kept */
	union {
		struct rb_node rb; /* [O][s] VNODE, SHADOW */
		struct {
			struct aspace *as;       /* [W][s] TABLE: whose */
			uint32_t ws_next, ws_prev; /* [W] ring of leaf tables */
			uint8_t level;           /* [W] 1 leaf … 3 */
			uint8_t late;            /* [W] charged when made */
			uint16_t nvalid;         /* [W] VALID words, SRC != SPEC */
			uint16_t nspec;          /* [W] VALID words, SRC == SPEC */
		} tbl;
		struct {
			bool ahead;      /* [P][s] read ahead, not yet wanted */
			bool late;       /* [P][s] LAZYFREE: charged when touched */
		} swp;
		struct {
			uint32_t order;          /* [P][s] FREE head of a buddy block */
			uint32_t rsv0;
			void *slab;              /* [P][s] KERNEL: slab cache or site */
		} kern;
	};
	uint32_t qnext, qprev; /* [P] on the queue that state names; 0 = none */
	uint32_t mapcount;     /* [P] VALID words that map it */
	uint16_t pins;         /* [P] why it may not leave memory */
	uint8_t state;         /* [P] written by page_set_state() only */
	uint8_t flags;         /* [P] PF_* */
	uint32_t slot;         /* [P] copy on swap, or 0 */
	uint16_t nres;         /* [P][s] container: words VALID/TRANS/BUSY */
	uint16_t nused;        /* [W][F][O][s] container: words not ABSENT */
};

_Static_assert(sizeof(struct vm_page) == 64, "one cache line");

extern struct vm_page *pfdb;      /* [c] indexed by pfn */
extern struct spinlock pfn_lock;  /* [P], rank LR_PFN */

static inline pfn_t
page_pfn(const struct vm_page *pg)
{
	return (pfn_t)(pg - pfdb);
}

static inline pa_t
page_pa(const struct vm_page *pg)
{
	return (pa_t)page_pfn(pg) << PAGE_SHIFT;
}

static inline struct vm_page *
page_of_pa(pa_t pa)
{
	return &pfdb[pa >> PAGE_SHIFT];
}

static inline enum page_home
page_home_kind(const struct vm_page *pg)
{
	return (enum page_home)(pg->home >> 60);
}

static inline uint64_t
page_home_payload(const struct vm_page *pg)
{
	return pg->home & ((1ul << 60) - 1);
}

/*
 * The only writer of page->state: judges the change by the table of legal
 * transitions (book: page-states), moves queue counts, leaves a trace record.
 *
 * Locks:    [P] held (not asserted for FREE/ZEROED ↔ LIMBO/WIRED by phys.c,
 *           whose frames lie in a magazine of this CPU).
 */
void page_set_state(struct vm_page *, enum page_state);

/* The only writer of page->home.  Locks: [P] held. */
void page_set_home(struct vm_page *, enum page_home, uint64_t payload);

const char *page_state_name(enum page_state);

/* Pages in order, linked by frame number through qnext and qprev.  [P]. */
struct page_queue {
	pfn_t head, tail;    /* 0: none */
	uint64_t n;
};

static inline void
page_queue_append(struct page_queue *q, struct vm_page *pg)
{
	ASSERT(spin_is_mine(&pfn_lock));
	pg->qnext = 0;
	pg->qprev = q->tail;
	*(q->tail == 0 ? &q->head : &pfdb[q->tail].qnext) = page_pfn(pg);
	q->tail = page_pfn(pg);
	q->n++;
}

static inline void
page_queue_remove(struct page_queue *q, struct vm_page *pg)
{
	ASSERT(spin_is_mine(&pfn_lock));
	ASSERT(q->n > 0);
	*(pg->qprev == 0 ? &q->head : &pfdb[pg->qprev].qnext) = pg->qnext;
	*(pg->qnext == 0 ? &q->tail : &pfdb[pg->qnext].qprev) = pg->qprev;
	pg->qnext = pg->qprev = 0;
	q->n--;
}

extern _Atomic uint64_t page_counts[PG_NSTATES]; /* [A] for page_count() */

/* Frames in this state now.  Exact when nobody moves any. */
static inline uint64_t
page_count(enum page_state s)
{
	return page_counts[s];
}

/* n descriptors, zero-filled and so FREE, join the count (phys_init). */
SYSTEM_ONLY void page_adopt(uint64_t n);

#endif
