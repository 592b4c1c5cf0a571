/* SPDX-License-Identifier: BSD-2-Clause */
/* A correct solution that goes another way: the address is shifted out at the top, rights are what no word forbids. */
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
	int64_t sign = (int64_t)va >> 47;

	switch (sign == 0 || sign == -1 ? level : 0) {
	case 4:
		return (int)(va << 16 >> 55);
	case 3:
		return (int)(va << 25 >> 55);
	case 2:
		return (int)(va << 34 >> 55);
	case 1:
		return (int)(va << 43 >> 55);
	}
	return -EINVAL;
}

static unsigned
forbids(uint64_t word)
{
	return ((word & MD_PTE_W) == 0 ? TOUR_WRITE : 0) |
	    ((word & MD_PTE_U) == 0 ? TOUR_USER : 0) |
	    ((word & MD_PTE_NX) != 0 ? TOUR_EXEC : 0);
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
	uint64_t rest = va << 16, word = root | MD_PTE_P;
	unsigned n, forbidden = 0, shift = 48;

	w->n = 0;
	w->mapped = false;
	w->pa = w->bytes = w->rights = 0;
	if (tour_index(va, 1) < 0)
		return -EINVAL;
	do {
		n = w->n++;
		w->step[n].table = word & MD_PTE_PFN;
		w->step[n].index = (unsigned)(rest >> 55);
		word = ((uint64_t *)pa2va(word & MD_PTE_PFN))[rest >> 55];
		w->step[n].word = word;
		forbidden |= forbids(word);
		rest <<= 9;
		shift -= 9;
	} while ((word & MD_PTE_P) != 0 && (word & MD_PTE_PS) == 0 && n < 3);
	if ((word & MD_PTE_P) == 0)
		return 0;
	w->mapped = true;
	w->bytes = 1ul << shift;
	w->pa = ((word & MD_PTE_PFN) & -w->bytes) + (va & (w->bytes - 1));
	w->rights = (TOUR_READ | TOUR_WRITE | TOUR_EXEC | TOUR_USER) & ~forbidden;
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
	enum { LOADS = 100, STORES = 100 };

	if (q == TOUR_STORE_ABSENT || q == TOUR_STORE_READONLY)
		return 4 + 2 + (q == TOUR_STORE_READONLY);
	if (q == TOUR_FETCH_NX)
		return 16 + 4 + 1;
	if (q == TOUR_BITS_READ || q == TOUR_BITS_STORED)
		return MD_PTE_A + (q == TOUR_BITS_STORED ? MD_PTE_D : 0);
	if (q == TOUR_LOOP_BOTH)
		return LOADS + STORES;
	return q == TOUR_LOOP_LOADS || q == TOUR_LOOP_TWICE ? LOADS : 0;
}
