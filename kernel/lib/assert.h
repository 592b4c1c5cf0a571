/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * assert.h: what cannot happen
 *
 * Offers    ASSERT, CHECK, MUST_CHECK, SYSTEM_ONLY, PRINTF_LIKE, NORETURN,
 *           panic().
 * Rules     Always compiled in; the expression has no side effects.  A user
 *           program that reaches an assert has found a bug of ours.
 */
#ifndef LIB_ASSERT_H
#define LIB_ASSERT_H

#define MUST_CHECK __attribute__((warn_unused_result))
/*
 * Before the prototype of what only the kernel's start, system calls and the
 * kernel's own tests have business with: policy, evidence, whole machines.  No
 * lab imports it (grading/imports.c).
 */
#define SYSTEM_ONLY
#define NORETURN __attribute__((noreturn))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

/*
 * Stop the machine: print the message, registers, a backtrace with names and
 * the last trace records, then end the emulator.
 *
 * Locks:    any; takes none that may be held.
 * Returns:  never.
 */
void panic(const char *fmt, ...) PRINTF_LIKE(1, 2) NORETURN;

/* The failing path of ASSERT and CHECK. */
void panic_assert(const char *expr, const char *file, int line) NORETURN;

/* A handout's objects do not show what their files are made of. */
#ifdef ASSERT_WITHOUT_TEXT
#define ASSERT_TEXT(e) "(its text is left out)"
#else
#define ASSERT_TEXT(e) #e
#endif

#define ASSERT(e)                                                       \
	do {                                                            \
		if (UNLIKELY(!(e)))                                     \
			panic_assert(ASSERT_TEXT(e), __FILE__, __LINE__); \
	} while (0)

/* CHECK is ASSERT for a call whose value matters: it is always evaluated. */
#define CHECK(e) ASSERT(e)

#endif
