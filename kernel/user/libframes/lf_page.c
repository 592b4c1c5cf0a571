/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lf_page.c: a page comes, is shared, and goes to the file
 *
 * Picture   fault ─→ no page:            a frame of zeros
 *                  ├ in its slot:        a frame, read
 *                  └ a store, refs > 1:  a frame, copied
 *           no frame is free: the clock asks frame_info(), frame by frame, whether the
 *           processor has set A since it came by; who has not goes
 *
 * Rules     1. Bytes are moved through LF_WINDOW, when no program has the page mapped.
 *           2. A page of several spaces is mapped for reading only.
 */
#include "user/libframes/lf.h"

#define ENOMEM 12
#define EFAULT 14
#define ENOSPC 28
#define BEGIN 32u /* frames that a process may begin with */

static long map(struct lf *, struct lf_space *, struct lf_phys *, uint32_t f, uint64_t va,
    unsigned rights);
static void window_close(struct lf *, uint32_t f, unsigned i);
static struct lf_page *page_new(struct lf *, struct lf_space *, uint64_t va,
    struct lf_phys *);
static struct lf_phys *phys_new(struct lf *);
static void phys_leave(struct lf *, struct lf_page *);
static long come_in(struct lf *, struct lf_phys *);
static long unshare(struct lf *, struct lf_page *);
static uint32_t tick(struct lf *);
static bool go_out(struct lf *, struct lf_phys *);
static uint32_t slot_new(struct lf *);

static unsigned
hash(const struct lf_space *s, uint64_t va)
{
	return (unsigned)((va / LF_PAGE * 31 + (uint64_t)s->pid * 977) % LF_PAGES);
}

/* See lf.h: what the process has, up to that number of pages; a space of its own. */
long
lf_begin(struct lf *lf, const struct lf_os *os, int pid, uint64_t pages)
{
	struct lf_info info[BEGIN];
	uint32_t n, i, f;
	uint64_t len;
	long r = 0;

	lf->os = os;
	for (i = 0; i < LF_PAGES; i++) {
		lf->page[i].next = lf->free_page;
		lf->free_page = &lf->page[i];
		lf->phys[i].next = lf->free_phys;
		lf->free_phys = &lf->phys[i];
	}
	for (i = 0; i < LF_SPACES; i++)
		lf->space[i].pid = -1;
	for (n = 0; n < BEGIN && os->call(LF_INFO, n, (uint64_t)&info[n], 0, 0) >= 0;)
		n++;
	for (i = 0; i < n && pages > 0 && r >= 0; i++) {
		len = info[i].len / LF_PAGE;
		if (len > pages)
			r = os->call(LF_SPLIT, (uint64_t)info[i].f_id, pages * LF_PAGE, 0, 0);
		if (r < 0)
			return r;
		len = len > pages ? pages : len;
		lf_add(lf, (uint32_t)info[i].f_id, info[i].pa, len);
		pages -= len;
	}
	f = lf_take(lf, 0);
	r = f == 0 ? -ENOMEM : os->call(LF_SEGMENT_SPACE, (uint64_t)pid, f, 0, 0);
	if (r >= 0)
		r = lf_space_begin(lf, &lf->space[0], pid);
	if (r >= 0)
		r = lf_table_of(lf, &lf->space[0], LF_WINDOW);
	return r < 0 ? r : 0;
}

