/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * selftest.h: between selftest.c, honest.c, mutants.c and forge.c
 */
#ifndef GRADING_SELFTEST_H
#define GRADING_SELFTEST_H

#include "judge/judge.h"

/* The sum of what fn returns for one lab, or (NULL) for all, as a status. */
int each_lab(const char *which, int (*fn)(const struct lab *));
struct honest_job {
	int runs;      /* of each lab */
	uint64_t from; /* seeds */
	bool one;      /* test in each run */
};

/* honest.c: how many of them the grader wrongs. */
int honest_table(const struct lab *, const struct honest_job *);
/* forge.c: 0, or 1: an end was not called by its name. */
int ends_named(const char *which);
/* forge.c: 0, or 1: what is honest was refused or flagged. */
int allowed_named(const char *which);

#endif
