/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * debug.c: debug registers of threads that a debugger traces
 *
 * Problem   The processor watches up to four addresses: the program stops after
 *           a store to a variable, or before the first instruction of a
 *           function.  The addresses belong to one thread, not to the CPU.
 *
 * Picture   DR0 … DR3   an address each
 *           DR6         what has hit, or that it was a step
 *           DR7         bits 2n, 2n+1: slot n is on
 *                       16+4n: executed, written, (port), touched   18+4n: bytes
 *
 * Rules     1. They are loaded while their thread runs; while another one runs DR7
 *              is 0.  Nothing is saved: DR6 is read as soon as it is set.
 *           2. Only checked addresses of the user half are loaded.  So no kernel
 *              instruction is watched, nor the debug registers themselves.
 *           3. A hit in the kernel, which reads and writes for the program, is not
 *              reported: as on Linux.
 *
 * Read next kernel/amd64/trap.c, proc/ptrace.c.
 */
#include "amd64/amd64.h"
#include "lib/errno.h"

#define DR6_ONES 0xffff0ff0ul
#define DR6_STEP 0x4000ul
#define DR6_HITS 0xful
#define DR7_SLOTS 0xffff00fful   /* what we let in; with nothing else, nothing is on */
#define DR7_ONES 0x400ul

enum { ON_EXEC, ON_WRITE, ON_PORT, ON_TOUCH };

#define READ_DR(n, v) __asm__ volatile("mov %%db" #n ", %0" : "=r"(v))
#define WRITE_DR(n, v) __asm__ volatile("mov %0, %%db" #n : : "r"(v) : "memory")

static bool
is_on(uint64_t control, unsigned slot)
{
	return (control >> 2 * slot & 3) != 0;
}

static unsigned
kind_of(uint64_t control, unsigned slot)
{
	return control >> (16 + 4 * slot) & 3;
}

static bool
is_valid(uint64_t at, uint64_t control, unsigned slot)
{
	static const uint8_t sizes[] = { 1, 2, 8, 4 };
	unsigned kind = kind_of(control, slot);
	unsigned bytes = sizes[control >> (18 + 4 * slot) & 3];

	if (kind == ON_PORT || (kind == ON_EXEC && bytes != 1))
		return false;
	return at % bytes == 0 && at <= MD_USER_END - bytes;
}

/* Load the registers of d, or none, on this CPU.  Context: interrupts off. */
static void
load(struct cpu *c, const struct md_debug *d)
{
	c->debugged = d != NULL;
	if (d == NULL) {
		WRITE_DR(7, DR7_ONES);
		return;
	}
	WRITE_DR(0, d->at[0]);
	WRITE_DR(1, d->at[1]);
	WRITE_DR(2, d->at[2]);
	WRITE_DR(3, d->at[3]);
	WRITE_DR(7, (d->control & DR7_SLOTS) | DR7_ONES);
}

/* A switch between threads of which one has debug registers.  Context: interrupts off. */
void
debug_switch(struct cpu *c, const struct md_thread *to)
{
	load(c, to->debug);
}

/* The debug registers of the current thread, t, have changed.  Locks: none. */
void
md_debug_load(struct md_thread *t)
{
	uint64_t flags = md_irq_save();

	load(cpu_this(), t->debug);
	md_irq_restore(flags);
}

/* Read and clear DR6; bits that are 0 for an event are inverted. */
static uint64_t
take_status(void)
{
	uint64_t v;

	READ_DR(6, v);
	WRITE_DR(6, DR6_ONES);
	return v ^ DR6_ONES;
}

/*
 * #DB of a program: find the cause.  The instruction before which it stops must not stop
 * it again.
 *
 * Context:  interrupts off: the next thread's would be in the same register.
 */
void
debug_trap(struct trapframe *tf)
{
	struct md_debug *d = cpu_this()->md->debug;
	uint64_t status = take_status();
	unsigned i;

	if (d == NULL)
		return;
	d->status = status & DR6_STEP;
	for (i = 0; i < ARRAY_LEN(d->at); i++) {
		if ((status & BIT(i)) == 0 || !is_on(d->control, i))
			continue;
		d->status |= BIT(i);
		if (kind_of(d->control, i) == ON_EXEC)
			tf->rflags |= RFLAGS_RF;
	}
}

/* #DB of the kernel: was it a hit?  Context: interrupts off, its own stack. */
bool
debug_trap_kernel(void)
{
	return (take_status() & DR6_HITS) != 0 && cpu_this()->debugged;
}

/* Was the last #DB of t a hit, and no step?  Locks: none; t is current. */
bool
md_debug_has_hit(const struct md_thread *t)
{
	return t->debug != NULL && (t->debug->status & DR6_HITS) != 0 &&
	    (t->debug->status & DR6_STEP) == 0;
}

/* Register n as a debugger reads it; d NULL: none was ever set. */
uint64_t
md_debug_get(const struct md_debug *d, unsigned n)
{
	if (n == 6)
		return (d != NULL ? d->status : 0) ^ DR6_ONES;
	if (d == NULL)
		return 0;
	return n == 7 ? d->control : n < ARRAY_LEN(d->at) ? d->at[n] : 0;
}

/*
 * Set register n of d; that does not load it.
 *
 * Locks:    none; the thread of d does not run.
 * Returns:  0, -EINVAL: such a watch is not allowed; -EIO: no such register.
 */
int
md_debug_set(struct md_debug *d, unsigned n, uint64_t v)
{
	unsigned i;

	if (n < ARRAY_LEN(d->at)) {
		if (!is_valid(v, is_on(d->control, n) ? d->control :
		    (uint64_t)ON_WRITE << (16 + 4 * n), n))
			return -EINVAL;
		d->at[n] = v;
		return 0;
	}
	if (n == 6)
		d->status = v ^ DR6_ONES;
	if (n != 7)
		return n == 6 ? 0 : -EIO;
	for (i = 0; i < ARRAY_LEN(d->at); i++)
		if (is_on(v, i) && !is_valid(d->at[i], v, i))
			return -EINVAL;
	d->control = v;
	return 0;
}
