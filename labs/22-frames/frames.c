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

/* ---- split and merge ---- */

/* Split frame f `off` bytes from its beginning; where f was mapped both parts are.
 * Returns: the upper part's f_id; -EINVAL: not within it, or within a page;
 * -EBUSY: no PAGE, or mapped as a section; -ENFILE: its owner's quota; -ENOSPC: no
 * segments; or as frame_get(). */
int
frame_split(int pid, uint32_t f, uint64_t off)
{
	return lab_todo("22-frames step 1: frame_split");
}

/* lo is mapped, but hi, which has the upper pages already, is not: make two mappings of
 * each mapping of lo.  No word changes.
 * Returns: 0; -EBUSY: one is of sections; -ENOSPC: no segments, nothing has changed. */
static int
split_places(struct frame *lo, struct frame *hi)
{
	lab_todo("22-frames step 5: split_places");
	return -EBUSY;
}

/* f2, which begins where f1 ends, becomes part of f1; its row is freed.
 * Returns: f1; -EINVAL: not adjacent, or of two owners; -EBUSY: one is no PAGE, or they
 * are mapped, but not once each, with equal flags and adjacent; or as
 * frame_get(). */
int
frame_merge(int pid, uint32_t f1, uint32_t f2)
{
	return lab_todo("22-frames step 1: frame_merge");
}

/* One of them is mapped: are both mapped once, adjacent and with equal flags? */
static bool
places_join(const struct frame *lo, const struct frame *hi)
{
	lab_todo("22-frames step 5: places_join");
	return false;
}

/* ---- map and unmap ---- */

/* Map all pages of f at va, in free words of the table; F_TYPE_TABLE: link f.  A leaf
 * maps pages, a table of level 2 maps sections of 2 MiB; 512 words at most.
 * Returns: 0: f's first mapping; its segment's s_id; -EINVAL: flags, level,
 * va or length; -EPERM: F_WRITE and no PAGE, S4, or an address that is not for frames;
 * -EEXIST: a word is in use; -ENOSPC: no segment; or as frame_get() of both. */
int
frame_map(int pid, uint32_t table, uint32_t f, va_t va, unsigned flags)
{
	return lab_todo("22-frames step 2: frame_map");
}

/* Remove the mapping of f that begins at va in the table, or the link of f: each CPU has
 * acknowledged.  The right to change the frame or the table is enough.
 * Returns: 0; -ESRCH, -ENOENT: no such process, frame, mapping; -EPERM;
 * -EINVAL: no table, or va is not in it; -EBUSY: a link to a table with words. */
int
frame_unmap(int pid, uint32_t table, uint32_t f, va_t va)
{
	return lab_todo("22-frames step 2: frame_unmap");
}

/* ---- tables ---- */

/* A page becomes an empty table.  view: the address of the caller's read-only mapping of
 * it; 0: it is not mapped.
 * Returns: 0; -EINVAL: level, length, view; -EBUSY: no PAGE, or mapped for
 * writing; or as frame_get(). */
int
frame_table(int pid, uint32_t f, va_t view, int level)
{
	return lab_todo("22-frames step 3: frame_table");
}

/* A table, or memory of segments, becomes a page of zeros again.
 * Returns: 0; -EINVAL: it is a page; -EBUSY: it is in use: words, segments,
 * linked, a root; a record; or as frame_get(). */
int
frame_untable(int pid, uint32_t f)
{
	return lab_todo("22-frames step 3: frame_untable");
}

/* Link table f, of the level below, at va's word of the table; md->root_word() is called
 * for a root in which a process runs.
 * Returns: 0; -EINVAL: levels, va; -EPERM: two owners, or an address that is
 * not for frames; -EBUSY: it is linked; -EEXIST: the word is in use. */
int
frame_link(struct frame *table, struct frame *f, va_t va)
{
	return lab_todo("22-frames step 3: frame_link");
}

/* Clear the word of table f.  A CPU may have cached it, even if the table is empty.
 * Returns: 0; -EBUSY: f has words. */
int
frame_unlink(struct frame *f)
{
	return lab_todo("22-frames step 3: frame_unlink");
}

/* ---- give and revoke ---- */

/* Give frame f, unmapped, to the process `to`, which has allowed pid to give frames, and
 * count it.  A creator that takes a frame from its child needs no permission.
 * Returns: f; -ESRCH; -EINVAL: it is to's; -EBUSY: no PAGE; -EPERM: pid was
 * not allowed; -EDQUOT: no more; or as frame_get(). */
int
frame_give(int pid, uint32_t f, int to)
{
	return lab_todo("22-frames step 4: frame_give");
}

/* pid accepts max frames from the process `from`; 0: no more.  A row that is used up
 * stays, so that the giver gets -EDQUOT.
 * Returns: 0; -ESRCH; -EINVAL: from itself; -ENFILE: no row is free. */
int
frame_allow(int pid, int from, uint32_t max)
{
	return lab_todo("22-frames step 4: frame_allow");
}

/* Remove the mappings of f for which is() is true: each CPU has acknowledged.  Segments
 * first, for one of them replaces the first mapping. */
void
frame_revoke_if(struct frame *f, bool (*is)(const struct frame *, uint32_t table,
    uint32_t arg), uint32_t arg)
{
	lab_todo("22-frames step 4: frame_revoke_if");
}
