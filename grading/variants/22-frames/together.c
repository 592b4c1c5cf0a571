/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lab 22, another way: a mapping is planned whole before anything is written; what is
 * revoked is cleared at all places first, then flushed once a table, then forgotten.
 */
#include "vm/design/frames/frames.h"

#include "lib/errno.h"
#include "lib/string.h"

/* Where a mapping will be. */
struct plan {
	struct frame *table;
	uint64_t first, n;     /* words */
	uint64_t step, bits;   /* from word to word; without the address */
};

static uint64_t
end_of(const struct frame *f)
{
	return f->pa + f->pages * FRAME_PAGE_SIZE;
}

/* ---- cut and join ---- */

static bool
is_section(const struct frame_place *at)
{
	return (at->flags & F_TYPE_MASK) == F_TYPE_SECTION;
}

/* How many mappings: UINT32_MAX, if one is of sections. */
static uint32_t
places_of_pages(const struct frame *f)
{
	uint32_t n = 0, i = f->segs;

	if (f->at.table == 0)
		return 0;
	if (is_section(&f->at))
		return UINT32_MAX;
	for (n = 1; i != 0; i = frame_segment_at(i)->f_next, n++)
		if (is_section(&frame_segment_at(i)->at))
			return UINT32_MAX;
	return n;
}

/* hi's places: those of lo, so many pages further. */
static void
places_follow(struct frame *hi, const struct frame *lo, uint64_t pages)
{
	uint32_t i = lo->segs;
	struct segment *s;

	hi->at = lo->at;
	hi->at.slot = (uint16_t)(lo->at.slot + pages);
	for (; i != 0; i = frame_segment_at(i)->f_next) {
		s = frame_segment_new(hi);
		s->at = frame_segment_at(i)->at;
		s->at.slot = (uint16_t)(s->at.slot + pages);
	}
	hi->nmap = lo->nmap;
	hi->nwrite = lo->nwrite;
}

int
frame_split(int pid, uint32_t f, uint64_t off)
{
	uint64_t keep = off / FRAME_PAGE_SIZE;
	struct frame_proc *p, *owner;
	struct frame *lo, *hi;
	uint32_t places;
	int r = frame_get(pid, f, &p, &lo);

	if (r != 0)
		return r;
	if (keep * FRAME_PAGE_SIZE != off || keep == 0 || keep >= lo->pages)
		return -EINVAL;
	if (lo->type != FRAME_PAGE)
		return -EBUSY;
	owner = frame_proc_at(lo->owner);
	if (owner->used >= owner->quota)
		return -ENFILE;
	places = places_of_pages(lo);
	if (places == UINT32_MAX)
		return -EBUSY;
	if (places > 1 && frame_segments_free(owner) < places - 1)
		return -ENOSPC;
	hi = frame_row_take();
	hi->owner = lo->owner;
	hi->type = FRAME_PAGE;
	hi->pages = lo->pages - keep;
	hi->pa = lo->pa + off;
	if (places != 0)
		places_follow(hi, lo, keep);
	lo->pages = keep;
	frame_list(hi, lo);
	return (int)frame_id(hi);
}

int
frame_merge(int pid, uint32_t f1, uint32_t f2)
{
	struct frame_proc *p;
	struct frame *lo, *hi;
	int r = frame_get(pid, f1, &p, &lo);

	if (r == 0)
		r = frame_get(pid, f2, &p, &hi);
	if (r != 0)
		return r;
	if (hi->pa != end_of(lo) || hi->owner != lo->owner)
		return -EINVAL;
	if (lo->type != FRAME_PAGE || hi->type != FRAME_PAGE || lo->nmap != hi->nmap || lo->nmap > 1)
		return -EBUSY;
	if (lo->nmap == 1 && (lo->at.table != hi->at.table || lo->at.flags != hi->at.flags ||
	    is_section(&lo->at) || hi->at.slot - lo->at.slot != (int64_t)lo->pages))
		return -EBUSY;
	frame_unlist(hi);
	lo->pages += hi->pages;
	frame_row_put(hi);
	return (int)f1;
}

/* ---- map ---- */

