/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ws.h: working sets, and who gives pages
 */
#ifndef VM_WS_WS_H
#define VM_WS_WS_H

#include "vm/table/table.h"

/* A word of a leaf table. */
struct ws_entry {
	struct vm_page *leaf;      /* [own] */
	unsigned index;            /* [own] */
	uint64_t *word;            /* [own] */
	va_t va;                   /* [own] set by ws_take() */
};

/* ws.c: [W] held unless said */
/* The design's half of a trim: another word at s->word; the old one, or 0: it stays. */
typedef uint64_t ws_change_fn(struct aspace *, const struct ws_entry *);
void ws_insert(struct aspace *, struct vm_page *leaf);   /* a word became VALID, SRC != SPEC */
void ws_remove(struct aspace *, struct vm_page *leaf);   /* it ceased to be */
void ws_rescue(struct vm_page *);    /* [P]: queue → ACTIVE, counted; F2 F7 F8 F9 first of all */
void ws_age(struct aspace *);                            /* one pass over all words */
size_t ws_trim(struct aspace *, size_t want, int min_age, ws_change_fn *);
bool ws_take(struct aspace *, struct ws_entry *, ws_change_fn *); /* one word, batch open */

/* balance.c: thread bsm */
void bal_start(void);
void bal_show(struct out *);
void bal_help(struct aspace *);                          /* after a fault; no lock */

/* ======== within the room ======== */

/* ws.c: [W] held unless said */
size_t ws_adjust(struct aspace *, int round);            /* pages to give in a round of bsm */

#endif
