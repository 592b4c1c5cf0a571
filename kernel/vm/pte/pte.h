/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pte.h: what calls, faults and trimming do to page-table entries
 *
 * For kernel/vm/pte/ and the designs whose private pages live in their PTEs.
 * Such a design fills its vmm_ops with these functions, as far as it has
 * nothing of its own to do.  What a PTE means that a fork has made common to
 * several spaces (FORK, VALID/FORK) the design says: struct shared_ops.
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
enum fault_outcome fault_by_pte(struct fctx *);                  /* ops->fault */
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
/* Rights of the VAD and of this access as bits of a VALID word. */
uint64_t fault_rights(const struct fctx *);
/* A new frame becomes the private page of f's word, which is not VALID now. */
void fault_install(struct fctx *, struct vm_page *);
/* A private page of a mapping that has not paid ahead.  False: over the limit. */
bool fault_charge_touch(struct fctx *);
/* The word is TRANS: map its page.  False: it is not TRANS any more. */
bool fault_map_trans(struct fctx *, struct vm_page **out);

/* trim.c */
size_t pte_evict(struct aspace *, size_t want, int min_age);     /* ops->evict */
/* Trim the VALID words of [lo, hi) vpn, LOCKED ones excepted. [W] not held. */
size_t pte_trim_range(struct aspace *, uint64_t lo, uint64_t hi);

/* protect.c */
int pte_protect(struct aspace *, struct vad *, uint8_t prot);    /* ops->protect */

/* discard.c */
int pte_advise(struct aspace *, struct vad *, uint64_t lo, uint64_t hi,
    int advice);                                                 /* ops->advise */

/* zap.c */
void pte_detach(struct aspace *, struct vad *);                  /* ops->detach */
void pte_drop_soft(const struct pte_ref *);    /* TRANS, BUSY, SWAP, ERROR; [W] */
void pte_discard(struct aspace *, const struct vad *, uint64_t lo, uint64_t hi);
int pte_zap(struct aspace *, struct vm_maplink *, uint64_t lo, uint64_t hi,
    struct zap_job *);                                           /* ops->zap */
void pte_as_fini(struct aspace *);                               /* ops->as_fini */

/* swapped.c */
int pte_swapped(struct aspace *, struct swap_walk *);            /* ops->swapped */

/* move.c */
int pte_move(struct aspace *, struct vad *from, struct vad *to, uint64_t n);

/* pte_fork.c */
va_t pte_limit(const struct vad *);            /* where its object ends (R7) */
/* One fork under way; on the stack of ops->dup: [own] */
struct pte_fork {
	struct aspace *parent, *child;
	struct vad vad;              /* [M] of the parent, being forked: a copy */
	struct vad *next;            /* [M] of the parent; vad is a copy of the one before */
	bool given;                  /* the child has a word of vad */
	uint64_t charge;             /* pages charged that have no owner yet */
	struct pt_hold ptables;      /* of the parent's words */
	struct pt_hold ctables;      /* of the child's */
	struct pt_iter at;           /* [W] the parent's table */
	struct vm_page *cleaf;       /* [W] the child's table; NULL: not looked for */
	va_t va;                     /* where the loop stopped, */
	struct want want;            /* for want of this */
};

int fork_vads(struct pte_fork *) MUST_CHECK;              /* 0, -ENOMEM */
/* And the charge of all that the child will have; late: pages that the parent has
 * paid for when they were touched.  0, -ENOMEM: f->charge is 0. */
int fork_vads_paid(struct pte_fork *, uint64_t late) MUST_CHECK;
bool fork_next_vad(struct pte_fork *);                    /* f->vad; false: none is left */
/* Both ws_locks, and f->at is at a leaf table of the parent; false: at none. */
bool fork_lock_table(struct pte_fork *, va_t va, va_t end,
    struct pte_ref *) MUST_CHECK;
va_t fork_unlock_table(struct pte_fork *);                /* where to go on */
/* The parent's next word that is not ABSENT; false: the table has no more. */
static inline bool
fork_meet(struct pte_fork *f, struct pte_ref *s)
{
	s->word = pt_iter_word(&f->at, s->word);
	s->va = f->at.va;
	return s->word != NULL;
}
/* It has been dealt with. */
static inline void
fork_met(struct pte_fork *f, struct pte_ref *s)
{
	s->word++;
	f->at.va += PAGE_SIZE;
	f->at.left--;
}
struct vm_page *fork_child_leaf(struct pte_fork *, va_t); /* NULL: f->want */
/* The word of the child at s: a copy of the page; of the word.  False: f->want. */
bool fork_copy_page(struct pte_fork *, const struct pte_ref *s, struct vm_page *);
bool fork_copy_error(struct pte_fork *, const struct pte_ref *s);
void fork_child_late(struct pte_fork *, uint64_t n);
int fork_wait(struct pte_fork *) MUST_CHECK;              /* 0, -EINTR, -EIO */
void fork_end(struct pte_fork *);

#endif
