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
 *                     │ TRANS: trimmed (kpaged_trim.c), on a queue or pinned again
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
 */
#include "vm/frame/frame.h"
#include "vm/kpaged/kpaged.h"
#include "vm/space/space.h"
#include "vm/swap/swap.h"
#include "vm/vm.h"
#include "vm/want/want.h"

#define DECOMMIT_ROUND 32 /* pages of one flush */

/* A page that shall be pinned. */
struct pin_ask {
	va_t kva;
	uint64_t *word;
	bool found_only;        /* what is nowhere is not made */
	bool read;              /* it was waited for a read */
	struct vm_page *page;   /* the answer, pinned; NULL: found_only, and nowhere */
};

static int pin(struct pin_ask *ask, struct want *w);
static int pin_pass(struct pin_ask *ask, struct want *w);
static int pin_found(struct pin_ask *ask, struct want *w);
static int pin_new(struct pin_ask *ask, struct want *w, uint64_t was);
static int pin_read(struct pin_ask *ask, struct want *w);
static void map_word(uint64_t *word, struct vm_page *pg);
static void decommit_round(va_t kva, size_t pages);
static unsigned clear_words(va_t kva, size_t pages, struct vm_page **gone,
    bool *used);
static void fill_lost(uint64_t *words, unsigned n, enum container_kind kind);

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

/* Used by the direct map, where no A bit tells: the page is young.  [P]. */
static void
note_use(uint64_t *word, uint64_t w)
{
	if ((w & MD_PTE_P) != 0 && (w & PTE_AGE_MASK) != 0)
		word_change(word, PTE_AGE_MASK, 0);
}

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
		ASSERT(pg->home == ((uint64_t)HOME_KPAGED << 60 | va2pa(word)));
		page_pin_locked(pg);
	}
	note_use(word, w);
	spin_unlock(&pfn_lock);
	if (pg == NULL)
		EVENT(kpaged_trypin_fail);
	return pg;
}

/*
 * The bytes of the page of kva, to be read: no pin, they stay while [P] is held.
 *
 * Locks:    [P].
 * Returns:  by the direct map; NULL: it is not in memory.
 */
const void *
kpaged_peek(va_t kva)
{
	uint64_t *word = kernel_word(kva), w = word_get(word);
	enum pte_kind kind = pte_kind(w);

	ASSERT(spin_is_mine(&pfn_lock));
	if (kind != PTE_VALID && kind != PTE_TRANS)
		return NULL;
	note_use(word, w);
	return pa2va(page_pa(pte_page(w)));
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
	struct want w = { .what = WANT_AGAIN };
	int r = pin(&ask, &w);

	want_end(&w);
	*out = ask.page;
	return r;
}

/*
 * The same for a plain access, to the end, dying or not; *read: it had to be
 * waited for I/O.
 *
 * Locks, Context: as kpaged_pin().
 * Owns:     the caller, a pin on the result.
 */
struct vm_page *
kpaged_pin_touched(va_t kva, bool *read)
{
	struct pin_ask ask = { .kva = kva, .word = kernel_word(kva) };
	struct want w = { .what = WANT_AGAIN };

	vm_finish_begin();
	CHECK(pin(&ask, &w) == 0);
	vm_finish_end();
	want_end(&w);
	*read = ask.read;
	return ask.page;
}

/*
 * want.get: the page at w->kva.  Its owner may have freed it since we looked: at
 * an address that nobody has, or has anew, no page may be made.
 */
static int
want_kpage(struct want *w)
{
	struct pin_ask ask = { .kva = w->kva, .word = kernel_word(w->kva),
		.found_only = true };
	int r = pin(&ask, w);

	if (w->kpage != NULL)
		page_unpin(w->kpage);
	w->kpage = ask.page;
	return r;
}

/*
 * A pass needs the page of kva under a lock, and kpaged_trypin() has not got it.
 * The next pass finds it in w->kpage, or that is NULL: there is none any more.
 *
 * Locks:    any.
 * Returns:  -EAGAIN.
 */
int
kpaged_want(struct want *w, va_t kva)
{
	return want_other(w, want_kpage, kva);
}

/*
 * Bring the page of kva, which was looked up under locks that have been dropped.
 *
 * Locks, Context: as kpaged_pin().
 * Owns:     the caller, a pin in *out; NULL: there is no page any more.
 * Returns:  0, -EINTR.
 */
