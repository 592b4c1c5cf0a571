/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * frames_check.c: S1 to S8, at any moment between two calls
 *
 * Problem   Programs own the page tables that the CPU walks.  A list of rules keeps
 *           them apart; here each rule is checked by counting.
 *
 * Picture   every mapping in a list ─→ its words are as they must be   ┐ then they are
 *           words that are not 0, of all tables ─→ the same number     ┘ the same words
 *
 * Rules     1. Nothing changes; the mutex is held.
 */
#include "vm/design/frames/frames.h"

/* The counts of one check. */
struct counts {
	uint64_t words, found;     /* [own] words that mappings and links have; that are */
	uint64_t pages, quota;     /* [own] */
	uint32_t segments, live;   /* [own] listed by frames; by their memory */
	uint32_t rows;             /* [own] descriptors in use */
};

static const char *frame_check(struct frame *, struct counts *);
static const char *places_check(struct frame *, struct counts *);
static const char *place_check(const struct frame *, const struct frame_place *);
static const char *table_check(struct frame *, struct counts *);
static const char *proc_check(struct frame_proc *, struct counts *);
static const char *list_check(struct frame_proc *, struct counts *);
static uint32_t weight(const struct rb_node *);

#define WRONG_IF(what, text)                                              \
	do {                                                              \
		if (what)                                                 \
			return (text);                                    \
	} while (0)

/* See frames.h. */
const char *
frames_check(void)
{
	struct counts c = { 0 };
	struct frame_proc *p = frame_proc_at(0);
	const char *wrong = NULL;
	struct frame *f;
	uint32_t i, before = 0, rows;

	for (i = frames.by_pa; i != 0 && wrong == NULL; before = i, i = f->pa_next) {
		f = &frames.at[i];
		WRONG_IF(f->pa_prev != before, "the list by address is broken");
		WRONG_IF(before != 0 && frames.at[before].pa +
		    frames.at[before].pages * FRAME_PAGE_SIZE > f->pa, "frames overlap");
		wrong = frame_check(f, &c);
	}
	rows = c.rows;
	c.rows = 0;
	for (; p != NULL && wrong == NULL;
	    p = p->next == 0 ? NULL : frame_proc_at(p->next))
		wrong = proc_check(p, &c);
	WRONG_IF(wrong != NULL, wrong);
	WRONG_IF(c.pages != frames.pages, "pages are missing");
	WRONG_IF(c.rows != rows, "S5: a frame is in no owner's list");
	WRONG_IF(c.rows != frames.live, "a row is in use for no frame");
	WRONG_IF(c.quota != frames.n - 1, "S6: quotas are not the buffer");
	WRONG_IF(c.words != c.found, "S2: a word that no mapping has");
	WRONG_IF(c.segments != c.live || c.live != frames.segments,
	    "segments are lost");
	return NULL;
}

static const char *
frame_check(struct frame *f, struct counts *c)
{
	const char *wrong = places_check(f, c);

	WRONG_IF(f->type == FRAME_FREE || f->pages == 0, "a frame without memory");
	WRONG_IF(wrong != NULL, wrong);
	WRONG_IF(f->type != FRAME_PAGE && f->nwrite != 0, "S1: a table can be written");
	WRONG_IF(f->type == FRAME_PROC ? f->pages != FRAME_PROC_PAGES :
	    f->type != FRAME_PAGE && f->pages != 1, "a table of another size");
	WRONG_IF(f->owner != 0 && frames.at[f->owner].type != FRAME_PROC,
	    "S5: the owner is no process");
	WRONG_IF(frame_level(f) == 0 &&
	    (f->used != 0 || f->parent != 0 || f->is_root), "no table, but linked");
	c->pages += f->pages;
	c->rows++;
	return frame_level(f) == 0 ? NULL : table_check(f, c);
}

static const char *
places_check(struct frame *f, struct counts *c)
{
	const struct frame_place *at = &f->at;
	const struct segment *s;
	const char *wrong = NULL;
	uint32_t n = 0, nwrite = 0, next = f->segs;

	WRONG_IF(at->table == 0 && next != 0, "segments without a first mapping");
	while (at->table != 0 && wrong == NULL) {
		wrong = place_check(f, at);
		n++;
		nwrite += (at->flags & F_WRITE) != 0;
		c->words += (at->flags & F_TYPE_MASK) == F_TYPE_SECTION ?
		    f->pages / FRAME_SLOTS : f->pages;
		if (next == 0)
			break;
		s = (struct segment *)pa2va(frames.at[next >> 8].pa) + (next & 255);
		WRONG_IF(frames.at[next >> 8].type != FRAME_SEGSPACE ||
		    frames.at[next >> 8].owner != f->owner,
		    "a segment in memory of another");
		WRONG_IF(s->s_id != next || s->f_id != frame_id(f),
		    "a segment of another frame");
		WRONG_IF(s->at.table == 0, "a segment without a mapping");
		c->segments++;
		at = &s->at;
		next = s->f_next;
	}
	WRONG_IF(wrong == NULL && (n != f->nmap || nwrite != f->nwrite),
	    "nmap is not the number of mappings");
	return wrong;
}

