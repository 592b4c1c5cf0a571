/* NEEDS: SHORT=1 KIND=exact */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_frames_random.c: whatever programs ask for, each page has one owner
 *
 * Problem   Rules that hold one by one may fail together: a space that is handed over
 *           while its owner ends, a creator that ends first, a full buffer.
 *
 * Picture   random call ─→ frames ─→ answer, rows, words, records, bytes ─┐
 *                       ├→ model  ─→ must be the same ←───────────────────┘
 *                       └→ four CPUs that forget nothing: is any of it stale?
 *
 * Rules     1. Most arguments are such that the call may succeed; the others hostile.
 *           2. Each call must have succeeded many times, else the test shows nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "lib/errno.h"
#include "test/host/frames_model.h"
#include "test/host/host.h"

enum call {
	SPLIT, MERGE, GIVE, ALLOW, COUNT, INFO, TABLE, UNTABLE, MAP, LINK, UNMAP, UNLINK, SWAP,
	SELF, NEW, START, SPACE, EXIT, CALLS
};
#define NAMES { "split", "merge", "give", "allow", "count", "info", "table", "untable", \
	"map", "link", "unmap", "unlink", "swap", "self", "new", "start", "space", "exit" }
/* Of a thousand calls. */
static const unsigned often[CALLS] = { 130, 40, 60, 30, 10, 50, 80, 25, 242, 120, 80, 20, 25,
	5, 40, 15, 20, 8 };
#define CHILDREN 13 /* numbers of processes, from 1 on: below */

static const char *const names[CALLS] = NAMES;
static unsigned passed[CALLS], failed[CALLS];

#define F(f) (&model_frames[f])

static bool
one_of(unsigned n)
{
	return host_random(n) == 0;
}

/* ---- arguments ---- */

static bool
is_frame_here(uint32_t f)
{
	return f > 0 && f < MODEL_ROWS && F(f)->type != FRAME_FREE;
}

static int
any_pid(void)
{
	int pid;

	if (one_of(60))
		return (int)host_random(2 * FH_PIDS) - FH_PIDS / 2;
	do
		pid = (int)host_random(FH_PIDS);
	while (!model_procs[pid].lives);
	return pid;
}

/* A number that a frame may have, and some that none has. */
static uint32_t
any_number(void)
{
	static const uint32_t wild[] = { 0, MODEL_ROWS, MODEL_ROWS + 1, 1u << 23, 1u << 24,
		0x7fffffff, 0x80000000, 0xffffffff };

	return one_of(20) ? wild[host_random(8)] : (uint32_t)host_random(MODEL_ROWS);
}

/* The first from a random one on for which is() holds, of owner's or (-1) anyone's. */
static uint32_t
found(int owner, bool (*is)(uint32_t))
{
	uint32_t f = 1 + (uint32_t)host_random(MODEL_ROWS - 1), i;

	for (i = 1; i < MODEL_ROWS; i++, f = f % (MODEL_ROWS - 1) + 1)
		if (F(f)->type != FRAME_FREE && (owner < 0 || F(f)->owner == owner) &&
		    (is == NULL || is(f)))
			return f;
	return 0;
}

/* Mostly one for which is() holds; and who asks is its owner, or its owner's creator. */
static uint32_t
frame_and_pid(int *pid, bool (*is)(uint32_t))
{
	uint32_t f = found(-1, is);

	if (f == 0 || one_of(40))
		return any_number();
	if (!one_of(30))
		*pid = one_of(8) ? model_procs[F(f)->owner].creator : F(f)->owner;
	return f;
}

/* Mostly one of the same owner's. */
static uint32_t
another(uint32_t first, bool (*is)(uint32_t))
{
	uint32_t f = 0;

	if (is_frame_here(first) && !one_of(40))
		f = found(one_of(12) ? model_procs[F(first)->owner].creator : F(first)->owner, is);
	return f == 0 ? any_number() : f;
}

static bool
is_page(uint32_t f)
{
	return F(f)->type == FRAME_PAGE;
}

/* Long ones stay whole for a while, so that there is something for sections. */
static bool
is_long(uint32_t f)
{
	return is_page(f) && F(f)->n > 1 && (F(f)->n < 512 || one_of(60));
}

static bool
is_one_page(uint32_t f)
{
	return is_page(f) && F(f)->n == 1;
}

static bool
is_two_pages(uint32_t f)
{
	return is_page(f) && F(f)->n == 2 && F(f)->nplaces == 0;
}