static int
plan_make(struct plan *p, struct frame *t, const struct frame *f, va_t va, unsigned flags)
{
	unsigned type = flags & F_TYPE_MASK, level = type == F_TYPE_SECTION ? 2 : 1;
	uint64_t pages = level == 2 ? FRAME_SLOTS : 1;

	p->table = t;
	p->step = pages * FRAME_PAGE_SIZE;
	p->n = f->pages / pages;
	p->first = va / p->step % FRAME_SLOTS;
	p->bits = MD_PTE_P | MD_PTE_U;
	if ((type != F_TYPE_PAGE && type != F_TYPE_SECTION) || (flags & F_READ) == 0 ||
	    (flags & ~(unsigned)(F_READ | F_WRITE | F_EXEC | F_TYPE_MASK)) != 0)
		return -EINVAL;
	if (frame_level(t) != level || va % p->step != 0)
		return -EINVAL;
	if (level == 2 && (f->pa % p->step != 0 || p->n * pages != f->pages))
		return -EINVAL;
	if (va >= FRAME_USER_END)
		return -EPERM;
	if (p->n > FRAME_SLOTS - p->first ||
	    !frame_va_is_of(frame_id(t), (unsigned)p->first, va))
		return -EINVAL;
	if ((flags & F_WRITE) != 0)
		p->bits |= MD_PTE_W;
	if ((flags & F_EXEC) == 0)
		p->bits |= MD_PTE_NX;
	if (level == 2)
		p->bits |= MD_PTE_PS;
	return 0;
}

static bool
plan_fits(const struct plan *p)
{
	const uint64_t *w = frame_words(p->table) + p->first, *end = w + p->n;

	while (w < end && *w == 0)
		w++;
	return w == end;
}

int
frame_map(int pid, uint32_t table, uint32_t f, va_t va, unsigned flags)
{
	struct frame_place *at;
	struct segment *s = NULL;
	struct frame_proc *p;
	struct frame *fr, *t;
	struct plan plan;
	uint64_t i;
	int r = frame_get(pid, f, &p, &fr);

	if (r == 0)
		r = frame_get(pid, table, &p, &t);
	if (r != 0)
		return r;
	if (frame_level(t) == 0)
		return -EINVAL;
	if (flags == F_TYPE_TABLE)
		return frame_link(t, fr, va);
	r = plan_make(&plan, t, fr, va, flags);
	if (r != 0)
		return r;
	if (!frame_is_lent_right(fr, table))
		return -EPERM;
	if (fr->type != FRAME_PAGE && (flags & F_WRITE) != 0)
		return -EPERM;
	if (!plan_fits(&plan))
		return -EEXIST;
	at = &fr->at;
	if (at->table != 0) {
		s = frame_segment_new(fr);
		if (s == NULL)
			return -ENOSPC;
		at = &s->at;
	}
	at->table = table;
	at->slot = (uint16_t)plan.first;
	at->flags = (uint16_t)flags;
	for (i = 0; i < plan.n; i++)
		atomic_store(&frame_words(t)[plan.first + i], plan.bits | (fr->pa + i * plan.step));
	t->used = (uint16_t)(t->used + plan.n);
	fr->nmap += 1;
	if ((flags & F_WRITE) != 0)
		fr->nwrite += 1;
	return s != NULL ? (int)s->s_id : 0;
}

/* ---- away ---- */

static void
words_clear(const struct frame *f, const struct frame_place *at)
{
	unsigned n = frame_slots_of(f, at->flags);

	while (n-- > 0)
		atomic_store(&frame_words(&frames.at[at->table])[at->slot + n], 0);
}

/* Its words are 0, and no CPU has them. */
static void
place_count_out(struct frame *f, const struct frame_place *at)
{
	struct frame *t = &frames.at[at->table];

	t->used = (uint16_t)(t->used - frame_slots_of(f, at->flags));
	f->nmap -= 1;
	if ((at->flags & F_WRITE) != 0)
		f->nwrite -= 1;
}

static void
first_forget(struct frame *f)
{
	struct segment *s;

	place_count_out(f, &f->at);
	if (f->segs == 0) {
		f->at = (struct frame_place){ 0, 0, 0 };
		return;
	}
	s = frame_segment_at(f->segs);
	f->at = s->at;
	frame_segment_free(f, s);
}

static void
segment_forget(struct frame *f, struct segment *s)
{
	place_count_out(f, &s->at);
	frame_segment_free(f, s);
}

