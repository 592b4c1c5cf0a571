/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kpaged.c: pageable kernel memory: its pages are pinned, and trimmed
 *
 * Problem   Tables that describe memory (entries of forked objects, tables of
 *           anonymous objects) are large when they describe much, and unused
 *           when that memory is unused.  They live in pageable memory; so a
 *           thread that needs one under a lock must pin it first.  When the
 *           pages that it describes are all on swap, the table itself only
 *           takes up a frame, and must be able to go to swap as well.
 *
 * Picture   1 TiB of kernel addresses: kpaged page number = (kva - base) / 4096
 *
 *           kva ─→ kernel PTE ─ TRANS, VALID ─→ page, home KPAGED, one pin per user
 *                     │ ABSENT: zero-filled by the first pin
 *                     │ SWAP, BUSY: kpaged_pin() reads it and waits
 *           the bytes are read and written by the direct map while pinned
 *
 *           under rank >= 5:  kpaged_trypin(kva) ── page
 *                                     └─ NULL: drop to rank 2, kpaged_pin(kva),
 *                                        which may sleep, and start again (R2)
 *
 *           plain access ─→ kpaged_fault ─→ VALID ─ kpaged_trim, A clear ─→ TRANS
 *           TRANS, no pin, nres 0 ─ kpaged_trim ─→ MODIFIED or STANDBY
 *                      mpw writes, the frame is reclaimed ─→ word SWAP(slot)
 *
 * Rules     1. Kernel PTEs change under [P], and all changes but that to SWAP
 *              also under the kernel [W] (rank 6); trypin reads with [P] only.
 *           2. A container leaves memory only when nres == 0.  Its counts
 *              go with it: its users call container_attach() after each pin.
 *           3. Pins map nothing: only a plain access does, where it is allowed
 *              (kpagedfault.c), and only VADs are used so.  A container that is
 *              pinned leaves its queue, and stays until the next kpaged_trim().
 *           4. Addresses are not charged; pages are, by the user of the range.
 *           5. A page that could not be read from swap comes back empty, with
 *              PF_ERROR; a container is filled with words that say ERROR.
 *           6. A word is made VALID with A set, and when A is cleared a flush
 *              follows in the same hold of the kernel [W].  So a translation whose
 *              A is clear is in no TLB, and goes without a flush; one that was
 *              used meanwhile stays.
 *           7. A plain store is noticed by D; one by the direct map is reported
 *              at the unpin.
 */
#include "vm/kpaged/kpaged.h"

/* A request to pin a page. */
struct pin_request {
	va_t kva;
	uint64_t *word;
	bool found_only;        /* do not make a page that does not exist */
	bool read;              /* the request has waited for a read */
	struct vm_page *page;   /* the answer, pinned; NULL: found_only, and nowhere */
};

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

/* The page that the word names, mapped or not.  [P].  NULL: it is not in memory. */
static inline struct vm_page *
page_named(const uint64_t *word)
{
	uint64_t w = word_get(word);

	return pte_is_trans(w) || (w & MD_PTE_P) != 0 ? pte_page(w) : NULL;
}

/* That page, pinned.  Takes [P]. */
static inline __attribute__((always_inline)) struct vm_page *
pin_named(const uint64_t *word)
{
	struct vm_page *pg;

	spin_lock(&pfn_lock);
	pg = page_named(word);
	ASSERT(pg == NULL ||
	    pg->home == ((uint64_t)HOME_KPAGED << 60 | va2pa(word)));
	if (pg != NULL)
		page_pin_locked(pg);
	spin_unlock(&pfn_lock);
	return pg;
}

/* Pin the page of kva if it is in memory.
 * Locks: any of rank < 8; takes [P].
 * Owns: the caller, a pin: kpaged_unpin().
 * Returns: the page; NULL: kpaged_pin() with no lock of rank >= 3. */
struct vm_page *
kpaged_trypin(va_t kva)
{
	struct vm_page *pg = inject_hit(FI_TRYPIN) ? NULL :
	    pin_named(kernel_word(kva));

	if (pg == NULL)
		EVENT(kpaged_trypin_fail);
	return pg;
}

