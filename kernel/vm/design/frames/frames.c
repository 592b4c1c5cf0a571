/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * frames.c: what a program may do with its frames
 *
 * Problem   Programs split, merge, map and give away physical memory, and make page
 *           tables of it.  None may lose a page, write a table, or reach a frame it gave.
 *
 * Picture   frame_split ─→ lo │ hi     one row each; frame_merge: one again
 *           frame ─ at ───→ table, slot        the first mapping
 *                 ─ segs ─→ segment ─→ segment    further ones, in the owner's memory
 *           PAGE ─ frame_table(level) ─→ TABLE, cleared ─ frame_link ─→ parent … ─→ root
 *           frame_give:  words cleared ─→ flushed on each CPU ─→ forgotten ─→ owner
 *
 * Rules     1. Callers hold the one mutex; no call sleeps for another process.
 *           2. A call that fails has changed nothing.
 *           3. Descriptors are a quota that moves with the frame: the sum over all
 *              processes is the buffer, so no process can use up another's share.
 *           4. Words are cleared, then flushed, then forgotten; a frame leaves its owner
 *              only after frame_revoke().
 *           5. Only PAGE frames are mapped with F_WRITE; a frame with such a mapping
 *              becomes no table.
 *           6. A table is linked once, into one a level above, of the same owner; it
 *              is empty when it is unlinked.
 *
 * Read next frame_own.c, frame_segment.c, frame_table.c, frame_proc.c, frames_check.c.
 */
#include "vm/design/frames/frames.h"

#include "lib/assert.h"
#include "lib/errno.h"
#include "lib/string.h"

static int split_places(struct frame *lo, struct frame *hi);
static bool places_join(const struct frame *lo, const struct frame *hi);
static int place_of(const struct frame *t, const struct frame *, va_t, unsigned flags,
    struct frame_place *);
static bool slots_are_free(const struct frame *t, const struct frame_place *, unsigned n);
static void words_make(const struct frame *, const struct frame_place *);
static void place_drop(struct frame *, struct segment *);

/* ---- split and merge ---- */

/* Split frame f `off` bytes from its beginning; where f was mapped both parts are.
 * Returns: the upper part's f_id; -EINVAL: not within it, or within a page;
 * -EBUSY: no PAGE, or mapped as a section; -ENFILE: its owner's quota; -ENOSPC: no
 * segments; or as frame_get(). */
int
frame_split(int pid, uint32_t f, uint64_t off)
{
	struct frame_proc *p, *owner;
	struct frame *lo, *hi;
	int r = frame_get(pid, f, &p, &lo);

	if (r < 0)
		return r;
	if (off % FRAME_PAGE_SIZE != 0 || off == 0 || off >= lo->pages * FRAME_PAGE_SIZE)
		return -EINVAL;
	if (lo->type != FRAME_PAGE)
		return -EBUSY;
	owner = frame_proc_at(lo->owner);
	if (owner->used == owner->quota)
		return -ENFILE;
	hi = frame_row_take();
	ASSERT(hi != NULL); /* rule 3 */
	hi->type = FRAME_PAGE;
	hi->pa = lo->pa + off;
	hi->pages = lo->pages - off / FRAME_PAGE_SIZE;
	hi->owner = lo->owner;
	lo->pages -= hi->pages;
	r = lo->nmap == 0 ? 0 : split_places(lo, hi);
	if (r < 0) {
		lo->pages += hi->pages;
		frame_row_put(hi);
		return r;
	}
	frame_list(hi, lo);
	return (int)frame_id(hi);
}

/* lo is mapped, but hi, which has the upper pages already, is not: make two mappings of
 * each mapping of lo.  No word changes.
 * Returns: 0; -EBUSY: one is of sections; -ENOSPC: no segments, nothing has changed. */
