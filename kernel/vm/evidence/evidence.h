/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * evidence.h: checks, leaks, forced pressure
 */
#ifndef VM_EVIDENCE_EVIDENCE_H
#define VM_EVIDENCE_EVIDENCE_H

#include "vm/design/design.h"
#include "vm/evidence/stat.h"
#include "vm/evidence/report.h"
#include "vm/swap/swap.h"

/* force.c: FI_TRIM, FI_TABLE, FI_EVICT_ENTRY, FI_RECLAIM */
void force_init(void);
enum force_what { FORCE_ENTRIES, FORCE_VADS_TOO };
void force_out_kpaged(enum force_what);                   /* all that may go, to swap */

/* stat_designs.c */
void stat_init(void);                                    /* gauges that are sums */

/* check.c: the walk of the invariants */
void check_init(void);

/* check_anon.c */
int check_anon(struct vmo *, struct vm_report *);        /* check_anon.c */

/* check_kpaged.c */
int check_kpaged(struct vm_report *);

/* check_maps.c */
int check_vad_tree(struct aspace *, struct vm_report *);

/* ======== within the room ======== */

/* The parent's word of a table on swap: no other soft word has these bits, since such a
 * table has words. */
static inline bool
pte_is_table_out(uint64_t w)
{
	return (w & MD_PTE_P) == 0 && (w & PTE_TABLE_USED_MASK) != 0;
}

/* check.c: the walk of the invariants */
void vm_check_fault(void);                               /* check=N: after each N-th fault */
/* A report text under construction; vm_check and vm_leak_end one at a time. */
void report_open(struct vm_report *, int level);
unsigned report_close(struct vm_report *, const char *what);

/* freeze.c */
void freeze_spaces(void);      /* vm_check: map_lock and ws_lock of every space */
void thaw_spaces(void);
void freeze_swap(void);        /* nothing is read, written or reclaimed, and all has ended */
void thaw_swap(void);

/* check_cache.c */
int check_cache(struct vmo *, struct vm_report *);       /* [O] */

/* check_kpaged.c */
void check_bring_kpaged(void);                             /* check_kpaged.c */

/* check_swap.c */
void check_swap(struct vm_report *);

/* check_words.c */
void check_words(struct aspace *, struct vm_report *);

/* stat_resident.c */
void stat_resident(struct aspace *, struct vm_as_stat *);   /* [M], [W] */

/* stat_words.c: [W]; the tables of va that exist are in use, and held.  0, -EAGAIN. */
int stat_hold_va(struct aspace *, va_t, struct pt_hold *, struct want *) MUST_CHECK;

#endif
