/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lf_frames.c: buddies over split and merge
 *
 * Picture   free[3] ─ split ─→ free[2] + free[1] + free[0] + the one that was asked for
 *           merged again when somebody asks for a long one, not before: most ask for pages
 */
#include "user/libframes/lf.h"

static void join(struct lf *);
static bool join_one(struct lf *, unsigned order);

/* See lf.h: in pieces of 2^order pages, each at a multiple of its size. */
void
lf_add(struct lf *lf, uint32_t f, uint64_t pa, uint64_t pages)
{
	unsigned order;
	long upper;

	while (pages > 0 && f < LF_FRAMES) {
		for (order = LF_ORDERS - 1; pages < 1ul << order ||
		    pa / LF_PAGE % (1ul << order) != 0;)
			order--;
		upper = 0;
		if (pages > 1ul << order)
			upper = lf->os->call(LF_SPLIT, f, LF_PAGE << order, 0, 0);
		if (upper < 0)
			return; /* no descriptor: what is left lies idle */
		lf->frame[f].pa = pa;
		lf_put(lf, f, order);
		f = (uint32_t)upper;
		pa += LF_PAGE << order;
		pages -= 1ul << order;
	}
}

/* See lf.h. */
uint32_t
lf_take(struct lf *lf, unsigned order)
{
	unsigned o = order;
	uint32_t f;
	long upper;

	while (o < LF_ORDERS && lf->free[o] == 0)
		o++;
	if (o == LF_ORDERS && order > 0) {
		join(lf);
		for (o = order; o < LF_ORDERS && lf->free[o] == 0;)
			o++;
	}
	if (o == LF_ORDERS)
		return 0;
	f = lf->free[o];
	lf->free[o] = lf->frame[f].next;
	while (o > order) {
		upper = lf->os->call(LF_SPLIT, f, LF_PAGE << (o - 1), 0, 0);
		if (upper < 0 || upper >= LF_FRAMES) {
			lf_put(lf, f, o);
			return 0;
		}
		lf->splits++;
		o--;
		lf->frame[upper].pa = lf->frame[f].pa + (LF_PAGE << o);
		lf_put(lf, (uint32_t)upper, o);
	}
	lf->frame[f].order = (uint8_t)order;
	return f;
}

/* See lf.h. */
void
lf_put(struct lf *lf, uint32_t f, unsigned order)
{
	lf->frame[f].order = (uint8_t)order;
	lf->frame[f].phys = 0;
	lf->frame[f].next = lf->free[order];
	lf->free[order] = f;
}

static void
join(struct lf *lf)
{
	unsigned order;

	for (order = 0; order + 1 < LF_ORDERS; order++)
		while (join_one(lf, order))
			;
}

/* Two that are halves of one become that. */
static bool
join_one(struct lf *lf, unsigned order)
{
	uint64_t size = LF_PAGE << order;
	uint32_t *lo, *hi, a, b;

	for (lo = &lf->free[order]; *lo != 0; lo = &lf->frame[*lo].next) {
		if ((lf->frame[*lo].pa & size) != 0)
			continue;
		for (hi = &lf->free[order]; *hi != 0; hi = &lf->frame[*hi].next)
			if (lf->frame[*hi].pa == lf->frame[*lo].pa + size)
				break;
		a = *lo;
		b = *hi;
		if (b == 0 || lf->os->call(LF_MERGE, a, b, 0, 0) < 0)
			continue;
		lf->merges++;
		*hi = lf->frame[b].next;
		for (lo = &lf->free[order]; *lo != a;)
			lo = &lf->frame[*lo].next;
		*lo = lf->frame[a].next;
		lf_put(lf, a, order + 1);
		return true;
	}
	return false;
}
