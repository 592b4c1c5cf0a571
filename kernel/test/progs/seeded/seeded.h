/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * seeded.h: chance by a seed, and the text of what was made and answered
 */
#ifndef SEEDED_SEEDED_H
#define SEEDED_SEEDED_H

#include "lib/test.h"

#define TEXT_SIZE (512 * KIB)
#define USER 1000 /* even seeds are a user's */

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Shared by a seed's processes, of which one runs at a time, and the parent. */
struct record {
	size_t used;
	bool full;
	char text[TEXT_SIZE];
};

static struct record *record;
static uint64_t chances;

/* ---- chance ---- */

static unsigned
chance(unsigned n)
{
	return (unsigned)((rnd(&chances) >> 20) % n);
}

/* One of these numbers. */
#define PICK(...)                                                              \
	({                                                                     \
		static const long of[] = { __VA_ARGS__ };                      \
		of[chance(sizeof(of) / sizeof(of[0]))];                        \
	})

/* ---- the text ---- */

static void __attribute__((format(printf, 1, 2)))
say(const char *fmt, ...)
{
	size_t room = TEXT_SIZE - record->used;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(record->text + record->used, room, fmt, ap);
	va_end(ap);
	if (n >= 0 && (size_t)n < room)
		record->used += n;
	else
		record->full = true;
}

static uint32_t
fnv(const void *p, size_t n)
{
	const uint8_t *s = p;
	uint32_t h = 2166136261u;

	while (n-- > 0)
		h = (h ^ *s++) * 16777619u;
	return h;
}

static void
begin_record(void)
{
	record = (void *)pages_shared(sizeof(*record) / PAGE + 1);
}

#endif
