/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * frame_own.c: rows of the buffer, and who owns which
 *
 * Problem   A program may ask often for its n-th frame, and whether a frame is its own;
 *           neither answer may need a search through all memory.
 *
 * Picture   frames.at[]  ─ pa_next ─→ all memory, by address, without a gap in a range
 *                        ─ own ─────→ what one process owns: a tree, by f_id
 *
 * Rules     1. Callers hold the one mutex.
 *           2. A row is free, or in one owner's tree and in the list by address.
 *
 * Read next frame_segment.c.
 */
#include "vm/design/frames/frames.h"

#include "lib/assert.h"
#include "lib/errno.h"
#include "lib/string.h"

struct frames frames;

static void own_add(struct frame_proc *, struct frame *);
static void own_drop(struct frame_proc *, struct frame *);
static struct frame *own_at(const struct frame_proc *, uint32_t n);
static struct frame *of_node(struct rb_node *);
static struct rb_root tree_of(const struct frame_proc *);

/* See frames.h.  Once, before any call: n rows; row 0 is not used. */
void
frames_init(struct frame *buffer, uint32_t n, const struct frames_machine_ops *md)
{
	struct frame_proc *zero;
	uint32_t i;

	ASSERT(n <= FRAME_ROWS_MAX);
	memset(&frames, 0, sizeof(frames));
	memset(buffer, 0, n * sizeof(*buffer));
	frames.at = buffer;
	frames.n = n;
	frames.md = md;
	frames.live = n - 1;
	for (i = n - 1; i > 0; i--)
		frame_row_put(&buffer[i]);
	zero = frame_proc_at(0);
	memset(zero, 0, FRAME_PROC_PAGES * FRAME_PAGE_SIZE);
	zero->quota = n - 1;
	zero->is_started = 1;
}

/* See frames.h: at boot, ranges by rising address. */
int
frames_add(pa_t pa, uint64_t pages)
{
	struct frame_proc *zero = frame_proc_at(0);
	struct frame *f, *before = NULL;
	uint32_t i;

	if (zero->used == zero->quota)
		return -ENFILE;
	f = frame_row_take();
	ASSERT(f != NULL); /* the sum of all quotas is the buffer */
	f->type = FRAME_PAGE;
	f->pa = pa;
	f->pages = pages;
	for (i = frames.by_pa; i != 0 && frames.at[i].pa < pa; i = frames.at[i].pa_next)
		before = &frames.at[i];
	frame_list(f, before);
	frames.pages += pages;
	return (int)frame_id(f);
}

/* See frames.h. */
void
frame_join(void)
{
	int zero = frame_proc_at(0)->pid;
	uint32_t f = frames.by_pa, next;

	while (f != 0 && (next = frames.at[f].pa_next) != 0)
		if (frames.at[f].owner != 0 || frame_merge(zero, f, next) < 0)
			f = next;
}

/* See frames.h. */
int
frame_count(int pid)
{
	struct frame_proc *p = frame_proc(pid);

	return p == NULL ? -ESRCH : (int)p->used;
}

/* See frames.h: the n-th own frame, by f_id. */
int
frame_info(int pid, uint32_t n, struct frame_info *out)
{
	struct frame_proc *p = frame_proc(pid);
	bool clear = (n & FRAME_INFO_CLEAR) != 0;
	struct frame *fr;
	unsigned top;

	if (p == NULL)
		return -ESRCH;
	n &= ~FRAME_INFO_CLEAR;
	if (n >= p->used)
		return -EINVAL;
	fr = own_at(p, n);
	memset(out, 0, sizeof(*out));
	out->f_id = (int32_t)frame_id(fr);
	out->type = fr->type;
	out->pa = fr->pa;
	out->len = fr->pages * FRAME_PAGE_SIZE;
	out->nmap = fr->nmap;
	out->parent = fr->parent;
	out->used = fr->used;
	if (fr->at.table != 0) {
		out->va = frame_va_of(fr->at.table, fr->at.slot, &top);
		out->flags = fr->at.flags;
		out->table = fr->at.table;
		out->vspace = frame_root_of(fr->at.table);
	}
	out->touched = frame_touched(fr, clear);
	return 0;
}

/* ---- for the other files ---- */

/* See frames.h. */
struct frame *
frame_at(uint32_t f)
{
	return f > 0 && f < frames.n && frames.at[f].type != FRAME_FREE ?
	    &frames.at[f] : NULL;
}

/* See frames.h. */
struct frame *
frame_first(const struct frame_proc *p)
{
	struct rb_root root = tree_of(p);

	return of_node(rb_first(&root));
}

/* See frames.h. */
struct frame *
frame_next(const struct frame *f)
{
	return of_node(rb_next(&f->own));
}