static bool
is_section(uint32_t f)
{
	return is_page(f) && F(f)->n % 512 == 0 && F(f)->first % 512 == 0;
}

static bool
is_table(uint32_t f)
{
	return model_level(f) != 0;
}

static bool
is_leaf(uint32_t f)
{
	return model_level(f) == 1;
}

static bool
is_middle(uint32_t f)
{
	return model_level(f) == 2;
}

static bool
is_upper(uint32_t f)
{
	return model_level(f) > 1;
}

static bool
is_top(uint32_t f)
{
	return model_level(f) == 4;
}

static bool
is_mapped(uint32_t f)
{
	return F(f)->nplaces > 0;
}

/* So that programs meet it. */
static bool
is_seen(uint32_t f)
{
	uint32_t top;

	if (F(f)->nplaces == 0)
		return false;
	(void)model_va(F(f)->place[0].table, 0, &top);
	return model_procs[F(top)->owner].root == top;
}

static bool
is_linked_leaf(uint32_t f)
{
	uint32_t top;

	(void)model_va(f, 0, &top);
	return is_leaf(f) && model_level(top) == 4;
}

static bool
is_loose(uint32_t f)
{
	return model_level(f) > 0 && model_level(f) < 4 && F(f)->parent == 0;
}

static bool
is_linked(uint32_t f)
{
	return F(f)->parent != 0;
}

static bool
is_special(uint32_t f)
{
	return is_table(f) || F(f)->type == FRAME_SEGSPACE;
}

static va_t
any_va(void)
{
	va_t va = host_random(1ul << 47);

	if (one_of(4))
		va = ~va;
	return one_of(2) ? va & ~0xffful : va;
}

/* Slots that meet each other. */
static unsigned
any_slot(void)
{
	static const unsigned edge[] = { 0, 63, 64, 447, 511 };

	return one_of(6) ? edge[host_random(5)] : (unsigned)host_random(24);
}

/* Of a slot of the table; a table that is not linked may be anywhere. */
static va_t
va_in(uint32_t table, unsigned slot)
{
	uint32_t top;

	if (!is_frame_here(table) || model_level(table) == 0 || one_of(25))
		return any_va();
	return model_va(table, slot, &top);
}

static unsigned
any_flags(void)
{
	if (one_of(30))
		return (unsigned)host_random(64);
	return F_READ | (one_of(2) ? F_WRITE : 0) | (one_of(4) ? F_EXEC : 0);
}

/* Mapping of a frame, or any. */
static va_t
va_of(uint32_t f, uint32_t *table)
{
	const struct model_place *at;
	uint32_t top;

	*table = any_number();
	if (!is_frame_here(f) || F(f)->nplaces == 0 || one_of(20))
		return any_va();
	at = &F(f)->place[host_random(F(f)->nplaces)];
	*table = at->table;
	return model_va(at->table, at->slot, &top);
}

/* ---- calls ---- */

static uint32_t
next_in_memory(uint32_t f)
{
	uint32_t i;

	for (i = 1; is_frame_here(f) && i < MODEL_ROWS; i++)
		if (is_frame_here(i) && F(i)->first == F(f)->first + F(f)->n)
			return i;
	return any_number();
}

static int
map(int pid, int *want)
{
	bool section = one_of(20);
	uint32_t t = frame_and_pid(&pid, section ? is_middle : one_of(3) ? is_leaf :
	    is_linked_leaf);
	uint32_t f = another(t, section ? is_section : one_of(6) ? is_special :
	    one_of(8) ? NULL : is_page);
	unsigned flags = any_flags() | (section ? F_TYPE_SECTION : 0);
	va_t va = va_in(t, any_slot());
	int got;

	if (is_frame_here(f) && F(f)->nplaces + 2 > MODEL_PLACES)
		return *want = -ENOSPC; /* the model's limit */
	got = frame_map(pid, t, f, va, flags);
	*want = model_map(pid, t, f, va, flags, got);
	return got;
}

static int
link(int pid, int *want)
{
	uint32_t f = frame_and_pid(&pid, one_of(6) ? is_table : is_loose);
	uint32_t t = another(f, is_upper), i;
	va_t va;
	int got;

	for (i = 0; i < 8 && is_frame_here(t) && is_frame_here(f) &&
	    model_level(f) + 1 != model_level(t); i++)
		t = another(f, is_upper);
	va = va_in(t, any_slot() + (is_frame_here(t) && model_level(t) == 4 ?
	    FRAME_SLOT_FIRST : 0));
	got = frame_map(pid, t, f, va, F_TYPE_TABLE);
	*want = model_map(pid, t, f, va, F_TYPE_TABLE, got);
	return got;
}

