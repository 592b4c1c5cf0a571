/* NEEDS: SHORT=1 KIND=exact */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_shadow.c: chains of design shadow stay short, and lose no page
 *
 * Problem   A chain that grows with each fork, or a collapse that forgets a page, a slot
 *           or a child, shows only after many generations.
 *
 * Picture   generation: fork, the child stores to a page, the parent exits
 *             1,000 of them ─→ longest chain, objects that live, each page, slots, frames
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <string.h>
#include <unistd.h>

#include "test/host/disk.h"
#include "vm/design/designs.h"
#include "vm/evidence/evidence.h"
#include "vm/frame/frame.h"
#include "vm/space/space.h"
#include "vm/swap/swap.h"
#include "vm/vm.h"

#define BASE 0x10000000ul
#define PAGES 64ul
#define SLOTS 4000u

static unsigned area_no;

static va_t
page_va(uint64_t i)
{
	return BASE + i * PAGE_SIZE;
}

static struct aspace *
begin(uint64_t n)
{
	struct map_args a = { .addr = BASE, .len = n * PAGE_SIZE,
		.prot = PROT_R | PROT_W, .maxprot = PROT_R | PROT_W,
		.flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED };
	struct aspace *as;
	va_t va;

	assert_int_equal(as_create(&shadow_design, &as), 0);
	as_attach_user(as);
	assert_int_equal(map_mmap(as, &a, &va), 0);
	return as;
}

static struct aspace *
fork_of(struct aspace *as)
{
	struct aspace *child;

	assert_int_equal(as_dup(as, &child), 0);
	as_attach_user(child);
	return child;
}

static void
end(struct aspace *as)
{
	as_detach_user(as);
	as_put(as);
}

static void
store(struct aspace *as, uint64_t i, uint64_t value)
{
	assert_int_equal(host_store(as, page_va(i), value), 0);
}

static void
holds(struct aspace *as, uint64_t i, uint64_t value)
{
	uint64_t got = ~0ul;

	assert_int_equal(host_load(as, page_va(i), &got), 0);
	assert_int_equal(got, value);
}

/* ---- swap ---- */

static void
swap_begin(void)
{
	uint32_t field[2] = { 1, SLOTS - 1 };
	static uint8_t page[PAGE_SIZE];
	char path[] = "/tmp/t_shadow.XXXXXX";
	int fd = mkstemp(path);
	struct swap_source src = { .header = page, .bytes = SLOTS * PAGE_SIZE,
		.path = "/dev/hda" };

	assert_true(fd >= 0 && write(fd, "", 1) == 1);
	close(fd);
	host_disk_load(path);
	unlink(path);
	src.dev = blk_find("hda");
	memcpy(page + 1024, field, sizeof(field));
	memcpy(page + PAGE_SIZE - 10, "SWAPSPACE2", 10);
	assert_int_equal(swap_on(&src, &area_no), 0);
}

/* All that the space maps goes to swap, and its frames are taken. */
static void
push_out(struct aspace *as)
{
	bool more = true;
	pfn_t head;

	mutex_lock(&as->ws_lock);
	as->school->evict(as, SIZE_MAX, 0);
	mutex_unlock(&as->ws_lock);
	while (more) {
		spin_lock(&pfn_lock);
		head = pq_queue[Q_MODANON].head;
		more = head != 0 && pageout_page(&pfdb[head], SWAP_KEEP);
		spin_unlock(&pfn_lock);
		while (host_disk_run())
			;
	}
	while (phys_reclaim())
		;
}

static void
nothing_is_left(void)
{
	struct swap_stat st;

	assert_int_equal(ev_read(EV_shadow_live), 0);
	assert_int_equal(ev_read(EV_shadow_records), 0);
	assert_int_equal(ev_read(EV_shadow_pages), 0);
	swap_stat(&st);
	assert_int_equal(st.used, 0);
	if (vm_leak_end() != 0)
		fail_msg("memory is missing");
}

/* ---- d09, d10 ---- */

/* Fork, the child stores to a page, the parent exits.  push: now and then all goes out. */
static void
generations(unsigned n, bool push)
{
	uint64_t want[PAGES], most = 0, in, i;
	struct aspace *as = begin(PAGES), *child;
	unsigned g;

	for (i = 0; i < PAGES; i++)
		store(as, i, want[i] = i + 1);
	for (g = 0; g < n; g++) {
		child = fork_of(as);
		store(child, g % PAGES, want[g % PAGES] = 1000 + g);
		if (push && g % 10 == 3)
			push_out(as);
		if (push && g % 10 == 3)
			push_out(child);
		in = ev_read(EV_swap_in_shadow);
		end(as);
		assert_int_equal(ev_read(EV_swap_in_shadow), in);
		as = child;
		most = MAX(most, ev_read(EV_shadow_live));
		if (g % 100 == 99)
			host_check(3);
	}
	for (i = 0; i < PAGES; i++)
		holds(as, i, want[i]);
	host_check(3);
	end(as);
	while (host_disk_run())
		;
	assert_in_range(most, 1, 4);
}

