/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_frames.c: lab 22, steps 1 and 2: frames are cut and joined, mapped and unmapped
 *
 * Problem   Two frames that overlap, or a word too many, are another program's memory.
 *
 * Picture   at[page]: f_id of the frame that begins there ── frame_split, frame_merge
 *           frame_map ─→ words of a table, read here ─→ frame_unmap ─→ 0, and flushed
 *
 * Rules     1. A call that is refused has changed nothing: all is summed up before and
 *              behind it.
 *
 * Read next lab_framesafe.c; vm/design/frames/frames.c
 */
#include "test/boot/frames/lab_frames.h"
#include "lib/string.h"
#include "mem/mem.h"

#define ROWS 1200u

/* ---- t01 ---- */

static uint32_t *at;           /* by page: f_id of the frame that begins there; 0 */

static uint64_t
page_of(uint32_t f)
{
	return (frames_row(f)->pa - frames_row(at[0])->pa) / PAGE_SIZE;
}

/* Claimed: the frame has [page, next one that begins), and is in its owner's count. */
static void
frame_is(uint64_t page)
{
	uint64_t end = page + 1;

	while (end < LAB_FRAMES_PAGES && at[end] == 0)
		end++;
	CLAIM(frames_row(at[page])->pages == end - page && page_of(at[page]) == page,
	    "frame %u has %lu pages from page %lu\t%lu pages from page %lu", at[page],
	    frames_row(at[page])->pages, page_of(at[page]), end - page, page);
}

static void
cut_at(uint64_t page, uint64_t pages)
{
	uint32_t f = at[page];
	uint64_t has = frames_row(f)->pages;
	int hi = frame_split(0, f, pages * PAGE_SIZE);

	if (hi <= 0 || frame_at((uint32_t)hi) == NULL) {
		CLAIM(false, "frame_split(%u, %lu pages) of %lu returns %d\tthe upper "
		    "part's f_id", f, pages, has, hi);
		panic("lab_frames: without a second frame nothing can be cut");
	}
	at[page + pages] = (uint32_t)hi;
	frame_is(page);
	frame_is(page + pages);
}

static void
join_at(uint64_t page)
{
	uint32_t f = at[page];
	uint64_t next = page + frames_row(f)->pages;
	int r = frame_merge(0, f, at[next]);

	CLAIM(r == (int)f, "frame_merge(%u, %u) of neighbours returns %d\t%u", f, at[next],
	    r, f);
	CLAIM(frame_at(at[next]) == NULL, "frame %u is part of %u now, and is there still",
	    at[next], f);
	at[next] = 0;
	frame_is(page);
}

/* The beginning of some frame. */
static uint64_t
some(uint64_t *seed)
{
	uint64_t page = lab_random(seed) % LAB_FRAMES_PAGES;

	while (at[page] == 0)
		page--;
	return page;
}

static void
frames_split(void)
{
	uint64_t n = MIN(lab_param("n", 100), 900ul), seed = lab_param("seed", 5) | 1;
	uint64_t page, pages, live = 1;

	vm_leak_begin();
	frames_rig_begin(ROWS);
	at = kmem_zalloc(LAB_FRAMES_PAGES * sizeof(*at));
	CHECK(at != NULL);
	at[0] = LAB_FRAMES_ALL;
	ev_mark(1);
	while (live < n + 1) {
		page = some(&seed);
		pages = frames_row(at[page])->pages;
		if (lab_random(&seed) % 4 == 0 && page + pages < LAB_FRAMES_PAGES) {
			join_at(page);
			live--;
		} else if (pages > 1) {
			cut_at(page, 1 + lab_random(&seed) % (pages - 1));
			live++;
		}
		CLAIM(frame_count(0) == (int)live, "process 0 has %d frames\t%lu",
		    frame_count(0), live);
		frames_sound("cut and joined");
	}
	ev_mark(2);
	for (page = 0; frames_row(at[0])->pages < LAB_FRAMES_PAGES && live-- > 1;)
		join_at(page);
	CLAIM(frames_row(at[0])->pages == LAB_FRAMES_PAGES, "all is joined: the frame has "
	    "%lu pages\t%u", frames_row(at[0])->pages, LAB_FRAMES_PAGES);
	ev_mark(3);
	kmem_free(at);
	frames_rig_end();
}