static int
unmap(int pid, int *want)
{
	uint32_t f = frame_and_pid(&pid, is_mapped), t;
	va_t va = va_of(f, &t);
	int got = frame_unmap(pid, t, f, va);

	*want = model_unmap(pid, t, f, va);
	return got;
}

static int
unlink(int pid, int *want)
{
	uint32_t f = frame_and_pid(&pid, is_linked), t = any_number();
	va_t va = any_va();
	int got;

	if (is_frame_here(f) && F(f)->parent != 0 && !one_of(20)) {
		t = F(f)->parent;
		va = va_in(t, F(f)->pslot);
	}
	got = frame_unmap(pid, t, f, va);
	*want = model_unmap(pid, t, f, va);
	return got;
}

static int
table(int pid, int *want)
{
	uint32_t f = frame_and_pid(&pid, is_one_page), t;
	int level = one_of(30) ? (int)host_random(8) - 2 : 1 + (int)host_random(4), got;
	va_t view = va_of(f, &t);

	if (is_frame_here(f) && F(f)->nplaces == 0 && !one_of(20))
		view = 0;
	got = frame_table(pid, f, view, level);
	*want = model_table(pid, f, view, level);
	return got;
}

static int
info(int pid, int *want)
{
	struct frame_info is, must;
	uint32_t n = (uint32_t)host_random(one_of(8) ? MODEL_ROWS : 24);
	int got;

	memset(&is, 0x55, sizeof(is));
	memset(&must, 0x55, sizeof(must));
	n |= one_of(2) ? FRAME_INFO_CLEAR : one_of(30) ? 1u << 31 : 0;
	got = frame_info(pid, n, &is);
	*want = model_info(pid, n, &must);
	assert_memory_equal(&is, &must, sizeof(is));
	return got;
}

static int
new_process(int pid, int *want)
{
	uint32_t f = frame_and_pid(&pid, is_two_pages);
	int child = 1, got;

	while (child < CHILDREN && model_procs[child].lives)
		child++;
	if (child == CHILDREN)
		return *want = -EAGAIN; /* the kernel has no number */
	got = frame_proc_new(pid, f, child);
	*want = model_new(pid, f, child);
	return got;
}

/* One that it created, if it has. */
static int
child_of(int pid)
{
	int i, child = (int)host_random(FH_PIDS);

	for (i = 0; i < FH_PIDS; i++, child = (child + 1) % FH_PIDS)
		if (child != 0 && model_procs[child].lives && model_procs[child].creator == pid)
			return child;
	return any_pid();
}

static int
exit_of_one(int *want)
{
	int pid, got;

	do
		pid = any_pid();
	while (pid > 0 && pid < 5 && !one_of(8)); /* four stay longer */
	got = frames_exit(pid);
	*want = model_exit(pid);
	return got;
}

static int
of_frames(enum call call, int pid, int *want)
{
	uint32_t f, g;
	uint64_t off;
	int got, to;

	switch (call) {
	case SPLIT:
		f = frame_and_pid(&pid, is_long);
		off = one_of(30) ? host_random(1 << 20) :
		    (one_of(2) || !is_frame_here(f) ? 1 + host_random(6) :
		    F(f)->n - 1 - host_random(2)) * FRAME_PAGE_SIZE;
		got = frame_split(pid, f, off);
		*want = model_split(pid, f, off, got);
		return got;
	case MERGE:
		f = frame_and_pid(&pid, is_page);
		g = next_in_memory(f);
		got = frame_merge(pid, f, g);
		*want = model_merge(pid, f, g);
		return got;
	case GIVE:
		f = frame_and_pid(&pid, is_page);
		to = one_of(2) ? child_of(pid) : any_pid();
		got = frame_give(pid, f, to);
		*want = model_give(pid, f, to);
		return got;
	case SPACE:
		f = frame_and_pid(&pid, is_one_page);
		to = is_frame_here(f) && !one_of(10) ? F(f)->owner : any_pid();
		got = frame_segment_space(pid, to, f);
		*want = model_space(pid, to, f);
		return got;
	case UNTABLE:
		f = frame_and_pid(&pid, is_special);
		got = frame_untable(pid, f);
		*want = model_untable(pid, f);
		return got;
	default:
		return *want = -ENOSYS;
	}
}

