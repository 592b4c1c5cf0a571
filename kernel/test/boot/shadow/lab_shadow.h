/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_shadow.h: chains made by hand, looked at without what lab 21 writes
 *
 * Offers    objects of some pages each, one behind the other, and what a top of them
 *           sees by plain arithmetic.
 * Needs     test/boot/lab/lab.h, vm/design/shadow/shadow.h.
 * Sleeps?   Yes.
 * In interrupts?  No.
 */
#ifndef TEST_BOOT_LAB_SHADOW_H
#define TEST_BOOT_LAB_SHADOW_H

#include "test/boot/lab/lab.h"
#include "vm/design/shadow/shadow.h"

#define LAB_LEVELS 8u
#define LAB_SPAN 320u

/* An object as the test knows it: page k of it is index base + k. */
struct level {
	struct sh_object *o;
	uint64_t base;
	uint64_t lo, hi;                /* of the next level's it sees these k */
	struct sh_page *at[LAB_SPAN];   /* NULL: none */
};

/* level[0] is the top of a mapping of a space of its own. */
struct chain {
	struct aspace *as;
	struct sh_entry *e;
	unsigned n;                     /* levels */
	uint64_t span;                  /* pages */
	struct level level[LAB_LEVELS];
};

/* The top alone, of so many pages. */
void chain_begin(struct chain *, uint64_t span);
/* One more object at its end, whose numbers are others by off; linked by hand. */
void chain_extend(struct chain *, uint64_t off, uint64_t lo, uint64_t hi);
/* Level l has a page k, or a hole. */
void chain_page(struct chain *, unsigned l, uint64_t k);
void chain_hole(struct chain *, unsigned l, uint64_t k);
/* Level l has nothing any more: objects behind the top go by hand. */
void chain_end(struct chain *);

/* What the top, or (from 1) what is behind it, sees at page k; NULL.  *depth: the level that has
 * it, or at which the look ends. */
struct sh_page *chain_sees(const struct chain *, unsigned from, uint64_t k,
    unsigned *depth);
/* Claimed: sh_look_locked() says that of all pages; in words, when. */
void chain_is_seen(const struct chain *, const char *when);

/* A page that is in no object, with frame and tag. */
struct sh_page *shadow_page(uint64_t tag);
void shadow_lock(struct aspace *);     /* [W], [sh] */
void shadow_unlock(struct aspace *);

#endif
