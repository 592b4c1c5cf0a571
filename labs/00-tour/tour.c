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
	return lab_todo("00-tour step 1: tour_index");
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
	return lab_todo("00-tour step 2: tour_walk");
}

/*
 * What you have seen: in Bochs (make bochs LAB=00), in the manual, by counting.
 *
 * Returns:  the number that the question asks for.
 */
uint64_t
tour_answer(enum tour_question q)
{
	lab_todo("00-tour step 3: tour_answer");
	return 0;
}
