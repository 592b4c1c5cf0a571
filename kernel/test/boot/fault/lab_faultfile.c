/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_faultfile.c: tests of lab 02 with a file: F2, F3
 *
 * Problem   A page of a file belongs to the file.  A fault that pins it and
 *           forgets, or calls it clean, or dirty, costs memory or bytes much
 *           later.
 *
 * Picture   a file of 40 pages (lab_cachedisk.c) │ loads and stores of a
 *           shared and of a private mapping │ the page is another by now
 *
 * Read next lab_faultpass.h, vm/fault/objfault.c.
 */
#include "mem/mem.h"
#include "test/boot/cache/lab_cachedisk.h"
#include "test/boot/fault/lab_faultpass.h"

#define FILE_PAGES 40u

static struct cdisk *disk;

/* The page that va shows, word and pins as they should be. */
static void
shows(const char *what, struct aspace *as, va_t va, uint64_t idx,
    uint64_t bits, bool dirty)
{
	struct vm_page *pg = cd_find(disk, idx);

	pass_word_is(what, as, va, SRC_OBJ, bits);
	CLAIM(pg != NULL && pte_page(pass_word(as, va)) == pg, "%s: it is not the "
	    "file's own page that is mapped", what);
	if (pg != NULL)
		pass_page_is(what, pg, PASS_ANY, dirty);
}

/* What fault-around has mapped behind va: clean, and nobody has used it. */
static void
neighbours_are(struct aspace *as, va_t va, unsigned n)
{
	for (; n > 0; n--)
		if (pass_word(as, va + n * PAGE_SIZE) != 0)
			pass_word_is("F2, a page beside that of the fault", as,
			    va + n * PAGE_SIZE, SRC_OBJ, MD_PTE_U | MD_PTE_NX);
}

/* Loads and stores of a shared mapping. */
static void
shared_file(struct aspace *as, struct vmo *vmo)
{
	static struct fctx f;
	va_t va = pass_map(as, vmo, FILE_PAGES, P_RW, MAP_SHARED);
	uint64_t ro = MD_PTE_U | MD_PTE_A | MD_PTE_NX;
	unsigned before = atomic_load(&disk->extended);
	struct pass_counts was;
	enum fault_outcome r;
	struct vm_page *pg;

	f = (struct fctx){ .want.what = WANT_AGAIN };
	/* The table is there, and what it costs. */
	EXPECT_IS(pass_all(as, va + (FILE_PAGES - 1) * PAGE_SIZE, R), ==, FAULT_DONE);
	was = pass_counts(as);
	was.ws -= pass_mapped(as, va, FILE_PAGES);
	r = pass_once(&f, as, va, R);
	pass_says("F2, a page that must be read", r, FAULT_IO);
	pass_word_stays("F2, a page that must be read", as, va, 0);
	CHECK(fault_wait(&f, r) == 0);
	pass_says("F2 after the read", pass_once(&f, as, va, R), FAULT_DONE);
	fault_give_back(&f);
	shows("F2, a load", as, va, 0, ro, false);
	pass_counts_moved("F2, a load", as, was,
	    pass_mapped(as, va, FILE_PAGES), 0, 0);
	neighbours_are(as, va, 1);

	/* The first store: the file makes room for it, then the word may be W. */
	r = pass_once(&f, as, va, W);
	pass_says("F2, the first store", r, FAULT_NEEDMEM);
	pass_word_is("F2, before there is room for the store", as, va, SRC_OBJ, ro);
	CHECK(fault_wait(&f, r) == 0);
	pass_says("F2 after that", pass_once(&f, as, va, W), FAULT_DONE);
	fault_give_back(&f);
	shows("F2, a store", as, va, 0, ro | MD_PTE_W | MD_PTE_D, true);
	CLAIM(atomic_load(&disk->extended) == before + 1, "a store to a clean page "
	    "of the file did not ask for room once");
	pass_counts_moved("F2, a store", as, was,
	    pass_mapped(as, va, FILE_PAGES), 0, 0);

	pass_says("F2, a store to a new page", pass_all(as, va + 20 * PAGE_SIZE, W),
	    FAULT_DONE);
	shows("F2, a store to a new page", as, va + 20 * PAGE_SIZE, 20,
	    ro | MD_PTE_W | MD_PTE_D, true);
	neighbours_are(as, va + 20 * PAGE_SIZE, 1);

	/* A round of the writer leaves alone what is looked at here. */
	pg = cd_find(disk, 20);
	pageout_wake();
	cd_nap();
	if (pg != NULL)
		pass_page_is("F2, a round later", pg, PASS_ANY, true);
}