static void
thousand_generations(void **state)
{
	uint64_t collapses = ev_read(EV_shadow_collapse);

	generations(20, false);
	vm_leak_begin();
	generations(1000, false);
	assert_in_range(ev_read(EV_shadow_depth_max), 1, 3);
	assert_true(ev_read(EV_shadow_collapse) - collapses >= 1000);
	nothing_is_left();
}

/* A collapse moves slots as it moves pages, and reads none of them. */
static void
slots_are_moved(void **state)
{
	uint64_t moved = ev_read(EV_shadow_migrated);

	vm_leak_begin();
	generations(300, true);
	assert_true(ev_read(EV_shadow_migrated) - moved >= 300);
	assert_true(ev_read(EV_swap_out_shadow) > 0);
	nothing_is_left();
}

/* ---- d11 ---- */

/* Nothing of a parent that is alive collapses; it keeps what it must. */
static void
parent_that_stays(void **state)
{
	uint64_t n, i, g;
	struct aspace *as, *child;

	vm_leak_begin();
	as = begin(PAGES);
	for (i = 0; i < PAGES; i++)
		store(as, i, i);
	child = fork_of(as);
	n = ev_read(EV_shadow_collapse);
	for (i = 0; i < PAGES; i += 2)
		store(child, i, 500 + i);
	for (i = 0; i < PAGES; i++) {
		holds(as, i, i);
		holds(child, i, i % 2 == 0 ? 500 + i : i);
	}
	assert_int_equal(ev_read(EV_shadow_collapse), n);
	host_check(3);
	end(child);
	assert_int_equal(ev_read(EV_shadow_collapse), n + 1);
	/* One that forks again and again is not behind a longer chain each time. */
	for (g = 0; g < 50; g++) {
		child = fork_of(as);
		store(as, g, 900 + g);
		store(child, g + 1, 7);
		end(child);
		holds(as, g, 900 + g);
	}
	assert_in_range(ev_read(EV_shadow_live), 1, 4);
	end(as);
	nothing_is_left();
}

/* d09: who stores nothing between its forks gets no object in front for each of them. */
static void
forks_that_store_nothing(void **state)
{
	struct aspace *as, *child[6];
	uint64_t i;

	vm_leak_begin();
	as = begin(4);
	for (i = 0; i < 4; i++)
		store(as, i, i);
	for (i = 0; i < 6; i++)
		child[i] = fork_of(as);
	/* What there was, the parent's top, and theirs. */
	assert_int_equal(ev_read(EV_shadow_live), 2 + 6);
	host_check(3);
	for (i = 0; i < 6; i++) {
		holds(child[i], 3, 3);
		end(child[i]);
	}
	end(as);
	nothing_is_left();
}

/* ---- who alone sees a page takes it ---- */

static void
last_one_takes_it(void **state)
{
	struct aspace *as, *child;
	uint64_t copies;

	vm_leak_begin();
	as = begin(4);
	store(as, 0, 11);
	store(as, 1, 12);
	child = fork_of(as);
	copies = ev_read(EV_page_copy);
	store(as, 0, 21);
	assert_int_equal(ev_read(EV_page_copy), copies + 1);
	store(child, 0, 31);
	assert_int_equal(ev_read(EV_page_copy), copies + 1);
	holds(as, 0, 21);
	holds(child, 0, 31);
	assert_int_equal(ev_read(EV_shadow_pages), 3);
	host_check(3);
	/* What both have themselves, is not behind them any more. */
	end(as);
	holds(child, 1, 12);
	end(child);
	nothing_is_left();
}

/* A long row of forks that all live, each of which stores to everything: past them. */
static void
bypass_of_what_is_covered(void **state)
{
	uint64_t n = ev_read(EV_shadow_bypass), i, g;
	struct aspace *as, *child[6];

	vm_leak_begin();
	as = begin(4);
	for (i = 0; i < 4; i++)
		store(as, i, i);
	for (g = 0; g < 6; g++) {
		child[g] = fork_of(as);
		for (i = 0; i < 4; i++)
			store(as, i, 100 * (g + 1) + i);
	}
	assert_true(ev_read(EV_shadow_bypass) - n >= 5);
	host_check(3);
	for (g = 0; g < 6; g++)
		for (i = 0; i < 4; i++)
			holds(child[g], i, 100 * g + i);
	for (g = 0; g < 6; g++)
		end(child[g]);
	for (i = 0; i < 4; i++)
		holds(as, i, 600 + i);
	end(as);
	nothing_is_left();
}

