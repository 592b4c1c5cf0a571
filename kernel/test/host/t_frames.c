/* NEEDS: SHORT=1 KIND=exact */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_frames.c: no program gets at memory that is not its own
 *
 * Problem   Programs own the tables that the CPU walks.  What they may ask for, in any
 *           order and with any numbers, must leave each page with one owner, and no CPU
 *           with a way to a page that has gone.
 *
 * Picture   rows E1 to E16 and E19 of the design, one rule each, by hand, then the
 *           states that they leave out: sections, exits
 *
 * Read next t_frames_random.c.
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

#define VA 0x367654321000ul /* slot 289 of its leaf table */
#define RO F_READ
#define RW (F_READ | F_WRITE)
#define LEAF_BASE (VA & ~0x1ffffful)

/* A process with four levels of tables around VA: [4] is the root. */
struct built {
	int pid;
	uint32_t table[5];
};

static void
good(void)
{
	const char *wrong = frames_check();

	if (wrong == NULL)
		wrong = frames_host_stale();
	if (wrong != NULL)
		fail_msg("%s", wrong);
}

/* One of so many pages, of process 0's. */
static uint32_t
pages_of_zero(uint64_t n)
{
	int f = frame_split(0, 2, (frames.at[2].pages - n) * FRAME_PAGE_SIZE);

	assert_true(f > 0);
	return (uint32_t)f;
}

/* Frames of the creator's: a child that has its root, so its frames too. */
static void
build(struct built *b, int pid)
{
	int level;

	b->pid = pid;
	for (level = 1; level <= 4; level++) {
		b->table[level] = pages_of_zero(1);
		assert_int_equal(frame_table(0, b->table[level], 0, level), 0);
	}
	for (level = 3; level >= 1; level--)
		assert_int_equal(frame_map(0, b->table[level + 1], b->table[level],
		    VA & ~((1ul << (12 + 9 * level)) - 1), F_TYPE_TABLE), 0);
	assert_int_equal(vspace_swap(0, pid, b->table[4]), 0);
	good();
}

static void
child_of_zero(struct built *b, int pid)
{
	assert_int_equal(frame_proc_new(0, pages_of_zero(2), pid), pid);
	build(b, pid);
}

/* A page of the process's own. */
static uint32_t
page_for(int pid)
{
	uint32_t f = pages_of_zero(1);

	if (pid == 0)
		return f;
	assert_int_equal(frame_allow(pid, 0, 1), 0);
	assert_int_equal(frame_give(0, f, pid), f);
	return f;
}

static uint64_t
sum_of_lengths(void)
{
	struct frame_info info;
	uint64_t sum = 0;
	int pid;
	uint32_t n;

	for (pid = 0; pid < FH_PIDS; pid++)
		for (n = 0; frame_info(pid, n, &info) == 0; n++)
			sum += info.len;
	return sum;
}

/* Whether all CPUs fault there. */
static bool
all_fault(int pid, va_t va)
{
	unsigned c;

	for (c = 0; c < FH_CPUS; c++)
		if (frames_host_reach(c, pid, va, false) != NULL)
			return false;
	return true;
}

/* A program sits on process 0's record, and leaves: all is one piece again, and clear. */
static void
process_0_is_whoever_sits_there(void **state)
{
	uint32_t rows = (uint32_t)frame_count(0), f, child, space;
	struct built b;

	frame_seat(7);
	assert_int_equal(frame_count(0), -ESRCH);
	assert_int_equal(frame_count(7), rows);
	f = (uint32_t)frame_split(7, 1, FRAME_PAGE_SIZE * 3);
	child = (uint32_t)frame_split(7, 1, FRAME_PAGE_SIZE);
	assert_int_equal(frame_proc_new(7, child, 8), 8);
	space = (uint32_t)frame_split(7, f, FRAME_PAGE_SIZE);
	assert_int_equal(frame_segment_space(7, 7, f), 0);
	*(uint64_t *)pa2va(frames.at[space].pa) = 42;
	good();
	assert_int_equal(frames_exit(7), -EPERM);
	frame_unseat();
	good();
	assert_int_equal(frame_count(7), -ESRCH);
	assert_int_equal(frame_count(8), 0);
	assert_int_equal(frames_exit(8), 0); /* its record is the kernel's again */
	frame_seat(9);
	frame_unseat();
	assert_int_equal(frame_count(0), rows);
	assert_true(*(uint64_t *)pa2va(FH_FIRST + 4 * FRAME_PAGE_SIZE) == 0);
	good();
	build(&b, 0);
}

static int
boot(void **state)
{
	frames_host_boot(MODEL_ROWS);
	return 0;
}

/* ---- rows ---- */

