/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_framesafe.c: lab 22, steps 3 to 5: tables nobody writes, frames that are given
 *
 * Problem   One way to a writable table, or one word that a give leaves, and a program
 *           has all memory.
 *
 * Picture   PAGE ─ frame_table ─→ TABLE ─ frame_link ─→ …      each wrong way is refused
 *           frame at m places ─ give ─→ m words 0, flushed, at most m rounds
 *
 * Read next lab_framesrig.c; vm/design/frames/frames.c
 */
#include "test/boot/frames/lab_frames.h"
#include "lib/string.h"
#include "mem/mem.h"

#define ROWS 1200u

/* ---- t06 ---- */

static bool
all_zero(uint32_t f)
{
	unsigned i;

	for (i = 0; i < FRAME_SLOTS; i++)
		if (frame_words(frames_row(f))[i] != 0)
			return false;
	return true;
}

/* A page, a table, a page again. */
static uint32_t
becomes_table(struct lab_way *w)
{
	uint32_t f = frames_cut(1), two = frames_cut(2), seen = frames_cut(1);
	uint32_t leaf = w->table[1];

	REFUSED(frame_table(0, two, 0, 1), EINVAL, "frame_table of two pages");
	REFUSED(frame_table(0, f, 0, 0), EINVAL, "frame_table of level 0");
	REFUSED(frame_table(0, f, 0, 5), EINVAL, "frame_table of level 5");
	REFUSED(frame_table(0, f, 0, -1), EINVAL, "frame_table of level -1");
	REFUSED(frame_table(7, f, 0, 1), EPERM, "frame_table by a stranger");
	REFUSED(frame_untable(0, f), EINVAL, "frame_untable of a page");
	REFUSED(frame_table(0, f, w->va, 1), EINVAL, "frame_table with a view that is none");
	CHECK(frame_map(0, leaf, f, w->va, F_READ | F_WRITE) == 0);
	REFUSED(frame_table(0, f, w->va, 1), EBUSY, "frame_table of a page that is mapped writable");
	CHECK(frame_unmap(0, leaf, f, w->va) == 0);
	CHECK(frame_map(0, leaf, seen, w->va, F_READ) == 0);
	REFUSED(frame_table(0, seen, 0, 1), EINVAL, "frame_table of a mapped page as one that is not");
	REFUSED(frame_table(0, seen, w->va + PAGE_SIZE, 1), EINVAL, "frame_table with a view elsewhere");
	CLAIM(frame_table(0, seen, w->va, 1) == 0, "frame_table of a page with a view of it is refused");
	CLAIM(all_zero(seen), "a page became a table, and words of its owner are in it");
	CLAIM(frame_table(0, f, 0, 1) == 0, "frame_table of a page is refused");
	CLAIM(frames_row(f)->type == FRAME_TABLE1 && all_zero(f), "frame_table, level 1: the "
	    "frame has type %u, its words are%s 0\t%u", frames_row(f)->type,
	    all_zero(f) ? "" : " not", FRAME_TABLE1);
	REFUSED(frame_table(0, f, 0, 2), EBUSY, "frame_table of a table");
	REFUSED(frame_map(0, leaf, f, w->va + PAGE_SIZE, F_READ | F_WRITE), EPERM,
	    "frame_map of a table with F_WRITE");
	CLAIM(frame_map(0, leaf, f, w->va + PAGE_SIZE, F_READ) == 0, "a view of a table is refused");
	CLAIM(frame_unmap(0, leaf, f, w->va + PAGE_SIZE) == 0, "frame_unmap of a view is refused");
	CLAIM(frame_unmap(0, leaf, seen, w->va) == 0, "frame_unmap of a view is refused");
	CLAIM(frame_untable(0, seen) == 0 && frames_row(seen)->type == FRAME_PAGE,
	    "frame_untable of an empty table: type %u\t%u", frames_row(seen)->type, FRAME_PAGE);
	frames_sound("pages became tables");
	return f;
}

