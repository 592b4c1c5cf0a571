/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ipi.c: one CPU interrupts others: to schedule, to call, to stop
 *
 * Problem   A woken thread may have to run on another CPU at once; some functions
 *           must run on all CPUs; after a panic no other CPU may go on.
 *
 * Picture   md_send_resched() ─→ at once, or owed until preemption comes on
 *           md_call_others()  ─→ smp_call_interrupt() there
 *           md_stop_others()  ─→ NMI: halts
 *
 * Rules     1. need_resched stays set until the scheduler takes it; we look
 *              at it when preemption or interrupts come on again, at the end
 *              of an interrupt, and before user mode.
 *           2. No IPI is sent while this CPU holds a spin lock: the other CPU
 *              would at once spin for that lock, and the IPI is slow; in an
 *              emulator the spinning even delays it.
 *           3. md_call_others: one call at a time; callers wait with
 *              interrupts on, so two callers serve each other.
 *
 * Read next kernel/amd64/apic.c, kernel/amd64/shootdown.c.
 */
#include "amd64/amd64.h"
#include "events.h"

static struct {
	struct spinlock lock;      /* one call at a time */
	void (*fn)(void *);
	void *arg;
	uint64_t pending;          /* [A] CPUs that have not run it yet */
} call = { .lock = SPIN_INIT(LR_NONE) };

static bool stopping;              /* [A] */

static void call_owed(void);
static void call_owed_now(void);

/* ---- preemption (also inline.h) ---- */

void
md_set_need_resched(void)
{
	__asm__ volatile("orl %1, %%gs:%c0" : : "i"(CPU_NEED_RESCHED),
	    "i"(RESCHED_HERE) : "memory", "cc");
}

/* Also calls the CPUs that are still to be called: no lock is held here. */
bool
md_take_need_resched(void)
{
	uint32_t v = 0;

	ASSERT(!md_irq_is_enabled());
	__asm__ volatile("xchgl %0, %%gs:%c1" : "+r"(v)
	    : "i"(CPU_NEED_RESCHED) : "memory");
	call_owed();
	return (v & RESCHED_HERE) != 0;
}

/* trap_ops.resched is called once more, due or not, where preemption is next allowed. */
void
md_try_resched(void)
{
	__asm__ volatile("orl %1, %%gs:%c0" : : "i"(CPU_NEED_RESCHED),
	    "i"(RESCHED_TRY) : "memory", "cc");
}

/* Call the scheduler if it is due and this context may be preempted. */
void
md_maybe_resched(void)
{
	uint32_t due = CPU_READ32(CPU_NEED_RESCHED);

	if (due == 0 || md_preempt_count() != 0)
		return;
	if ((due & RESCHED_THERE) != 0)
		call_owed_now();
	if ((CPU_READ32(CPU_NEED_RESCHED) & (RESCHED_HERE | RESCHED_TRY)) != 0 &&
	    !md_in_irq())
		trap_call_resched();
}

/* ---- calling other CPUs, once no lock is held ---- */

static void
send_call(unsigned cpu)
{
	EVENT(sched_calls);
	apic_send(cpu, VEC_RESCHED);
}

/*
 * Make CPU cpu look at its run queue: at once, or when preemption comes on.
 * A waker often holds a lock that the woken thread wants next (rule 2).
 *
 * Context:  any.
 */
void
md_send_resched(unsigned cpu)
{
	uint64_t flags = md_irq_save();
	struct cpu *c = cpu_this();

	if (cpu == c->id) {
		md_set_need_resched();
	} else if (c->preempt == 0) {
		send_call(cpu);
	} else {
		EVENT(sched_calls_put_off);
		c->owed |= BIT(cpu);
		c->need_resched |= RESCHED_THERE;
	}
	md_irq_restore(flags);
}

/* Interrupts off, no lock held. */
static void
call_owed(void)
{
	struct cpu *c = cpu_this();
	uint64_t owed = c->owed;
	unsigned id;

	c->owed = 0;
	c->need_resched &= ~RESCHED_THERE;
	for (id = 0; owed != 0; id++, owed >>= 1)
		if ((owed & 1) != 0)
			send_call(id);
}

/* The same with interrupts on or off; not by md_irq_restore(): it calls us. */
static void
call_owed_now(void)
{
	bool on = md_irq_is_enabled();

	md_irq_disable();
	call_owed();
	if (on)
		md_irq_enable();
}

/* ---- calling ---- */

/*
 * Run fn(arg) on all other CPUs, in interrupt, and wait for them.
 *
 * Locks:    none of rank >= 7; interrupts on.
 * Context:  thread; does not sleep.
 */
void
md_call_others(void (*fn)(void *), void *arg)
{
	uint64_t others;
	unsigned id;

	ASSERT(md_irq_is_enabled());
	spin_lock(&call.lock);
	others = md_online_mask() & ~BIT(md_cpu());
	call.fn = fn;
	call.arg = arg;
	atomic_store(&call.pending, others);
	for (id = 0; id < MAXCPU; id++)
		if ((others & BIT(id)) != 0)
			apic_send(id, VEC_CALL);
	while (atomic_load(&call.pending) != 0)
		md_pause();
	spin_unlock(&call.lock);
}

/* The IPI of md_call_others(); interrupts off. */
void
smp_call_interrupt(void)
{
	uint64_t me = BIT(md_cpu());

	if ((atomic_load(&call.pending) & me) == 0)
		return;
	call.fn(call.arg);
	(void)atomic_and(&call.pending, ~me);
}

/* ---- stopping ---- */

/*
 * Halt all other CPUs for good.  Not by a broadcast: one that has not been
 * started would take the NMI in real mode and reset the machine.
 *
 * Locks:    none.
 */
void
md_stop_others(void)
{
	uint64_t others = md_online_mask() & ~BIT(md_cpu());
	unsigned id;

	atomic_store(&stopping, true);
	for (id = 0; id < MAXCPU; id++)
		if ((others & BIT(id)) != 0)
			apic_send_nmi(id);
}

bool
smp_is_stopping(void)
{
	return atomic_load(&stopping);
}
