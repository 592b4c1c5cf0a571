/* NEEDS: KIND=exact */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_kpaged.c: kernel paged ranges against a list of intervals
 *
 * Problem   Ranges of all sizes, taken and given back in any order, must never
 *           overlap, read as zero, and leave no frame and no tag behind.  Their
 *           pages may leave memory at any moment and come back as they were.
 *
 * Picture   random take or give ─→ kpaged_*     ─→ check_kpaged
 *                             └──→ intervals[]
 *           random pin, trim, write, steal, read ─→ kpaged_* ─→ the same bytes
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
#include "test/host/host.h"

#define RANGES 200
#define SLOTS 1500
#define OUT_PAGES 600

static struct {
	va_t kva[RANGES];
	size_t pages[RANGES];
	unsigned n;
} model;

/* The first byte of a page is zero when it is new. */
static void
touch(va_t kva)
{
	struct vm_page *pg, *again;
	uint8_t *p;

	assert_int_equal(kpaged_pin(kva, &pg), 0);
	p = kpaged_ptr(pg, kva);
	assert_int_equal(*p, 0);
	*p = 1;
	page_unpin_dirty(pg);
	assert_true(kpaged_is_resident(kva));
	again = kpaged_trypin(kva);
	assert_ptr_equal(again, pg);
	kpaged_unpin(again);
}

static void
take(void)
{
	size_t pages = 1 + host_random(host_random(3) != 0 ? 8 : 200);
	va_t kva = kpaged_alloc(pages), end = kva + (pages << PAGE_SHIFT);
	unsigned i;

	assert_true(kva > MD_KPAGED_BASE);
	for (i = 0; i < model.n; i++)
		assert_true(end <= model.kva[i] || kva >= model.kva[i] +
		    (model.pages[i] << PAGE_SHIFT));
	model.kva[model.n] = kva;
	model.pages[model.n++] = pages;
	if (host_random(3) == 0)
		touch(kva + (host_random(pages) << PAGE_SHIFT));
}

static void
give(unsigned i)
{
	kpaged_free(model.kva[i], model.pages[i]);
	model.n--;
	model.kva[i] = model.kva[model.n];
	model.pages[i] = model.pages[model.n];
}

static void
ranges_in_any_order(void **state)
{
	unsigned i;

	for (i = 0; i < 20000; i++) {
		if (model.n < RANGES && host_random(2))
			take();
		else if (model.n > 0)
			give((unsigned)host_random(model.n));
		if (i % 500 == 0)
			host_check_object(NULL);
	}
	assert_true(ev_read(EV_kpaged_va_cache_hits) > 1000);
	while (model.n > 0)
		give(model.n - 1);
	host_check_object(NULL);
	assert_int_equal(ev_read(EV_kpaged_pages), 0);
}

/* No tag, no table, no permission: 0, and nothing has changed. */
static void
failing_alloc_takes_nothing(void **state)
{
	static const enum inject_point points[] = { FI_KPAGED, FI_SLAB };
	va_t top = kpaged_top;
	unsigned i;

	for (i = 0; i < ARRAY_LEN(points); i++) {
		host_inject(points[i], 1, 1);
		assert_int_equal(kpaged_alloc(16), 0);
		host_inject(points[i], 0, 0);
		host_check_object(NULL);
	}
	assert_int_equal(kpaged_top, top);
}

/* An orphan: decommitted while pinned, it goes with the pin. */
static void
pinned_page_outlives_decommit(void **state)
{
	va_t kva = kpaged_alloc(1);
	struct vm_page *pg;

	assert_int_equal(kpaged_pin(kva, &pg), 0);
	kpaged_decommit(kva, 1);
	assert_false(kpaged_is_resident(kva));
	assert_int_equal(pg->state, PG_LIMBO);
	page_unpin_dirty(pg);
	touch(kva);
	kpaged_free(kva, 1);
	host_check_object(NULL);
}

/* ---- to swap and back ---- */

static struct {
	va_t kva;
	uint64_t value[OUT_PAGES]; /* the first and last word of each page */
	unsigned area;
} out;

/* hda is an area of swap. */
static void
swap_begin(void)
{
	static uint8_t header[PAGE_SIZE];
	uint32_t field[2] = { 1, SLOTS - 1 };
	struct swap_source src = { .dev = blk_find("hda"), .header = header,
		.bytes = SLOTS * PAGE_SIZE, .path = "/dev/hda" };
	char path[] = "/tmp/t_kpaged.XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0 && ftruncate(fd, SLOTS * PAGE_SIZE) == 0);
	host_disk_load(path);
	unlink(path);
	close(fd);
	memcpy(header + 1024, field, sizeof(field));
	memcpy(header + PAGE_SIZE - 10, "SWAPSPACE2", 10);
	assert_int_equal(swap_on(&src, &out.area), 0);
}