/* Another page is there by now, or a hole is being made: again, without a pin. */
static void
changed_meanwhile(struct aspace *as, struct vmo *vmo)
{
	static struct fctx f;
	va_t va = pass_map(as, vmo, FILE_PAGES, P_RW, MAP_SHARED);
	struct vm_page *pg, *next;
	uint64_t word;

	f = (struct fctx){ .as = as, .va = va + 4 * PAGE_SIZE, .access = W };
	EXPECT_IS(pass_all(as, va + 5 * PAGE_SIZE, W), ==, FAULT_DONE);
	EXPECT_IS(pass_all(as, va + 4 * PAGE_SIZE, R), ==, FAULT_DONE);
	word = pass_word(as, f.va);
	pg = cd_find(disk, 4);
	next = cd_find(disk, 5);
	CHECK(pg != NULL && next != NULL);
	pass_says("F2, the word maps another page", pass_of(&f, as->school->fault,
	    true), FAULT_RESTART);
	pass_word_stays("F2, the word maps another page", as, f.va, word);
	pass_page_is("F2, the word maps another page", next, PASS_ANY, true);
	fault_give_back(&f);

	/* Our pin keeps it while it seems to be cut off. */
	EXPECT_IS(pass_all(as, va + 9 * PAGE_SIZE, R), ==, FAULT_DONE);
	EXPECT_IS(map_munmap(as, va + 9 * PAGE_SIZE, PAGE_SIZE), ==, 0);
	pg = cd_find(disk, 9);
	CHECK(pg != NULL);
	page_pin(pg);
	atomic_or(&pg->flags, PF_ORPHAN);
	va = pass_map(as, vmo, FILE_PAGES, P_RW, MAP_SHARED) + 9 * PAGE_SIZE;
	f = (struct fctx){ .want.what = WANT_AGAIN };
	pass_says("F2, a hole is being made", pass_once(&f, as, va, R), FAULT_RESTART);
	pass_word_stays("F2, a hole is being made", as, va, 0);
	CLAIM(pg->pins == 1, "F2, a hole is being made: %u pins stay",
	    pg->pins - 1);
	atomic_and(&pg->flags, (uint8_t)~PF_ORPHAN);
	fault_give_back(&f);
	page_unpin(pg);
	pass_page_is("F2, a hole was being made", pg, 0, false);
}

/* Private: copies, and the file's page is left as it was. */
static void
copied(const char *what, struct aspace *as, va_t va, uint64_t idx,
    bool read_first, unsigned late)
{
	static struct fctx f;
	struct vm_page *pg, *own;
	struct pass_counts was;
	uint64_t *p;

	f = (struct fctx){ .want.what = WANT_AGAIN };
	if (read_first) {
		EXPECT_IS(pass_all(as, va, R), ==, FAULT_DONE);
		shows("F2, a load of a private mapping", as, va, idx,
		    MD_PTE_U | MD_PTE_A | MD_PTE_NX, false);
	}
	was = pass_counts(as);
	pass_says(what, pass_all(as, va, W), FAULT_DONE);
	fault_give_back(&f);
	pg = cd_find(disk, idx);
	own = pte_page(pass_word(as, va));
	CHECK(pg != NULL);
	pass_word_is(what, as, va, SRC_PRIV, NEW_BITS | MD_PTE_NX);
	CLAIM(own != pg, "%s: the file's page has become the program's", what);
	pass_page_is(what, own, 1, true);
	pass_page_is("the file's page behind F3", pg, PASS_ANY, false);
	pass_counts_moved(what, as, was, read_first ? 0 : 1, 1, late);
	p = pa2va(page_pa(own));
	CLAIM(p[0] == disk->tag[idx] && p[1] == 0, "%s: the copy has other bytes "
	    "than the file", what);
	CLAIM(*(uint64_t *)pa2va(page_pa(pg)) == disk->tag[idx], "%s: the file's "
	    "page has other bytes now", what);
}

