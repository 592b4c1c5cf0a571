/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_faultcase.c: tests of lab 02 without a file: F0, F1, upgrades, F7
 *
 * Problem   A wrong bit in a word, a charge that is forgotten, a page that counts
 *           as clean: the program runs on, for a while.
 *
 * Picture   F0 a word by hand │ F1 over nothing and over the zero page, without a
 *           frame, without money │ rights that come back │ out to swap, and stored
 *           to on the way
 *
 * Read next lab_faultpass.h, vm/pte/fault.c.
 */
#include "kern/kern.h"
#include "lib/string.h"
#include "mem/mem.h"
#include "test/boot/fault/lab_faultpass.h"

/* ---- step 1: F0 ---- */

/* A page by what is given, so that only F0 is tested. */
static enum fault_outcome
install(struct fctx *f)
{
	struct vm_page *pg = fault_take_spare(f, FRAME_ZEROED);

	CHECK(pg != NULL);
	fault_install(f, pg);
	EVENT(fault_zerofill, f->va, 0, word_get(f->word), page_pfn(pg));
	return FAULT_DONE;
}

static enum fault_outcome
used_no_more(struct fctx *f)
{
	word_change(f->word, MD_PTE_A | MD_PTE_D, 0);
	EVENT(fault_spurious, f->va, word_get(f->word));
	return FAULT_DONE;
}

static void
spurious(void)
{
	static struct fctx f;
	struct aspace *as = lab_space();
	va_t va = lab_map(as, 8);
	struct pass_counts was;
	uint64_t word;

	f = (struct fctx){ .as = as, .va = va, .access = W };
	ev_mark(1);
	(void)pass_of(&f, install, false);
	(void)pass_of(&f, used_no_more, false);
	was = pass_counts(as);
	word = pass_word(as, va);
	pass_says("F0, a load", pass_once(&f, as, va, R), FAULT_DONE);
	pass_word_is("F0, a load", as, va, SRC_PRIV, MD_PTE_U | MD_PTE_W | MD_PTE_A |
	    MD_PTE_NX);
	pass_says("F0, a store", pass_once(&f, as, va, W), FAULT_DONE);
	pass_word_is("F0, a store", as, va, SRC_PRIV, MD_PTE_U | MD_PTE_W | MD_PTE_A |
	    MD_PTE_D | MD_PTE_NX);
	CLAIM(pte_pfn(word) == pte_pfn(pass_word(as, va)), "F0 changed the page");
	pass_counts_moved("F0", as, was, 0, 0, 0);
	pass_page_is("F0", pte_page(word), 1, true);
	fault_give_back(&f);
	ev_mark(2);
	lab_space_end(as);
}

/* ---- step 2: F1 ---- */

static bool
is_zero(const struct vm_page *pg)
{
	const uint64_t *p = pa2va(page_pa(pg));
	unsigned i;

	for (i = 0; i < PAGE_SIZE / 8; i++)
		if (p[i] != 0)
			return false;
	return true;
}

/* A page that was never touched, or was the zero page. */
static void
filled(const char *what, struct aspace *as, va_t va, bool read_first,
    uint64_t bits, unsigned late)
{
	static struct fctx f;
	struct pass_counts was;

	f = (struct fctx){ .want.what = WANT_AGAIN };
	if (read_first)
		pass_says("F1z", pass_all(as, va, R), FAULT_DONE);
	was = pass_counts(as);
	pass_says(what, pass_once(&f, as, va, W), FAULT_DONE);
	fault_give_back(&f);
	pass_word_is(what, as, va, SRC_PRIV, bits);
	pass_counts_moved(what, as, was, 1, 1, late);
	pass_page_is(what, pte_page(pass_word(as, va)), 1, true);
	CLAIM(is_zero(pte_page(pass_word(as, va))), "%s: the page is not zero", what);
}

