/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lab 22, another way: refusals are one expression each; the first mapping is taken away
 * again and again as long as it is to go, and then the segments behind it; a place is
 * found by a walk that says where it hangs.
 */
#include "vm/design/frames/frames.h"

#include "lib/errno.h"

#define SPAN(level) ((va_t)1 << (3 + 9 * (level)))   /* of a word of that level */

static int
both(int pid, uint32_t f, struct frame **a, uint32_t g, struct frame **b)
{
	struct frame_proc *p;
	int r = frame_get(pid, f, &p, a);

	return r != 0 ? r : frame_get(pid, g, &p, b);
}

static unsigned
type_of(const struct frame_place *at)
{
	return at->flags & F_TYPE_MASK;
}

/* ---- places of a frame, one after the other ---- */

struct walk {
	struct frame *f;
	struct segment *s;     /* NULL: at the first mapping */
	struct frame_place *at; /* NULL: no more */
};

static struct walk
walk_begin(struct frame *f)
{
	return (struct walk){ f, NULL, f->at.table == 0 ? NULL : &f->at };
}

static void
walk_next(struct walk *w)
{
	uint32_t i = w->s == NULL ? w->f->segs : w->s->f_next;

	w->s = i == 0 ? NULL : frame_segment_at(i);
	w->at = i == 0 ? NULL : &w->s->at;
}

/* Takes where the walk stands away: clear, flush, forget. */
static void
walk_drop(struct walk *w)
{
	struct frame *f = w->f, *t = &frames.at[w->at->table];
	uint16_t slot = w->at->slot, n = (uint16_t)frame_slots_of(f, w->at->flags), i;

	for (i = slot; i < slot + n; i++)
		atomic_store(&frame_words(t)[i], 0);
	frame_flush(frame_id(t), slot, n);
	f->nwrite -= w->at->flags / F_WRITE % 2;
	f->nmap--;
	t->used = (uint16_t)(t->used - n);
	if (w->s == NULL && f->segs == 0) {
		w->at->table = 0;
		return;
	}
	if (w->s == NULL) {
		w->s = frame_segment_at(f->segs);
		*w->at = w->s->at;
	}
	frame_segment_free(f, w->s);
}

/* ---- step 1, and 5 ---- */

static int
cut_places(struct frame *lo, struct frame *hi)
{
	struct frame_place *at;
	struct walk w;

	for (w = walk_begin(lo); w.at != NULL; walk_next(&w))
		if (type_of(w.at) != F_TYPE_PAGE)
			return -EBUSY;
	if (frame_segments_free(frame_proc_at(lo->owner)) + 1 < lo->nmap)
		return -ENOSPC;
	for (w = walk_begin(lo); w.at != NULL; walk_next(&w)) {
		at = hi->nmap == 0 ? &hi->at : &frame_segment_new(hi)->at;
		*at = *w.at;
		at->slot = (uint16_t)(at->slot + lo->pages);
		hi->nmap++;
	}
	hi->nwrite = lo->nwrite;
	return 0;
}

int
frame_split(int pid, uint32_t f, uint64_t off)
{
	struct frame *lo, *hi;
	struct frame_proc *p;
	uint64_t all;
	int r = frame_get(pid, f, &p, &lo);

	if (r != 0)
		return r;
	all = lo->pages;
	if ((off & (FRAME_PAGE_SIZE - 1)) != 0 || off - 1 >= all * FRAME_PAGE_SIZE - 1)
		return -EINVAL;
	if (lo->type != FRAME_PAGE)
		return -EBUSY;
	p = frame_proc_at(lo->owner);
	if (p->quota - p->used == 0)
		return -ENFILE;
	hi = frame_row_take();
	lo->pages = off / FRAME_PAGE_SIZE;
	hi->type = lo->type;
	hi->owner = lo->owner;
	hi->pa = lo->pa + off;
	hi->pages = all - lo->pages;
	r = lo->nmap > 0 ? cut_places(lo, hi) : 0;
	if (r != 0) {
		lo->pages = all;
		frame_row_put(hi);
		return r;
	}
	frame_list(hi, lo);
	return (int)frame_id(hi);
}

/* Alike: both mapped nowhere, or once, side by side. */
static bool
alike(const struct frame *a, const struct frame *b)
{
	if (a->nmap + b->nmap == 0)
		return true;
	return a->nmap == 1 && b->nmap == 1 && type_of(&a->at) == F_TYPE_PAGE &&
	    a->at.flags == b->at.flags && a->at.table == b->at.table &&
	    b->at.slot == a->at.slot + a->pages;
}

