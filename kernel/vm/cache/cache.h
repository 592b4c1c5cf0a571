/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cache.h: pages of files
 */
#ifndef VM_CACHE_CACHE_H
#define VM_CACHE_CACHE_H

#include "vm/object/object.h"

/* pagecache.c: pages of files */
#define CACHE_WINDOW AHEAD_FILE     /* pages: the longest read ahead */
#define CACHE_CLUSTER 16     /* pages: the longest write */
extern _Atomic uint64_t cache_pages;                     /* [A] of all files */
struct vm_page *cache_next(struct vmo *, uint64_t idx);  /* [O]: first at or after; NULL */

/* Page idx, in whatever state, or NULL.  [O]. */
static inline struct vm_page *
cache_lookup(struct vmo *vmo, uint64_t idx)
{
	struct vm_page *pg = cache_next(vmo, idx);

	return pg != NULL && pg->index == idx ? pg : NULL;
}

enum cache_use { CACHE_HOLD, CACHE_TOUCH }; /* by a call; by a fault, which may rescue */
int cache_look(struct vmo *, uint64_t idx, enum cache_use, struct vm_page **out) MUST_CHECK;
enum cache_want { CACHE_FIND, CACHE_READ };
int cache_get(struct vmo *, uint64_t idx, enum cache_want, struct vm_page **out) MUST_CHECK;
int cache_readahead(struct vmo *, uint64_t idx, unsigned n, struct vm_page **first) MUST_CHECK;
int cache_window(struct vmo *, uint64_t idx);            /* how far to read at a miss */
bool cache_begin_insert(struct vmo *, uint64_t idx, struct vm_page *);
void cache_end_insert(struct vmo *, struct vm_page *, int r);
void cache_truncate(struct vmo *, uint64_t lo, uint64_t hi);

/* Which of the n pages from idx on are in memory, and not being read?  pages[i]: that
 * page, or NULL.  [O], [P]: held until the caller has mapped or pinned them. */
void cache_at_hand(struct vmo *, uint64_t idx, unsigned n, struct vm_page **pages);
/* The same for an object of either type, up to its size. */
static inline void
vmo_at_hand(struct vmo *vmo, uint64_t idx, unsigned n, struct vm_page **pages)
{
	uint64_t end = PAGE_UP(vmo->size) >> PAGE_SHIFT;

	for (; n > 0 && idx + n > end; n--)
		pages[n - 1] = NULL;
	if (vmo->type == VMO_AOBJ)
		anon_at_hand(vmo, idx, n, pages);
	else
		cache_at_hand(vmo, idx, n, pages);
}

/* cachefile.c: files as objects */
void cache_init(void);
bool cache_is_resident(struct vmo *, uint64_t idx);       /* and not just being read */
int cache_read(struct vmo *, uint64_t idx, int n, struct vm_page **out) MUST_CHECK;
void cache_clean_links(struct vmo *, uint64_t lo, uint64_t hi); /* mappings lose W, D */
void cache_flush_old(uint64_t older_than_ns);            /* written: files dirty so long */

/* fileend.c */
int cache_cut_begin(struct vmo *, uint64_t bytes, struct vm_page **tail) MUST_CHECK;
void cache_cut_end(struct vmo *, uint64_t bytes, struct vm_page *tail);
int cache_zero_part(struct vmo *, uint64_t off, size_t n) MUST_CHECK;
bool cache_grown_locked(struct vmo *, uint64_t old);     /* [O] */
bool cache_has_place(const struct vmo *, uint64_t idx, const struct vm_page *);
int cache_extend(struct vmo *, uint64_t idx, struct vm_page *, uint64_t *seq) MUST_CHECK;
int cache_hole_begin(struct vmo *, uint64_t lo, uint64_t hi) MUST_CHECK;
int cache_hole_end(struct vmo *) MUST_CHECK;             /* frees the blocks */

/* ======== within the room ======== */

/* pagecache.c: pages of files */
int cache_collect_dirty(struct vmo *, uint64_t *idx, uint64_t hi, struct vm_page **out);
int cache_writeback(struct vmo *, uint64_t idx, struct vm_page **, int n) MUST_CHECK;
void cache_erase(struct vmo *, struct vm_page *);         /* [O]: out of the tree */

/* cachefile.c: the pager reads, or writes, n adjacent pages; 0 or its error. */
int cache_in(struct vmo *, uint64_t idx, struct vm_page **, unsigned n) MUST_CHECK;
int cache_out(struct vmo *, uint64_t idx, struct vm_page **, unsigned n) MUST_CHECK;

/* fileend.c */
int cache_hole_wait(struct vmo *, uint64_t lo, uint64_t hi) MUST_CHECK;

#endif
