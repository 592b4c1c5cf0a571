/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * frame_proc.c: processes that are made of frames, and their end
 *
 * Problem   A process consists of frames that its creator has given to it.  When it
 *           ends, complete or half made, each page is its creator's again.
 *
 * Picture   PROC frame, 2 pages:  struct frame_proc │ struct frame_allow[FRAME_GIVERS]
 *             its owner is the creator: the tree of processes is the tree of owners
 *
 * Rules     1. Links between records are f_ids; the first process lies in the image.
 *           2. A process ends in this order: no CPU runs in its root, no word names
 *              its frames and its tables have no word, then its frames go.
 *           3. Frames that come back to process 0 are cleared.
 *
 * Read next frames_check.c.
 */
#include "vm/design/frames/frames.h"

#include "lib/assert.h"
#include "lib/errno.h"
#include "lib/string.h"

static union {
	struct frame_proc proc;
	uint8_t bytes[FRAME_PROC_PAGES * FRAME_PAGE_SIZE];
} zero __attribute__((aligned(4096))); /* the record of process 0 */

static void row_set_new(struct frame_proc *, int creator);
static void spaces_end(struct frame_proc *);
static void frame_clear(struct frame *);
static void tables_empty(struct frame_proc *);
static bool is_owned_by(const struct frame *, uint32_t table, uint32_t owner);
static void frames_plain(struct frame_proc *);
static void frames_return(struct frame_proc *, uint32_t to);
static void givers_forget(int pid);
static struct frame_allow *rows_of(struct frame_proc *);

/* See frames.h. */
struct frame_proc *
frame_proc(int pid)
{
	struct frame_proc *p = &zero.proc;

	while (p != NULL && p->pid != pid)
		p = p->next == 0 ? NULL : frame_proc_at(p->next);
	return p;
}

/* See frames.h. */
struct frame_proc *
frame_proc_at(uint32_t f)
{
	return f == 0 ? &zero.proc : pa2va(frames.at[f].pa);
}

/* See frames.h. */
struct frame_allow *
frame_allow_row(struct frame_proc *p, int pid)
{
	struct frame_allow *row = rows_of(p);
	unsigned i;

	for (i = 0; i < FRAME_GIVERS; i++)
		if (row[i].giver == (uint32_t)(pid + 1))
			return &row[i];
	return NULL;
}

static struct frame_allow *
rows_of(struct frame_proc *p)
{
	return (struct frame_allow *)((uint8_t *)p + FRAME_PAGE_SIZE);
}

/*
 * See frames.h.  The child gets a part of its creator's spare descriptors for splits; so
 * a tree of processes uses at most the share of its root.
 */
int
frame_proc_new(int pid, uint32_t f, int child)
{
	struct frame_proc *p, *creator, *new;
	struct frame *fr;
	uint32_t share;
	int r = frame_get(pid, f, &p, &fr);

	if (r < 0)
		return r;
	if (fr->pages != FRAME_PROC_PAGES)
		return -EINVAL;
	if (fr->type != FRAME_PAGE || fr->nmap != 0)
		return -EBUSY;
	creator = frame_proc_at(fr->owner);
	fr->type = FRAME_PROC;
	new = pa2va(fr->pa);
	memset(new, 0, FRAME_PROC_PAGES * FRAME_PAGE_SIZE);
	new->pid = child;
	new->f_id = f;
	share = MIN((creator->quota - creator->used) / FRAME_SHARE, FRAME_QUOTA);
	creator->quota -= share;
	new->quota = share;
	new->next = zero.proc.next;
	zero.proc.next = f;
	row_set_new(new, creator->pid);
	return child;
}

static void
row_set_new(struct frame_proc *p, int creator)
{
	rows_of(p)[0].giver = (uint32_t)creator + 1;
	rows_of(p)[0].left = FRAME_CREATOR_MAY;
}

/* See frames.h: from now on the creator needs consent like every other giver. */
int
frame_proc_start(int pid, int child)
{
	struct frame_proc *p = frame_proc(pid), *c = frame_proc(child);
	struct frame_allow *row;

	if (p == NULL || c == NULL)
		return -ESRCH;
	if (c->f_id == 0 || frames.at[c->f_id].owner != p->f_id)
		return -EPERM;
	if (c->root == 0 || c->is_started)
		return -EINVAL;
	c->is_started = 1;
	row = frame_allow_row(c, pid);
	if (row != NULL)
		memset(row, 0, sizeof(*row));
	return 0;
}

