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
 *           the bytes are read and written by the direct map while pinned
 *
 *           under rank >= 5:  kpaged_trypin(kva) ── page
 *                                     └─ NULL: drop to rank 2, kpaged_pin(kva),
 *                                        which may sleep, and start again (R2)
 *
 * Rules     1. Kernel PTEs change under the kernel [W] (rank 6); trypin reads
 *              them with [P] only, for a frame leaves its word under [P].
 *           2. A container is decommitted only when nres == 0.
 *           3. A translation that was never used (A clear) is in no TLB: such
 *              a page goes without a flush, and that is nearly all of them.
 *           4. Addresses are not charged, pages are, by whoever asks for them.
 *
 * Read next vm/kpaged_va.c (the addresses), vm/anon.c, vm/design/fmo/fmo.c.
 *           Book: ch14.
 */
#include "vm/vm.h"
#include "vm/vmdat.h"
#include "vm/vmfn.h"

#define DECOMMIT_ROUND 32 /* pages of one flush */

static uint64_t *word_of(va_t kva);
static struct vm_page *pin_word(va_t kva, struct vm_page **spare);
static void map_word(uint64_t *word, struct vm_page *pg);
static void decommit_round(va_t kva, size_t pages);
static unsigned clear_words(va_t kva, size_t pages, struct vm_page **gone,
    bool *used);

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
word_of(va_t kva)
{
	uint64_t *word = md_kpte(kva, false);

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
	uint64_t *word = word_of(kva);
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
	spin_unlock(&pfn_lock);
	if (pg == NULL)
		EVENT(kpaged_trypin_fail);
	return pg;
}

/*
 * Hold the page of kva, made (all zero) if it is not there.
 *
 * Locks:    none of rank >= 3 but what is below the kernel [W].
 * Context:  thread, sleeps while there is no frame.
 * Owns:     the caller, a pin in *out.
 * Returns:  0, -EINTR (fatal signal while waiting for a frame).
 */
int
kpaged_pin(va_t kva, struct vm_page **out)
{
	struct vm_page *spare = NULL;
	int r;

	EVENT(kpaged_pin);
	for (;;) {
		mutex_lock(&kernel_as.ws_lock);
		*out = pin_word(kva, &spare);
		mutex_unlock(&kernel_as.ws_lock);
		if (*out != NULL)
			break;
		spare = page_alloc(PHYS_ZEROED);
		if (spare != NULL)
			continue;
		EVENT(kpaged_pinwait, kva);
		r = phys_wait(PHYS_USER);
		if (r != 0)
			return r;
	}
	if (spare != NULL)
		page_free(spare);
	return 0;
}

/* Under the kernel [W].  NULL: a frame is needed and *spare is none. */
static struct vm_page *
pin_word(va_t kva, struct vm_page **spare)
{
	struct vm_page *pg = NULL;
	uint64_t *word = word_of(kva);
	uint64_t w;

	spin_lock(&pfn_lock);
	w = word_get(word);
	switch (pte_kind(w)) {
	case PTE_VALID:
		pg = pte_page(w);
		break;
	case PTE_TRANS:
		pg = pte_page(w);
		map_word(word, pg);
		break;
	case PTE_ABSENT:
		pg = *spare;
		if (pg == NULL)
			break;
		*spare = NULL;
		page_adopt_locked(pg, HOME_KPAGED, word_pa(word),
		    (kva - MD_KPAGED_BASE) >> PAGE_SHIFT);
		map_word(word, pg);
		EVENT_ADD(kpaged_pages, 1);
		commit_kept(1);
		break;
	case PTE_BUSY:
	case PTE_SWAP:
	case PTE_FORK:
	case PTE_ERROR:
		panic("kpaged: word %lx at %lx", w, kva);
	}
	if (pg != NULL)
		page_pin_locked(pg);
	spin_unlock(&pfn_lock);
	return pg;
}

/* A and D stay clear: writers use the direct map and say so at unpin. */
static void
map_word(uint64_t *word, struct vm_page *pg)
{
	uint64_t w = pte_make_valid(pg, SRC_PRIV, MD_PTE_W | MD_PTE_NX);

	page_map_locked(pg);
	word_set_locked(NULL, word, w & ~MD_PTE_U);
}

/*
 * Locks:    not [P].  dirty: the page was written to.
 */
