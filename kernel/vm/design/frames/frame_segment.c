/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * frame_segment.c: the list of the PTEs that map a frame
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
 *
 * Read next frame_table.c.
 */
#include "vm/design/frames/frames.h"

#include "lib/errno.h"
#include "lib/string.h"

static bool any(const struct frame *, uint32_t table, uint32_t arg);

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
		for (i = 0; i < frame_slots_of(f, at->flags); i++)
			bits |= clear ? atomic_and(&w[i], ~(MD_PTE_A | MD_PTE_D)) :
			    atomic_load(&w[i]);
		if (clear) /* else a store could leave the cleared bit clear */
			frame_flush(at->table, at->slot, frame_slots_of(f, at->flags));
		s = next == 0 ? NULL : frame_segment_at(next);
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
		at = &frame_segment_at(next)->at;
		next = frame_segment_at(next)->f_next;
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

/* See frames.h. */
struct segment *
frame_segment_at(uint32_t s_id)
{
	return (struct segment *)pa2va(frames.at[s_id >> 8].pa) + (s_id & 255);
}

/* In the list of f, of memory of its owner; NULL: no more. */
/* See frames.h. */
struct segment *
frame_segment_new(struct frame *f)
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

/* See frames.h. */
void
frame_segment_free(struct frame *f, struct segment *s)
{
	struct segment_space *space = pa2va(frames.at[s->s_id >> 8].pa);
	uint32_t *link = &f->segs;

	while (*link != s->s_id)
		link = &frame_segment_at(*link)->f_next;
	*link = s->f_next;
	s->f_id = s->f_next = 0;
	s->at.table = 0;
	s->next = space->free;
	space->free = s->s_id & 255;
	space->live--;
	frames.segments--;
}

/* See frames.h. */
uint64_t
frame_segments_free(const struct frame_proc *p)
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
