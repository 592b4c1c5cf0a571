/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vadcommit.c: what a mapping has promised to use
 *
 * Problem   Private writable memory is paid for before it is touched, and so
 *           are the tables that will describe it.  VADs are divided, joined and
 *           removed; what stays must always have been paid.
 *
 * Picture   2 MiB   |── table ──|── table ──|
 *           before  [ commit 700, tables 2  ]
 *           split   [ 300, 1 ][  400, 1     ]   the divided one: the lower part's
 *           lower part goes   [  400, 2     ]   passed on, not given back
 *
 * Rules     1. Pages are charged one by one, tables for each 2-MiB block; a
 *              block that several VADs share is paid at least once (I12).
 *           2. What has been paid stays paid when the right to write goes.
 *
 * Read next vm/commit.c, vm/map.c, vm/vad.c (split_commit).  Book: ch05.
 */
#include "vm/vm.h"
#include "vm/vmdat.h"
#include "vm/vmfn.h"

#define START_STACK 32   /* pages that a stack may grow by, as on Linux */
#define START_HEAP 36    /* what a libc asks for before main(): 34, and tables */
#define START_TABLES 64  /* the tables of 128 MiB of text */

/*
 * Leaf tables that a vpn range needs: the 2-MiB blocks it touches.
 */
uint64_t
vad_tables(uint64_t start, uint64_t end)
{
	return (end - 1) / MD_PT_WORDS - start / MD_PT_WORDS + 1;
}

/* ---- RLIMIT_DATA ---- */

/*
 * The limit of the space's process.
 *
 * Locks:    any; what grows next heeds it.
 */
void
map_limit_data(struct aspace *as, uint64_t bytes)
{
	atomic_store(&as->data_pages, bytes == UINT64_MAX ? bytes :
	    bytes >> PAGE_SHIFT);
}

/*
 * RLIMIT_AS of the space's process, for what grows without a call.
 *
 * Locks:    any; what grows next heeds it.
 */
void
map_limit_size(struct aspace *as, uint64_t bytes)
{
	atomic_store(&as->size_pages, bytes >> PAGE_SHIFT);
}

/*
 * May private writable memory grow by so many pages?  Who has a limit pays
 * with a walk of its VADs.
 *
 * Locks:    [M].
 */
bool
map_data_fits(struct aspace *as, uint64_t pages)
{
	uint64_t limit = atomic_load(&as->data_pages);
	struct vad *v;

	if (limit == UINT64_MAX)
		return true;
	VAD_FOREACH(v, as)
		if (vad_is_data(v->flags, v->prot))
			pages += v->end - v->start;
	return pages <= limit;
}

/* ---- paying ---- */

/*
 * vad is about to get the rights prot: private memory that becomes writable
 * is paid for now.  What has been paid stays paid when W goes again.
 *
 * Locks:    [M] exclusive.
 * Returns:  0, -ENOMEM.
 */
int
map_charge(struct aspace *as, struct vad *v, uint8_t prot)
{
	uint64_t tables = vad_tables(v->start, v->end);
	uint64_t pages = v->end - v->start;

	if (vad_is_data(v->flags, prot) && !vad_is_data(v->flags, v->prot) &&
	    !map_data_fits(as, pages))
		return -ENOMEM;
	if ((v->flags & VAD_CHARGED) != 0 || !vad_is_charged(v->flags, prot))
		return 0;
	if (commit_is_late()) {
		if (commit_guess(pages) != 0)
			return -ENOMEM;
		v->flags |= VAD_NORESERVE;
		return 0;
	}
	/* What exec has paid ahead is for the first heap, too. */
	if (((v->flags & VAD_HEAP) == 0 ||
	    !commit_use_prepaid(as, pages + tables)) &&
	    commit_charge(pages + tables) != 0)
		return -ENOMEM;
	v->flags |= VAD_CHARGED;
	v->commit = pages;
	v->commit_tbl = tables;
	as->commit += pages + tables;
	return 0;
}

/* Leaf tables of mappings that pay for none, but not more than max.  [M]. */
static uint64_t
unpaid_tables(struct aspace *as, uint64_t max)
{
	uint64_t n = 0, block = UINT64_MAX;
	struct vad *v;

	VAD_FOREACH(v, as) {
		if ((v->flags & VAD_CHARGED) != 0)
			continue;
		n += vad_tables(v->start, v->end) -
		    (v->start / MD_PT_WORDS == block);
		block = (v->end - 1) / MD_PT_WORDS;
		if (n >= max)
			return max;
	}
	return n;
}

/*
 * A new program is complete.  Its first instructions touch text that nobody
 * has paid a table for, make the stack grow and ask for a heap: a program that
 * cannot have these is refused while its predecessor can still be told.
 *
 * Locks:    none of rank >= 2.
 * Returns:  0, -ENOMEM.
 */
int
map_prepay_start(struct aspace *as)
{
	uint64_t tables;

	rw_lock_read(&as->map_lock);
	tables = unpaid_tables(as, START_TABLES);
	rw_unlock_read(&as->map_lock);
	return commit_prepay(as, tables + START_STACK + START_HEAP);
}

/*
 * v goes.  A split leaves the table of the divided 2 MiB to the lower part: who
 * stays above and has not paid gets it now, or it would be used and not promised.
 *
 * Locks:    [M] exclusive.
 */
void
vad_pass_table(struct aspace *as, struct vad *v)
{
	uint64_t block = (v->end - 1) / MD_PT_WORDS;
	struct vad *n = vad_find_above(as, v->end);

	while (n != NULL && n->start / MD_PT_WORDS == block &&
	    (n->flags & VAD_CHARGED) == 0)
		n = vad_next(n);
	if (n == NULL || n->start / MD_PT_WORDS != block || v->commit_tbl == 0 ||
	    n->commit_tbl >= vad_tables(n->start, n->end))
		return;
	v->commit_tbl--;
	n->commit_tbl++;
}

/*
 * I12: each block that charged memory lies in is paid for.
 *
 * Locks:    as vad_check().
 */
void
vad_check_tables(struct aspace *as, struct vm_report *rep)
{
	uint64_t block = UINT64_MAX, tables = 0, paid = 0;
	struct rb_node *at;

	for (at = rb_first(&as->vads); at != NULL; at = rb_next(at)) {
		const struct vad *v = CONTAINER_OF(at, struct vad, rb);

		if ((v->flags & VAD_CHARGED) == 0)
			continue;
		paid += v->commit_tbl;
		tables += vad_tables(v->start, v->end) -
		    (v->start / MD_PT_WORDS == block);
		block = (v->end - 1) / MD_PT_WORDS;
	}
	if (paid < tables)
		report_bad(rep, "I12", "as %u: %lu tables are paid, %lu may be "
		    "used", as->id, paid, tables);
}
