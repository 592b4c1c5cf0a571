/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * uvm/amap.c: which anon is at which page, for faults and forks
 *
 * Problem   Each page of anonymous memory has a record with a count, the anon.  A
 *           map of anons (amap) says which anons a mapping has; each copy of the
 *           map, early or late, must count each anon that it names.
 *
 * Picture   amap ─ chunks ─→ { no 512 }   { no 513 }          { no 900 }
 *                              anon[32]     anon[32]            anon[32]
 *                              │ │          │
 *                              ▼ ▼          ▼
 *                              anons of pages 16384, 16385, …   vpn = no * 32 + i
 *
 *           early   fork: new amap, same anons, refs 2       a write copies a page
 *           late    fork: same amap, refs 2                  the first write copies
 *                   the amap, then its page
 *
 * Rules     1. A chunk without an anon is freed.
 *           2. Read-only if shared: a page whose anon has more than one reference,
 *              or whose amap has, is never mapped writable.
 *           3. There is no common page of zeros: a read of an untouched page makes
 *              an anon, as a write does.
 *           4. Slots of a shared amap are read, never changed: before a change a
 *              fault calls amap_unshare(), by amap_fault_own().
 *           5. ../anons/anonsfault.c has the order of the steps of a fault.
 */
#include "vm/design/uvm/uvm.h"

/* ---- slots ---- */

/* The anon of a page.
 * Locks: [W] of its space.  Returns: the anon; NULL: there is none. */
struct vm_anon *
amap_lookup(struct vm_amap *amap, uint64_t vpn)
{
	lab_todo("20-amap step 1: amap_lookup");
	return NULL;
}

/* A chunk for the page, so that amap_add() does not fail.
 * Locks: [W] of its space.  Returns: false: no memory. */
bool
amap_reserve(struct vm_amap *amap, uint64_t vpn)
{
	lab_todo("20-amap step 1: amap_reserve");
	return false;
}

/* The page's anon, from now on: its slot is free, and has a chunk.
 * Locks: [W] of its space.  Owns: takes a reference over. */
void
amap_add(struct vm_amap *amap, uint64_t vpn, struct vm_anon *anon, enum charged when)
{
	lab_todo("20-amap step 1: amap_add");
}

/* The anon of a page, out of its slot.
 * Locks: [W] of its space.  Returns: the anon; NULL: there is none.
 * Owns: the caller, its reference. */
struct vm_anon *
amap_take(struct vm_amap *amap, uint64_t vpn)
{
	lab_todo("20-amap step 1: amap_take");
	return NULL;
}

/* One reference more for each anon of [lo, hi): a slot of another amap names it.
 * Locks: [W] of its space; takes [anon].  Returns: how many there are. */
uint64_t
amap_ref(struct vm_amap *amap, uint64_t lo, uint64_t hi)
{
	lab_todo("20-amap step 1: amap_ref");
	return 0;
}

/* The anons of [lo, hi) are let go; nothing maps their pages in this space.
 * Locks: [W] of its space; takes [anon], [P].
 * Returns: how many of them were charged when touched. */
uint64_t
amap_unref(struct vm_amap *amap, uint64_t lo, uint64_t hi)
{
	lab_todo("20-amap step 1: amap_unref");
	return 0;
}

/* ---- what a fault asks ---- */

/* The word of a page's anon, for a fault.
 * Locks: [W] of its space; [anon] is held behind it, until amap_found().
 * Returns: NULL: there is none, and no lock is held. */
uint64_t *
amap_find(void *entry, uint64_t vpn)
{
	lab_todo("20-amap step 2: amap_find");
	return NULL;
}

/* The fault has seen the anon.  Locks: [anon], released. */
void
amap_found(void *entry, uint64_t vpn, uint64_t *word, struct vm_page *mapped)
{
	lab_todo("20-amap step 2: amap_found");
}

/* A read of a page that has no anon.
 * Locks: those of anons_fault(); f->word is in use.
 * Returns: FAULT_DONE, or what the driver has to do before another pass. */
enum fault_outcome
amap_read(struct fctx *f, void *entry)
{
	lab_todo("20-amap step 2: amap_read");
	return fault_signal(f, SIGKILL, 0);
}

/* A new anon for f's page, which f->word maps: zeros, or a copy of from.  The one that
 * the page had is let go.
 * Locks: [W] of its space; takes [anon], [P].  Owns: takes the anon over. */
void
amap_put(struct fctx *f, void *entry, struct anons_making *m,
    const struct vm_page *from)
{
	lab_todo("20-amap step 2: amap_put");
}

/* Does no other slot name the anon?  Locks: [anon]; [W] of its space. */
bool
amap_is_own(void *entry, const uint64_t *word)
{
	lab_todo("20-amap step 2: amap_is_own");
	return false;
}

/* ---- copies of amaps ---- */

/* Early: the child's entry gets the anons of the parent's in [vpn, end), and the
 * parent's words lose W.  A pinned page is not shared: its pinner may still fill it for
 * the parent.
 * Locks: both map_locks exclusive and both [W] of the fork; takes [anon], [P].
 * Returns: end; the page at which it stopped, because it is pinned or there is
 * no memory for its chunk. */
uint64_t
amap_copy(struct aspace *parent, struct uvm_entry *to, struct uvm_entry *from,
    uint64_t vpn, uint64_t end)
{
	lab_todo("20-amap step 3: amap_copy");
	return end;
}

/* One of several entries lets a shared amap go; the last of them, and that may be this
 * one by now, its anons.
 * Locks: [W] of its space; takes [amap], [anon], [P]. */
void
amap_leave(struct vm_amap *amap)
{
	lab_todo("20-amap step 4: amap_leave");
}

/* Late: e is about to change its amap, which others have, too: it gets one of its own,
 * of the same anons.  Words stay, for none is writable.
 * Locks: [W] of its space; takes [amap], [anon], [P].
 * Returns: false: no memory, and nothing has changed. */
bool
amap_unshare(struct uvm_entry *e)
{
	lab_todo("20-amap step 4: amap_unshare");
	return false;
}