static int
split_places(struct frame *lo, struct frame *hi)
{
	struct frame_proc *owner = frame_proc_at(lo->owner);
	struct segment *s, *new;
	uint32_t i;

	if ((lo->at.flags & F_TYPE_MASK) == F_TYPE_SECTION)
		return -EBUSY;
	for (i = lo->segs; i != 0; i = s->f_next) {
		s = frame_segment_at(i);
		if ((s->at.flags & F_TYPE_MASK) == F_TYPE_SECTION)
			return -EBUSY;
	}
	if (frame_segments_free(owner) < lo->nmap - 1)
		return -ENOSPC;
	hi->at = lo->at;
	hi->at.slot = (uint16_t)(hi->at.slot + lo->pages);
	hi->nmap = lo->nmap;
	hi->nwrite = lo->nwrite;
	for (i = lo->segs; i != 0; i = s->f_next) {
		s = frame_segment_at(i);
		new = frame_segment_new(hi);
		new->at = s->at;
		new->at.slot = (uint16_t)(new->at.slot + lo->pages);
	}
	return 0;
}

/* f2, which begins where f1 ends, becomes part of f1; its row is freed.
 * Returns: f1; -EINVAL: not adjacent, or of two owners; -EBUSY: one is no PAGE, or they
 * are mapped, but not once each, with equal flags and adjacent; or as
 * frame_get(). */
int
frame_merge(int pid, uint32_t f1, uint32_t f2)
{
	struct frame_proc *p;
	struct frame *lo, *hi;
	int r = frame_get(pid, f1, &p, &lo);

	if (r == 0)
		r = frame_get(pid, f2, &p, &hi);
	if (r < 0)
		return r;
	if (lo->owner != hi->owner || lo->pa + lo->pages * FRAME_PAGE_SIZE != hi->pa)
		return -EINVAL;
	if (lo->type != FRAME_PAGE || hi->type != FRAME_PAGE ||
	    ((lo->nmap != 0 || hi->nmap != 0) && !places_join(lo, hi)))
		return -EBUSY;
	lo->pages += hi->pages;
	frame_unlist(hi);
	frame_row_put(hi);
	return (int)f1;
}

/* One of them is mapped: are both mapped once, adjacent and with equal flags? */
static bool
places_join(const struct frame *lo, const struct frame *hi)
{
	return lo->nmap == 1 && hi->nmap == 1 && lo->at.table == hi->at.table &&
	    lo->at.flags == hi->at.flags && (lo->at.flags & F_TYPE_MASK) == F_TYPE_PAGE &&
	    lo->at.slot + lo->pages == hi->at.slot;
}

/* ---- map and unmap ---- */

/* Map all pages of f at va, in free words of the table; F_TYPE_TABLE: link f.  A leaf
 * maps pages, a table of level 2 maps sections of 2 MiB; 512 words at most.
 * Returns: 0: f's first mapping; its segment's s_id; -EINVAL: flags, level,
 * va or length; -EPERM: F_WRITE and no PAGE, S4, or an address that is not for frames;
 * -EEXIST: a word is in use; -ENOSPC: no segment; or as frame_get() of both. */
int
frame_map(int pid, uint32_t table, uint32_t f, va_t va, unsigned flags)
{
	struct frame_place at = { 0, 0, 0 };
	struct frame_proc *p;
	struct frame *fr, *t;
	struct segment *s = NULL;
	int r = frame_get(pid, f, &p, &fr);

	if (r == 0)
		r = frame_get(pid, table, &p, &t);
	if (r < 0)
		return r;
	if (frame_level(t) == 0)
		return -EINVAL;
	if (flags == F_TYPE_TABLE)
		return frame_link(t, fr, va);
	r = place_of(t, fr, va, flags, &at);
	if (r < 0)
		return r;
	if (((flags & F_WRITE) != 0 && fr->type != FRAME_PAGE) ||
	    !frame_is_lent_right(fr, table))
		return -EPERM;
	if (!slots_are_free(t, &at, frame_slots_of(fr, flags)))
		return -EEXIST;
	if (fr->at.table != 0) {
		s = frame_segment_new(fr);
		if (s == NULL)
			return -ENOSPC;
	}
	*(s == NULL ? &fr->at : &s->at) = at;
	words_make(fr, &at);
	t->used = (uint16_t)(t->used + frame_slots_of(fr, flags));
	fr->nmap++;
	fr->nwrite += (flags & F_WRITE) != 0;
	return s == NULL ? 0 : (int)s->s_id;
}