int
frame_merge(int pid, uint32_t f1, uint32_t f2)
{
	struct frame *a, *b;
	int r = both(pid, f1, &a, f2, &b);

	if (r != 0)
		return r;
	if (b->pa - a->pa != a->pages * FRAME_PAGE_SIZE || a->owner != b->owner)
		return -EINVAL;
	if (a->type != FRAME_PAGE || b->type != FRAME_PAGE || !alike(a, b))
		return -EBUSY;
	a->pages += b->pages;
	frame_unlist(b);
	frame_row_put(b);
	return (int)f1;
}

/* ---- step 2 ---- */

static bool
flags_are_right(const struct frame *t, const struct frame *f, va_t va, unsigned flags)
{
	unsigned rights = flags & 7;

	if ((rights & F_READ) == 0)
		return false;
	if (flags - rights == F_TYPE_PAGE)
		return frame_level(t) == 1 && va % SPAN(1) == 0;
	return flags - rights == F_TYPE_SECTION && frame_level(t) == 2 &&
	    (va | f->pa | f->pages * FRAME_PAGE_SIZE) % SPAN(2) == 0;
}

static uint64_t
word_of(unsigned flags)
{
	uint64_t w = MD_PTE_P | MD_PTE_U;

	w |= (flags & F_WRITE) != 0 ? MD_PTE_W : 0;
	w |= (flags & F_EXEC) == 0 ? MD_PTE_NX : 0;
	return (flags & F_TYPE_MASK) == F_TYPE_SECTION ? w | MD_PTE_PS : w;
}

int
frame_map(int pid, uint32_t table, uint32_t f, va_t va, unsigned flags)
{
	struct segment *s = NULL;
	struct frame_place *at;
	struct frame *t, *fr;
	uint64_t *w, n, i, span;
	unsigned slot;
	int r = both(pid, f, &fr, table, &t);

	if (r != 0)
		return r;
	if (frame_level(t) == 0)
		return -EINVAL;
	if (flags == F_TYPE_TABLE)
		return frame_link(t, fr, va);
	if (!flags_are_right(t, fr, va, flags))
		return -EINVAL;
	if (va >= FRAME_USER_END)
		return -EPERM;
	span = SPAN(frame_level(t));
	n = fr->pages / (span / FRAME_PAGE_SIZE);
	slot = (unsigned)(va / span % FRAME_SLOTS);
	if (n > FRAME_SLOTS || slot + n > FRAME_SLOTS || !frame_va_is_of(table, slot, va))
		return -EINVAL;
	if (((flags & F_WRITE) != 0 && fr->type != FRAME_PAGE) || !frame_is_lent_right(fr, table))
		return -EPERM;
	w = frame_words(t) + slot;
	for (i = 0; i < n; i++)
		if (w[i] != 0)
			return -EEXIST;
	if (fr->nmap > 0) {
		s = frame_segment_new(fr);
		if (s == NULL)
			return -ENOSPC;
	}
	at = s != NULL ? &s->at : &fr->at;
	*at = (struct frame_place){ table, (uint16_t)slot, (uint16_t)flags };
	for (i = 0; i < n; i++)
		atomic_store(&w[i], word_of(flags) + fr->pa + i * span);
	t->used = (uint16_t)(t->used + n);
	fr->nwrite += flags / F_WRITE % 2;
	fr->nmap++;
	return s == NULL ? 0 : (int)s->s_id;
}

int
frame_unmap(int pid, uint32_t table, uint32_t f, va_t va)
{
	struct frame *t = frame_at(table), *fr = frame_at(f);
	struct frame_proc *p = frame_proc(pid);
	unsigned slot;
	struct walk w;

	if (p == NULL)
		return -ESRCH;
	if (t == NULL || fr == NULL)
		return -ENOENT;
	if (!(frame_may(p, t) || frame_may(p, fr)))
		return -EPERM;
	if (frame_level(t) == 0 || va % SPAN(frame_level(t)) != 0)
		return -EINVAL;
	slot = (unsigned)(va / SPAN(frame_level(t)) % FRAME_SLOTS);
	if (!frame_va_is_of(table, slot, va))
		return -EINVAL;
	if (fr->parent == table && fr->pslot == slot)
		return frame_may(p, fr) ? frame_unlink(fr) : -EPERM;
	w = walk_begin(fr);
	while (w.at != NULL && (w.at->table != table || w.at->slot != slot))
		walk_next(&w);
	if (w.at == NULL)
		return -ENOENT;
	walk_drop(&w);
	return 0;
}

/* ---- step 3 ---- */

