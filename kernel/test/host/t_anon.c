/* NEEDS: KIND=exact */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_anon.c: anonymous objects against a list of pages and a buffer of bytes
 *
 * Problem   Pages at any index, made, found, cut and punched in any order, also
 *           where allocations fail, must be what a naive model has; and what
 *           is left at the end is nothing: no page, table, charge.
 *
 * Picture   random operation ─→ anon_*, vmo_* ─→ check_anon, compare
 *                          └──→ model
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <string.h>

#include "test/host/host.h"

#define MODEL_PAGES 300
#define MODEL_BYTES 160000ul

static struct {
	uint64_t at[MODEL_PAGES];
	uint8_t byte[MODEL_PAGES]; /* first byte of the page */
	unsigned n;
} model;

static uint8_t bytes[MODEL_BYTES], buf[MODEL_BYTES];

static void
check_nothing_left(uint64_t commit)
{
	host_check_object(NULL);
	assert_int_equal(ev_read(EV_anon_tables), 0);
	assert_int_equal(ev_read(EV_anon_pages), 0);
	assert_int_equal(ev_read(EV_kpaged_pages), 0);
	assert_int_equal(commit_total(), commit);
}

static uint8_t *
first_byte(struct vm_page *pg)
{
	return pa2va(page_pa(pg));
}

static void
make_page(struct vmo *vmo, uint64_t at)
{
	struct vm_page *pg;

	assert_int_equal(anon_page(vmo, at, ANON_CREATE, &pg), 0);
	assert_int_equal(*first_byte(pg), 0);
	page_unpin_dirty(pg);
}

/*
 * One table more for each power of 512, and where an ind begins and ends;
 * looking for holes makes none.
 */
static void
tables_by_index(void **state)
{
	static const uint64_t second = 6 + 512, third = second + (1ul << 18),
		fourth = third + (1ul << 27);
	const struct {
		uint64_t at;
		unsigned tables;
	} make[] = { { 0, 0 }, { 5, 0 }, { 6, 1 }, { 512, 0 },
		{ second - 1, 0 }, { second, 2 }, { second + 511, 0 },
		{ second + 512, 1 }, { 1ul << 18, 1 }, { third - 1, 1 },
		{ third, 3 }, { 1ul << 27, 2 }, { fourth - 1, 2 },
		{ fourth, 4 }, { 25ul << 30, 3 }, { (1ul << 36) - 1, 3 } };
	uint64_t before = ev_read(EV_anon_table_alloc), commit = commit_total();
	struct vmo *vmo = vmo_create_anon(1ul << 48, 0, NULL, NULL);
	struct vm_page *pg;
	unsigned i;

	for (i = 0; i < 10000; i++)
		assert_int_equal(anon_page(vmo, host_random(1ul << 36),
		    ANON_FIND, &pg), -ENOENT);
	assert_int_equal(ev_read(EV_anon_table_alloc), before);
	for (i = 0; i < ARRAY_LEN(make); i++) {
		make_page(vmo, make[i].at);
		before += make[i].tables;
		assert_int_equal(ev_read(EV_anon_table_alloc), before);
	}
	host_check_object(vmo);
	vmo_put(vmo);
	check_nothing_left(commit);
}

/* ---- pages in any order ---- */

static unsigned
model_find(uint64_t at)
{
	unsigned i;

	for (i = 0; i < model.n; i++)
		if (model.at[i] == at)
			break;
	return i;
}

static uint64_t
some_index(void)
{
	static const uint64_t edge[] = { 0, 5, 6, 511, 512, 517, 518, 1029,
		1030, (1ul << 18) + 517, (1ul << 18) + 518, 1ul << 27,
		(1ul << 27) + (1ul << 18) + 517,
		(1ul << 27) + (1ul << 18) + 518, 1ul << 30, (1ul << 36) - 1 };

	switch (host_random(3)) {
	case 0:
		return edge[host_random(ARRAY_LEN(edge))];
	case 1:
		return host_random(2000);
	}
	return host_random(1ul << 36);
}

static void
try_find(struct vmo *vmo, uint64_t at)
{
	unsigned i = model_find(at);
	struct vm_page *pg;
	int r = anon_page(vmo, at, ANON_FIND, &pg);

	assert_int_equal(r, i < model.n ? 0 : -ENOENT);
	if (r != 0)
		return;
	assert_int_equal(*first_byte(pg), model.byte[i]);
	page_unpin(pg);
}

static void
try_create(struct vmo *vmo, uint64_t at, bool may_fail)
{
	unsigned i = model_find(at);
	struct vm_page *pg;
	int r;

	if (i == MODEL_PAGES)
		return;
	r = anon_page(vmo, at, ANON_CREATE, &pg);
	if (r == -ENOSPC && may_fail)
		return;
	assert_int_equal(r, 0);
	assert_int_equal(*first_byte(pg), i < model.n ? model.byte[i] : 0);
	if (i == model.n) {
		model.at[i] = at;
		model.n++;
	}
	model.byte[i] = *first_byte(pg) = (uint8_t)host_random(256);
	page_unpin_dirty(pg);
}

