/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kpaged.c: kernel memory that may itself be paged, and how to hold it
 *
 * Problem   Tables that describe memory (entries of forked objects, tables of
 *           anonymous objects) are large when much is described, and idle when
 *           it sleeps.  They live in pageable memory; so whoever needs one
 *           under a lock must make sure first that it is there and stays.
 *
 * Picture   1 TiB of kernel addresses: kpaged page number = (kva - base) / 4096
 *
 *           kva ─→ kernel PTE ──VALID──→ page, home KPAGED, one pin per user
 *                     │ ABSENT: zero-filled by the first pin
 *                     │ TRANS: trimmed (kpagedws.c), on a queue or pinned again
 *                     │ SWAP, BUSY: kpaged_pin() reads it and waits
 *           the bytes are read and written by the direct map while pinned
 *
 *           under rank >= 5:  kpaged_trypin(kva) ── page
 *                                     └─ NULL: drop to rank 2, kpaged_pin(kva),
 *                                        which may sleep, and start again (R2)
 *
 * Rules     1. Kernel PTEs change under [P], and but for SWAP under the kernel
 *              [W] (rank 6), too; so trypin reads them with [P] only.
 *           2. A container leaves memory only when nres == 0.  What it counts
 *              goes with it: its users attach it after each pin.
 *           3. A translation that was never used (A clear) is in no TLB: such
 *              a page goes without a flush, and that is nearly all of them.
 *           4. Addresses are not charged, pages are, by whoever asks for them.
 *           5. What could not be read from swap comes back empty, PF_ERROR: as
 *              a container it is filled with words that say so.
 *
 * Read next vm/fault/kpagedfault.c (plain accesses; what cannot be paged, and
 *           why), kpagedws.c (what leaves memory), kpaged_va.c (the
 *           addresses), vm/object/anon.c, vm/design/fmo/fmo.c.  Book: ch14.
 */
#include "vm/frame/frame.h"
#include "vm/kpaged/kpaged.h"
#include "vm/space/space.h"
#include "vm/swap/swap.h"

#define DECOMMIT_ROUND 32 /* pages of one flush */

/* What a look at a page that shall be pinned has found. */
enum pin_found {
	PIN_DONE,      /* it is pinned */
	PIN_NO_ZEROS,  /* give a frame full of zeros */
	PIN_NO_FRAME,  /* give a frame, to be read into */
	PIN_READING,   /* wait for ask->page */
	PIN_NO_BIO,
	PIN_AGAIN
};

struct pin_ask {
	va_t kva;
	uint64_t *word;
	struct vm_page *frame;  /* to use, or NULL */
	bool zeroed;            /* of frame: all bytes 0 */
	bool found_only;        /* what is nowhere is not made */
	bool read;              /* it was waited for a read */
	struct vm_page *held;   /* pinned while it is read: the last went away again */
	struct vm_page *page;   /* the answer */
};

static uint64_t *kernel_word(va_t kva);
static int pin(struct pin_ask *ask, struct vm_page **out);
static enum pin_found pin_look(struct pin_ask *ask);
static enum pin_found pin_new(struct pin_ask *ask, uint64_t was);
static enum pin_found pin_read(struct pin_ask *ask);
static void let_go_of_read(struct pin_ask *ask);
static int pin_satisfy(struct pin_ask *ask, enum pin_found found);
static void map_word(uint64_t *word, struct vm_page *pg);
static void decommit_round(va_t kva, size_t pages);
static unsigned clear_words(va_t kva, size_t pages, struct vm_page **gone,
    bool *used);
static void fill_lost(uint64_t *words, unsigned n, enum container_kind kind);

/*
 * The addresses; words are guarded by kernel_as.ws_lock, rank 6.
 *
 * Locks:    none; once, by vm_init().
 */
void
kpaged_init(void)
{
	kpaged_va_init();
}

/*
 * A range of kernel paged memory: demand-zero, not charged.
 *
 * Locks:    none of rank >= 3.
 * Owns:     the caller, until kpaged_free().
 * Returns:  its address; 0: no memory for the books or tables, or FI_KPAGED.
 */