/* E1 and E4: frames change hands one by one, in lists by f_id. */
static void
e1_frames_are_given(void **state)
{
	struct frame_info info;
	int before, i, last = 0;
	struct built b;

	child_of_zero(&b, 1);
	before = frame_count(0);
	for (i = 0; i < 100; i++)
		(void)page_for(1);
	assert_int_equal(frame_count(0), before);
	assert_int_equal(frame_count(1), 104);
	for (i = 0; i < 104; i++) {
		assert_int_equal(frame_info(1, (uint32_t)i, &info), 0);
		assert_true(info.f_id > last);
		last = info.f_id;
	}
	assert_int_equal(frame_info(1, 104, &info), -EINVAL);
	assert_int_equal(sum_of_lengths(), FH_PAGES * FRAME_PAGE_SIZE);
	good();
}

/* E2: 1 MiB in pages and in one piece again. */
static void
e2_split_and_merge(void **state)
{
	uint64_t *bytes = pa2va(frames.at[1].pa);
	uint64_t i;
	int hi, r;

	assert_int_equal(frame_split(0, 1, 256 * FRAME_PAGE_SIZE) > 0, true);
	for (i = 0; i < 256 * FRAME_PAGE_SIZE / 8; i++)
		bytes[i] = i * 7;
	assert_int_equal(frame_split(0, 1, 1), -EINVAL);
	assert_int_equal(frame_split(0, 1, 0), -EINVAL);
	assert_int_equal(frame_split(0, 1, 256 * FRAME_PAGE_SIZE), -EINVAL);
	for (i = 255; i > 0; i--)
		assert_true(frame_split(0, 1, i * FRAME_PAGE_SIZE) > 0);
	good();
	assert_int_equal(frame_merge(0, 1, 1), -EINVAL);
	for (i = 1; i < 256; i++) {
		hi = (int)frames.at[1].pa_next;
		r = frame_merge(0, (uint32_t)hi, 1);
		assert_int_equal(r, -EINVAL);
		assert_int_equal(frame_merge(0, 1, (uint32_t)hi), 1);
	}
	assert_int_equal(frames.at[1].pages, 256);
	for (i = 0; i < 256 * FRAME_PAGE_SIZE / 8; i++)
		assert_true(bytes[i] == i * 7);
	good();
}

/* E3: a buffer that is full fails, and merging makes room. */
static void
e3_the_buffer_ends(void **state)
{
	int i, r;

	frames_host_boot(64);
	for (i = 2; i < 63; i++)
		assert_true(frame_split(0, 2, FRAME_PAGE_SIZE * (300 - (uint64_t)i)) > 0);
	r = frame_split(0, 2, FRAME_PAGE_SIZE);
	assert_int_equal(r, -ENFILE);
	good();
	assert_int_equal(frame_merge(0, 2, frames.at[2].pa_next), 2);
	assert_true(frame_split(0, 1, FRAME_PAGE_SIZE) > 0);
	assert_int_equal(frame_split(0, 1, FRAME_PAGE_SIZE), -EINVAL);
	good();
}

/* E5: what is a table is written by nobody. */
static void
e5_tables_are_for_reading(void **state)
{
	struct built b;
	uint32_t f;

	child_of_zero(&b, 1);
	f = page_for(1);
	assert_int_equal(frame_map(1, b.table[1], f, VA, RW), 0);
	assert_non_null(frames_host_reach(0, 1, VA, true));
	assert_int_equal(frame_table(1, f, VA, 1), -EBUSY);
	assert_int_equal(frame_segment_space(1, 1, f), -EBUSY);
	assert_int_equal(frame_unmap(1, b.table[1], f, VA), 0);
	assert_int_equal(frame_map(1, b.table[1], f, VA, RO), 0);
	assert_int_equal(frame_table(1, f, 0, 1), -EINVAL);
	assert_int_equal(frame_table(1, f, VA + FRAME_PAGE_SIZE, 1), -EINVAL);
	assert_int_equal(frame_table(1, f, VA, 5), -EINVAL);
	assert_int_equal(frame_table(1, f, VA, 1), 0);
	assert_int_equal(frame_map(1, b.table[1], f, VA + FRAME_PAGE_SIZE, RW), -EPERM);
	assert_int_equal(frame_map(1, b.table[1], b.table[1], VA + FRAME_PAGE_SIZE, RW),
	    -EPERM);
	assert_non_null(frames_host_reach(1, 1, VA, false));
	assert_null(frames_host_reach(1, 1, VA, true));
	good();
}

