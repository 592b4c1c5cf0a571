/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * anonfn.h: what anon.c, anontab.c and anon_check.c share, and nobody else
 */
#ifndef VM_ANONFN_H
#define VM_ANONFN_H

#include "vm/vm.h"
#include "vm/vmdat.h"
#include "vm/vmfn.h"

#define ANON_LEVELS 4 /* 512^4 pages */

/* Where the way from the header to a page's word ends. */
enum anon_end {
	END_WORD,    /* slot is the owning word */
	END_MISSING, /* slot is an interior word that is 0 */
	END_AWAY,    /* the table at away is not in memory */
	END_LOST     /* slot is an interior word that could not be read */
};

struct anon_way {
	uint64_t *slot;
	uint64_t at;            /* page, counted from the first below its ind */
	struct vm_page *table;  /* pinned, holds slot; NULL: the header does */
	unsigned depth;         /* tables between slot and the owning word */
	va_t away;
};

enum anon_end anon_walk(struct vmo *, uint64_t pgoff, struct anon_way *);
/* The table on the way to pgoff that has depth - 1 below it. */
void anon_attach(struct vmo *, struct vm_page *table, uint64_t pgoff, unsigned depth);
void anon_unpin_table(struct vm_page *);           /* NULL is allowed */
void anon_prune(struct vmo *, uint64_t pgoff);
void anon_forget_lost(struct vmo *);
int anon_bring(va_t kva) MUST_CHECK;               /* 0, -EINTR */

/*
 * How many tables lie above a word, 0: it is in the header; and how many pages
 * below the same ind come before it.
 */
static inline unsigned
anon_depth_of(uint64_t pgoff, uint64_t *at)
{
	unsigned depth = 1;

	*at = pgoff;
	if (pgoff < ANON_DIRECT)
		return 0;
	*at -= ANON_DIRECT;
	for (; *at >> (9 * depth) != 0; depth++)
		*at -= 1ul << (9 * depth);
	return depth;
}

/* The word of page at in a table that has depth tables from here on. */
static inline unsigned
anon_word_in(uint64_t at, unsigned depth)
{
	return at >> (9 * (depth - 1)) & (MD_PT_WORDS - 1);
}

/* No page is from here on, but while a cut is under way.  [O] */
static inline uint64_t
anon_end(const struct vmo *vmo)
{
	return MAX(PAGE_UP(vmo->size) >> PAGE_SHIFT, vmo->a.keep);
}

static inline va_t
anon_table_kva(uint64_t slot)
{
	return MD_KPAGED_BASE + ((slot >> 1) << PAGE_SHIFT);
}

/* vmoquota.c: pages that a file system may have */
bool quota_take(struct vmo_quota *) MUST_CHECK;
void quota_give(struct vmo_quota *, uint64_t n);

#endif