/* Of tables that are in no root, and at 0, only the levels are wrong. */
static void
links_no_other_level(void)
{
	uint32_t t[5], other[5];
	int level, in;

	for (level = 1; level <= 4; level++) {
		t[level] = frames_table_by_hand(0, level);
		other[level] = frames_table_by_hand(0, level);
	}
	for (level = 1; level <= 4; level++)
		for (in = 1; in <= 4; in++)
			if (in != level + 1)
				REFUSED(frame_link(frames_row(t[in]), frames_row(other[level]),
				    0), EINVAL, "frame_link, and the table is not of the level above");
	REFUSED(frame_link(frames_row(t[4]), frames_row(t[4]), 0), EINVAL,
	    "frame_link of a root in itself");
}

/* Each table to its own place, and nowhere else. */
static void
links_one_down(struct lab_way *w, uint32_t t1)
{
	uint32_t t3 = frames_table_by_hand(0, 3);
	uint32_t its = frames_table_by_hand(7, 1), page = frames_cut(1);
	struct frame *l2 = frames_row(w->table[2]), *root = frames_row(w->table[4]);
	va_t at1 = w->va + (1ul << 21), at2 = w->va + (1ul << 30), at3 = w->va + (1ul << 39);
	uint64_t told = lab_machine.root_words;

	REFUSED(frame_link(l2, frames_row(page), at1), EINVAL, "frame_link of a page");
	REFUSED(frame_link(l2, frames_row(t1), at1 + PAGE_SIZE), EINVAL, "frame_link within a table's reach");
	REFUSED(frame_link(l2, frames_row(t1), at2 + (1ul << 21)), EINVAL, "frame_link at another table's address");
	REFUSED(frame_link(l2, frames_row(t1), w->va), EEXIST, "frame_link where a table is");
	REFUSED(frame_link(l2, frames_row(its), at1), EPERM, "frame_link of another's table");
	REFUSED(frame_link(root, frames_row(t3), FRAME_USER_BASE - (1ul << 39)), EPERM,
	    "frame_link below FRAME_USER_BASE");
	REFUSED(frame_link(root, frames_row(t3), FRAME_USER_END), EPERM, "frame_link at FRAME_USER_END");
	CLAIM(lab_machine.root_words == told, "the live root was told of links that were refused");
	CLAIM(frame_link(l2, frames_row(t1), at1) == 0, "frame_link of level 1 in level 2 is refused");
	CLAIM(frame_words(l2)[at1 >> 21 & 511] == (frames_row(t1)->pa | MD_PTE_P | MD_PTE_W | MD_PTE_U),
	    "the word of a link is %lx\t%lx", frame_words(l2)[at1 >> 21 & 511],
	    frames_row(t1)->pa | MD_PTE_P | MD_PTE_W | MD_PTE_U);
	CLAIM(l2->used == 2 && frames_row(t1)->parent == w->table[2], "two links in the table: "
	    "used %u, parent %u\t2, %u", l2->used, frames_row(t1)->parent, w->table[2]);
	REFUSED(frame_link(l2, frames_row(t1), at1 + (1ul << 21)), EBUSY, "frame_link of a linked table");
	CLAIM(lab_machine.root_words == told, "the live root was told of a link of level 1");
	CLAIM(frame_link(root, frames_row(t3), at3) == 0, "frame_link in a root is refused");
	CLAIM(lab_machine.root_words == told + 1 && lab_machine.slot == (at3 >> 39) &&
	    lab_machine.word == frame_words(root)[at3 >> 39], "a link in a root in which a "
	    "process runs: md->root_word was called %lu times, slot %u\t1, %lu",
	    lab_machine.root_words - told, lab_machine.slot, at3 >> 39);
	REFUSED(frame_untable(0, t1), EBUSY, "frame_untable of a linked table");
	REFUSED(frame_untable(0, w->table[4]), EBUSY, "frame_untable of a root");
	CHECK(frame_map(0, t1, page, at1, F_READ | F_WRITE) == 0);
	frames_look(w->table[4], at1, 1);
	REFUSED(frame_unlink(frames_row(t1)), EBUSY, "frame_unlink of a table with words");
	CHECK(frame_unmap(0, t1, page, at1) == 0);
	told = lab_machine.rounds;
	CLAIM(frame_unlink(frames_row(t1)) == 0, "frame_unlink of an empty table is refused");
	CLAIM(lab_machine.rounds > told, "a link went, and no CPU was told: it may keep the table's word");
	CLAIM(frame_words(l2)[at1 >> 21 & 511] == 0 && frames_row(t1)->parent == 0 && l2->used == 1,
	    "a table was unlinked: its word is %lx, parent %u, used %u\t0, 0, 1",
	    frame_words(l2)[at1 >> 21 & 511], frames_row(t1)->parent, l2->used);
	told = lab_machine.root_words;
	CLAIM(frame_unmap(0, w->table[4], t3, at3) == 0, "frame_unmap of a link is refused");
	CLAIM(lab_machine.root_words == told + 1 && lab_machine.word == 0,
	    "a link in a live root went: md->root_word was told %lx\t0", lab_machine.word);
	CLAIM(frame_untable(0, t1) == 0, "frame_untable of an unlinked, empty table is refused");
}