static void
private_pages(struct aspace *as, struct vmo *vmo)
{
	va_t va = pass_map(as, vmo, FILE_PAGES, P_RW, MAP_PRIVATE);
	va_t late = pass_map(as, vmo, FILE_PAGES, P_RW, MAP_PRIVATE | MAP_NORESERVE);
	struct vm_page *pg;

	/* The tables are there, and what they cost. */
	EXPECT_IS(pass_all(as, va + (FILE_PAGES - 1) * PAGE_SIZE, R), ==, FAULT_DONE);
	EXPECT_IS(pass_all(as, late + (FILE_PAGES - 1) * PAGE_SIZE, R), ==, FAULT_DONE);
	copied("F3, a page that was never touched", as, va + 24 * PAGE_SIZE, 24,
	    false, 0);
	copied("F3, over the file's page", as, va + 26 * PAGE_SIZE, 26, true,
	    0);
	EXPECT_IS(pass_all(as, late + 28 * PAGE_SIZE, R), ==, FAULT_DONE);
	copied("F3, paid at the touch", as, late + 28 * PAGE_SIZE, 28, true,
	    1);
	EXPECT_IS(pass_all(as, va + 30 * PAGE_SIZE, R), ==, FAULT_DONE);
	pass_without_frame("F3 without a frame", as, va + 30 * PAGE_SIZE);
	pg = cd_find(disk, 30);
	CHECK(pg != NULL);
	pass_page_is("the file's page behind F3 without a frame", pg, PASS_ANY,
	    false);
	EXPECT_IS(pass_all(as, late + 32 * PAGE_SIZE, R), ==, FAULT_DONE);
	pass_without_money("F3 over the limit", as, late + 32 * PAGE_SIZE);
	pg = cd_find(disk, 32);
	CHECK(pg != NULL);
	pass_page_is("the file's page behind F3 over the limit", pg, PASS_ANY,
	    false);
}

/* Behind the end of the file there is nothing to map or to copy. */
static void
behind_the_end(struct aspace *as, struct vmo *vmo)
{
	va_t shared = pass_map(as, vmo, FILE_PAGES + 2, P_RW, MAP_SHARED);
	va_t own = pass_map(as, vmo, FILE_PAGES + 2, P_RW, MAP_PRIVATE);
	const struct {
		va_t va;
		enum access access;
	} rows[] = { { shared, R }, { shared, W }, { own, R }, { own, W } };
	uint64_t off = FILE_PAGES * PAGE_SIZE;
	static struct fctx f;
	unsigned i;

	for (i = 0; i < ARRAY_LEN(rows); i++) {
		f = (struct fctx){ .want.what = WANT_AGAIN };
		pass_says("behind the end of the file", pass_once(&f, as,
		    rows[i].va + off, rows[i].access), FAULT_SIGNAL);
		CLAIM(f.sig.signo == SIGBUS, "behind the end of the file the "
		    "signal is %d, not SIGBUS", f.sig.signo);
		pass_word_stays("behind the end of the file", as,
		    rows[i].va + off, 0);
		fault_give_back(&f);
	}
}

/* What was stored through a mapping comes back from the disk. */
static void
comes_back(struct vmo *vmo)
{
	struct aspace *as = lab_space();
	va_t va = pass_map(as, vmo, FILE_PAGES, P_RW, MAP_SHARED);
	uint64_t i, *p;

	for (i = 34; i < 38; i++) {
		if (i % 2 == 0)
			EXPECT_IS(pass_all(as, va + i * PAGE_SIZE, R), ==, FAULT_DONE);
		EXPECT_IS(pass_all(as, va + i * PAGE_SIZE, W), ==, FAULT_DONE);
		p = pa2va(page_pa(pte_page(pass_word(as, va + i * PAGE_SIZE))));
		p[0] = 0x7000 + i;
	}
	lab_space_end(as);
	CHECK(vmo_sync(vmo, 0, VMO_MAX_PAGES) == 0);
	for (i = 34; i < 38; i++)
		CLAIM(disk->tag[i] == 0x7000 + i, "page %lu of the file was stored "
		    "to by a shared mapping, and was not written back", i);
}