/* See frames.h. */
void
frame_seat(int pid)
{
	zero.proc.pid = pid;
}

/* See frames.h: its children go on, and at their end their frames go to process 0. */
void
frame_unseat(void)
{
	struct frame *f;

	spaces_end(&zero.proc);
	for (f = frame_first(&zero.proc); f != NULL; f = frame_next(f)) {
		if (f->type == FRAME_PAGE)
			frame_clear(f);
	}
	givers_forget(zero.proc.pid);
	memset(rows_of(&zero.proc), 0, FRAME_PAGE_SIZE);
	zero.proc.pid = 0;
	frame_join();
}

/* See frames.h. */
int
frames_exit(int pid)
{
	struct frame_proc *p = frame_proc(pid);
	struct frame *record;
	uint32_t *link = &zero.proc.next;

	if (p == NULL)
		return -ESRCH;
	if (p->f_id == 0)
		return -EPERM;
	record = &frames.at[p->f_id];
	spaces_end(p);
	frames_return(p, record->owner);
	givers_forget(pid);
	while (*link != p->f_id)
		link = &frame_proc_at(*link)->next;
	*link = p->next;
	frame_proc_at(record->owner)->quota += p->quota;
	memset(p, 0, FRAME_PROC_PAGES * FRAME_PAGE_SIZE);
	record->type = FRAME_PAGE;
	return 0;
}

/* It runs in no root, its tables are pages again, and none of its frames is mapped. */
static void
spaces_end(struct frame_proc *p)
{
	if (p->root != 0) {
		frames.at[p->root].is_root = false;
		p->root = 0;
		frames.md->load(p->pid, 0);
	}
	tables_empty(p);
	frames_plain(p);
}

/* Clear all words of its tables, and all others that name its frames; links last. */
static void
tables_empty(struct frame_proc *p)
{
	unsigned level;
	uint32_t i;
	struct frame *f;

	for (i = frames.by_pa; i != 0; i = f->pa_next) {
		f = &frames.at[i];
		if (f->nmap == 0)
			continue;
		if (f->owner == p->f_id)
			frame_revoke(f);
		else
			frame_revoke_if(f, is_owned_by, p->f_id);
	}
	for (level = 1; level <= 3; level++)
		for (f = frame_first(p); f != NULL; f = frame_next(f)) {
			if (frame_level(f) == level && f->parent != 0)
				(void)frame_unlink(f); /* the level below is unlinked */
		}
}

static bool
is_owned_by(const struct frame *f, uint32_t table, uint32_t owner)
{
	return frames.at[table].owner == owner;
}

static void
frames_plain(struct frame_proc *p)
{
	struct frame *f;

	for (f = frame_first(p); f != NULL; f = frame_next(f)) {
		if (frame_level(f) != 0)
			frame_table_end(f);
		else if (f->type == FRAME_SEGSPACE)
			frame_segment_space_end(f);
	}
}

/* Records of children go with the frames: their new owner is the creator now. */
static void
frames_return(struct frame_proc *p, uint32_t to)
{
	struct frame *f;

	while ((f = frame_first(p)) != NULL) {
		if (to == 0 && f->type == FRAME_PAGE)
			frame_clear(f);
		frame_own(f, to);
	}
}

static void
frame_clear(struct frame *f)
{
	uint64_t i;

	for (i = 0; i < f->pages; i++)
		memset(pa2va(f->pa + i * FRAME_PAGE_SIZE), 0, FRAME_PAGE_SIZE);
}

/* The number may be reused soon. */
static void
givers_forget(int pid)
{
	struct frame_proc *p = &zero.proc;
	struct frame_allow *row;

	for (; p != NULL; p = p->next == 0 ? NULL : frame_proc_at(p->next)) {
		row = frame_allow_row(p, pid);
		if (row != NULL)
			memset(row, 0, sizeof(*row));
	}
}
