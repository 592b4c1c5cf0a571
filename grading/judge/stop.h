/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stop.h: between stop.c and debug.c
 */
#ifndef GRADING_STOP_H
#define GRADING_STOP_H

#include "judge/judge.h"

/* Where the boot of a test is stopped, whatever the debugger. */
struct stop {
	char *says;      /* what is shown there, and why there */
	unsigned mark;   /* wait for it first; 0: no */
	unsigned last;   /* stop at it in any case; 0: no */
	struct words at; /* functions: at any of them */
	const char *reg; /* only when this argument … */
	bool points;     /* … or the number that it points to … */
	int64_t differs; /* … is not this, as 32 bits */
	int64_t skip;    /* calls of at[0] that are as they should be */
	int counter;     /* number of a counter, or -1 */
	int64_t bound;   /* when it is more than this above the mark's */
	bool looks;      /* at is where LOOK says, and no event */
	char *region;    /* its name, for what is said */
};

/* From a test that has been run; the default is where LOOK says. */
void stop_find(struct stop *, const struct report *, const struct result *);
/* Nothing of what LOOK says runs between the marks: look before them. */
void stop_before(struct stop *, const struct lab *, const struct test *);
void stop_free(struct stop *);

#endif