/* E6: forged words are gone before anything walks them. */
static void
e6_a_table_begins_empty(void **state)
{
	uint32_t f;
	struct built b;
	uint64_t *w;
	unsigned i;

	child_of_zero(&b, 1);
	f = page_for(1);
	w = frame_words(&frames.at[f]);
	for (i = 0; i < FRAME_SLOTS; i++)
		w[i] = FH_FIRST | MD_PTE_P | MD_PTE_W | MD_PTE_U;
	assert_int_equal(frame_table(1, f, 0, 1), 0);
	assert_int_equal(frame_map(1, b.table[2], f, LEAF_BASE + 0x200000, F_TYPE_TABLE), 0);
	for (i = 0; i < FRAME_SLOTS; i++)
		assert_true(all_fault(1, LEAF_BASE + 0x200000 + i * FRAME_PAGE_SIZE));
	good();
	assert_int_equal(frame_unmap(1, b.table[2], f, LEAF_BASE + 0x200000), 0);
	assert_int_equal(frame_untable(1, f), 0);
	assert_int_equal(w[0], 0);
	good();
}

static unsigned
height(const struct rb_node *n)
{
	return n == NULL ? 0 : 1 + MAX(height(n->left), height(n->right));
}

/* E10: the n-th own frame is found in as many steps as the tree is high. */
static void
e10_any_row_is_found_in_few_steps(void **state)
{
	const struct frame_proc *zero = frame_proc_at(0);
	int32_t last = 0, seen = 0;
	struct frame_info i;
	unsigned n = 0, bits = 0;

	while (frames.at[2].pages > 1 && frame_split(0, 2, (frames.at[2].pages - 1) * FRAME_PAGE_SIZE) > 0)
		n++;
	assert_in_range(n, 100, 1u << 20);
	for (n = 0; frame_info(0, n, &i) == 0; n++, last = i.f_id) {
		assert_true(i.f_id > last);
		seen++;
	}
	assert_int_equal(seen, frame_count(0));
	while ((n + 1) >> bits > 1)
		bits++;
	assert_in_range(height(&frames.at[zero->tree].own), bits, 2 * bits + 1);
	good();
}

/* E7: ten mappings, used on all CPUs, are gone when the frame is. */
static void
e7_all_mappings_go(void **state)
{
	uint64_t revoked = ev_read(EV_frames_revoke);
	struct built a, b;
	unsigned i, c;
	uint32_t f;

	child_of_zero(&a, 1);
	child_of_zero(&b, 2);
	f = page_for(1);
	assert_int_equal(frame_segment_space(1, 1, page_for(1)), 0);
	for (i = 0; i < 10; i++) {
		assert_true(frame_map(1, a.table[1], f, VA + i * FRAME_PAGE_SIZE, RW) >= 0);
		for (c = 0; c < FH_CPUS; c++)
			assert_non_null(frames_host_reach(c, 1, VA + i * FRAME_PAGE_SIZE, true));
	}
	assert_int_equal(frames.segments, 9);
	assert_int_equal(frame_allow(2, 1, 1), 0);
	assert_int_equal(frame_give(1, f, 2), f);
	for (i = 0; i < 10; i++) {
		assert_int_equal(frame_words(&frames.at[a.table[1]])[289 + i], 0);
		assert_true(all_fault(1, VA + i * FRAME_PAGE_SIZE));
	}
	assert_int_equal(frames.segments, 0);
	assert_int_equal(ev_read(EV_frames_revoke) - revoked, 10);
	good();
}

/* E8: a second mapping needs memory, which one may look at and get back. */
static void
e8_segments_have_memory(void **state)
{
	const struct segment *seen;
	struct built b;
	uint32_t f, s;
	int id;

	child_of_zero(&b, 1);
	f = page_for(1);
	s = page_for(1);
	assert_int_equal(frame_map(1, b.table[1], f, VA, RO), 0);
	assert_int_equal(frame_map(1, b.table[1], f, VA + 0x1000, RO), -ENOSPC);
	assert_int_equal(frame_segment_space(1, 2, s), -ESRCH);
	assert_int_equal(frame_segment_space(1, 0, s), -EPERM);
	assert_int_equal(frame_segment_space(1, 1, s), 0);
	id = frame_map(1, b.table[1], f, VA + 0x1000, RO);
	assert_int_equal(id >> 8, s);
	assert_int_equal(frame_map(1, b.table[1], s, VA + 0x2000, RO), 0);
	assert_int_equal(frame_map(1, b.table[1], s, VA + 0x3000, RW), -EPERM);
	seen = (struct segment *)frames_host_reach(0, 1, VA + 0x2000, false) + (id & 255);
	assert_int_equal(seen->s_id, id);
	assert_int_equal(seen->f_id, f);
	assert_int_equal(seen->at.table, b.table[1]);
	assert_int_equal(seen->at.slot, 290);
	assert_int_equal(frame_untable(1, s), -EBUSY);
	assert_int_equal(frame_unmap(1, b.table[1], f, VA), 0); /* the segment is the first now */
	assert_int_equal(frames.segments, 0);
	assert_int_equal(frame_untable(1, s), 0);
	good();
}

