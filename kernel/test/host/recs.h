/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * recs.h: a design of the other kind, for tests of the seam (book: seam)
 *
 * Private pages live in records, which forks share by count; page tables are
 * its own, wired, and hold nothing that could not be found again; it keeps its
 * own list of what a space maps, and chooses pages to evict over all spaces.
 * The seam asks for all of that (001 to 003), and fmo and eager for none.
 *
 * A record lives from the first touch of a private page to the last slot that
 * refers to it; it never moves, for it is the home of its page.
 */
#ifndef TEST_HOST_RECS_H
#define TEST_HOST_RECS_H

#include "vm/calls/calls.h"
#include "vm/pte/forks.h"
#include "vm/pte/pte.h"
#include "vm/evidence/report.h"
#include "vm/swap/swap.h"
#include "vm/table/table.h"

struct rec {
	uint64_t word;         /* [P] TRANS, BUSY, SWAP, ERROR: owns the page */
	uint32_t refs;         /* [R] slots */
	struct list slots;     /* [R] struct rec_slot: who can have it mapped */
	struct list_node all;  /* [R] clock of recs_evict_any() */
};

/* One page of a mapping; the reverse map, too: region and place say the address. */
struct rec_slot {
	struct rec *rec;           /* [W] NULL: nothing private yet */
	struct region *region;     /* [W] */
	struct list_node node;     /* [R] on rec->slots */
	bool late;                 /* [W] charged when touched */
};

/* What hangs on a VAD (dpriv): its pages, and its range in memory not paged. */
struct region {
	struct list_node node;     /* [M] and [W] for changes: by start */
	struct aspace *as;         /* [c] */
	struct vad *vad;           /* [M] */
	uint64_t start, end;       /* [W] vpn; as the VAD's */
	uint64_t base, room;       /* [W] slot[0] is page base; so many */
	struct rec_slot *slot;     /* [W] */
};

/* as->dpriv; NULL: the space has ended.  [W]. */
struct recs_space {
	struct list regions;
};

static inline struct rec_slot *
slot_of(struct region *r, uint64_t vpn)
{
	ASSERT(vpn - r->base < r->room);
	return &r->slot[vpn - r->base];
}

static inline va_t
slot_va(const struct rec_slot *s)
{
	return (s->region->base + (uint64_t)(s - s->region->slot)) << PAGE_SHIFT;
}

extern const struct design recs_design;
extern struct spinlock recs_lock; /* [R], rank LR_OBJ: records and their slots */
extern unsigned recs_refuse; /* 1: the next recs_prepare() has no memory, 2: the one after it, … */

/* recs_map.c: the words of a space, [W].  That of va; NULL: there is no table. */
uint64_t *map_word(struct aspace *, va_t);
void map_enter(struct fctx *, struct vm_page *, enum pte_src, uint64_t bits); /* [P] too */
void map_entered(struct fctx *);                   /* after it, without [P] */
void map_clear(struct aspace *, va_t);             /* flushed, the page let go */
void map_remove(struct aspace *, va_t);            /* and the table, if it is empty */
void map_reduce(struct aspace *, uint64_t lo, uint64_t hi, uint64_t clear, uint64_t set);
void map_clean(struct aspace *, va_t);             /* no W and D; the page learns of D */
bool map_used(struct aspace *, va_t);              /* A, which is cleared */

/* recs_fault.c */
struct vad *recs_lookup(struct aspace *, uint64_t vpn);
enum fault_outcome recs_fault(struct fctx *);

/* recs.c */
struct region *region_at(struct aspace *, uint64_t vpn);   /* [M] or [W]; NULL */
struct rec *rec_new(void);                                 /* NULL: no memory */
void slot_set(struct rec_slot *, struct rec *);            /* [W]; one reference more */
void slot_clear(struct rec_slot *);                        /* [W]; one less, if it has one */
void rec_free(struct rec *);                               /* that no slot has had */

#endif