static void
try_truncate(struct vmo *vmo, uint64_t lo)
{
	uint64_t hi = lo + 1 + host_random(2) * host_random(3000);
	unsigned i;

	if (host_random(50) == 0)
		hi = UINT64_MAX;
	anon_truncate(vmo, lo, hi);
	for (i = 0; i < model.n;) {
		if (model.at[i] < lo || model.at[i] >= hi) {
			i++;
			continue;
		}
		model.n--;
		model.at[i] = model.at[model.n];
		model.byte[i] = model.byte[model.n];
	}
}

static void
try_next(struct vmo *vmo, uint64_t at)
{
	uint64_t best = UINT64_MAX;
	unsigned i;

	for (i = 0; i < model.n; i++)
		if (model.at[i] >= at && model.at[i] < best)
			best = model.at[i];
	assert_int_equal(vmo_next_page(vmo, at), best);
}

static void
fail_some(bool on)
{
	host_inject(FI_TRYPIN, on ? 7 : 0, on ? 7 : 0);
	host_inject(FI_COMMIT, on ? 5 : 0, on ? 5 : 0);
	host_inject(FI_KPAGED, on ? 3 : 0, on ? 3 : 0);
	host_inject(FI_SLAB, on ? 2 : 0, on ? 2 : 0);
	host_inject(FI_FRAME, on ? 4 : 0, on ? 4 : 0);
}

static void
random_pages(bool failing)
{
	uint64_t commit = commit_total(), at;
	struct vmo *vmo = vmo_create_anon(1ul << 48, 0, NULL, NULL);
	unsigned i;

	model.n = 0;
	for (i = 0; i < 8000; i++) {
		fail_some(failing);
		at = some_index();
		switch (host_random(5)) {
		case 0:
			try_find(vmo, at);
			break;
		case 1:
		case 2:
			try_create(vmo, at, failing);
			break;
		case 3:
			try_truncate(vmo, at);
			break;
		case 4:
			try_next(vmo, at);
			break;
		}
		fail_some(false);
		assert_int_equal(vmo_pages(vmo), model.n);
		if (i % 50 == 0)
			host_check_object(vmo);
	}
	vmo_put(vmo);
	check_nothing_left(commit);
}

static void
pages_in_any_order(void **state)
{
	random_pages(false);
}

static void
pages_when_memory_fails(void **state)
{
	random_pages(true);
}

/* ---- bytes ---- */

static uint64_t
expected(uint64_t size, uint64_t off, uint64_t n)
{
	return off >= size ? 0 : MIN(n, size - off);
}

static void
try_write(struct vmo *vmo, uint64_t size, uint64_t off, uint64_t n)
{
	uint64_t i, want = expected(size, off, n);
	struct uio u;

	for (i = 0; i < n; i++)
		buf[i] = (uint8_t)host_random(256);
	uio_init_kernel(&u, buf, n);
	assert_int_equal(vmo_write(vmo, off, &u), want);
	memcpy(bytes + off, buf, want);
}

static void
try_read(struct vmo *vmo, uint64_t size, uint64_t off, uint64_t n)
{
	uint64_t want = expected(size, off, n);
	struct uio u;

	uio_init_kernel(&u, buf, n);
	assert_int_equal(vmo_read(vmo, off, &u), want);
	assert_memory_equal(buf, bytes + off, want);
}

static void
try_punch(struct vmo *vmo, uint64_t size, uint64_t off, uint64_t n)
{
	uint64_t end = MIN(off + n, PAGE_UP(size));

	assert_int_equal(vmo_punch(vmo, off, n), 0);
	if (off < end)
		memset(bytes + off, 0, end - off);
}

static void
try_resize(struct vmo *vmo, uint64_t *size)
{
	uint64_t new = host_random(MODEL_BYTES - 9000);

	assert_int_equal(vmo_resize(vmo, new), 0);
	if (new < *size)
		memset(bytes + new, 0, *size - new);
	*size = new;
}

static void
bytes_in_any_order(void **state)
{
	uint64_t commit = commit_total(), size = 100000, off, n;
	struct vmo *vmo = vmo_create_anon(size, 0, NULL, NULL);
	unsigned i;

	memset(bytes, 0, sizeof(bytes));
	for (i = 0; i < 3000; i++) {
		off = host_random(MODEL_BYTES - 9000);
		n = host_random(9000);
		switch (host_random(8)) {
		case 0:
			try_resize(vmo, &size);
			break;
		case 1:
		case 2:
			try_punch(vmo, size, off, n);
			break;
		case 3:
		case 4:
		case 5:
			try_write(vmo, size, off, n);
			break;
		case 6:
		case 7:
			try_read(vmo, size, off, n);
			break;
		}
		host_check_object(vmo);
	}
	vmo_put(vmo);
	check_nothing_left(commit);
}

/* ---- lifetime ---- */

