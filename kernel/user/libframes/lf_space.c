/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lf_space.c: tables of a space, and its ranges
 *
 * Picture   root ─→ 3 ─→ 2 ─→ 1     made when a page below is mapped first
 *           of a child: of its stock, a frame that it was given before it started
 */
#include "user/libframes/lf.h"

#define ENOMEM 12
#define EINVAL 22

static uint32_t table_frame(struct lf *, struct lf_space *);
static long table_new(struct lf *, struct lf_space *, unsigned level, uint64_t base);
static long cut(struct lf_space *, uint64_t va);
static long range_insert(struct lf_space *, unsigned i, struct lf_range);
static uint64_t covers(unsigned level);

static uint64_t
covers(unsigned level)
{
	return LF_PAGE << 9 * level;
}

/* See lf.h: with a root, and nothing below it. */
long
lf_space_begin(struct lf *lf, struct lf_space *s, int pid)
{
	long f;

	s->pid = pid;
	s->ntables = s->nranges = 0;
	f = table_new(lf, s, 4, 0);
	if (f < 0)
		return f;
	s->root = (uint32_t)f;
	return lf->os->call(LF_SWAP, (uint64_t)pid, s->root, 0, 0);
}

/* See lf.h. */
long
lf_table_of(struct lf *lf, struct lf_space *s, uint64_t va)
{
	unsigned level, i;
	long up = s->root, f, r;
	uint64_t base;

	for (level = 3; level >= 1; level--, up = f) {
		base = va & ~(covers(level) - 1);
		for (i = 0; i < s->ntables; i++)
			if (s->table[i].level == level && s->table[i].base == base)
				break;
		if (i < s->ntables) {
			f = s->table[i].f;
			continue;
		}
		f = table_new(lf, s, level, base);
		if (f < 0)
			return f;
		r = lf->os->call(LF_MAP, (uint64_t)up, (uint64_t)f, base, LF_IS_TABLE);
		if (r < 0)
			return r;
	}
	return up;
}

static long
table_new(struct lf *lf, struct lf_space *s, unsigned level, uint64_t base)
{
	uint32_t f = s->ntables < LF_TABLES ? table_frame(lf, s) : 0;
	long r;

	if (f == 0)
		return -ENOMEM;
	r = lf->os->call(LF_TABLE, f, 0, level, 0);
	if (r < 0)
		return r;
	s->table[s->ntables].base = base;
	s->table[s->ntables].level = level;
	s->table[s->ntables].f = f;
	s->ntables++;
	return f;
}

/* A child's tables are the child's: a page of its stock, the last one first. */
static uint32_t
table_frame(struct lf *lf, struct lf_space *s)
{
	long f = s->stock;

	if (s == &lf->space[0])
		return lf_frame(lf, 0);
	if (s->nstock == 0)
		return 0;
	if (s->nstock > 1)
		f = lf->os->call(LF_SPLIT, s->stock, (s->nstock - 1) * LF_PAGE, 0, 0);
	if (f < 0 || f >= LF_FRAMES)
		return 0;
	s->nstock--;
	lf->frame[f].pa = lf->frame[s->stock].pa + s->nstock * LF_PAGE;
	return (uint32_t)f;
}

/* See lf.h: all that it had is ours again, and none of its words are there. */
void
lf_space_end(struct lf *lf, struct lf_space *s)
{
	unsigned i;

	for (i = 0; i < LF_PAGES; i++)
		if (lf->page[i].space == s) {
			lf->page[i].mapped = 0;
			lf_page_drop(lf, &lf->page[i]);
		}
	for (i = 0; i < s->ntables; i++)
		lf_put(lf, s->table[i].f, 0);
	if (s->nstock > 0)
		lf_add(lf, s->stock, lf->frame[s->stock].pa, s->nstock);
	lf_put(lf, s->record, 1);
	s->pid = -1;
}

/* ---- ranges ---- */

/* See lf.h. */
struct lf_range *
lf_range_of(struct lf_space *s, uint64_t va)
{
	unsigned i;

	for (i = 0; i < s->nranges; i++)
		if (va >= s->range[i].va && va < s->range[i].end)
			return &s->range[i];
	return 0;
}

/* See lf.h: what was there goes.  The caller chooses the address. */
long
lf_mmap(struct lf *lf, struct lf_space *s, uint64_t va, uint64_t len, unsigned rights)
{
	struct lf_range new = { va, va + len, rights };
	unsigned i;
	long r;

	r = lf_munmap(lf, s, va, len);
	if (r < 0)
		return r;
	for (i = 0; i < s->nranges && s->range[i].va < va;)
		i++;
	return range_insert(s, i, new);
}

/* See lf.h. */
long
lf_munmap(struct lf *lf, struct lf_space *s, uint64_t va, uint64_t len)
{
	struct lf_page *p;
	unsigned i, k;
	uint64_t at;
	long r;

	if (va % LF_PAGE != 0 || len % LF_PAGE != 0 || len == 0 || va < LF_BASE ||
	    va > LF_WINDOW || len > LF_WINDOW - va)
		return -EINVAL;
	r = cut(s, va);
	if (r == 0)
		r = cut(s, va + len);
	if (r < 0)
		return r;
	for (i = k = 0; i < s->nranges; i++) {
		if (s->range[i].va < va || s->range[i].va >= va + len) {
			s->range[k++] = s->range[i];
			continue;
		}
		for (at = s->range[i].va; at < s->range[i].end; at += LF_PAGE) {
			p = lf_page_of(lf, s, at);
			if (p != 0)
				lf_page_drop(lf, p);
		}
	}
	s->nranges = k;
	return 0;
}

/* See lf.h: pages fault again, with the new rights. */
long
lf_mprotect(struct lf *lf, struct lf_space *s, uint64_t va, uint64_t len, unsigned rights)
{
	struct lf_range *range;
	struct lf_page *p;
	uint64_t at;
	unsigned i;
	long r;

	if (va % LF_PAGE != 0 || len % LF_PAGE != 0 || va + len < va)
		return -EINVAL;
	for (at = va; at < va + len; at = range->end) {
		range = lf_range_of(s, at);
		if (range == 0)
			return -ENOMEM;
	}
	r = cut(s, va);
	if (r == 0)
		r = cut(s, va + len);
	if (r < 0)
		return r;
	for (i = 0; i < s->nranges; i++)
		if (s->range[i].va >= va && s->range[i].va < va + len)
			s->range[i].rights = rights;
	for (at = va; at < va + len; at += LF_PAGE) {
		p = lf_page_of(lf, s, at);
		if (p != 0)
			lf_page_hide(lf, p);
	}
	return 0;
}

/* No range has va in its middle. */
static long
cut(struct lf_space *s, uint64_t va)
{
	struct lf_range *range = lf_range_of(s, va), upper;
	long r;

	if (range == 0 || range->va == va)
		return 0;
	upper = *range;
	upper.va = va;
	r = range_insert(s, (unsigned)(range - s->range) + 1, upper);
	if (r == 0)
		range->end = va;
	return r;
}

static long
range_insert(struct lf_space *s, unsigned i, struct lf_range new)
{
	unsigned k;

	if (s->nranges == LF_RANGES)
		return -ENOMEM;
	for (k = s->nranges++; k > i; k--)
		s->range[k] = s->range[k - 1];
	s->range[i] = new;
	return 0;
}
