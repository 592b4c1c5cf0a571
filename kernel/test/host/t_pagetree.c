/* NEEDS: KIND=exact */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_pagetree.c: the pages of an object against an array of numbers
 *
 * Problem   Pages that come and go in any order are all found, in their order, and
 *           the tree does not grow deep, in whatever order they came.
 *
 * Picture   random come or go ─→ page_tree_*  ─→ each page, its neighbours, the depth
 *                           └──→ page_at[index]
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "mem/pagetree.h"
#include "test/host/host.h"

#define PAGES 4096u
#define DEPTH_MOST 40u /* 24 is what random trees of so many nodes have, nearly all */

static struct vm_page *page_at[2 * PAGES];
static struct page_tree tree;
static pfn_t spare[PAGES];
static unsigned nspare;

static int
begin(void **state)
{
	pfn_t i;

	host_seed(1);
	if (pfdb == NULL)
		pfdb = calloc(PAGES + 1, sizeof(struct vm_page));
	tree.root = 0;
	for (i = 0; i < 2 * PAGES; i++)
		page_at[i] = NULL;
	for (nspare = 0; nspare < PAGES; nspare++)
		spare[nspare] = PAGES - nspare;
	(void)state;
	return pfdb == NULL ? -1 : 0;
}

static void
comes(uint64_t index)
{
	struct vm_page *pg = &pfdb[spare[--nspare]];

	pg->index = index;
	page_tree_insert(&tree, pg);
	page_at[index] = pg;
}

static void
goes(uint64_t index)
{
	page_tree_remove(&tree, page_at[index]);
	spare[nspare++] = page_pfn(page_at[index]);
	page_at[index] = NULL;
}

static unsigned
depth_of(const struct vm_page *pg)
{
	unsigned depth = 1;

	for (; pg->parent != 0; pg = &pfdb[pg->parent])
		depth++;
	return depth;
}

/* All that have come and not gone, and no others; how deep the deepest is. */
static unsigned
look(void)
{
	struct vm_page *pg = page_tree_first(&tree);
	unsigned deep = 0, i;

	for (i = 0; i < 2 * PAGES; i++) {
		if (page_at[i] == NULL)
			continue;
		assert_ptr_equal(pg, page_at[i]);
		deep = MAX(deep, depth_of(pg));
		pg = page_tree_next(pg);
	}
	assert_null(pg);
	assert_true(page_tree_is_well(&tree));
	return deep;
}

static void
any_order(void **state)
{
	unsigned i, index;

	(void)state;
	for (i = 1; i <= 20000; i++) {
		index = (unsigned)host_random(2 * PAGES);
		if (page_at[index] != NULL)
			goes(index);
		else if (nspare > 0)
			comes(index);
		if (i % 1000 == 0)
			assert_in_range(look(), 1, DEPTH_MOST);
	}
	for (index = 0; index < 2 * PAGES; index++)
		if (page_at[index] != NULL)
			goes(index);
	assert_int_equal(tree.root, 0);
}

/* As a file is read: frames and indices both in order; and then backwards. */
static void
in_order(void **state)
{
	unsigned i;

	(void)state;
	for (i = 0; i < PAGES; i++)
		comes(i);
	assert_in_range(look(), 1, DEPTH_MOST);
	for (i = 0; i < PAGES; i++)
		goes(i);
	assert_int_equal(tree.root, 0);
	for (i = PAGES; i > 0; i--)
		comes(i);
	assert_in_range(look(), 1, DEPTH_MOST);
}

/* What page_tree_is_well() is for. */
static void
faults_are_seen(void **state)
{
	struct vm_page *pg;
	unsigned i;
	pfn_t was;

	(void)state;
	for (i = 0; i < 100; i++)
		comes(i);
	pg = &pfdb[tree.root];
	pg->index += 100;
	assert_false(page_tree_is_well(&tree));
	pg->index -= 100;
	was = pfdb[pg->tree.left].parent;
	pfdb[pg->tree.left].parent = pg->tree.right;
	assert_false(page_tree_is_well(&tree));
	pfdb[pg->tree.left].parent = was;
	assert_true(page_tree_is_well(&tree));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(any_order, begin),
		cmocka_unit_test_setup(in_order, begin),
		cmocka_unit_test_setup(faults_are_seen, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
