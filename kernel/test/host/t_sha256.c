/* NEEDS: KIND=exact */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_sha256.c: digest and seal against published vectors
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "lib/sha256.h"

static void
hex(const uint8_t *p, char *out)
{
	unsigned i;

	for (i = 0; i < SHA256_BYTES; i++) {
		out[2 * i] = "0123456789abcdef"[p[i] >> 4];
		out[2 * i + 1] = "0123456789abcdef"[p[i] & 15];
	}
	out[2 * SHA256_BYTES] = '\0';
}

/* FIPS 180-4, examples: nothing, "abc", 56 bytes, a million of 'a'. */
static void
digests(void **state)
{
	static const struct {
		const char *text, *digest;
	} rows[] = {
		{ "", "e3b0c44298fc1c149afbf4c8996fb924"
		      "27ae41e4649b934ca495991b7852b855" },
		{ "abc", "ba7816bf8f01cfea414140de5dae2223"
			 "b00361a396177a9cb410ff61f20015ad" },
		{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		  "248d6a61d20638b8e5c026930c3e6039"
		  "a33ce45964ff2167f6ecedd419db06c1" },
	};
	uint8_t out[SHA256_BYTES];
	struct sha256 h;
	char text[65];
	unsigned i;

	for (i = 0; i < ARRAY_LEN(rows); i++) {
		sha256_init(&h);
		sha256_add(&h, rows[i].text, strlen(rows[i].text));
		sha256_end(&h, out);
		hex(out, text);
		assert_string_equal(text, rows[i].digest);
	}
	sha256_init(&h);
	for (i = 0; i < 1000000; i++)
		sha256_add(&h, "a", 1);
	sha256_end(&h, out);
	hex(out, text);
	assert_string_equal(text, "cdc76e5c9914fb9281a1c7e284d73e67"
				  "f1809a48a497200e046d39ccc7112cd0");
}

/* RFC 4231, cases 1 and 2. */
static void
seals(void **state)
{
	uint8_t key[20], out[SHA256_BYTES];
	struct hmac m;
	char text[65];

	memset(key, 0x0b, sizeof(key));
	hmac_init(&m, key, sizeof(key));
	hmac_add(&m, "Hi There", 8);
	hmac_end(&m, out);
	hex(out, text);
	assert_string_equal(text, "b0344c61d8db38535ca8afceaf0bf12b"
				  "881dc200c9833da726e9376c2e32cff7");
	hmac_init(&m, (const uint8_t *)"Jefe", 4);
	hmac_add(&m, "what do ya want ", 16);
	hmac_add(&m, "for nothing?", 12);
	hmac_end(&m, out);
	hex(out, text);
	assert_string_equal(text, "5bdcc146bf60754e6a042426089575c7"
				  "5a003f089d2739839dec58b964ec3843");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(digests),
		cmocka_unit_test(seals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
