/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ptabfn.h: what ptab.c, ptpage.c and pthold.c share, and nobody else
 */
#ifndef VM_PTABFN_H
#define VM_PTABFN_H

#include "vm/vm.h"
#include "vm/vmdat.h"
#include "vm/vmfn.h"

#define LEVELS (MD_PT_LEVELS - 1) /* tables below the root: 3 … 1 */

/* The way from the root to an address, as far as it can be walked. */
struct pt_path {
	uint64_t *word[LEVELS + 1];        /* the word that names table[level] */
	struct vm_page *table[LEVELS + 1]; /* [1] leaf … [3]; NULL: not in use */
	int away;                          /* this one is out: word TRANS, BUSY,
	                                    * SWAP or ERROR; 0: none is */
};

void path_walk(struct aspace *, va_t, struct pt_path *);
/* The container of word[level]; NULL: the root, a WIRED frame. */
static inline struct vm_page *
path_parent(const struct pt_path *p, int level)
{
	return level == LEVELS ? NULL : p->table[level + 1];
}

/* Where the table that is out stands, for swap_in(). */
static inline struct swap_words
path_place(const struct pt_path *p, va_t va)
{
	return (struct swap_words){
		.container = path_parent(p, p->away),
		.word = p->word[p->away], .step = 1, .max = 1,
		.home = HOME_TABLE, .index = va >> PAGE_SHIFT,
	};
}

void pt_init_table(struct aspace *, struct vm_page *table, int level);
void pt_forget_lost(struct aspace *, struct vm_page *parent, uint64_t *word);

/* ptpage.c */
/* [W]: the table of a TRANS word is in use again; false: the word is another. */
bool pt_rescue(struct aspace *, struct vm_page *parent, uint64_t *word, int level);
/* path_walk(), and tables that are out but in memory are taken back. */
void path_walk_in(struct aspace *, va_t, struct pt_path *);
/* A table that is out and cannot be had again.  [W]. */
bool path_is_lost(const struct pt_path *);

#endif
