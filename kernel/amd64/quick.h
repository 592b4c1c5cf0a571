/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * quick.h: a few functions of md.h again, in line
 *
 * Offers    Who is here, and when, without a call.
 * Needs     a GS base that points to struct cpu.
 * Sleeps?   Never.
 * In interrupts?  Yes.
 *
 * For kern/trace.c: calls, and what has to be kept over them, would be half of
 * what a record costs.
 */
#ifndef AMD64_QUICK_H
#define AMD64_QUICK_H

#include "amd64/asm.h"
#include "lib/types.h"

/* md_irq_save(); the result is for md_irq_restore(). */
static inline uint64_t
quick_irq_save(void)
{
	uint64_t flags;

	__asm__ volatile("pushfq; popq %0; cli" : "=r"(flags) : : "memory");
	return flags;
}

/* md_cpu() */
static inline uint64_t
quick_cpu(void)
{
	uint64_t id;

	__asm__ volatile("movl %%gs:%c1, %k0" : "=r"(id) : "i"(CPU_ID));
	return id;
}

/* md_current() */
static inline struct thread *
quick_current(void)
{
	struct thread *t;

	__asm__ volatile("movq %%gs:%c1, %0" : "=r"(t) : "i"(CPU_CURRENT));
	return t;
}

/* md_cycles(), which may run a little ahead of what stands before it. */
static inline uint64_t
quick_cycles(void)
{
	uint32_t lo, hi;

	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
	return (uint64_t)hi << 32 | lo;
}

#endif
