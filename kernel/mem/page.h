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
	PF_ERROR = 32,     /* KPAGED */
	PF_AHEAD = 32,     /* VNODE: read ahead, not yet wanted */
	PF_CONTAINER = 64, /* holds owning words */
	PF_WANTED = 128    /* someone sleeps for it */
};

enum page_home {
	HOME_NONE, HOME_PTE, HOME_FMO, HOME_AOBJ, HOME_VNODE, HOME_TABLE,
	HOME_KPAGED, HOME_ANON, HOME_TEST, HOME_FRAME, HOME_KERNEL, HOME_IO,
	HOME_SXANON, HOME_SHADOW,
	HOME_COUNT
};

/*
 * Links are frame numbers, 0: none.  What a field means follows from the home: a
 * record of one kind has no room for what only another needs.
 */
struct vm_page {
	uint64_t home;       /* [P] kind, payload (book: page-states) */
	union {
		struct {
			/* [P] pgoff or kpaged page number; of a PTE's page: not kept */
			uint64_t index;
			union {
				struct { pfn_t left, right; } tree; /* [O][s] VNODE */
				struct {
					bool ahead; /* [P][s] read ahead, not yet wanted */
					bool late;  /* [P][s] LAZYFREE: charged when touched */
				} swp;
			};
		};
		struct {
			pfn_t root;              /* [W][s] TABLE: page_table_space() */
			pfn_t ws_next, ws_prev;  /* [W] ring of leaf tables */
			uint16_t nvalid;         /* [W] VALID words, SRC != SPEC */
			uint16_t nspec : 10;     /* [W] VALID words, SRC == SPEC */
			uint16_t level : 2;      /* [W] 1 leaf … 3 */
			uint16_t late : 1;       /* [W] charged when made */
		} tbl;
		struct {
			void *slab;              /* [P][s] KERNEL: slab cache or site */
			uint32_t order;          /* [P][s] FREE head of a buddy block */
		} kern;
		struct {
			void *slab;              /* NULL, as of all KERNEL pages */
			struct aspace *as;       /* [c] KERNEL, a root table: whose */
		} root;
	};
	pfn_t qnext, qprev;    /* [P] on the queue that state names */
	uint32_t mapcount;     /* [P] VALID words that map it */
	uint16_t pins;         /* [P] why it may not leave memory */
	uint8_t state;         /* [P] written by page_set_state() only */
	uint8_t flags;         /* [P] PF_* */
	uint32_t slot;         /* [P] copy on swap, or 0 */
	union {
		struct {
			uint16_t nres;  /* [P][s] container: words VALID/TRANS/BUSY */
			uint16_t nused; /* [W][F][O][s] container: words not ABSENT */
		};
		pfn_t parent;           /* [O][s] VNODE: of tree */
	};
};

#define NSPEC_MASK 0x3ffu /* the bits of tbl.nspec */
#define PAGE_RECORD 48    /* bytes: 1.2 % of all memory */
_Static_assert(sizeof(struct vm_page) == PAGE_RECORD, "one for each frame");

extern struct vm_page *pfdb;      /* [c] indexed by pfn */
extern struct spinlock pfn_lock;  /* [P], rank LR_PFN */

#define PFN_THIRD 0xaaaaaaabu /* 3 times it is 1, modulo 2^32 */

/* pg - pfdb.  A record is 3 times 16 bytes; the compiler's 64-bit division is longer. */
static inline pfn_t
page_pfn(const struct vm_page *pg)
{
	return (pfn_t)(((uintptr_t)pg - (uintptr_t)pfdb) / 16) * PFN_THIRD;
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

/* The space of a page table; the root's record knows it. */
static inline struct aspace *
page_table_space(const struct vm_page *table)
{
	return pfdb[table->tbl.root].root.as;
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

/* The only writers of page->home.  Locks: [P] held. */
void page_set_home(struct vm_page *, enum page_home, uint64_t payload);
/* The word that it names is so many bytes further on now; who moves many records it. */
static inline void
page_move_home(struct vm_page *pg, int64_t bytes)
{
	pg->home += (uint64_t)bytes;
}

const char *page_state_name(enum page_state);

/* Pages in order, linked by frame number through qnext and qprev.  [P], as
 * page_set_state() says, which goes with each change of a queue. */
struct page_queue {
	pfn_t head, tail;    /* 0: none */
	uint64_t n;
};

static inline void
page_queue_append(struct page_queue *q, struct vm_page *pg)
{
	pfn_t pfn = page_pfn(pg);

	pg->qnext = 0;
	pg->qprev = q->tail;
	*(q->tail == 0 ? &q->head : &pfdb[q->tail].qnext) = pfn;
	q->tail = pfn;
	q->n++;
}

static inline void
page_queue_remove(struct page_queue *q, struct vm_page *pg)
{
	ASSERT(q->n > 0);
	*(pg->qprev == 0 ? &q->head : &pfdb[pg->qprev].qnext) = pg->qnext;
	*(pg->qnext == 0 ? &q->tail : &pfdb[pg->qnext].qprev) = pg->qprev;
	pg->qnext = pg->qprev = 0;
	q->n--;
}

/* Frames in this state now.  Exact when nobody moves any. */
static inline uint64_t
page_count(enum page_state s)
{
	int64_t n = md_word_sum(MD_WORD_PAGES + s);

	/* One may be seen to leave before it is seen to come. */
	return n < 0 ? 0 : (uint64_t)n;
}

/* n pages got a home of this kind, which had none; < 0: they lost it.  Nobody counts a page
 * that goes from one kind to another: only the sum over the kinds between which pages go is
 * right (owner_count_pages). */
static inline void
page_count_home(enum page_home kind, int64_t n)
{
	md_add_word(MD_WORD_HOMES + kind, n);
}

/* n descriptors, zero-filled and so FREE, join the count (phys_init). */
SYSTEM_ONLY void page_adopt(uint64_t n);

#endif