/* Memory for segments, and a table with words: neither becomes a page again. */
static void
stays_a_table(struct lab_way *w)
{
	uint32_t room = frames_cut(1), f = frames_cut(1), t = frames_table_by_hand(0, 1);

	CHECK(frame_segment_space(0, 0, room) == 0);
	CHECK(frame_map(0, w->table[1], f, w->va, F_READ) == 0);
	CHECK(frame_map(0, t, f, 0, F_READ) > 0);
	REFUSED(frame_untable(0, room), EBUSY, "frame_untable of memory with a segment in use");
	REFUSED(frame_untable(0, t), EBUSY, "frame_untable of a table with words");
	REFUSED(frame_untable(0, frame_proc(7)->f_id), EBUSY, "frame_untable of a process's record");
	CHECK(frame_unmap(0, t, f, 0) == 0);
	CHECK(frame_unmap(0, w->table[1], f, w->va) == 0);
	CLAIM(frame_untable(0, room) == 0 && frames_row(room)->type == FRAME_PAGE,
	    "frame_untable of memory for segments, none in use, is refused");
	CLAIM(frame_untable(0, t) == 0 && all_zero(t), "frame_untable of an empty table is refused");
}

static void
frames_safe(void)
{
	struct lab_way w;
	uint32_t t1;

	vm_leak_begin();
	frames_rig_begin(ROWS);
	frames_child(7);
	frames_way(&w, 0, FRAME_USER_BASE + (2ul << 39));
	ev_mark(1);
	t1 = becomes_table(&w);
	links_no_other_level();
	links_one_down(&w, t1);
	stays_a_table(&w);
	frames_no_stale("tables");
	ev_mark(2);
	frames_rig_end();
}

/* ---- t07 ---- */

static void
given(uint32_t f, int from, int to, const char *what)
{
	struct frame_proc *a = frame_proc_at(frames_row(f)->owner), *b = frame_proc(to);
	uint32_t used = a->used, quota = a->quota, got = b->used, may = b->quota;
	int r = frame_give(from, f, to);

	CLAIM(r == (int)f, "%s: frame_give returns %d\t%u", what, r, f);
	CLAIM(frames_row(f)->owner == b->f_id, "%s: its owner is %u\t%u", what,
	    frames_row(f)->owner, b->f_id);
	CLAIM(a->used == used - 1 && a->quota == quota - 1 && b->used == got + 1 &&
	    b->quota == may + 1, "%s: used and quota are not both one more here, one less there", what);
	frames_sound(what);
}

