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
 *           kva ─→ kernel PTE ──VALID──→ page, home KPAGED, one pin per user
 *                     │ ABSENT: zero-filled by the first pin
 *                     │ TRANS: trimmed, on a queue or pinned again
 *                     │ SWAP, BUSY: kpaged_pin() reads it and waits
 *           the bytes are read and written by the direct map while pinned
 *
 *           under rank >= 5:  kpaged_trypin(kva) ── page
 *                                     └─ NULL: drop to rank 2, kpaged_pin(kva),
 *                                        which may sleep, and start again (R2)
 *
 *           a clock hand goes over the words of the region:
 *           VALID, old, no pin, nres 0 ─→ TRANS ─ flush ─→ MODIFIED or STANDBY
 *           TRANS, ACTIVE, the same    ─────────────────→
 *                      mpw writes, the frame is reclaimed ─→ word SWAP(slot)
 *
 * Rules     1. Kernel PTEs change under [P], and all changes but that to SWAP
 *              also under the kernel [W] (rank 6); trypin reads with [P] only.
 *           2. A container leaves memory only when nres == 0.  Its counts
 *              go with it: its users call container_attach() after each pin.
 *           3. A translation that was never used (A clear) is in no TLB: such
 *              a page goes without a flush, and nearly all pages are such.
 *           4. Addresses are not charged; pages are, by the user of the range.
 *           5. A page that could not be read from swap comes back empty, with
 *              PF_ERROR; a container is filled with words that say ERROR.
 *           6. VALID → TRANS under the kernel [W] and [P]: kpaged_pin() waits for
 *              the end of the round, kpaged_trypin() may come in between.
 *           7. Age is 0 for a pinned page, else the A bit decides.  When
 *              A was cleared a flush follows in the same hold of the kernel [W],
 *              so that "A clear: in no TLB" stays true.  While there is enough
 *              memory A stays, so that idle CPUs get no interrupt each second.
 *           8. A page that was pinned while TRANS goes back to its queue by its
 *              last unpin; a container whose nres falls to 0 meanwhile stays
 *              ACTIVE until the hand comes.
 *           9. A plain access, where it is allowed (kpagedfault.c), sets A, and
 *              D when it writes: a store by address is noticed by D, and a store
 *              by the direct map is reported at the unpin.
 */
#include "vm/kpaged/kpaged.h"

#define ROUND 32 /* pages of one flush, and of one hold of the kernel [W] */

static va_t trim_hand = MD_KPAGED_BASE; /* kernel [W] */

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

/* The page that the word names, mapped or not, is used through the direct map, which sets
 * no A bit here: make it young.  [P].  NULL: it is not in memory. */
static inline struct vm_page *
page_used(uint64_t *word)
{
	uint64_t w = word_get(word);

	if (pte_is_trans(w))
		return pte_page(w);
	if ((w & MD_PTE_P) == 0)
		return NULL;
	if ((w & PTE_AGE_MASK) != 0)
		word_change(word, PTE_AGE_MASK, 0);
	return pte_page(w);
}

/* Pin the page of kva if it is in memory.
 * Locks: any of rank < 8; takes [P].
 * Owns: the caller, a pin: kpaged_unpin().
 * Returns: the page; NULL: kpaged_pin() with no lock of rank >= 3. */
struct vm_page *
kpaged_trypin(va_t kva)
{
	struct vm_page *pg = NULL;
	uint64_t *word = kernel_word(kva);

	if (!inject_hit(FI_TRYPIN)) {
		spin_lock(&pfn_lock);
		pg = page_used(word);
		ASSERT(pg == NULL ||
		    pg->home == ((uint64_t)HOME_KPAGED << 60 | va2pa(word)));
		if (pg != NULL)
			page_pin_locked(pg);
		spin_unlock(&pfn_lock);
	}
	if (pg == NULL)
		EVENT(kpaged_trypin_fail);
	return pg;
}

/* The bytes of the page of kva, to read: no pin, they stay while [P] is held.
 * Locks: [P].  Returns: by the direct map; NULL: it is not in memory. */