/* The place of f in t; -EINVAL, -EPERM. */
static int
place_of(const struct frame *t, const struct frame *f, va_t va, unsigned flags,
    struct frame_place *at)
{
	bool section = (flags & F_TYPE_MASK) == F_TYPE_SECTION;
	uint64_t size = section ? FRAME_SLOTS * FRAME_PAGE_SIZE : FRAME_PAGE_SIZE;
	uint64_t n = frame_slots_of(f, flags);
	unsigned rights = flags & (F_READ | F_WRITE | F_EXEC);

	if ((rights & F_READ) == 0 ||
	    flags != (rights | (section ? F_TYPE_SECTION : F_TYPE_PAGE)) ||
	    frame_level(t) != (section ? 2u : 1u) || va % size != 0 ||
	    (section && (f->pages % FRAME_SLOTS != 0 || f->pa % size != 0)))
		return -EINVAL;
	if (va >= FRAME_USER_END)
		return -EPERM;
	at->table = frame_id(t);
	at->slot = (uint16_t)(va / size % FRAME_SLOTS);
	at->flags = (uint16_t)flags;
	if (f->pages > (uint64_t)FRAME_SLOTS * FRAME_SLOTS || at->slot + n > FRAME_SLOTS ||
	    !frame_va_is_of(at->table, at->slot, va))
		return -EINVAL;
	return 0;
}

static bool
slots_are_free(const struct frame *t, const struct frame_place *at, unsigned n)
{
	unsigned i;

	for (i = at->slot; i < at->slot + n; i++)
		if (frame_words(t)[i] != 0)
			return false;
	return true;
}

static void
words_make(const struct frame *f, const struct frame_place *at)
{
	bool section = (at->flags & F_TYPE_MASK) == F_TYPE_SECTION;
	uint64_t *w = frame_words(&frames.at[at->table]) + at->slot;
	uint64_t bits = MD_PTE_P | MD_PTE_U;
	unsigned i;

	bits |= (at->flags & F_WRITE) != 0 ? MD_PTE_W : 0;
	bits |= (at->flags & F_EXEC) != 0 ? 0 : MD_PTE_NX;
	bits |= section ? MD_PTE_PS : 0;
	for (i = 0; i < frame_slots_of(f, at->flags); i++)
		atomic_store(&w[i], bits | (f->pa + i * FRAME_PAGE_SIZE *
		    (section ? FRAME_SLOTS : 1u)));
}

/* Remove the mapping of f that begins at va in the table, or the link of f: each CPU has
 * acknowledged.  The right to change the frame or the table is enough.
 * Returns: 0; -ESRCH, -ENOENT: no such process, frame, mapping; -EPERM;
 * -EINVAL: no table, or va is not in it; -EBUSY: a link to a table with words. */
int
frame_unmap(int pid, uint32_t table, uint32_t f, va_t va)
{
	struct frame_proc *p = frame_proc(pid);
	struct frame *t = frame_at(table), *fr = frame_at(f);
	struct segment *s = NULL;
	struct frame_place *at;
	unsigned level, slot;
	uint32_t i;

	if (p == NULL)
		return -ESRCH;
	if (t == NULL || fr == NULL)
		return -ENOENT;
	if (!frame_may(p, t) && !frame_may(p, fr))
		return -EPERM;
	level = frame_level(t);
	if (level == 0)
		return -EINVAL;
	slot = (unsigned)(va >> (3 + 9 * level) & (FRAME_SLOTS - 1));
	if (va % ((va_t)1 << (3 + 9 * level)) != 0 || !frame_va_is_of(table, slot, va))
		return -EINVAL;
	if (fr->parent == table && fr->pslot == slot)
		return frame_may(p, fr) ? frame_unlink(fr) : -EPERM;
	at = &fr->at;
	for (i = fr->segs; at->table != table || at->slot != slot; i = s->f_next) {
		if (i == 0)
			return -ENOENT;
		s = frame_segment_at(i);
		at = &s->at;
	}
	place_drop(fr, s);
	return 0;
}

