/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_refs.h: strings of references, and what known rules make of them
 *
 * Offers    a trial of a learner's policy on them.
 * Needs     test/boot/fork/lab_family.h.
 * Sleeps?   As what is tried does.
 * In interrupts?  No.
 */
#ifndef TEST_BOOT_LAB_REFS_H
#define TEST_BOOT_LAB_REFS_H

#include "test/boot/fork/lab_family.h"

#define REFS 2400u
#define REFS_PAGES 256u

enum refs_rule { REFS_FIFO, REFS_CLOCK, REFS_WSCLOCK, REFS_LRU, REFS_OPT, REFS_RULES };

/* The string that is tried just now: which page is asked for, one after the other. */
struct refs {
	uint16_t page[REFS];
	unsigned n;
};
extern struct refs refs;

/* A policy, and what it is compared with. */
struct refs_trial {
	enum refs_rule rule;
	const char *rule_name;      /* "a clock" */
	const char *what;           /* is counted: "faults" */
	const char *too_few;        /* how there could be fewer than are possible */
	/* How many of the string, of n pages of which fit are in memory; 0: it broke. */
	unsigned (*count)(const char *name, unsigned n, unsigned fit);
};

/* Five strings and a heap sort, by the parameters fit and more, between marks 1 and 2:
 * what was measured is shown, and claimed that four of the five are near the rule. */
void refs_try(const struct refs_trial *);

#endif
