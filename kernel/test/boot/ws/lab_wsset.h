/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_wsset.h: a working set, looked at without what lab 07 writes
 *
 * Offers    a space that nobody ages or trims, pages of it used and unused by
 *           hand, ring and counts compared with the words.
 * Needs     test/boot/fork/lab_family.h.
 * Sleeps?   Yes.
 * In interrupts?  No.
 */
#ifndef TEST_BOOT_LAB_WSSET_H
#define TEST_BOOT_LAB_WSSET_H

#include "test/boot/fork/lab_family.h"

/* Pages of a new space that bsm does not see; and its end. */
struct pages wset_begin(uint64_t n);
void wset_end(const struct pages *);
/* bsm sees it again, or not. */
void wset_show(const struct pages *);
void wset_hide(const struct pages *);

/* The leaf table of an address and its word; NULL: there is no table. */
uint64_t *wset_word(struct aspace *, va_t, struct vm_page **leaf);
bool wset_is_in(const struct pages *, uint64_t i);
/* Bits of the VALID word of page i, cleared and set as the CPU would. */
void wset_change(const struct pages *, uint64_t i, uint64_t off, uint64_t on);
/* Page i is stored to by a program: true: it was not mapped, a fault. */
bool wset_use(const struct pages *, uint64_t i);
/* Pages [lo, hi) are mapped and stored to; then nobody has used any of them. */
void wset_fill(const struct pages *, uint64_t lo, uint64_t hi);
void wset_unused(const struct pages *);
/* All have been written and are on standby, however long the disk takes. */
void wset_standby(const struct pages *);
/* A trim, and an age pass. */
size_t wset_evict(const struct pages *, size_t want, int min_age);
void wset_age(const struct pages *);

/* How far along the ring a table is from the first one: 0 …; -1: not there. */
int wset_place(struct aspace *, const struct vm_page *leaf);
/* Claimed: the ring has n tables, each once, both ways, and the hand stands on it. */
bool wset_ring(struct aspace *, uint64_t n);
/* Claimed: counts and ring agree with the words of the pages. */
void wset_books(const struct pages *, const char *when);

#endif
