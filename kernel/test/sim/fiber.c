/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fiber.c: threads of the simulated machine, one CPU each
 *
 * Problem   The sources of vm/ wait in the middle of their functions; several
 *           of them must be under way at once, and nobody but the explorer
 *           may decide who goes on.
 *
 * Picture   sim_point ─→ who could go on? ─→ explore_choose ─→ switch
 *           sim_block ──↗       (op: what a fiber needs)
 *
 * Rules     1. A fiber in OP_SPIN … OP_DISK can go on when what it needs is
 *              there; it then has it before anybody else runs.
 *           2. Time stands still while anybody can go on.  Then the earliest
 *              deadline comes; if there is none, it is a deadlock.
 *           3. A fiber that sleeps leaves its CPU idle: lazy TLB.
 *
 * Read next explore.c, lock.c.
 */
#include <stdio.h>
#include <string.h>

#include "test/sim/sim.h"

#define STACK_BYTES (256ul << 10)

struct sim_machine sim = { .current = -1 };

/* Not part of the world: world.c copies what is in use. */
static unsigned char *stacks;

void sim_switch(void **save, void *load);
static void fiber_start(void);
static void pass(void);

/* Callee-saved registers on the old stack, the same from the new one. */
__asm__(".text\n"
	".globl sim_switch\n"
	"sim_switch:\n"
	"	push %rbp; push %rbx; push %r12; push %r13; push %r14; push %r15\n"
	"	mov %rsp, (%rdi)\n"
	"	mov %rsi, %rsp\n"
	"	pop %r15; pop %r14; pop %r13; pop %r12; pop %rbx; pop %rbp\n"
	"	ret\n");

void *
sim_stack(unsigned fiber, size_t *bytes)
{
	if (stacks == NULL)
		stacks = sim_alloc(SIM_FIBERS * STACK_BYTES);
	*bytes = STACK_BYTES;
	return stacks + fiber * STACK_BYTES;
}

struct fiber *
sim_fiber(void)
{
	return sim.current < 0 ? NULL : &sim.fiber[sim.current];
}

struct fiber *
sim_spawn(const char *name, void (*fn)(void *), void *arg, bool is_daemon)
{
	unsigned i = sim.nfibers++;
	struct fiber *f = &sim.fiber[i];
	uint64_t *top;
	size_t n;

	if (i >= SIM_FIBERS)
		sim_fail("too many threads");
	top = (uint64_t *)((unsigned char *)sim_stack(i, &n) + STACK_BYTES);
	memset(f, 0, sizeof(*f));
	strncpy(f->t.name, name, sizeof(f->t.name) - 1);
	f->t.id = i + 1;
	f->cpu = i;
	f->live = true;
	f->is_daemon = is_daemon;
	f->fn = fn;
	f->arg = arg;
	*--top = 0;                      /* where main's frame would end */
	*--top = (uint64_t)fiber_start;
	top -= 6;
	memset(top, 0, 6 * sizeof(*top));
	f->sp = top;
	return f;
}

static void
fiber_start(void)
{
	struct fiber *f = sim_fiber();

	if (f->t.space != NULL)
		sim_switch_in(f);
	f->fn(f->arg);
	sim_switch_out(f);
	f->live = false;
	pass();
	sim_fail("a thread that has ended runs");
}

/* ---- who could go on ---- */

static bool
is_first(const struct fiber *f)
{
	unsigned i;

	for (i = 0; i < sim.nfibers; i++) {
		const struct fiber *g = &sim.fiber[i];

		if (g != f && g->live && g->op == OP_WRITE &&
		    g->obj == f->obj && g->arrived < f->arrived)
			return false;
	}
	return true;
}

static bool
can_run(const struct fiber *f)
{
	const struct rwlock *l = f->obj;

	if (!f->live)
		return false;
	switch (f->op) {
	case OP_RUN:
		return true;
	case OP_SPIN:
		return ((const struct spinlock *)f->obj)->holder == 0;
	case OP_MUTEX:
		return ((const struct mutex *)f->obj)->owner == NULL;
	case OP_READ:
		return l->writer == NULL && is_first(f);
	case OP_WRITE:
		return l->writer == NULL && l->readers == 0 && is_first(f);
	case OP_WAIT:
		return f->timed_out || (f->killed && f->how != WAIT_PLAIN) ||
		    (f->obj != NULL && ((const struct waiter *)f->obj)->woken);
	case OP_FLAG:
		return *(const bool *)f->obj;
	case OP_DISK:
		return sim_disk_pending();
	case OP_YIELD:
		return false; /* only when nobody else can */
	}
	sim_fail("fiber: op %u", f->op);
}

bool
sim_is_live(void)
{
	unsigned i;

	for (i = 0; i < sim.nfibers; i++)
		if (sim.fiber[i].live && !sim.fiber[i].is_daemon)
			return true;
	return false;
}

