/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * anon.c: anonymous objects: pages that belong to an object, not to a process
 *
 * Problem   tmpfs files, memfds and shared anonymous memory have pages that
 *           outlive each mapping, at any index up to 256 TiB, most of them
 *           absent.  An object of 1130 GiB with 3 pages must cost 3 pages and
 *           a few tables, and growing must not copy anything.
 *
 * Picture   vmo ─→ a.words[0…9], each of them:   the word of a page
 *                                            or  ─→ leaf           512 pages
 *                                            or  ─→ table ─→ leaf  512² pages
 *                                            …   anon_top() says which
 *
 *           tables are kpaged pages; a leaf has 512 owning words: TRANS while
 *           the page is in memory, mapped or not, SWAP when it is not.  An
 *           interior word is the child's kpaged page number << 1, never a frame.
 *
 * Rules     1. [O] guards words, tables and counts.  Tables are pinned while
 *              their words are used, and made and freed without [O].
 *           2. A table is made when a page below it is, and freed with its
 *              last word: nused == 0.  A search makes no table.  Tables are made
 *              one at a time, from the top: another thread may have made one.
 *           3. A page is found or made only below the size, read in the same
 *              hold of [O]; so none can appear behind a truncate (R7).  Pages
 *              that fallocate(2) keeps behind it, below a.keep, no fault finds.
 *           4. a.charged == pages + tables; if the whole object was charged,
 *              size + tables.
 *           5. Pages count in the quota of the file system, if there is one
 *              (quota.c); tables do not.
 */
#include "vm/frame/frame.h"
#include "vm/kpaged/kpaged.h"
#include "vm/object/object.h"
#include "vm/swap/swap.h"
#include "vm/want/want.h"
#include "vm/ws/ws.h"

/* One request for a page. */
struct anon_request {
	uint64_t pgoff;
	enum anon_want how;
	struct want *want;
	struct vm_page *page;   /* answer, pinned */
};

/* ---- the object ---- */

/* An anonymous object without pages.
 * Owns: the caller, the only reference.  Returns: NULL: no memory. */
struct vmo *
anon_create(uint64_t bytes)
{
	lab_todo("03-anon step 1: anon_create");
	return NULL;
}

/* The last reference is gone: free pages, tables, charge and header.
 * Locks: none of rank >= 3. */
void
anon_put(struct vmo *vmo)
{
	lab_todo("03-anon step 4: anon_put");
}

/* ---- the tree ---- */

/* Which word of the header leads to a page, and through how many tables?
 * Locks: any; it knows no object. */
struct anon_top
anon_top(uint64_t pgoff)
{
	lab_todo("03-anon step 1: anon_top");
	return (struct anon_top){ .end = VMO_MAX_PAGES };
}

/* The path from the header to the owning word, as far as it exists.
 * Locks: [O].  Owns: the caller, a pin on path->table unless that is NULL.
 * Returns: 0: path->slot is the word; -ENOENT, -EIO: an interior one, which is 0 or could
 * not be read; -EAGAIN: w says which table is on swap. */
int
anon_walk(struct vmo *vmo, uint64_t pgoff, struct anon_path *path, struct want *w)
{
	return lab_todo("03-anon step 1: anon_walk");
}

/* Make the tables that lead to a page.
 * Locks: none of rank >= 3.
 * Returns: 0; -ENOMEM (no commit, no address), -EIO (one is lost), -EINTR: nothing is
 * left over. */
int
anon_make_path(struct vmo *vmo, uint64_t pgoff)
{
	return lab_todo("03-anon step 1: anon_make_path");
}

/* ---- pages ---- */

/* The hole at path becomes a page, in the zeroed frame of req->want: charged and counted;
 * req->page, with a pin for the caller.  0; -ENOSPC no quota, -ENOMEM no
 * commit: nothing has changed.  [O] held. */
static int
anon_make(struct vmo *vmo, struct anon_request *req, struct anon_path *path)
{
	return lab_todo("03-anon step 3: anon_make");
}

/* One look at a page; it is made, or its read begun, if need be.
 * Locks: at most [W]; takes [O], [P].  Owns: the caller, a pin in *out.
 * Returns: 0; -EAGAIN; -ENXIO beyond the end; -ENOENT a hole (ANON_FIND), or no table
 * leads there; -EIO it is lost; -ENOMEM no commit, -ENOSPC no quota. */
int
anon_look(struct vmo *vmo, uint64_t pgoff, enum anon_want how, struct want *w,
    struct vm_page **out)
{
	return lab_todo("03-anon step 2: anon_look");
}

/* The page at pgoff, found or made.
 * Locks: none of rank >= 3.  Owns: the caller, a pin in *out.
 * Returns: 0; -ENXIO beyond the end; -ENOENT a hole (ANON_FIND); -ENOSPC no commit, no
 * quota, no table; -EIO the page is lost; -EINTR (fatal signal while waiting). */
int
anon_page(struct vmo *vmo, uint64_t pgoff, enum anon_want how,
    struct vm_page **out)
{
	return lab_todo("03-anon step 3: anon_page");
}

/* ---- the end of pages ---- */

/* Free the pages of [lo, hi) and tables that become empty.  A page that is still mapped
 * or pinned loses its owner, and is freed with its last mapping or pin.
 * Locks: none of rank >= 3. */
void
anon_truncate(struct vmo *vmo, uint64_t lo, uint64_t hi)
{
	lab_todo("03-anon step 4: anon_truncate");
}