/* mlock() without touching anything. */
static void
lock(struct aspace *as, va_t va, uint64_t pages)
{
	uint64_t vpn = va >> PAGE_SHIFT;
	struct vad *v;

	rw_lock_write(&as->map_lock);
	v = vad_find(as, vpn);
	CHECK(v != NULL);
	CHECK(vad_set_flags(as, &v, vpn, vpn + pages,
	    v->flags | VAD_LOCKED) == 0);
	rw_unlock_write(&as->map_lock);
}

static void
locked(struct aspace *as)
{
	va_t va = pass_map(as, NULL, 8, P_RW, MAP_PRIVATE);

	lock(as, va, 8);
	filled("F1, locked", as, va, false, NEW_BITS | MD_PTE_NX | PTE_LOCK, 0);
	pass_says("F1z", pass_all(as, va + PAGE_SIZE, R), FAULT_DONE);
	pass_word_is("F1z, locked", as, va + PAGE_SIZE, SRC_SPEC,
	    MD_PTE_U | MD_PTE_A | MD_PTE_NX);
	filled("F1, locked, over the zero page", as, va + 2 * PAGE_SIZE, true,
	    NEW_BITS | MD_PTE_NX | PTE_LOCK, 0);
}

static void
zero_fill(void)
{
	struct aspace *as = lab_space();
	va_t a = pass_map(as, NULL, 8, P_RW, MAP_PRIVATE);
	va_t x = pass_map(as, NULL, 8, P_RWX, MAP_PRIVATE);
	va_t late = pass_map(as, NULL, 8, P_RW, MAP_PRIVATE | MAP_NORESERVE);
	unsigned i;

	ev_mark(1);
	filled("F1", as, a, false, NEW_BITS | MD_PTE_NX, 0);
	filled("F1 over the zero page", as, a + PAGE_SIZE, true,
	    NEW_BITS | MD_PTE_NX, 0);
	filled("F1, may be fetched", as, x, false, NEW_BITS, 0);
	EXPECT_IS(pass_all(as, late, W), ==, FAULT_DONE);
	for (i = 1; i < 4; i++)
		filled("F1, paid at the touch", as, late + i * PAGE_SIZE, i == 2,
		    NEW_BITS | MD_PTE_NX, 1);
	pass_without_frame("F1 without a frame", as, a + 2 * PAGE_SIZE);
	EXPECT_IS(pass_all(as, a + 3 * PAGE_SIZE, R), ==, FAULT_DONE);
	pass_without_frame("F1 over the zero page without a frame", as,
	    a + 3 * PAGE_SIZE);
	pass_without_money("F1 over the limit", as, late + 5 * PAGE_SIZE);
	EXPECT_IS(pass_all(as, late + 6 * PAGE_SIZE, R), ==, FAULT_DONE);
	pass_without_money("F1 over the zero page and the limit", as,
	    late + 6 * PAGE_SIZE);
	locked(as);
	CLAIM(vm_check(1) == 0, "F1 left the space unsound");
	ev_mark(2);
	lab_space_end(as);
}

/* ---- step 4: upgrade ---- */

static void
protect(struct aspace *as, va_t va, unsigned prot)
{
	CHECK(map_mprotect(as, va, PAGE_SIZE, prot) == 0);
}

static void
upgraded(const char *what, struct aspace *as, va_t va, enum access access,
    uint64_t bits)
{
	static struct fctx f;
	struct vm_page *pg = pte_page(pass_word(as, va));
	struct pass_counts was = pass_counts(as);

	f = (struct fctx){ .want.what = WANT_AGAIN };
	pass_says(what, pass_once(&f, as, va, access), FAULT_DONE);
	fault_give_back(&f);
	pass_word_is(what, as, va, SRC_PRIV, bits);
	CLAIM(pte_page(pass_word(as, va)) == pg, "%s: the page is another", what);
	pass_page_is(what, pg, 1, true);
	pass_counts_moved(what, as, was, 0, 0, 0);
}

