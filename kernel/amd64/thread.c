/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * thread.c: what a thread is to the machine
 *
 * Problem   Prepare a stack that has never run, change from one thread to
 *           another with everything that follows it, enter user mode.
 *
 * Picture   stack + MD_KSTACK_SIZE ┌──────────────────┐
 *                                  │ FXSAVE image     │ of a user thread
 *                              top ├──────────────────┤
 *                                  │ struct trapframe │ user registers
 *                                  ├──────────────────┤
 *                                  │ frames of calls  │
 *                              ksp │ r15 … rbp, rip   │ while switched out
 *                            stack ├──────────────────┤
 *                                  │ guard page       │
 *
 * Rules     1. FS base, user GS base and FPU registers belong to the thread
 *              that runs; they are saved when it leaves the CPU.  A user may
 *              change bases without us, by loading selectors.
 *           2. TSS.rsp0 and the stack of syscall_entry follow each switch, and so
 *              do debug registers if either thread has some.
 *
 * Read next kernel/amd64/switch.S, kernel/amd64/fpu.c
 */
#include "amd64/amd64.h"
#include "lib/string.h"

/* What switch_stacks() pops. */
struct switch_frame {
	uint64_t r15, r14, r13, r12, rbx, rbp, rip;
};

static uint8_t *top_of(const struct md_thread *);
static void set_kernel_stack(struct cpu *, struct md_thread *);
static void save_tls(struct md_thread *);
static void load_tls(const struct md_thread *);
static void clear_selectors(void);

/*
 * Prepare t->stack so that the first switch-in calls fn(arg).
 *
 * Locks:    none; t does not run.
 */
void
md_thread_init(struct md_thread *t, void (*fn)(void *), void *arg)
{
	struct trapframe *tf = md_user_frame(t);
	struct switch_frame *f;

	memset(tf, 0, sizeof(*tf));
	/* At switch_first rsp is a multiple of 16, as before any call. */
	f = (struct switch_frame *)((uint8_t *)tf - sizeof(*f));
	memset(f, 0, sizeof(*f));
	f->rip = (uint64_t)switch_first;
	f->r12 = (uint64_t)fn;
	f->r13 = (uint64_t)arg;
	t->ksp = (uint64_t)f;
	t->fsbase = t->gsbase = 0;
}

/* t is to run a user program: it gets the FPU of a new one.  Locks: none, t is new. */
void
md_thread_give_fpu(struct md_thread *t)
{
	t->fpu = top_of(t);
	md_fpu_init(t->fpu);
}

/*
 * Change threads.
 *
 * Context:  interrupts off.
 * Returns:  prev of whoever switches back to from.
 */
struct thread *
md_switch(struct md_thread *from, struct md_thread *to, struct thread *prev)
{
	struct cpu *c = cpu_this();

	fpu_switch(from, to);
	if (from->fpu != NULL)
		save_tls(from);
	if (to->fpu != NULL)
		load_tls(to);
	if (UNLIKELY(to->debug != NULL || c->debugged))
		debug_switch(c, to);
	set_kernel_stack(c, to);
	return switch_stacks(&from->ksp, to->ksp, prev);
}

static void
set_kernel_stack(struct cpu *c, struct md_thread *t)
{
	uint64_t top = (uint64_t)top_of(t);

	c->kstack = top;
	c->tss.rsp[0] = top;
}

/* Where the stack of t begins, downwards; the image of its FPU lies above. */
static uint8_t *
top_of(const struct md_thread *t)
{
	return t->stack + MD_KSTACK_SIZE - MD_FPU_SIZE;
}

/* The frame to which user thread t returns. */
struct trapframe *
md_user_frame(struct md_thread *t)
{
	return (struct trapframe *)top_of(t) - 1;
}

/*
 * Leave the kernel by the frame of the current thread.
 *
 * Context:  user thread, no locks.
 */
void
md_enter_user(void)
{
	struct md_thread *t;

	md_irq_disable();
	t = cpu_this()->md;
	clear_selectors();
	trap_user_exit(md_user_frame(t));
	trap_resume(md_user_frame(t));
}

/* ---- user FS and GS ---- */

static void
save_tls(struct md_thread *t)
{
	t->fsbase = rdmsr(MSR_FS_BASE);
	t->gsbase = rdmsr(MSR_KERNEL_GS_BASE);
}

static void
load_tls(const struct md_thread *t)
{
	wrmsr(MSR_FS_BASE, t->fsbase);
	wrmsr(MSR_KERNEL_GS_BASE, t->gsbase);
}

/* Null selectors (book: abi 2); our GS base is kept aside. */
static void
clear_selectors(void)
{
	uint64_t flags = md_irq_save();
	uint64_t fs = rdmsr(MSR_FS_BASE), gs = rdmsr(MSR_GS_BASE);

	__asm__ volatile("movl %0, %%ds; movl %0, %%es; movl %0, %%fs;"
	    "movl %0, %%gs" : : "r"(0));
	wrmsr(MSR_GS_BASE, gs);
	wrmsr(MSR_FS_BASE, fs);
	md_irq_restore(flags);
}

/*
 * Set the bases of t; of the current thread at once, with null selectors.
 *
 * Locks:    none; t is current or does not run.  The caller has checked that
 *           both are user addresses.
 */
void
md_set_tls(struct md_thread *t, uint64_t fsbase, uint64_t gsbase)
{
	uint64_t flags = md_irq_save();

	t->fsbase = fsbase;
	t->gsbase = gsbase;
	if (t == cpu_this()->md) {
		clear_selectors();
		load_tls(t);
	}
	md_irq_restore(flags);
}

void
md_get_tls(struct md_thread *t, uint64_t *fsbase, uint64_t *gsbase)
{
	uint64_t flags = md_irq_save();

	if (t == cpu_this()->md)
		save_tls(t);
	*fsbase = t->fsbase;
	*gsbase = t->gsbase;
	md_irq_restore(flags);
}
