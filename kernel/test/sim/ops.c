/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ops.c: what a script can say
 *
 * Rules     1. An operation that fails though it may not ends the run with
 *              its text.
 *           2. The words are in five tables, here those of processes, threads
 *              and the machine.
 *
 * Read next script.c, pairs.txt.
 */
#include <stdlib.h>
#include <string.h>

#include "test/sim/opsfn.h"

struct ops_world world;

void
wrong(const struct step *s, const char *what, uint64_t value)
{
	sim_fail("\"%s\": %s %lu", s->text, what, value);
}

unsigned *
proc_no(void)
{
	return sim_fiber() == NULL ? &world.proc : &world.of[sim.current];
}

struct aspace *
me(void)
{
	return world.as[*proc_no()];
}

va_t
va_of(const struct step *s)
{
	return BASE + s->arg[0] * PAGE_SIZE + s->sub * 8;
}

/* Is value one of "1|2|3"? */
bool
is_one_of(const char *list, uint64_t value)
{
	char *end;

	for (;;) {
		if (strtoull(list, &end, 0) == value)
			return true;
		if (*end != '|')
			return false;
		list = end + 1;
	}
}

void
expect(const struct step *s, int64_t r, int64_t want)
{
	if (s->error != 0 && want == 0)
		want = s->error;
	if (r != want)
		wrong(s, "returned", (uint64_t)(r < 0 ? -r : r));
}

/* ---- processes ---- */

static void
proc_new(unsigned p)
{
	if (as_create(NULL, &world.as[p]) != 0)
		sim_fail("as_create");
	as_attach_user(world.as[p]);
}

static void
op_new(const struct step *s)
{
	proc_new((unsigned)s->arg[0]);
}

static void
op_fork(const struct step *s)
{
	struct aspace *child = NULL;
	int r = as_dup(me(), &child);

	if (r == -EINTR && sim_fiber() != NULL && sim_fiber()->killed)
		return;
	expect(s, r, 0);
	if (r != 0)
		return;
	as_attach_user(child);
	world.as[s->arg[0]] = child;
}

static void
leave_space(void)
{
	struct fiber *f = sim_fiber();

	if (f == NULL)
		return;
	sim_switch_out(f);
	f->t.space = NULL;
	f->is_lazy = false;
}

static void
op_exit(const struct step *s)
{
	struct aspace *as = me();

	world.as[*proc_no()] = NULL;
	leave_space();
	as_detach_user(as);
	as_put(as);
}

/* The thread's CPU goes on with another process. */
static void
op_go(const struct step *s)
{
	struct fiber *f = sim_fiber();

	*proc_no() = (unsigned)s->arg[0];
	if (f == NULL)
		return;
	f->t.space = as_space(me());
	sim_switch_in(f);
	sim_point(AT_SLEEP);
}

/* It sleeps, and runs on. */
static void
op_idle(const struct step *s)
{
	struct fiber *f = sim_fiber();

	sim_switch_out(f);
	sim_point(AT_SLEEP);
	sim_switch_in(f);
}

static void
op_kill(const struct step *s)
{
	unsigned i;

	for (i = 0; i < sim.nfibers; i++)
		if (strcmp(sim.fiber[i].t.name, s->word[0]) == 0)
			sim.fiber[i].killed = true;
}

/* ---- between threads ---- */

static void
op_set(const struct step *s)
{
	world.flag[s->arg[0]] = true;
}

static void
op_await(const struct step *s)
{
	sim_block(OP_FLAG, &world.flag[s->arg[0]]);
}

/* ---- the machine ---- */

static void
op_at(const struct step *s)
{
	*proc_no() = (unsigned)s->arg[0];
}

static void
op_hot(const struct step *s)
{
	sim_hot(me(), va_of(s));
}

static void
op_check(const struct step *s)
{
	if (vm_check(1) != 0)
		wrong(s, "findings", 1);
}

#define POINT_NAME(point) #point,
static const char *const point_names[FI_COUNT] = { INJECT_POINTS(POINT_NAME) };

/* inject POINT FIRST EVERY, the point without its FI_. */
static void
op_inject(const struct step *s)
{
	unsigned i;

	for (i = 0; i < FI_COUNT; i++)
		if (strcmp(point_names[i] + strlen("FI_"), s->word[0]) == 0)
			break;
	if (i == FI_COUNT)
		sim_fail("\"%s\": there is no such point", s->text);
	host_inject((enum inject_point)i, (unsigned)s->arg[1],
	    (unsigned)s->arg[2]);
}

static const struct op ops_others[] = {
	{ "new", op_new, 1 }, { "fork", op_fork, 1 }, { "exit", op_exit, 0 },
	{ "go", op_go, 1 }, { "idle", op_idle, 0 }, { "kill", op_kill, 1 },
	{ "set", op_set, 1 }, { "await", op_await, 1 },
	{ "at", op_at, 1 }, { "hot", op_hot, 1 }, { "check", op_check, 0 },
	{ "inject", op_inject, 3 },
	{ NULL, NULL, 0 }
};

const struct op *
op_find(const char *name)
{
	static const struct op *const tables[] = { ops_access, ops_map,
		ops_paging, ops_frames, ops_others };
	const struct op *op;
	unsigned i;

	for (i = 0; i < ARRAY_LEN(tables); i++)
		for (op = tables[i]; op->name != NULL; op++)
			if (strcmp(op->name, name) == 0)
				return op;
	return NULL;
}

unsigned
op_args(const struct op *op)
{
	return op->nargs;
}

void
op_run(const struct step *s)
{
	s->op->run(s);
}

/* ---- begin and end ---- */

void
ops_begin(void)
{
	vm_leak_begin();
	futex_begin();
	proc_new(0);
}

void
ops_bind(struct fiber *f, unsigned proc)
{
	world.of[f->cpu] = proc;
	f->t.space = as_space(world.as[proc]);
}

void
ops_at(unsigned proc)
{
	world.proc = proc;
}

void
ops_end(unsigned slots)
{
	unsigned i;

	/* The area was there when leaks began to be counted. */
	if (world.is_swap_off)
		(void)sim_swapon(slots);
	for (i = 0; i < NPINS; i++)
		if (world.pin[i] != NULL)
			page_unpin_dirty(world.pin[i]);
	for (i = 0; i < NPROC; i++) {
		if (world.as[i] == NULL)
			continue;
		as_detach_user(world.as[i]);
		as_put(world.as[i]);
	}
	if (world.vmo == NULL)
		return;
	if (vmo_refs(world.vmo) != 1)
		sim_fail("the object has %u references", vmo_refs(world.vmo));
	vmo_forget_client(world.vmo);
	vmo_put(world.vmo);
}
