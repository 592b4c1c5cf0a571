/* NEEDS: KIND=exact */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_seam.c: what common code promises to a design: struct design
 *
 * Problem   A design that keeps something of its own for each mapping must be
 *           asked before the tree of VADs changes, and may say no; nothing may
 *           be half done then, and nothing forgotten at the end.
 *
 * Picture   call ─→ prepare: no memory the n-th time ─→ -ENOMEM, as before
 *                                                └────→ later: done, all there
 *
 * Histories of faults, forks, files and swap under recs: t_fmo.c, t_ptpage.c,
 * t_cache_views.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <string.h>

#include "test/host/host.h"
#include "test/host/recs.h"

#define BASE 0x10000000ul
#define PAGES 12ul
#define BRK0 0x40000000ul
#define STACK_TOP 0x7f0000000000ul

static struct aspace *as;

static va_t
page_va(uint64_t i)
{
	return BASE + i * PAGE_SIZE;
}

static int
map_pages(uint64_t lo, uint64_t n)
{
	struct map_args a = { .addr = page_va(lo), .len = n * PAGE_SIZE,
		.prot = PROT_R | PROT_W,
		.flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED };
	va_t va;

	return map_mmap(as, &a, &va);
}

static void
begin(void)
{
	assert_int_equal(as_create(&recs_design, &as), 0);
	as_attach_user(as);
}

static void
end(void)
{
	as_detach_user(as);
	as_put(as);
	host_check(3);
}

static void
fill(va_t va, uint64_t n)
{
	uint64_t i;

	for (i = 0; i < n; i++)
		assert_int_equal(host_store(as, va + i * PAGE_SIZE, 100 + i), 0);
}

/* Page i of va holds what fill() wrote to page from + i. */
static void
is_filled(va_t va, uint64_t from, uint64_t n)
{
	uint64_t i, value;

	for (i = 0; i < n; i++) {
		assert_int_equal(host_load(as, va + i * PAGE_SIZE, &value), 0);
		assert_int_equal(value, 100 + from + i);
	}
}

static uint64_t
vads(void)
{
	uint64_t n;

	rw_lock_read(&as->map_lock);
	n = as->map.nvads;
	rw_unlock_read(&as->map_lock);
	return n;
}

/* ---- what may fail fails first ---- */

static int
do_munmap(void)
{
	return map_munmap(as, page_va(4), 4 * PAGE_SIZE);
}

static int
do_protect(void)
{
	return map_mprotect(as, page_va(4), 4 * PAGE_SIZE, PROT_R);
}

static int
do_map_over(void)
{
	return map_pages(4, 4);
}

static int
do_mremap(void)
{
	struct mremap_args a = { .old = page_va(4), .old_len = 2 * PAGE_SIZE,
		.new_len = 40 * PAGE_SIZE, .flags = 1 };
	va_t va;

	return map_mremap(as, &a, &va);
}

static int
do_grow(void)
{
	struct mremap_args a = { .old = page_va(4), .old_len = 8 * PAGE_SIZE,
		.new_len = 20 * PAGE_SIZE };
	va_t va;

	return map_mremap(as, &a, &va);
}

static int
do_brk(void)
{
	const struct map_limits lim = { -1ul, -1ul, -1ul, -1ul };
	va_t want = BRK0 + 3 * PAGE_SIZE;

	return map_brk(as, want, &lim) == want ? 0 : -ENOMEM;
}

static int
do_stack(void)
{
	return host_store(as, STACK_TOP - 20 * PAGE_SIZE, 1);
}

/* Each prepare of a call fails in turn, until none does. */
static void
fails_whole(int (*call)(void))
{
	unsigned n;
	uint64_t before, commit;
	int r = -1;

	begin();
	assert_int_equal(map_stack(as, STACK_TOP, 64 * PAGE_SIZE,
	    PROT_R | PROT_W), 0);
	map_set_brk(as, BRK0);
	assert_int_equal(map_pages(0, PAGES), 0);
	fill(page_va(0), PAGES);
	assert_int_equal(host_store(as, STACK_TOP - 8, 7), 0);
	before = vads();
	commit = as->commit.paid;
	for (n = 1; n < 40 && r != 0; n++) {
		recs_refuse = n;
		r = call();
		if (r != 0) {
			assert_int_equal(recs_refuse, 0);
			assert_int_equal(vads(), before);
			assert_int_equal(as->commit.paid, commit);
			is_filled(page_va(0), 0, PAGES);
		}
		host_check(3);
	}
	assert_int_equal(r, 0);
	assert_true(n > 2 && recs_refuse > 0);
	recs_refuse = 0;
	is_filled(page_va(0), 0, 4);
	end();
}