/* The bytes of the page of kva, to read: no pin, they stay while [P] is held.
 * Locks: [P].  Returns: by the direct map; NULL: it is not in memory. */
const void *
kpaged_peek(va_t kva)
{
	const struct vm_page *pg = page_named(kernel_word(kva));

	HELD(&pfn_lock);
	return pg == NULL ? NULL : pa2va(page_pa(pg));
}

/* Begin to read it, and pages behind it; a page that was reclaimed before its use is
 * pinned this time. */
static int
pin_read(struct pin_request *req, struct want *w)
{
	unsigned i = word_pa(req->word) % PAGE_SIZE / sizeof(*req->word);
	const struct swap_words words = { .word = req->word, .step = 1,
		.max = MD_PT_WORDS - i, .home = HOME_KPAGED, .pin = req->read,
		.index = (req->kva - MD_KPAGED_BASE) >> PAGE_SHIFT };

	(void)want_swap_in(w, &words);
	return -EAGAIN;
}

static int
pin_found(struct pin_request *req, struct want *w)
{
	req->page = pin_named(req->word);
	return req->page != NULL ? 0 : want_again(w);
}

/* Map the page of a TRANS word for plain accesses.  Kernel [W], [P]. */
static void
map_word(uint64_t *word)
{
	struct vm_page *pg = pte_page(word_get(word));

	page_map_locked(pg);
	word_set_locked(NULL, word, pte_make_valid(pg, SRC_PRIV,
	    MD_PTE_W | MD_PTE_NX | MD_PTE_A) & ~MD_PTE_U);
	kernel_as.ws.pages++;
}

/* Make the first page there, or the replacement of one that could not be read, which
 * stays mapped until somebody is told. */
static int
pin_new(struct pin_request *req, struct want *w, uint64_t was)
{
	struct vm_page *pg;

	if (!want_zeros(w))
		return -EAGAIN;
	req->page = pg = w->frame;
	w->frame = NULL;
	pg->flags = was == 0 ? 0 : PF_ERROR;
	spin_lock(&pfn_lock);
	page_adopt_locked(pg, HOME_KPAGED, word_pa(req->word),
	    (req->kva - MD_KPAGED_BASE) >> PAGE_SHIFT);
	page_pin_locked(pg);
	word_set_locked(NULL, req->word, pte_make_trans(pg));
	if (was == 0) {
		EVENT_ADD(kpaged_pages, 1);
	} else {
		owner_count_out(HOME_KPAGED, NULL, -1);
		map_word(req->word);
	}
	spin_unlock(&pfn_lock);
	return 0;
}

/* Only TRANS and BUSY change without the kernel [W], which is held. */
static int
pin_pass(struct pin_request *req, struct want *w)
{
	uint64_t word = word_get(req->word);

	switch (pte_kind(word)) {
	case PTE_VALID:
	case PTE_TRANS:
		return pin_found(req, w);
	case PTE_ABSENT:
		return req->found_only ? 0 : pin_new(req, w, word);
	case PTE_ERROR:
		return pin_new(req, w, word);
	case PTE_BUSY:
		return want_page(w, pte_page(word));
	case PTE_SWAP:
		return pin_read(req, w);
	case PTE_FORK:
		break;
	}
	panic("kpaged: word %lx at %lx", word, req->kva);
}

static int
pin(struct pin_request *req, struct want *w)
{
	int r;

	EVENT(kpaged_pin);
	do {
		mutex_lock(&kernel_as.ws_lock);
		r = pin_pass(req, w);
		mutex_unlock(&kernel_as.ws_lock);
		if (r != -EAGAIN)
			break;
		EVENT(kpaged_pinwait, req->kva);
		req->read |= w->what == WANT_PAGE;
		r = want_get(w);
	} while (r == 0);
	return r;
}

/* Pin the page of kva: it is made (all zero) if it does not exist, read if it is on swap.
 * Locks: none of rank >= 3 except those below the kernel [W].
 * Context: thread, sleeps while there is no frame, and for the read.
 * Owns: the caller, a pin in *out.
 * Returns: 0, -EINTR (fatal signal while waiting). */
