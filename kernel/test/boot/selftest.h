/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * selftest.h: tests that need the real machine; boot word selftest=NAME
 *
 * Offers    selftest_run(), the table row, CHECK-like macros for tests.
 * Needs     everything.
 * Sleeps?   Yes.
 * In interrupts?  No.
 */
#ifndef TEST_BOOT_SELFTEST_H
#define TEST_BOOT_SELFTEST_H

#include "lib/fmt.h"
#include "lib/types.h"

struct selftest {
	const char *name;
	void (*fn)(void);       /* reports by selftest_fail() */
	const char *claim;
};

/*
 * Run one test by name, several by "a,b,c", or "all", then end the machine
 * with status 0 (all held), 1 (some did not) or 2 (no such test).
 *
 * Locks:    none held.
 */
void selftest_run(const char *names) NORETURN;

/* A claim did not hold: say which; the test goes on.  Behind a tab: what should be. */
void selftest_fail(const char *file, int line, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

/* A claim held: counted, so that a judge sees that it was made. */
void selftest_held(void);

#define EXPECT(e)                                                      \
	do {                                                           \
		if (!(e))                                              \
			selftest_fail(__FILE__, __LINE__, "%s is false\ttrue", #e); \
		else                                                   \
			selftest_held();                               \
	} while (0)

/* A claim "a op b" did not hold: say both sides; the test goes on. */
void selftest_differs(const char *file, int line, const char *a, long is,
    const char *op, const char *b, long shall);

/* a op b: numbers or pointers, b without an effect. */
#define EXPECT_IS(a, op, b)                                            \
	do {                                                           \
		__typeof__((a) + 0) is_ = (a);                         \
		if (is_ op(b))                                         \
			selftest_held();                               \
		else                                                   \
			selftest_differs(__FILE__, __LINE__, #a, (long)is_, \
			    #op, #b, (long)(b));                       \
	} while (0)

/* The tables of the files in this folder. */
extern const struct selftest selftests_machine[]; /* machine.c; ends with a NULL name */
extern const struct selftest selftests_kern[];    /* kern.c */
extern const struct selftest selftests_keys[];    /* keys.c */
extern const struct selftest selftests_vm[];      /* vm.c */
extern const struct selftest selftests_kpaged[]; /* kpaged.c */
extern const struct selftest selftests_blk[];     /* blk.c */
extern const struct selftest selftests_part[];    /* part.c */

#endif
