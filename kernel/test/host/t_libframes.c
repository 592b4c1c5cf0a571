/* NEEDS: SHORT=1 KIND=exact */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_libframes.c: a program that pages itself loses no byte
 *
 * Problem   libframes maps, copies and writes out with the calls of design frames alone.
 *           A page that it forgets, or takes from two, is wrong bytes much later.
 *
 * Picture   random stores and reads ─→ CPUs of frames_host.c ─ fault ─→ lf_fault()
 *                                  └─→ an array of bytes for each space: the same?
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <string.h>

#include "lib/errno.h"
#include "test/host/frames_host.h"
#include "test/host/host.h"
#include "user/libframes/lf.h"

#define MANY 1024u           /* pages that a program works on … */
#define FEW 256u             /* … in so many frames */
#define AREA 200u            /* pages of a program of the tree */
#define PROCESSES 6u

_Static_assert(sizeof(struct lf_info) == sizeof(struct frame_info) &&
    offsetof(struct lf_info, touched) == offsetof(struct frame_info, touched), "as the kernel");
_Static_assert(LF_A == MD_PTE_A && LF_D == MD_PTE_D, "as the processor");

static struct program {
	struct lf_space *space;
	uint64_t must[AREA];
	unsigned rights[AREA];
} programs[PROCESSES];

static struct lf lf;
static uint8_t file[LF_SLOTS][FRAME_PAGE_SIZE];
static int next_pid;
static bool disk_fails;
static struct program *stopped; /* who waits for the library; NULL: nobody else runs */

/* ---- what is below the library ---- */

/* A child on another CPU stores while the library works, unless that is a fault. */
static void
other_stores(struct program *p, unsigned i)
{
	uint64_t *at;

	if (stopped == NULL || p == stopped || p->space == NULL)
		return;
	at = frames_host_reach(1 + (unsigned)host_random(FH_CPUS - 1), p->space->pid,
	    LF_BASE + i * LF_PAGE + 8, true);
	if (at != NULL)
		*at = p->must[i] = host_random(~0ul);
}

/* Just after the clock has asked for the frame, it is stored to. */
static long
info_then_store(uint32_t n, struct frame_info *info)
{
	long r = frame_info(0, n, info);
	struct lf_page *page;
	unsigned k, i;

	for (k = 1; r == 0 && k < PROCESSES && host_random(4) == 0; k++)
		for (i = 0; i < AREA && programs[k].space != NULL; i++) {
			page = lf_page_of(&lf, programs[k].space, LF_BASE + i * LF_PAGE);
			if (page != NULL && page->phys->f == (uint32_t)info->f_id)
				other_stores(&programs[k], i);
		}
	return r;
}

static long
call(enum lf_call n, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	other_stores(&programs[1 + host_random(PROCESSES - 1)], (unsigned)host_random(AREA));
	switch (n) {
	case LF_SPLIT:
		return frame_split(0, (uint32_t)a, b);
	case LF_MERGE:
		return frame_merge(0, (uint32_t)a, (uint32_t)b);
	case LF_GIVE:
		return frame_give(0, (uint32_t)a, (int)b);
	case LF_ALLOW:
		return frame_allow(0, (int)a, (uint32_t)b);
	case LF_COUNT:
		return frame_count(0);
	case LF_INFO:
		return info_then_store((uint32_t)a, (struct frame_info *)b);
	case LF_TABLE:
		return frame_table(0, (uint32_t)a, b, (int)c);
	case LF_UNTABLE:
		return frame_untable(0, (uint32_t)a);
	case LF_MAP:
		return frame_map(0, (uint32_t)a, (uint32_t)b, c, (unsigned)d);
	case LF_UNMAP:
		return frame_unmap(0, (uint32_t)a, (uint32_t)b, c);
	case LF_SWAP:
		return vspace_swap(0, (int)a, (uint32_t)b);
	case LF_SELF:
		return vspace_self(0);
	case LF_PROC_NEW:
		for (next_pid = 1; frame_proc(next_pid) != NULL;)
			next_pid++;
		return frame_proc_new(0, (uint32_t)a, next_pid);
	case LF_PROC_START:
		return frame_proc_start(0, (int)a);
	case LF_SEGMENT_SPACE:
		return frame_segment_space(0, (int)a, (uint32_t)b);
	case LF_FAULT:
		break;
	}
	return -ENOSYS;
}

