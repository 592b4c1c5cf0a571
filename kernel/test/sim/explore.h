/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * explore.h: between the program vmsim and its simulator
 *
 * Without the kernel's headers: the host's signal numbers have the same names.
 */
#ifndef TEST_SIM_EXPLORE_H
#define TEST_SIM_EXPLORE_H

#include <stdint.h>

struct pair;

/* Over all pairs; memory that their processes share. */
struct explore_sum {
	_Atomic unsigned whole, part;  /* pairs */
	_Atomic uint64_t schedules, random;
};

struct explore_args {
	unsigned bound;              /* preemptions */
	double seconds;              /* of a processor for a pair; then it is "part" */
	uint64_t nrandom, seed;      /* random schedules beyond */
	const char *replay;          /* this schedule alone, or NULL */
	struct explore_sum *sum;
};

struct pair *pair_parse(const char *path, struct pair **list);
const char *pair_name(const struct pair *);
const struct pair *pair_next(const struct pair *);
/* Marked "whole": with up to this many preemptions it is searched to the end. */
#define WHOLE_BOUND 3
int pair_is_whole(const struct pair *);

/* Boot and search; once in a process.  A failure ends it with status 1. */
void explore_pair(const struct pair *, const struct explore_args *);
void explore_print_schedule(void);

#endif
