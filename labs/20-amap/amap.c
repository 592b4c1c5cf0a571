/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * uvm/amap.c: which anon is at which page, and what a fault and a fork do with it
 *
 * Problem   Each page of anonymous memory has a record with a count, the anon.  A
 *           map of anons says who has which; whoever copies the map, early or
 *           late, must count each anon that it names.
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
 * Rules     1. A chunk without an anon goes.
 *           2. Read-only if shared: a page whose anon has more than one reference,
 *              or whose amap has, is never mapped writable.
 *           3. What may fail comes first: anon, chunk, pv, frame, charge.
 *           4. The slot and the word change in one hold of [W]; after a wait all is
 *              looked up again.
 *           5. There is no common page of zeros: a read of what was never written
 *              makes an anon, as a write does.
 *           6. Of a shared amap slots are read, never changed: uvm_fault() has called
 *              amap_unshare() before amap_fault() would.
 */
#include "vm/design/uvm/uvm.h"

/* ---- slots ---- */

/*
 * The anon of a page.
 *
 * Locks:    [W] of its space.
 * Returns:  the anon; NULL: there is none.
 */
struct vm_anon *
amap_lookup(struct vm_amap *amap, uint64_t vpn)
{
	lab_todo("20-amap step 1: amap_lookup");
	return NULL;
}

/*
 * A chunk for the page, so that amap_add() does not fail.
 *
 * Locks:    [W] of its space.
 * Returns:  false: no memory.
 */
bool
amap_reserve(struct vm_amap *amap, uint64_t vpn)
{
	lab_todo("20-amap step 1: amap_reserve");
	return false;
}

/*
 * The page's anon, from now on: its slot is free, and has a chunk.
 *
 * Locks:    [W] of its space.
 * Owns:     takes a reference over.
 */
void
amap_add(struct vm_amap *amap, uint64_t vpn, struct vm_anon *anon, bool late)
{
	lab_todo("20-amap step 1: amap_add");
}

/*
 * The anon of a page, out of its slot.
 *
 * Locks:    [W] of its space.
 * Returns:  the anon; NULL: there is none.
 * Owns:     the caller, its reference.
 */
struct vm_anon *
amap_take(struct vm_amap *amap, uint64_t vpn)
{
	lab_todo("20-amap step 1: amap_take");
	return NULL;
}

/*
 * One reference more for each anon of [lo, hi): a slot of another amap names it.
 *
 * Locks:    [W] of its space; takes [anon].
 * Returns:  how many there are.
 */
uint64_t
amap_ref(struct vm_amap *amap, uint64_t lo, uint64_t hi)
{
	lab_todo("20-amap step 1: amap_ref");
	return 0;
}

/*
 * The anons of [lo, hi) are let go; nothing maps their pages in this space.
 *
 * Locks:    [W] of its space; takes [anon], [P].
 * Returns:  how many of them were charged when touched.
 */
uint64_t
amap_unref(struct vm_amap *amap, uint64_t lo, uint64_t hi)
{
	lab_todo("20-amap step 1: amap_unref");
	return 0;
}

/* ---- a fault: an anon is made ---- */

/* F4: a write, and others have it, too. */
static enum fault_outcome
copy_anon(struct fctx *f, struct uvm_entry *e, const struct vm_page *from)
{
	lab_todo("20-amap step 3: copy_anon");
	return fault_signal(f, SIGKILL, 0);
}

/* ---- a fault: an anon that there is ---- */

/* Its page is not in memory.  One read for all that share it. */
static enum fault_outcome
bring_anon(struct fctx *f, struct vm_anon *anon)
{
	lab_todo("20-amap step 5: bring_anon");
	return fault_signal(f, SIGKILL, 0);
}

/*
 * A page of a private mapping: its anon, or the object behind it, or zeros.
 *
 * Locks:    [M], [W]; f->word is in use.
 * Returns:  FAULT_DONE, or what the driver has to do before another pass.
 */
enum fault_outcome
amap_fault(struct fctx *f, struct uvm_entry *e)
{
	lab_todo("20-amap step 2: amap_fault");
	return fault_signal(f, SIGKILL, 0);
}

/* ---- copies of amaps ---- */

/*
 * Early: the child's entry gets the anons of the parent's in [vpn, end), and the
 * parent's words lose W.  A page that somebody pins is not shared: he may go on
 * filling it, for the parent.
 *
 * Locks:    both map_locks exclusive and both [W] of the fork; takes [anon], [P].
 * Returns:  end; the page at which it stopped, for it is pinned, or there is no
 *           memory for its chunk.
 */
uint64_t
amap_copy(struct aspace *parent, struct uvm_entry *to, struct uvm_entry *from,
    uint64_t vpn, uint64_t end)
{
	lab_todo("20-amap step 3: amap_copy");
	return end;
}

/*
 * One of several entries lets a shared amap go; the last of them, and that may be
 * this one by now, its anons.
 *
 * Locks:    [W] of its space; takes [amap], [anon], [P].
 */
void
amap_leave(struct vm_amap *amap)
{
	lab_todo("20-amap step 4: amap_leave");
}

/*
 * Late: e is about to change its amap, which others have, too: it gets one of its
 * own, of the same anons.  Words stay, for none is writable.
 *
 * Locks:    [W] of its space; takes [amap], [anon], [P].
 * Returns:  false: no memory, and nothing has changed.
 */
bool
amap_unshare(struct uvm_entry *e)
{
	lab_todo("20-amap step 4: amap_unshare");
	return false;
}