int
frame_table(int pid, uint32_t f, va_t view, int level)
{
	struct frame_proc *p;
	struct frame *fr;
	unsigned i;
	int r = frame_get(pid, f, &p, &fr);

	if (r != 0)
		return r;
	if ((unsigned)level - 1 >= 4 || fr->pages != 1)
		return -EINVAL;
	if (fr->type != FRAME_PAGE || fr->nwrite > 0)
		return -EBUSY;
	if (view == 0 && fr->nmap > 0)
		return -EINVAL;
	if (view != 0 && (p->root == 0 || !frame_is_mapped_at(fr, p->root, view)))
		return -EINVAL;
	for (i = 0; i < FRAME_SLOTS; i++)
		frame_words(fr)[i] = 0;
	fr->type = (uint8_t)(FRAME_PAGE + level);
	return 0;
}

int
frame_untable(int pid, uint32_t f)
{
	struct frame_proc *p;
	struct frame *fr;
	int r = frame_get(pid, f, &p, &fr);

	if (r != 0)
		return r;
	if (fr->type == FRAME_PAGE)
		return -EINVAL;
	if (fr->type == FRAME_SEGSPACE &&
	    ((const struct segment_space *)pa2va(fr->pa))->live == 0) {
		frame_segment_space_end(fr);
		return 0;
	}
	if (frame_level(fr) == 0 || fr->used + fr->parent != 0 || fr->is_root)
		return -EBUSY;
	frame_table_end(fr);
	return 0;
}

int
frame_link(struct frame *table, struct frame *f, va_t va)
{
	unsigned level = frame_level(table), slot = (unsigned)(va / SPAN(level) % FRAME_SLOTS);
	uint64_t *w = frame_words(table) + slot;

	if (level < 2 || frame_level(f) != level - 1 || va % SPAN(level) != 0)
		return -EINVAL;
	if (va >= FRAME_USER_END || (level == 4 && va < FRAME_USER_BASE) || table->owner != f->owner)
		return -EPERM;
	if (!frame_va_is_of(frame_id(table), slot, va))
		return -EINVAL;
	if (f->parent != 0 || *w != 0)
		return f->parent != 0 ? -EBUSY : -EEXIST;
	atomic_store(w, f->pa | MD_PTE_P | MD_PTE_W | MD_PTE_U);
	table->used++;
	f->pslot = (uint16_t)slot;
	f->parent = frame_id(table);
	if (table->is_root)
		frames.md->root_word(frame_proc_at(table->owner)->pid, slot, *w);
	return 0;
}

int
frame_unlink(struct frame *f)
{
	struct frame *table = &frames.at[f->parent];

	if (f->used != 0)
		return -EBUSY;
	table->used--;
	atomic_store(&frame_words(table)[f->pslot], 0);
	if (table->is_root)
		frames.md->root_word(frame_proc_at(table->owner)->pid, f->pslot, 0);
	frame_flush(f->parent, f->pslot, 1);
	f->parent = 0;
	f->pslot = 0;
	return 0;
}

/* ---- step 4 ---- */

int
frame_give(int pid, uint32_t f, int to)
{
	struct frame_proc *p, *t = frame_proc(to);
	struct frame_allow *row;
	struct frame *fr;
	int r = frame_get(pid, f, &p, &fr);

	if (r != 0 || t == NULL)
		return r != 0 ? r : -ESRCH;
	if (t->f_id == fr->owner)
		return -EINVAL;
	if (fr->type != FRAME_PAGE)
		return -EBUSY;
	row = frame_allow_row(t, pid);
	if (row == NULL ? t != p : row->left == 0)
		return row == NULL ? -EPERM : -EDQUOT;
	frame_revoke(fr);
	frame_own(fr, t->f_id);
	if (row != NULL)
		row->left--;
	return (int)f;
}

int
frame_allow(int pid, int from, uint32_t max)
{
	struct frame_proc *p = frame_proc(pid);
	struct frame_allow *row;

	if (p == NULL || frame_proc(from) == NULL)
		return -ESRCH;
	if (pid == from)
		return -EINVAL;
	row = frame_allow_row(p, from);
	if (row == NULL && max == 0)
		return 0;
	if (row == NULL)
		row = frame_allow_row(p, -1);
	if (row == NULL)
		return -ENFILE;
	row->left = max;
	row->giver = max != 0 ? (uint32_t)from + 1 : 0;
	return 0;
}

void
frame_revoke_if(struct frame *f, bool (*is)(const struct frame *, uint32_t table,
    uint32_t arg), uint32_t arg)
{
	struct walk w, next;

	while (f->at.table != 0 && is(f, f->at.table, arg)) {
		w = walk_begin(f);
		walk_drop(&w);
		EVENT(frames_revoke);
	}
	w = walk_begin(f);
	while (w.at != NULL) {
		next = w;
		walk_next(&next);
		if (w.s != NULL && is(f, w.at->table, arg)) {
			walk_drop(&w);
			EVENT(frames_revoke);
		}
		w = next;
	}
}
