/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_kpaged.c: kernel paged ranges against a list of intervals
 *
 * Problem   Ranges of all sizes, taken and given back in any order, must never
 *           overlap, read as zero, and leave no frame and no tag behind.
 *
 * Picture   random take or give ─→ kpaged_*     ─→ kpaged_check
 *                             └──→ intervals[]
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <string.h>

#include "test/host/host.h"

#define RANGES 200

static struct {
	va_t kva[RANGES];
	size_t pages[RANGES];
	unsigned n;
} model;

static void
check(void)
{
	struct out_buf text;
	char msg[512];
	struct vm_report report = { .out = &text.out, .level = 1 };

	out_buf_init(&text, msg, sizeof(msg));
	kpaged_check(&report);
	if (report.findings != 0)
		fail_msg("%s", msg);
}

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
	kpaged_unpin(pg, true);
	assert_true(kpaged_is_resident(kva));
	again = kpaged_trypin(kva);
	assert_ptr_equal(again, pg);
	kpaged_unpin(again, false);
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
			check();
	}
	assert_true(ev_read(EV_kpaged_va_cache_hits) > 1000);
	while (model.n > 0)
		give(model.n - 1);
	kpaged_drain();
	check();
	assert_int_equal(ev_read(EV_kpaged_pages), 0);
}

/* No tag, no table, no permission: 0, and nothing has changed. */
static void
failing_alloc_takes_nothing(void **state)
{
	static const enum inject_point points[] = { FI_KPAGED, FI_SLAB };
	va_t top = kpaged_va_top();
	unsigned i;

	for (i = 0; i < ARRAY_LEN(points); i++) {
		host_inject(points[i], 1, 1);
		assert_int_equal(kpaged_alloc(16), 0);
		host_inject(points[i], 0, 0);
		check();
	}
	assert_int_equal(kpaged_va_top(), top);
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
	kpaged_unpin(pg, true);
	touch(kva);
	kpaged_free(kva, 1);
	check();
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
	};

	return cmocka_run_group_tests(tests, boot, NULL);
}