va_t
kpaged_alloc(size_t pages)
{
	va_t kva;

	ASSERT(pages > 0);
	if (inject_hit(FI_KPAGED))
		return 0;
	kva = kpaged_va_alloc(pages);
	if (kva != 0)
		EVENT(kpaged_alloc, kva, pages);
	return kva;
}

/*
 * Frames and addresses go back.
 *
 * Locks:    none of rank >= 3.
 */
void
kpaged_free(va_t kva, size_t pages)
{
	kpaged_decommit(kva, pages);
	EVENT(kpaged_free, kva, pages);
	kpaged_va_free(kva, pages);
}

static uint64_t *
kernel_word(va_t kva)
{
	uint64_t *word = md_kpte(kva);

	ASSERT(kva - MD_KPAGED_BASE < MD_KPAGED_SIZE);
	if (word == NULL)
		panic("kpaged: %lx is not allocated", kva);
	return word;
}

/* ---- pins ---- */

/*
 * Hold the page of kva if it is in memory.
 *
 * Locks:    any of rank < 8; takes [P].
 * Owns:     the caller, a pin: kpaged_unpin().
 * Returns:  the page; NULL: kpaged_pin() with no lock of rank >= 3.
 */
struct vm_page *
kpaged_trypin(va_t kva)
{
	struct vm_page *pg = NULL;
	uint64_t *word = kernel_word(kva);
	enum pte_kind kind;
	uint64_t w;

	if (inject_hit(FI_TRYPIN)) {
		EVENT(kpaged_trypin_fail);
		return NULL;
	}
	spin_lock(&pfn_lock);
	w = word_get(word);
	kind = pte_kind(w);
	if (kind == PTE_VALID || kind == PTE_TRANS) {
		pg = pte_page(w);
		ASSERT(page_home_kind(pg) == HOME_KPAGED);
		ASSERT(page_home_payload(pg) == word_pa(word));
		page_pin_locked(pg);
	}
	/* Used by the direct map, where no A bit tells. */
	if (kind == PTE_VALID && (w & PTE_AGE_MASK) != 0)
		word_change(word, PTE_AGE_MASK, 0);
	spin_unlock(&pfn_lock);
	if (pg == NULL)
		EVENT(kpaged_trypin_fail);
	return pg;
}

/*
 * Hold the page of kva: made (all zero) if it never was, read if it is on swap.
 *
 * Locks:    none of rank >= 3 but what is below the kernel [W].
 * Context:  thread, sleeps while there is no frame, and for the read.
 * Owns:     the caller, a pin in *out.
 * Returns:  0, -EINTR (fatal signal while waiting).
 */
int
kpaged_pin(va_t kva, struct vm_page **out)
{
	struct pin_ask ask = { .kva = kva, .word = kernel_word(kva) };

	return pin(&ask, out);
}

/*
 * The same for a page that its owner may have freed since we looked: at an
 * address that nobody has, or has anew, no page may be made.
 *
 * Locks, Context: as kpaged_pin().
 * Owns:     the caller, a pin in *out; NULL: there is no page.
 * Returns:  0, -EINTR.
 */
int
kpaged_bring(va_t kva, struct vm_page **out)
{
	struct pin_ask ask = { .kva = kva, .word = kernel_word(kva),
		.found_only = true };

	return pin(&ask, out);
}

/*
 * The same for a plain access; *read: it had to be waited for I/O.
 *
 * Locks, Context, Owns, Returns:  as kpaged_pin().
 */
int
kpaged_pin_touched(va_t kva, struct vm_page **out, bool *read)
{
	struct pin_ask ask = { .kva = kva, .word = kernel_word(kva) };
	int r = pin(&ask, out);

	*read = ask.read;
	return r;
}