/* See lf.h: -EFAULT is the program's own mistake. */
long
lf_fault(struct lf *lf, struct lf_space *s, uint64_t va, bool write)
{
	struct lf_range *range = lf_range_of(s, va);
	unsigned want = write ? LF_R | LF_W : LF_R, rights;
	struct lf_page *p;
	long r = 0;

	va &= ~(LF_PAGE - 1);
	lf->faults++;
	if (range == 0 || (range->rights & want) != want)
		return -EFAULT;
	p = lf_page_of(lf, s, va);
	if (p == 0)
		p = page_new(lf, s, va, phys_new(lf));
	if (p == 0)
		return -ENOMEM;
	if ((p->mapped & want) == want)
		return 0;
	lf->busy = p->phys;
	if (p->phys->f == 0)
		r = come_in(lf, p->phys);
	if (r == 0 && write && p->phys->refs > 1)
		r = unshare(lf, p);
	if (r == 0) {
		lf->busy = p->phys;
		lf_page_hide(lf, p);
		rights = p->phys->refs > 1 ? range->rights & ~(unsigned)LF_W : range->rights;
		r = map(lf, s, p->phys, p->phys->f, va, rights);
		if (r >= 0)
			p->mapped = rights;
	}
	lf->busy = 0;
	return r < 0 ? r : 0;
}

/* A frame for it: of zeros if it has no slot. */
static long
come_in(struct lf *lf, struct lf_phys *x)
{
	uint32_t f = lf_frame(lf, 0);
	long r = f == 0 ? -ENOMEM : map(lf, &lf->space[0], x, f, LF_WINDOW, LF_R | LF_W);

	if (r < 0) {
		if (f != 0)
			lf_put(lf, f, 0);
		return r;
	}
	if (x->slot != 0) {
		r = lf->os->in(x->slot, LF_WINDOW);
		lf->ins++;
	} else {
		lf->os->clear(LF_WINDOW);
		lf->zeroed++;
	}
	window_close(lf, f, 0);
	if (r < 0) {
		lf_put(lf, f, 0);
		return r;
	}
	x->f = f;
	x->is_dirty = x->slot == 0;
	lf->frame[f].phys = x;
	return 0;
}

/* Others have the page, too: this one gets a copy. */
static long
unshare(struct lf *lf, struct lf_page *p)
{
	struct lf_phys *old = p->phys, *new = phys_new(lf);
	uint32_t f = new == 0 ? 0 : lf_frame(lf, 0);
	long r = -ENOMEM;

	if (f == 0)
		goto undo;
	lf_page_hide(lf, p);
	r = map(lf, &lf->space[0], 0, f, LF_WINDOW, LF_R | LF_W);
	if (r < 0)
		goto undo;
	r = map(lf, &lf->space[0], old, old->f, LF_WINDOW + LF_PAGE, LF_R);
	if (r >= 0) {
		lf->os->copy(LF_WINDOW, LF_WINDOW + LF_PAGE);
		window_close(lf, old->f, 1);
	}
	window_close(lf, f, 0);
	if (r < 0)
		goto undo;
	phys_leave(lf, p);
	new->f = f;
	new->refs = 1;
	new->is_dirty = true;
	new->pages = p;
	p->phys = new;
	p->same = 0;
	lf->frame[f].phys = new;
	lf->copied++;
	return 0;

undo:
	if (f != 0)
		lf_put(lf, f, 0);
	if (new != 0) {
		new->next = lf->free_phys;
		lf->free_phys = new;
	}
	return r;
}

/* See lf.h: the child has all pages of the space, and none mapped. */
struct lf_space *
lf_fork(struct lf *lf, struct lf_space *s)
{
	struct lf_space *c = &lf->space[1];
	struct lf_page *p;
	unsigned i, pages = 0;
	long pid;

	while (c < &lf->space[LF_SPACES] && c->pid >= 0)
		c++;
	for (p = lf->free_page; p != 0; p = p->next)
		pages++;
	for (i = 0; i < LF_PAGES; i++)
		pages -= lf->page[i].space == s && pages > 0;
	if (c == &lf->space[LF_SPACES] || pages == 0)
		return 0;
	c->record = lf_frame(lf, 1);
	c->stock = lf_frame(lf, LF_STOCK);
	pid = c->record == 0 || c->stock == 0 ? -1 :
	    lf->os->call(LF_PROC_NEW, c->record, 0, 0, 0);
	if (pid < 0) {
		if (c->record != 0)
			lf_put(lf, c->record, 1);
		if (c->stock != 0)
			lf_put(lf, c->stock, LF_STOCK);
		return 0;
	}
	c->nstock = 1u << LF_STOCK;
	if (lf->os->call(LF_GIVE, c->stock, (uint64_t)pid, 0, 0) < 0 ||
	    lf_space_begin(lf, c, (int)pid) < 0)
		return 0; /* never: a creator may, before the child starts */
	c->nranges = s->nranges;
	for (i = 0; i < s->nranges; i++)
		c->range[i] = s->range[i];
	for (i = 0; i < LF_PAGES; i++) {
		p = &lf->page[i];
		if (p->space != s)
			continue;
		if ((p->mapped & LF_W) != 0)
			lf_page_hide(lf, p);
		(void)page_new(lf, c, p->va, p->phys);
	}
	return c;
}