/* E9: consent, counted; a creator takes its own back. */
static void
e9_who_may_give(void **state)
{
	struct built a, b;
	unsigned i;
	uint32_t f[5];

	child_of_zero(&a, 1);
	child_of_zero(&b, 2);
	for (i = 0; i < 5; i++)
		f[i] = page_for(1);
	assert_int_equal(frame_give(1, f[0], 2), -EPERM);
	assert_int_equal(frame_give(1, f[0], 9), -ESRCH);
	assert_int_equal(frame_give(2, f[0], 1), -EPERM);
	assert_int_equal(frame_give(1, f[0], 1), -EINVAL);
	assert_int_equal(frame_allow(2, 1, 3), 0);
	for (i = 0; i < 3; i++)
		assert_int_equal(frame_give(1, f[i], 2), f[i]);
	assert_int_equal(frame_give(1, f[3], 2), -EDQUOT);
	assert_int_equal(frame_allow(2, 1, 0), 0);
	assert_int_equal(frame_give(1, f[3], 2), -EPERM);
	assert_int_equal(frame_allow(2, 2, 3), -EINVAL);
	assert_int_equal(frame_allow(2, 9, 3), -ESRCH);
	assert_int_equal(frame_give(0, f[3], 0), f[3]);
	good();
}

/* E9: until it starts, a child takes 256 frames from its creator; then none unasked. */
static void
e9_a_creator_may_until_start(void **state)
{
	struct built b;
	unsigned i;

	frames_host_boot(2000);
	child_of_zero(&b, 1);
	for (i = 0; i < FRAME_CREATOR_MAY; i++)
		assert_true(frame_give(0, pages_of_zero(1), 1) > 0);
	assert_int_equal(frame_give(0, pages_of_zero(1), 1), -EDQUOT);
	assert_int_equal(frame_proc_start(0, 1), 0);
	assert_int_equal(frame_give(0, 2, 1), -EPERM);
	good();
}

/* E10: A and D, of all words; cleared so that the next store is seen. */
static void
e10_touched(void **state)
{
	struct frame_info info;
	struct built b;
	uint32_t f, n;

	child_of_zero(&b, 1);
	f = page_for(1);
	assert_int_equal(frame_segment_space(1, 1, page_for(1)), 0);
	assert_int_equal(frame_map(1, b.table[1], f, VA, RO), 0);
	assert_true(frame_map(1, b.table[1], f, VA + 0x1000, RW) > 0);
	for (n = 0; frame_info(1, n, &info) == 0 && info.f_id != (int)f; n++)
		;
	assert_int_equal(info.touched, 0);
	assert_int_equal(info.va, VA);
	assert_int_equal(info.vspace, b.table[4]);
	assert_non_null(frames_host_reach(3, 1, VA, false));
	assert_int_equal(frame_info(1, n, &info), 0);
	assert_int_equal(info.touched, MD_PTE_A);
	assert_non_null(frames_host_reach(3, 1, VA + 0x1000, true));
	assert_int_equal(frame_info(1, n | FRAME_INFO_CLEAR, &info), 0);
	assert_int_equal(info.touched, MD_PTE_A | MD_PTE_D);
	good();
	assert_int_equal(frame_info(1, n, &info), 0);
	assert_int_equal(info.touched, 0);
	assert_non_null(frames_host_reach(3, 1, VA + 0x1000, true));
	assert_int_equal(frame_info(1, n, &info), 0);
	assert_int_equal(info.touched, MD_PTE_A | MD_PTE_D);
}

/* E11: two pages, a root, then it starts, once. */
static void
e11_a_process_is_two_pages(void **state)
{
	uint32_t f = pages_of_zero(2);
	struct built b;

	assert_int_equal(frame_proc_new(0, pages_of_zero(1), 1), -EINVAL);
	assert_int_equal(frame_proc_new(0, f, 1), 1);
	assert_int_equal(frame_proc_new(0, f, 2), -EBUSY);
	assert_int_equal(frame_proc_start(0, 1), -EINVAL);
	assert_int_equal(frame_proc_start(0, 2), -ESRCH);
	assert_int_equal(frame_proc_start(1, 1), -EPERM);
	assert_int_equal(frame_proc_start(1, 0), -EPERM);
	assert_int_equal(frame_untable(0, f), -EBUSY);
	assert_int_equal(frame_split(0, f, 0x1000), -EBUSY);
	assert_int_equal(frame_give(0, f, 1), -EBUSY);
	build(&b, 1);
	assert_int_equal(frame_proc_start(0, 1), 0);
	assert_int_equal(frame_proc_start(0, 1), -EINVAL);
	good();
}