static void
upgrades(void)
{
	struct aspace *as = lab_space();
	va_t va = pass_map(as, NULL, 4, P_RW, MAP_PRIVATE);
	uint64_t u = MD_PTE_U | MD_PTE_A;

	ev_mark(1);
	EXPECT_IS(pass_all(as, va, W), ==, FAULT_DONE);
	protect(as, va, P_R);
	protect(as, va, P_RW);
	upgraded("a right to store that came back", as, va, W,
	    u | MD_PTE_W | MD_PTE_D | MD_PTE_NX);

	EXPECT_IS(pass_all(as, va + PAGE_SIZE, W), ==, FAULT_DONE);
	protect(as, va + PAGE_SIZE, P_R);
	protect(as, va + PAGE_SIZE, P_R | PROT_X);
	upgraded("a right to fetch that is new", as, va + PAGE_SIZE, X, u |
	    (pass_word(as, va + PAGE_SIZE) & MD_PTE_D));
	protect(as, va + PAGE_SIZE, P_RW);
	upgraded("a store where one could fetch", as, va + PAGE_SIZE, W,
	    u | MD_PTE_W | MD_PTE_D | MD_PTE_NX);
	/* A locked page without any right keeps its word, but for U. */
	lock(as, va + 2 * PAGE_SIZE, 1);
	EXPECT_IS(pass_all(as, va + 2 * PAGE_SIZE, W), ==, FAULT_DONE);
	protect(as, va + 2 * PAGE_SIZE, 0);
	protect(as, va + 2 * PAGE_SIZE, P_RW);
	upgraded("a locked page that may be loaded from again", as,
	    va + 2 * PAGE_SIZE, R, (pass_word(as, va + 2 * PAGE_SIZE) &
	    (MD_PTE_W | MD_PTE_D)) | u | MD_PTE_NX | PTE_LOCK);
	protect(as, va + 2 * PAGE_SIZE, 0);
	protect(as, va + 2 * PAGE_SIZE, P_RWX);
	upgraded("a locked page that may be fetched from", as,
	    va + 2 * PAGE_SIZE, X, (pass_word(as, va + 2 * PAGE_SIZE) &
	    (MD_PTE_W | MD_PTE_D)) | u | PTE_LOCK);
	CLAIM(vm_check(1) == 0, "upgrades left the space unsound");
	ev_mark(2);
	lab_space_end(as);
}

/* ---- step 5: pages that are on their way out ---- */

/* All pages of the space leave it; those that wait are written to swap. */
static void
push_out(struct aspace *as, va_t va, uint64_t pages)
{
	struct vm_page *pg;
	unsigned tries;
	uint64_t i, w;

	mutex_lock(&as->ws_lock);
	(void)as->school->evict(as, SIZE_MAX, 0);
	mutex_unlock(&as->ws_lock);
	pageout_push();
	for (i = 0; i < pages; i++) {
		for (tries = 0; tries < 2000; tries++) {
			w = pass_word(as, va + i * PAGE_SIZE);
			pg = pte_kind(w) == PTE_TRANS ? pte_page(w) : NULL;
			if (pg == NULL || pg->state == PG_STANDBY)
				break;
			(void)sleep_until(md_time_ns() + 1000000, WAIT_PLAIN);
		}
		CLAIM(tries < 2000, "page %lu is not written to swap", i);
	}
}

static uint64_t *
bytes_of(struct aspace *as, va_t va)
{
	return pa2va(page_pa(pte_page(pass_word(as, va))));
}

/* The word of va by hand: what somebody's I/O leaves there. */
static void
word_by_hand(struct aspace *as, va_t va, uint64_t word)
{
	struct vm_page *leaf;
	uint64_t *at;

	mutex_lock(&as->ws_lock);
	at = pt_find(as, va, &leaf);
	CHECK(at != NULL);
	spin_lock(&pfn_lock);
	(void)word_set_locked(leaf, at, word);
	spin_unlock(&pfn_lock);
	mutex_unlock(&as->ws_lock);
}

