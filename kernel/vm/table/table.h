/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * table.h: page tables of the user half, and batches of flushes
 */
#ifndef VM_TABLE_TABLE_H
#define VM_TABLE_TABLE_H

#include "lib/string.h"
#include "vm/want/want.h"

#define BATCH_FEW 16           /* words of a batch without a frame of its own */

enum batch_end {               /* step 6, after the ack, by the old word's SRC */
	BATCH_ZAP,             /* PRIV freed; OBJ unmapped; FORK: shared->unmapped() */
	BATCH_TRIM,            /* PRIV to a queue; OBJ, FORK unmapped */
	BATCH_CLEAN            /* still mapped, without W and D: D to PF_DIRTY */
};

struct tlb_batch {
	struct aspace *as;     /* [W] */
	uint64_t lo, hi;       /* [W] vpn range to flush */
	uint32_t n, max;       /* [W] entries in old, and room for so many */
	enum batch_end end;    /* [W] */
	pfn_t table_chain;     /* [W] unlinked tables, through qnext */
	pfn_t out_chain;       /* [W] tables that leave for swap, through qnext */
	struct vm_page *frame; /* [W] holds a whole leaf table's words; NULL: few does */
	uint64_t *old;         /* [W] the words that were replaced */
	uint64_t few[BATCH_FEW]; /* [W] */
};

/* ptab.c: user tables; [W] held throughout */
/* A walk over the words of a range.  The caller sets as, va, end, hold and want. */
struct pt_iter {
	struct aspace *as;             /* [own] */
	va_t va, end;                  /* [own] the rest of the range */
	struct pt_hold *hold;          /* [own] NULL: tables on swap are skipped */
	struct want *want;             /* [own] with hold: what is missing */
	int r;                         /* [own] pt_iter_table() found none: 0, -EAGAIN */
	struct vm_page *leaf;          /* [W] the table of va, in use; or NULL, and: */
	uint64_t *out;                 /* [W] the word, of its parent or higher up, that is out */
	int level;                     /* [W] of the table that out names */
	unsigned left;                 /* [W] words of leaf not met yet, at most */
	va_t stop;                     /* [W] end of the table, or of the range */
};
#define PT_SPAN ((va_t)MD_PT_WORDS << PAGE_SHIFT) /* bytes of a leaf table */
/* The end of va's leaf table. */
static inline va_t
pt_table_end(va_t va)
{
	return (va | (PT_SPAN - 1)) + 1;
}
/* Words of a leaf table. */
static inline uint64_t *
pt_words(struct vm_page *table)
{
	return pa2va(page_pa(table));
}

static inline uint64_t *
pt_word(struct vm_page *leaf, va_t va)
{
	return &pt_words(leaf)[md_pt_index(va, 1)];
}

enum fault_outcome pt_walk(struct fctx *);     /* sets f->leaf, f->word */
uint64_t *pt_find(struct aspace *, va_t, struct vm_page **leaf); /* NULL: no leaf table */
int pt_pay_late(struct fctx *) MUST_CHECK;             /* a table that no mapping pays for */
/* h->late: a leaf table made here is charged to as->commit.late, without the limit test (the
 * caller has made it).  NULL: the want says. */
struct vm_page *pt_make(struct aspace *, va_t, struct pt_hold *, struct want *);
void pt_prune(struct aspace *, va_t, struct tlb_batch *); /* its tables that are empty */
void pt_prune_now(struct aspace *, va_t);                /* in a batch of its own */

/* The words of a range, leaf table by leaf table; [W] held.  All of [lo, hi) vpn: */
static inline struct pt_iter
pt_range(struct aspace *as, uint64_t lo, uint64_t hi)
{
	return (struct pt_iter){ .as = as, .va = lo << PAGE_SHIFT,
		.end = hi << PAGE_SHIFT };
}
/* The leaf table of va becomes that of to.  0, -EAGAIN, -EBUSY. */
int pt_move(struct aspace *, struct vm_page *leaf, va_t va, va_t to, struct pt_hold *,
    struct want *) MUST_CHECK;
bool pt_iter_table(struct pt_iter *);     /* the next in use; with hold: that there is */
bool pt_iter_place(struct pt_iter *);     /* the next, in use or out */
/* As pt_iter_table(), for a loop over tables: it takes [W], which is held in the body of
 * the loop; it drops it before it looks for the next table, and when it returns false. */
bool pt_iter_next(struct pt_iter *);
/* The word of va in the table. */
static inline uint64_t *
pt_iter_at(const struct pt_iter *it)
{
	return pt_word(it->leaf, it->va);
}
/* The first word from that of va on that is not ABSENT, va moved up to it; NULL: there
 * is none, va is stop.  A table of few words is not read to its end. */
static inline uint64_t *
pt_iter_word(struct pt_iter *it, uint64_t *word)
{
	for (; it->left > 0 && it->va < it->stop; it->va += PAGE_SIZE, word++)
		if (word_get(word) != 0)
			return word;
	it->va = it->stop;
	return NULL;
}
/* Each such word; after a break it->va is that of the word. */
#define PT_FOREACH(word, it) \
	for ((word) = pt_iter_at(it); ((word) = pt_iter_word(it, word)) != NULL; \
	    (word)++, (it)->va += PAGE_SIZE, (it)->left--)

/* The rest without [W] */
void pt_release(struct pt_hold *);                       /* the end of an operation */
bool pt_open_space(struct aspace *);                     /* false: it is being torn down */
void pt_close_space(struct aspace *);
void pt_end_space(struct aspace *);                      /* sleeps: nobody has it open */
void pt_space_ended(void);                               /* the root of one has gone */
void pt_wait_ended(struct aspace *);                     /* sleeps, until it has */