/* ---- windows and holes ---- */

static void
advise(struct aspace *as, uint64_t lo, uint64_t n)
{
	assert_int_equal(map_madvise(as, page_va(lo), n * PAGE_SIZE,
	    MADV_DONTNEED), 0);
}

/* What is not wanted does not come back from behind, at the ends nor in the middle. */
static void
holes_hide(void **state)
{
	struct aspace *as, *child;
	uint64_t i;

	vm_leak_begin();
	as = begin(12);
	for (i = 0; i < 12; i++)
		store(as, i, i + 1);
	child = fork_of(as);
	store(child, 5, 99);
	advise(child, 0, 2);
	advise(child, 5, 2);
	advise(child, 10, 2);
	for (i = 0; i < 12; i++)
		holds(child, i, i < 2 || i == 5 || i == 6 || i >= 10 ? 0 : i + 1);
	host_check(3);
	store(child, 6, 66);
	for (i = 0; i < 12; i++)
		holds(as, i, i + 1);
	end(as);
	holds(child, 6, 66);
	holds(child, 5, 0);
	holds(child, 0, 0);
	holds(child, 11, 0);
	holds(child, 3, 4);
	host_check(3);
	end(child);
	nothing_is_left();
}

/* A mapping that has lost its end, and grows again, has zeros there. */
static void
windows_do_not_grow(void **state)
{
	struct map_args a = { .addr = page_va(6), .len = 6 * PAGE_SIZE,
		.prot = PROT_R | PROT_W, .maxprot = PROT_R | PROT_W,
		.flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED };
	struct mremap_args m = { .old = page_va(2), .old_len = 2 * PAGE_SIZE,
		.new_len = 2 * PAGE_SIZE, .flags = 3, .new_addr = page_va(40) };
	struct aspace *as, *child;
	va_t va;
	uint64_t i;

	vm_leak_begin();
	as = begin(12);
	for (i = 0; i < 12; i++)
		store(as, i, i + 1);
	child = fork_of(as);
	assert_int_equal(map_munmap(child, page_va(6), 6 * PAGE_SIZE), 0);
	assert_int_equal(map_mmap(child, &a, &va), 0);
	for (i = 0; i < 12; i++)
		holds(child, i, i < 6 ? i + 1 : 0);
	/* What is moved sees the same by other numbers. */
	assert_int_equal(map_mremap(child, &m, &va), 0);
	holds(child, 40, 3);
	store(child, 41, 5);
	holds(as, 3, 4);
	host_check(3);
	end(as);
	holds(child, 40, 3);
	holds(child, 41, 5);
	holds(child, 1, 2);
	host_check(3);
	end(child);
	nothing_is_left();
}

/* What was moved and forked sees the same by other numbers after a collapse, too. */
static void
collapse_adds_offsets(void **state)
{
	struct mremap_args m = { .old = page_va(2), .old_len = 4 * PAGE_SIZE,
		.new_len = 4 * PAGE_SIZE, .flags = 3, .new_addr = page_va(40) };
	struct aspace *as, *child, *third;
	uint64_t i;
	va_t va;

	vm_leak_begin();
	as = begin(12);
	for (i = 0; i < 12; i++)
		store(as, i, i + 1);
	child = fork_of(as);
	assert_int_equal(map_mremap(child, &m, &va), 0);
	store(child, 40, 99);
	third = fork_of(child);
	store(third, 41, 98);
	end(child);
	host_check(3);
	for (i = 0; i < 4; i++)
		holds(third, 40 + i, i < 2 ? 99 - i : i + 3);
	end(third);
	for (i = 0; i < 12; i++)
		holds(as, i, i + 1);
	host_check(3);
	end(as);
	nothing_is_left();
}

static int
boot(void **state)
{
	host_boot(4096, "idlezero=0 norandom=1 around=1");
	swap_begin();
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(thousand_generations),
		cmocka_unit_test(slots_are_moved),
		cmocka_unit_test(parent_that_stays),
		cmocka_unit_test(forks_that_store_nothing),
		cmocka_unit_test(last_one_takes_it),
		cmocka_unit_test(bypass_of_what_is_covered),
		cmocka_unit_test(holes_hide),
		cmocka_unit_test(windows_do_not_grow),
		cmocka_unit_test(collapse_adds_offsets),
	};

	return cmocka_run_group_tests(tests, boot, NULL);
}