/* The library's own window: it is mapped, or the library is wrong. */
static void *
window(uint64_t va, bool write)
{
	void *at = frames_host_reach(0, 0, va, write);

	assert_non_null(at);
	return at;
}

static int
out(uint32_t slot, uint64_t va)
{
	if (disk_fails && host_random(4) == 0)
		return -EIO;
	memcpy(file[slot], window(va, false), FRAME_PAGE_SIZE);
	return 0;
}

static int
in(uint32_t slot, uint64_t va)
{
	if (disk_fails && host_random(4) == 0)
		return -EIO;
	memcpy(window(va, true), file[slot], FRAME_PAGE_SIZE);
	return 0;
}

static void
copy(uint64_t to, uint64_t from)
{
	memcpy(window(to, true), window(from, false), FRAME_PAGE_SIZE);
}

static void
clear(uint64_t va)
{
	memset(window(va, true), 0, FRAME_PAGE_SIZE);
}

static const struct lf_os os = {
	.call = call, .out = out, .in = in, .copy = copy, .clear = clear,
};

static int
begin(void **state)
{
	memset(&lf, 0, sizeof(lf));
	memset(file, 0x77, sizeof(file));
	disk_fails = false;
	frames_host_boot(2000);
	assert_int_equal(lf_begin(&lf, &os, 0, FEW), 0);
	return 0;
}

static void
good(void)
{
	const char *wrong = frames_check();

	if (wrong == NULL)
		wrong = frames_host_stale();
	if (wrong != NULL)
		fail_msg("%s", wrong);
}

/* Where the program of the space reaches va; NULL: its mistake. */
static uint64_t *
reach(struct lf_space *s, uint64_t va, bool write)
{
	unsigned cpu = s == &lf.space[0] ? 0 : (unsigned)host_random(FH_CPUS), tries = 0;
	uint64_t *at;
	long r;

	while ((at = frames_host_reach(cpu, s->pid, va, write)) == NULL) {
		r = lf_fault(&lf, s, va, write);
		if (r == -EFAULT)
			return NULL;
		assert_true((r == 0 || (r == -EIO && disk_fails) || (r == -ENOMEM && disk_fails)) &&
		    tries++ < 40);
	}
	return at;
}

static unsigned
frames_free(void)
{
	unsigned n = 0, order;
	uint32_t f;

	for (order = 0; order < LF_ORDERS; order++)
		for (f = lf.free[order]; f != 0; f = lf.frame[f].next)
			n += 1u << order;
	return n;
}

/* ---- tests ---- */

/* Frames are cut and joined; in the end all is one again. */
static void
buddies(void **state)
{
	static uint32_t f[64];
	unsigned order[64] = { 0 }, i, k, free = frames_free(), max;

	host_seed(1);
	for (k = 0; k < 4000; k++) {
		i = (unsigned)host_random(64);
		if (f[i] != 0) {
			assert_int_equal(frames.at[f[i]].pages, 1u << order[i]);
			lf_put(&lf, f[i], order[i]);
			f[i] = 0;
			continue;
		}
		order[i] = (unsigned)host_random(5);
		f[i] = lf_take(&lf, order[i]);
	}
	for (i = 0; i < 64; i++)
		if (f[i] != 0)
			lf_put(&lf, f[i], order[i]);
	good();
	assert_int_equal(frames_free(), free);
	assert_true(lf.merges > 100);
	for (max = 7; max > 0 && lf_take(&lf, max) == 0;)
		max--;
	assert_int_equal(max, 7); /* the first page is a table */
}

