/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * amd64.h: what amd64/shootdown.c needs of the machine, in the simulator
 *
 * Found before the kernel's own by the order of -I, so that the real
 * shootdown.c runs against model CPUs.  Its one instruction, invlpg, becomes a
 * call.
 */
#ifndef SIM_AMD64_H
#define SIM_AMD64_H

#include "kern/kern.h"
#include "md.h"

#define VEC_TLB 0xf1

enum tlb_state { TLB_ACTIVE, TLB_LAZY, TLB_LAZY_STALE, TLB_NONE };
enum tlb_request { TLB_FLUSH_KERNEL, TLB_FLUSH_USER, TLB_LEAVE };

struct tlb_slot {
	enum tlb_request what;
	bool full;
	struct md_space *space;
	va_t lo, hi;
	uint64_t gen;
	uint32_t pending;
};

struct cpu {
	uint32_t id;
	uint32_t tlb_state;
	struct md_space *cur_space;
	uint64_t seen_gen;
	struct tlb_slot box[MAXCPU];
};

struct cpu *cpu_this(void);
struct cpu *cpu_of(unsigned id);
extern pa_t kernel_root;
uint64_t read_cr3(void);
void write_cr3(uint64_t);
void apic_send(unsigned cpu, unsigned vector);
void clock_spin_ns(uint64_t ns);
void tlb_interrupt(void);
void sim_invlpg(va_t);

#ifdef SIM_SHOOTDOWN
#define __asm__
#define volatile(...) sim_invlpg(va)
#endif

#endif