/* Remove one mapping of f; s NULL: the first, which the next one replaces. */
static void
place_drop(struct frame *f, struct segment *s)
{
	struct frame_place at = s == NULL ? f->at : s->at;
	struct frame *t = &frames.at[at.table];
	unsigned n = frame_slots_of(f, at.flags), i;

	for (i = at.slot; i < at.slot + n; i++)
		atomic_store(&frame_words(t)[i], 0);
	frame_flush(at.table, at.slot, n);
	t->used = (uint16_t)(t->used - n);
	f->nmap--;
	f->nwrite -= (at.flags & F_WRITE) != 0;
	if (s == NULL && f->segs != 0) {
		s = frame_segment_at(f->segs);
		f->at = s->at;
	} else if (s == NULL)
		f->at.table = 0;
	if (s != NULL)
		frame_segment_free(f, s);
}

/* ---- tables ---- */

/* A page becomes an empty table.  view: the address of the caller's read-only mapping of
 * it; 0: it is not mapped.
 * Returns: 0; -EINVAL: level, length, view; -EBUSY: no PAGE, or mapped for
 * writing; or as frame_get(). */
int
frame_table(int pid, uint32_t f, va_t view, int level)
{
	struct frame_proc *p;
	struct frame *fr;
	int r = frame_get(pid, f, &p, &fr);

	if (r < 0)
		return r;
	if (level < 1 || level > 4 || fr->pages != 1)
		return -EINVAL;
	if (fr->type != FRAME_PAGE || fr->nwrite != 0)
		return -EBUSY;
	if (view == 0 ? fr->nmap != 0 :
	    p->root == 0 || !frame_is_mapped_at(fr, p->root, view))
		return -EINVAL;
	memset(frame_words(fr), 0, FRAME_PAGE_SIZE);
	fr->type = (uint8_t)(FRAME_TABLE1 + level - 1);
	return 0;
}

/* A table, or memory of segments, becomes a page of zeros again.
 * Returns: 0; -EINVAL: it is a page; -EBUSY: it is in use: words, segments,
 * linked, a root; a record; or as frame_get(). */
int
frame_untable(int pid, uint32_t f)
{
	struct frame_proc *p;
	struct frame *fr;
	int r = frame_get(pid, f, &p, &fr);

	if (r < 0)
		return r;
	if (fr->type == FRAME_SEGSPACE) {
		if (((struct segment_space *)pa2va(fr->pa))->live != 0)
			return -EBUSY;
		frame_segment_space_end(fr);
		return 0;
	}
	if (frame_level(fr) == 0)
		return fr->type == FRAME_PROC ? -EBUSY : -EINVAL;
	if (fr->used != 0 || fr->parent != 0 || fr->is_root)
		return -EBUSY;
	frame_table_end(fr);
	return 0;
}

/* Link table f, of the level below, at va's word of the table; md->root_word() is called
 * for a root in which a process runs.
 * Returns: 0; -EINVAL: levels, va; -EPERM: two owners, or an address that is
 * not for frames; -EBUSY: it is linked; -EEXIST: the word is in use. */
