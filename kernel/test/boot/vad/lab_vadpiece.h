/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_vadpiece.h: VADs with objects, put and taken away by hand
 *
 * Offers    what the tests of steps 3, 4 and 5 of lab 01 share.
 * Needs     vm/, lab.h; map_lock for writing.
 * Sleeps?   Yes.
 * In interrupts?  No.
 */
#ifndef TEST_BOOT_LAB_VADPIECE_H
#define TEST_BOOT_LAB_VADPIECE_H

#include "test/boot/lab/lab.h"

#define LOW 0x2000ul /* the first page of the tests */
#define R PROT_R
#define RW (PROT_R | PROT_W)
#define RWX (PROT_R | PROT_W | PROT_X)

/* Leaf tables that a vpn range needs. */
static inline uint64_t
piece_tables(uint64_t lo, uint64_t hi)
{
	return (hi - 1) / MD_PT_WORDS - lo / MD_PT_WORDS + 1;
}
struct vmo *piece_object(uint64_t pages);
unsigned piece_refs(struct vmo *);
/* VADs that are alive, in trees or not. */
uint64_t piece_vads_alive(void);
/* A VAD in the tree, listed in its object, if it has one: then shared. */
struct vad *piece_put(struct aspace *, struct vmo *, uint64_t lo, uint64_t hi,
    uint64_t off, uint8_t prot, uint8_t maxprot);
/* What vad_remove_range() handed back goes; all that is mapped goes. */
void piece_drop(struct vad_list *list);
void piece_clear(struct aspace *);
/* A claim: the link says what the VAD says, and stands in the object's list. */
void piece_link_fits(const struct vad *);

#endif
