/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_tables.h: a page under each of many tables, and where the tables are
 *
 * Offers    pages and tables sent out, the words above tables, pins.
 * Needs     test/boot/swap/lab_swappages.h, the swap disk in memory.
 * Sleeps?   Yes.
 * In interrupts?  No.
 */
#ifndef TEST_BOOT_LAB_TABLES_H
#define TEST_BOOT_LAB_TABLES_H

#include "test/boot/swap/lab_swappages.h"

/* n pages, each alone under its leaf table; all leaf tables under one of level 2. */
struct tables {
	struct aspace *as;
	va_t va;
	uint64_t n, seed;
};
#define TABLES_MOST 512u
#define TABLES_PAGE 480u /* words behind this one of a leaf table are the test's */

/* A new space with such a mapping, of which no page is there yet. */
struct tables tables_map(uint64_t n);
/* The space ends, and nothing is left; with tables out that could be read it stays,
 * and a claim says so. */
void tables_end(const struct tables *);
va_t tables_at(const struct tables *, uint64_t i);
/* Each page gets its number; what page i reads as is that, 0 where it cannot be read. */
void tables_write(const struct tables *);
bool tables_reads(const struct tables *, struct aspace *, uint64_t i);

/* The word above the table of this level, by a walk of its own; NULL: there is none. */
uint64_t *tables_word(struct aspace *, va_t, int level);
/* The table of this level, if it is in use; else NULL. */
struct vm_page *tables_table(struct aspace *, va_t, int level);
/* How many words of [va, va + n tables) above leaf tables are of this kind. */
uint64_t tables_of_kind(const struct tables *, enum pte_kind);

/* All pages leave memory; false: they do not. */
bool tables_pages_out(const struct tables *);
/* pt_evict(), with [W]. */
size_t tables_evict(struct aspace *, size_t want);
/* pt_rescue() of the leaf table of va, with [W]. */
bool tables_rescue(struct aspace *, va_t);
/* What is on a queue is written, and its frame taken. */
void tables_steal(void);
/* Leaf tables leave and are stolen; or all tables of the mapping.  False: they do not. */
bool tables_out(const struct tables *);
bool tables_all_out(const struct tables *);
/* Page i, as one of a mapping: for swp_reader() and such. */
struct pages tables_page(const struct tables *, uint64_t i);

#endif
