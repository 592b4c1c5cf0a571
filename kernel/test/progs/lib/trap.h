/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trap.h: make an access, see which signal it got
 *
 * TRAPPED(x) evaluates x; it is 0 when nothing happened, else the signal.
 * trap_info then holds si_code, si_addr and the registers' rip.
 */
#ifndef TEST_TRAP_H
#define TEST_TRAP_H

#include "test.h"
#include <ucontext.h>

struct trap_info {
	int signo, code;
	uintptr_t addr, rip;
	long trapno, err, cr2;
};

static struct trap_info trap_info;
static sigjmp_buf trap_back;
static volatile bool trap_is_set;

/* Outside of TRAPPED() nobody waits for it: the signal ends the program. */
static inline void
trap_handler(int signo, siginfo_t *si, void *uc)
{
	greg_t *r = ((ucontext_t *)uc)->uc_mcontext.gregs;

	if (!trap_is_set) {
		signal(signo, SIG_DFL);
		raise(signo);
		return;
	}
	trap_info = (struct trap_info){ signo, si->si_code,
		(uintptr_t)si->si_addr, r[REG_RIP], r[REG_TRAPNO], r[REG_ERR],
		r[REG_CR2] };
	siglongjmp(trap_back, 1);
}

/* Catch the five signals of wrong instructions, on the stack given. */
static inline void
trap_catch(int flags)
{
	static const int signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL,
		SIGTRAP };
	struct sigaction sa;

	memset(&sa, 0, sizeof(sa));
	sa.sa_sigaction = trap_handler;
	sa.sa_flags = SA_SIGINFO | flags;
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		OK(sigaction(signals[i], &sa, NULL));
}

#define TRAPPED(x)                                                             \
	(memset(&trap_info, 0, sizeof(trap_info)), trap_is_set = true,         \
	    (void)(sigsetjmp(trap_back, 1) == 0 && ((void)(x), 0)),            \
	    trap_is_set = false, trap_info.signo)

/* The access must get this signal, code and address. */
#define TRAP(x, signo_, code_, addr_)                                          \
	do {                                                                   \
		EQ(TRAPPED(x), signo_);                                        \
		EQ(trap_info.code, code_);                                     \
		EQ(trap_info.addr, (uintptr_t)(addr_));                        \
	} while (0)

/* Loads and stores that the compiler neither moves nor removes. */
static inline int
load(const void *p)
{
	__asm__ volatile("" : "+r"(p));
	return *(const volatile unsigned char *)p;
}

static inline void
store(void *p, int v)
{
	__asm__ volatile("" : "+r"(p));
	*(volatile unsigned char *)p = v;
}

#endif
