/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_family.h: pages of a parent in every state, and what a fork made of them
 *
 * Offers    claims in words, pages brought into a state, words and entries
 *           looked at without a fault.
 * Needs     test/boot/lab/lab.h, vm/design/fmo/.
 * Sleeps?   Yes.
 * In interrupts?  No.
 */
#ifndef TEST_BOOT_LAB_FAMILY_H
#define TEST_BOOT_LAB_FAMILY_H

#include "test/boot/lab/lab.h"
#include "vm/design/fmo/fmo.h"

/* A claim that says, where it does not hold, what that means for a program. */
#define CLAIM(e, ...)                                                  \
	do {                                                           \
		if (!(e))                                              \
			selftest_fail(__FILE__, __LINE__, __VA_ARGS__); \
		else                                                   \
			selftest_held();                               \
	} while (0)

/* Pages of one mapping, and the number that stands in each. */
struct pages {
	struct aspace *as;
	va_t va;
	uint64_t n, seed;
};

/* The number of page i, at both its ends; never 0. */
uint64_t pages_tag(const struct pages *, uint64_t i);
va_t pages_at(const struct pages *, uint64_t i);
/* Store the tag of page i, as a program would. */
void pages_write(const struct pages *, uint64_t i);
/* What the frame holds is the tag of page i, from its first bytes to its last. */
bool pages_is(const struct pages *, uint64_t i, const struct vm_page *);
/* A load and a store of a program in another space of the family.  0, -EFAULT. */
int family_load(struct aspace *, va_t, uint64_t *value);
int family_store(struct aspace *, va_t, uint64_t value);
/* Read page i in as: its tag? */
bool pages_reads(const struct pages *, struct aspace *as, uint64_t i);

/* The leaf word of va, 0 where there is none; what it is called. */
uint64_t word_of(struct aspace *, va_t);
const char *word_name(uint64_t word);
/* Does it name an entry; which; a copy of it.  By its own arithmetic. */
bool word_is_forked(uint64_t word);
uint64_t word_index(uint64_t word);
struct fmo_entry word_entry(uint64_t word);
/* The frame behind a word, by way of its entry; NULL: it is not in memory. */
struct vm_page *word_frame(uint64_t word);

/* All pages that are mapped are so no more: TRANS; and then on swap. */
void family_trim(const struct pages *);
void family_swap_out(const struct pages *);

/* Live objects, and what is promised: for before and after. */
struct family_books {
	uint64_t objects, entries, commit, n_priv, n_fork, n_swap, late;
	uint32_t nfmo;
};
struct family_books family_books(struct aspace *);

/* A space forked, in use. */
struct aspace *family_fork(struct aspace *);

/* Remember the words of the parent; what the word of page i was. */
void family_note(const struct pages *);
uint64_t family_word_before(uint64_t i);
/* Claimed: the child's word of page i names an entry that the parent's names, too. */
bool family_shares(const struct pages *, struct aspace *child, uint64_t i);

/* A new mapping of n pages, at most FAMILY_PAGES. */
#define FAMILY_PAGES 600
struct pages family_pages(struct aspace *, uint64_t n);
/* The same of n pages that are written and forked: the child's are in *child. */
struct pages family_pair(uint64_t n, struct pages *child);
/* The first'th time, and each every'th behind it (0: once), this fails. */
void family_inject(const char *point, uint64_t first, uint64_t every);
/* Claimed: the leak census finds nothing. */
void family_nothing_left(void);

#endif