void
kpaged_unpin(struct vm_page *pg, bool dirty)
{
	page_unpin(pg, dirty);
}

/*
 * Is the page of kva in memory now?  A hint without locks.
 *
 * Locks:    none.
 */
bool
kpaged_is_resident(va_t kva)
{
	uint64_t *word = md_kpte(kva, false);

	return word != NULL && pte_names_frame(word_get(word));
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
		md_tlb_flush(NULL, kva, kva + (pages << PAGE_SHIFT), false);
	for (i = 0; i < n; i++) {
		spin_lock(&pfn_lock);
		ASSERT(gone[i]->nres == 0);
		last = gone[i]->mapcount > 0 ? page_zap_locked(gone[i]) :
		    page_disown_locked(gone[i]);
		spin_unlock(&pfn_lock);
		if (last)
			page_free(gone[i]);
	}
	EVENT_ADD(kpaged_pages, -(int64_t)n);
	commit_kept(-(int64_t)n);
}

/* The pages whose words were cleared; *used: some translation may be cached. */
static unsigned
clear_words(va_t kva, size_t pages, struct vm_page **gone, bool *used)
{
	unsigned n = 0;
	uint64_t w;
	size_t i;

	for (i = 0; i < pages; i++) {
		uint64_t *word = word_of(kva + (i << PAGE_SHIFT));

		if (word_get(word) == 0)
			continue;
		spin_lock(&pfn_lock);
		w = word_set_locked(NULL, word, 0);
		spin_unlock(&pfn_lock);
		ASSERT(pte_names_frame(w));
		gone[n++] = pte_page(w);
		*used |= (w & (MD_PTE_P | MD_PTE_A)) == (MD_PTE_P | MD_PTE_A);
	}
	return n;
}

/* ---- containers ---- */

/*
 * A pinned page is going to hold owning words: count what it holds.  Its
 * descriptor may be new, the words of a page that was away name no frames.
 *
 * Locks:    the container's ([W], [F] or [O]); takes [P].
 */
void
container_attach(struct vm_page *pg, enum container_kind kind)
{
	const uint64_t *words = pa2va(page_pa(pg));
	unsigned i, step = kind == KIND_FMO ? 2 : 1;
	uint16_t used = 0;

	if ((pg->flags & PF_CONTAINER) != 0)
		return;
	for (i = 0; i < MD_PT_WORDS; i += step)
		used = (uint16_t)(used + (words[i] != 0));
	spin_lock(&pfn_lock);
	ASSERT(pg->pins > 0);
	pg->flags |= PF_CONTAINER;
	pg->nres = 0;
	pg->nused = used;
	spin_unlock(&pfn_lock);
}

/* ---- evidence ---- */

static void
check_word(struct vm_report *r, va_t kva, uint64_t *word)
{
	uint64_t w = word_get(word);
	const struct vm_page *pg;

	if (w == 0)
		return;
	if (!pte_names_frame(w)) {
		report_bad(r, "I16", "kpaged %lx: word %lx", kva, w);
		return;
	}
	pg = pte_page(w);
	if (r->mapcount != NULL && (w & MD_PTE_P) != 0)
		r->mapcount[page_pfn(pg)]++;
	if (page_home_kind(pg) != HOME_KPAGED ||
	    page_home_payload(pg) != va2pa(word) ||
	    pg->index != (kva - MD_KPAGED_BASE) >> PAGE_SHIFT)
		report_bad(r, "I1", "kpaged %lx: pfn %u has home %lx", kva,
		    page_pfn(pg), pg->home);
}

/*
 * Words against pages and free addresses.
 *
 * Locks:    the machine is stopped at safe points (vm_check).
 * Returns:  findings, also told to r.
 */
int
kpaged_check(struct vm_report *r)
{
	unsigned before = r->findings;
	va_t kva, top = kpaged_va_top();

	for (kva = MD_KPAGED_BASE; kva < top; kva += PAGE_SIZE) {
		uint64_t *word = md_kpte(kva, false);

		if (word == NULL) {
			kva |= (1ul << 21) - PAGE_SIZE;
			continue;
		}
		check_word(r, kva, word);
		if (word_get(word) != 0 && kpaged_va_is_free(kva))
			report_bad(r, "I16", "kpaged %lx: free, word %lx", kva,
			    word_get(word));
	}
	return (int)(r->findings - before);
}