int
kpaged_bring(va_t kva, struct vm_page **out)
{
	struct want w = { .kva = kva };
	int r = want_kpage(&w);

	*out = w.kpage;
	w.kpage = NULL;
	want_end(&w);
	return r;
}

static int
pin(struct pin_ask *ask, struct want *w)
{
	int r;

	EVENT(kpaged_pin);
	do {
		mutex_lock(&kernel_as.ws_lock);
		r = pin_pass(ask, w);
		mutex_unlock(&kernel_as.ws_lock);
		if (r != -EAGAIN)
			break;
		EVENT(kpaged_pinwait, ask->kva);
		ask->read |= w->what == WANT_PAGE;
		r = want_get(w);
	} while (r == 0);
	return r;
}

/* Only TRANS and BUSY change without the kernel [W], which is held. */
static int
pin_pass(struct pin_ask *ask, struct want *w)
{
	uint64_t word = word_get(ask->word);

	switch (pte_kind(word)) {
	case PTE_VALID:
	case PTE_TRANS:
		return pin_found(ask, w);
	case PTE_ABSENT:
		return ask->found_only ? 0 : pin_new(ask, w, word);
	case PTE_ERROR:
		return pin_new(ask, w, word);
	case PTE_BUSY:
		return want_page(w, pte_page(word));
	case PTE_SWAP:
		return pin_read(ask, w);
	case PTE_FORK:
		break;
	}
	panic("kpaged: word %lx at %lx", word, ask->kva);
}

static int
pin_found(struct pin_ask *ask, struct want *w)
{
	uint64_t word;

	spin_lock(&pfn_lock);
	word = word_get(ask->word);
	if (pte_kind(word) == PTE_VALID || pte_kind(word) == PTE_TRANS)
		ask->page = pte_page(word);
	if (pte_kind(word) == PTE_TRANS)
		map_word(ask->word, ask->page);
	if (ask->page != NULL)
		page_pin_locked(ask->page);
	spin_unlock(&pfn_lock);
	return ask->page != NULL ? 0 : want_again(w);
}

/* The first page there, or in place of one that could not be read. */
static int
pin_new(struct pin_ask *ask, struct want *w, uint64_t was)
{
	if (!want_zeros(w))
		return -EAGAIN;
	ask->page = w->frame;
	w->frame = NULL;
	spin_lock(&pfn_lock);
	page_adopt_locked(ask->page, HOME_KPAGED, word_pa(ask->word),
	    (ask->kva - MD_KPAGED_BASE) >> PAGE_SHIFT);
	map_word(ask->word, ask->page);
	page_pin_locked(ask->page);
	if (was == 0) {
		EVENT_ADD(kpaged_pages, 1);
	} else {
		owner_count_out(HOME_KPAGED, NULL, -1);
		ask->page->flags |= PF_ERROR;
	}
	spin_unlock(&pfn_lock);
	return 0;
}

/* Begin to read it, and what lies behind it; what has gone again is held now. */
static int
pin_read(struct pin_ask *ask, struct want *w)
{
	unsigned i = word_pa(ask->word) % PAGE_SIZE / sizeof(*ask->word);
	const struct swap_words words = { .word = ask->word, .step = 1,
		.max = MD_PT_WORDS - i, .home = HOME_KPAGED, .pin = ask->read,
		.index = (ask->kva - MD_KPAGED_BASE) >> PAGE_SHIFT };

	(void)want_swap_in(w, &words);
	return -EAGAIN;
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
	bool used = false;
	unsigned i, n;

	n = clear_words(kva, pages, gone, &used);
	if (used)
		md_tlb_flush(NULL, kva, kva + (pages << PAGE_SHIFT), FLUSH_PAGES);
	for (i = 0; i < n; i++) {
		spin_lock(&pfn_lock);
		ASSERT(gone[i]->nres == 0);
		page_unlock_free(gone[i], page_zap_locked(gone[i]));
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

	for (i = 0; i < pages; i++) {
		uint64_t *word = kernel_word(kva + (i << PAGE_SHIFT));

		if (word_get(word) == 0)
			continue;
		spin_lock(&pfn_lock);
		w = word_set_locked(NULL, word, 0);
		page_unlock_free(pte_page(w),
		    (w & MD_PTE_P) == 0 && drop_unmapped(w));
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
 * first n words may have been in use; the rest lies beyond the end, where only
 * an anonymous object has pages.
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
	unsigned end = kind == KIND_FMO ? n : MD_PT_WORDS;
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
		for (i = 0; i < end; i += step)
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
