/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ws.h: working sets, and which space gives up pages
 */
#ifndef VM_WS_WS_H
#define VM_WS_WS_H

#include "vm/table/table.h"

/* A word of a leaf table. */
struct ws_entry {
	struct vm_page *leaf;      /* [own] */
	unsigned index;            /* [own] */
	uint64_t *word;            /* [own] */
	va_t va;                   /* [own] */
};

/* ws.c: [W] held unless said */
void ws_insert_some(struct aspace *, struct vm_page *leaf, unsigned n); /* n words became VALID,
                                                          * SRC != SPEC */
static inline void
ws_insert(struct aspace *as, struct vm_page *leaf)
{
	ws_insert_some(as, leaf, 1);
}
void ws_remove_some(struct aspace *, struct vm_page *leaf, unsigned n); /* n ceased to be */
static inline void
ws_remove(struct aspace *as, struct vm_page *leaf)
{
	ws_remove_some(as, leaf, 1);
}
void ws_rescue(struct vm_page *);    /* [P]: queue → ACTIVE, counted; F2 F7 F8 F9 first of all */
void ws_age(struct aspace *);                            /* one pass over all words */
/* The same, and old pages are searched for again.  [W] */
static inline void
ws_grow_older(struct aspace *as)
{
	ws_age(as);
	as->ws.emptied = 0;
}
/* A trim: for each victim within *budget words the design changes the word and tells. */
uint64_t ws_look(const struct aspace *, int min_age);
bool ws_pick_victim(struct aspace *, int min_age, uint64_t *budget, struct ws_entry *);
size_t ws_taken(struct aspace *, const struct ws_entry *, uint64_t old); /* batch open; pages */

/* ---- the space's own limit ---- */

#define WS_PER_FAULT 8               /* pages that one instruction needs at a time */
#define WS_GIVES 64                  /* at most, for one fault */
#define WS_LOOKS 1024                /* words, at most, for one fault, if some are locked */

/* Pages of the space that count against its limit.  Locked pages do not: they cannot
 * leave, and a program with many would stop.  [W] */
static inline uint64_t
ws_counted(const struct aspace *as)
{
	return as->ws.pages - MIN(as->ws.pages, as->words.locked);
}

/* How many pages may be in memory.  The limit must be enough for all waiting faults, or
 * they would take each other's pages for ever. */
static inline uint64_t
ws_limit(const struct aspace *as)
{
	uint64_t n = atomic_load_relaxed(&as->ws.waiting);

	return MAX(atomic_load_relaxed(&as->ws.max), n * WS_PER_FAULT);
}

/* How many pages must go before `come` pages come: a set whose limit was lowered shrinks
 * in steps, so that one fault does not pay for all.  [W] */
static inline size_t
ws_excess(const struct aspace *as, unsigned come)
{
	uint64_t pages = ws_counted(as) + come, max = ws_limit(as);

	return pages > max ? MIN(pages - max, (uint64_t)WS_GIVES) : 0;
}

/* balance.c: thread bsm */
void bal_start(void);                                    /* once, by vm_start() */
void bal_show(struct out *);
#define IDLE_TOO_MANY 32             /* tables without pages */
/* After a fault: bsm comes too late to the tables that have lost their pages. */
static inline bool
bal_needs_help(struct aspace *as)
{
	return __atomic_load_n(&as->table.idle.n, __ATOMIC_RELAXED) >= IDLE_TOO_MANY;
}

void bal_help(struct aspace *);                          /* no lock */

/* ======== within the room ======== */

/* ws.c: [W] held unless said */
size_t ws_adjust(struct aspace *, int round);            /* pages to give in a round of bsm */

#endif