/* ptpage.c: tables are held, go to swap and come back */
void pt_pin(struct fctx *);             /* [W]: the pass ends without the page */
void pt_unpin(struct fctx *);           /* all pins of f; [W] not held */
bool pt_let_go(struct pt_hold *);       /* true: with [W] pt_prune(h->pinned) */
void ptpage_init(void);                                  /* once, by vm_init() */
va_t pt_va(const struct vm_page *table);                 /* [W]: its first address */
size_t pt_evict(struct aspace *, size_t want);           /* [W]: so many tables leave */

/* tlb.c: [W] held */
void tlb_batch_init(struct tlb_batch *, struct aspace *, enum batch_end);
void tlb_batch_full(struct tlb_batch *);
/* The flush covers vpn: its word has lost a bit, at least. */
static inline void
tlb_batch_cover(struct tlb_batch *b, uint64_t vpn)
{
	b->lo = MIN(b->lo, vpn);
	b->hi = MAX(b->hi, vpn + 1);
}
/* The word at vpn was oldword, VALID; the caller has replaced it, and updates the counts
 * (ws_remove, words.priv …).  A full batch is flushed, with step 6. */
static inline void
tlb_batch_add(struct tlb_batch *b, uint64_t vpn, uint64_t oldword)
{
	ASSERT((oldword & MD_PTE_P) != 0);
	if (b->n == b->max)
		tlb_batch_full(b);
	b->old[b->n++] = oldword;
	tlb_batch_cover(b, vpn);
}
/* The same by a call, for callers with single words; a lab's file always calls, so
 * that only the kernel writes the batch. */
void tlb_batch_put(struct tlb_batch *, uint64_t vpn, uint64_t oldword);
#ifdef BY_CALL
#define tlb_batch_add tlb_batch_put
#endif
pfn_t tlb_batch_finish(struct tlb_batch *);
void tlb_batch_end(struct tlb_batch *);
/* Only rights were taken away from words of [lo, hi) vpn: they keep their frames, so
 * there is no step 6.  [W]; none of rank >= 7. */
static inline void
tlb_flush_range(struct aspace *as, uint64_t lo, uint64_t hi)
{
	HELD(&as->ws_lock);
	if (lo < hi)
		md_tlb_flush(&as->md, lo << PAGE_SHIFT, hi << PAGE_SHIFT,
		    FLUSH_PAGES);
}
uint64_t tlb_clear_word(struct aspace *, va_t, struct vm_page *leaf, uint64_t *word);

/* ======== within the room ======== */

#define LEVELS (MD_PT_LEVELS - 1) /* tables below the root: 3 … 1 */
/* The path from the root to an address, as far as tables are in use: [own]. */
struct pt_path {
	uint64_t *word[LEVELS + 1];        /* the word that names table[level] */
	struct vm_page *table[LEVELS + 1]; /* [1] leaf … [3]; NULL: not in use */
	int out;                           /* the level on swap: word TRANS, BUSY,
	                                    * SWAP or ERROR; 0: none is */
};
/* The container of word[level]; NULL: the root, a WIRED frame. */
static inline struct vm_page *
path_parent(const struct pt_path *p, int level)
{
	return level == LEVELS ? NULL : p->table[level + 1];
}
/* The table that holds the word of a table of this level; NULL: the root. */
static inline struct vm_page *
word_table(const uint64_t *word, int level)
{
	return level == LEVELS ? NULL : page_of_pa(va2pa(word));
}
/* The word of the table that is out, for a read from swap. */
static inline struct swap_words
path_place(const struct pt_path *p)
{
	return (struct swap_words){
		.container = path_parent(p, p->out),
		.word = p->word[p->out], .step = 1, .max = 1,
		.home = HOME_TABLE,
	};
}

/* ptab.c; [W] */
/* A table is unlinked or moved: forget the leaf tables that CPUs met last. */
static inline void
pt_forget_near(struct aspace *as)
{
	memset(as->table.near_end, 0, sizeof(as->table.near_end));
}
void pt_free_chain(struct aspace *, pfn_t chain);        /* tlb.c, after the ack */
void path_walk(struct aspace *, va_t, struct pt_path *);
/* The fields of a descriptor for a table in use, except tbl.late.  [W]. */
static inline void
pt_init_table(struct aspace *as, struct vm_page *table, int level)
{
	table->tbl.root = (pfn_t)(as->md.root_pa >> PAGE_SHIFT);
	table->tbl.ws_next = table->tbl.ws_prev = 0;
	table->tbl.nvalid = table->tbl.nspec = 0;
	table->tbl.level = (unsigned)level & 3;
}

/* ptpage.c; [W] */
static inline bool
pt_is_among(struct vm_page *const *pin, unsigned n, const struct vm_page *table)
{
	while (n > 0)
		if (pin[--n] == table)
			return true;
	return false;
}
uint8_t path_pin(const struct pt_path *, struct vm_page **pin, uint8_t n, unsigned max);
void hold_path(struct aspace *, va_t, const struct pt_path *, struct pt_hold *);
int pt_bring(struct aspace *, va_t, const struct pt_path *, struct pt_hold *,
    struct want *);

void pt_out_chain(pfn_t chain);                          /* tlb.c, after the ack */
enum fault_outcome pt_fault_in(struct fctx *, struct pt_path *);  /* F10 */
bool pt_rescue(struct aspace *, uint64_t *word, int level);
void path_walk_in(struct aspace *, va_t, struct pt_path *);
bool path_is_lost(const struct pt_path *);

/* tlb.c: [W] held */
void tlb_batch_add_table(struct tlb_batch *, pfn_t *chain, struct vm_page *table,
    uint64_t vpn);

#endif
