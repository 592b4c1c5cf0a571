/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * forks.h: one fork under way, and the common part of the forks of all designs
 */
#ifndef VM_PTE_FORKS_H
#define VM_PTE_FORKS_H

#include "vm/pte/pte.h"

/* One fork under way; on the stack of design->dup: [own] */
struct pte_fork {
	struct aspace *parent, *child;
	struct vad vad;              /* [M] of the parent, being forked: a copy */
	struct vad *next;            /* [M] of the parent; vad is a copy of the one before */
	struct vad *twin;            /* [M] of the child: that of vad, or of one before; NULL */
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
int fork_vads_paid(struct pte_fork *, uint64_t late) MUST_CHECK;
bool fork_next_vad(struct pte_fork *);                    /* f->vad; false: none is left */
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
/* That word is done. */
static inline void
fork_met(struct pte_fork *f, struct pte_ref *s)
{
	s->word++;
	f->at.va += PAGE_SIZE;
	f->at.left--;
}
struct vm_page *fork_child_leaf(struct pte_fork *, va_t); /* NULL: f->want */
bool fork_copy_page(struct pte_fork *, const struct pte_ref *s, struct vm_page *);
bool fork_copy_error(struct pte_fork *, const struct pte_ref *s);
/* The child got n pages that are not charged with its mapping: they take their charge
 * from the part that was charged for the parent's late pages.  Both ws_locks. */
static inline void
fork_child_late(struct pte_fork *f, uint64_t n)
{
	if ((f->vad.flags & VAD_CHARGED) != 0)
		return;
	ASSERT(f->charge >= n);
	f->charge -= n;
	f->child->commit.late += n;
}
int fork_wait(struct pte_fork *) MUST_CHECK;              /* 0, -EINTR, -EIO */
void fork_end(struct pte_fork *);

#endif