static void
prepare_fails_whole(void **state)
{
	int (*const calls[])(void) = { do_munmap, do_protect, do_map_over,
		do_mremap, do_grow, do_brk, do_stack };
	unsigned i;

	vm_leak_begin();
	for (i = 0; i < ARRAY_LEN(calls); i++)
		fails_whole(calls[i]);
	if (vm_leak_end() != 0)
		fail_msg("memory is missing");
}

/* ---- what hangs on VADs follows them ---- */

static void
parts_follow_their_vads(void **state)
{
	struct mremap_args a = { .old = page_va(2), .old_len = 4 * PAGE_SIZE,
		.new_len = 8 * PAGE_SIZE, .flags = 1 };
	va_t va;

	begin();
	/* Two that touch are one. */
	assert_int_equal(map_pages(0, 6), 0);
	fill(page_va(0), 6);
	assert_int_equal(map_pages(6, 6), 0);
	assert_int_equal(vads(), 1);
	fill(page_va(6), 6);
	is_filled(page_va(0), 0, 6);
	is_filled(page_va(6), 0, 6);
	/* Cut in three, joined again. */
	fill(page_va(0), PAGES);
	assert_int_equal(map_mprotect(as, page_va(5), PAGE_SIZE, PROT_R), 0);
	assert_int_equal(vads(), 3);
	assert_int_equal(map_mprotect(as, page_va(5), PAGE_SIZE,
	    PROT_R | PROT_W), 0);
	assert_int_equal(vads(), 1);
	is_filled(page_va(0), 0, PAGES);
	/* A part of it moves and grows. */
	assert_int_equal(map_mremap(as, &a, &va), 0);
	is_filled(va, 2, 4);
	is_filled(page_va(6), 6, 6);
	assert_int_equal(host_store(as, va + 7 * PAGE_SIZE, 1), 0);
	host_check(3);
	end();
}

/* VADs that could not be read: what they had goes with the space. */
static void
lost_vads_leave_nothing(void **state)
{
	vm_leak_begin();
	begin();
	assert_int_equal(map_pages(0, PAGES), 0);
	fill(page_va(0), PAGES);
	as_lose(as, LOST_VADS);
	as_detach_user(as);
	as_put(as);
	host_check(3);
	if (vm_leak_end() != 0)
		fail_msg("memory is missing");
}

/* ---- eviction over all spaces ---- */

/* A page that two spaces map leaves both; what was used has a second chance. */
static void
evict_any_unmaps_everywhere(void **state)
{
	struct aspace *child;
	uint64_t value;

	begin();
	assert_int_equal(map_pages(0, 2), 0);
	fill(page_va(0), 2);
	assert_int_equal(as_dup(as, &child), 0);
	as_attach_user(child);
	assert_int_equal(host_load(child, page_va(0), &value), 0);
	assert_int_equal(as->ws.pages, 2);
	assert_int_equal(child->ws.pages, 1);
	assert_int_equal(recs_design.shared->evict_any(SIZE_MAX, WS_AGE), 0);
	assert_int_equal(host_load(as, page_va(1), &value), 0);
	assert_int_equal(recs_design.shared->evict_any(SIZE_MAX, WS_AGE), 2);
	assert_int_equal(as->ws.pages, 1);
	assert_int_equal(child->ws.pages, 0);
	assert_int_equal(recs_design.shared->evict_any(SIZE_MAX, 0), 1);
	assert_int_equal(as->ws.pages, 0);
	host_check(3);
	is_filled(page_va(0), 0, 2);
	as_detach_user(child);
	as_put(child);
	end();
}

static int
boot(void **state)
{
	host_boot(4096, "idlezero=0 norandom=1");
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parts_follow_their_vads),
		cmocka_unit_test(prepare_fails_whole),
		cmocka_unit_test(lost_vads_leave_nothing),
		cmocka_unit_test(evict_any_unmaps_everywhere),
	};

	return cmocka_run_group_tests(tests, boot, NULL);
}
