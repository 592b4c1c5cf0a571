/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * counts.h: what the observer counts, on the host's side
 *
 * Offers    names of its counts, the words that tell it where to count, and what
 *           it wrote, as numbers.
 * Needs     base/.
 */
#ifndef GRADING_COUNTS_H
#define GRADING_COUNTS_H

#include "base/base.h"

#define WITNESS_NAMES 16
#define BORDER_MOST 32
extern const char *const witness_names[WITNESS_NAMES];

struct witness {
	bool valid;
	size_t nmarks;
	int64_t (*mark)[WITNESS_NAMES]; /* at each execution of ev_take_all */
	int64_t end[WITNESS_NAMES];
	int64_t at[2][WITNESS_NAMES]; /* the last two times of 8 M */
	bool limit;      /* it ended the machine */
	uint64_t pc[16]; /* blocks that ran last */
	size_t npcs;
	int64_t border[BORDER_MOST][3]; /* what was seen, from, to: border.c */
	size_t nborder;
};

/* Does the witness count the executions of a function of this name? */
bool witness_looks_for(const char *name);
/* ",a4=0xffff…" for each address that it counts at, malloc'd.  s: or NULL. */
char *witness_addresses(const struct symbols *s);
/* The lines that it wrote; text is cut.  w->mark is malloc'd. */
void witness_read(struct witness *w, char *text);

#endif