static void
asks_first(uint64_t n)
{
	uint32_t f = frames_cut(1), kid = frame_proc(7)->f_id, i;
	uint32_t table = frames_table_by_hand(0, 1);

	given(f, 0, 7, "a creator gives before its child starts");
	REFUSED(frame_give(7, f, 8), EPERM, "frame_give to whoever has not allowed it");
	REFUSED(frame_give(7, f, 7), EINVAL, "frame_give to its owner");
	REFUSED(frame_give(7, f, 99), ESRCH, "frame_give to nobody");
	REFUSED(frame_give(8, f, 8), EPERM, "frame_give of another's frame");
	REFUSED(frame_give(0, table, 7), EBUSY, "frame_give of a table");
	REFUSED(frame_give(0, kid, 8), EBUSY, "frame_give of a process's record");
	given(f, 0, 0, "a creator takes its child's frame, unasked");
	REFUSED(frame_allow(7, 7, 3), EINVAL, "frame_allow from itself");
	REFUSED(frame_allow(7, 99, 3), ESRCH, "frame_allow from nobody");
	REFUSED(frame_allow(99, 7, 3), ESRCH, "frame_allow by nobody");
	CLAIM(frame_allow(8, 7, (uint32_t)n) == 0, "frame_allow is refused");
	for (i = 0; i < n; i++) {
		f = frames_cut(1);
		frame_own(frames_row(f), kid);
		given(f, 7, 8, "it has been allowed");
	}
	f = frames_cut(1);
	frame_own(frames_row(f), kid);
	REFUSED(frame_give(7, f, 8), EDQUOT, "frame_give of one more than allowed");
	CLAIM(frame_allow(8, 7, 1) == 0, "frame_allow once more is refused");
	given(f, 7, 8, "it has been allowed again");
	CLAIM(frame_allow(8, 7, 0) == 0, "frame_allow of 0 is refused");
	f = frames_cut(1);
	frame_own(frames_row(f), kid);
	REFUSED(frame_give(7, f, 8), EPERM, "frame_give, and what was allowed was taken back");
	CLAIM(frame_allow(8, 7, 0) == 0, "frame_allow of 0 from one who may give none is refused");
}

/* Each row of the record is taken. */
static void
allows_no_more(void)
{
	struct frame_allow *row = (void *)((uint8_t *)frame_proc(8) + FRAME_PAGE_SIZE);
	unsigned i;

	for (i = 0; i < FRAME_GIVERS; i++)
		if (row[i].giver == 0)
			row[i] = (struct frame_allow){ 1000 + i, 1 };
	REFUSED(frame_allow(8, 7, 1), ENFILE, "frame_allow with no row left");
	CLAIM(frame_allow(8, 0, 9) == 0 && frame_allow_row(frame_proc(8), 0)->left == 9,
	    "frame_allow from whoever has a row already is refused");
	for (i = 0; i < FRAME_GIVERS; i++)
		if (row[i].giver >= 1000)
			row[i] = (struct frame_allow){ 0, 0 };
}

/* What is given is mapped nowhere any more. */
static void
gives_no_way(struct lab_way *w)
{
	uint32_t f = frames_cut(3);

	CHECK(frame_map(0, w->table[1], f, w->va, F_READ | F_WRITE) == 0);
	frames_look(w->table[4], w->va, 3);
	given(f, 0, 7, "a mapped frame is given");
	CLAIM(frames_row(f)->nmap == 0, "a frame was given: it has %u mappings\t0", frames_row(f)->nmap);
	frames_words_gone(w->table[1], w->va, 3);
	frames_no_stale("a frame was given");
}

static void
frames_give(void)
{
	struct lab_way w;

	vm_leak_begin();
	frames_rig_begin(ROWS);
	frames_child(7);
	frames_child(8);
	frames_way(&w, 0, FRAME_USER_BASE);
	ev_mark(1);
	asks_first(lab_param("n", 4));
	allows_no_more();
	gives_no_way(&w);
	ev_mark(2);
	frames_rig_end();
}

