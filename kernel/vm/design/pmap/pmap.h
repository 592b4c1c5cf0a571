/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pmap.h: page tables as a cache, and where each page is mapped
 *
 * For designs whose pages live in records (school->is_cache).  A word of their tables
 * is 0 or VALID; SRC says whose page it maps, OBJ that of an object, FORK that of a
 * record.
 */
#ifndef VM_DESIGN_PMAP_PMAP_H
#define VM_DESIGN_PMAP_PMAP_H

#include "vm/design/design.h"
#include "vm/space/space.h"
#include "vm/table/table.h"
#include "vm/want/want.h"

/* One mapping of a page. */
struct vm_pv {
	struct vm_pv *next;    /* [P] of the same frames */
	struct vm_pv **at;     /* [P] what points here, of those */
	struct vm_pv *of_words; /* [P] the next of the same spaces and addresses */
	struct vm_page *page;  /* [P] */
	struct aspace *as;     /* [P] */
	va_t va;               /* [P] */
};

/* pv.c */
extern struct kmem_cache pv_cache;                     /* for kmem_cache_feed() */
void *pv_buckets(uint64_t *n);                         /* by design->init: lists by frame */
void pv_init(void);                                    /* by design->init, once */
struct vm_pv *pv_new(void);                            /* NULL: no memory */
void pv_free(struct vm_pv *);                          /* unused, or taken out */
void pv_add(struct vm_page *, struct vm_pv *, struct aspace *, va_t);  /* [P] */
struct vm_pv *pv_first(const struct vm_page *);        /* [P] of the page; NULL */
struct vm_pv *pv_next(const struct vm_pv *);           /* [P] of the same page; NULL */
void pv_left(struct aspace *, va_t, uint64_t old);      /* shared->left of who keeps pvs */
static inline bool
pv_are_kept(const struct aspace *as)
{
	return as->design->shared->left == pv_left;
}

/* pmap.c: page tables, a cache of what entries, amaps and objects say.  [W] */
enum pmap_which { PMAP_ALL, PMAP_OBJECT, PMAP_UNLOCKED };
void pmap_enter_locked(struct fctx *, struct vm_page *, enum pte_src, uint64_t bits,
    struct vm_pv *);                                   /* [P]: f->word, which is 0, maps it */
void pmap_remove_word(struct fctx *);                  /* f->word, flushed; its table stays */
size_t pmap_remove(struct aspace *, uint64_t lo, uint64_t hi, enum pmap_which);
void pmap_trim_range(struct aspace *, uint64_t lo, uint64_t hi); /* takes [W] */
size_t pmap_remove_unused(struct pt_iter *, size_t want, bool *spared);
bool pmap_take_word(struct aspace *, va_t, const struct vm_page *); /* to the open batch */
void pmap_change(struct aspace *, uint64_t lo, uint64_t hi, uint64_t clear,
    uint64_t set);                                     /* rights of VALID words; not flushed */

/* pmapfault.c: [M], [W] */
typedef enum fault_outcome pmap_resolve_fn(struct fctx *, void *entry);
enum fault_outcome pmap_no_memory(struct fctx *, struct kmem_cache *); /* for a record */
void pmap_came_to(struct fctx *, uint64_t vpn);        /* before that: it has got further */
bool pmap_may_feed(void);                              /* kmem_cache_feed() */
/* rights: fault_rights(). */
uint64_t pmap_rights(const struct fctx *, uint64_t rights);
enum fault_outcome pmap_find_in_object(struct fctx *, struct vm_page **out); /* pinned */
enum fault_outcome pmap_object_page(struct fctx *, uint64_t rights);
enum fault_outcome pmap_zero_page(struct fctx *, uint64_t rights); /* a read of nothing */
bool pmap_map_record(struct fctx *, struct vm_page *pinned, uint64_t rights);
bool pmap_is_overdrawn(const struct fctx *);           /* more is promised than can be kept */

/* record.c: the word in a record that owns its page */
void pmap_rec_adopt_locked(uint64_t *word, enum page_home, struct vm_page *); /* [P] */
struct vm_page *pmap_rec_pin(uint64_t *word);          /* NULL: it is not in memory */
bool pmap_rec_is_pinned(const uint64_t *word);         /* somebody fills or reads its page */
void pmap_rec_end(uint64_t *word);                     /* its page or its slot goes */
enum fault_outcome pmap_rec_bring(struct fctx *, const struct swap_words *);

/* pagedaemon.c */
size_t pmap_evict(struct aspace *, size_t want, int min_age);
size_t pmap_evict_any(size_t want, int min_age);

#endif
