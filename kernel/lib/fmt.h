/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fmt.h: printf over a text sink
 *
 * Offers    struct out: a sink with one function; out_printf(), snprintf().
 * Rules     Formats: %d %i %u %x %X %p %s %c %% %o, flags 0 - + space #,
 *           width, precision, *, and the lengths hh h l ll z t j.
 */
#ifndef LIB_FMT_H
#define LIB_FMT_H

#include <stdarg.h>

#include "lib/assert.h"
#include "lib/types.h"

struct out {
	void (*put)(struct out *, const char *text, size_t n);
};

/* A sink into a fixed buffer: counts all, keeps what fits, NUL-terminated. */
struct out_buf {
	struct out out;
	char *buf;
	size_t cap;
	size_t len; /* bytes that were offered, also beyond cap */
};

/*
 * A list as text, of which one call prints a few records: those from a place on,
 * until some bytes are full.  Who walks the list asks for each.
 */
struct out_part {
	struct out out;   /* for the records */
	struct out *to;
	uint64_t at, seen, next;
	size_t bytes;
};

void out_part_begin(struct out_part *, uint64_t at, struct out *to);
bool out_part_wants(struct out_part *);         /* the next one of the list? */
int out_part_end(struct out_part *, uint64_t *at); /* 1; 0: none was left */
void out_buf_init(struct out_buf *, char *buf, size_t cap);
void out_printf(struct out *, const char *fmt, ...) PRINTF_LIKE(2, 3);
void out_field(struct out *, const char *text, const char *odd); /* \ooo for those */
void out_vprintf(struct out *, const char *fmt, va_list ap) PRINTF_LIKE(2, 0);
int snprintf(char *buf, size_t cap, const char *fmt, ...) PRINTF_LIKE(3, 4);
int vsnprintf(char *buf, size_t cap, const char *fmt, va_list ap)
    PRINTF_LIKE(3, 0);

#endif
