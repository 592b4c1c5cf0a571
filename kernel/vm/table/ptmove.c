/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ptmove.c: a leaf table gets another address, with all of its words
 *
 * Problem   mremap of 64 MiB moves 16,384 words, at 350 instructions each, of
 *           which every table holds 512 that stay side by side.
 *
 * Picture   word of the parent of va ──→ leaf        0
 *           word of the parent of to     0      flush  ──→ leaf: the same words
 *
 *           a table costs some 900 instructions, two for each page of it
 *
 * Rules     1. The words stay where they are in memory.  So the homes of their
 *              pages, I/O into them, the ring of the working set and the list
 *              of idle tables know nothing of it; what is counted by address
 *              is the parents' nres and nused.
 *           2. As of a single word: taken away, flushed, stored again, in one
 *              hold of [W].
 *           3. Who has pinned the table will look for it at its address: then
 *              it stays.
 */
#include "vm/frame/frame.h"
#include "vm/space/space.h"
#include "vm/table/table.h"
#include "vm/want/want.h"

/* The word of the parent that named the table; 0: it is pinned, and stays. */
static uint64_t
unhook(const struct pt_path *p)
{
	uint64_t word = 0;

	spin_lock(&pfn_lock);
	if (p->table[1]->pins == 0)
		word = word_set_locked(p->table[2], p->word[1], 0);
	spin_unlock(&pfn_lock);
	return word;
}

static void
hook(const struct pt_path *p, uint64_t word)
{
	spin_lock(&pfn_lock);
	page_set_home(pte_page(word), HOME_TABLE, word_pa(p->word[1]));
	word_set_locked(p->table[2], p->word[1], word);
	spin_unlock(&pfn_lock);
}

/*
 * The leaf table of va, in use, becomes that of to: all its words have then moved.
 *
 * Locks:    [W], no batch of as under construction; takes [P].
 * Owns:     h, as path_make().
 * Returns:  0; -EAGAIN: w says what the tables above to are missing; -EBUSY: word
 *           by word only, for there is a table at to, or this one is pinned.
 */
int
pt_move(struct aspace *as, va_t va, va_t to, struct pt_hold *h, struct want *w)
{
	struct pt_path source, target;
	uint64_t word;

	ASSERT(((va | to) & (PT_SPAN - 1)) == 0);
	if (!path_make(as, to, &target, 2, h, w))
		return -EAGAIN;
	path_walk(as, va, &source);
	if (target.table[1] != NULL)
		return -EBUSY;
	word = unhook(&source);
	if (word == 0)
		return -EBUSY;
	md_tlb_flush(&as->md, va, va + PT_SPAN, FLUSH_TABLES);
	hook(&target, word);
	pt_forget_near(as);
	EVENT(table_move, va2pa(source.word[1]), va2pa(target.word[1]));
	if (source.table[2]->nused == 0)
		pt_prune_now(as, va);
	return 0;
}
