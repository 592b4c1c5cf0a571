/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_framesrandom.c: lab 22: calls at random by three processes, all rules after each
 *
 * Problem   What a test asks one by one a program does in any order.
 *
 * Picture   a call with numbers that are nearly right ─→ it works, or it is refused and
 *           nothing has changed ─→ frames_check(), and what a CPU has seen is so
 *
 * Read next lab_framesrig.c; kernel/test/host/frames_model.c has a model of ownership
 */
#include "test/boot/frames/lab_frames.h"

#define ROWS 200u
#define KINDS 10u

/* Some frame; mostly one that is there. */
static uint32_t
some_frame(uint64_t *seed)
{
	uint32_t f = 1 + (uint32_t)(lab_random(seed) % (ROWS - 1));
	unsigned tries;

	for (tries = 0; tries < ROWS && frame_at(f) == NULL; tries++)
		f = f % (ROWS - 1) + 1;
	return f;
}

static int
some_pid(uint64_t *seed)
{
	return (int)(lab_random(seed) % 3) * 7 % 13; /* 0, 7, 1: of which 1 is nobody */
}

static unsigned
some_flags(uint64_t *seed)
{
	unsigned kind = (unsigned)(lab_random(seed) % 8);

	if (kind == 0)
		return F_TYPE_TABLE;
	return (F_READ | (unsigned)(lab_random(seed) % 8)) |
	    (kind == 1 ? F_TYPE_SECTION : F_TYPE_PAGE);
}

/* An address in the first tables of the space, of a page, a table or a section. */
static va_t
some_va(uint64_t *seed)
{
	uint64_t r = lab_random(seed);

	return FRAME_USER_BASE + (r & 1) * (r >> 8 & 3) * (FRAME_SLOTS * PAGE_SIZE) +
	    (r >> 1 & 1) * (r >> 16 & 63) * PAGE_SIZE;
}

static int
call(uint64_t *seed)
{
	uint32_t f = some_frame(seed), g = some_frame(seed);
	int pid = some_pid(seed);

	switch (lab_random(seed) % KINDS) {
	case 0:
	case 1:
		return frame_split(pid, f, lab_random(seed) % 12 * PAGE_SIZE);
	case 2:
		return frame_merge(pid, f, frames_row(f)->pa_next);
	case 3:
	case 4:
		return frame_map(pid, g, f, some_va(seed), some_flags(seed));
	case 5:
		return frame_unmap(pid, g, f, some_va(seed));
	case 6:
		return frame_table(pid, f, 0, (int)(lab_random(seed) % 6));
	case 7:
		return frame_untable(pid, f);
	case 8:
		return frame_give(pid, f, some_pid(seed));
	default:
		return frame_allow(pid, some_pid(seed), (uint32_t)(lab_random(seed) % 4));
	}
}

static void
frames_random(void)
{
	uint64_t n = MIN(lab_param("n", 1500), 20000ul), seed = lab_param("seed", 9) | 1, i;
	uint64_t before, worked = 0;
	struct lab_way w;
	int r;

	vm_leak_begin();
	frames_rig_begin(ROWS);
	frames_child(7);
	frames_way(&w, 0, FRAME_USER_BASE);
	CHECK(frame_segment_space(0, 0, frames_cut(1)) == 0);
	for (i = 0; i < 8; i++)
		(void)frames_cut(1 + i % 3);
	ev_mark(1);
	for (i = 0; i < n; i++) {
		before = frames_sum();
		r = call(&seed);
		worked += r >= 0;
		CLAIM(r >= 0 || frames_sum() == before, "call %lu of the seed was refused (%d), "
		    "and something has changed", i, r);
		frames_sound("behind a call");
		frames_no_stale("behind a call");
		if (i % 16 == 0 && frame_proc(0)->root != 0) {
			frames_forget();
			frames_look(frame_proc(0)->root, FRAME_USER_BASE, 64);
			frames_look(frame_proc(0)->root, FRAME_USER_BASE + FRAME_SLOTS * PAGE_SIZE, 64);
		}
	}
	CLAIM(worked * 20 > n, "of %lu calls %lu worked\tone of 20", n, worked);
	ev_mark(2);
	frames_rig_end();
}

const struct selftest selftests_lab_framesrandom[] = {
	{ "lab_frames_random", frames_random, "calls at random keep all rules" },
	{ NULL, NULL, NULL },
};
