/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kpaged.h: kernel memory that can be paged: ranges of it, and pins
 *
 * Sleeps?   kpaged_pin(), want_get(); the others at most for the kernel [W].
 */
#ifndef VM_KPAGED_KPAGED_H
#define VM_KPAGED_KPAGED_H

#include "vm/want/want.h"

/* kpaged.c: rank 6 lock inside */
/* By direct map; the page is pinned. */
static inline void *
kpaged_ptr(struct vm_page *pg, va_t kva)
{
	ASSERT(atomic_load_relaxed(&pg->pins) > 0);
	return (char *)pa2va(page_pa(pg)) + (kva & PAGE_MASK);
}
/* It could not be read, and its container has not been told yet: its words are zero. */
static inline bool
page_hides_loss(const struct vm_page *pg)
{
	return (atomic_load_relaxed(&pg->flags) & (PF_ERROR | PF_CONTAINER)) ==
	    PF_ERROR;
}
/* Values in such a container then: an upper word of an anonymous object (not in nused),
 * the references of an entry. */
#define AOBJ_LOST 1ul
#define FMO_REFS_LOST (1ul << 30)
/* Resident and pinned now; NULL: use kpaged_pin with no lock of rank >= 3. */
struct vm_page *kpaged_trypin(va_t);
const void *kpaged_peek(va_t);                           /* its bytes, to read in this hold of [P]; NULL: out */
int kpaged_pin(va_t, struct vm_page **out) MUST_CHECK;   /* 0, -EINTR; may sleep */
/* Not [P]. */
static inline void
kpaged_unpin(struct vm_page *pg)
{
	page_unpin(pg);
}
int kpaged_want(struct want *, va_t);                    /* a pass lacks it: -EAGAIN */
bool kpaged_hold_mapped(va_t);                           /* true: here, and mapped */
void kpaged_decommit(va_t, size_t pages);                /* frames back; no rank >= 6 */
bool kpaged_is_resident(va_t);                           /* a hint without locks */
bool kpaged_is_out(va_t);                                /* on swap, or lost there: a hint */
enum container_kind { KIND_FMO, KIND_AOBJ, KIND_AOBJ_UPPER };
bool container_attach(struct vm_page *, enum container_kind, unsigned words);
/* what of it leaves memory */
size_t kpaged_trim(void);                                /* unused pages to a queue */
bool kpaged_rest(const uint64_t *word);                  /* a container, if it is idle */
int kpaged_swapped(struct swap_walk *);                  /* words SWAP and TRANS */
uint64_t *kpaged_next_word(va_t *kva, va_t end);        /* that is not 0; NULL */

/* kpaged_va.c: ranges */
void kpaged_init(void);
/* Range of kernel paged memory, demand-zero, not charged.  0: no range/FI_KPAGED. */
va_t kpaged_alloc(size_t pages);
void kpaged_free(va_t, size_t pages);                    /* no rank >= 3 held */
extern va_t kpaged_top;                                  /* end of what was ever used */
static inline bool
kpaged_has(va_t va)                                      /* is it an address of the region? */
{
	return va - MD_KPAGED_BASE < MD_KPAGED_SIZE;
}
bool kpaged_va_is_free(va_t);
bool kpaged_va_is_used(va_t);                            /* the same while all runs; no rank >= 3 */

#endif
