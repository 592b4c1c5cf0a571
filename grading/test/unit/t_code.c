/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_code.c: instructions as the witness reads them
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "witness/witness_code.c"

#define BYTES(...) (const uint8_t[]){ __VA_ARGS__ }, \
	sizeof((const uint8_t[]){ __VA_ARGS__ })

static void
stores(void **state)
{
	assert_true(stores_elsewhere(BYTES(0x48, 0x89, 0x01)));
	assert_true(stores_elsewhere(BYTES(0x48, 0x89, 0x05, 1, 0, 0, 0)));
	assert_true(stores_elsewhere(BYTES(0x49, 0x89, 0x45, 0x08))); /* r13 */
	assert_true(stores_elsewhere(BYTES(0x49, 0x89, 0x04, 0x24))); /* r12 */
	assert_true(stores_elsewhere(BYTES(0xf0, 0x48, 0x0f, 0xb1, 0x0a)));
	assert_true(stores_elsewhere(BYTES(0xf0, 0x48, 0x83, 0x02, 0x01)));
	assert_true(stores_elsewhere(BYTES(0xf3, 0x48, 0xab)));
	assert_true(stores_elsewhere(BYTES(0x0f, 0x94, 0x03)));
	assert_true(stores_elsewhere(BYTES(0xff, 0x03)));
	assert_true(stores_elsewhere(BYTES(0x48, 0x87, 0x03)));
	/* The processor's own struct, the frame, registers, loads, comparisons. */
	assert_false(stores_elsewhere(BYTES(0x48, 0x89, 0x45, 0xf8)));
	assert_false(stores_elsewhere(BYTES(0x48, 0x89, 0x44, 0x24, 0x08)));
	assert_false(stores_elsewhere(BYTES(0x48, 0x89, 0xc1)));
	assert_false(stores_elsewhere(BYTES(0x48, 0x8b, 0x01)));
	assert_false(stores_elsewhere(BYTES(0x48, 0x83, 0x3f, 0x00)));
	assert_false(stores_elsewhere(BYTES(0x48, 0x39, 0x07)));
	assert_false(stores_elsewhere(BYTES(0x0f, 0xb6, 0x07)));
	assert_false(stores_elsewhere(BYTES(0x65, 0xff, 4, 0x25, 8, 0, 0, 0)));
	assert_false(stores_elsewhere(BYTES(0x55)));
}

/* What a function pushes first: rbx, rbp, r12 to r15. */
static void
pushes(void **state)
{
	uint8_t set = 0, b[2] = { 0x41 };

	for (b[1] = 0x54; b[1] <= 0x57; b[1]++)
		set |= saved_register(b, 2);
	assert_int_equal(set & (saved_register(BYTES(0x53)) |
	    saved_register(BYTES(0x55))), 0);
	set |= saved_register(BYTES(0x53)) | saved_register(BYTES(0x55));
	assert_int_equal(__builtin_popcount(set), 6);
	assert_int_equal(saved_register(BYTES(0x50)), 0);
	assert_int_equal(saved_register(BYTES(0x41, 0x52)), 0);
	assert_int_equal(saved_register(BYTES(0x83, 0xc3, 0x53)), 0);
	assert_true(is_push(BYTES(0x41, 0x57)));
	assert_true(is_push(BYTES(0x6a, 0x00)));
	assert_true(is_push(BYTES(0xff, 0x75, 0x10)));
	assert_false(is_push(BYTES(0xff, 0x03)));
	assert_false(is_push(BYTES(0x48, 0x89, 0x01)));
}

/* Of a fill's loop: how far each store goes. */
static void
widths(void **state)
{
	assert_int_equal(mov_bytes(BYTES(0x48, 0x89, 0x31)), 8);
	assert_int_equal(mov_bytes(BYTES(0x4c, 0x89, 0x01)), 8);
	assert_int_equal(mov_bytes(BYTES(0x89, 0x31)), 4);
	assert_int_equal(mov_bytes(BYTES(0x66, 0x89, 0x31)), 2);
	assert_int_equal(mov_bytes(BYTES(0x40, 0x88, 0x78, 0xff)), 1);
	assert_int_equal(mov_bytes(BYTES(0x48, 0x89, 0xc1)), 0);
	assert_int_equal(mov_bytes(BYTES(0x48, 0x8b, 0x01)), 0);
	assert_int_equal(mov_bytes(BYTES(0xf0, 0x48, 0x0f, 0xb1, 0x0a)), 0);
}

static void
expect_end(enum block_end end, uint64_t target, const uint8_t *p, size_t n)
{
	struct block b = { 0 };

	end_of(&b, 0x1000, p, n);
	assert_int_equal(b.end, end);
	if (end == END_DIRECT)
		assert_int_equal(b.target, target);
}

static void
block_ends(void **state)
{
	expect_end(END_DIRECT, 0x1015, BYTES(0xe8, 0x10, 0, 0, 0));
	expect_end(END_DIRECT, 0xff5, BYTES(0xe9, 0xf0, 0xff, 0xff, 0xff));
	expect_end(END_DIRECT, 0x1016, BYTES(0x0f, 0x84, 0x10, 0, 0, 0));
	expect_end(END_DIRECT, 0x1000, BYTES(0xeb, 0xfe));
	expect_end(END_POINTER, 0, BYTES(0xff, 0xd0));
	expect_end(END_POINTER, 0, BYTES(0x41, 0xff, 0xe4));
	expect_end(END_POINTER, 0, BYTES(0xff, 0x24, 0xc5, 0, 0, 0, 0));
	expect_end(END_RETURN, 0, BYTES(0xc3));
	expect_end(END_RETURN, 0, BYTES(0xf3, 0xc3));
	expect_end(END_IRET, 0, BYTES(0x48, 0xcf));
	expect_end(END_OTHER, 0, BYTES(0x48, 0x0f, 0x07));
	expect_end(END_FALLS, 0, BYTES(0x48, 0x89, 0x01));
	assert_true(is_call(BYTES(0xff, 0x10)));
	assert_false(is_call(BYTES(0xff, 0x20)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stores),
		cmocka_unit_test(pushes),
		cmocka_unit_test(block_ends),
		cmocka_unit_test(widths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