/* ---- t02 ---- */

static void
split_is_refused(uint32_t table)
{
	uint32_t f = frames_cut(3);

	REFUSED(frame_split(0, f, 0), EINVAL, "frame_split at 0");
	REFUSED(frame_split(0, f, 3 * PAGE_SIZE), EINVAL, "frame_split at its end");
	REFUSED(frame_split(0, f, 4 * PAGE_SIZE), EINVAL, "frame_split behind its end");
	REFUSED(frame_split(0, f, PAGE_SIZE + 1), EINVAL, "frame_split within a page");
	REFUSED(frame_split(0, f, 0 - PAGE_SIZE), EINVAL, "frame_split at -4096");
	REFUSED(frame_split(0, f, 1ul << 63), EINVAL, "frame_split at 2^63");
	REFUSED(frame_split(0, frames.n, PAGE_SIZE), ENOENT, "frame_split of no frame");
	REFUSED(frame_split(99, f, PAGE_SIZE), ESRCH, "frame_split by nobody");
	REFUSED(frame_split(7, f, PAGE_SIZE), EPERM, "frame_split by a stranger");
	frames_row(table)->pages = 2; /* one that is long enough */
	REFUSED(frame_split(0, table, PAGE_SIZE), EBUSY, "frame_split of a table");
	frames_row(table)->pages = 1;
}

static void
merge_is_refused(uint32_t table)
{
	uint32_t c = frames_cut(1), b = frames_cut(1), a = frames_cut(1);
	uint32_t z = frames_cut(1), kid = frame_proc(7)->f_id;

	REFUSED(frame_merge(0, b, a), EINVAL, "frame_merge, the upper one first");
	REFUSED(frame_merge(0, a, c), EINVAL, "frame_merge, a page lies between");
	REFUSED(frame_merge(0, a, a), EINVAL, "frame_merge with itself");
	REFUSED(frame_merge(0, a, frames.n), ENOENT, "frame_merge with no frame");
	REFUSED(frame_merge(7, a, b), EPERM, "frame_merge by a stranger");
	frame_own(frames_row(b), kid);
	REFUSED(frame_merge(0, a, b), EINVAL, "frame_merge of two owners' frames");
	frame_own(frames_row(b), 0);
	CLAIM(frame_merge(0, z, a) == (int)z, "frame_merge of neighbours is refused");
	CLAIM(frame_merge(0, z, b) == (int)z, "frame_merge of neighbours is refused");
	CLAIM(frame_merge(0, z, c) == (int)z, "frame_merge of neighbours is refused");
	CLAIM(frames_row(z)->pages == 4, "four pages are joined: it has %lu\t4",
	    frames_row(z)->pages);
	c = frames_cut(1);
	a = frames_table_by_hand(0, 1);
	REFUSED(frame_merge(0, a, c), EBUSY, "frame_merge of a table with a page");
	frame_table_end(frames_row(a));
	CLAIM(frame_merge(0, a, c) == (int)a, "frame_merge of what was a table is refused");
	REFUSED(frame_merge(0, LAB_FRAMES_ALL, table), EINVAL, "frame_merge with a table far off");
}

/* Who has used up the descriptors cuts no more, whoever asks. */
static void
quota_is_kept(void)
{
	uint32_t f = frames_cut(8), kid = frame_proc(7)->f_id;
	struct frame_proc *p = frame_proc(7);
	uint32_t spare;
	int hi;

	frame_own(frames_row(f), kid);
	spare = p->quota - p->used;
	p->quota -= spare;
	frame_proc(0)->quota += spare;
	REFUSED(frame_split(7, f, PAGE_SIZE), ENFILE, "frame_split with no quota left");
	REFUSED(frame_split(0, f, PAGE_SIZE), ENFILE, "the owner has no quota, its creator asks");
	p->quota++;
	frame_proc(0)->quota--;
	hi = frame_split(0, f, PAGE_SIZE);
	CLAIM(hi > 0 && frames_row((uint32_t)hi)->owner == kid, "a creator cuts its child's "
	    "frame: the upper part is the owner's");
	CLAIM(p->used == p->quota, "the child's frame was cut: it has %u\t%u", p->used, p->quota);
	CLAIM(frame_merge(0, f, (uint32_t)hi) == (int)f, "a creator joins its child's frames");
	CLAIM(p->used + 1 == p->quota, "the child's frames were joined: it has %u\t%u", p->used,
	    p->quota - 1);
}

