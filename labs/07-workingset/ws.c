/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ws.c: the working set: the pages that a space maps now
 *
 * Problem   To take memory from a program one must find the pages it maps and
 *           tell old from young.  A list of them would cost memory per page
 *           and could not grow in a fault when memory is short.
 *
 * Picture   The set needs no list of its own: it is the VALID words of the
 *           leaf tables, and the tables that have any stand in a ring.
 *
 *           as->ws.head ─→ table ⇄ table ⇄ table ⇄ (back to the first)
 *                             ↑ hand: table and index; rests between trims
 *
 *           word   A  age      ws_age, once in a while: A → age 0, A off
 *                  0  0 … 3                             no A → age + 1
 *
 * Rules     1. A word is in the set when it is VALID and not SPEC (the zero
 *              page and devices are nobody's memory).
 *           2. A table is on the ring while nvalid > 0; nothing is allocated.
 *           3. The hand of the clock never points at a table off the ring.
 *           4. No flush after A was cleared: a CPU with an older translation
 *              makes a page look older than it is, and nothing more.
 *           5. A trimmed page goes to a queue only after the flush (tlb.c).
 */
#include "vm/frame/frame.h"
#include "vm/space/space.h"
#include "vm/table/table.h"
#include "vm/ws/ws.h"

/* ---- the ring ---- */

/* n words of leaf became VALID, SRC other than SPEC.  Locks: as [W]. */
void
ws_insert_some(struct aspace *as, struct vm_page *leaf, unsigned n)
{
	lab_todo("07-workingset step 1: ws_insert_some");
}

/* n such words are not VALID any more.  Locks: as [W]. */
void
ws_remove_some(struct aspace *as, struct vm_page *leaf, unsigned n)
{
	lab_todo("07-workingset step 1: ws_remove_some");
}

/* Take a page back from standby or modified without I/O.  A page that somebody else
 * uses already is on no queue.
 * Locks: [P]; the caller maps or pins it in the same hold. */
void
ws_rescue(struct vm_page *pg)
{
	lab_todo("07-workingset step 3: ws_rescue");
}

/* ---- age ---- */

static bool
is_member(uint64_t word)
{
	return (word & MD_PTE_P) != 0 && pte_src(word) != SRC_SPEC;
}

/* One age pass: pages used since the last one become young, all others older.
 * Locks: [W]. */
void
ws_age(struct aspace *as)
{
	lab_todo("07-workingset step 4: ws_age");
}

/* ---- the clock ---- */

/* A page of a file that was used once and not again counts as old: it costs one read to
 * have it back, and files are often read only once.  Program text does not count as such
 * a file. */
static bool
is_used_once(uint64_t word)
{
	return pte_src(word) == SRC_OBJ && (word & MD_PTE_NX) != 0 &&
	    page_home_kind(pte_page(word)) == HOME_VNODE && pte_age(word) > 0;
}

/* Could the page leave memory without a slot of swap being allocated? */
static bool
has_place(const struct vm_page *pg)
{
	return page_home_kind(pg) == HOME_VNODE || pg->slot != 0 ||
	    (pg->flags & PF_LAZYFREE) != 0;
}

/* The flush at the end of the batch covers the word, so that the CPU sets A anew. */
static void
second_chance(struct aspace *as, struct ws_entry *s)
{
	lab_todo("07-workingset step 4: second_chance");
}

/* The next page from the hand on that may be trimmed: not used since the last age pass,
 * at least min_age old, not locked, not pinned.  *budget, the number of words to look at,
 * falls.  With min_age 0 a page that was used gets a second chance: the hand clears A
 * and comes back.
 * Locks: [W].
 * Returns: false: there is none within *budget words. */
bool
ws_pick_victim(struct aspace *as, int min_age, uint64_t *budget,
    struct ws_entry *s)
{
	lab_todo("07-workingset step 2: ws_pick_victim");
	return false;
}

/* ---- trimming ---- */

/* How many words a trim looks at, at most: all; all twice if used ones get a second
 * chance.
 * Locks: [W]. */
uint64_t
ws_look(const struct aspace *as, int min_age)
{
	lab_todo("07-workingset step 2: ws_look");
	return 0;
}

/* The word at s, which was `old`, maps its page no more: take it out of the working set.
 * Locks: [W]; as->batch is open (BATCH_TRIM), and settles the page.
 * Returns: 1; 0: the zero page, which is in no set. */
size_t
ws_taken(struct aspace *as, const struct ws_entry *s, uint64_t old)
{
	lab_todo("07-workingset step 2: ws_taken");
	return 0;
}

/* How many pages the space can lose in a round of the balance set manager: those above
 * its minimum; in round 0, the last one, all.
 * Locks: [W], or none for an estimate. */
size_t
ws_adjust(struct aspace *as, int round)
{
	lab_todo("07-workingset step 5: ws_adjust");
	return 0;
}
