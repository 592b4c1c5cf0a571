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
 * Marks functions for the kernel's start, system calls and the kernel's own tests
 * only: policy, evidence, whole machines.  No lab may import them
 * (grading/gate/imports.c).
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

/* The failing path of ASSERT and CHECK; what: "FILE:LINE: not true: TEXT". */
void panic_assert(const char *what) NORETURN;

/* A handout's objects do not show what their files are made of. */
#ifdef ASSERT_WITHOUT_TEXT
#define ASSERT_TEXT(e) "(its text is left out)"
#else
#define ASSERT_TEXT(e) #e
#endif

/*
 * In the kernel a failed assert executes ud1, an undefined instruction, with what
 * as its operand; amd64/trap.c then calls panic_assert(what).  So a function that
 * asserts needs no registers or stack for the call: stealing a page from a fork is
 * 4 % shorter.  A lab's file makes the call (lib/evidence.h).
 */
#if !__STDC_HOSTED__ && !defined(BY_CALL)
#define ASSERT_FAILS(what)                                              \
	do {                                                            \
		__asm__ volatile("ud1 %c0, %%eax" : : "i"(what) : "memory"); \
		__builtin_unreachable();                                \
	} while (0)
#else
#define ASSERT_FAILS(what) panic_assert(what)
#endif

#define ASSERT_LINE(n) #n
#define ASSERT_WHAT(line, text) __FILE__ ":" ASSERT_LINE(line) ": not true: " text

#define ASSERT_SAYS(e, text)                                            \
	do {                                                            \
		if (UNLIKELY(!(e)))                                     \
			ASSERT_FAILS(ASSERT_WHAT(__LINE__, text));      \
	} while (0)
#define ASSERT(e) ASSERT_SAYS(e, ASSERT_TEXT(e))

/* CHECK is ASSERT for a call whose value matters: it is always evaluated. */
#define CHECK(e) ASSERT(e)

#endif
