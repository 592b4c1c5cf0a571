/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * swapfn.h: what swap.c and swapio.c share, and nobody else
 */
#ifndef VM_SWAPFN_H
#define VM_SWAPFN_H

#include "vm/vm.h"
#include "vm/vmdat.h"
#include "vm/vmfn.h"

struct swap_state {
	struct spinlock lock;                /* [S] */
	struct swap_area *area[SWAP_AREAS];  /* [S] by number */
	_Atomic uint64_t slots;              /* [S] to change: that may hold pages */
	_Atomic uint64_t used;               /* [S] to change: that do */
	_Atomic uint64_t room;               /* [S] to change: may be allocated now */
	_Atomic uint64_t bad;                /* [S] to change: retired and listed bad */
	unsigned turn;                       /* [S] area that is asked first */
	_Atomic uint64_t idle;               /* [S] to change: bios of all areas */
	struct waitq bios;                   /* sleepers for a bio */
	_Atomic bool frozen;                 /* [P] to change */
	unsigned window;                     /* [P] pages of the next read */
	unsigned hits, misses;               /* [P] of pages read ahead */
};

extern struct swap_state swaps;

struct swap_area *swap_area_of(slot_t);          /* [S] */
struct swap_area *swap_area_to_fill(void);       /* [S]; NULL: no free slot */
/* Slots from index i on that lie side by side on the device. */
uint32_t swap_side_by_side(const struct swap_area *, uint32_t i);

/* An idle bio for adjacent slots from this one on; NULL: all are under way. */
struct swap_bio *swap_bio_take(slot_t, enum bio_dir);
bool swap_bio_is_idle(void);                     /* perhaps there is one */
void swap_bio_add(struct swap_bio *, struct vm_page *);
void swap_bio_start(struct swap_bio *);          /* pages [at, at + len) */
void swap_bio_give(struct swap_bio *);           /* it has ended */
void swap_done(struct bio *);                    /* swap.c */

#endif