int
frame_unmap(int pid, uint32_t table, uint32_t f, va_t va)
{
	struct frame *t = frame_at(table), *fr = frame_at(f);
	struct frame_proc *p = frame_proc(pid);
	struct segment *s = NULL;
	struct frame_place *at;
	unsigned slot, shift;
	uint32_t i;

	if (p == NULL)
		return -ESRCH;
	if (t == NULL || fr == NULL)
		return -ENOENT;
	if (!frame_may(p, fr) && !frame_may(p, t))
		return -EPERM;
	if (frame_level(t) == 0)
		return -EINVAL;
	shift = 3 + 9 * frame_level(t);
	slot = (unsigned)(va >> shift) % FRAME_SLOTS;
	if (va >> shift << shift != va || !frame_va_is_of(table, slot, va))
		return -EINVAL;
	if (fr->parent == table && fr->pslot == slot) {
		if (!frame_may(p, fr))
			return -EPERM;
		return frame_unlink(fr);
	}
	at = fr->at.table == table && fr->at.slot == slot ? &fr->at : NULL;
	for (i = fr->segs; at == NULL && i != 0; i = s->f_next) {
		s = frame_segment_at(i);
		if (s->at.table == table && s->at.slot == slot)
			at = &s->at;
	}
	if (at == NULL)
		return -ENOENT;
	words_clear(fr, at);
	frame_flush(table, slot, frame_slots_of(fr, at->flags));
	if (at == &fr->at)
		first_forget(fr);
	else
		segment_forget(fr, s);
	return 0;
}

/* The n-th place of f; NULL: it has not so many. */
static struct frame_place *
place_of_frame(struct frame *f, uint32_t n)
{
	uint32_t i = f->segs;

	if (n == 0)
		return f->at.table == 0 ? NULL : &f->at;
	while (i != 0 && --n > 0)
		i = frame_segment_at(i)->f_next;
	return i == 0 ? NULL : &frame_segment_at(i)->at;
}

/* One flush for all places in the table that go; none, if one before n is in it. */
static void
flush_table_once(struct frame *f, uint32_t n, bool (*is)(const struct frame *, uint32_t, uint32_t),
    uint32_t arg)
{
	uint32_t table = place_of_frame(f, n)->table, i;
	unsigned lo = FRAME_SLOTS, hi = 0, end;
	const struct frame_place *at;

	for (i = 0; (at = place_of_frame(f, i)) != NULL; i++) {
		if (at->table != table || !is(f, table, arg))
			continue;
		if (i < n)
			return;
		end = at->slot + frame_slots_of(f, at->flags);
		lo = at->slot < lo ? at->slot : lo;
		hi = end > hi ? end : hi;
	}
	frame_flush(table, lo, hi - lo);
}

void
frame_revoke_if(struct frame *f, bool (*is)(const struct frame *, uint32_t table,
    uint32_t arg), uint32_t arg)
{
	const struct frame_place *at;
	struct segment *s;
	uint32_t i, next;

	for (i = 0; (at = place_of_frame(f, i)) != NULL; i++)
		if (is(f, at->table, arg))
			words_clear(f, at);
	for (i = 0; (at = place_of_frame(f, i)) != NULL; i++)
		if (is(f, at->table, arg))
			flush_table_once(f, i, is, arg);
	for (i = f->segs; i != 0; i = next) {
		s = frame_segment_at(i);
		next = s->f_next;
		if (is(f, s->at.table, arg)) {
			EVENT(frames_revoke);
			segment_forget(f, s);
		}
	}
	if (f->at.table != 0 && is(f, f->at.table, arg)) {
		EVENT(frames_revoke);
		first_forget(f);
	}
}

/* ---- tables ---- */

int
frame_table(int pid, uint32_t f, va_t view, int level)
{
	static const uint8_t type[] = { FRAME_TABLE1, FRAME_TABLE2, FRAME_TABLE3, FRAME_TABLE4 };
	struct frame_proc *p;
	struct frame *fr;
	bool seen;
	int r = frame_get(pid, f, &p, &fr);

	if (r != 0)
		return r;
	if (fr->pages != 1 || level <= 0 || level > 4)
		return -EINVAL;
	if (fr->nwrite > 0 || fr->type != FRAME_PAGE)
		return -EBUSY;
	seen = view != 0 && p->root != 0 && frame_is_mapped_at(fr, p->root, view);
	if (view != 0 && !seen)
		return -EINVAL;
	if (view == 0 && fr->nmap > 0)
		return -EINVAL;
	fr->type = type[level - 1];
	memset(frame_words(fr), 0, FRAME_SLOTS * sizeof(uint64_t));
	return 0;
}

