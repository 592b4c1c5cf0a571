/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pte.h: operations of calls, faults and trimming on page-table entries
 */
#ifndef VM_PTE_PTE_H
#define VM_PTE_PTE_H

#include "vm/design/design.h"
#include "vm/fault/fault.h"
#include "vm/map/map.h"
#include "vm/table/table.h"
#include "vm/ws/ws.h"

/* A PTE of a leaf table, and where it stands: [own]. */
struct pte_ref {
	struct aspace *as;
	va_t va;
	struct vm_page *leaf;
	uint64_t *word;
};

/* fault.c: classifies, one handler per case */
enum fault_case {
	FC_F0, FC_F1, FC_F1Z, FC_F2, FC_F3, FC_F4, FC_F5, FC_F6, FC_F7, FC_F8,
	FC_F9, FC_F10, FC_F11, FC_UPGRADE
};
enum fault_outcome fault_by_pte(struct fctx *);                  /* school->fault */
enum fault_case fault_classify(const struct fctx *, uint64_t word);
enum fault_outcome f0_spurious(struct fctx *);
enum fault_outcome f1_zero_fill(struct fctx *);
enum fault_outcome f1z_zero_page(struct fctx *);
enum fault_outcome f2_map_file(struct fctx *);
enum fault_outcome f3_private_copy(struct fctx *);
enum fault_outcome f5_swap_in(struct fctx *);
enum fault_outcome f6_wait_busy(struct fctx *);
enum fault_outcome f7_rescue(struct fctx *);
enum fault_outcome f9_map_aobj(struct fctx *);
enum fault_outcome f11_error(struct fctx *);
enum fault_outcome f_upgrade(struct fctx *);
uint64_t fault_rights(const struct fctx *);
void fault_install(struct fctx *, struct vm_page *);
bool fault_charge_touch(struct fctx *);                   /* false: over the limit */
bool fault_map_trans(struct fctx *, struct vm_page **out);

/* trim.c */
int pte_protect(struct aspace *, struct vad *, uint8_t prot);    /* school->protect */
size_t pte_evict(struct aspace *, size_t want, int min_age);     /* school->evict */
size_t pte_trim_range(struct aspace *, uint64_t lo, uint64_t hi); /* takes [W] */

/* discard.c */
int pte_advise(struct aspace *, struct vad *, uint64_t lo, uint64_t hi,
    int advice);                                                 /* school->advise */
int pte_swapped(struct aspace *, struct swap_walk *);            /* school->swapped */

/* words.c */
int pte_walk(struct aspace *, uint64_t lo, uint64_t hi, vm_walk_fn *, void *);

/* zap.c */
void pte_detach(struct aspace *, struct vad *);                  /* school->detach */
void pte_drop_soft(const struct pte_ref *);    /* TRANS, BUSY, SWAP, ERROR; [W] */
void pte_discard(struct aspace *, const struct vad *, uint64_t lo, uint64_t hi);
int pte_zap(struct aspace *, struct vm_maplink *, uint64_t lo, uint64_t hi,
    struct zap_job *);                                           /* school->zap */
void pte_as_fini(struct aspace *);                               /* school->as_fini */

/* move.c */
int pte_move(struct aspace *, struct vad *from, struct vad *to, uint64_t n); /* school->move */

/* Where the object of a VAD, or of its copy, ends, as an address (R7).  [M]; [W] of the
 * space whose words are about to be made. */
static inline va_t
pte_limit(const struct vad *v)
{
	uint64_t size, off = v->off << PAGE_SHIFT;

	if (v->vmo == NULL)
		return MD_USER_END;
	size = PAGE_UP(atomic_load(&v->vmo->size));
	return size <= off ? 0 : (v->start << PAGE_SHIFT) + size - off;
}

#endif
