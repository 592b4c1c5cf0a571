/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * frame_map.c: where a frame is mapped
 *
 * Problem   Before a frame changes hands, each word that names it must be found, and
 *           the list of these words must not make the kernel allocate.
 *
 * Picture   frame ─ at ───→ table, slot        the first mapping: in the descriptor
 *                 ─ segs ─→ segment ─ f_next ─→ segment    in memory that the owner
 *                           table, slot         table, slot    has donated (SEGSPACE)
 *
 * Rules     1. A frame with segments has a first mapping.
 *           2. A segment lies in a SEGSPACE frame of the frame's owner.
 *           3. Words are cleared, then flushed, then forgotten.
 *           4. Only PAGE frames are mapped with F_WRITE.
 *
 * Read next frame_table.c.
 */
#include "vm/design/frames/frames.h"

#include "lib/errno.h"
#include "lib/string.h"

static int place_of(const struct frame *t, const struct frame *, va_t, unsigned flags,
    struct frame_place *);
static bool va_is_of(uint32_t table, unsigned slot, va_t);
static unsigned slots_of(const struct frame *, unsigned flags);
static bool slots_are_free(const struct frame *t, const struct frame_place *, unsigned n);
static void words_make(const struct frame *, const struct frame_place *);
static void place_drop(struct frame *, struct segment *);
static struct segment *segment_at(uint32_t s_id);
static struct segment *segment_new(struct frame *);
static void segment_free(struct frame *, struct segment *);
static uint64_t segments_free(const struct frame_proc *);
static bool any(const struct frame *, uint32_t table, uint32_t arg);

/* See frames.h. */
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
	if (!slots_are_free(t, &at, slots_of(fr, flags)))
		return -EEXIST;
	if (fr->at.table != 0) {
		s = segment_new(fr);
		if (s == NULL)
			return -ENOSPC;
	}
	*(s == NULL ? &fr->at : &s->at) = at;
	words_make(fr, &at);
	t->used = (uint16_t)(t->used + slots_of(fr, flags));
	fr->nmap++;
	fr->nwrite += (flags & F_WRITE) != 0;
	return s == NULL ? 0 : (int)s->s_id;
}

/* Where f would be in t; -EINVAL, -EPERM. */
static int
place_of(const struct frame *t, const struct frame *f, va_t va, unsigned flags,
    struct frame_place *at)
{
	bool section = (flags & F_TYPE_MASK) == F_TYPE_SECTION;
	uint64_t size = section ? FRAME_SLOTS * FRAME_PAGE_SIZE : FRAME_PAGE_SIZE;
	uint64_t n = slots_of(f, flags);
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
	    !va_is_of(at->table, at->slot, va))
		return -EINVAL;
	return 0;
}

/* May the word be that of va, as far as the table is linked? */
static bool
va_is_of(uint32_t table, unsigned slot, va_t va)
{
	unsigned top;
	va_t is = frame_va_of(table, slot, &top);
	va_t mask = ((va_t)1 << (12 + 9 * top)) - 1;

	return is == (va & mask);
}

static unsigned
slots_of(const struct frame *f, unsigned flags)
{
	return (unsigned)((flags & F_TYPE_MASK) == F_TYPE_SECTION ?
	    f->pages / FRAME_SLOTS : f->pages);
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
	for (i = 0; i < slots_of(f, at->flags); i++)
		atomic_store(&w[i], bits | (f->pa + i * FRAME_PAGE_SIZE *
		    (section ? FRAME_SLOTS : 1u)));
}

/* See frames.h: whoever may change the frame or the table. */
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
	if (va % ((va_t)1 << (3 + 9 * level)) != 0 || !va_is_of(table, slot, va))
		return -EINVAL;
	if (fr->parent == table && fr->pslot == slot)
		return frame_may(p, fr) ? frame_unlink(fr) : -EPERM;
	at = &fr->at;
	for (i = fr->segs; at->table != table || at->slot != slot; i = s->f_next) {
		if (i == 0)
			return -ENOENT;
		s = segment_at(i);
		at = &s->at;
	}
	place_drop(fr, s);
	return 0;
}

