/* NEEDS: KIND=exact */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_swap.c: slots against a set of numbers; headers of all kinds
 *
 * Problem   A slot that is given out twice is a page with another's bytes, and
 *           nobody sees it before the page comes back.  A header comes from a
 *           disk and may say anything.
 *
 * Picture   random take or give ─→ swap_alloc, swap_free
 *                             └──→ used[]: never twice, never 0, never a bad one
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <string.h>

#include "test/host/host.h"

#define SLOTS 20000u
#define ROUNDS 100000u
#define NBAD 37u
#define MAGIC_AT (PAGE_SIZE - 10)

static struct {
	uint8_t used[SLOTS];       /* 1; 2: to be freed */
	slot_t slot[SLOTS];        /* that are used, in any order */
	unsigned n;
} model;

static struct bdev dev = { .name = "hdb", .sectors = SLOTS * 8ul };

/* ---- areas ---- */

/* A header as mkswap writes it; fields of 32 bits from byte 1024 on. */
static void
make_header(uint8_t *page, uint32_t slots)
{
	uint32_t field[2] = { 1, slots - 1 };

	memset(page, 0, PAGE_SIZE);
	memcpy(page + 1024, field, sizeof(field));
	memcpy(page + MAGIC_AT, "SWAPSPACE2", 10);
}

static void
set_field(uint8_t *page, unsigned at, uint32_t v)
{
	memcpy(page + at, &v, sizeof(v));
}

static int
begin(const uint8_t *page, unsigned flags, unsigned *no)
{
	const struct swap_source src = { .dev = &dev, .header = page,
		.bytes = SLOTS * PAGE_SIZE, .path = "/dev/hdb", .flags = flags };

	return swap_on(&src, no);
}

/* Bad slots 3, 503, 1003 … */
static unsigned
begin_with_bad(void)
{
	uint8_t page[PAGE_SIZE];
	unsigned i, no;

	make_header(page, SLOTS);
	set_field(page, 1032, NBAD);
	for (i = 0; i < NBAD; i++)
		set_field(page, 1536 + 4 * i, 3 + 500 * i);
	assert_int_equal(begin(page, 0, &no), 0);
	return no;
}

static bool
is_bad(uint32_t i)
{
	return i == 0 || (i % 500 == 3 && i / 500 < NBAD);
}

/* ---- the model ---- */

static unsigned
take(unsigned n)
{
	unsigned got = 0, i;
	slot_t first = swap_alloc(n, &got);
	uint32_t at = first & SWAP_INDEX_MAX;

	if (first == 0)
		return 0;
	assert_in_range(got, 1, n);
	for (i = 0; i < got; i++) {
		assert_true(at + i < SLOTS && !is_bad(at + i));
		assert_int_equal(model.used[at + i], 0);
		model.used[at + i] = 1;
		model.slot[model.n++] = first + i;
	}
	return got;
}

static void
give(unsigned k)
{
	slot_t slot = model.slot[k];

	model.slot[k] = model.slot[--model.n];
	model.used[slot & SWAP_INDEX_MAX] = 0;
	swap_free(slot);
}

static void
end(unsigned no)
{
	while (model.n > 0)
		give(model.n - 1);
	assert_int_equal(swap_off(no), 0);
	assert_null(swap_area(no));
}

static void
check_stat(unsigned slots)
{
	struct swap_stat st;

	swap_stat(&st);
	assert_int_equal(st.slots, slots);
	assert_int_equal(st.used, model.n);
	assert_int_equal(swap_has_room(), model.n < slots);
}

/* ---- the tests ---- */

static void
no_slot_twice(void **state)
{
	unsigned no = begin_with_bad(), all = SLOTS - 1 - NBAD, i;

	for (i = 0; i < ROUNDS; i++) {
		if (model.n == 0 || host_random(100) < 52)
			(void)take(1 + (unsigned)host_random(SWAP_RUN));
		else
			give((unsigned)host_random(model.n));
		if (i % 1000 == 0)
			check_stat(all);
	}
	while (take(SWAP_RUN) != 0)
		;
	assert_int_equal(model.n, all);
	assert_int_equal(take(1), 0);
	check_stat(all);
	for (i = 0; i < 1000; i++) {
		give((unsigned)host_random(model.n));
		assert_int_equal(take(SWAP_RUN), 1);
	}
	end(no);
}

/* Half of the area is free in pieces of a cluster: clusters are found. */
static void
runs_are_found(void **state)
{
	unsigned no = begin_with_bad(), n = 0, calls = 0, i, got;

	while (take(SWAP_RUN) != 0)
		;
	for (i = SWAP_RUN; i < SLOTS; i += SWAP_RUN)
		if (host_random(2) == 0)
			memset(&model.used[i], 2, SWAP_RUN);
	for (i = model.n; i-- > 0;)
		if (model.used[model.slot[i] & SWAP_INDEX_MAX] == 2)
			give(i);
	memset(model.used, 0, sizeof(model.used));
	for (i = 0; i < model.n; i++)
		model.used[model.slot[i] & SWAP_INDEX_MAX] = 1;
	while (model.n < SLOTS * 3 / 4) {
		got = take(SWAP_RUN);
		assert_true(got > 0);
		n += got;
		calls++;
	}
	assert_in_range(n / calls, 8, SWAP_RUN);
	end(no);
}

