/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_swappages.h: pages and their slots, looked at without the learner's file
 *
 * Offers    pages sent out, words, slots, what stands on the disk.
 * Needs     test/boot/fork/lab_family.h, the swap disk in memory.
 * Sleeps?   Yes.
 * In interrupts?  No.
 */
#ifndef TEST_BOOT_LAB_SWAPPAGES_H
#define TEST_BOOT_LAB_SWAPPAGES_H

#include "test/boot/fork/lab_family.h"

/* Pages written, trimmed, and their writes begun; waits until enough is out. */
void swp_write_all(const struct pages *);
/* Trim and push until no page is in memory; false: that is not to be had. */
bool swp_out(const struct pages *);
/*
 * Trim and push once; wait, half a second at most, until all that can be written is,
 * but for `held` requests that FI_IO_DELAY keeps.
 */
void swp_push(const struct pages *, uint64_t held);
/* Until no write is under way, a second at most.  False: it is for ever. */
bool swp_settle(void);
/* Faults on SWP_OTHER fresh pages elsewhere: what FI_IO_DELAY holds back ends. */
#define SWP_OTHER 8u
void swp_let_go(const struct pages *other);
/* Until no request is under way, for a while. */
void swp_read_all(void);

/* The frame of page i; NULL: its word names none. */
struct vm_page *swp_frame(const struct pages *, uint64_t i);
/* The slot of page i, wherever it is; 0: it has none. */
slot_t swp_slot(const struct pages *, uint64_t i);
/* Its bit in the map of the area. */
bool swp_is_used(slot_t);
/* The disk has the tag of page i in this slot, from its first bytes to its last. */
bool swp_on_disk(const struct pages *, uint64_t i, slot_t);
/* Slots in use; those that were never to be used again. */
uint64_t swp_used(void);
uint64_t swp_bad(void);
/* Page i is unmapped by the program. */
void swp_unmap(const struct pages *, uint64_t i);
/* Page i gets another tag; claimed: the store arrived. */
void swp_store(const struct pages *, uint64_t i, uint64_t value);
/* POINT:FIRST:1:COUNT */
void swp_inject(const char *point, uint64_t first, uint64_t count);
void swp_inject_off(void);

/* A thread that reads page i; swp_reader_ends() waits for it: 0, -EFAULT. */
void swp_reader(const struct pages *, uint64_t i);
int swp_reader_ends(void);
/* Until the word of page i is no longer of this kind, a moment at most. */
void swp_while(const struct pages *, uint64_t i, enum pte_kind);

#endif
