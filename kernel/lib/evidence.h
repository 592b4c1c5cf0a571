/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * evidence.h: one test for lock checks, injected failures, forced preemption
 *
 * Problem   Lock order, injected failures and forced preemptions are tested for
 *           millions of times a second and wanted once a year.
 *
 * Rules     1. One word says whether any of them is wanted; only its test is
 *              inlined on each path, the rest is in functions.
 *           2. On the host and in a lab's file (BY_CALL) nothing of this is
 *              inlined: tests and the grader see each call by its name.
 *
 * Read next lib/spin.h; inject_hit() in lib/floor.h; sched_point().
 */
#ifndef LIB_EVIDENCE_H
#define LIB_EVIDENCE_H

#include "lib/assert.h"
#include "lib/types.h"

#if !__STDC_HOSTED__ && !defined(BY_CALL)
#define IN_LINE 1
#else
#define IN_LINE 0
#endif

enum { EVIDENCE_LOCKS = 1, EVIDENCE_INJECT = 2, EVIDENCE_SCHED = 4,
	EVIDENCE_CHECK = 8,
	EVIDENCE_LOST = 16 }; /* a space has lost something: whose call is this? */

extern uint32_t evidence_asked; /* [A] bits; 0 unless booted or told so */
void evidence_ask(uint32_t what);      /* these bits, too, from now on */

static inline bool
evidence_is_asked(void)
{
	return UNLIKELY(__atomic_load_n(&evidence_asked, __ATOMIC_RELAXED) != 0);
}

#endif
