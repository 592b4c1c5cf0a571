/* NEEDS: KIND=exact */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_cache.c: how often files are read and written, and what fails
 *
 * Read next filehost.c, t_cache_views.c: what their pages hold.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <string.h>

#include "test/host/filehost.h"

static uint8_t buf[BYTES];

/* ---- how often is read and written ---- */

static void
read_pages(struct vmo *vmo, uint64_t idx, uint64_t n)
{
	uint64_t k;
	struct uio u;

	for (k = 0; k < n; k++) {
		uio_init_kernel(&u, buf, PAGE_SIZE);
		assert_int_equal(vmo_read(vmo, (idx + k) << PAGE_SHIFT, &u),
		    PAGE_SIZE);
		assert_int_equal(((uint64_t *)buf)[7], (idx + k) << 16 | 7);
	}
}

static void
reads_are_few(void **state)
{
	struct vmo *vmo = file_new(1024 * PAGE_SIZE);
	uint64_t hits, i;

	filedisk_fill(1024);
	read_pages(vmo, 0, 1024);
	assert_true(filedisk.reads <= 1024 / 8);
	assert_int_equal(filedisk.pages_in, 1024);
	hits = ev_read(EV_cache_hit);
	filedisk.reads = 0;
	read_pages(vmo, 0, 1024);
	assert_int_equal(filedisk.reads, 0);
	assert_int_equal(ev_read(EV_cache_hit) - hits, 1024);

	vmo_drop_clean(vmo);
	assert_int_equal(vmo_pages(vmo), 0);
	filedisk.pages_in = 0;
	for (i = 0; i < 200; i++)
		read_pages(vmo, host_random(1024), 1);
	assert_true(filedisk.pages_in <= 220);
	file_end(vmo);
}

static void
mapping_reads_nothing_twice(void **state)
{
	struct vmo *vmo = file_new(BYTES);
	uint64_t major = ev_read(EV_fault_major), i, value;
	uint64_t total = ev_read(EV_fault_total);
	struct aspace *as[3];
	unsigned p;

	filedisk_fill(PAGES);
	read_pages(vmo, 0, PAGES);
	for (p = 0; p < ARRAY_LEN(as); p++) {
		as[p] = file_map(vmo);
		for (i = 0; i < PAGES; i++) {
			assert_int_equal(host_load(as[p], SHARED +
			    i * PAGE_SIZE, &value), 0);
			assert_int_equal(value, i << 16);
		}
	}
	assert_int_equal(ev_read(EV_fault_major), major);
	assert_int_equal(ev_read(EV_fault_total) - total, ARRAY_LEN(as) * 3);
	assert_int_equal(vmo_pages(vmo), PAGES);
	assert_int_equal(vmo_sync(vmo, 0, UINT64_MAX), 0);
	assert_int_equal(filedisk.writes, 0);
	for (p = 0; p < ARRAY_LEN(as); p++)
		file_unmap(as[p]);
	file_end(vmo);
}

/* A set of one page: each fault takes the page before away, its table with it. */
static void
full_set_keeps_the_way_of_the_fault(void **state)
{
	struct vmo *vmo = file_new(BYTES);
	uint64_t i, value, freed = ev_read(EV_table_free);
	struct aspace *as;

	filedisk_fill(PAGES);
	as = file_map(vmo);
	as->ws.max = 1;
	for (i = 0; i < PAGES; i++) {
		assert_int_equal(host_load(as, SHARED + i * PAGE_SIZE, &value), 0);
		assert_int_equal(value, i << 16);
		assert_int_equal(as->ws.pages, 1);
	}
	assert_true(ev_read(EV_table_free) > freed);
	host_check(1);
	file_unmap(as);
	file_end(vmo);
}

static void
only_what_changed_is_written(void **state)
{
	struct vmo *vmo = file_new(BYTES);
	struct aspace *as;
	uint64_t i;

	filedisk_fill(PAGES);
	as = file_map(vmo);
	for (i = 0; i < 30; i++)
		assert_int_equal(host_store(as, SHARED +
		    i * PAGE_SIZE, i), 0);
	assert_int_equal(map_msync(as, SHARED, BYTES, 4), 0);
	assert_int_equal(filedisk.pages_out, 30);
	assert_int_equal(filedisk.writes, 2);
	for (i = 5; i < 9; i++)
		assert_int_equal(host_store(as, SHARED +
		    i * PAGE_SIZE, i + 100), 0);
	assert_int_equal(map_msync(as, SHARED, BYTES, 4), 0);
	assert_int_equal(filedisk.pages_out, 34);
	assert_int_equal(filedisk.page[8][0], 108);
	file_unmap(as);
	file_end(vmo);
}

/* ---- what fails ---- */