/* ---- t08, t13 ---- */

/* A frame at m places in two tables of ours, and at as many of a child's. */
struct spread {
	struct lab_way ours, its;
	uint32_t leaf[2], f;
	uint64_t m, pages;
};

static va_t
spread_va(const struct spread *s, uint64_t i)
{
	return s->ours.va + i % 2 * FRAME_SLOTS * PAGE_SIZE + i / 2 * 8 * PAGE_SIZE;
}

static void
spread_begin(struct spread *s)
{
	uint64_t i;

	*s = (struct spread){ .m = MIN(lab_param("m", 12), 60ul),
	    .pages = MIN(lab_param("pages", 6), 8ul) };
	vm_leak_begin();
	frames_rig_begin(ROWS);
	frames_child(7);
	frames_child(8);
	frames_way(&s->ours, 0, FRAME_USER_BASE);
	frames_way(&s->its, 7, FRAME_USER_BASE + (1ul << 21));
	s->leaf[0] = s->ours.table[1];
	s->leaf[1] = frames_table_by_hand(0, 1);
	frames_link_by_hand(s->ours.table[2], s->leaf[1], 1);
	s->f = frames_cut(s->pages);
	CHECK(frame_segment_space(0, 0, frames_cut(1)) == 0);
	for (i = 0; i < s->m; i++) {
		CHECK(frame_map(0, s->leaf[i % 2], s->f, spread_va(s, i), F_READ | F_WRITE) >= 0);
		CHECK(frame_map(0, s->its.table[1], s->f, s->its.va + i * 8 * PAGE_SIZE, F_READ) > 0);
	}
	frames_look(s->ours.table[4], s->ours.va, 2ul * FRAME_SLOTS);
	frames_look(s->its.table[4], s->its.va, FRAME_SLOTS);
}

static void
frames_revoked(void)
{
	struct spread s;
	struct frame *fr;

	spread_begin(&s);
	fr = frames_row(s.f);
	ev_mark(1);
	CLAIM(frames_exit(7) == 0, "frames_exit is refused"); /* its words of f go, ours stay */
	CLAIM(fr->nmap == s.m && fr->nwrite == s.m, "a child ended that had a frame of ours "
	    "mapped: %u mappings stay\t%lu", fr->nmap, s.m);
	frames_no_stale("a child ended");
	frames_sound("a child ended");
	ev_mark(2);
	CLAIM(frame_give(0, s.f, 8) == (int)s.f, "frame_give is refused");
	ev_mark(3);
	CLAIM(fr->nmap == 0 && fr->nwrite == 0 && fr->at.table == 0 && fr->segs == 0,
	    "a frame was given: nmap %u, nwrite %u, %u segments in use\t0, 0, 0", fr->nmap,
	    fr->nwrite, frames.segments);
	CLAIM(frames_row(s.leaf[0])->used == 0 && frames_row(s.leaf[1])->used == 0,
	    "a frame was given: %u words of its tables are in use\t0",
	    frames_row(s.leaf[0])->used + frames_row(s.leaf[1])->used);
	frames_words_gone(s.leaf[0], s.ours.va, FRAME_SLOTS);
	frames_words_gone(s.leaf[1], s.ours.va, FRAME_SLOTS);
	frames_no_stale("a frame was given");
	frames_rig_end();
}

/* When it is given, how often was everybody stopped? */
static void
frames_rounds(void)
{
	struct spread s;
	uint64_t rounds;

	spread_begin(&s);
	CHECK(frames_exit(7) == 0);
	ev_mark(1);
	rounds = lab_machine.rounds;
	CLAIM(frame_give(0, s.f, 8) == (int)s.f, "frame_give is refused");
	rounds = lab_machine.rounds - rounds;
	ev_mark(2);
	CLAIM(rounds <= s.m, "slow: for %lu mappings of %lu pages all CPUs were stopped %lu "
	    "times\t%lu at most", s.m, s.pages, rounds, s.m);
	lab_show("%lu mappings of %lu pages, in 2 tables, went: all CPUs were stopped %lu times "
	    "(at most %lu)", s.m, s.pages, rounds, s.m);
	frames_rig_end();
}