/* The current one first, then the others in their order from it on. */
static unsigned
runnable(unsigned *out, bool *current)
{
	unsigned i, k, n = 0, from = sim.current < 0 ? 0 : (unsigned)sim.current;

	*current = sim.current >= 0 && can_run(&sim.fiber[from]);
	for (i = 0; i < sim.nfibers; i++) {
		k = (from + i) % sim.nfibers;
		if (can_run(&sim.fiber[k]))
			out[n++] = k;
	}
	for (i = 0; n == 0 && i < sim.nfibers; i++) {
		k = (from + 1 + i) % sim.nfibers;
		if (sim.fiber[k].live && sim.fiber[k].op == OP_YIELD)
			out[n++] = k;
	}
	return n;
}

static void
deadlock(void)
{
	unsigned i;

	for (i = 0; i < sim.nfibers; i++)
		if (sim.fiber[i].live)
			fprintf(stderr, "  %s: %s %p\n", sim.fiber[i].t.name,
			    sim_op_name(sim.fiber[i].op), sim.fiber[i].obj);
	sim_fail("deadlock");
}

/* Nobody can go on: the earliest sleep ends by its deadline. */
static void
let_time_pass(void)
{
	struct fiber *first = NULL;
	unsigned i;

	for (i = 0; i < sim.nfibers; i++) {
		struct fiber *f = &sim.fiber[i];

		if (f->live && f->op == OP_WAIT &&
		    f->deadline != WAIT_FOREVER &&
		    (first == NULL || f->deadline < first->deadline))
			first = f;
	}
	if (first == NULL)
		deadlock();
	sim.ns = MAX(sim.ns, first->deadline);
	first->timed_out = true;
}

/* ---- switching ---- */

static void
go_to(int next)
{
	int was = sim.current;
	void **save = was < 0 ? &sim.driver_sp : &sim.fiber[was].sp;
	void *load = next < 0 ? sim.driver_sp : sim.fiber[next].sp;

	if (was == next)
		return;
	sim.current = next;
	sim_switch(save, load);
}

void
sim_leave(void)
{
	go_to(-1);
}

/* Somebody runs on; returns when the caller does. */
static void
pass(void)
{
	unsigned out[SIM_FIBERS], n;
	bool current;

	sim.steps++;
	if (sim.steps > SIM_STEPS_MAX)
		sim_fail("livelock: %u steps", sim.steps);
	n = runnable(out, &current);
	if (!sim_is_live()) {
		/* The pair has ended: daemons finish what they have begun. */
		go_to(n == 0 ? -1 : (int)out[0]);
		return;
	}
	while (n == 0) {
		let_time_pass();
		n = runnable(out, &current);
	}
	go_to((int)out[n == 1 ? 0 : explore_choose(out, n, current)]);
}

void
sim_point(enum sim_kind kind)
{
	struct fiber *f = sim_fiber();

	if (f == NULL || sim.in_irq > 0)
		return;
	sim_speculate();
	if ((sim.kinds & kind) == 0)
		return;
	f->op = OP_RUN;
	pass();
}

/* A sleep leaves the CPU to the idle thread; a spin does not. */
static bool
leaves_cpu(const struct fiber *f)
{
	return f->op != OP_SPIN && f->op != OP_YIELD && !can_run(f);
}

static void
ask(struct fiber *f, enum sim_op op, const void *obj)
{
	f->op = op;
	f->obj = obj;
}

void
sim_block(enum sim_op op, const void *obj)
{
	struct fiber *f = sim_fiber();

	if (f == NULL) {
		sim_fail("the driver would wait: %s", sim_op_name(op));
	}
	if (sim.in_irq > 0)
		sim_fail("a wait in an interrupt");
	sim_speculate();
	ask(f, op, obj);
	f->arrived = ++sim.arrivals;
	if (leaves_cpu(f)) {
		/* Has points of its own. */
		f->op = OP_RUN;
		sim_switch_out(f);
		ask(f, op, obj);
	}
	pass();
	f->op = OP_RUN;
	f->obj = NULL;
	if (f->is_lazy)
		sim_switch_in(f);
}

/*
 * The driver waits, and no thread of a pair is there: daemons that have
 * something to do do it; else time passes for them.
 */
bool
sim_run_daemons(void)
{
	unsigned out[SIM_FIBERS], i;
	bool current, sleeps = false;

	if (sim.current >= 0 || sim_is_live())
		return false;
	if (runnable(out, &current) == 0) {
		for (i = 0; i < sim.nfibers; i++)
			sleeps |= sim.fiber[i].op == OP_WAIT &&
			    sim.fiber[i].deadline != WAIT_FOREVER;
		if (!sleeps)
			return false;
		let_time_pass();
	}
	sim.steps = 0;
	pass();
	return true;
}

void
sim_run(void)
{
	sim.steps = 0;
	pass();
}

const char *
sim_op_name(enum sim_op op)
{
	static const char *const names[] = { "runs", "spin lock", "mutex",
		"rwlock read", "rwlock write", "sleep", "flag", "disk",
		"yield" };

	return names[op];
}