const void *
kpaged_peek(va_t kva)
{
	const struct vm_page *pg = page_used(kernel_word(kva));

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

/* The word that maps pg.  A and D are clear: users with a pin use the direct map and
 * report a write at the unpin. */
static inline uint64_t
mapping_of(struct vm_page *pg)
{
	return pte_make_valid(pg, SRC_PRIV, MD_PTE_W | MD_PTE_NX) & ~MD_PTE_U;
}

/* Map a TRANS page again.  Kernel [W], [P]. */
static void
map_word(uint64_t *word, struct vm_page *pg)
{
	page_map_locked(pg);
	word_set_locked(NULL, word, mapping_of(pg));
	kernel_as.ws.pages++;
}

static int
pin_found(struct pin_request *req, struct want *w)
{
	spin_lock(&pfn_lock);
	req->page = page_used(req->word);
	if (req->page != NULL) {
		if (pte_is_trans(word_get(req->word)))
			map_word(req->word, req->page);
		page_pin_locked(req->page);
	}
	spin_unlock(&pfn_lock);
	return req->page != NULL ? 0 : want_again(w);
}

/* Make the first page there, or the replacement of one that could not be read.  The
 * kernel [W] keeps it from being trimmed before its pin. */
static int
pin_new(struct pin_request *req, struct want *w, uint64_t was)
{
	struct vm_page *pg;

	if (!want_zeros(w))
		return -EAGAIN;
	req->page = pg = w->frame;
	w->frame = NULL;
	pg->index = (req->kva - MD_KPAGED_BASE) >> PAGE_SHIFT;
	pg->flags = was == 0 ? 0 : PF_ERROR;
	page_install(NULL, req->word, pg, HOME_KPAGED, mapping_of(pg));
	kernel_as.ws.pages++;
	spin_lock(&pfn_lock);
	page_pin_locked(pg);
	if (was == 0)
		EVENT_ADD(kpaged_pages, 1);
	else
		owner_count_out(HOME_KPAGED, NULL, -1);
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

/* Is the page of kva in memory?  Then map it; it stays mapped while the kernel [W]
 * is held: vm_check() reads it by its address.
 * Locks: the kernel [W]; takes [P]. */
bool
kpaged_hold_mapped(va_t kva)
{
	uint64_t *word = kernel_word(kva);

	HELD(&kernel_as.ws_lock);
	spin_lock(&pfn_lock);
	if (pte_kind(word_get(word)) == PTE_TRANS)
		map_word(word, pte_page(word_get(word)));
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

/* Free pages that were mapped, after a flush if any of them was used. */
static void
decommit_round(va_t kva, size_t pages)
{
	struct vm_page *gone[ROUND];
	uint64_t *word, w;
	bool used = false;
	unsigned i, n = 0;

	for (i = 0; i < pages; i++) {
		word = kernel_word(kva + ((va_t)i << PAGE_SHIFT));
		if (word_get(word) == 0)
			continue;
		spin_lock(&pfn_lock);
		w = word_set_locked(NULL, word, 0);
		page_unlock_free(pte_page(w),
		    (w & MD_PTE_P) == 0 && drop_unmapped(w));
		if ((w & MD_PTE_P) == 0)
			continue;
		gone[n++] = pte_page(w);
		kernel_as.ws.pages--;
		used |= (w & MD_PTE_A) != 0;
	}
	if (used)
		md_tlb_flush(NULL, kva, kva + (pages << PAGE_SHIFT), FLUSH_PAGES);
	for (i = 0; i < n; i++) {
		spin_lock(&pfn_lock);
		ASSERT(gone[i]->nres == 0);
		page_unlock_free(gone[i], page_zap_locked(gone[i]));
	}
	EVENT_ADD(kpaged_pages, -(int64_t)n);
}

/* Free the frames of a range; the addresses stay and read as zero again.
 * Locks: none of rank >= 6. */
void
kpaged_decommit(va_t kva, size_t pages)
{
	size_t n;

	while (pages > 0) {
		n = MIN(pages, (size_t)ROUND);
		mutex_lock(&kernel_as.ws_lock);
		decommit_round(kva, n);
		mutex_unlock(&kernel_as.ws_lock);
		kva += n << PAGE_SHIFT;
		pages -= n;
	}
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

/* ---- age ---- */

/* One age pass over the region.  With KPAGED_SPARE_USED a page that was used by its
 * address keeps A: it is young, and no flush is needed.
 * Locks: none of rank >= 6. */
void
kpaged_age(enum kpaged_age how)
{
	uint64_t pages[WS_AGES] = { 0 }, *word;
	va_t kva = MD_KPAGED_BASE, top = kpaged_top;
	bool used = false;
	unsigned i;

	mutex_lock(&kernel_as.ws_lock);
	while ((word = kpaged_next_word(&kva, top)) != NULL) {
		kva += PAGE_SIZE;
		if (pte_kind(word_get(word)) != PTE_VALID)
			continue;
		if ((word_get(word) & MD_PTE_A) != 0 &&
		    how == KPAGED_SPARE_USED) {
			pages[0]++;
			continue;
		}
		used |= (word_get(word) & MD_PTE_A) != 0;
		pages[pte_age_word(word)]++;
	}
	if (used)
		md_tlb_flush(NULL, MD_KPAGED_BASE, top, FLUSH_PAGES);
	for (i = 0; i < WS_AGES; i++)
		kernel_as.ws.ages[i] = pages[i];
	mutex_unlock(&kernel_as.ws_lock);
}

/* ---- trimming ---- */

/* One round of a trim. */
struct trim {
	int min_age;
	uint64_t budget;         /* words that may still be looked at */
	struct vm_page *page[ROUND];
	uint64_t old[ROUND];     /* the words they had, VALID */
	unsigned n;
	size_t done;
	va_t lo, hi;             /* to be flushed */
};

/* It has no pin.  A page that could not be read stays until its container is filled. */
static bool
is_idle(const struct vm_page *pg)
{
	return pg->pins == 0 && pg->nres == 0 && !page_hides_loss(pg);
}

/* May the page of a VALID word go?  [P]. */
static bool
may_go(const struct trim *t, uint64_t w)
{
	const struct vm_page *pg = pte_page(w);

	return is_idle(pg) && (w & MD_PTE_A) == 0 &&
	    (int)pte_age(w) >= (t->min_age & WS_AGE) &&
	    ((t->min_age & WS_HAS_PLACE) == 0 ||
	    (pg->slot != 0 && (w & MD_PTE_D) == 0));
}

static void
trim_cover(struct trim *t, va_t kva)
{
	t->lo = MIN(t->lo, kva);
	t->hi = MAX(t->hi, kva + PAGE_SIZE);
}

/* In round 0 a page that was used by its address is spared once: there are few pages, and
 * the VADs of running processes would go in each round.  Kernel [W]. */
static void
spare_once(struct trim *t, va_t kva, uint64_t *word)
{
	if ((t->min_age & WS_AGE) != 0 || (word_get(word) & MD_PTE_A) == 0)
		return;
	word_change(word, MD_PTE_A | PTE_AGE_MASK, 0);
	trim_cover(t, kva);
}

/* Step 1: VALID → TRANS.  Kernel [W]. */
static void
take_valid(struct trim *t, va_t kva, uint64_t *word)
{
	struct vm_page *pg = pte_page(word_get(word));
	uint64_t w = 0;

	if ((t->min_age & WS_NO_VADS) != 0 && (pg->flags & PF_CONTAINER) == 0)
		return;
	spin_lock(&pfn_lock);
	if (may_go(t, word_get(word)))
		w = word_set_locked(NULL, word, pte_make_trans(pg));
	spin_unlock(&pfn_lock);
	if (w == 0) {
		spare_once(t, kva, word);
		return;
	}
	t->page[t->n] = pg;
	t->old[t->n++] = w;
	kernel_as.ws.pages--;
	EVENT(kpaged_out, kva, 1);
	/* It may have been used between the test and the exchange. */
	if ((w & MD_PTE_A) != 0)
		trim_cover(t, kva);
}

/* Queue a page that was not mapped, and is idle only now.  Since the look at the word its
 * frame may have been reclaimed. */
static void
take_unmapped(struct trim *t, const uint64_t *word)
{
	struct vm_page *pg;

	spin_lock(&pfn_lock);
	pg = pte_page(word_get(word));
	if (pte_is_trans(word_get(word)) && pg->state == PG_ACTIVE &&
	    pg->mapcount == 0 && is_idle(pg)) {
		CHECK(!page_let_go_locked(pg));
		t->done++;
	}
	spin_unlock(&pfn_lock);
}

/* Words from the hand on, until there are `want` or a round is full. */
static void
collect(struct trim *t, size_t want)
{
	va_t top = kpaged_top;
	uint64_t *word, w;
	va_t kva;

	for (; t->n < ROUND && t->n + t->done < want && t->budget > 0; t->budget--) {
		word = kpaged_next_word(&trim_hand, top);
		if (word == NULL) {
			trim_hand = MD_KPAGED_BASE;
			continue;
		}
		kva = trim_hand;
		trim_hand += PAGE_SIZE;
		w = word_get(word);
		if (pte_kind(w) == PTE_VALID)
			take_valid(t, kva, word);
		else if (pte_kind(w) == PTE_TRANS)
			take_unmapped(t, word);
	}
}

/* Take up to `want` pages of at least min_age out of the kernel's working set, from the
 * hand on, one turn at most; WS_NO_VADS: VADs stay.  The pages keep their contents, on a
 * queue.
 * Locks: none of rank >= 6.
 * Returns: pages trimmed. */
size_t
kpaged_trim(size_t want, int min_age)
{
	struct trim t = { .min_age = min_age };
	size_t done = 0;
	unsigned i;

	t.budget = ev_read(EV_kpaged_pages) + ev_read(EV_kpaged_pages_out) + 1;
	while (done < want && t.budget > 0) {
		t.n = 0;
		t.done = t.hi = 0;
		t.lo = UINT64_MAX;
		mutex_lock(&kernel_as.ws_lock);
		collect(&t, want - done);
		if (t.lo < t.hi)
			md_tlb_flush(NULL, t.lo, t.hi, FLUSH_PAGES);
		/* No PTE maps the pages any more. */
		spin_lock(&pfn_lock);
		for (i = 0; i < t.n; i++)
			CHECK(!page_unmap_locked(t.page[i],
			    word_dirt(t.old[i])));
		spin_unlock(&pfn_lock);
		mutex_unlock(&kernel_as.ws_lock);
		done += t.done + t.n;
	}
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
