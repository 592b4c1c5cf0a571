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
ends(void **state)
{
	(void)state;
	assert_true(is_by_pointer(BYTES(0xff, 0xd0)));
	assert_true(is_by_pointer(BYTES(0x41, 0xff, 0xe4)));
	assert_true(is_by_pointer(BYTES(0xff, 0x24, 0xc5, 0, 0, 0, 0)));
	assert_false(is_by_pointer(BYTES(0xe8, 0x10, 0, 0, 0)));
	assert_false(is_by_pointer(BYTES(0xff, 0x03)));
	assert_true(is_call(BYTES(0xff, 0x10)));
	assert_false(is_call(BYTES(0xff, 0x20)));
	assert_true(is_return((const uint8_t[]){ 0xc3 }));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