static int
of_processes(enum call call, int pid, int *want)
{
	int other = one_of(3) ? any_pid() : child_of(pid), got;
	uint32_t max = one_of(8) ? 0xffffffff : (uint32_t)host_random(9), f;

	switch (call) {
	case ALLOW:
		got = frame_allow(pid, other, max);
		*want = model_allow(pid, other, max);
		return got;
	case SWAP:
		f = frame_and_pid(&pid, is_top);
		other = one_of(3) ? pid : child_of(pid);
		got = vspace_swap(pid, other, f);
		*want = model_swap(pid, other, f);
		return got;
	case START:
		pid = one_of(10) || other < 0 || other >= FH_PIDS ? pid :
		    model_procs[other].creator;
		got = frame_proc_start(pid, other);
		*want = model_start(pid, other);
		return got;
	case COUNT:
		*want = model_count(pid);
		return frame_count(pid);
	case SELF:
		*want = model_self(pid);
		return vspace_self(pid);
	default:
		return of_frames(call, pid, want);
	}
}

static int
perform(enum call call, int *want)
{
	int pid = any_pid();

	switch (call) {
	case MAP:
		return map(pid, want);
	case LINK:
		return link(pid, want);
	case UNMAP:
		return unmap(pid, want);
	case UNLINK:
		return unlink(pid, want);
	case TABLE:
		return table(pid, want);
	case INFO:
		return info(pid, want);
	case NEW:
		return new_process(pid, want);
	case EXIT:
		return exit_of_one(want);
	default:
		return of_processes(call, pid, want);
	}
}

/* ---- programs that run meanwhile ---- */

/* A program on some CPU reads or stores where something is mapped, or not. */
static void
reach(void)
{
	uint32_t f = found(-1, is_seen), t;
	bool write = one_of(2);
	va_t va = va_of(f, &t);
	uint64_t *at, page;
	int pid;

	for (pid = 0; pid < FH_PIDS; pid++) {
		if (!model_procs[pid].lives)
			continue;
		at = frames_host_reach((unsigned)host_random(FH_CPUS), pid, va & ~0xffful, write);
		if (at == NULL || !write)
			continue;
		page = va2pa(at) / FRAME_PAGE_SIZE;
		*at = model_bytes[page] = host_random(~0ul);
	}
}

/* ---- the whole ---- */

static void
compare(unsigned n, enum call call, int got, int want)
{
	const char *wrong = got != want ? "the answer" : model_differs();

	if (wrong == NULL)
		wrong = frames_host_stale();
	if (wrong == NULL && n % 16 == 0)
		wrong = model_bytes_differ();
	if (wrong == NULL && n % 8 == 0)
		wrong = frames_check();
	if (wrong != NULL)
		fail_msg("call %u, %s: %d, must be %d: %s", n, names[call], got, want, wrong);
}

static enum call
any_call(void)
{
	unsigned x = (unsigned)host_random(1000), call = 0;

	for (; x >= often[call]; call++)
		x -= often[call];
	return (enum call)call;
}

/* All processes end, in any order, and mostly the machine begins again, unsplit. */
static void
begin_again(unsigned n)
{
	int got, want, pid, first = 1 + (int)host_random(FH_PIDS);

	for (pid = first; pid < first + FH_PIDS; pid++) {
		if (pid % FH_PIDS == 0 || !model_procs[pid % FH_PIDS].lives)
			continue;
		got = frames_exit(pid % FH_PIDS);
		want = model_exit(pid % FH_PIDS);
		compare(n, EXIT, got, want);
	}
	if (one_of(3))
		return;
	frames_host_boot(MODEL_ROWS);
	model_boot();
}

static void
random_calls(void **state)
{
	unsigned n, rounds = host_rounds(200000);
	int got, want = 0;
	enum call call;

	frames_host_boot(MODEL_ROWS);
	model_boot();
	host_seed(4);
	for (n = 1; n <= rounds; n++) {
		call = any_call();
		got = perform(call, &want);
		compare(n, call, got, want);
		(got >= 0 ? passed : failed)[call]++;
		reach();
		if (one_of(2500))
			begin_again(n);
	}
	begin_again(0);
	for (call = 0; call < CALLS; call++) {
		printf("%-8s %6u passed %6u failed\n", names[call], passed[call], failed[call]);
		assert_true(passed[call] > rounds / 2000);
	}
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_calls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
