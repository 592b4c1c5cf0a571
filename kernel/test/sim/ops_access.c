/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ops_access.c: words of a script that read and write
 *
 * Rules     1. w P.W V and r P.W V are accesses of the thread's CPU; f and fw
 *              say that they must fault.  A flag that another thread has set
 *              makes "may" into "must": what comes later in time must see it.
 *
 * Read next ops.c, pairs.txt.
 */
#include "test/sim/opsfn.h"

/* ---- accesses ---- */

static void
op_r(const struct step *s)
{
	uint64_t value = 0;

	expect(s, host_load(me(), va_of(s), &value), 0);
	if (!is_one_of(s->word[1], value))
		wrong(s, "read", value);
}

static void
op_r_may(const struct step *s)
{
	uint64_t value = 0;
	int r = host_load(me(), va_of(s), &value);

	if (r == 0 && !is_one_of(s->word[1], value))
		wrong(s, "read", value);
}

/* fill P N … has P N: word 0 of each page holds its number. */
static void
op_fill(const struct step *s)
{
	uint64_t i;

	for (i = s->arg[0]; i < s->arg[0] + s->arg[1]; i++)
		expect(s, host_store(me(), BASE + i * PAGE_SIZE, i), 0);
}

static void
op_has(const struct step *s)
{
	uint64_t i, value = 0;

	for (i = s->arg[0]; i < s->arg[0] + s->arg[1]; i++) {
		expect(s, host_load(me(), BASE + i * PAGE_SIZE, &value), 0);
		if (value != i)
			wrong(s, "read", value);
	}
}

/* see P.W V K: reads V if flag K was set before. */
static void
op_see(const struct step *s)
{
	bool must = world.flag[s->arg[2]];
	uint64_t value = 0;

	expect(s, host_load(me(), va_of(s), &value), 0);
	if (must && !is_one_of(s->word[1], value))
		wrong(s, "read", value);
}

/* see? P.W V K: or faults. */
static void
op_see_may(const struct step *s)
{
	bool must = world.flag[s->arg[2]];
	uint64_t value = 0;

	if (host_load(me(), va_of(s), &value) == 0 && must &&
	    !is_one_of(s->word[1], value))
		wrong(s, "read", value);
}

static void
op_w(const struct step *s)
{
	expect(s, host_store(me(), va_of(s), s->arg[1]), 0);
}

static void
op_w_may(const struct step *s)
{
	int r = host_store(me(), va_of(s), s->arg[1]);

	if (r != -EFAULT)
		expect(s, r, 0);
}

/* f P.W: faults; f P.W K: faults if flag K was set before. */
static bool
must_fault(const struct step *s)
{
	return s->n < 2 || world.flag[s->arg[1]];
}

static void
op_f(const struct step *s)
{
	bool must = must_fault(s);
	uint64_t value;
	int r = host_load(me(), va_of(s), &value);

	if (r == 0 && must)
		wrong(s, "no fault, read", value);
}

static void
op_fw(const struct step *s)
{
	bool must = must_fault(s);
	int r = host_store(me(), va_of(s), 7777);

	if (r == 0 && must)
		wrong(s, "no fault", 0);
}

/* save P.W K … same P.W K: the value has not changed. */
static void
op_save(const struct step *s)
{
	expect(s, host_load(me(), va_of(s), &world.reg[s->arg[1]]), 0);
}

static void
op_same(const struct step *s)
{
	uint64_t value;

	expect(s, host_load(me(), va_of(s), &value), 0);
	if (value != world.reg[s->arg[1]])
		wrong(s, "has changed to", value);
}

/* ---- another's memory, and what /proc shows ---- */

static void
op_peek(const struct step *s)
{
	struct aspace *as = world.as[s->arg[2]];
	uint64_t value = 0;
	ssize_t r;

	if (as == NULL)
		return;
	as_get(as);
	r = as_read(as, va_of(s), &value, 8);
	as_put(as);
	if (r != -EFAULT && (r != 8 || !is_one_of(s->word[1], value)))
		wrong(s, "read", value);
}

static void
op_poke(const struct step *s)
{
	struct aspace *as = world.as[s->arg[2]];
	ssize_t r;

	if (as == NULL)
		return;
	as_get(as);
	r = as_write(as, va_of(s), &s->arg[1], 8);
	as_put(as);
	if (r != -EFAULT)
		expect(s, r, 8);
}

/* in P.W V, copyout P.W V, text P.W: the current thread's own, by address. */
static void
op_in(const struct step *s)
{
	uint64_t value = 0;

	expect(s, copyin(&value, va_of(s), 8), 0);
	if (s->error == 0 && !is_one_of(s->word[1], value))
		wrong(s, "read", value);
}

/* in? P.W V, copyout? P.W V: or -EFAULT. */
static void
op_in_may(const struct step *s)
{
	uint64_t value = 0;
	int r = copyin(&value, va_of(s), 8);

	if (r != -EFAULT)
		expect(s, r, 0);
	if (r == 0 && !is_one_of(s->word[1], value))
		wrong(s, "read", value);
}

