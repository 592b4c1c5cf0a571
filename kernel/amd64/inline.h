/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * inline.h: functions of md.h that take one to three instructions, without a call
 *
 * Offers    Who is here; preemption and interrupts on and off; the counter.
 * Needs     a GS base that points to struct cpu; md.h, which includes this.
 * Sleeps?   Never.
 * In interrupts?  Yes.
 *
 * Each lock and each counted event uses these; with calls they were a tenth of
 * the kernel's time in an emulator.  cpu.c has them as functions with an address.
 *
 * Rules     1. One instruction reads a field of this CPU: the thread may be on
 *              another one before the next.
 *           2. md_irq_restore() tests here and has its sti in cpu.c.  After each
 *              sti QEMU leaves its translated code and looks up the next block;
 *              23 inlined copies of sti made a program that faults all the time
 *              a quarter slower.
 */
#ifndef AMD64_INLINE_H
#define AMD64_INLINE_H

#include "amd64/asm.h"
#include "lib/assert.h"
#include "lib/types.h"

#define RFLAGS_IF 0x000200ul

/* One field of this CPU in one instruction (rule 1). */
#define CPU_READ32(off)                                                   \
	({                                                                \
		uint32_t v_;                                              \
		__asm__ volatile("movl %%gs:%c1, %0" : "=r"(v_)           \
		    : "i"(off));                                          \
		v_;                                                       \
	})

/* Is a field of 4 (l) or 8 (q) bytes other than 0?  No register is needed. */
#define CPU_IS_SET(off, l_or_q)                                           \
	({                                                                \
		bool set_;                                                \
		__asm__ volatile("cmp" l_or_q " $0, %%gs:%c1"             \
		    : "=@ccne"(set_) : "i"(off));                         \
		set_;                                                     \
	})

/*
 * Add n to cell i of this CPU's row of ev_cells (kern/events.c), whose rows are
 * as far apart as struct cpu's: one instruction (rule 1), and no lock, since
 * nobody else writes the row.  kernel.ld has the distance.
 */
#define MD_COUNT(i, n)                                                    \
	__asm__ volatile("addq %1, %%gs:ev_cells_from_cpus+%c0" : :       \
	    "i"((i) * 8), "er"((int64_t)(n)) : "cc")
#define MD_COUNT_AT(i, n) /* i is not known to the compiler */            \
	__asm__ volatile("addq %1, %%gs:ev_cells_from_cpus(,%0,8)" : :    \
	    "r"((uint64_t)(i)), "r"((int64_t)(n)) : "cc")

/* A word of this CPU (rule 1). */
#define MD_WORD(w)                                                        \
	({                                                                \
		uint64_t v_;                                              \
		__asm__ volatile("movq %%gs:%c1, %0" : "=r"(v_)           \
		    : "i"(CPU_WORD + (w) * 8));                           \
		v_;                                                       \
	})

#define MD_SET_WORD(w, v)                                                 \
	__asm__ volatile("movq %1, %%gs:%c0" : :                          \
	    "i"(CPU_WORD + (w) * 8), "r"((uint64_t)(v)) : "memory")

inline void
md_add_word(unsigned word, int64_t n)
{
	__asm__ volatile("addq %1, %%gs:%c2(,%0,8)" : : "r"((uint64_t)word),
	    "er"(n), "i"(CPU_WORD) : "cc");
}

/* Call trap_ops.resched if one is due and allowed here. */
void md_maybe_resched(void);
/* They were on before md_irq_save(). */
void md_irq_on_again(void);
extern uint64_t md_online; /* [A] smp.c */

/* ---- who am I ---- */

inline unsigned
md_cpu(void)
{
	return CPU_READ32(CPU_ID);
}

inline uint64_t
md_online_mask(void)
{
	return __atomic_load_n(&md_online, __ATOMIC_SEQ_CST);
}

inline uint32_t
md_lock_word(void)
{
	return CPU_READ32(CPU_LOCK_WORD);
}

inline bool
md_lock_word_is(uint32_t word)
{
	bool is;

	__asm__ volatile("cmpl %%gs:%c1, %2" : "=@cce"(is) : "i"(CPU_LOCK_WORD),
	    "r"(word));
	return is;
}

inline struct thread *
md_current(void)
{
	struct thread *t;

	__asm__ volatile("movq %%gs:%c1, %0" : "=r"(t) : "i"(CPU_CURRENT));
	return t;
}

inline bool
md_in_irq(void)
{
	return CPU_IS_SET(CPU_IRQ_DEPTH, "l");
}

/* It may run a little ahead of what stands before it. */
inline uint64_t
md_cycles(void)
{
	uint64_t lo, hi; /* whose upper halves rdtsc clears */

	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
	return hi << 32 | lo;
}

inline void
md_cycles_to(uint64_t *at)
{
	uint32_t *half = (uint32_t *)at;

	__asm__ volatile("rdtsc" : "=a"(half[0]), "=d"(half[1]));
}

/* ---- interrupts ---- */

inline void
md_irq_enable(void)
{
	__asm__ volatile("sti" : : : "memory");
}

inline void
md_irq_disable(void)
{
	__asm__ volatile("cli" : : : "memory");
}

inline uint64_t
md_irq_save(void)
{
	uint64_t flags;

	__asm__ volatile("pushfq; popq %0; cli" : "=r"(flags) : : "memory");
	return flags & RFLAGS_IF;
}

inline void
md_irq_restore(uint64_t flags)
{
	if ((flags & RFLAGS_IF) != 0)
		md_irq_on_again();
}

inline uint64_t
md_irq_hold(void)
{
	uint64_t flags;

	__asm__ volatile("pushfq; popq %0; cli" : "=r"(flags) : : "memory");
	return flags;
}

inline void
md_irq_release(uint64_t flags)
{
	__asm__ volatile("pushq %0; popfq" : : "r"(flags) : "memory", "cc");
}

inline bool
md_irq_is_enabled(void)
{
	uint64_t flags;

	__asm__ volatile("pushfq; popq %0" : "=r"(flags) : : "memory");
	return (flags & RFLAGS_IF) != 0;
}

/* ---- preemption ---- */

inline void
md_preempt_disable(void)
{
	__asm__ volatile("incl %%gs:%c0" : : "i"(CPU_PREEMPT) : "memory", "cc");
}

inline void
md_preempt_enable(void)
{
	__asm__ volatile("decl %%gs:%c0" : : "i"(CPU_PREEMPT) : "memory", "cc");
	if (UNLIKELY(CPU_IS_SET(CPU_NEED_RESCHED, "l")) && md_irq_is_enabled())
		md_maybe_resched();
}

inline unsigned
md_preempt_count(void)
{
	return CPU_READ32(CPU_PREEMPT);
}

/* preempt and irq_depth, both 0. */
inline bool
md_may_sleep(void)
{
	return !CPU_IS_SET(CPU_PREEMPT, "q");
}

#endif
