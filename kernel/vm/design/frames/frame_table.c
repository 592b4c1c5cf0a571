/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * frame_table.c: where tables are, and whole spaces
 *
 * Problem   A page table does not say for which addresses it is, or which process runs
 *           on it; and a process gets its space from its creator, with all that is in it.
 *
 * Picture   root ←─ parent, pslot ─ table 3 ←─ … ─ table 1: [slot]      va of the word
 *           vspace_swap: root ─→ the process; the owner's frames in it go along
 *
 * Rules     1. The space of a PTE is found through the parents of its table, in three
 *              steps at most; no other record has to follow when tables are linked.
 *           2. Only an empty table is unlinked, so no mapping moves with a table.
 *
 * Read next frame_proc.c.
 */
#include "vm/design/frames/frames.h"

#include "lib/assert.h"
#include "lib/errno.h"
#include "lib/string.h"

static void space_goes(uint32_t root, uint32_t to);
static bool is_elsewhere(const struct frame *, uint32_t table, uint32_t root);
static bool is_wrong_now(const struct frame *, uint32_t table, uint32_t arg);

/* See frames.h: a root's kernel half goes, too. */
void
frame_table_end(struct frame *f)
{
	ASSERT(f->used == 0 && f->parent == 0 && !f->is_root);
	memset(frame_words(f), 0, FRAME_PAGE_SIZE);
	f->type = FRAME_PAGE;
}

/* See frames.h. */
uint32_t
frame_root_of(uint32_t table)
{
	while (frames.at[table].parent != 0)
		table = frames.at[table].parent;
	return frames.at[table].type == FRAME_TABLE4 ? table : 0;
}

/* See frames.h: the word's address, as far as it is known. */
va_t
frame_va_of(uint32_t table, unsigned slot, unsigned *top)
{
	const struct frame *t = &frames.at[table];
	va_t va = (va_t)slot << (3 + 9 * frame_level(t));

	for (; t->parent != 0; t = &frames.at[t->parent])
		va |= (va_t)t->pslot << (12 + 9 * frame_level(t));
	*top = frame_level(t);
	return va;
}

/* See frames.h. */
bool
frame_va_is_of(uint32_t table, unsigned slot, va_t va)
{
	unsigned top;
	va_t is = frame_va_of(table, slot, &top);
	va_t mask = ((va_t)1 << (12 + 9 * top)) - 1;

	return is == (va & mask);
}

/* See frames.h: words of a table of any level have been cleared. */
void
frame_flush(uint32_t table, unsigned slot, uint64_t n)
{
	uint32_t root = frame_root_of(table);
	unsigned top;

	if (root == 0)
		return; /* no CPU has ever used it there: rule 2 */
	EVENT(frames_flush);
	frames.md->flush(frames.at[root].pa, frame_va_of(table, slot, &top),
	    n << 9 * (frame_level(&frames.at[table]) - 1));
}

/* ---- whole spaces ---- */

/*
 * See frames.h.  The space f becomes that of the process, with all frames in it that
 * belonged to f's owner; the old space goes to the caller.
 */
int
vspace_swap(int pid, int of, uint32_t f)
{
	struct frame_proc *p, *q = frame_proc(of);
	struct frame *fr;
	uint32_t old;
	int r = frame_get(pid, f, &p, &fr);

	if (r < 0)
		return r;
	if (q == NULL)
		return -ESRCH;
	if (q != p && (q->f_id == 0 || frames.at[q->f_id].owner != p->f_id))
		return -EPERM;
	if (fr->type != FRAME_TABLE4)
		return -EINVAL;
	if (q->root == f)
		return 0;
	if (fr->is_root)
		return -EBUSY;
	if (fr->owner != q->f_id)
		space_goes(f, q->f_id); /* before a CPU runs in it */
	old = q->root;
	if (old != 0)
		frames.at[old].is_root = false;
	q->root = f;
	fr->is_root = true;
	frames.md->load(of, fr->pa);
	if (old != 0 && q != p)
		space_goes(old, p->f_id);
	return 0;
}

/*
 * All frames of the root's owner in it go with it.  Their mappings in this space stay if
 * they are in the descriptor; and any mapping that S4 no longer permits is removed, even
 * of another owner's frame.
 */
static void
space_goes(uint32_t root, uint32_t to)
{
	struct frame_proc *from = frame_proc_at(frames.at[root].owner);
	struct frame *f, *next;
	uint32_t i;

	for (f = frame_first(from); f != NULL; f = next) {
		next = frame_next(f);
		if (frame_level(f) != 0 ? frame_root_of(frame_id(f)) != root :
		    f->type != FRAME_PAGE || f->at.table == 0 ||
		    frame_root_of(f->at.table) != root)
			continue;
		if (f->nmap != 0)
			frame_revoke_if(f, is_elsewhere, root);
		frame_own(f, to);
	}
	for (i = frames.by_pa; i != 0; i = frames.at[i].pa_next)
		if (frames.at[i].nmap != 0)
			frame_revoke_if(&frames.at[i], is_wrong_now, 0);
}

/* Segments stay with their owner's memory; so only the first mapping can be kept. */
static bool
is_elsewhere(const struct frame *f, uint32_t table, uint32_t root)
{
	return f->segs != 0 || frame_root_of(table) != root;
}

static bool
is_wrong_now(const struct frame *f, uint32_t table, uint32_t arg)
{
	return !frame_is_lent_right(f, table);
}

/* See frames.h. */
int
vspace_self(int pid)
{
	struct frame_proc *p = frame_proc(pid);

	if (p == NULL)
		return -ESRCH;
	return p->root != 0 ? (int)p->root : -ENOENT;
}