/* One mapping of f goes; s NULL: the first, whose place the next one takes. */
static void
place_drop(struct frame *f, struct segment *s)
{
	struct frame_place at = s == NULL ? f->at : s->at;
	struct frame *t = &frames.at[at.table];
	unsigned n = slots_of(f, at.flags), i;

	for (i = at.slot; i < at.slot + n; i++)
		atomic_store(&frame_words(t)[i], 0);
	frame_flush(at.table, at.slot, n);
	t->used = (uint16_t)(t->used - n);
	f->nmap--;
	f->nwrite -= (at.flags & F_WRITE) != 0;
	if (s == NULL && f->segs != 0) {
		s = segment_at(f->segs);
		f->at = s->at;
	} else if (s == NULL)
		f->at.table = 0;
	if (s != NULL)
		segment_free(f, s);
}

/* See frames.h. */
void
frame_revoke(struct frame *f)
{
	frame_revoke_if(f, any, 0);
}

static bool
any(const struct frame *f, uint32_t table, uint32_t arg)
{
	return true;
}

/* See frames.h: the segments first, for the first mapping is followed by one of them. */
void
frame_revoke_if(struct frame *f, bool (*is)(const struct frame *, uint32_t table,
    uint32_t arg), uint32_t arg)
{
	struct segment *s;
	uint32_t i, next;

	for (i = f->segs; i != 0; i = next) {
		s = segment_at(i);
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

/* See frames.h: hi, without a mapping, has the upper pages of lo already. */
int
frame_split_places(struct frame *lo, struct frame *hi)
{
	struct frame_proc *owner = frame_proc_at(lo->owner);
	struct segment *s, *new;
	uint32_t i;

	if (lo->nmap == 0)
		return 0;
	if ((lo->at.flags & F_TYPE_MASK) == F_TYPE_SECTION)
		return -EBUSY;
	for (i = lo->segs; i != 0; i = s->f_next) {
		s = segment_at(i);
		if ((s->at.flags & F_TYPE_MASK) == F_TYPE_SECTION)
			return -EBUSY;
	}
	if (segments_free(owner) < lo->nmap - 1)
		return -ENOSPC;
	hi->at = lo->at;
	hi->at.slot = (uint16_t)(hi->at.slot + lo->pages);
	hi->nmap = lo->nmap;
	hi->nwrite = lo->nwrite;
	for (i = lo->segs; i != 0; i = s->f_next) {
		s = segment_at(i);
		new = segment_new(hi);
		new->at = s->at;
		new->at.slot = (uint16_t)(new->at.slot + lo->pages);
	}
	return 0;
}

/* See frames.h: both have none, or one each, side by side and alike. */
bool
frame_merge_places(struct frame *lo, struct frame *hi)
{
	if (lo->nmap == 0 && hi->nmap == 0)
		return true;
	return lo->nmap == 1 && hi->nmap == 1 && lo->at.table == hi->at.table &&
	    lo->at.flags == hi->at.flags && (lo->at.flags & F_TYPE_MASK) == F_TYPE_PAGE &&
	    lo->at.slot + lo->pages == hi->at.slot;
}

/* See frames.h: MD_PTE_A | MD_PTE_D of all its words. */
uint64_t
frame_touched(struct frame *f, bool clear)
{
	struct frame_place *at = &f->at;
	uint64_t bits = 0, *w;
	struct segment *s;
	uint32_t next = f->segs;
	unsigned i;

	for (; at != NULL && at->table != 0; at = s == NULL ? NULL : &s->at) {
		w = frame_words(&frames.at[at->table]) + at->slot;
		for (i = 0; i < slots_of(f, at->flags); i++)
			bits |= clear ? atomic_and(&w[i], ~(MD_PTE_A | MD_PTE_D)) :
			    atomic_load(&w[i]);
		if (clear) /* else a store could go unseen by the bit that is cleared */
			frame_flush(at->table, at->slot, slots_of(f, at->flags));
		s = next == 0 ? NULL : segment_at(next);
		next = s == NULL ? 0 : s->f_next;
	}
	return bits & (MD_PTE_A | MD_PTE_D);
}

/* See frames.h. */
bool
frame_is_mapped_at(const struct frame *f, uint32_t root, va_t va)
{
	const struct frame_place *at = &f->at;
	uint32_t next = f->segs;
	unsigned top;

	while (at->table != 0) {
		if (frame_root_of(at->table) == root &&
		    frame_va_of(at->table, at->slot, &top) == va)
			return true;
		if (next == 0)
			return false;
		at = &segment_at(next)->at;
		next = segment_at(next)->f_next;
	}
	return false;
}

/* ---- memory of segments ---- */

/* See frames.h: of must be the owner. */
int
frame_segment_space(int pid, int of, uint32_t f)
{
	struct frame_proc *p, *owner = frame_proc(of);
	struct segment_space *space;
	struct segment *s;
	struct frame *fr;
	uint32_t i;
	int r = frame_get(pid, f, &p, &fr);

	if (r < 0)
		return r;
	if (owner == NULL)
		return -ESRCH;
	if (owner->f_id != fr->owner)
		return -EPERM;
	if (fr->pages != 1)
		return -EINVAL;
	if (fr->type != FRAME_PAGE || fr->nwrite != 0)
		return -EBUSY;
	fr->type = FRAME_SEGSPACE;
	space = pa2va(fr->pa);
	memset(space, 0, FRAME_PAGE_SIZE);
	space->f_id = f;
	space->next = owner->spaces;
	space->free = 1;
	owner->spaces = f;
	s = pa2va(fr->pa);
	for (i = 1; i < SEGMENT_END; i++) {
		s[i].s_id = f << 8 | i;
		s[i].next = i + 1 < SEGMENT_END ? i + 1 : 0;
	}
	return 0;
}

/* See frames.h: it is a PAGE again, and empty. */
void
frame_segment_space_end(struct frame *f)
{
	struct segment_space *space = pa2va(f->pa);
	uint32_t *link = &frame_proc_at(f->owner)->spaces;

	while (*link != frame_id(f))
		link = &((struct segment_space *)pa2va(frames.at[*link].pa))->next;
	*link = space->next;
	memset(space, 0, FRAME_PAGE_SIZE);
	f->type = FRAME_PAGE;
}

static struct segment *
segment_at(uint32_t s_id)
{
	return (struct segment *)pa2va(frames.at[s_id >> 8].pa) + (s_id & 255);
}

/* In the list of f, of memory of its owner; NULL: no more. */
static struct segment *
segment_new(struct frame *f)
{
	uint32_t i = frame_proc_at(f->owner)->spaces;
	struct segment_space *space = NULL;
	struct segment *s;

	for (; i != 0; i = space->next) {
		space = pa2va(frames.at[i].pa);
		if (space->free != 0)
			break;
	}
	if (i == 0)
		return NULL;
	s = (struct segment *)space + space->free;
	space->free = s->next;
	space->live++;
	frames.segments++;
	s->f_id = frame_id(f);
	s->next = 0;
	s->f_next = f->segs;
	f->segs = s->s_id;
	return s;
}

static void
segment_free(struct frame *f, struct segment *s)
{
	struct segment_space *space = pa2va(frames.at[s->s_id >> 8].pa);
	uint32_t *link = &f->segs;

	while (*link != s->s_id)
		link = &segment_at(*link)->f_next;
	*link = s->f_next;
	s->f_id = s->f_next = 0;
	s->at.table = 0;
	s->next = space->free;
	space->free = s->s_id & 255;
	space->live--;
	frames.segments--;
}

static uint64_t
segments_free(const struct frame_proc *p)
{
	struct segment_space *space;
	uint64_t n = 0;
	uint32_t i;

	for (i = p->spaces; i != 0; i = space->next) {
		space = pa2va(frames.at[i].pa);
		n += SEGMENT_END - 1 - space->live;
	}
	return n;
}