static int
pin(struct pin_ask *ask, struct vm_page **out)
{
	enum pin_found found;
	int r = 0;

	EVENT(kpaged_pin);
	for (;;) {
		mutex_lock(&kernel_as.ws_lock);
		found = pin_look(ask);
		mutex_unlock(&kernel_as.ws_lock);
		if (found == PIN_DONE || r != 0)
			break;
		r = pin_satisfy(ask, found);
	}
	if (ask->frame != NULL)
		page_free(ask->frame);
	let_go_of_read(ask);
	*out = found == PIN_DONE ? ask->page : NULL;
	return found == PIN_DONE ? 0 : r;
}

/* One look.  Kernel [W]. */
static enum pin_found
pin_look(struct pin_ask *ask)
{
	enum pin_found found = PIN_DONE;
	uint64_t w;

	spin_lock(&pfn_lock);
	w = word_get(ask->word);
	ask->page = pte_names_frame(w) ? pte_page(w) : NULL;
	switch (pte_kind(w)) {
	case PTE_VALID:
		break;
	case PTE_TRANS:
		map_word(ask->word, ask->page);
		break;
	case PTE_ABSENT:
		if (!ask->found_only)
			found = pin_new(ask, w);
		break;
	case PTE_ERROR:
		found = pin_new(ask, w);
		break;
	case PTE_BUSY:
		found = PIN_READING;
		break;
	case PTE_SWAP:
		found = PIN_AGAIN;
		break;
	case PTE_FORK:
		panic("kpaged: word %lx at %lx", w, ask->kva);
	}
	if (found == PIN_DONE && ask->page != NULL)
		page_pin_locked(ask->page);
	spin_unlock(&pfn_lock);
	/* Under the kernel [W] nobody else takes it from SWAP to another kind. */
	return pte_kind(w) == PTE_SWAP ? pin_read(ask) : found;
}

/* The first page there, or in place of one that could not be read.  [P]. */
static enum pin_found
pin_new(struct pin_ask *ask, uint64_t was)
{
	if (ask->frame == NULL)
		return PIN_NO_ZEROS;
	if (!ask->zeroed)
		page_zero(ask->frame);
	ask->page = ask->frame;
	ask->frame = NULL;
	page_adopt_locked(ask->page, HOME_KPAGED, word_pa(ask->word),
	    (ask->kva - MD_KPAGED_BASE) >> PAGE_SHIFT);
	map_word(ask->word, ask->page);
	if (was == 0) {
		EVENT_ADD(kpaged_pages, 1);
	} else {
		owner_count_out(HOME_KPAGED, NULL, -1);
		ask->page->flags |= PF_ERROR;
	}
	return PIN_DONE;
}

/* Begin to read it, and what lies behind it. */
static enum pin_found
pin_read(struct pin_ask *ask)
{
	unsigned i = word_pa(ask->word) % PAGE_SIZE / sizeof(*ask->word);
	const struct swap_words w = { .word = ask->word, .step = 1,
		.max = MD_PT_WORDS - i, .home = HOME_KPAGED,
		.pin = ask->read && ask->held == NULL,
		.index = (ask->kva - MD_KPAGED_BASE) >> PAGE_SHIFT };

	if (ask->frame == NULL)
		return PIN_NO_FRAME;
	switch (swap_in(&w, &ask->frame, &ask->page)) {
	case SWAPIN_STARTED:
		if (w.pin) {
			ask->held = ask->page;
			EVENT(swap_in_pinned);
		}
		return PIN_READING;
	case SWAPIN_CHANGED:
		return PIN_AGAIN;
	case SWAPIN_NOBIO:
		return PIN_NO_BIO;
	}
	panic("kpaged: swap_in of %lx", ask->kva);
}

static void
let_go_of_read(struct pin_ask *ask)
{
	if (ask->held != NULL)
		page_unpin(ask->held);
	ask->held = NULL;
}

