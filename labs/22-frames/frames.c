/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * frames.c: what a program may do with its frames
 *
 * Problem   Programs split, merge, map and give away physical memory, and make page
 *           tables of it.  None may lose a page, write a table, or reach a frame it gave.
 *
 * Picture   frame_split ─→ lo │ hi     one row each; frame_merge: one again
 *           frame ─ at ───→ table, slot        the first mapping
 *                 ─ segs ─→ segment ─→ segment    further ones, in the owner's memory
 *           PAGE ─ frame_table(level) ─→ TABLE, cleared ─ frame_link ─→ parent … ─→ root
 *           frame_give:  words cleared ─→ flushed on each CPU ─→ forgotten ─→ owner
 *
 * Rules     1. Callers hold the one mutex; no call sleeps for another process.
 *           2. A call that fails has changed nothing.
 *           3. Descriptors are a quota that moves with the frame: the sum over all
 *              processes is the buffer, so no process can use up another's share.
 *           4. Words are cleared, then flushed, then forgotten; a frame leaves its owner
 *              only after frame_revoke().
 *           5. Only PAGE frames are mapped with F_WRITE; a frame with such a mapping
 *              becomes no table.
 *           6. A table is linked once, into one a level above, of the same owner; it
 *              is empty when it is unlinked.
 *
 * Read next frame_own.c, frame_segment.c, frame_table.c, frame_proc.c, frames_check.c.
 */
#include "vm/design/frames/frames.h"

#include "lib/assert.h"
#include "lib/errno.h"
#include "lib/string.h"

static int split_places(struct frame *lo, struct frame *hi);
static bool places_join(const struct frame *lo, const struct frame *hi);

/* ---- cut and join ---- */

/* Frame f is cut off bytes from its beginning; who has lo mapped has both mapped.
 * Returns: the upper part's f_id; -EINVAL: not within it, or within a page;
 * -EBUSY: no PAGE, or mapped as a section; -ENFILE: its owner's quota; -ENOSPC: no
 * segments; or as frame_get(). */
int
frame_split(int pid, uint32_t f, uint64_t off)
{
	return lab_todo("22-frames step 1: frame_split");
}

/* lo is mapped, and hi, which has its upper pages already, is not: each mapping of lo
 * becomes two.  No word changes.
 * Returns: 0; -EBUSY: one is of sections; -ENOSPC: no segments, nothing has changed. */
static int
split_places(struct frame *lo, struct frame *hi)
{
	lab_todo("22-frames step 5: split_places");
	return -EBUSY;
}

/* f2, which begins where f1 ends, becomes part of f1; its row is free.
 * Returns: f1; -EINVAL: not side by side, or of two owners; -EBUSY: one of
 * them is no PAGE, or they are mapped, and not once each, alike and side by side; or as
 * frame_get(). */
int
frame_merge(int pid, uint32_t f1, uint32_t f2)
{
	return lab_todo("22-frames step 1: frame_merge");
}

/* One of them is mapped: both are, once, side by side and alike? */
static bool
places_join(const struct frame *lo, const struct frame *hi)
{
	lab_todo("22-frames step 5: places_join");
	return false;
}

/* ---- map and unmap ---- */

/* All pages of f are mapped at va, in words of the table that are free; F_TYPE_TABLE: f
 * is linked.  A leaf maps pages, a table of level 2 sections of 2 MiB; 512 words at most.
 * Returns: 0: f's first mapping; its segment's s_id; -EINVAL: flags, level,
 * va or length; -EPERM: F_WRITE and no PAGE, S4, or an address that is not for frames;
 * -EEXIST: a word is in use; -ENOSPC: no segment; or as frame_get() of both. */
int
frame_map(int pid, uint32_t table, uint32_t f, va_t va, unsigned flags)
{
	return lab_todo("22-frames step 2: frame_map");
}

/* The mapping of f that begins at va in the table goes, or the link of f: acknowledged by
 * each CPU.  Whoever may change the frame or the table may ask.
 * Returns: 0; -ESRCH, -ENOENT: no such process, frame, mapping; -EPERM;
 * -EINVAL: no table, or va is not in it; -EBUSY: a link to a table with words. */
int
frame_unmap(int pid, uint32_t table, uint32_t f, va_t va)
{
	return lab_todo("22-frames step 2: frame_unmap");
}

/* ---- tables ---- */

/* A page becomes a table, with no word in it.  view: where who asks has it mapped, for
 * reading; 0: it is mapped nowhere.
 * Returns: 0; -EINVAL: level, length, view; -EBUSY: no PAGE, or mapped for
 * writing; or as frame_get(). */
int
frame_table(int pid, uint32_t f, va_t view, int level)
{
	return lab_todo("22-frames step 3: frame_table");
}

/* A table, or memory of segments, becomes a page again, with zeros in it.
 * Returns: 0; -EINVAL: it is a page; -EBUSY: it is in use: words, segments,
 * linked, a root; a record; or as frame_get(). */
int
frame_untable(int pid, uint32_t f)
{
	return lab_todo("22-frames step 3: frame_untable");
}

/* Table f, of the level below, at va's word of the table; of a root in which a process
 * runs md->root_word() is told.
 * Returns: 0; -EINVAL: levels, va; -EPERM: two owners, or an address that is
 * not for frames; -EBUSY: it is linked; -EEXIST: the word is in use. */
int
frame_link(struct frame *table, struct frame *f, va_t va)
{
	return lab_todo("22-frames step 3: frame_link");
}

/* The word of table f goes.  A CPU may have that of an empty table in its caches, too.
 * Returns: 0; -EBUSY: f has words. */
int
frame_unlink(struct frame *f)
{
	return lab_todo("22-frames step 3: frame_unlink");
}

/* ---- give, and take away ---- */

/* Frame f belongs to the process to, which has allowed pid one fewer from now on, and
 * nobody has it mapped.  A creator that takes a frame from its child asks nobody.
 * Returns: f; -ESRCH; -EINVAL: it is to's; -EBUSY: no PAGE; -EPERM: pid was
 * not allowed; -EDQUOT: no more; or as frame_get(). */
int
frame_give(int pid, uint32_t f, int to)
{
	return lab_todo("22-frames step 4: frame_give");
}

/* pid takes max frames from the process from; 0: none any more.  A row that is used up
 * stays, so that the giver hears -EDQUOT.
 * Returns: 0; -ESRCH; -EINVAL: from itself; -ENFILE: no row is free. */
int
frame_allow(int pid, int from, uint32_t max)
{
	return lab_todo("22-frames step 4: frame_allow");
}

/* Mappings of f of which is() says so go: acknowledged by each CPU.  The segments first,
 * for the first mapping is followed by one of them. */
void
frame_revoke_if(struct frame *f, bool (*is)(const struct frame *, uint32_t table,
    uint32_t arg), uint32_t arg)
{
	lab_todo("22-frames step 4: frame_revoke_if");
}