int
frame_link(struct frame *table, struct frame *f, va_t va)
{
	unsigned level = frame_level(f), slot;
	va_t span;

	if (level == 0 || level + 1 != frame_level(table))
		return -EINVAL;
	span = (va_t)1 << (12 + 9 * level);
	if (va % span != 0)
		return -EINVAL;
	if (va >= FRAME_USER_END || (level == 3 && va < FRAME_USER_BASE) ||
	    table->owner != f->owner)
		return -EPERM;
	slot = (unsigned)(va / span % FRAME_SLOTS);
	if (!frame_va_is_of(frame_id(table), slot, va))
		return -EINVAL;
	if (f->parent != 0)
		return -EBUSY;
	if (frame_words(table)[slot] != 0)
		return -EEXIST;
	atomic_store(&frame_words(table)[slot], f->pa | MD_PTE_P | MD_PTE_W | MD_PTE_U);
	if (table->is_root)
		frames.md->root_word(frame_proc_at(table->owner)->pid, slot, frame_words(table)[slot]);
	table->used++;
	f->parent = frame_id(table);
	f->pslot = (uint16_t)slot;
	return 0;
}

/* Clear the word of table f.  A CPU may have cached it, even if the table is empty.
 * Returns: 0; -EBUSY: f has words. */
int
frame_unlink(struct frame *f)
{
	struct frame *table = &frames.at[f->parent];

	if (f->used != 0)
		return -EBUSY;
	atomic_store(&frame_words(table)[f->pslot], 0);
	if (table->is_root)
		frames.md->root_word(frame_proc_at(table->owner)->pid, f->pslot, 0);
	frame_flush(f->parent, f->pslot, 1);
	table->used--;
	f->parent = 0;
	return 0;
}

/* ---- give and revoke ---- */

/* Give frame f, unmapped, to the process `to`, which has allowed pid to give frames, and
 * count it.  A creator that takes a frame from its child needs no permission.
 * Returns: f; -ESRCH; -EINVAL: it is to's; -EBUSY: no PAGE; -EPERM: pid was
 * not allowed; -EDQUOT: no more; or as frame_get(). */
int
frame_give(int pid, uint32_t f, int to)
{
	struct frame_proc *p, *t = frame_proc(to);
	struct frame_allow *row;
	struct frame *fr;
	int r = frame_get(pid, f, &p, &fr);

	if (r < 0)
		return r;
	if (t == NULL)
		return -ESRCH;
	if (t->f_id == fr->owner)
		return -EINVAL;
	if (fr->type != FRAME_PAGE)
		return -EBUSY;
	row = frame_allow_row(t, pid);
	if (row == NULL && t != p)
		return -EPERM;
	if (row != NULL && row->left == 0)
		return -EDQUOT;
	frame_revoke(fr);
	if (row != NULL)
		row->left--;
	frame_own(fr, t->f_id);
	return (int)f;
}

/* pid accepts max frames from the process `from`; 0: no more.  A row that is used up
 * stays, so that the giver gets -EDQUOT.
 * Returns: 0; -ESRCH; -EINVAL: from itself; -ENFILE: no row is free. */
int
frame_allow(int pid, int from, uint32_t max)
{
	struct frame_proc *p = frame_proc(pid);
	struct frame_allow *row;

	if (p == NULL || frame_proc(from) == NULL)
		return -ESRCH;
	if (from == pid)
		return -EINVAL;
	row = frame_allow_row(p, from);
	if (row == NULL && max != 0)
		row = frame_allow_row(p, -1);
	if (row == NULL)
		return max == 0 ? 0 : -ENFILE;
	row->giver = max == 0 ? 0 : (uint32_t)from + 1;
	row->left = max;
	return 0;
}

/* Remove the mappings of f for which is() is true: each CPU has acknowledged.  Segments
 * first, for one of them replaces the first mapping. */
void
frame_revoke_if(struct frame *f, bool (*is)(const struct frame *, uint32_t table,
    uint32_t arg), uint32_t arg)
{
	struct segment *s;
	uint32_t i, next;

	for (i = f->segs; i != 0; i = next) {
		s = frame_segment_at(i);
		next = s->f_next;
		if (is(f, s->at.table, arg)) {
			place_drop(f, s);
			EVENT(frames_revoke);
		}
	}
	if (f->at.table != 0 && is(f, f->at.table, arg)) {
		place_drop(f, NULL);
		EVENT(frames_revoke);
	}
}