/* ---- t11 ---- */

static void
cut_while_mapped(struct lab_way *w, uint32_t f)
{
	struct frame *lo = frames_row(f), *hi;
	uint64_t pages = lo->pages, part = pages / 2;
	uint32_t room = frames_cut(1);
	int r, s_id;

	CHECK(frame_map(0, w->table[1], f, w->va, F_READ | F_WRITE) == 0);
	CHECK(frame_segment_space(0, 0, room) == 0);
	s_id = frame_map(0, w->table[1], f, w->va + 64 * PAGE_SIZE, F_READ);
	CHECK(s_id > 0);
	frames_look(w->table[4], w->va, FRAME_SLOTS);
	r = frame_split(0, f, part * PAGE_SIZE);
	CLAIM(r > 0, "frame_split of a mapped frame returns %d\tthe upper part's f_id", r);
	if (r <= 0)
		return;
	hi = frames_row((uint32_t)r);
	CLAIM(lo->nmap == 2 && hi->nmap == 2 && lo->nwrite == 1 && hi->nwrite == 1, "mapped twice, "
	    "cut: nmap %u and %u, nwrite %u and %u\t2 and 2, 1 and 1", lo->nmap, hi->nmap,
	    lo->nwrite, hi->nwrite);
	frames_words_are(w->table[1], f, w->va, F_READ | F_WRITE);
	frames_words_are(w->table[1], (uint32_t)r, w->va + part * PAGE_SIZE, F_READ | F_WRITE);
	frames_sound("a mapped frame was cut");
	frames_no_stale("a mapped frame was cut, and no word changes");
	REFUSED(frame_merge(0, f, (uint32_t)r), EBUSY, "frame_merge of frames that are mapped twice");
	CHECK(frame_unmap(0, w->table[1], (uint32_t)r, w->va + (64 + part) * PAGE_SIZE) == 0);
	REFUSED(frame_merge(0, f, (uint32_t)r), EBUSY, "frame_merge, the lower one is mapped twice");
	CHECK(frame_unmap(0, w->table[1], f, w->va + 64 * PAGE_SIZE) == 0);
	CLAIM(frame_merge(0, f, (uint32_t)r) == (int)f, "frame_merge of frames that are mapped side by side");
	CLAIM(lo->nmap == 1 && lo->pages == pages, "joined while mapped: nmap %u, %lu pages\t1, %lu",
	    lo->nmap, lo->pages, pages);
	frames_sound("mapped frames were joined");
	CHECK(frame_unmap(0, w->table[1], f, w->va) == 0);
	frames_words_gone(w->table[1], w->va, pages);
	CHECK(frame_untable(0, room) == 0);
}