/* Get what the look has missed, without locks.  0, -EINTR. */
static int
pin_satisfy(struct pin_ask *ask, enum pin_found found)
{
	EVENT(kpaged_pinwait, ask->kva);
	switch (found) {
	case PIN_DONE:
	case PIN_AGAIN:
		break;
	case PIN_NO_ZEROS: /* it could not be read */
		let_go_of_read(ask);
		ask->zeroed = true;
		return page_alloc_wait(PHYS_ZEROED, &ask->frame);
	case PIN_NO_FRAME:
		let_go_of_read(ask);
		ask->zeroed = false;
		return page_alloc_wait(PHYS_ANY, &ask->frame);
	case PIN_READING:
		ask->read = true;
		return page_wait(ask->page);
	case PIN_NO_BIO:
		return swap_wait();
	}
	return 0;
}

/*
 * A and D stay clear: who has pinned it uses the direct map and says at unpin
 * that it wrote.  Kernel [W], [P].
 */
static void
map_word(uint64_t *word, struct vm_page *pg)
{
	uint64_t w = pte_make_valid(pg, SRC_PRIV, MD_PTE_W | MD_PTE_NX);

	page_map_locked(pg);
	word_set_locked(NULL, word, w & ~MD_PTE_U);
	kernel_as.ws_pages++;
}

/*
 * Locks:    not [P].
 */
void
kpaged_unpin(struct vm_page *pg)
{
	page_unpin(pg);
}

/*
 * The same; the page was written to.
 *
 * Locks:    not [P].
 */
void
kpaged_unpin_dirty(struct vm_page *pg)
{
	page_unpin_dirty(pg);
}

void
kpaged_unpin_written(struct vm_page *pg, bool written)
{
	page_unpin_written(pg, written);
}

/*
 * Is the page of kva in memory?  Then it is mapped, and stays so while the kernel
 * [W] is held: vm_check() reads what lies there by its address.
 *
 * Locks:    the kernel [W]; takes [P].
 */
bool
kpaged_hold_mapped(va_t kva)
{
	uint64_t *word = kernel_word(kva);

	ASSERT(mutex_is_mine(&kernel_as.ws_lock));
	spin_lock(&pfn_lock);
	if (pte_kind(word_get(word)) == PTE_TRANS)
		map_word(word, pte_page(word_get(word)));
	spin_unlock(&pfn_lock);
	return pte_kind(word_get(word)) == PTE_VALID;
}

/*
 * Is the page of kva in memory now?  A hint without locks.
 *
 * Locks:    none.
 */
bool
kpaged_is_resident(va_t kva)
{
	uint64_t *word = md_kpte(kva);

	return word != NULL && pte_names_frame(word_get(word));
}

/*
 * Is it on swap now, or lost there?  A hint without locks.
 *
 * Locks:    none.
 */
bool
kpaged_is_out(va_t kva)
{
	uint64_t *word = md_kpte(kva);
	uint64_t w = word == NULL ? 0 : word_get(word);

	return w != 0 && !pte_names_frame(w);
}

/* ---- decommit ---- */

/*
 * The frames of a range go back; the addresses stay and read as zero again.
 *
 * Locks:    none of rank >= 6.
 */
void
kpaged_decommit(va_t kva, size_t pages)
{
	size_t n;

	while (pages > 0) {
		n = MIN(pages, (size_t)DECOMMIT_ROUND);
		mutex_lock(&kernel_as.ws_lock);
		decommit_round(kva, n);
		mutex_unlock(&kernel_as.ws_lock);
		kva += n << PAGE_SHIFT;
		pages -= n;
	}
}

static void
decommit_round(va_t kva, size_t pages)
{
	struct vm_page *gone[DECOMMIT_ROUND];
	bool used = false, last;
	unsigned i, n;

	n = clear_words(kva, pages, gone, &used);
	if (used)
		md_tlb_flush(NULL, kva, kva + (pages << PAGE_SHIFT), FLUSH_PAGES);
	for (i = 0; i < n; i++) {
		spin_lock(&pfn_lock);
		ASSERT(gone[i]->nres == 0);
		last = page_zap_locked(gone[i]);
		spin_unlock(&pfn_lock);
		if (last)
			page_free(gone[i]);
	}
	EVENT_ADD(kpaged_pages, -(int64_t)n);
}

