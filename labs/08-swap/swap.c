/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * swap.c: slots, clusters written to them, and reading back
 *
 * Problem   A page that nobody has touched for long gives its frame to a page
 *           that is wanted, and comes back with every byte as it was.  Disks
 *           are fast with long requests, so neighbours go and come together.
 *           Pages are written when memory has run out, so nothing may be allocated.
 *
 * Picture   slot_t  area 31:28 │ index 27:0
 *                      │             │
 *                   area[] ─→ map   1 1 1 0 0 0 0 1 …     a bit for each slot
 *                      │                  └─ run ─┘
 *                      └────→ idle  ⇄ bio ⇄ bio … 32, made with the area
 *
 *           page ── slot ──→ slot        while the frame holds the same bytes
 *           word SWAP ─────→ slot        when the frame has been given away
 *
 *           out:  MODIFIED ─ slot, WRITING ─→ disk ─→ swap_done ─→ STANDBY, or free
 *           in:   SWAP ─→ BUSY, READING ─→ disk ─→ swap_done ─→ TRANS, STANDBY
 *
 * Rules     1. A slot has one owner: a SWAP word, or a resident page, whose
 *              word names the frame.  Sharing is counted elsewhere.
 *           2. A page that was read keeps its slot until it becomes dirty: to
 *              reclaim its frame again costs no write.
 *           3. A slot that is being written is freed by the end of the write
 *              (PF_SLOTSTALE), never before: the next owner's bytes could be
 *              overwritten.
 *           4. A slot that the device refused is never used again.
 *           5. Nothing here waits, and only read-ahead allocates, frames that
 *              can be spared.  Each request returns its bio when it has ended,
 *              with success or not.
 *           6. slots, used, room and bad are sums over the areas; slots and
 *              room leave out areas that swapoff empties.
 *
 * Read next cluster.c: where a slot lies, requests.
 */
#include "lib/bitmap.h"
#include "vm/frame/frame.h"
#include "vm/swap/swap.h"

#define AHEAD_BIOS 8 /* requests for one fault, at most */
#define WINDOW_MIN 2
#define WINDOW_JUDGE 64 /* pages read ahead between two looks at the hits */

struct swap_state swaps = { .lock = SPIN_INIT(LR_LEAF) };

/* ---- runs of free slots ---- */

/* ---- slots ---- */

/* Allocate up to n adjacent slots, as many as there are in one run.
 * Locks: any of rank < 9; takes [S].
 * Returns: the first, *got of them; 0: there is none.
 * Owns: the caller, each: swap_free(), or it is retired. */
slot_t
swap_alloc(unsigned n, unsigned *got)
{
	lab_todo("08-swap step 1: swap_alloc");
	return 0;
}

/* Free the slot.  Locks: any of rank < 9, [P] too; takes [S]. */
void
swap_free(slot_t slot)
{
	lab_todo("08-swap step 1: swap_free");
}

/* The slot of the page holds older bytes than the frame, or unwanted ones: free it.
 * Locks: [P]. */
void
swap_drop(struct vm_page *pg)
{
	lab_todo("08-swap step 2: swap_drop");
}

/* ---- out ---- */

/* Write pages: as many of them, from the first on, as get adjacent slots.  They are
 * MODIFIED on their queue; afterwards PF_WRITING and on none.  With SWAP_FREE the end of
 * the write frees the frames of unused ones.
 * Locks: [P]; takes [S].  Returns: how many; 0: there is no slot, or no bio now. */
unsigned
swap_out(struct vm_page **pg, unsigned n, enum swap_then then)
{
	lab_todo("08-swap step 2: swap_out");
	return 0;
}

/* ---- errors ---- */

/* A request has failed.  A request for several pages is tried again page by page, so that
 * a bad sector costs one page.
 * Locks: none; takes [P].  Returns: true: it was sent again. */
static bool
try_again(struct swap_bio *b)
{
	lab_todo("08-swap step 5: try_again");
	return false;
}

/* The page could not be written: it stays in memory, without a slot.  [P]. */
static void
write_failed(struct vm_page *pg)
{
	lab_todo("08-swap step 5: write_failed");
}

/* The page could not be read: its bytes are lost, and its word becomes ERROR.  [P]. */
static void
read_failed(struct vm_page *pg)
{
	lab_todo("08-swap step 5: read_failed");
}

/* ---- a request has ended ---- */

/* The read of a page has ended.  [P].  True: the caller frees the page. */
static bool
in_done(struct vm_page *pg, bool ok)
{
	lab_todo("08-swap step 3: in_done");
	return false;
}

/* A read or write of pages [b->at, b->at + b->len) has ended: update each page.  The rest
 * of the bio is sent, else it is idle again.
 * Context: thread iod, or the sender itself; takes [P], [S]. */
void
swap_done(struct bio *io)
{
	lab_todo("08-swap step 2: swap_done");
}

/* ---- in ---- */

static uint64_t
word_at(const struct swap_words *w, unsigned i)
{
	return word_get(w->word + (long)i * w->step);
}

/* ---- neighbours are read, too ---- */

/* Frames for the neighbours of w, as many as lie behind it on swap: only frames that can
 * be spared.
 * Locks: the container's.
 * Returns: how many are in more, SWAP_RUN - 1 at most; in LIMBO, the caller's. */
static unsigned
frames_ahead(const struct swap_words *w, struct vm_page **more)
{
	lab_todo("08-swap step 4: frames_ahead");
	return 0;
}

/* Read words behind the first: those that lie behind it on swap by the same request *b,
 * others by their own, AHEAD_BIOS at most.  The last request is left to the caller, in
 * *b.
 * Locks: the container's, [P].
 * Returns: how many frames of more[] were used; *b NULL: all were sent. */
static unsigned
read_ahead(struct swap_bio **b, const struct swap_words *w,
    struct vm_page **more, unsigned have)
{
	lab_todo("08-swap step 4: read_ahead");
	return 0;
}

/* ---- the read begins ---- */

/* Read the page of a word, and pages behind it into frames that can be spared.
 * Locks: the container's ([W], [F] or [O]); takes [P].
 * Owns: takes *frame, a frame in LIMBO, over if the read is begun (then NULL); the
 * caller, a pin on *wait if w->pin.
 * Returns: STARTED: the word is BUSY, or was, wait for *wait without locks, then look again;
 * CHANGED: it is no longer SWAP; NOBIO: swap_wait() first. */
enum swap_in_result
swap_in(const struct swap_words *w, struct vm_page **frame,
    struct vm_page **wait)
{
	lab_todo("08-swap step 3: swap_in");
	return SWAPIN_NOBIO;
}

/* ---- how far ---- */

/* The counts say how many pages read ahead were used, and how many were reclaimed unused.
 * The window, the longest read, is doubled if most were used, and halved if few were:
 * from 2 to `most`.
 * Locks: [P]. */
void
swap_learn(unsigned *window, unsigned most, struct ahead_count *c)
{
	lab_todo("08-swap step 4: swap_learn");
}