/* E12 and E16: four levels by hand. */
static void
e12_tables_are_linked(void **state)
{
	struct frame_info info;
	uint32_t f, t, n;
	struct built b;

	child_of_zero(&b, 1);
	f = page_for(1);
	t = page_for(1);
	assert_int_equal(frame_map(1, b.table[1], f, VA, RW | F_EXEC), 0);
	*(uint64_t *)pa2va(frames.at[f].pa) = 42;
	assert_true(*frames_host_reach(2, 1, VA, false) == 42);
	assert_int_equal(frame_table(1, t, 0, 1), 0);
	assert_int_equal(frame_map(1, b.table[3], t, 0, F_TYPE_TABLE), -EINVAL);
	assert_int_equal(frame_map(1, b.table[2], f, LEAF_BASE + 0x200000, F_TYPE_TABLE),
	    -EINVAL);
	assert_int_equal(frame_map(1, b.table[2], t, LEAF_BASE, F_TYPE_TABLE), -EEXIST);
	assert_int_equal(frame_map(1, b.table[2], t, LEAF_BASE + 0x1000, F_TYPE_TABLE),
	    -EINVAL);
	assert_int_equal(frame_map(1, b.table[2], t, 0, F_TYPE_TABLE), -EINVAL);
	assert_int_equal(frame_map(1, b.table[4], b.table[3], FRAME_USER_END, F_TYPE_TABLE),
	    -EPERM);
	assert_int_equal(frame_map(1, b.table[4], b.table[3], 1ul << 63, F_TYPE_TABLE),
	    -EPERM);
	assert_int_equal(frame_map(1, b.table[2], t, LEAF_BASE + 0x200000, F_TYPE_TABLE), 0);
	assert_int_equal(frame_map(1, b.table[2], t, LEAF_BASE + 0x400000, F_TYPE_TABLE),
	    -EBUSY);
	assert_int_equal(frame_map(0, b.table[1], t, VA, F_TYPE_TABLE), -EINVAL);
	assert_int_equal(vspace_self(1), b.table[4]);
	assert_int_equal(vspace_self(0), -ENOENT);
	for (n = 0; frame_info(1, n, &info) == 0 && info.f_id != (int)b.table[4]; n++)
		;
	assert_int_equal(info.type, FRAME_TABLE4);
	assert_int_equal(info.used, 1);
	good();
}

/* E13: a space is handed over with its frames, and comes back with them. */
static void
e13_spaces_are_swapped(void **state)
{
	struct built a, b, c;
	uint32_t f, lent;

	child_of_zero(&a, 1);
	build(&b, 0);
	f = page_for(0);
	lent = page_for(0);
	assert_int_equal(frame_segment_space(0, 0, page_for(0)), 0);
	assert_int_equal(frame_map(0, b.table[1], f, VA, RW), 0);
	assert_non_null(frames_host_reach(1, 0, VA, true));
	assert_int_equal(vspace_swap(0, 1, b.table[4]), -EBUSY); /* runs there itself */
	assert_int_equal(vspace_swap(1, 0, b.table[4]), -EPERM);
	assert_int_equal(vspace_swap(0, 1, b.table[1]), -EINVAL);
	assert_int_equal(vspace_swap(0, 9, b.table[4]), -ESRCH);
	build(&c, 0); /* another for process 0: the second is nobody's root */
	assert_int_equal(frame_map(0, c.table[1], lent, VA, RW), 0);
	assert_true(frame_map(0, b.table[1], lent, VA + 0x1000, RW) > 0);
	assert_int_equal(vspace_swap(0, 1, b.table[4]), 0);
	assert_int_equal(frames.at[f].owner, frame_proc(1)->f_id);
	assert_int_equal(frames.at[b.table[1]].owner, frame_proc(1)->f_id);
	assert_int_equal(frames.at[a.table[4]].owner, 0);
	assert_int_equal(frames.at[a.table[1]].owner, 0);
	assert_int_equal(frames.at[lent].owner, 0); /* its first mapping is elsewhere */
	assert_int_equal(vspace_self(1), b.table[4]);
	assert_non_null(frames_host_reach(2, 1, VA, true));
	assert_non_null(frames_host_reach(2, 1, VA + 0x1000, true));
	good();
	assert_int_equal(vspace_swap(0, 1, b.table[4]), 0);
	assert_int_equal(vspace_swap(0, 1, a.table[4]), 0);
	assert_int_equal(frames.at[f].owner, 0);
	assert_true(all_fault(1, VA));
	good();
}

