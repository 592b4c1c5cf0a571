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

struct explore_args {
	unsigned bound;              /* preemptions */
	unsigned seconds;            /* for a pair; then it is "part" */
	uint64_t nrandom, seed;      /* random schedules beyond */
	const char *replay;          /* this schedule alone, or NULL */
};

struct pair *pair_parse(const char *path, struct pair **list);
const char *pair_name(const struct pair *);
const struct pair *pair_next(const struct pair *);

/* Boot and search; once in a process.  A failure ends it with status 1. */
void explore_pair(const struct pair *, const struct explore_args *);
void explore_print_schedule(void);

#endif
