/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * poison.h: values that make a stray use legible, and non-canonical
 */
#ifndef LIB_POISON_H
#define LIB_POISON_H

#include "lib/types.h"

#define POISON_FRAME 0xF7EEF7EEF7EEF7EEul  /* freed frame */
#define POISON_FREE 0xDEADDEADDEADDEADul   /* freed object */
#define POISON_NEW 0x5EED5EED5EED5EEDul    /* object never initialised */
#define POISON_RED 0xB0B0B0B0B0B0B0B0ul    /* red zone after an object */

/* ---- an instruction a word ---- */

/* n words, each v. */
static inline void
words_set(void *at, uint64_t v, size_t n)
{
	__asm__ volatile("rep stosq" : "+D"(at), "+c"(n) : "a"(v) : "memory");
}

/* The first of n words that is not v, or NULL. */
static inline const uint64_t *
words_other(const void *at, uint64_t v, size_t n)
{
	const uint64_t *w = at;
	bool same;

	/* Of no words all are v: cmp says so. */
	__asm__ volatile("cmp %%rax, %%rax; repe scasq"
	    : "+D"(w), "+c"(n), "=@cce"(same) : "a"(v) : "memory");
	return same ? NULL : w - 1;
}

#endif