/* See frames.h: is p the owner of f, or the creator of its owner? */
bool
frame_may(const struct frame_proc *p, const struct frame *f)
{
	return f->owner == p->f_id ||
	    (f->owner != 0 && frames.at[f->owner].owner == p->f_id);
}

/* See frames.h. */
int
frame_get(int pid, uint32_t f, struct frame_proc **p, struct frame **fr)
{
	*p = frame_proc(pid);
	*fr = frame_at(f);
	if (*p == NULL)
		return -ESRCH;
	if (*fr == NULL)
		return -ENOENT;
	return frame_may(*p, *fr) ? 0 : -EPERM;
}

/* See frames.h: f has no mapping that the new owner may not have. */
void
frame_own(struct frame *f, uint32_t owner)
{
	struct frame_proc *from = frame_proc_at(f->owner), *to = frame_proc_at(owner);

	own_drop(from, f);
	from->used--;
	from->quota--;
	f->owner = owner;
	own_add(to, f);
	to->used++;
	to->quota++;
}

/* See frames.h: a table has pages of its own process, and of that one's creator. */
bool
frame_is_lent_right(const struct frame *f, uint32_t table)
{
	uint32_t owner = frames.at[table].owner;

	return owner == f->owner || (owner != 0 && frames.at[owner].owner == f->owner);
}

/* ---- rows, and their owners ---- */

/* See frames.h. */
struct frame *
frame_row_take(void)
{
	struct frame *f = frames.free == 0 ? NULL : &frames.at[frames.free];

	if (f == NULL)
		return NULL;
	frames.free = f->next;
	frames.live++;
	memset(f, 0, sizeof(*f));
	return f;
}

/* See frames.h. */
void
frame_row_put(struct frame *f)
{
	memset(f, 0, sizeof(*f));
	f->next = frames.free;
	frames.free = frame_id(f);
	frames.live--;
}

static struct frame *
of_node(struct rb_node *n)
{
	return n == NULL ? NULL : CONTAINER_OF(n, struct frame, own);
}

static uint32_t
below(struct rb_node *n)
{
	return n == NULL ? 0 : of_node(n)->below;
}

static void
count_below(struct rb_node *n)
{
	of_node(n)->below = 1 + below(n->left) + below(n->right);
}

/* Programs can read a record, so it has the number of the tree's top, not a pointer. */
static struct rb_root
tree_of(const struct frame_proc *p)
{
	return (struct rb_root){ p->tree == 0 ? NULL : &frames.at[p->tree].own };
}

static void
tree_is(struct frame_proc *p, const struct rb_root *root)
{
	p->tree = root->node == NULL ? 0 : frame_id(of_node(root->node));
}

/* By f_id: a program that lists its frames with frame_info() sees a stable order. */
static void
own_add(struct frame_proc *p, struct frame *f)
{
	struct rb_root root = tree_of(p);
	struct rb_node *parent = NULL, **link = &root.node;

	while (*link != NULL) {
		parent = *link;
		link = of_node(parent) < f ? &parent->right : &parent->left;
	}
	rb_insert(&root, &f->own, parent, link, count_below);
	tree_is(p, &root);
}

static void
own_drop(struct frame_proc *p, struct frame *f)
{
	struct rb_root root = tree_of(p);

	rb_remove(&root, &f->own, count_below);
	tree_is(p, &root);
}

/* The n-th of them, in as many steps as the tree is high. */
static struct frame *
own_at(const struct frame_proc *p, uint32_t n)
{
	struct rb_node *at = tree_of(p).node;
	uint32_t left;

	while (n != (left = below(at->left))) {
		at = n < left ? at->left : at->right;
		n -= n < left ? 0 : left + 1;
	}
	return of_node(at);
}

/* See frames.h. */
void
frame_list(struct frame *f, struct frame *before)
{
	struct frame_proc *owner = frame_proc_at(f->owner);

	f->pa_prev = before == NULL ? 0 : frame_id(before);
	f->pa_next = before == NULL ? frames.by_pa : before->pa_next;
	*(before == NULL ? &frames.by_pa : &before->pa_next) = frame_id(f);
	if (f->pa_next != 0)
		frames.at[f->pa_next].pa_prev = frame_id(f);
	own_add(owner, f);
	owner->used++;
}

/* See frames.h. */
void
frame_unlist(struct frame *f)
{
	struct frame_proc *owner = frame_proc_at(f->owner);

	*(f->pa_prev == 0 ? &frames.by_pa : &frames.at[f->pa_prev].pa_next) = f->pa_next;
	if (f->pa_next != 0)
		frames.at[f->pa_next].pa_prev = f->pa_prev;
	own_drop(owner, f);
	owner->used--;
}
