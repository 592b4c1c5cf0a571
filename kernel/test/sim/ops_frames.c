/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ops_frames.c: words of a script for calls of design frames
 *
 * Picture   fcut 5 1     register 5 is a new frame of one page
 *           fbuild 1     registers 1 … 4 are tables of these levels, linked, for F0 …
 *           fmap F0 1 5 3    frame 5 at page F0 by table 1, to read and write
 *
 * Rules     1. F0, F1, … are pages where frames are mapped; a frame is named by the
 *              register that has its number.  Process p of the script is number p + 1.
 *           2. A word with a ? at its end may be refused.  (Then a register stays as it
 *              was.)
 *
 * Read next ops.c, vm/design/frames/frames.h.
 */
#include "test/sim/opsfn.h"

#include <string.h>

#include "vm/design/frames/frame_space.h"

#define FRAME_OF(k) (world.frame[k])

static int
number(uint64_t proc)
{
	return (int)proc + 1;
}

/* As whom the thread's process asks; frames_lock is held. */
static int
enter(const struct step *s)
{
	int who;

	expect(s, frame_enter(me(), number(*proc_no()), true, &who), 0);
	return who;
}

static void
answered(const struct step *s, int r)
{
	frame_leave();
	if (r < 0 && strchr(s->op->name, '?') != NULL)
		return;
	expect(s, r < 0 ? r : 0, 0);
}

#define ASK(name, expr)                        \
	static void op_##name(const struct step *s) \
	{                                      \
		int who = enter(s);            \
		answered(s, expr);             \
	}

/* ---- a frame ---- */

/* The upper n pages of the largest unmapped frame. */
static int
cut(int who, uint64_t n)
{
	struct frame_info i, most = { 0 };
	uint32_t k;

	for (k = 0; frame_info(who, k, &i) == 0; k++)
		if (i.type == FRAME_PAGE && i.nmap == 0 && i.len > most.len)
			most = i;
	return frame_split(who, (uint32_t)most.f_id, most.len - n * PAGE_SIZE);
}

/* A frame of the call's choice, or an error. */
static int
put(uint64_t k, int f)
{
	if (f > 0)
		FRAME_OF(k) = (uint32_t)f;
	return f;
}

ASK(cut, put(s->arg[0], cut(who, s->arg[1])))
/* fsplit K N J: J is K's part from page N on. */
ASK(split, put(s->arg[2], frame_split(who, FRAME_OF(s->arg[0]), s->arg[1] * PAGE_SIZE)))
ASK(merge, frame_merge(who, FRAME_OF(s->arg[0]), FRAME_OF(s->arg[1])))
ASK(give, frame_give(who, FRAME_OF(s->arg[0]), number(s->arg[1])))
ASK(allow, frame_allow(who, number(s->arg[0]), (uint32_t)s->arg[1]))
ASK(table, frame_table(who, FRAME_OF(s->arg[0]), 0, (int)s->arg[1]))
ASK(untable, frame_untable(who, FRAME_OF(s->arg[0])))
/* fmap P T K FLAGS, flink P T K, funmap P T K: K into table T. */
ASK(map, frame_map(who, FRAME_OF(s->arg[1]), FRAME_OF(s->arg[2]), va_of(s),
    (unsigned)s->arg[3]))
ASK(link, frame_map(who, FRAME_OF(s->arg[1]), FRAME_OF(s->arg[2]), va_of(s), F_TYPE_TABLE))
ASK(unmap, frame_unmap(who, FRAME_OF(s->arg[1]), FRAME_OF(s->arg[2]), va_of(s)))

/* ---- spaces and processes ---- */

static int
build(int who, uint64_t k)
{
	unsigned level;
	int r = 0;

	for (level = 1; level <= 4 && r >= 0; level++) {
		r = put(k + level - 1, cut(who, 1));
		if (r >= 0)
			r = frame_table(who, FRAME_OF(k + level - 1), 0, (int)level);
		if (r >= 0 && level > 1)
			r = frame_map(who, FRAME_OF(k + level - 1), FRAME_OF(k + level - 2),
			    FRAME_USER_BASE, F_TYPE_TABLE);
	}
	return r;
}

ASK(build, build(who, s->arg[0]))
/* fswap P K, fseg P K: of process P. */
ASK(swap, vspace_swap(who, number(s->arg[0]), FRAME_OF(s->arg[1])))
ASK(seg, frame_segment_space(who, number(s->arg[0]), FRAME_OF(s->arg[1])))

/* fchild P K: process P of the frame of two pages. */
static void
op_child(const struct step *s)
{
	struct aspace *as;
	int who, r;

	if (as_create(design_by_name("frames"), &as) != 0)
		sim_fail("as_create");
	as_attach_user(as);
	who = enter(s);
	r = frame_child(who, FRAME_OF(s->arg[1]), as, number(s->arg[0]));
	world.as[s->arg[0]] = as;
	answered(s, r);
}

/* ---- what is so ---- */

/* The row of frame K, among one's own. */
static int
info(int who, uint64_t k, uint32_t flags, struct frame_info *i)
{
	uint32_t n;

	for (n = 0; frame_info(who, n, i) == 0; n++)
		if ((uint32_t)i->f_id == FRAME_OF(k))
			return frame_info(who, n | flags, i);
	return -ENOENT;
}

/* fclear K: nobody has touched it. */
static void
op_clear(const struct step *s)
{
	struct frame_info i;
	int who = enter(s);

	answered(s, info(who, s->arg[0], FRAME_INFO_CLEAR, &i));
}

/* fdirty K: a store to it is known. */
static void
op_dirty(const struct step *s)
{
	struct frame_info i;
	int who = enter(s), r = info(who, s->arg[0], 0, &i);

	answered(s, r);
	if (r == 0 && (i.touched & MD_PTE_D) == 0)
		wrong(s, "touched", i.touched);
}

/* fpages N|M: the process has so many, in however many frames. */
static void
op_pages(const struct step *s)
{
	struct frame_info i;
	uint64_t pages = 0;
	int who = enter(s);
	uint32_t n;

	for (n = 0; frame_info(who, n, &i) == 0; n++)
		pages += i.len / PAGE_SIZE;
	answered(s, 0);
	if (!is_one_of(s->word[0], pages))
		wrong(s, "pages:", pages);
}

#define MAY(name, fn, n) { name, fn, n }, { name "?", fn, n }

const struct op ops_frames[] = {
	MAY("fcut", op_cut, 2), MAY("fsplit", op_split, 3), MAY("fmerge", op_merge, 2),
	MAY("fgive", op_give, 2), MAY("fallow", op_allow, 2), MAY("ftable", op_table, 2),
	MAY("funtable", op_untable, 1), MAY("fmap", op_map, 4), MAY("flink", op_link, 3),
	MAY("funmap", op_unmap, 3), { "fbuild", op_build, 1 }, MAY("fswap", op_swap, 2),
	MAY("fseg", op_seg, 2), { "fchild", op_child, 2 }, { "fclear", op_clear, 1 },
	{ "fdirty", op_dirty, 1 }, { "fpages", op_pages, 1 },
	{ NULL, NULL, 0 }
};
