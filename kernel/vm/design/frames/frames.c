/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * frames.c: who owns which memory
 *
 * Problem   Programs manage physical memory themselves: they cut it, join it and hand
 *           it on.  Nobody may lose a page, have one twice, or be flooded with crumbs.
 *
 * Picture   frames.at[]  ─ pa_next ─→ all memory, by address, without a gap in a range
 *                        ─ own ─────→ what one process owns: a tree, by f_id
 *           give:  mappings go ─→ acknowledged by each CPU ─→ the owner changes
 *
 * Rules     1. Callers hold the one mutex; no call sleeps for another process.
 *           2. A call that fails has changed nothing.
 *           3. Descriptors are a quota that moves with the frame: the sum over all
 *              processes is the buffer, so nobody can use up another's.
 *           4. A frame leaves its owner only after frame_revoke().
 *
 * Read next frame_map.c, frame_table.c, frame_proc.c, frames_check.c.
 */
#include "vm/design/frames/frames.h"

#include "lib/assert.h"
#include "lib/errno.h"
#include "lib/string.h"

struct frames frames;

static struct frame *row_take(void);
static void row_put(struct frame *);
static void own_add(struct frame_proc *, struct frame *);
static void own_drop(struct frame_proc *, struct frame *);
static struct frame *own_at(const struct frame_proc *, uint32_t n);
static struct frame *of_node(struct rb_node *);
static struct rb_root tree_of(const struct frame_proc *);
static void pa_add(struct frame *, struct frame *before);
static bool may_join(const struct frame *, const struct frame *);

/* See frames.h.  Once, before any call: n rows, row 0 is nobody. */
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
		row_put(&buffer[i]);
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
	f = row_take();
	ASSERT(f != NULL); /* rule 3 */
	f->type = FRAME_PAGE;
	f->pa = pa;
	f->pages = pages;
	for (i = frames.by_pa; i != 0 && frames.at[i].pa < pa; i = frames.at[i].pa_next)
		before = &frames.at[i];
	pa_add(f, before);
	own_add(zero, f);
	zero->used++;
	frames.pages += pages;
	return (int)frame_id(f);
}

/* See frames.h. */
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
	hi = row_take();
	ASSERT(hi != NULL); /* rule 3 */
	hi->type = FRAME_PAGE;
	hi->pa = lo->pa + off;
	hi->pages = lo->pages - off / FRAME_PAGE_SIZE;
	hi->owner = lo->owner;
	lo->pages -= hi->pages;
	r = frame_split_places(lo, hi);
	if (r < 0) {
		lo->pages += hi->pages;
		row_put(hi);
		return r;
	}
	pa_add(hi, lo);
	own_add(owner, hi);
	owner->used++;
	return (int)frame_id(hi);
}

/* See frames.h. */
int
frame_merge(int pid, uint32_t f1, uint32_t f2)
{
	struct frame_proc *p, *owner;
	struct frame *lo, *hi;
	int r = frame_get(pid, f1, &p, &lo);

	if (r == 0)
		r = frame_get(pid, f2, &p, &hi);
	if (r < 0)
		return r;
	if (lo->owner != hi->owner || lo->pa + lo->pages * FRAME_PAGE_SIZE != hi->pa)
		return -EINVAL;
	if (!may_join(lo, hi) || !frame_merge_places(lo, hi))
		return -EBUSY;
	owner = frame_proc_at(lo->owner);
	lo->pages += hi->pages;
	lo->pa_next = hi->pa_next;
	if (hi->pa_next != 0)
		frames.at[hi->pa_next].pa_prev = f1;
	own_drop(owner, hi);
	owner->used--;
	row_put(hi);
	return (int)f1;
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

static bool
may_join(const struct frame *lo, const struct frame *hi)
{
	return lo->type == FRAME_PAGE && hi->type == FRAME_PAGE;
}

/*
 * See frames.h: to has allowed pid so many, and one fewer from now on.  A creator that
 * takes a frame back from its child asks nobody.
 */
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

/* See frames.h: a row that is used up stays, so that the giver hears -EDQUOT. */
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
	uint32_t has = frames.at[table].owner;

	return has == f->owner || (has != 0 && frames.at[has].owner == f->owner);
}

/* ---- rows, and who has them ---- */

static struct frame *
row_take(void)
{
	struct frame *f = frames.free == 0 ? NULL : &frames.at[frames.free];

	if (f == NULL)
		return NULL;
	frames.free = f->next;
	frames.live++;
	memset(f, 0, sizeof(*f));
	return f;
}

static void
row_put(struct frame *f)
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

/* A record, which programs look at, has the top's number and no pointer. */
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

/* By f_id: a program that reads its frames with frame_info() sees an order that stays. */
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

/* The n-th of them: as many steps as the tree is high. */
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

static void
pa_add(struct frame *f, struct frame *before)
{
	f->pa_prev = before == NULL ? 0 : frame_id(before);
	f->pa_next = before == NULL ? frames.by_pa : before->pa_next;
	*(before == NULL ? &frames.by_pa : &before->pa_next) = frame_id(f);
	if (f->pa_next != 0)
		frames.at[f->pa_next].pa_prev = frame_id(f);
}