int
kpaged_pin(va_t kva, struct vm_page **out)
{
	struct pin_request req = { .kva = kva, .word = kernel_word(kva) };
	struct want w = { .what = WANT_AGAIN };
	int r = pin(&req, &w);

	want_end(&w);
	*out = req.page;
	return r;
}

/* want.get: the page at w->kva.  Its owner may have freed it meanwhile: at a free or
 * reused address no page may be made. */
static int
want_kpage(struct want *w)
{
	struct pin_request req = { .kva = w->kva, .word = kernel_word(w->kva),
		.found_only = true };
	int r = pin(&req, w);

	if (w->kpage != NULL)
		page_unpin(w->kpage);
	w->kpage = req.page;
	return r;
}

/* A pass needs the page of kva under a lock, and kpaged_trypin() has failed.  The next
 * pass finds it in w->kpage; NULL there: it exists no more.
 * Locks: any.  Returns: -EAGAIN. */
int
kpaged_want(struct want *w, va_t kva)
{
	return want_other(w, want_kpage, kva);
}

/* Is the page of kva in memory?  Then map it for plain accesses; it stays mapped while
 * the kernel [W] is held.
 * Locks: the kernel [W]; takes [P]. */
bool
kpaged_hold_mapped(va_t kva)
{
	uint64_t *word = kernel_word(kva);

	HELD(&kernel_as.ws_lock);
	spin_lock(&pfn_lock);
	if (pte_is_trans(word_get(word)))
		map_word(word);
	spin_unlock(&pfn_lock);
	return pte_kind(word_get(word)) == PTE_VALID;
}

bool
kpaged_is_resident(va_t kva)
{
	uint64_t *word = md_kpte(kva);

	return word != NULL && pte_names_frame(word_get(word));
}

bool
kpaged_is_out(va_t kva)
{
	uint64_t *word = md_kpte(kva);
	uint64_t w = word == NULL ? 0 : word_get(word);

	return w != 0 && !pte_names_frame(w);
}

/* ---- decommit ---- */

/* A word that was not VALID is 0 now: free the page or slot that it named.  In the same
 * hold of [P], for a queue may not have pages without an owner.
 * Returns: true: the caller frees the frame. */
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

/* The kernel [W] is held. */
static void
decommit_page(va_t kva)
{
	uint64_t *word = kernel_word(kva), w;

	if (word_get(word) == 0)
		return;
	spin_lock(&pfn_lock);
	w = word_set_locked(NULL, word, 0);
	page_unlock_free(pte_page(w), (w & MD_PTE_P) == 0 && drop_unmapped(w));
	if ((w & MD_PTE_P) == 0)
		return;
	kernel_as.ws.pages--;
	if ((w & MD_PTE_A) != 0)
		md_tlb_flush(NULL, kva, kva + PAGE_SIZE, FLUSH_PAGES);
	spin_lock(&pfn_lock);
	ASSERT(pte_page(w)->nres == 0);
	page_unlock_free(pte_page(w), page_zap_locked(pte_page(w)));
	EVENT_ADD(kpaged_pages, -1);
}

/* Free the frames of a range; the addresses stay and read as zero again.
 * Locks: none of rank >= 6. */
void
kpaged_decommit(va_t kva, size_t pages)
{
	mutex_lock(&kernel_as.ws_lock);
	for (; pages > 0; pages--, kva += PAGE_SIZE)
		decommit_page(kva);
	mutex_unlock(&kernel_as.ws_lock);
}

/* The next word that is not 0 in [*kva, end), *kva moves to it.
 * Locks: the kernel [W], or the caller reads the word again under it.
 * Returns: NULL: there is none. */
uint64_t *
kpaged_next_word(va_t *kva, va_t end)
{
	uint64_t *word;

	for (; *kva < end; *kva += PAGE_SIZE) {
		word = md_kpte(*kva);
		if (word == NULL)
			*kva |= (1ul << 21) - PAGE_SIZE;
		else if (word_get(word) != 0)
			return word;
	}
	return NULL;
}

/* ---- trimming ---- */

/* VALID, A clear → TRANS; a page that was used between the look and the exchange stays
 * VALID, and one that could not be read, too.  Kernel [W]. */