static void
op_outto_may(const struct step *s)
{
	int r = copyout(va_of(s), &s->arg[1], 8);

	if (r != -EFAULT)
		expect(s, r, 0);
}

static void
op_outto(const struct step *s)
{
	expect(s, copyout(va_of(s), &s->arg[1], 8), 0);
}

static void
op_text(const struct step *s)
{
	char text[64];
	ssize_t r = copyin_str(text, va_of(s), sizeof(text));

	expect(s, r < 0 ? r : 0, 0);
}

static void
op_futex(const struct step *s)
{
	struct vm_word_pin p;
	int r = vm_word_pin(me(), va_of(s), ACCESS_WRITE, WORD_SHARED, &p);

	if (r == 0)
		vm_word_unpin(&p, PAGE_DIRTY);
}

/* fwait P V: sleeps while the word is V; fwake P: wakes all. */
static void
op_futex_wait(const struct step *s)
{
	int64_t r = futex_wait_at(me(), va_of(s), (uint32_t)s->arg[1]);

	if (r != -EAGAIN)
		expect(s, r, 0);
}

static void
op_futex_wake(const struct step *s)
{
	if (futex_wake_all(me(), va_of(s)) < 0)
		wrong(s, "wake", 0);
}

static void
op_stat(const struct step *s)
{
	static void (*const of_system[])(struct out *) = { stat_pages,
		stat_queues, stat_commit, stat_swaps, stat_swap, stat_slabs,
		stat_frames, stat_check };
	static int (*const of_all[])(uint64_t *, struct out *) = { stat_shared,
		stat_vmos };
	static int (*const of_space[])(struct aspace *, uint64_t *,
	    struct out *) = { stat_maps, stat_smaps, stat_vadtree, stat_vmstat,
		stat_shared_of };
	struct vm_as_stat as_stat;
	struct vm_mem_info info;
	struct out_buf out;
	uint64_t words[16], at;
	char text[4096];
	unsigned i;

	out_buf_init(&out, text, sizeof(text));
	for (i = 0; i < ARRAY_LEN(of_system); i++)
		of_system[i](&out.out);
	for (i = 0; i < ARRAY_LEN(of_all); i++)
		for (at = 0; of_all[i](&at, &out.out) != 0;)
			;
	for (i = 0; i < ARRAY_LEN(of_space); i++)
		for (at = 0; of_space[i](me(), &at, &out.out) != 0;)
			;
	stat_ws(me(), &out.out);
	stat_pagemap(me(), BASE >> PAGE_SHIFT, words, 16, PAGEMAP_PFN);
	vm_as_stat_kinds(me(), &as_stat);
	vm_mem_info(&info);
}

/* ---- pins: pin P HOW K, and what goes through it ---- */

static void
op_pin(const struct step *s)
{
	bool write = s->word[1][0] == 'w';
	int r = vm_pin_user(me(), va_of(s), write ? ACCESS_WRITE : ACCESS_READ, &world.pin[s->arg[2]]);

	if (r == -EFAULT)
		world.pin[s->arg[2]] = NULL;
	else
		expect(s, r, 0);
}

static uint64_t *
pinned(uint64_t k)
{
	return pa2va(page_pa(world.pin[k]));
}

static void
op_pin_w(const struct step *s)
{
	sim_point(AT_USER);
	if (world.pin[s->arg[0]] != NULL)
		pinned(s->arg[0])[s->sub] = s->arg[1];
}

static void
op_pin_r(const struct step *s)
{
	sim_point(AT_USER);
	if (world.pin[s->arg[0]] != NULL &&
	    !is_one_of(s->word[1], pinned(s->arg[0])[s->sub]))
		wrong(s, "read", pinned(s->arg[0])[s->sub]);
}

static void
op_unpin(const struct step *s)
{
	if (world.pin[s->arg[0]] != NULL)
		page_unpin_written(world.pin[s->arg[0]], s->word[1][0] == 'w');
	world.pin[s->arg[0]] = NULL;
}

const struct op ops_access[] = {
	{ "r", op_r, 2 }, { "r?", op_r_may, 2 }, { "see", op_see, 3 },
	{ "see?", op_see_may, 3 },
	{ "fill", op_fill, 2 }, { "has", op_has, 2 }, { "w", op_w, 2 },
	{ "w?", op_w_may, 2 }, { "f", op_f, 1 }, { "fw", op_fw, 1 },
	{ "save", op_save, 2 }, { "same", op_same, 2 }, { "pin", op_pin, 3 },
	{ "pinw", op_pin_w, 2 }, { "pinr", op_pin_r, 2 },
	{ "unpin", op_unpin, 2 }, { "peek", op_peek, 3 },
	{ "poke", op_poke, 3 }, { "futex", op_futex, 1 },
	{ "fwait", op_futex_wait, 2 }, { "fwake", op_futex_wake, 1 },
	{ "stat", op_stat, 0 }, { "in", op_in, 2 }, { "copyout", op_outto, 2 },
	{ "in?", op_in_may, 2 }, { "copyout?", op_outto_may, 2 },
	{ "text", op_text, 1 },
	{ NULL, NULL, 0 }
};
