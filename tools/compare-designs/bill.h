/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bill.h: what a program of the comparison answers, and what it cost
 *
 * Typical life: a program makes what it needs; bill_from(); does its work;
 * bill_peak(n) while it has most, of n pages or forks; bill_to(n), n operations.
 * Standard output has its answer, which must not depend on the design; standard
 * error has the bill, lines of "bill: name end change peak".
 */
#ifndef COMPARE_BILL_H
#define COMPARE_BILL_H

#include "lib/events.h"

struct program {
	const char *name;
	void (*run)(bool small);
};

/* forks.c, pages.c, out.c: each ends with a NULL name. */
extern const struct program fork_programs[], page_programs[], out_programs[];
extern const char *self; /* this file, to execute: "nothing" ends at once */

void bill_from(void);
void bill_peak(unsigned long things);
void bill_to(unsigned long operations);

/* A sum of n pages' first words, each at another weight. */
static inline uint64_t
sum_of(const char *p, size_t n)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum = sum * 31 + *(const volatile uint64_t *)(p + i * PAGE);
	return sum;
}

/* Store to each step-th of n pages. */
static inline void
store_each(char *p, size_t n, size_t step, uint64_t value)
{
	for (size_t i = 0; i < n; i += step)
		*(volatile uint64_t *)(p + i * PAGE) = value + i;
}

#endif