/* ---- pages ---- */

/* See lf.h. */
struct lf_page *
lf_page_of(struct lf *lf, struct lf_space *s, uint64_t va)
{
	struct lf_page *p = lf->hash[hash(s, va)];

	while (p != 0 && (p->space != s || p->va != va))
		p = p->next;
	return p;
}

static struct lf_page *
page_new(struct lf *lf, struct lf_space *s, uint64_t va, struct lf_phys *x)
{
	struct lf_page *p = lf->free_page, **link = &lf->hash[hash(s, va)];

	if (x == 0)
		return 0;
	if (p == 0) {
		if (x->refs == 0) {
			x->next = lf->free_phys;
			lf->free_phys = x;
		}
		return 0;
	}
	lf->free_page = p->next;
	p->space = s;
	p->va = va;
	p->phys = x;
	p->mapped = 0;
	p->next = *link;
	*link = p;
	p->same = x->pages;
	x->pages = p;
	x->refs++;
	return p;
}

/* See lf.h. What was stored through it is known first: D goes with the word. */
void
lf_page_hide(struct lf *lf, struct lf_page *p)
{
	long t = p->mapped == 0 ? -1 : lf_table_of(lf, p->space, p->va);

	if (t < 0)
		return;
	p->phys->is_dirty |= (p->mapped & LF_W) != 0;
	(void)lf->os->call(LF_UNMAP, (uint64_t)t, p->phys->f, p->va, 0);
	p->mapped = 0;
}

/* See lf.h. */
void
lf_page_drop(struct lf *lf, struct lf_page *p)
{
	struct lf_page **link = &lf->hash[hash(p->space, p->va)];

	lf_page_hide(lf, p);
	phys_leave(lf, p);
	while (*link != p)
		link = &(*link)->next;
	*link = p->next;
	p->space = 0;
	p->next = lf->free_page;
	lf->free_page = p;
}

static struct lf_phys *
phys_new(struct lf *lf)
{
	struct lf_phys *x = lf->free_phys;

	if (x == 0)
		return 0;
	lf->free_phys = x->next;
	x->f = x->slot = x->refs = 0;
	x->is_dirty = false;
	x->pages = 0;
	return x;
}

/* The page, which is not mapped, is it no longer; the last one ends it. */
static void
phys_leave(struct lf *lf, struct lf_page *p)
{
	struct lf_phys *x = p->phys;
	struct lf_page **link = &x->pages;

	while (*link != p)
		link = &(*link)->same;
	*link = p->same;
	if (--x->refs > 0)
		return;
	if (x->f != 0)
		lf_put(lf, x->f, 0);
	lf->slot_used[x->slot] = false;
	x->next = lf->free_phys;
	lf->free_phys = x;
}

/* Where there is no segment for one more mapping of it, another one goes. */
/* Map frame f at va of s.  A second mapping takes a segment of the kernel's: where
 * there is none left, another mapping of page x goes; x 0: none may. */