static const char *
place_check(const struct frame *f, const struct frame_place *at)
{
	bool section = (at->flags & F_TYPE_MASK) == F_TYPE_SECTION;
	const struct frame *t = &frames.at[at->table];
	uint64_t step = section ? FRAME_SLOTS : 1, i, w;
	uint64_t rights = MD_PTE_P | MD_PTE_U | (section ? MD_PTE_PS : 0) |
	    ((at->flags & F_WRITE) != 0 ? MD_PTE_W : 0) |
	    ((at->flags & F_EXEC) != 0 ? 0 : MD_PTE_NX);

	WRONG_IF(frame_level(t) != (section ? 2u : 1u), "S3: mapped in no such table");
	WRONG_IF(!frame_is_lent_right(f, at->table), "S4: mapped where it may not be");
	WRONG_IF(at->slot + f->pages / step > FRAME_SLOTS, "a mapping over the end");
	for (i = 0; i < f->pages / step; i++) {
		w = atomic_load(&frame_words(t)[at->slot + i]);
		WRONG_IF((w & ~(MD_PTE_A | MD_PTE_D)) !=
		    (rights | (f->pa + i * step * FRAME_PAGE_SIZE)),
		    "S2: a word is not that of its mapping");
	}
	return NULL;
}

static const char *
table_check(struct frame *t, struct counts *c)
{
	unsigned i, used = 0, end = FRAME_SLOTS;
	const struct frame *up = &frames.at[t->parent];

	for (i = 0; i < end; i++)
		used += frame_words(t)[i] != 0;
	c->found += used;
	WRONG_IF(used != t->used, "S2: a table's words are not counted right");
	WRONG_IF(t->is_root && (t->type != FRAME_TABLE4 ||
	    frame_proc_at(t->owner)->root != frame_id(t)), "a root of nobody");
	if (t->parent == 0)
		return NULL;
	c->words++;
	WRONG_IF(frame_level(up) != frame_level(t) + 1, "S3: linked at a wrong level");
	WRONG_IF(up->owner != t->owner, "S4: a table is linked in another's");
	WRONG_IF((frame_words(up)[t->pslot] & ~MD_PTE_A) !=
	    (t->pa | MD_PTE_P | MD_PTE_W | MD_PTE_U), "S3: a link is not its word");
	return NULL;
}

static const char *
proc_check(struct frame_proc *p, struct counts *c)
{
	const struct segment_space *space;
	uint32_t up = p->f_id, n = 0, i;

	while (up != 0 && n++ < frames.n)
		up = frames.at[up].owner;
	WRONG_IF(up != 0, "S5: a process is its own creator");
	WRONG_IF(p->f_id != 0 && frames.at[p->f_id].type != FRAME_PROC,
	    "S5: a record in no PROC frame");
	WRONG_IF(p->root != 0 && (frames.at[p->root].owner != p->f_id ||
	    !frames.at[p->root].is_root), "a root of another process");
	for (i = p->spaces; i != 0; i = space->next) {
		space = pa2va(frames.at[i].pa);
		WRONG_IF(frames.at[i].type != FRAME_SEGSPACE ||
		    frames.at[i].owner != p->f_id, "segments in memory of another");
		c->live += space->live;
	}
	WRONG_IF(p->used > p->quota, "S6: more frames than allowed");
	c->quota += p->quota;
	return list_check(p, c);
}

static const char *
list_check(struct frame_proc *p, struct counts *c)
{
	struct rb_root root = { p->tree == 0 ? NULL : &frames.at[p->tree].own };
	const struct frame *f, *before = NULL;
	uint32_t n = 0;

	WRONG_IF(rb_check(&root) < 0, "S5: an owner's tree leans");
	for (f = frame_first(p); f != NULL; before = f, f = frame_next(f), n++)
		WRONG_IF(f->owner != p->f_id || (before != NULL && f <= before) ||
		    f->below != 1 + weight(f->own.left) + weight(f->own.right),
		    "S5: an owner's tree is broken");
	WRONG_IF(n != p->used, "S5: an owner's tree is cut");
	c->rows += n;
	return NULL;
}

static uint32_t
weight(const struct rb_node *n)
{
	return n == NULL ? 0 : CONTAINER_OF(n, const struct frame, own)->below;
}
