/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_kpaged.c: words of pageable kernel memory against pages and counts
 *
 * Problem   A kernel address that is free but has a PTE, or a page whose home
 *           is not its PTE, does no harm until the address is used.
 *
 * Picture   words of the region ─→ pages, out, mapped ─→ the counters (I16)
 *
 * Rules     1. The check runs while all other threads are stopped; pages on
 *              swap are brought before that.
 */
#include "vm/evidence/evidence.h"
#include "vm/fault/fault.h"
#include "vm/frame/frame.h"
#include "vm/kpaged/kpaged.h"
#include "vm/evidence/report.h"
#include "vm/space/space.h"

/* What the words of the region say. */
struct kpaged_count {
	uint64_t pages, out, valid;
};

/* One word of pageable kernel memory: its page is owned by it (I1, I4), or it is out; a free
 * address has none (I16). */
static void
check_word(struct vm_report *r, va_t kva, const uint64_t *word,
    struct kpaged_count *n)
{
	uint64_t w = word_get(word);
	const struct vm_page *pg;

	if (kpaged_va_is_free(kva))
		report_bad(r, "I16", "kpaged %lx: free, word %lx", kva, w);
	if (!pte_names_frame(w)) {
		if (pte_kind(w) == PTE_FORK)
			report_bad(r, "I16", "kpaged %lx: word %lx", kva, w);
		n->out++;
		return;
	}
	pg = pte_page(w);
	n->pages++;
	n->valid += (w & MD_PTE_P) != 0;
	if (r->mapcount != NULL && (w & MD_PTE_P) != 0)
		r->mapcount[page_pfn(pg)]++;
	if (page_home_kind(pg) != HOME_KPAGED ||
	    page_home_payload(pg) != va2pa(word) ||
	    pg->index != (kva - MD_KPAGED_BASE) >> PAGE_SHIFT)
		report_bad(r, "I1", "kpaged %lx: pfn %u has home %lx", kva,
		    page_pfn(pg), pg->home);
	if (pg->nres != 0 && pg->state != PG_ACTIVE)
		report_bad(r, "I4", "kpaged %lx: pfn %u is %s, %u of its words "
		    "name frames", kva, page_pfn(pg),
		    page_state_name((enum page_state)pg->state), pg->nres);
}

/*
 * Words against pages, counts and free addresses.
 *
 * Locks:    the machine is stopped at safe points (vm_check).
 * Returns:  findings, also told to r.
 */
int
check_kpaged(struct vm_report *r)
{
	va_t kva = MD_KPAGED_BASE, top = kpaged_top;
	struct kpaged_count n = { 0 };
	unsigned before = r->findings;
	uint64_t *word;

	for (; (word = kpaged_next_word(&kva, top)) != NULL; kva += PAGE_SIZE)
		check_word(r, kva, word, &n);
	if (n.pages != ev_read(EV_kpaged_pages) ||
	    n.out != ev_read(EV_kpaged_pages_out) ||
	    n.valid != kernel_as.ws.pages)
		report_bad(r, "I16", "kpaged: %lu pages, %lu out, %lu mapped; "
		    "counted %lu, %lu, %lu", n.pages, n.out, n.valid,
		    ev_read(EV_kpaged_pages), ev_read(EV_kpaged_pages_out),
		    kernel_as.ws.pages);
	return (int)(r->findings - before);
}

/*
 * Bring all that is out, as far as memory goes: for vm_check(2).  A fatal signal
 * ends it.
 *
 * Locks:    none of rank >= 3.
 * Context:  thread, sleeps.
 */
void
check_bring_kpaged(void)
{
	va_t kva = MD_KPAGED_BASE, top = kpaged_top;
	struct want w = { .what = WANT_AGAIN };
	uint64_t *word;
	int r = 0;

	for (; r == 0 && (word = kpaged_next_word(&kva, top)) != NULL;
	    kva += PAGE_SIZE) {
		if (pte_names_frame(word_get(word)))
			continue;
		/* Its owner may free it now: none is made. */
		(void)kpaged_want(&w, kva);
		r = want_get(&w);
		if (w.kpage != NULL)
			kpaged_fault_lost(kva, w.kpage);
		want_end(&w);
	}
}
