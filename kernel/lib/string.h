/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * string.h: bytes and C strings, as the C standard has them
 */
#ifndef LIB_STRING_H
#define LIB_STRING_H

#include "lib/types.h"

void *memcpy(void *restrict dst, const void *restrict src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
void *memchr(const void *s, int c, size_t n);
size_t strlen(const char *s);
size_t strnlen(const char *s, size_t max);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t n);
char *strchr(const char *s, int c);
char *strrchr(const char *s, int c);

/* Copy with NUL, cut to cap; returns strlen(src), so >= cap means cut. */
size_t str_copy(char *dst, const char *src, size_t cap);

const char *str_skip_spaces(const char *s);

/* Unsigned number in base 10, or 16 after 0x; UINT64_MAX: that, or more; *end is the
 * first byte not used. */
uint64_t str_to_u64(const char *s, const char **end);
/* The same, as C writes it: in base 8 after 0. */
uint64_t str_to_number(const char *s, const char **end);

#endif