/* S4: what a grandchild may not have is taken away when a space goes to it. */
static void
e13_a_loan_goes_one_step(void **state)
{
	struct built a, b;
	uint32_t lent, two, t[5];
	int level;

	child_of_zero(&a, 1);
	two = pages_of_zero(2);
	assert_int_equal(frame_allow(1, 0, 2), 0);
	assert_int_equal(frame_give(0, two, 1), two);
	assert_int_equal(frame_proc_new(1, two, 2), 2);
	for (level = 1; level <= 4; level++) {
		t[level] = page_for(1);
		assert_int_equal(frame_table(1, t[level], 0, level), 0);
	}
	for (level = 3; level >= 1; level--)
		assert_int_equal(frame_map(1, t[level + 1], t[level],
		    VA & ~((1ul << (12 + 9 * level)) - 1), F_TYPE_TABLE), 0);
	lent = page_for(0);
	assert_int_equal(frame_map(0, t[1], lent, VA, RW), 0);
	assert_int_equal(vspace_swap(0, 2, t[4]), -EPERM);
	assert_int_equal(vspace_swap(1, 2, t[4]), 0);
	assert_int_equal(frames.at[lent].nmap, 0);
	assert_true(all_fault(2, VA));
	assert_int_equal(frame_map(0, t[1], lent, VA, RW), -EPERM);
	good();
	child_of_zero(&b, 3);
	assert_int_equal(frame_map(0, b.table[1], lent, VA, RW), 0);
	assert_int_equal(frame_map(3, b.table[1], lent, VA + 0x1000, RW), -EPERM);
	assert_int_equal(frame_unmap(1, b.table[1], lent, VA), -EPERM);
	assert_int_equal(frame_unmap(3, b.table[1], lent, VA), 0);
	good();
}

/* E14: a view and a link are two things. */
static void
e14_views_are_not_links(void **state)
{
	struct built b;
	uint32_t f;

	child_of_zero(&b, 1);
	f = page_for(1);
	assert_int_equal(frame_map(1, b.table[1], b.table[1], VA + 0x1000, RO), 0);
	assert_int_equal(frame_map(1, b.table[1], f, VA, RW), 0);
	assert_non_null(frames_host_reach(1, 1, VA + 0x1000, false));
	assert_int_equal(frame_unmap(1, b.table[2], b.table[1], LEAF_BASE), -EBUSY);
	assert_int_equal(frame_untable(1, b.table[1]), -EBUSY);
	assert_int_equal(frame_unmap(1, b.table[1], b.table[1], VA + 0x1000), 0);
	assert_true(all_fault(1, VA + 0x1000));
	assert_non_null(frames_host_reach(2, 1, VA, true));
	assert_int_equal(frame_unmap(1, b.table[1], f, VA + 0x2000), -ENOENT);
	assert_int_equal(frame_unmap(1, b.table[1], f, VA), 0);
	assert_int_equal(frame_unmap(1, b.table[2], b.table[1], LEAF_BASE), 0);
	assert_int_equal(frame_untable(1, b.table[1]), 0);
	assert_int_equal(frame_untable(1, b.table[4]), -EBUSY);
	good();
}

/* E15: four CPUs, four processes; each page that a CPU reaches is the process's. */
static void
e15_no_stale_read(void **state)
{
	uint32_t f[4];
	struct built b[4];
	uint64_t *at;
	unsigned i, k, c, rounds = host_rounds(20000);

	for (i = 0; i < 4; i++) {
		child_of_zero(&b[i], (int)i + 1);
		f[i] = page_for((int)i + 1);
		*(uint64_t *)pa2va(frames.at[f[i]].pa) = i + 1;
	}
	host_seed(15);
	for (k = 0; k < rounds; k++) {
		i = (unsigned)host_random(4);
		va_t va = VA + host_random(8) * FRAME_PAGE_SIZE;

		if (frames.at[f[i]].nmap == 0)
			assert_int_equal(frame_map((int)i + 1, b[i].table[1], f[i], va, RW), 0);
		else
			(void)frame_unmap((int)i + 1, b[i].table[1], f[i], va);
		for (c = 0; c < FH_CPUS; c++) {
			at = frames_host_reach(c, (int)i + 1, va, host_random(2) == 0);
			assert_true(at == NULL || *at == i + 1);
		}
		assert_null(frames_host_stale());
	}
	good();
}

