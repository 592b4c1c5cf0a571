/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trace.h: seeded traces of page accesses, and what true LRU makes of them
 *
 * A trace is a function from a number to a page; it can be replayed as
 * often as wanted: first on memory, then in a model with a given number of
 * frames.  LRU is a list in an array, newest first.
 */
#ifndef TEST_TRACE_H
#define TEST_TRACE_H

#include "pressure.h"

struct trace {
	const char *name;
	uint32_t (*next)(struct trace *, size_t k);
	size_t pages, length; /* of the region; accesses */
	size_t part;          /* of a loop or phase: pages */
	uint64_t seed, start; /* now; when it is replayed */
	struct trace *inner;  /* that it is made of, or NULL */
};

static inline void
trace_rewind(struct trace *t)
{
	t->seed = t->start;
}

static inline uint32_t
trace_in_order(struct trace *t, size_t k)
{
	return k % t->part;
}

/* Page of rank r is used as often as r^-0.8; ranks lie scattered. */
static inline uint32_t
trace_zipf(struct trace *t, size_t k)
{
	double u = (double)(rnd(&t->seed) >> 11) / (double)(1UL << 53);
	uint64_t rank = (uint64_t)(u * u * u * u * u * (double)t->pages);

	return (rank * 7919) % t->pages;
}

/* One part of the region at random, for a while; then the next part. */
static inline uint32_t
trace_phases(struct trace *t, size_t k)
{
	size_t phase = k / (3 * t->part) % (t->pages / t->part);

	return phase * t->part + rnd(&t->seed) % t->part;
}

/* ---- true LRU ---- */

struct lru {
	uint32_t *newer, *older;      /* by page + 1; 0 ends the list */
	uint8_t *seen, *in;
	uint32_t newest, oldest, frames, used;
	size_t misses;                /* of pages that were seen before */
};

static inline void
lru_unlink(struct lru *l, uint32_t p)
{
	*(l->newer[p] ? &l->older[l->newer[p]] : &l->newest) = l->older[p];
	*(l->older[p] ? &l->newer[l->older[p]] : &l->oldest) = l->newer[p];
}

static inline void
lru_touch(struct lru *l, uint32_t page)
{
	uint32_t p = page + 1;

	if (l->in[p]) {
		lru_unlink(l, p);
	} else {
		l->misses += l->seen[p];
		if (l->used == l->frames) {
			l->in[l->oldest] = 0;
			lru_unlink(l, l->oldest);
		} else {
			l->used++;
		}
	}
	l->in[p] = l->seen[p] = 1;
	l->older[p] = l->newest;
	l->newer[p] = 0;
	*(l->newest ? &l->newer[l->newest] : &l->oldest) = p;
	l->newest = p;
}

/* Misses of the trace with so many frames; first touches do not count. */
static inline size_t
lru_misses(struct trace *t, size_t frames)
{
	size_t n = t->pages + 1;
	struct lru l = { .frames = frames };

	l.newer = calloc(n, sizeof(uint32_t));
	l.older = calloc(n, sizeof(uint32_t));
	l.seen = calloc(n, 1);
	l.in = calloc(n, 1);
	CHECK(l.newer && l.older && l.seen && l.in && frames > 0);
	trace_rewind(t);
	for (size_t k = 0; k < t->length; k++)
		lru_touch(&l, t->next(t, k));
	free(l.newer);
	free(l.older);
	free(l.seen);
	free(l.in);
	return l.misses;
}

/* ---- on memory ---- */

/* One access: each fourth one writes. */
static inline void
trace_access(char *area, uint32_t page, size_t k)
{
	volatile uint64_t *w = (uint64_t *)(area + page * PAGE);

	if (w[0] != page + 1UL && (w[0] != 0 || w[1] != 0))
		FAIL("page %u: seen %#lx", page, (long)w[0]);
	if (w[0] == 0 || k % 4 == 0) {
		w[0] = page + 1;
		w[1] = k;
	}
}

/*
 * Replay; hard faults of it.  *frames: how many pages of the region were
 * in memory on average, once it had all that it got.
 */
static inline long
trace_replay(struct trace *t, char *area, size_t *frames)
{
	size_t sum = 0, samples = 0, step = t->length / 48 + 1;
	long before = hard_faults();

	trace_rewind(t);
	for (size_t k = 0; k < t->length; k++) {
		trace_access(area, t->next(t, k), k);
		if (frames != NULL && k % step == step - 1 &&
		    k > t->length / 3) {
			sum += pagemap_count(area, t->pages, PM_PRESENT);
			samples++;
		}
	}
	if (frames != NULL)
		*frames = sum / samples;
	return hard_faults() - before;
}

#endif