static void
bad_pages(void **state)
{
	struct vmo *vmo = file_new(BYTES);
	struct aspace *as;
	struct fctx f = { .kernel = false };
	struct vm_page *pg;
	uint64_t value;
	struct uio u;

	filedisk_fill(PAGES);
	as = file_map(vmo);
	filedisk.bad_in = 6;
	uio_init_kernel(&u, buf, BYTES);
	assert_int_equal(vmo_read(vmo, 0, &u), 6 * PAGE_SIZE);
	uio_init_kernel(&u, buf, 10);
	assert_int_equal(vmo_read(vmo, 6 * PAGE_SIZE, &u), -EIO);
	assert_int_equal(vm_fault(as, SHARED + 6 * PAGE_SIZE,
	    ACCESS_READ, &f), -EFAULT);
	assert_int_equal(f.sig.signo, SIGBUS);
	assert_int_equal(host_store(as, PRIVATE + 6 * PAGE_SIZE, 1),
	    -EFAULT);
	assert_int_equal(cache_page(vmo, 6, &pg), -EIO);
	host_check(1);
	filedisk.bad_in = UINT64_MAX;
	assert_int_equal(host_load(as, SHARED + 6 * PAGE_SIZE, &value),
	    0);
	assert_int_equal(value, 6 << 16);

	filedisk.bad_out = 9;
	for (value = 4; value < 12; value++)
		assert_int_equal(host_store(as, SHARED +
		    value * PAGE_SIZE, value), 0);
	assert_int_equal(vmo_sync(vmo, 0, UINT64_MAX), -EIO);
	assert_int_equal(pages_dirty, 1);
	assert_int_equal(filedisk.page[11][0], 11);
	filedisk.bad_out = UINT64_MAX;
	assert_int_equal(vmo_sync(vmo, 0, UINT64_MAX), 0);
	assert_int_equal(filedisk.page[9][0], 9);
	file_unmap(as);
	file_end(vmo);
}

static void
no_room(void **state)
{
	struct vmo *vmo = file_new(BYTES);
	struct aspace *as;
	struct uio u;

	filedisk.limit = 3;
	as = file_map(vmo);
	memset(buf, 7, sizeof(buf));
	uio_init_kernel(&u, buf, 5 * PAGE_SIZE);
	assert_int_equal(vmo_write(vmo, 0, &u), 3 * PAGE_SIZE);
	uio_init_kernel(&u, buf, 10);
	assert_int_equal(vmo_write(vmo, 4 * PAGE_SIZE + 1, &u), -ENOSPC);
	assert_int_equal(host_store(as, SHARED + 9 * PAGE_SIZE, 1),
	    -EFAULT);
	assert_int_equal(host_store(as, SHARED + 2 * PAGE_SIZE, 1), 0);
	assert_int_equal(pages_dirty, 3);
	host_check(1);
	file_unmap(as);
	file_end(vmo);
}

/* ---- more than memory ---- */

static void
larger_than_memory(void **state)
{
	struct vmo *vmo = file_new(DISK_PAGES * PAGE_SIZE);
	uint64_t stolen = ev_read(EV_page_reclaim_file);

	filedisk_fill(DISK_PAGES);
	read_pages(vmo, 0, DISK_PAGES);
	read_pages(vmo, 0, 100);
	assert_true(ev_read(EV_page_reclaim_file) - stolen > DISK_PAGES - 4096);
	host_check(1);
	file_end(vmo);
}

/* A page that is pinned outlives the cut; its frame is freed by the unpin. */
static void
pinned_and_cut(void **state)
{
	uint64_t lazy = ev_read(EV_page_lazy_invalidated);
	struct vmo *vmo = file_new(BYTES);
	struct vm_page *pg;

	filedisk_fill(PAGES);
	assert_int_equal(cache_page(vmo, 9, &pg), 0);
	assert_int_equal(vmo_resize(vmo, PAGE_SIZE), 0);
	assert_int_equal(pg->state, PG_LIMBO);
	assert_int_equal(*(uint64_t *)pa2va(page_pa(pg)), 9 << 16);
	assert_int_equal(vmo_resize(vmo, BYTES), 0);
	host_check(1);
	cache_unpin(pg, PAGE_DIRTY);
	assert_int_equal(ev_read(EV_page_lazy_invalidated), lazy + 1);
	file_end(vmo);
}

static int
boot(void **state)
{
	host_boot(4096, "idlezero=0 norandom=1 around=16");
	host_seed(5);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_are_few),
		cmocka_unit_test(mapping_reads_nothing_twice),
		cmocka_unit_test(full_set_keeps_the_way_of_the_fault),
		cmocka_unit_test(only_what_changed_is_written),
		cmocka_unit_test(bad_pages),
		cmocka_unit_test(no_room),
		cmocka_unit_test(larger_than_memory),
		cmocka_unit_test(pinned_and_cut),
	};

	return cmocka_run_group_tests(tests, boot, NULL);
}
