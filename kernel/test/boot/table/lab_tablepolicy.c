/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_tablepolicy.c: lab 09, step 2: which tables leave, and what that costs
 *
 * Problem   Which of the idle tables goes first is the learner's choice.  What can be
 *           said is how many are wanted again and have to come back, and how long it
 *           takes to choose.
 *
 * Picture   references ─→ tables, of which so many stay ─ pt_evict(1) ─→ those that left
 *               a table that is there ─→ the end of the list of idle ones
 *               one that has left ─→ counted, pt_rescue ─→ the same
 *
 * Rules     1. Who uses a page of an idle table brings it, so the table is idle no
 *              more; when the page goes it comes to the end of the list.  Of these two
 *              only the end is played here, without a disk.
 *           2. One table keeps a page, so that the one above names a frame and stays.
 *
 * Read next lab_refs.c, lab_tableout.c; vm/table/ptpage.c.
 */
#include "test/boot/ws/lab_refs.h"
#include "test/boot/table/lab_tables.h"

#define EACH_MAX 5000u      /* instructions for each table that goes */

/* Tables 0 … n are without pages; n keeps one.  All of the others have left. */
static struct tables
tables_away(uint64_t n)
{
	struct tables t = tables_map(n + 1);

	tables_write(&t);
	CHECK(tables_pages_out(&t));
	CHECK(tables_reads(&t, t.as, n));
	(void)tables_evict(t.as, SIZE_MAX);
	CLAIM(tables_of_kind(&t, PTE_TRANS) == n, "%lu tables are idle and were all asked "
	    "for; %lu have left", n, tables_of_kind(&t, PTE_TRANS));
	return t;
}

static void
all_come_back(const struct tables *t)
{
	uint64_t i;

	for (i = 0; i < t->n; i++)
		if (tables_table(t->as, tables_at(t, i), 1) == NULL)
			(void)tables_rescue(t->as, tables_at(t, i));
	tables_end(t);
}

/* A page of the table was in memory for a while. */
static void
was_used(const struct tables *t, struct vm_page *table)
{
	mutex_lock(&t->as->ws_lock);
	spin_lock(&pfn_lock);
	page_queue_remove(&t->as->table.idle, table);
	page_queue_append(&t->as->table.idle, table);
	spin_unlock(&pfn_lock);
	mutex_unlock(&t->as->ws_lock);
}

/* How often the string asks for a table that has left, where c of n may stay; 0: one
 * was to leave, or to come back, and has not. */
static unsigned
real_returns(const char *name, unsigned n, unsigned c)
{
	struct tables t = tables_away(n);
	unsigned k, here = 0, came = 0;
	struct vm_page *table;
	bool goes = true;

	for (k = 0; k < refs.n && goes; k++) {
		table = tables_table(t.as, tables_at(&t, refs.page[k]), 1);
		if (table != NULL) {
			was_used(&t, table);
			continue;
		}
		if (here == c)
			goes = tables_evict(t.as, 1) == 1;
		else
			here++;
		goes = goes && tables_rescue(t.as, tables_at(&t, refs.page[k]));
		came++;
	}
	CLAIM(goes, "string %s: %u tables are idle, and none has left though one was asked "
	    "for; or one that has left does not come back", name, here);
	all_come_back(&t);
	return goes ? came : 0;
}

static void
table_strings(void)
{
	const struct refs_trial t = { .rule = REFS_LRU, .rule_name = "lru",
		.what = "tables back", .count = real_returns,
		.too_few = "tables stay in use that were said to have left" };

	refs_try(&t);
}

/* Of many idle tables one goes, and then another. */
static void
table_pace(void)
{
	uint64_t asked = lab_param("n", 0), n = asked != 0 ? asked : 500;
	uint64_t times = n / 2, gone = 0, took, i;
	struct tables t = tables_away(n);

	for (i = 0; i < n; i++)
		(void)tables_rescue(t.as, tables_at(&t, i));
	ev_mark(1);
	took = md_time_ns();
	for (i = 0; i < times; i++)
		gone += tables_evict(t.as, 1);
	took = md_time_ns() - took;
	ev_mark(2);
	CLAIM(gone == times, "of %lu idle tables %lu were asked for, one by one; %lu have "
	    "left", n, times, gone);
	lab_show("instructions for each table that left, of %lu: yours %lu; at most %u", n,
	    took / times, EACH_MAX);
	/* Who asks for a size judges, and has a clock of instructions. */
	CLAIM(asked == 0 || took / times <= EACH_MAX, "slow: each table that left, of %lu, took %lu "
	    "instructions, and %u are allowed", n, took / times, EACH_MAX);
	all_come_back(&t);
}

const struct selftest selftests_lab_tablepolicy[] = {
	{ "lab_table_strings", table_strings, "how many tables that have left are wanted again" },
	{ "lab_table_pace", table_pace, "how long it takes to choose one" },
	{ NULL, NULL, NULL },
};