static void
frames_illegal(void)
{
	uint32_t table;

	vm_leak_begin();
	frames_rig_begin(ROWS);
	ev_mark(1);
	table = frames_table_by_hand(0, 1);
	frames_child(7);
	split_is_refused(table);
	merge_is_refused(table);
	quota_is_kept();
	frames_sound("behind refusals");
	ev_mark(2);
	frames_rig_end();
}

/* ---- t03 ---- */

static void
flags_round(struct lab_way *w, uint64_t *seed)
{
	uint64_t pages = 1 + lab_random(seed) % 30;
	unsigned slot = (unsigned)(lab_random(seed) % (FRAME_SLOTS - pages + 1));
	unsigned flags = F_READ | (unsigned)(lab_random(seed) % 4) << 1;
	uint32_t f = frames_cut(pages), leaf = w->table[1];
	va_t va = w->va + slot * PAGE_SIZE;
	struct frame *fr = frames_row(f);
	int r = frame_map(0, leaf, f, va, flags);

	CLAIM(r == 0, "frame_map of %lu pages, flags %u, returns %d\t0", pages, flags, r);
	frames_words_are(leaf, f, va, flags);
	CLAIM(frames_row(leaf)->used == pages, "the table has %u words in use\t%lu",
	    frames_row(leaf)->used, pages);
	CLAIM(fr->nmap == 1 && fr->nwrite == (flags & F_WRITE) / F_WRITE, "mapped once, "
	    "flags %u: nmap %u, nwrite %u\t1, %u", flags, fr->nmap, fr->nwrite,
	    (flags & F_WRITE) / F_WRITE);
	frames_look(w->table[4], va, pages);
	frames_sound("a frame is mapped");
	REFUSED(frame_map(0, leaf, f, va, flags), EEXIST, "frame_map where it is mapped");
	r = frame_unmap(0, leaf, f, va);
	CLAIM(r == 0, "frame_unmap of %lu pages returns %d\t0", pages, r);
	frames_words_gone(leaf, va, pages);
	frames_no_stale("unmapped");
	CLAIM(frames_row(leaf)->used == 0 && fr->nmap == 0 && fr->nwrite == 0,
	    "unmapped: words %u, nmap %u, nwrite %u\t0, 0, 0", frames_row(leaf)->used,
	    fr->nmap, fr->nwrite);
	REFUSED(frame_unmap(0, leaf, f, va), ENOENT, "frame_unmap of what is not mapped");
	frames_sound("a frame was unmapped");
}

/* 2 MiB by one word. */
static void
section_round(struct lab_way *w)
{
	uint32_t lower = LAB_FRAMES_ALL, up = w->table[2];
	uint64_t section = FRAME_SLOTS * PAGE_SIZE, has = frames_row(lower)->pages;
	va_t va = w->va + 9 * section;
	int rest;

	CHECK(has > FRAME_SLOTS);
	rest = frame_split(0, lower, section);
	CLAIM(frame_map(0, up, lower, va, F_READ | F_WRITE | F_TYPE_SECTION) == 0,
	    "frame_map of a section is refused");
	frames_words_are(up, lower, va, F_READ | F_WRITE | F_TYPE_SECTION);
	CLAIM(frames_row(up)->used == 2, "the table has a link and a section: %u words\t2",
	    frames_row(up)->used);
	frames_look(w->table[4], va, FRAME_SLOTS);
	frames_sound("a section is mapped");
	CLAIM(frame_unmap(0, up, lower, va) == 0, "frame_unmap of a section is refused");
	CLAIM(frame_words(frames_row(up))[va / section % FRAME_SLOTS] == 0,
	    "the section was unmapped, and its word stays");
	frames_no_stale("a section was unmapped");
	CLAIM(frame_merge(0, lower, (uint32_t)rest) == (int)lower, "what was a section "
	    "is not joined");
}