static void
unmap_unused(va_t kva, uint64_t *word)
{
	struct vm_page *pg = pte_page(word_get(word));
	uint64_t w;

	if (page_hides_loss(pg))
		return;
	spin_lock(&pfn_lock);
	w = word_set_locked(NULL, word, pte_make_trans(pg));
	if ((w & MD_PTE_A) != 0) {
		word_set_locked(NULL, word, w);
	} else {
		kernel_as.ws.pages--;
		EVENT(kpaged_out, kva, 1);
		CHECK(!page_unmap_locked(pg, word_dirt(w)));
	}
	spin_unlock(&pfn_lock);
}

/* A container goes to its queue if it is neither mapped nor pinned, and its words name no
 * frame.
 * Locks: takes [P].  Returns: it has gone there. */
bool
kpaged_rest(const uint64_t *word)
{
	bool goes;
	struct vm_page *pg;

	spin_lock(&pfn_lock);
	pg = pte_page(word_get(word));
	goes = pte_is_trans(word_get(word)) && pg->state == PG_ACTIVE &&
	    pg->pins == 0 && pg->nres == 0;
	if (goes)
		page_rest(pg);
	spin_unlock(&pfn_lock);
	return goes;
}

/* Pages that no plain access has used since the last call, and containers, go to a queue.
 * They keep their contents.
 * Locks: none of rank >= 6.
 * Returns: how many. */
size_t
kpaged_trim(void)
{
	const uint64_t used = MD_PTE_P | MD_PTE_A;
	va_t kva = MD_KPAGED_BASE, top = kpaged_top;
	bool flush = false;
	size_t done = 0;
	uint64_t *word;

	mutex_lock(&kernel_as.ws_lock);
	for (; (word = kpaged_next_word(&kva, top)) != NULL; kva += PAGE_SIZE) {
		if ((word_get(word) & used) == used) {
			word_change(word, MD_PTE_A, 0);
			flush = true;
			continue;
		}
		if ((word_get(word) & MD_PTE_P) != 0)
			unmap_unused(kva, word);
		done += kpaged_rest(word);
	}
	if (flush)
		md_tlb_flush(NULL, MD_KPAGED_BASE, top, FLUSH_PAGES);
	mutex_unlock(&kernel_as.ws_lock);
	return done;
}

/* ---- swapoff ---- */

/* Call walk->fn for each SWAP or TRANS word of the region from walk->at on.
 * Locks: none of rank >= 6; around fn the kernel [W].
 * Returns: 0: all done; else what fn has returned, at walk->at. */
int
kpaged_swapped(struct swap_walk *walk)
{
	struct swap_words w = { .step = 1, .max = 1, .home = HOME_KPAGED };
	va_t top = kpaged_top;
	int r = 0;

	walk->at = MAX(walk->at, MD_KPAGED_BASE);
	mutex_lock(&kernel_as.ws_lock);
	while ((w.word = kpaged_next_word(&walk->at, top)) != NULL) {
		w.index = (walk->at - MD_KPAGED_BASE) >> PAGE_SHIFT;
		if (pte_is_away(word_get(w.word)))
			r = walk->fn(walk, &w);
		if (r != 0)
			break;
		walk->at += PAGE_SIZE;
	}
	mutex_unlock(&kernel_as.ws_lock);
	return r;
}

/* ---- containers ---- */

/* Each word may have been in use: make it ERROR, so that a use of its page fails. */
static void
fill_lost(uint64_t *words, unsigned n, enum container_kind kind)
{
	uint64_t error = pte_make_soft(PTE_ERROR, 0) |
	    (uint64_t)EIO << PTE_ERRNO_SHIFT;
	unsigned i;

	for (i = 0; i < n; i++)
		switch (kind) {
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

/* A pinned page is going to hold owning words: count its used words.  Its descriptor may
 * be new; words of a page from swap name no frames.  The first n words may have been in
 * use; the rest lies beyond the end, where only an anonymous object has pages.
 * Locks: the container's ([W], [F] or [O]); takes [P].  Two users of one page may come
 * at once: the first one counts, before any word changes.
 * Returns: true: it could not be read, and all its words are ERROR now. */
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
