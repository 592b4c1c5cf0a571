/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gauge.c: a gauge that is a word of memory
 */
#include "lib/floor.h"
#include "md.h"

static uint64_t
word_at(size_t at)
{
	return atomic_load_relaxed((const uint64_t *)at);
}

void
ev_set_gauge_word(enum ev_id id, const volatile void *word)
{
	ev_set_gauge(id, word_at, (size_t)word);
}
