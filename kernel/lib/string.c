/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * string.c: bytes and C strings
 *
 * Problem   The compiler calls memcpy, memmove, memset and memcmp by itself;
 *           the rest is what the kernel needs of <string.h>.
 *
 * Rules     1. Compiled with -fno-tree-loop-distribute-patterns, or the loops
 *              below would be turned into calls to themselves.
 *           2. Eight bytes at a time, at any address: amd64 allows that, and
 *              the type any_u64 tells the compiler.
 *           3. Upwards by the string instructions, 8 bytes each: a page takes 525
 *              instructions, a loop would take 2,069 (set) or 2,590 (copied).
 *
 * Read next lib/fmt.c.
 */
#include "lib/string.h"

typedef uint64_t any_u64 __attribute__((aligned(1), may_alias));

/* ---- blocks of bytes ---- */

/* From the first byte on; right for overlapping blocks if dst < src. */
static void
copy_up(uint8_t *d, const uint8_t *s, size_t n)
{
	size_t words = n / 8, rest = n % 8;

	__asm__ volatile("rep movsq; mov %3, %2; rep movsb"
	    : "+D"(d), "+S"(s), "+c"(words) : "r"(rest) : "memory");
}

/* From the last byte on; right for overlapping blocks if dst > src. */
static void
copy_down(uint8_t *d, const uint8_t *s, size_t n)
{
	for (; n >= 8; n -= 8)
		*(any_u64 *)(d + n - 8) = *(const any_u64 *)(s + n - 8);
	while (n-- > 0)
		d[n] = s[n];
}

void *
memcpy(void *restrict dst, const void *restrict src, size_t n)
{
	copy_up(dst, src, n);
	return dst;
}

void *
memmove(void *dst, const void *src, size_t n)
{
	if ((uintptr_t)dst < (uintptr_t)src)
		copy_up(dst, src, n);
	else
		copy_down(dst, src, n);
	return dst;
}

void *
memset(void *dst, int c, size_t n)
{
	uint64_t word = 0x0101010101010101ul * (uint8_t)c;
	size_t words = n / 8, rest = n % 8;
	void *d = dst;

	__asm__ volatile("rep stosq; mov %2, %1; rep stosb"
	    : "+D"(d), "+c"(words) : "r"(rest), "a"(word) : "memory");
	return dst;
}

int
memcmp(const void *a, const void *b, size_t n)
{
	const uint8_t *p = a, *q = b;

	for (; n >= 8 && *(const any_u64 *)p == *(const any_u64 *)q; n -= 8) {
		p += 8;
		q += 8;
	}
	for (; n > 0; n--, p++, q++) {
		if (*p != *q)
			return *p - *q;
	}
	return 0;
}

void *
memchr(const void *s, int c, size_t n)
{
	const uint8_t *p = s;

	for (; n > 0; n--, p++) {
		if (*p == (uint8_t)c)
			return (void *)p;
	}
	return NULL;
}

/* ---- strings ---- */

size_t
strlen(const char *s)
{
	const char *p = s;

	while (*p != '\0')
		p++;
	return (size_t)(p - s);
}

size_t
strnlen(const char *s, size_t max)
{
	size_t n = 0;

	while (n < max && s[n] != '\0')
		n++;
	return n;
}

int
strcmp(const char *a, const char *b)
{
	while (*a != '\0' && *a == *b) {
		a++;
		b++;
	}
	return (uint8_t)*a - (uint8_t)*b;
}

int
strncmp(const char *a, const char *b, size_t n)
{
	while (n > 0 && *a != '\0' && *a == *b) {
		a++;
		b++;
		n--;
	}
	return n == 0 ? 0 : (uint8_t)*a - (uint8_t)*b;
}

char *
strchr(const char *s, int c)
{
	for (; *s != (char)c; s++) {
		if (*s == '\0')
			return NULL;
	}
	return (char *)s;
}

char *
strrchr(const char *s, int c)
{
	const char *last = NULL;

	for (;; s++) {
		if (*s == (char)c)
			last = s;
		if (*s == '\0')
			return (char *)last;
	}
}

size_t
str_copy(char *dst, const char *src, size_t cap)
{
	size_t n = strlen(src);

	if (cap > 0) {
		size_t keep = MIN(n, cap - 1);

		memcpy(dst, src, keep);
		dst[keep] = '\0';
	}
	return n;
}

const char *
str_skip_spaces(const char *s)
{
	while (*s == ' ' || (*s >= '\t' && *s <= '\r'))
		s++;
	return s;
}

/* ---- numbers ---- */

static int
digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return 16;
}

static uint64_t
digits_to_u64(const char *s, int base, const char **end)
{
	uint64_t v = 0;

	for (; digit_value(*s) < base; s++)
		if (__builtin_mul_overflow(v, (uint64_t)base, &v) ||
		    __builtin_add_overflow(v, (uint64_t)digit_value(*s), &v))
			v = UINT64_MAX;
	if (end != NULL)
		*end = s;
	return v;
}

uint64_t
str_to_u64(const char *s, const char **end)
{
	int base = 10;

	if (s[0] == '0' && (s[1] == 'x' || s[1] == 'X') &&
	    digit_value(s[2]) < 16) {
		base = 16;
		s += 2;
	}
	return digits_to_u64(s, base, end);
}

uint64_t
str_to_number(const char *s, const char **end)
{
	return s[0] == '0' && digit_value(s[1]) < 10 ?
	    digits_to_u64(s, 8, end) : str_to_u64(s, end);
}