static void
join_is_refused(struct lab_way *w)
{
	uint32_t b = frames_cut(1), a = frames_cut(1), leaf = w->table[1];
	uint32_t other = frames_table_by_hand(0, 1);
	va_t va = w->va;

	CHECK(frame_map(0, leaf, a, va, F_READ) == 0);
	REFUSED(frame_merge(0, a, b), EBUSY, "frame_merge, the lower one is mapped");
	CHECK(frame_map(0, leaf, b, va + PAGE_SIZE, F_READ | F_WRITE) == 0);
	REFUSED(frame_merge(0, a, b), EBUSY, "frame_merge of frames mapped with other rights");
	CHECK(frame_unmap(0, leaf, b, va + PAGE_SIZE) == 0);
	CHECK(frame_map(0, leaf, b, va + 2 * PAGE_SIZE, F_READ) == 0);
	REFUSED(frame_merge(0, a, b), EBUSY, "frame_merge, mapped with a gap");
	CHECK(frame_unmap(0, leaf, b, va + 2 * PAGE_SIZE) == 0);
	CHECK(frame_map(0, other, b, PAGE_SIZE, F_READ) == 0);
	REFUSED(frame_merge(0, a, b), EBUSY, "frame_merge, mapped in two tables");
	CHECK(frame_unmap(0, other, b, PAGE_SIZE) == 0);
	CHECK(frame_unmap(0, leaf, a, va) == 0);
	CHECK(frame_map(0, leaf, b, va, F_READ) == 0);
	REFUSED(frame_merge(0, a, b), EBUSY, "frame_merge, the upper one is mapped");
	CHECK(frame_unmap(0, leaf, b, va) == 0);
}

/* Segments for one mapping, and two are needed; and what one word maps is cut by nobody. */
static void
cut_is_refused(struct lab_way *w)
{
	uint64_t section = FRAME_SLOTS * PAGE_SIZE, i;
	uint32_t f = frames_cut(2), room = frames_cut(1), g = frames_cut(1);
	int s_id = 0;
	int rest = frame_split(0, LAB_FRAMES_ALL, section);

	CHECK(frame_segment_space(0, 0, room) == 0);
	CHECK(frame_map(0, w->table[1], f, w->va, F_READ) == 0);
	CHECK(frame_map(0, w->table[1], g, w->va + 500 * PAGE_SIZE, F_READ) == 0);
	CHECK(frame_map(0, w->table[1], f, w->va + 2 * PAGE_SIZE, F_READ) > 0);
	for (i = 0; s_id >= 0 && i < 400; i++)
		s_id = frame_map(0, w->table[1], g, w->va + (4 + i) * PAGE_SIZE, F_READ);
	CLAIM(s_id == -ENOSPC, "segments are used up, and frame_map returns %d\t%d", s_id, -ENOSPC);
	REFUSED(frame_split(0, f, PAGE_SIZE), ENOSPC, "frame_split of a mapped frame without segments");
	frame_revoke(frames_row(g));
	frame_revoke(frames_row(f));
	CHECK(rest > 0);
	CHECK(frame_map(0, w->table[2], LAB_FRAMES_ALL, w->va + 5 * section,
	    F_READ | F_TYPE_SECTION) == 0);
	REFUSED(frame_split(0, LAB_FRAMES_ALL, PAGE_SIZE), EBUSY, "frame_split of a section");
	CHECK(frame_unmap(0, w->table[2], LAB_FRAMES_ALL, w->va + 5 * section) == 0);
	CLAIM(frame_merge(0, LAB_FRAMES_ALL, (uint32_t)rest) == (int)LAB_FRAMES_ALL,
	    "what was a section is not joined");
}

static void
frames_cut_mapped(void)
{
	struct lab_way w;

	vm_leak_begin();
	frames_rig_begin(ROWS);
	frames_way(&w, 0, FRAME_USER_BASE);
	ev_mark(1);
	cut_while_mapped(&w, frames_cut(MIN(lab_param("pages", 6), 32ul)));
	join_is_refused(&w);
	cut_is_refused(&w);
	frames_no_stale("at the end");
	ev_mark(2);
	frames_rig_end();
}

const struct selftest selftests_lab_framesafe[] = {
	{ "lab_frames_safe", frames_safe, "no program writes a table" },
	{ "lab_frames_give", frames_give, "frames are given to whoever allows it" },
	{ "lab_frames_revoke", frames_revoked, "what was given is mapped nowhere" },
	{ "lab_frames_rounds", frames_rounds, "how often a revocation stops all CPUs" },
	{ "lab_frames_cutmapped", frames_cut_mapped, "mapped frames are cut and joined" },
	{ NULL, NULL, NULL },
};