static va_t
page_at(unsigned i)
{
	return out.kva + (va_t)i * PAGE_SIZE;
}

/* Its words are as they were, and perhaps become others. */
static void
use_page(struct vm_page *pg, unsigned i, bool write)
{
	uint64_t *words = kpaged_ptr(pg, page_at(i));

	assert_int_equal(words[0], out.value[i]);
	assert_int_equal(words[MD_PT_WORDS - 1], out.value[i]);
	if (write) {
		out.value[i] = host_random(UINT64_MAX);
		words[0] = words[MD_PT_WORDS - 1] = out.value[i];
	}
	page_unpin_written(pg, write);
}

static void
pin_page(unsigned i, bool write)
{
	struct vm_page *pg;

	assert_int_equal(kpaged_pin(page_at(i), &pg), 0);
	use_page(pg, i, write);
}

static void
one_step(void)
{
	unsigned i = (unsigned)host_random(OUT_PAGES), n;
	struct vm_page *pg;

	switch (host_random(10)) {
	case 0:
	case 1:
		pin_page(i, true);
		break;
	case 2:
		pin_page(i, false);
		break;
	case 3:
		pg = kpaged_trypin(page_at(i));
		if (pg != NULL)
			use_page(pg, i, host_random(2) != 0);
		break;
	case 4:
		n = 1 + (unsigned)host_random(5);
		kpaged_decommit(page_at(i), MIN(n, OUT_PAGES - i));
		while (n-- > 0 && i < OUT_PAGES)
			out.value[i++] = 0;
		break;
	case 5:
		(void)kpaged_trim();
		break;
	case 6:
		mutex_lock(&kernel_as.ws_lock);
		(void)kpaged_hold_mapped(page_at(i));
		mutex_unlock(&kernel_as.ws_lock);
		break;
	case 7:
		if (host_random(10) == 0)
			force_out_kpaged(FORCE_VADS_TOO);
		break;
	case 8:
		(void)host_disk_run();
		break;
	case 9:
		for (n = (unsigned)host_random(50); n > 0 && phys_reclaim(); n--)
			;
		break;
	}
}

static void
push_all_out(void)
{
	unsigned i;

	for (i = 0; i < 40; i++) {
		force_out_kpaged(FORCE_VADS_TOO);
		while (host_disk_run())
			;
	}
}

static void
pages_go_and_come_back(void **state)
{
	struct swap_stat st;
	unsigned i;

	swap_begin();
	out.kva = kpaged_alloc(OUT_PAGES);
	for (i = 0; i < 30000; i++) {
		one_step();
		if (i % 500 == 0)
			host_check_object(NULL);
	}
	assert_true(ev_read(EV_page_reclaim_anon) > 1000);
	for (i = 0; i < OUT_PAGES; i++)
		pin_page(i, true);
	push_all_out();
	host_check_object(NULL);
	assert_int_equal(ev_read(EV_kpaged_pages_out), OUT_PAGES);
	assert_int_equal(ev_read(EV_kpaged_pages), 0);
	/* Read and not written: they go again without a write. */
	for (i = 0; i < OUT_PAGES; i++)
		pin_page(i, false);
	i = (unsigned)ev_read(EV_swap_out_pages);
	push_all_out();
	assert_int_equal(ev_read(EV_swap_out_pages), i);
	assert_int_equal(ev_read(EV_kpaged_pages_out), OUT_PAGES);
	assert_int_equal(swap_off(out.area), 0);
	assert_int_equal(ev_read(EV_kpaged_pages_out), 0);
	for (i = 0; i < OUT_PAGES; i++)
		pin_page(i, false);
	kpaged_free(out.kva, OUT_PAGES);
	host_check_object(NULL);
	swap_stat(&st);
	assert_int_equal(st.used, 0);
	assert_int_equal(ev_read(EV_kpaged_pages), 0);
}

