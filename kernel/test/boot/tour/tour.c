/* SPDX-License-Identifier: BSD-2-Clause */
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

/*
 * Which of the 512 words of a table of this level (4 … 1) belongs to va?
 *
 * Returns:  0 … 511; -EINVAL: no such level, or va is not canonical (bits 63
 *           to 48 are not all like bit 47).
 */
int
tour_index(va_t va, int level)
{
	uint64_t top = va >> 47;

	if (level < 1 || level > MD_PT_LEVELS || (top != 0 && top != 0x1ffff))
		return -EINVAL;
	return (int)(va >> (PAGE_SHIFT + 9 * (level - 1)) & 511);
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
	unsigned rights = TOUR_READ | TOUR_WRITE | TOUR_EXEC | TOUR_USER;
	pa_t table = root;
	int level;

	*w = (struct tour_walk){ .n = 0 };
	if (tour_index(va, MD_PT_LEVELS) < 0)
		return -EINVAL;
	for (level = MD_PT_LEVELS; level >= 1; level--) {
		struct tour_step *s = &w->step[w->n++];

		s->table = table;
		s->index = (unsigned)tour_index(va, level);
		s->word = ((const uint64_t *)pa2va(table))[s->index];
		if ((s->word & MD_PTE_P) == 0)
			return 0;
		if ((s->word & MD_PTE_W) == 0)
			rights &= ~(unsigned)TOUR_WRITE;
		if ((s->word & MD_PTE_U) == 0)
			rights &= ~(unsigned)TOUR_USER;
		if ((s->word & MD_PTE_NX) != 0)
			rights &= ~(unsigned)TOUR_EXEC;
		table = s->word & MD_PTE_PFN;
		if (level == 1 || (s->word & MD_PTE_PS) != 0)
			break;
	}
	w->mapped = true;
	w->rights = rights;
	w->bytes = 1ul << (PAGE_SHIFT + 9 * (level - 1));
	w->pa = (table & ~(w->bytes - 1)) | (va & (w->bytes - 1));
	return 0;
}

/*
 * What you have seen: in Bochs (make bochs LAB=00), in the manual, by counting.
 *
 * Returns:  the number that the question asks for.
 */
uint64_t
tour_answer(enum tour_question q)
{
	switch (q) {
	case TOUR_STORE_ABSENT:
		return 0x6; /* user, write */
	case TOUR_STORE_READONLY:
		return 0x7; /* and present */
	case TOUR_FETCH_NX:
		return 0x15; /* present, user, fetch */
	case TOUR_CR2_OFFSET:
		return 0; /* the first byte that is missing */
	case TOUR_BITS_READ:
		return MD_PTE_A;
	case TOUR_BITS_STORED:
		return MD_PTE_A | MD_PTE_D;
	case TOUR_LOOP_LOADS:
		return 100;
	case TOUR_LOOP_BOTH:
		return 200; /* zero page, then a page of one's own */
	case TOUR_LOOP_TWICE:
		return 100;
	}
	return 0;
}