/* SECTION: 2 MiB in one word. */
static void
sections(void **state)
{
	va_t at = LEAF_BASE + 0x200000;
	struct built b;
	int hi;

	child_of_zero(&b, 1);
	hi = frame_split(0, 1, FH_SECTION);
	assert_true(hi > 0);
	assert_int_equal(frame_map(0, b.table[2], 1, LEAF_BASE, RW | F_TYPE_SECTION),
	    -EEXIST);
	assert_int_equal(frame_map(0, b.table[1], 1, at, RW | F_TYPE_SECTION), -EINVAL);
	assert_int_equal(frame_map(0, b.table[2], 1, at + 0x1000, RW | F_TYPE_SECTION),
	    -EINVAL);
	assert_int_equal(frame_map(0, b.table[2], 2, at, RW | F_TYPE_SECTION), -EINVAL);
	assert_int_equal(frame_map(0, b.table[2], 1, at, RW), -EINVAL);
	assert_int_equal(frame_map(0, b.table[2], 1, at, RW | F_TYPE_SECTION), 0);
	assert_non_null(frames_host_reach(0, 1, at + 0x1ff000, true));
	assert_int_equal(frame_split(0, 1, 0x1000), -EBUSY);
	assert_int_equal(frame_merge(0, 1, (uint32_t)hi), -EBUSY);
	good();
	assert_int_equal(frame_unmap(1, b.table[2], 1, at), 0);
	assert_true(all_fault(1, at + 0x1ff000));
	good();
}

/* A frame that is mapped is split with its mappings, and joined again. */
static void
mapped_frames_are_split(void **state)
{
	struct built b;
	uint32_t f;
	int hi;

	child_of_zero(&b, 1);
	f = pages_of_zero(8);
	assert_int_equal(frame_map(0, b.table[1], f, VA, RW), 0);
	assert_non_null(frames_host_reach(0, 1, VA + 0x7000, true));
	hi = frame_split(0, f, 0x3000);
	assert_true(hi > 0);
	assert_non_null(frames_host_reach(1, 1, VA + 0x7000, true));
	assert_int_equal(frame_unmap(0, b.table[1], (uint32_t)hi, VA + 0x3000), 0);
	assert_true(all_fault(1, VA + 0x7000));
	assert_int_equal(frame_merge(0, f, (uint32_t)hi), -EBUSY);
	assert_int_equal(frame_map(0, b.table[1], (uint32_t)hi, VA + 0x3000, RO), 0);
	assert_int_equal(frame_merge(0, f, (uint32_t)hi), -EBUSY);
	assert_int_equal(frame_unmap(0, b.table[1], (uint32_t)hi, VA + 0x3000), 0);
	assert_int_equal(frame_map(0, b.table[1], (uint32_t)hi, VA + 0x3000, RW), 0);
	assert_int_equal(frame_merge(0, f, (uint32_t)hi), f);
	good();
	assert_int_equal(frame_segment_space(0, 0, pages_of_zero(1)), 0);
	assert_true(frame_map(0, b.table[1], f, VA + 0x10000, RO) > 0);
	hi = frame_split(0, f, 0x1000);
	assert_true(hi > 0);
	assert_int_equal(frames.segments, 2);
	assert_int_equal(frame_unmap(1, b.table[1], (uint32_t)hi, VA + 0x11000), 0);
	good();
}

/* Memory of segments ends: what needs one more fails, and nothing has changed. */
static void
segments_end(void **state)
{
	uint32_t f, two, s;
	struct built b;
	unsigned i;

	child_of_zero(&b, 1);
	f = page_for(0);
	two = pages_of_zero(2);
	s = pages_of_zero(1);
	assert_int_equal(frame_segment_space(0, 0, s), 0);
	assert_int_equal(frame_map(0, b.table[1], two, LEAF_BASE, RO), 0);
	assert_true(frame_map(0, b.table[1], two, LEAF_BASE + 0x2000, RW) > 0);
	for (i = 0; i < 169; i++)
		assert_true(frame_map(0, b.table[1], f, LEAF_BASE + (i + 4) * 0x1000, RO) >= 0);
	assert_int_equal(frame_map(0, b.table[1], f, LEAF_BASE + 0x1ff000, RO), -ENOSPC);
	assert_int_equal(frame_split(0, two, 0x1000), -ENOSPC);
	good();
	assert_int_equal(frame_unmap(0, b.table[1], f, LEAF_BASE + 4 * 0x1000), 0);
	assert_true(frame_split(0, two, 0x1000) > 0);
	assert_int_equal(frames.segments, 169);
	assert_int_equal(frame_untable(0, s), -EBUSY);
	good();
	frame_revoke(&frames.at[f]);
	frame_revoke(&frames.at[two]);
	assert_int_equal(frames.segments, 1);
	good();
}