int
frame_untable(int pid, uint32_t f)
{
	const struct segment_space *space;
	struct frame_proc *p;
	struct frame *fr;
	int r = frame_get(pid, f, &p, &fr);

	if (r != 0)
		return r;
	switch (fr->type) {
	case FRAME_PAGE:
		return -EINVAL;
	case FRAME_SEGSPACE:
		space = pa2va(fr->pa);
		if (space->live != 0)
			return -EBUSY;
		frame_segment_space_end(fr);
		return 0;
	case FRAME_TABLE1: case FRAME_TABLE2: case FRAME_TABLE3: case FRAME_TABLE4:
		if (fr->is_root || fr->parent != 0 || fr->used != 0)
			return -EBUSY;
		frame_table_end(fr);
		return 0;
	default:
		return -EBUSY;
	}
}

/* The word of a table's parent is w now. */
static void
link_word(struct frame *table, unsigned slot, uint64_t w)
{
	atomic_store(&frame_words(table)[slot], w);
	if (table->is_root)
		frames.md->root_word(frame_proc_at(table->owner)->pid, slot, w);
}

int
frame_link(struct frame *table, struct frame *f, va_t va)
{
	unsigned level = frame_level(f), slot;

	if (level < 1 || level > 3 || frame_level(table) != level + 1)
		return -EINVAL;
	if ((va & (((va_t)1 << (12 + 9 * level)) - 1)) != 0)
		return -EINVAL;
	if (f->owner != table->owner || va >= FRAME_USER_END ||
	    (level == 3 && va < FRAME_USER_BASE))
		return -EPERM;
	slot = (unsigned)(va >> (12 + 9 * level)) & (FRAME_SLOTS - 1);
	if (!frame_va_is_of(frame_id(table), slot, va))
		return -EINVAL;
	if (f->parent != 0)
		return -EBUSY;
	if (frame_words(table)[slot] != 0)
		return -EEXIST;
	f->parent = frame_id(table);
	f->pslot = (uint16_t)slot;
	table->used = (uint16_t)(table->used + 1);
	link_word(table, slot, f->pa | MD_PTE_U | MD_PTE_W | MD_PTE_P);
	return 0;
}

int
frame_unlink(struct frame *f)
{
	uint32_t up = f->parent;
	struct frame *table = &frames.at[up];

	if (f->used > 0)
		return -EBUSY;
	link_word(table, f->pslot, 0);
	frame_flush(up, f->pslot, 1);
	f->parent = 0;
	table->used = (uint16_t)(table->used - 1);
	return 0;
}

/* ---- give ---- */

int
frame_give(int pid, uint32_t f, int to)
{
	struct frame_proc *p, *t;
	struct frame_allow *row;
	struct frame *fr;
	int r = frame_get(pid, f, &p, &fr);

	if (r != 0)
		return r;
	t = frame_proc(to);
	if (t == NULL)
		return -ESRCH;
	if (fr->owner == t->f_id)
		return -EINVAL;
	if (fr->type != FRAME_PAGE)
		return -EBUSY;
	row = frame_allow_row(t, pid);
	if (row != NULL) {
		if (row->left == 0)
			return -EDQUOT;
		row->left -= 1;
	} else if (to != pid)
		return -EPERM;
	frame_revoke(fr);
	frame_own(fr, t->f_id);
	return (int)f;
}

int
frame_allow(int pid, int from, uint32_t max)
{
	struct frame_proc *me = frame_proc(pid), *giver = frame_proc(from);
	struct frame_allow *row;

	if (me == NULL || giver == NULL)
		return -ESRCH;
	if (me == giver)
		return -EINVAL;
	row = frame_allow_row(me, from);
	if (max == 0) {
		if (row != NULL)
			*row = (struct frame_allow){ 0, 0 };
		return 0;
	}
	if (row == NULL)
		row = frame_allow_row(me, -1);
	if (row == NULL)
		return -ENFILE;
	*row = (struct frame_allow){ (uint32_t)from + 1, max };
	return 0;
}