/* E17: four times as many pages as frames. */
static void
e17_pages_itself(void **state)
{
	static uint64_t must[MANY][2];
	unsigned k, i, w, rounds = host_rounds(40000);
	uint64_t *at;

	host_seed(17);
	memset(must, 0, sizeof(must));
	assert_int_equal(lf_mmap(&lf, &lf.space[0], LF_BASE, MANY * LF_PAGE, LF_R | LF_W), 0);
	for (k = 0; k < rounds; k++) {
		/* Most of it near one place, which moves. */
		i = (unsigned)(k / 64 + host_random(host_random(4) == 0 ? MANY : 100)) % MANY;
		w = (unsigned)host_random(2);
		at = reach(&lf.space[0], LF_BASE + i * LF_PAGE + w * 2048, host_random(3) == 0);
		assert_true(*at == must[i][w]);
		at = reach(&lf.space[0], LF_BASE + i * LF_PAGE + w * 2048, true);
		*at = must[i][w] = host_random(~0ul);
		if (k % 256 == 0)
			good();
	}
	for (i = 0; i < MANY; i++)
		for (w = 0; w < 2; w++)
			assert_true(*reach(&lf.space[0], LF_BASE + i * LF_PAGE + w * 2048, false) ==
			    must[i][w]);
	good();
	assert_int_equal(lf.zeroed, MANY);
	assert_true(lf.ins > 0 && lf.outs > 0);
	assert_int_equal(lf_munmap(&lf, &lf.space[0], LF_BASE, MANY * LF_PAGE), 0);
	for (i = 0; i < LF_SLOTS; i++)
		assert_false(lf.slot_used[i]);
	assert_true(frames_free() > FEW - 16);
}

/* A page that was read only is not written again. */
static void
clean_pages_are_not_written(void **state)
{
	uint64_t outs;
	unsigned i, k;

	assert_int_equal(lf_mmap(&lf, &lf.space[0], LF_BASE, MANY * LF_PAGE, LF_R | LF_W), 0);
	for (i = 0; i < MANY; i++)
		*reach(&lf.space[0], LF_BASE + i * LF_PAGE, true) = i;
	for (k = 0; k < 2; k++)
		for (i = 0; i < MANY; i++)
			assert_true(*reach(&lf.space[0], LF_BASE + i * LF_PAGE, false) == i);
	outs = lf.outs;
	for (i = 0; i < MANY; i++)
		assert_true(*reach(&lf.space[0], LF_BASE + i * LF_PAGE, false) == i);
	assert_int_equal(lf.outs, outs);
	good();
}

/* The clock: what is used all the time stays. */
static void
hot_pages_stay(void **state)
{
	unsigned i, k, missed = 0;

	assert_int_equal(lf_mmap(&lf, &lf.space[0], LF_BASE, MANY * LF_PAGE, LF_R | LF_W), 0);
	for (k = 0; k < 4 * MANY; k++) {
		(void)reach(&lf.space[0], LF_BASE + (64 + k % (MANY - 64)) * LF_PAGE, true);
		for (i = 0; i < 64; i++) {
			missed += frames_host_reach(0, 0, LF_BASE + i * LF_PAGE, false) == NULL;
			(void)reach(&lf.space[0], LF_BASE + i * LF_PAGE, false);
		}
	}
	assert_true(missed < 64 + MANY / 2);
	good();
}

/* What a program may not do is its fault; what it may again, works again. */
static void
rights(void **state)
{
	struct lf_space *s = &lf.space[0];

	assert_null(reach(s, LF_BASE, false));
	assert_int_equal(lf_mmap(&lf, s, LF_BASE, 8 * LF_PAGE, LF_R | LF_W), 0);
	*reach(s, LF_BASE + 3 * LF_PAGE, true) = 5;
	assert_int_equal(lf_mprotect(&lf, s, LF_BASE + 2 * LF_PAGE, 2 * LF_PAGE, LF_R), 0);
	assert_null(reach(s, LF_BASE + 3 * LF_PAGE, true));
	assert_true(*reach(s, LF_BASE + 3 * LF_PAGE, false) == 5);
	assert_non_null(reach(s, LF_BASE + 4 * LF_PAGE, true));
	assert_int_equal(lf_munmap(&lf, s, LF_BASE + 2 * LF_PAGE, LF_PAGE), 0);
	assert_null(reach(s, LF_BASE + 2 * LF_PAGE, false));
	assert_int_equal(lf_mprotect(&lf, s, LF_BASE, 8 * LF_PAGE, LF_R | LF_W), -ENOMEM);
	assert_int_equal(lf_mprotect(&lf, s, LF_BASE + 3 * LF_PAGE, LF_PAGE, LF_R | LF_W), 0);
	assert_true(*reach(s, LF_BASE + 3 * LF_PAGE, true) == 5);
	assert_int_equal(lf_munmap(&lf, s, LF_BASE + 1, LF_PAGE), -EINVAL);
	assert_int_equal(lf_munmap(&lf, s, 0, LF_PAGE), -EINVAL);
	assert_int_equal(lf_mmap(&lf, s, LF_WINDOW, LF_PAGE, LF_R), -EINVAL);
	good();
}

