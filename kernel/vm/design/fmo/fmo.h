/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fmo.h: forked memory objects, the main design (seed 000; vmm.md 2.6, 4.6, 4.9)
 *
 * Private for kernel/vm/design/fmo/.
 *
 * Typical life of an entry: a fork makes it with two references; a write of
 * one side copies and drops one (F4); the last side takes the page back
 * (fmo_try_steal); at refs 0 the entry is dead.
 */
#ifndef VM_DESIGN_FMO_FMO_H
#define VM_DESIGN_FMO_FMO_H

#include "vm/vmfn.h"

struct fmo_entry {             /* 16 B, kpaged, 256 per page */
	uint64_t word;         /* TRANS | BUSY | SWAP | ERROR | 0 dead.  [F], and [P] for TRANS/BUSY */
	uint32_t refs;         /* [F] words in all processes that refer to it */
	uint32_t tag;          /* [c] low 32 bits of vpn at creation */
};

#define FMO_PER_PAGE (PAGE_SIZE / sizeof(struct fmo_entry))

struct fmo {
	uint64_t base;         /* [c] entry index of entry 0 */
	uint32_t n;            /* [c] entries in use, <= 256 * npages */
	uint32_t npages;       /* [c] kpaged pages */
	struct spinlock lock;  /* [F], rank 7 */
	uint32_t live;         /* [F] entries with refs > 0 */
	uint64_t nrefs;        /* [F] sum of refs */
	_Atomic uint32_t procs; /* [A] fmo_refs; freed at 0 */
	uint32_t gen;          /* [c] number of the fork that made it */
	struct list_node all;  /* fmo list lock */
};

_Static_assert(sizeof(struct fmo) == 64, "vmm.md 2.6");
_Static_assert(sizeof(struct fmo_entry) == 16, "vmm.md 2.6");

struct fmo_ref {
	struct rb_node rb;     /* [W] as->fmo_refs by fmo->base */
	struct fmo *fmo;       /* [c] */
	uint64_t nptes;        /* [W] this process's words into fmo; dropped AT 0 */
};

/* The road of a fault: fault.c classifies, one handler per case. */
enum fault_outcome fmo_fault(struct fctx *);
enum fault_case fmo_classify(const struct fctx *, uint64_t word);
enum fault_outcome f0_spurious(struct fctx *);
enum fault_outcome f1_zero_fill(struct fctx *);
enum fault_outcome f1z_zero_page(struct fctx *);
enum fault_outcome f2_map_file(struct fctx *);
enum fault_outcome f3_private_copy(struct fctx *);
enum fault_outcome f4_break_fork(struct fctx *);
enum fault_outcome f5_swap_in(struct fctx *);
enum fault_outcome f6_wait_busy(struct fctx *);
enum fault_outcome f7_rescue(struct fctx *);
enum fault_outcome f8_fork_map(struct fctx *);
enum fault_outcome f9_map_aobj(struct fctx *);
enum fault_outcome f11_error(struct fctx *);
enum fault_outcome f_upgrade(struct fctx *);

/* fork.c */
uint64_t fork_word(uint64_t index);            /* FORK word of an entry index */
uint64_t fork_index(uint64_t word);
/* Where is the entry of a FORK or VALID/FORK word?  Its kernel address. */
va_t fork_entry(uint64_t word);
int fmo_dup(struct aspace *parent, struct aspace *child);

/* fmo.c */
struct fmo *fmo_create(uint64_t max_entries);  /* header and kpaged range; NULL */
void fmo_destroy(struct fmo *);                /* nobody refers to it; no rank >= 3 */
struct fmo_ref *fmo_find_ref(struct aspace *, uint64_t index);  /* [W]; NULL: none */
void fmo_reref(struct fmo_ref *child, struct fmo_entry *);      /* one more word */
/* Drop one reference; page pinned; may leave dead objects on the reap list. */
void fmo_deref(struct aspace *, uint64_t index, struct fmo_entry *, struct vm_page *container);
/* Last owner takes page or slot: word's new value in *out. False: not alone, pinned, busy. */
enum steal_where { STEAL_WRITE = 1, STEAL_READ, STEAL_TRIM, STEAL_FORK };
bool fmo_try_steal(struct aspace *, uint64_t *word, struct vm_page *leaf,
    uint64_t index, enum steal_where);
void fmo_drop_range(struct aspace *, uint64_t lo, uint64_t hi); /* FORK words of munmap */
void fmo_reap(void);                           /* free dead objects; no rank >= 3 held */
void fmo_walk(void (*fn)(struct fmo *, void *), void *arg);

/* evict.c, zap.c, move.c, check.c */
size_t fmo_evict(struct aspace *, size_t want, int min_age);
int fmo_check(struct aspace *, struct vm_report *);

#endif
