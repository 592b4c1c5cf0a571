/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_cachedisk.h: a file whose disk is an array, and says how it was asked
 *
 * Offers    a file object with a pager of its own, looks at its tree and pages
 *           that do not go by what lab 04 writes.
 * Needs     test/boot/lab/lab.h.
 * Sleeps?   Yes.
 * In interrupts?  No.
 */
#ifndef TEST_BOOT_LAB_CACHEDISK_H
#define TEST_BOOT_LAB_CACHEDISK_H

#include "test/boot/lab/lab.h"
#include "vm/object/vmo.h"

#define CD_PAGES 4096u           /* of a file, at most */
#define CD_NONE UINT64_MAX

/* A file and its disk; one request at a time is looked at closely. */
struct cdisk {
	struct vmo *vmo;
	uint64_t pages;
	uint64_t tag[CD_PAGES];      /* of each page: what the disk has */
	uint8_t in[CD_PAGES], out[CD_PAGES]; /* how often each was read, written */
	_Atomic unsigned reads, writes;      /* requests */
	uint64_t bad_in, bad_out;    /* this page cannot be read, written */
	bool no_room;                /* extend has no block */
	_Atomic unsigned extended;   /* how often it was asked for one */
	_Atomic bool hold;           /* requests do not end */
	_Atomic unsigned held;       /* that many are waiting for that */
	void (*during)(struct cdisk *, uint64_t idx, struct vm_page **, int n);
	void (*asked)(struct cdisk *, uint64_t idx, int n); /* each request; NULL: nobody is told */
};

/* Files 0 and 1: all their pages have the tag 1000 × file + number. */
struct cdisk *cd_begin(unsigned file, uint64_t bytes);
/* Written, cut, ended; nothing is left. */
void cd_end(struct cdisk *);
/* What is counted begins at 0 again. */
void cd_forget_counts(struct cdisk *);

uint64_t cd_tag(const struct cdisk *, uint64_t idx);
/* The page's first and last word. */
void cd_write_page(struct vm_page *, uint64_t tag);
bool cd_page_has(const struct vm_page *, uint64_t tag);

/* The page of the tree, found by going through all of them; NULL: none. */
struct vm_page *cd_find(struct cdisk *, uint64_t idx);
uint64_t cd_count(struct cdisk *);
/* State and flags of a page that is in the tree. */
bool cd_is(struct cdisk *, uint64_t idx, enum page_state, unsigned flags);
/* Page idx enters by cache_begin_insert(), gets its tag, and is read; NULL: no. */
struct vm_page *cd_enter(struct cdisk *, uint64_t idx);
/* Stored to by a call: pinned, changed, dirty. */
void cd_store(struct cdisk *, uint64_t idx, uint64_t tag);
/* The same of a range: page i gets tag + i. */
void cd_store_all(struct cdisk *, uint64_t lo, uint64_t hi, uint64_t tag);

/* A thread that calls fn(arg); cd_ends() waits for all, a while at most. */
void cd_run(void (*fn)(void *), void *arg);
bool cd_ends(void);
/* Until the counter, or a value, is at least so large, a while at most. */
bool cd_until(_Atomic unsigned *what, unsigned n);
bool cd_until_event(enum ev_id, uint64_t n);
void cd_nap(void);

#endif
