/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_amap.h: anons in slots, looked at without what lab 20 writes
 *
 * Offers    an entry whose slots are filled by hand, and claims about slots and
 *           counts.
 * Needs     test/boot/lab/lab.h, vm/design/uvm/uvm.h.
 * Sleeps?   Yes.
 * In interrupts?  No.
 */
#ifndef TEST_BOOT_LAB_AMAP_H
#define TEST_BOOT_LAB_AMAP_H

#include "test/boot/lab/lab.h"
#include "vm/design/uvm/uvm.h"

#define LAB_ANONS 512u

/* Anons of a test, and the page for which each was made. */
extern struct vm_anon *lab_anon[LAB_ANONS];
extern uint64_t lab_at[LAB_ANONS];

/* One mapping of a space of its own. */
struct slots {
	struct aspace *as;
	struct uvm_entry *e;
	uint64_t first; /* vpn, at the beginning of a chunk */
};

/* A mapping of so many pages, and some more; lab_space_end(s.as) ends it. */
struct slots slots_begin(uint64_t pages);
/* The same, and its pages are charged when touched: it may be larger than memory. */
struct slots slots_begin_late(uint64_t pages);
/* Anon i, new, with a page, in the slot of page vpn; late: charged when touched. */
void slot_fill(struct slots *, uint64_t i, uint64_t vpn, bool late);
/* b has a's amap, as behind a late fork. */
void slots_share(struct slots *a, struct slots *b);

/* Claimed: the page has this anon, or none; anons [lo, hi) count so many. */
void slot_is(const struct slots *, uint64_t vpn, const struct vm_anon *);
void refs_are(uint64_t lo, uint64_t hi, uint32_t refs);

#endif