/* ---- trees ---- */

static void
program_end(struct program *p)
{
	assert_int_equal(frames_exit(p->space->pid), 0);
	lf_space_end(&lf, p->space);
	p->space = NULL;
}

static void
program_step(struct program *p)
{
	unsigned i = (unsigned)host_random(AREA), n = 1 + (unsigned)host_random(20), k;
	unsigned how = (unsigned)host_random(100), to = host_random(3) == 0 ? LF_R : LF_R | LF_W;
	bool write = host_random(2) == 0;
	uint64_t *at;

	if (i + n > AREA)
		n = AREA - i;
	if (how < 4) {
		if (lf_mmap(&lf, p->space, LF_BASE + i * LF_PAGE, n * LF_PAGE, to) == 0)
			for (k = i; k < i + n; k++) {
				p->rights[k] = to;
				p->must[k] = 0;
			}
		else /* too many ranges; what was there has gone */
			for (k = i; k < i + n; k++)
				if (lf_range_of(p->space, LF_BASE + k * LF_PAGE) == NULL)
					p->rights[k] = 0;
	} else if (how < 6) {
		if (lf_munmap(&lf, p->space, LF_BASE + i * LF_PAGE, n * LF_PAGE) == 0)
			memset(&p->rights[i], 0, n * sizeof(p->rights[0]));
	} else if (how < 10) {
		if (lf_mprotect(&lf, p->space, LF_BASE + i * LF_PAGE, n * LF_PAGE, to) == 0)
			for (k = i; k < i + n; k++)
				p->rights[k] = to;
	} else {
		at = reach(p->space, LF_BASE + i * LF_PAGE + 8, write);
		assert_int_equal(at != NULL, (p->rights[i] & (write ? LF_W : LF_R)) != 0);
		if (at != NULL)
			assert_true(*at == p->must[i]);
		if (at != NULL && write)
			*at = p->must[i] = host_random(~0ul);
	}
}

static void
forks(unsigned rounds)
{
	struct program *p, *c;
	unsigned k, i;

	memset(programs, 0, sizeof(programs));
	programs[0].space = &lf.space[0];
	assert_int_equal(lf_mmap(&lf, &lf.space[0], LF_BASE, AREA * LF_PAGE, LF_R | LF_W), 0);
	for (i = 0; i < AREA; i++)
		programs[0].rights[i] = LF_R | LF_W;
	for (k = 0; k < rounds; k++) {
		p = &programs[host_random(PROCESSES)];
		c = &programs[host_random(PROCESSES)];
		if (p->space == NULL)
			continue;
		stopped = p;
		program_step(p);
		if (c->space == NULL && host_random(30) == 0) {
			struct lf_space *space = lf_fork(&lf, p->space);

			*c = *p;
			c->space = space;
		} else if (c != &programs[0] && c->space != NULL && host_random(400) == 0)
			program_end(c);
		stopped = NULL;
		if (k % 64 == 0)
			good();
	}
	for (i = 1; i < PROCESSES; i++)
		if (programs[i].space != NULL)
			program_end(&programs[i]);
	good();
	assert_int_equal(lf_munmap(&lf, &lf.space[0], LF_BASE, AREA * LF_PAGE), 0);
	assert_true(frames_free() > FEW - 16);
	assert_true(lf.copied > rounds / 200 && lf.ins > rounds / 200);
}

/* Copies on write, pages of several, out and in, exits: each program has its own bytes. */
static void
programs_fork(void **state)
{
	host_seed(2);
	forks(host_rounds(60000));
}

/* The same with a file that fails: who waits tries again, and no byte is lost. */
static void
programs_fork_on_a_bad_file(void **state)
{
	host_seed(3);
	disk_fails = true;
	forks(host_rounds(20000));
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(buddies, begin),
		cmocka_unit_test_setup(e17_pages_itself, begin),
		cmocka_unit_test_setup(clean_pages_are_not_written, begin),
		cmocka_unit_test_setup(hot_pages_stay, begin),
		cmocka_unit_test_setup(rights, begin),
		cmocka_unit_test_setup(programs_fork, begin),
		cmocka_unit_test_setup(programs_fork_on_a_bad_file, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