static void
priorities(void **state)
{
	uint8_t page[PAGE_SIZE];
	unsigned low, high, twin, got, i;
	slot_t slot[63];

	make_header(page, 32);
	assert_int_equal(begin(page, 0, &low), 0);
	assert_int_equal(begin(page, SWAP_FLAG_PREFER | 5, &high), 0);
	assert_int_equal(begin(page, SWAP_FLAG_PREFER | 5, &twin), 0);
	assert_int_equal(swap_area(low)->prio, -2);
	for (i = 0; i < 62; i++) {
		slot[i] = swap_alloc(1, &got);
		assert_int_not_equal(slot[i] >> SWAP_INDEX_BITS, low);
		if (i > 0)
			assert_int_not_equal(slot[i] >> SWAP_INDEX_BITS,
			    slot[i - 1] >> SWAP_INDEX_BITS);
	}
	slot[62] = swap_alloc(1, &got);
	assert_int_equal(slot[62] >> SWAP_INDEX_BITS, low);
	for (i = 0; i < 63; i++)
		swap_free(slot[i]);
	assert_int_equal(swap_off(low), 0);
	assert_int_equal(swap_off(high), 0);
	assert_int_equal(swap_off(twin), 0);
}

static void
sixteen_areas(void **state)
{
	unsigned no[SWAP_AREAS + 1], i;
	uint8_t page[PAGE_SIZE];

	make_header(page, 100);
	for (i = 0; i < SWAP_AREAS; i++) {
		assert_int_equal(begin(page, 0, &no[i]), 0);
		assert_int_equal(swap_area(no[i])->prio, -2 - (int)i);
	}
	assert_int_equal(begin(page, 0, &no[i]), -EPERM);
	for (i = 0; i < SWAP_AREAS; i++)
		assert_int_equal(swap_off(no[i]), 0);
}

/* A file: five pages at a time lie together; page 40 does not, 70 is a hole. */
static int
fake_run(void *client, uint64_t idx, uint64_t max, struct swap_run *run)
{
	if (idx == 40)
		return -EAGAIN;
	if (idx == 70)
		return -EINVAL;
	run->sector = idx / 5 * 8000 + idx % 5 * 8;
	run->pages = MIN(max, 5 - idx % 5);
	return 0;
}

static void
files_in_pieces(void **state)
{
	struct swap_source src = { .dev = &dev, .bytes = 100 * PAGE_SIZE,
		.path = "/swap", .run = fake_run, .client = &dev };
	unsigned no, got, n = 0;
	uint8_t page[PAGE_SIZE];
	slot_t slot[70];

	src.header = page;
	make_header(page, 71);
	assert_int_equal(swap_on(&src, &no), -EINVAL);
	make_header(page, 70);
	assert_int_equal(swap_on(&src, &no), 0);
	assert_int_equal(swap_area(no)->nbad, 1);
	while ((slot[n] = swap_alloc(SWAP_RUN, &got)) != 0) {
		uint32_t at = slot[n] & SWAP_INDEX_MAX;

		assert_int_equal(at / 5, (at + got - 1) / 5);
		assert_false(at <= 40 && 40 < at + got);
		for (; got > 1; got--, n++)
			slot[n + 1] = slot[n] + 1;
		n++;
	}
	assert_int_equal(n, 70 - 2);
	while (n > 0)
		swap_free(slot[--n]);
	assert_int_equal(swap_off(no), 0);
}

static void
headers_that_lie(void **state)
{
	static const struct {
		unsigned at;
		uint32_t value;
	} row[] = {
		{ MAGIC_AT, 0 }, { MAGIC_AT + 6, 0 }, { 1024, 0 }, { 1024, 2 },
		{ 1024, 0x01000000 }, { 1028, 0 }, { 1028, SLOTS },
		{ 1028, UINT32_MAX }, { 1028, 0xfffffff }, { 1032, 1 },
		{ 1032, 638 }, { 1032, UINT32_MAX },
	};
	uint8_t page[PAGE_SIZE];
	unsigned i, no;

	for (i = 0; i < ARRAY_LEN(row); i++) {
		make_header(page, SLOTS);
		set_field(page, row[i].at, row[i].value);
		assert_int_equal(begin(page, 0, &no), -EINVAL);
	}
	make_header(page, 3);
	set_field(page, 1032, 2);
	set_field(page, 1536, 1);
	set_field(page, 1540, 2);
	assert_int_equal(begin(page, 0, &no), -EINVAL); /* no slot is left */
	set_field(page, 1540, 1);
	assert_int_equal(begin(page, 0, &no), 0);       /* one twice: it is one */
	assert_int_equal(swap_area(no)->nbad, 1);
	assert_int_equal(swap_off(no), 0);
}

static void
headers_of_noise(void **state)
{
	uint8_t page[PAGE_SIZE];
	unsigned i, k, no, good = 0;

	for (i = 0; i < 3000; i++) {
		make_header(page, 1 + (uint32_t)host_random(SLOTS));
		for (k = (unsigned)host_random(8); k > 0; k--)
			page[1024 + host_random(16)] = (uint8_t)host_random(256);
		for (k = (unsigned)host_random(64); k > 0; k--)
			page[1536 + host_random(2500)] =
			    (uint8_t)host_random(256);
		if (begin(page, 0, &no) != 0)
			continue;
		good++;
		assert_true(swap_area(no)->nslots <= SLOTS);
		assert_int_equal(swap_off(no), 0);
	}
	assert_true(good > 100);
}

static int
boot(void **state)
{
	host_boot(4096, "");
	host_seed(5);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_slot_twice),
		cmocka_unit_test(runs_are_found),
		cmocka_unit_test(priorities),
		cmocka_unit_test(sixteen_areas),
		cmocka_unit_test(files_in_pieces),
		cmocka_unit_test(headers_that_lie),
		cmocka_unit_test(headers_of_noise),
	};

	return cmocka_run_group_tests(tests, boot, NULL);
}