/* E19: a tree of 20 ends in any order; all is process 0's, and clear. */
static void
e19_exits_return_frames(void **state)
{
	uint32_t f, two;
	int pid, creator, left;
	struct built b;
	unsigned round;
	uint64_t i;

	host_seed(19);
	for (round = 0; round < 20; round++) {
		frames_host_boot(MODEL_ROWS);
		for (pid = 1; pid <= 20; pid++) {
			creator = pid == 1 ? 0 : 1 + (int)host_random((uint64_t)pid - 1);
			two = pages_of_zero(2);
			if (creator != 0) {
				assert_int_equal(frame_allow(creator, 0, 1), 0);
				assert_int_equal(frame_give(0, two, creator), two);
			}
			assert_int_equal(frame_proc_new(creator, two, pid), pid);
			if (creator == 0 && host_random(2) == 0)
				build(&b, pid);
			f = page_for(pid);
			*(uint64_t *)pa2va(frames.at[f].pa) = 1;
			if (pid % 3 == 0)
				assert_int_equal(frame_segment_space(pid, pid, page_for(pid)), 0);
		}
		good();
		for (left = 20; left > 0; left--) {
			do
				pid = 1 + (int)host_random(20);
			while (frame_proc(pid) == NULL);
			assert_int_equal(frames_exit(pid), 0);
			good();
		}
		assert_int_equal(frames_exit(1), -ESRCH);
		assert_int_equal(frames_exit(0), -EPERM);
		assert_int_equal(frames.segments, 0);
		assert_int_equal(frame_proc_at(0)->quota, MODEL_ROWS - 1);
		for (i = FH_FIRST; i < FH_END; i += FRAME_PAGE_SIZE)
			assert_true(*(uint64_t *)pa2va(i) == 0);
		while (frames.at[2].pa_next != 0)
			assert_int_equal(frame_merge(0, 2, frames.at[2].pa_next), 2);
		assert_int_equal(frame_count(0), 2);
	}
}

/* S5: children of one that ends are its creator's; lent frames come back. */
static void
a_creator_ends_first(void **state)
{
	struct built a;
	uint32_t two, lent;

	child_of_zero(&a, 1);
	two = pages_of_zero(2);
	assert_int_equal(frame_give(0, two, 1), two);
	assert_int_equal(frame_proc_new(1, two, 2), 2);
	lent = page_for(1);
	assert_int_equal(frame_give(1, page_for(1), 2) > 0, true);
	assert_int_equal(frame_map(1, a.table[1], lent, VA, RW), 0);
	assert_int_equal(frame_proc_start(0, 2), -EPERM);
	assert_int_equal(frames_exit(1), 0);
	good();
	assert_int_equal(frames.at[two].owner, 0);
	assert_int_equal(frames.at[two].type, FRAME_PROC);
	assert_int_equal(frame_count(2), 1);
	assert_int_equal(frame_proc_start(0, 2), -EINVAL); /* no root, but it may */
	assert_int_equal(frames_exit(2), 0);
	good();
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(e1_frames_are_given, boot),
		cmocka_unit_test_setup(e2_split_and_merge, boot),
		cmocka_unit_test_setup(e3_the_buffer_ends, boot),
		cmocka_unit_test_setup(e5_tables_are_for_reading, boot),
		cmocka_unit_test_setup(e6_a_table_begins_empty, boot),
		cmocka_unit_test_setup(e10_any_row_is_found_in_few_steps, boot),
		cmocka_unit_test_setup(e7_all_mappings_go, boot),
		cmocka_unit_test_setup(e8_segments_have_memory, boot),
		cmocka_unit_test_setup(e9_who_may_give, boot),
		cmocka_unit_test_setup(e9_a_creator_may_until_start, boot),
		cmocka_unit_test_setup(e10_touched, boot),
		cmocka_unit_test_setup(e11_a_process_is_two_pages, boot),
		cmocka_unit_test_setup(e12_tables_are_linked, boot),
		cmocka_unit_test_setup(e13_spaces_are_swapped, boot),
		cmocka_unit_test_setup(e13_a_loan_goes_one_step, boot),
		cmocka_unit_test_setup(e14_views_are_not_links, boot),
		cmocka_unit_test_setup(e15_no_stale_read, boot),
		cmocka_unit_test_setup(sections, boot),
		cmocka_unit_test_setup(mapped_frames_are_split, boot),
		cmocka_unit_test_setup(segments_end, boot),
		cmocka_unit_test_setup(e19_exits_return_frames, boot),
		cmocka_unit_test_setup(a_creator_ends_first, boot),
		cmocka_unit_test_setup(process_0_is_whoever_sits_there, boot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
