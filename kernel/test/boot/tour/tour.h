/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tour.h: what lab 00 writes: an address, taken through four tables
 *
 * Offers    tour_index, tour_walk, tour_answer.
 * Needs     the direct map (pa2va) to read a table.
 * Sleeps?   No.
 * In interrupts?  No.
 */
#ifndef TEST_BOOT_TOUR_H
#define TEST_BOOT_TOUR_H

#include "md.h"

enum { TOUR_READ = 1, TOUR_WRITE = 2, TOUR_EXEC = 4, TOUR_USER = 8 };

struct tour_step {
	pa_t table;            /* where the word lies: its table … */
	unsigned index;        /* … and which of the 512 */
	uint64_t word;         /* what stands there */
};

struct tour_walk {
	struct tour_step step[MD_PT_LEVELS]; /* of levels 4, 3, … */
	int n;                 /* words looked at */
	bool mapped;           /* the last one is a page, not absent */
	uint64_t bytes;        /* 4096, 2 MiB, 1 GiB; 0: not mapped */
	pa_t pa;               /* of va itself */
	unsigned rights;       /* TOUR_*: what all levels together allow */
};

enum tour_question {
	TOUR_STORE_ABSENT,     /* error code: a user's store, nothing mapped */
	TOUR_STORE_READONLY,   /* error code: a user's store, mapped read-only */
	TOUR_FETCH_NX,         /* error code: a user's fetch from an NX page */
	TOUR_CR2_OFFSET,       /* CR2 & 4095: 8 bytes stored from 4092 on, the
	                          first page mapped, the second not */
	TOUR_BITS_READ,        /* word & (A|D) after the first load of a page */
	TOUR_BITS_STORED,      /* the same after a store */
	TOUR_LOOP_LOADS,       /* faults: a load from each of 100 fresh pages, around=1 */
	TOUR_LOOP_BOTH,        /* faults: a load, then a store, of each of 100 */
	TOUR_LOOP_TWICE        /* faults: a store to each of 100, twice over */
};

int tour_index(va_t va, int level);
int tour_walk(pa_t root, va_t va, struct tour_walk *);
uint64_t tour_answer(enum tour_question);

#endif
