/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * calls.h: what the system calls on memory share
 *
 * A caller through vm.h holds no lock of rank >= 2, and may sleep.
 */
#ifndef VM_CALLS_CALLS_H
#define VM_CALLS_CALLS_H

#include "vm/design/designs.h"
#include "vm/fault/fault.h"
#include "vm/map/map.h"

/* as.c */
void as_init(void);                                      /* once, by vm_init() */

/* ======== within the room ======== */

/* map.c */
#define STACK_SPACE (144ul << 20) /* bytes: the least room for a stack, and its guard */
int map_range(va_t va, uint64_t len, uint64_t *lo, uint64_t *hi);
/* The VADs that a call has removed; map_end() frees them. */
struct map_removed {
	struct vad_list vads;      /* [own] */
	uint64_t freed;            /* [own] pages of commit */
};
int map_detach(struct aspace *, uint64_t lo, uint64_t hi, struct map_removed *) MUST_CHECK;
void map_attach(struct aspace *, struct vad *);
int map_place(struct aspace *, uint64_t hint, uint64_t pages, uint64_t *vpn) MUST_CHECK;
bool map_fits(struct aspace *, const struct map_limits *, const struct vad *, uint64_t more);
bool map_is_free(struct aspace *, uint64_t lo, uint64_t hi);  /* guard gaps kept too */
void map_end(struct aspace *, struct map_removed *);      /* drops [M]; NULL: nothing went */
/* prot, and the right to run with that to read, if the space is such and max has it. */
static inline uint8_t
map_rights(const struct aspace *as, uint8_t prot, uint8_t max)
{
	return atomic_load(&as->map.runs) && (prot & PROT_R) != 0 ?
	    prot | (max & PROT_X) : prot;
}

/* mlock.c */
void map_populate(struct aspace *, va_t, va_t end, uint32_t flags);

#endif