static long
map(struct lf *lf, struct lf_space *s, struct lf_phys *x, uint32_t f, uint64_t va,
    unsigned rights)
{
	long t = lf_table_of(lf, s, va), r = t;
	struct lf_page *p;

	while (t >= 0) {
		r = lf->os->call(LF_MAP, (uint64_t)t, f, va, rights);
		if (r != -ENOSPC || x == 0)
			return r;
		for (p = x->pages; p != 0 && p->mapped == 0;)
			p = p->same;
		if (p == 0)
			return r;
		lf_page_hide(lf, p);
	}
	return r;
}

static void
window_close(struct lf *lf, uint32_t f, unsigned i)
{
	long t = lf_table_of(lf, &lf->space[0], LF_WINDOW);

	(void)lf->os->call(LF_UNMAP, (uint64_t)t, f, LF_WINDOW + i * LF_PAGE, 0);
}

/* ---- the clock ---- */

/* See lf.h: pages go until there is one so long. */
uint32_t
lf_frame(struct lf *lf, unsigned order)
{
	uint32_t f = lf_take(lf, order), gone;
	unsigned tries = 16u << order; /* a larger run needs more luck */

	while (f == 0 && tries-- > 0) {
		gone = tick(lf);
		if (gone == 0)
			return 0;
		lf_put(lf, gone, 0);
		f = lf_take(lf, order);
	}
	return f;
}

/* A frame whose page has gone; 0: none can.  The hand goes round twice for pages that
 * were not used since it came by (their A bits are cleared), and once more for any. */
static uint32_t
tick(struct lf *lf)
{
	long count = lf->os->call(LF_COUNT, 0, 0, 0, 0), step;
	struct lf_info info;
	struct lf_phys *x;

	for (step = 0; step < 3 * count; step++) {
		if (lf->hand >= (uint32_t)count)
			lf->hand = 0;
		if (lf->os->call(LF_INFO, lf->hand++ | LF_INFO_CLEAR, (uint64_t)&info, 0, 0) < 0 ||
		    (uint32_t)info.f_id >= LF_FRAMES)
			continue;
		x = lf->frame[info.f_id].phys;
		if (x == 0 || x == lf->busy)
			continue;
		x->is_dirty |= (info.touched & LF_D) != 0;
		if ((info.touched & LF_A) != 0 && step < 2 * count)
			continue;
		if (go_out(lf, x))
			return (uint32_t)info.f_id;
	}
	return 0;
}

/* Nobody has it mapped, and what the slot has not is written. */
static bool
go_out(struct lf *lf, struct lf_phys *x)
{
	bool was_dirty = x->is_dirty, ok;
	struct lf_page *p;
	long r = 0;

	for (p = x->pages; p != 0; p = p->same) {
		/* Only a child can have stored since the clock asked. */
		was_dirty |= (p->mapped & LF_W) != 0 && p->space != &lf->space[0];
		lf_page_hide(lf, p);
	}
	x->is_dirty = was_dirty;
	if (was_dirty && x->slot == 0)
		x->slot = slot_new(lf);
	if (was_dirty) {
		r = x->slot == 0 ? -ENOSPC :
		    map(lf, &lf->space[0], 0, x->f, LF_WINDOW + 2 * LF_PAGE, LF_R);
		ok = r >= 0 && lf->os->out(x->slot, LF_WINDOW + 2 * LF_PAGE) == 0;
		if (r >= 0)
			window_close(lf, x->f, 2);
		if (!ok)
			return false; /* it stays, unmapped, and dirty */
		lf->outs++;
		x->is_dirty = false;
	}
	lf->frame[x->f].phys = 0;
	x->f = 0;
	return true;
}

static uint32_t
slot_new(struct lf *lf)
{
	uint32_t i;

	for (i = 1; i < LF_SLOTS; i++)
		if (!lf->slot_used[i]) {
			lf->slot_used[i] = true;
			return i;
		}
	return 0;
}