/* Anonymous objects: F9 maps their pages, F3 copies them. */
static void
objects(struct aspace *as)
{
	static struct fctx f;
	struct vmo *vmo = vmo_create_anon(16 * PAGE_SIZE, 0, NULL, NULL);
	va_t shared = pass_map(as, vmo, 16, P_RW, MAP_SHARED);
	va_t own = pass_map(as, vmo, 16, P_RW, MAP_PRIVATE);
	uint64_t bits = MD_PTE_U | MD_PTE_A | MD_PTE_NX, *p;
	struct vm_page *pg;

	f = (struct fctx){ .want.what = WANT_AGAIN };
	CHECK(vmo != NULL);
	pass_says("F9, a store", pass_all(as, shared, W), FAULT_DONE);
	pass_word_is("F9, a store", as, shared, SRC_OBJ,
	    bits | MD_PTE_W | MD_PTE_D);
	pass_says("F9, a load", pass_all(as, shared + PAGE_SIZE, R), FAULT_DONE);
	pass_word_is("F9, a load", as, shared + PAGE_SIZE, SRC_OBJ,
	    bits | MD_PTE_W);
	pg = pte_page(pass_word(as, shared));
	p = pa2va(page_pa(pg));
	p[3] = 0x333;
	pass_says("F9, a load of a private mapping", pass_all(as, own, R),
	    FAULT_DONE);
	pass_word_is("F9, a load of a private mapping", as, own, SRC_OBJ, bits);
	CLAIM(pte_page(pass_word(as, own)) == pg, "two mappings of one object "
	    "show different pages");
	pass_page_is("F9", pg, 2, true);
	pass_says("F3 of an object", pass_all(as, own, W), FAULT_DONE);
	pass_word_is("F3 of an object", as, own, SRC_PRIV, NEW_BITS | MD_PTE_NX);
	pass_page_is("the object's page behind F3", pg, 1, true);
	p = pa2va(page_pa(pte_page(pass_word(as, own))));
	CLAIM(p[3] == 0x333, "F3 of an object: the copy has other bytes");
	/* Our pin keeps it while it seems to be cut off. */
	pg = pte_page(pass_word(as, shared + PAGE_SIZE));
	page_pin(pg);
	atomic_or(&pg->flags, PF_ORPHAN);
	pass_says("F9, a page that is being cut off", pass_once(&f, as,
	    own + PAGE_SIZE, R), FAULT_RESTART);
	pass_word_stays("F9, a page that is being cut off", as, own + PAGE_SIZE,
	    0);
	CLAIM(pg->pins == 1, "F9, a page that is being cut off: %d pins stay",
	    pg->pins - 1);
	atomic_and(&pg->flags, (uint8_t)~PF_ORPHAN);
	fault_give_back(&f);
	page_unpin(pg);
	pass_says("F3 of an object, never touched", pass_all(as,
	    own + PAGE_SIZE, W), FAULT_DONE);
	pass_page_is("the object's page behind F3", pte_page(pass_word(as,
	    shared + PAGE_SIZE)), 1, true);
	vmo_put(vmo);
}

static void
files(void)
{
	struct aspace *as = lab_space();
	struct vmo *vmo;
	unsigned i;

	disk = cd_begin(0, FILE_PAGES * PAGE_SIZE);
	vmo = disk->vmo;
	ev_mark(1);
	shared_file(as, vmo);
	lab_space_end(as);
	as = lab_space();
	changed_meanwhile(as, vmo);
	lab_space_end(as);
	as = lab_space();
	private_pages(as, vmo);
	objects(as);
	behind_the_end(as, vmo);
	CLAIM(vm_check(1) == 0, "F2 and F3 left the space unsound");
	lab_space_end(as);
	comes_back(vmo);
	for (i = 0; i < FILE_PAGES; i++)
		if (cd_find(disk, i) != NULL)
			CLAIM(cd_find(disk, i)->pins == 0, "page %u of the file "
			    "stays pinned when nobody maps it", i);
	ev_mark(2);
	cd_end(disk);
}

const struct selftest selftests_lab_faultfile[] = {
	{ "lab_fault_pages", files, "F2, F3: words, pins, what is written back" },
	{ NULL, NULL, NULL },
};