/* A page that is being filled, and one that could not be read. */
static void
others_words(struct aspace *as, va_t va)
{
	static struct fctx f;
	struct vm_page *pg = pte_page(pass_word(as, va));
	uint64_t errors = ev_read(EV_fault_error);

	f = (struct fctx){ .want.what = WANT_AGAIN };
	word_by_hand(as, va + PAGE_SIZE, pte_make_soft(PTE_BUSY, page_pfn(pg)));
	pass_says("F6", pass_once(&f, as, va + PAGE_SIZE, R), FAULT_WAIT);
	CLAIM(f.want.page == pg, "F6 waits for another page");
	word_by_hand(as, va + PAGE_SIZE, 0);
	pass_says("F6, and the page has come", pass_of(&f, f6_wait_busy, false),
	    FAULT_RESTART);
	fault_give_back(&f);

	f = (struct fctx){ .want.what = WANT_AGAIN };
	word_by_hand(as, va + PAGE_SIZE,
	    pte_make_soft(PTE_ERROR, 0) | 5ul << PTE_ERRNO_SHIFT);
	pass_says("F11", pass_once(&f, as, va + PAGE_SIZE, W), FAULT_SIGNAL);
	CLAIM(f.sig.signo == SIGBUS && f.sig.addr == va + PAGE_SIZE,
	    "F11: a page that could not be read ends in SIGBUS at its address");
	CLAIM(ev_read(EV_fault_error) == errors + 1, "F11 is not counted");
	word_by_hand(as, va + PAGE_SIZE, 0);
	pass_says("F7, and the page has gone", pass_of(&f, f7_rescue, false),
	    FAULT_RESTART);
	fault_give_back(&f);
}

static void
rescued(void)
{
	uint64_t n = 2 * lab_param("n", 8), i;
	struct aspace *as = lab_space();
	va_t va = lab_map(as, n), at;
	struct vm_page *pg;

	for (i = 0; i < n; i++) {
		EXPECT_IS(pass_all(as, va + i * PAGE_SIZE, W), ==, FAULT_DONE);
		*bytes_of(as, va + i * PAGE_SIZE) = 0x100 + i;
	}
	push_out(as, va, n);
	ev_mark(1);
	for (i = 0; i < n; i++) {
		at = va + i * PAGE_SIZE;
		pg = pte_page(pass_word(as, at));
		CHECK(pte_kind(pass_word(as, at)) == PTE_TRANS);
		pass_says("F7", pass_all(as, at, i % 2 == 0 ? R : W), FAULT_DONE);
		CLAIM(pte_page(pass_word(as, at)) == pg, "F7 brought another page");
		pass_word_is("F7", as, at, SRC_PRIV, MD_PTE_U | MD_PTE_W | MD_PTE_A |
		    MD_PTE_NX | (i % 2 == 0 ? 0 : MD_PTE_D));
		pass_page_is(i % 2 == 0 ? "F7, a load" : "F7, a store: the copy on swap "
		    "is old now", pg, 1, i % 2 != 0);
		if (i % 2 != 0)
			*bytes_of(as, at) = 0x900 + i;
	}
	ev_mark(2);
	push_out(as, va, n);
	while (phys_reclaim())
		;
	for (i = 0; i < n; i++)
		CLAIM(pte_kind(pass_word(as, va + i * PAGE_SIZE)) == PTE_SWAP,
		    "page %lu is not on swap", i);
	for (i = 0; i < n; i++) {
		at = va + i * PAGE_SIZE;
		pass_says("F5", pass_all(as, at, R), FAULT_DONE);
		CLAIM(*bytes_of(as, at) == (i % 2 == 0 ? 0x100 : 0x900) + i,
		    "page %lu comes back from swap with old bytes", i);
	}
	at = lab_map(as, 2);
	EXPECT_IS(pass_all(as, at, W), ==, FAULT_DONE);
	others_words(as, at);
	CLAIM(vm_check(1) == 0, "rescues left the space unsound");
	lab_space_end(as);
}

const struct selftest selftests_lab_faultcase[] = {
	{ "lab_fault_spurious", spurious, "F0: bits, and nothing else" },
	{ "lab_fault_zero", zero_fill, "F1: word, counts, no frame, no money" },
	{ "lab_fault_rights", upgrades, "upgrades change bits of one word" },
	{ "lab_fault_rescue", rescued, "F7: what is stored to is not clean" },
	{ NULL, NULL, NULL },
};