static void
frames_map_once(void)
{
	uint64_t n = MIN(lab_param("n", 10), 12ul), seed = lab_param("seed", 3) | 1, i;
	struct lab_way w;

	vm_leak_begin();
	frames_rig_begin(ROWS);
	frames_way(&w, 0, FRAME_USER_BASE + (5ul << 30) + (3ul << 21));
	ev_mark(1);
	for (i = 0; i < n; i++)
		flags_round(&w, &seed);
	section_round(&w);
	ev_mark(2);
	frames_rig_end();
}

/* ---- t04 ---- */

#define WAYS 6u

static void
map_is_refused(struct lab_way *w)
{
	uint32_t f = frames_cut(8), two = frames_cut(2), leaf = w->table[1];
	uint32_t loose = frames_table_by_hand(0, 1);
	va_t va = w->va;
	unsigned rw = F_READ | F_WRITE;

	REFUSED(frame_map(0, leaf, f, va + 505 * PAGE_SIZE, rw), EINVAL, "frame_map over a table's end");
	REFUSED(frame_map(0, leaf, f, va + 1, rw), EINVAL, "frame_map within a page");
	REFUSED(frame_map(0, leaf, f, va, F_WRITE), EINVAL, "frame_map without F_READ");
	REFUSED(frame_map(0, leaf, f, va, rw | 1u << 9), EINVAL, "frame_map with an unknown flag");
	REFUSED(frame_map(0, leaf, f, va, rw | 3u << 4), EINVAL, "frame_map of an unknown type");
	REFUSED(frame_map(0, w->table[2], f, va, rw), EINVAL, "frame_map of pages in a table of level 2");
	REFUSED(frame_map(0, leaf, f, va, rw | F_TYPE_SECTION), EINVAL, "frame_map of a section in a leaf");
	REFUSED(frame_map(0, w->table[2], f, va, rw | F_TYPE_SECTION), EINVAL,
	    "frame_map of 8 pages as a section");
	REFUSED(frame_map(0, f, f, va, rw), EINVAL, "frame_map in what is no table");
	REFUSED(frame_map(0, leaf, f, va + (1ul << 21), rw), EINVAL, "frame_map at another table's address");
	REFUSED(frame_map(0, loose, f, FRAME_USER_END, rw), EPERM, "frame_map at FRAME_USER_END");
	REFUSED(frame_map(0, leaf, frames.n, va, rw), ENOENT, "frame_map of no frame");
	REFUSED(frame_map(7, leaf, f, va, F_READ), EPERM, "frame_map by a stranger");
	REFUSED(frame_map(0, leaf, LAB_FRAMES_ALL, va, rw), EINVAL, "frame_map of more pages than words");
	frames_row(f)->pages = (1ul << 32) + 1; /* a length whose lower half is 1 */
	REFUSED(frame_map(0, leaf, f, va, rw), EINVAL, "frame_map of 2^32 + 1 pages");
	frames_row(f)->pages = 8;
	CLAIM(frame_map(0, leaf, f, va + 504 * PAGE_SIZE, F_READ) == 0,
	    "frame_map of the table's last words is refused");
	REFUSED(frame_map(0, leaf, two, va + 503 * PAGE_SIZE,
	    F_READ), EEXIST, "frame_map over a word that is in use");
	REFUSED(frame_unmap(0, leaf, f, va + 505 * PAGE_SIZE), ENOENT,
	    "frame_unmap in the middle of a mapping");
	REFUSED(frame_unmap(7, leaf, f, va + 504 * PAGE_SIZE), EPERM, "frame_unmap by a stranger");
	REFUSED(frame_unmap(0, f, f, va + 504 * PAGE_SIZE), EINVAL, "frame_unmap from what is no table");
	REFUSED(frame_unmap(0, leaf, f, va + 504 * PAGE_SIZE + 8), EINVAL, "frame_unmap within a page");
	REFUSED(frame_unmap(0, leaf, f, va + (1ul << 21) + 504 * PAGE_SIZE), EINVAL,
	    "frame_unmap at another table's address");
	CLAIM(frame_unmap(0, leaf, f, va + 504 * PAGE_SIZE) == 0, "frame_unmap is refused");
}