/* A container that names a frame stays; what it counts is found again. */
static void
containers_stay_while_live(void **state)
{
	struct vm_page *pg, *data = page_alloc(PHYS_ZEROED);
	va_t kva = kpaged_alloc(1);
	uint64_t *word;

	swap_begin();
	assert_int_equal(kpaged_pin(kva, &pg), 0);
	container_attach(pg, KIND_AOBJ, MD_PT_WORDS);
	word = (uint64_t *)kpaged_ptr(pg, kva) + 7;
	spin_lock(&pfn_lock);
	page_adopt_locked(data, HOME_AOBJ, word_pa(word), 7);
	page_pin_locked(data);
	word_set_locked(pg, word, pte_make_trans(data));
	assert_false(page_unpin_dirty_locked(data));
	spin_unlock(&pfn_lock);
	kpaged_unpin(pg);
	(void)kpaged_trim();
	assert_int_equal(pg->state, PG_ACTIVE);
	/* It becomes idle by the steal, and goes at the next trim. */
	spin_lock(&pfn_lock);
	while (data->state == PG_MODIFIED) {
		(void)pageout_page(data, SWAP_KEEP);
		spin_unlock(&pfn_lock);
		(void)host_disk_run();
		spin_lock(&pfn_lock);
	}
	spin_unlock(&pfn_lock);
	assert_true(phys_reclaim());
	assert_int_equal(pg->nres, 0);
	assert_int_equal(pg->state, PG_ACTIVE);
	push_all_out();
	assert_true(kpaged_is_out(kva));
	assert_int_equal(kpaged_pin(kva, &pg), 0);
	assert_int_equal(pg->flags & PF_CONTAINER, 0);
	container_attach(pg, KIND_AOBJ, MD_PT_WORDS);
	assert_int_equal(pg->nused, 1);
	word = (uint64_t *)kpaged_ptr(pg, kva) + 7;
	assert_int_equal(pte_kind(word_get(word)), PTE_SWAP);
	swap_free(swap_slot(word_set(pg, word, 0)));
	kpaged_unpin(pg);
	kpaged_free(kva, 1);
	host_check_object(NULL);
	assert_int_equal(swap_off(out.area), 0);
}

/* What cannot be read is said by each word; nothing is made up, nobody waits. */
static void
lost_pages_say_so(void **state)
{
	static const enum container_kind kinds[] = { KIND_AOBJ, KIND_FMO,
		KIND_AOBJ_UPPER };
	va_t kva = kpaged_alloc(ARRAY_LEN(kinds));
	struct vm_page *pg;
	unsigned i;

	swap_begin();
	for (i = 0; i < ARRAY_LEN(kinds); i++) {
		assert_int_equal(kpaged_pin(kva + i * PAGE_SIZE, &pg), 0);
		memset(kpaged_ptr(pg, kva), 1, PAGE_SIZE);
		page_unpin_dirty(pg);
	}
	push_all_out();
	host_disk_fail(8, SLOTS * 8);
	for (i = 0; i < ARRAY_LEN(kinds); i++) {
		uint64_t *words;

		assert_int_equal(kpaged_pin(kva + i * PAGE_SIZE, &pg), 0);
		container_attach(pg, kinds[i], MD_PT_WORDS);
		words = kpaged_ptr(pg, kva);
		if (kinds[i] == KIND_AOBJ_UPPER)
			assert_int_equal(words[511], AOBJ_LOST);
		else
			assert_int_equal(pte_kind(words[510]), PTE_ERROR);
		kpaged_unpin(pg);
	}
	host_check_object(NULL);
	kpaged_free(kva, ARRAY_LEN(kinds));
	assert_int_equal(ev_read(EV_kpaged_pages) +
	    ev_read(EV_kpaged_pages_out), 0);
	assert_int_equal(swap_off(out.area), 0);
}

/*
 * The frames of users are gone, and who waits for one is killed: what must be
 * finished gets on, with a frame of the reserve.
 */
static void
the_dying_draw_on_the_reserve(void **state)
{
	va_t kva = kpaged_alloc(1);
	struct vm_page *pg;
	pfn_t chain = 0;

	while ((pg = phys_alloc(PHYS_USER, PHYS_ANY)) != NULL) {
		pg->qnext = chain;
		chain = page_pfn(pg);
	}
	host_kill_after(3);
	vm_finish_begin();
	assert_int_equal(kpaged_pin(kva, &pg), 0);
	vm_finish_end();
	assert_true(thread_is_killed());
	assert_non_null(pg);
	host_kill_after(0);
	kpaged_unpin(pg);
	page_free_chain(chain);
	kpaged_free(kva, 1);
	assert_int_equal(ev_read(EV_kpaged_pages), 0);
}

static int
boot(void **state)
{
	host_boot(4096, "idlezero=0");
	host_seed(5);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranges_in_any_order),
		cmocka_unit_test(failing_alloc_takes_nothing),
		cmocka_unit_test(pinned_page_outlives_decommit),
		cmocka_unit_test(pages_go_and_come_back),
		cmocka_unit_test(containers_stay_while_live),
		cmocka_unit_test(lost_pages_say_so),
		cmocka_unit_test(the_dying_draw_on_the_reserve),
	};

	return cmocka_run_group_tests(tests, boot, NULL);
}
