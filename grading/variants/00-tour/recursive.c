/* SPDX-License-Identifier: BSD-2-Clause */
/* A correct solution that goes another way: a table of unit sizes, one call for each level, answers in an array. */
/*
 * tour.c: one address through four tables (lab 00)
 *
 * Problem   What the processor does on every access, once by hand: from the
 *           root of the page tables to a byte.
 *
 * Picture   va  63…48 │ 47…39 │ 38…30 │ 29…21 │ 20…12 │ 11…0
 *               sign    level 4  3       2       1      offset
 *           root ─→ word ─→ table ─→ word ─→ … ─→ page + offset
 *
 * Rules     1. A table is read through the direct map: pa2va(table).
 *           2. A word without MD_PTE_P ends the walk; one with MD_PTE_PS is a
 *              large page of its level.
 *           3. Writable and user only if every level says so; not executable
 *              if any level says so.
 *
 * Read next kernel/amd64/pt.c.  Book: ch01, ch03.
 */
#include "test/boot/tour/tour.h"
#include "kern/kern.h"
#include "lib/errno.h"
#include "lib/string.h"

#define HALF (1ul << 47)

enum { ERR_PRESENT = 1, ERR_WRITE = 2, ERR_USER = 4, ERR_FETCH = 16 };

/* Bytes that one word of a table of this level stands for. */
static const uint64_t unit[MD_PT_LEVELS + 1] = {
	0, 1ul << 12, 1ul << 21, 1ul << 30, 1ul << 39
};

/*
 * Which of the 512 words of a table of this level (4 … 1) belongs to va?
 *
 * Returns:  0 … 511; -EINVAL: no such level, or va is not canonical (bits 63
 *           to 48 are not all like bit 47).
 */
int
tour_index(va_t va, int level)
{
	if (level < 1 || level > MD_PT_LEVELS)
		return -EINVAL;
	if (va >= HALF && va < -HALF)
		return -EINVAL;
	return (int)(va / unit[level] % MD_PT_WORDS);
}

static unsigned
allowed_by(uint64_t word)
{
	unsigned rights = TOUR_READ;

	if ((word & MD_PTE_W) != 0)
		rights |= TOUR_WRITE;
	if ((word & MD_PTE_U) != 0)
		rights |= TOUR_USER;
	if ((word & MD_PTE_NX) == 0)
		rights |= TOUR_EXEC;
	return rights;
}

/* One table; what lies below it is asked first, and then cut down by us. */
static int
descend(struct tour_walk *w, pa_t table, va_t va, int level)
{
	struct tour_step *s = w->step + w->n++;

	s->table = table;
	s->index = (unsigned)tour_index(va, level);
	s->word = *(const uint64_t *)pa2va(table + 8ul * s->index);
	if ((s->word & MD_PTE_P) == 0)
		return 0;
	if (level == 1 || (s->word & MD_PTE_PS) != 0) {
		w->mapped = true;
		w->bytes = unit[level];
		w->pa = (s->word & MD_PTE_PFN) / w->bytes * w->bytes +
		    va % w->bytes;
		w->rights = allowed_by(s->word);
		return 0;
	}
	(void)descend(w, s->word & MD_PTE_PFN, va, level - 1);
	if (w->mapped)
		w->rights &= allowed_by(s->word);
	return 0;
}

/*
 * Walk from the root to va; every word on the way is told in w->step.
 *
 * Returns:  0 with *w filled in, also if va is not mapped; -EINVAL: not
 *           canonical.
 */
int
tour_walk(pa_t root, va_t va, struct tour_walk *w)
{
	memset(w, 0, sizeof(*w));
	return tour_index(va, 1) < 0 ? -EINVAL :
	    descend(w, root, va, MD_PT_LEVELS);
}

/*
 * What you have seen: in Bochs (make bochs LAB=00), in the manual, by counting.
 *
 * Returns:  the number that the question asks for.
 */
uint64_t
tour_answer(enum tour_question q)
{
	static const uint64_t answer[] = {
		[TOUR_STORE_ABSENT] = ERR_WRITE | ERR_USER,
		[TOUR_STORE_READONLY] = ERR_WRITE | ERR_USER | ERR_PRESENT,
		[TOUR_FETCH_NX] = ERR_FETCH | ERR_USER | ERR_PRESENT,
		[TOUR_CR2_OFFSET] = 0,
		[TOUR_BITS_READ] = 1u << 5,
		[TOUR_BITS_STORED] = 1u << 5 | 1u << 6,
		[TOUR_LOOP_LOADS] = 100,
		[TOUR_LOOP_BOTH] = 2 * 100,
		[TOUR_LOOP_TWICE] = 100,
	};

	return (unsigned)q < ARRAY_LEN(answer) ? answer[q] : 0;
}