/* A frame at several places: the first in its row, the others in segments. */
static void
map_often(struct lab_way *w, uint64_t *seed)
{
	uint32_t f = frames_cut(2), room = frames_cut(1), leaf = w->table[1];
	uint64_t is = (1u << WAYS) - 1, i;
	struct frame *fr = frames_row(f);
	int r;

	CLAIM(frame_map(0, leaf, f, w->va, F_READ | F_WRITE) == 0, "the first mapping");
	REFUSED(frame_map(0, leaf, f, w->va + 4 * PAGE_SIZE, F_READ), ENOSPC,
	    "a second frame_map without memory for segments");
	CHECK(frame_segment_space(0, 0, room) == 0);
	for (i = 1; i < WAYS; i++) {
		r = frame_map(0, leaf, f, w->va + i * 4 * PAGE_SIZE, F_READ);
		CLAIM(r > 0 && frame_segment_at((uint32_t)r)->f_id == f, "frame_map number "
		    "%lu returns %d\tthe s_id of its segment", i + 1, r);
	}
	CLAIM(fr->nmap == WAYS && fr->nwrite == 1, "mapped %u times, once writable: nmap %u, "
	    "nwrite %u\t%u, 1", WAYS, fr->nmap, fr->nwrite, WAYS);
	frames_look(w->table[4], w->va, WAYS * 4);
	while (is != 0) {
		frames_sound("mapped at several places");
		i = lab_random(seed) % WAYS;
		if ((is >> i & 1) == 0)
			continue;
		is &= ~(1ul << i);
		r = frame_unmap(0, leaf, f, w->va + i * 4 * PAGE_SIZE);
		CLAIM(r == 0, "frame_unmap of one mapping of several returns %d\t0", r);
		frames_words_gone(leaf, w->va + i * 4 * PAGE_SIZE, 2);
		frames_no_stale("one mapping of several was unmapped");
		if (r < 0)
			break;
	}
	CLAIM(fr->at.table == 0 && fr->segs == 0 && frames.segments == 0, "all is unmapped: "
	    "%u segments are in use\t0", frames.segments);
}

/* A child's table has a page that its creator lends; of a stranger's frames none. */
static void
map_lent(void)
{
	uint32_t mine = frames_cut(1), its = frames_cut(1), kid = frame_proc(7)->f_id;
	struct lab_way c, o;

	frames_way(&c, 7, FRAME_USER_BASE);
	frames_way(&o, 8, FRAME_USER_BASE);
	frame_own(frames_row(its), kid);
	CLAIM(frame_map(0, c.table[1], mine, c.va, F_READ) == 0, "a creator lends a page to its child");
	REFUSED(frame_map(0, o.table[1], its, o.va, F_READ), EPERM,
	    "frame_map of one child's page in another's table");
	REFUSED(frame_unmap(8, c.table[1], mine, c.va), EPERM, "frame_unmap by a stranger");
	frames_sound("a page is lent");
	CLAIM(frame_unmap(7, c.table[1], mine, c.va) == 0, "the table's owner unmaps what is lent");
}

static void
frames_map_more(void)
{
	uint64_t seed = lab_param("seed", 3) | 1;
	struct lab_way w;

	vm_leak_begin();
	frames_rig_begin(ROWS);
	frames_child(7);
	frames_child(8);
	frames_way(&w, 0, FRAME_USER_BASE + (7ul << 21));
	ev_mark(1);
	map_is_refused(&w);
	map_often(&w, &seed);
	map_lent();
	ev_mark(2);
	frames_rig_end();
}

const struct selftest selftests_lab_frames[] = {
	{ "lab_frames_split", frames_split, "frames are cut and joined, none overlap" },
	{ "lab_frames_illegal", frames_illegal, "cuts and joins that are refused" },
	{ "lab_frames_map", frames_map_once, "frames are mapped and unmapped" },
	{ "lab_frames_places", frames_map_more, "several mappings, and refusals" },
	{ NULL, NULL, NULL },
};