/*
 * A word that was not VALID is 0 now: what it named goes.  In the same hold of
 * [P], for a page without an owner may not be found on a queue.
 *
 * Returns:  true: the caller frees the frame.
 */
static bool
drop_unmapped(uint64_t w)
{
	if (pte_names_frame(w)) {
		ASSERT(pte_page(w)->nres == 0);
		EVENT_ADD(kpaged_pages, -1);
		return page_disown_locked(pte_page(w));
	}
	if (w == 0)
		return false;
	if (pte_kind(w) == PTE_SWAP)
		swap_free(swap_slot(w));
	EVENT_ADD(kpaged_pages_out, -1);
	return false;
}

/*
 * Clear the words; those pages that were mapped go after the flush, *used: which
 * is needed.  Kernel [W].
 */
static unsigned
clear_words(va_t kva, size_t pages, struct vm_page **gone, bool *used)
{
	unsigned n = 0;
	uint64_t w;
	size_t i;
	bool last;

	for (i = 0; i < pages; i++) {
		uint64_t *word = kernel_word(kva + (i << PAGE_SHIFT));

		if (word_get(word) == 0)
			continue;
		spin_lock(&pfn_lock);
		w = word_set_locked(NULL, word, 0);
		last = (w & MD_PTE_P) == 0 && drop_unmapped(w);
		spin_unlock(&pfn_lock);
		if (last)
			page_free(pte_page(w));
		if ((w & MD_PTE_P) == 0)
			continue;
		gone[n++] = pte_page(w);
		kernel_as.ws_pages--;
		*used |= (w & MD_PTE_A) != 0;
	}
	return n;
}

/* ---- containers ---- */

/*
 * A pinned page is going to hold owning words: count what it holds.  Its
 * descriptor may be new, the words of a page that was away name no frames.  The
 * first n words may have been in use; the rest lies beyond the end.
 *
 * Locks:    the container's ([W], [F] or [O]); takes [P].  Two users of one page
 *           may come at once: the first one counts, before any word changes.
 * Returns:  true: it could not be read, and all its words say so now.
 */
bool
container_attach(struct vm_page *pg, enum container_kind kind, unsigned n)
{
	uint64_t *words = pa2va(page_pa(pg));
	unsigned i, step = kind == KIND_FMO ? 2 : 1;
	uint16_t used = 0;
	bool lost = false;

	if ((atomic_load(&pg->flags) & PF_CONTAINER) != 0)
		return false;
	spin_lock(&pfn_lock);
	ASSERT(pg->pins > 0);
	if ((pg->flags & PF_CONTAINER) == 0) {
		lost = page_hides_loss(pg);
		if (lost)
			fill_lost(words, n, kind);
		for (i = 0; i < MD_PT_WORDS; i += step)
			used = (uint16_t)(used + (words[i] != 0 &&
			    words[i] != AOBJ_LOST));
		pg->nres = 0;
		pg->nused = used;
		pg->flags |= PF_CONTAINER;
		pg->flags &= (uint8_t)~PF_ERROR;
	}
	spin_unlock(&pfn_lock);
	return lost;
}

/* Each word was perhaps in use: whoever asks for its page gets an error. */
static void
fill_lost(uint64_t *words, unsigned n, enum container_kind kind)
{
	uint64_t error = pte_make_soft(PTE_ERROR, 0) |
	    (uint64_t)EIO << PTE_ERRNO_SHIFT;
	unsigned i;

	for (i = 0; i < n; i++)
		switch (kind) {
		case KIND_TABLE:
		case KIND_AOBJ:
			words[i] = error;
			break;
		case KIND_AOBJ_UPPER:
			words[i] = AOBJ_LOST;
			break;
		case KIND_FMO: /* word, then refs and tag */
			words[i] = i % 2 == 0 ? error : FMO_REFS_LOST;
			break;
		}
}