/* A page that is pinned outlives its object, and nothing else does. */
static void
pin_outlives_object(void **state)
{
	uint64_t commit = commit_total(), free = ev_read(EV_page_q_free);
	struct vmo *vmo = vmo_create_anon(PAGE_SIZE, 0, NULL, NULL);
	struct vm_page *pg;

	assert_int_equal(anon_page(vmo, 0, ANON_CREATE, &pg), 0);
	*first_byte(pg) = 7;
	vmo_put(vmo);
	check_nothing_left(commit);
	assert_int_equal(*first_byte(pg), 7);
	assert_int_equal(pg->state, PG_LIMBO);
	page_unpin_dirty(pg);
	assert_true(ev_read(EV_page_q_free) + 1 >= free);
}

/* A shared mapping has paid for all pages; the object gives it back. */
static void
charged_as_a_whole(void **state)
{
	uint64_t commit = commit_total();
	struct vmo *vmo;

	/* Tables for pages 6 to 517, one above, and one for the rest. */
	assert_int_equal(anon_price(6), 6);
	assert_int_equal(anon_price(7), 7 + 1);
	assert_int_equal(anon_price(6 + 512), 6 + 512 + 1);
	assert_int_equal(anon_price(1000), 1000 + 3);
	assert_int_equal(anon_price(6 + 512 + 512 * 512 + 1),
	    6 + 512 + 512 * 512 + 1 + 1 + 513 + 3);
	assert_int_equal(commit_charge(anon_price(1000)), 0);
	vmo = vmo_create_anon(1000 * PAGE_SIZE, anon_price(1000), NULL, NULL);
	make_page(vmo, 999);
	host_check_object(vmo);
	assert_int_equal(commit_total(), commit + 1000 + 3);
	vmo_put(vmo);
	check_nothing_left(commit);
}

/* ---- mapped ---- */

#define AT 0x10000000ul /* of page 0, at the beginning of a table */

static struct aspace *
map_shared(struct vmo *vmo, uint64_t pages)
{
	struct map_args a = { .addr = AT, .len = pages << PAGE_SHIFT,
		.prot = PROT_R | PROT_W, .maxprot = PROT_R | PROT_W,
		.flags = MAP_SHARED | MAP_FIXED, .vmo = vmo };
	struct aspace *as = NULL;
	va_t va;

	assert_int_equal(as_create(design_by_name("fmo"), &as), 0);
	as_attach_user(as);
	assert_int_equal(map_mmap(as, &a, &va), 0);
	return as;
}

/* Neighbours that one touch of page i maps; it may make the page itself. */
static uint64_t
around(struct aspace *as, uint64_t i, bool store)
{
	uint64_t before = ev_read(EV_fault_around_pages), value = 1;

	assert_int_equal(store ? host_store(as, AT + (i << PAGE_SHIFT), 1) :
	    host_load(as, AT + (i << PAGE_SHIFT), &value), 0);
	return ev_read(EV_fault_around_pages) - before;
}

/* A touch that follows another maps what is in memory around it, and makes nothing. */
static void
neighbours_are_mapped(void **state)
{
	uint64_t commit = commit_total(), i, pages, faults;
	struct vmo *vmo = vmo_create_anon(600 * PAGE_SIZE, 0, NULL, NULL);
	struct aspace *as = map_shared(vmo, 600);

	for (i = 0; i < 600; i++)
		if (i != 9 && (i < 16 || i >= 508))
			make_page(vmo, i);
	pages = ev_read(EV_anon_pages);
	/* The header, then a leaf table; 9 is a hole. */
	assert_int_equal(around(as, 0, false), 14);
	assert_int_equal(ev_read(EV_anon_pages), pages);
	assert_int_equal(around(as, 9, true), 0);
	assert_int_equal(ev_read(EV_anon_pages), pages + 1);
	/* Page 518 has another table of the object, 512 one of the space. */
	assert_int_equal(around(as, 510, false), 0);
	assert_int_equal(around(as, 511, true), 2);
	assert_int_equal(around(as, 520, true), 0);
	assert_int_equal(around(as, 521, true), 14);
	faults = ev_read(EV_fault_total);
	for (i = 512; i < 528; i++)
		assert_int_equal(around(as, i, true), 0);
	assert_int_equal(ev_read(EV_fault_total), faults);
	/* Not beyond the end: page 599 is the last of the mapping. */
	assert_int_equal(vmo_resize(vmo, 598 * PAGE_SIZE), 0);
	assert_int_equal(around(as, 591, true), 0);
	assert_int_equal(around(as, 592, true), 5);
	host_check(3);
	as_detach_user(as);
	as_put(as);
	vmo_put(vmo);
	check_nothing_left(commit);
}

static int
boot(void **state)
{
	host_boot(4096, "idlezero=0 norandom=1 around=16");
	host_seed(3);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tables_by_index),
		cmocka_unit_test(pages_in_any_order),
		cmocka_unit_test(pages_when_memory_fails),
		cmocka_unit_test(bytes_in_any_order),
		cmocka_unit_test(pin_outlives_object),
		cmocka_unit_test(charged_as_a_whole),
		cmocka_unit_test(neighbours_are_mapped),
	};

	return cmocka_run_group_tests(tests, boot, NULL);
}
