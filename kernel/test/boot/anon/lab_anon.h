/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_anon.h: an object's words, found without what lab 03 writes
 *
 * Offers    where the word of a page lies, by its own arithmetic; what an object
 *           and the machine count before and after; numbers in pages.
 * Needs     test/boot/lab/lab.h, vm/object/, vm/kpaged/.
 * Sleeps?   Yes.
 * In interrupts?  No.
 */
#ifndef TEST_BOOT_LAB_ANON_H
#define TEST_BOOT_LAB_ANON_H

#include "test/boot/lab/lab.h"

/* The word of a page. */
struct anon_place {
	uint64_t *slot;          /* the last word that exists on the way */
	struct vm_page *table;   /* pinned, holds slot; NULL: the header does */
	unsigned missing;        /* tables below slot; 0: it is the owning word */
	uint64_t at;             /* page, counted from the first of its anon_top */
	unsigned upper_pins;     /* of others, of the tables above */
};

/* Found through the kernel's paged memory; anon_place_end() drops the pin. */
struct anon_place anon_place(struct vmo *, uint64_t pgoff);
void anon_place_end(struct anon_place *);
/* The owning word of a page; 0: there is none. */
uint64_t anon_word_of(struct vmo *, uint64_t pgoff);

/* How many tables are missing on the way to it. */
unsigned anon_missing(struct vmo *, uint64_t pgoff);
/* The first page below a word of the header with so many tables or more. */
uint64_t anon_first_below(unsigned depth);

/* lab_anonshape.c: is anon_top() as the contract says?  Else claimed. */
bool anon_shape_holds(void);

/* What an object counts, and the machine. */
struct anon_books {
	uint64_t n_resident, n_tables, charged, quota;
	uint64_t pages, tables, kpaged, commit, limbo;
};

struct anon_books anon_books(struct vmo *);
/* Claimed: since was, so many pages and tables more; so many of them are charged. */
void anon_books_moved(const char *what, struct vmo *, struct anon_books was,
    int64_t pages, int64_t tables, int64_t charged);

/* A new object of so many bytes; NULL, and claimed, when there is none. */
struct vmo *anon_object(uint64_t bytes);
/* Its end, by hand: steps 1 to 3 stand without anon_put().  NULL is allowed. */
void anon_object_end(struct vmo *);
/* The number of page i of an object; to and from both ends of a frame. */
uint64_t anon_tag(uint64_t pgoff);
void anon_write_tag(const struct vm_page *, uint64_t pgoff);
bool anon_has_tag(const struct vm_page *, uint64_t pgoff);
/* lab_anonlook.c: claimed: the page is the object's own, and the caller's pin the only
 * one; one look of a fault says so. */
void anon_is_owned(const char *what, struct vmo *, uint64_t pgoff,
    const struct vm_page *);
void anon_touch_says(const char *what, struct vmo *, uint64_t pgoff, int want);
/* Make the page and give it its tag; what anon_page() returns. */
int anon_fill(struct vmo *, uint64_t pgoff);
/* The first'th time the point fails, once. */
void anon_refuse(const char *point, uint64_t first);
/* Free frames are full of other bytes than zeros. */
void anon_soil_frames(unsigned n);
/* The pages of an object leave memory for swap. */
void anon_swap_out(struct vmo *, uint64_t lo, uint64_t hi);
/* So does the table so many levels above the word of a page, of which none is in memory;
 * 1: its leaf. */
void anon_table_out(struct vmo *, uint64_t pgoff, unsigned level);

#endif
