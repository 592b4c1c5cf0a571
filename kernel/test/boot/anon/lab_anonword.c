/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_anonword.c: what the tests of lab 03 look at an object with
 *
 * Problem   Whether a word is where it belongs cannot be asked of the function
 *           that is being tested.
 *
 * Picture   anon_top ─→ a.words ─→ table by table, divided by 512 ─→ the word ─→
 *           page ─→ its bytes, by the direct map
 *
 * Rules     1. Of the learner's functions only anon_top(), which lab_anonshape.c
 *              judges, and anon_create() and anon_page() are called here, these by the
 *              two helpers that say so.
 *
 * Read next lab_anon.c, lab_anonpage.c, lab_anoncut.c.
 */
#include "lib/string.h"
#include "mem/mem.h"
#include "test/boot/anon/lab_anon.h"

#define TRIES 500
#define TRY_NS 1000000ul

struct anon_place
anon_place(struct vmo *vmo, uint64_t pgoff)
{
	const struct anon_top top = anon_top(pgoff);
	struct anon_place p = { .slot = &vmo->a.words[top.word],
		.missing = top.depth, .at = pgoff - top.first };
	uint64_t below = 1ul << 9 * top.depth;
	struct vm_page *pg;
	va_t kva;

	while (p.missing > 0 && *p.slot > AOBJ_LOST) {
		kva = MD_KPAGED_BASE + *p.slot / 2 * PAGE_SIZE;
		CHECK(kpaged_pin(kva, &pg) == 0);
		if (p.table != NULL)
			p.upper_pins += p.table->pins - 1u;
		anon_place_end(&p);
		p.table = pg;
		below /= 512;
		p.slot = (uint64_t *)kpaged_ptr(pg, kva) + p.at / below % 512;
		p.missing--;
	}
	return p;
}

void
anon_place_end(struct anon_place *p)
{
	if (p->table != NULL)
		kpaged_unpin(p->table);
	p->table = NULL;
}

uint64_t
anon_word_of(struct vmo *vmo, uint64_t pgoff)
{
	struct anon_place p = anon_place(vmo, pgoff);
	uint64_t word = p.missing == 0 ? word_get(p.slot) : 0;

	anon_place_end(&p);
	return word;
}

unsigned
anon_missing(struct vmo *vmo, uint64_t pgoff)
{
	struct anon_place p = anon_place(vmo, pgoff);

	anon_place_end(&p);
	return p.missing;
}

uint64_t
anon_first_below(unsigned depth)
{
	struct anon_top top = anon_top(0);

	while (top.depth < depth)
		top = anon_top(top.end);
	return top.first;
}

/* ---- books ---- */

struct anon_books
anon_books(struct vmo *vmo)
{
	struct anon_books b;

	spin_lock(&vmo->lock);
	b = (struct anon_books){ .n_resident = vmo->n_resident,
		.n_tables = vmo->a.n_tables, .charged = vmo->a.charged };
	spin_unlock(&vmo->lock);
	b.quota = vmo->a.quota == NULL ? 0 : vmo_quota(vmo->a.quota, QUOTA_USED);
	b.pages = ev_read(EV_anon_pages);
	b.tables = ev_read(EV_anon_tables);
	b.kpaged = ev_read(EV_kpaged_pages) + ev_read(EV_kpaged_pages_out);
	b.commit = commit_total();
	b.limbo = page_count(PG_LIMBO);
	return b;
}

static void
moved(const char *what, const char *name, uint64_t was, uint64_t now,
    int64_t by)
{
	CLAIM(now - was == (uint64_t)by, "%s: %s went from %lu to %lu; it should "
	    "have changed by %ld", what, name, was, now, by);
}

void
anon_books_moved(const char *what, struct vmo *vmo, struct anon_books was,
    int64_t pages, int64_t tables, int64_t charged)
{
	struct anon_books now = anon_books(vmo);

	moved(what, "n_resident", was.n_resident, now.n_resident, pages);
	moved(what, "a.n_tables", was.n_tables, now.n_tables, tables);
	moved(what, "a.charged", was.charged, now.charged, charged);
	moved(what, "what is promised", was.commit, now.commit, charged);
	moved(what, "anon.pages", was.pages, now.pages, pages);
	moved(what, "anon.tables", was.tables, now.tables, tables);
	moved(what, "the kernel's paged memory", was.kpaged, now.kpaged, tables);
	moved(what, "the number of frames that nobody owns", was.limbo,
	    now.limbo, 0);
	if (vmo->a.quota != NULL)
		moved(what, "the quota's use", was.quota, now.quota, pages);
}

/* ---- objects and bytes ---- */

struct vmo *
anon_object(uint64_t bytes)
{
	struct vmo *vmo = vmo_create_anon(bytes, 0, NULL, NULL);

	CLAIM(vmo != NULL, "anon_create made no object, though memory is ample");
	if (vmo != NULL)
		CLAIM(vmo->type == VMO_AOBJ && vmo_size(vmo) == bytes,
		    "anon_create made an object of another type or size");
	return vmo;
}

/* The words of a leaf, or of the header: pages and slots go. */
static void
clear_words(struct vm_page *table, uint64_t *word, unsigned n)
{
	bool last = false;
	uint64_t was;

	for (; n > 0; n--, word++) {
		if (*word == 0)
			continue;
		spin_lock(&pfn_lock);
		was = word_set_locked(table, word, 0);
		if (pte_names_frame(was))
			last = page_disown_locked(pte_page(was));
		spin_unlock(&pfn_lock);
		if (pte_kind(was) == PTE_SWAP)
			swap_free(swap_slot(was));
		else if (pte_names_frame(was) && last)
			page_free(pte_page(was));
	}
}

/* All below an interior word, which leads to pages from first on. */
static void
clear_table(struct vmo *vmo, uint64_t word, uint64_t first, unsigned depth)
{
	va_t kva = MD_KPAGED_BASE + word / 2 * PAGE_SIZE;
	uint64_t each = 1ul << 9 * (depth - 1), *words;
	struct vm_page *pg;
	unsigned i;

	CHECK(kpaged_pin(kva, &pg) == 0);
	spin_lock(&vmo->lock);
	anon_attach(vmo, pg, first, depth);
	spin_unlock(&vmo->lock);
	words = kpaged_ptr(pg, kva);
	if (depth == 1)
		clear_words(pg, words, MD_PT_WORDS);
	for (i = 0; depth > 1 && i < MD_PT_WORDS; i++)
		if (words[i] > AOBJ_LOST)
			clear_table(vmo, words[i], first + i * each, depth - 1);
	kpaged_unpin(pg);
	if (depth == 1)
		anon_prune(vmo, first);
}

static void
end_by_hand(struct vmo *vmo)
{
	struct anon_top top = { .end = 0 };
	uint64_t *word;

	EVENT_ADD(anon_pages, -(int64_t)vmo->n_resident);
	while (top.end < VMO_MAX_PAGES) {
		top = anon_top(top.end);
		word = &vmo->a.words[top.word];
		if (top.depth == 0)
			clear_words(NULL, word, (unsigned)(top.end - top.first));
		else if (*word > AOBJ_LOST)
			clear_table(vmo, *word, top.first, top.depth);
	}
	if (vmo->a.quota != NULL)
		quota_give(vmo->a.quota, vmo_quota(vmo->a.quota, QUOTA_USED));
	vmo_quota_put(vmo->a.quota);
	commit_uncharge(vmo->a.charged);
	vmo_free(vmo);
}

void
anon_object_end(struct vmo *vmo)
{
	if (vmo == NULL)
		return;
	vmo->end = end_by_hand;
	vmo_put(vmo);
}

uint64_t
anon_tag(uint64_t pgoff)
{
	uint64_t state = pgoff * 2654435761u + lab_param("seed", 1) + 1;

	return lab_random(&state) | 1;
}

void
anon_write_tag(const struct vm_page *pg, uint64_t pgoff)
{
	uint64_t *v = pa2va(page_pa(pg));

	v[0] = v[PAGE_SIZE / 8 - 1] = anon_tag(pgoff);
}

bool
anon_has_tag(const struct vm_page *pg, uint64_t pgoff)
{
	const uint64_t *v = pa2va(page_pa(pg));

	return v[0] == anon_tag(pgoff) &&
	    v[PAGE_SIZE / 8 - 1] == anon_tag(pgoff);
}

int
anon_fill(struct vmo *vmo, uint64_t pgoff)
{
	static struct vm_page *pg;
	int r;

	pg = NULL;
	r = anon_page(vmo, pgoff, ANON_CREATE, &pg);
	CLAIM(r == 0 && pg != NULL, "page %lu cannot be made: %d", pgoff, r);
	if (r != 0 || pg == NULL)
		return -EIO;
	anon_write_tag(pg, pgoff);
	page_unpin_dirty(pg);
	return 0;
}

/* ---- what a test does to the machine ---- */

void
anon_refuse(const char *point, uint64_t first)
{
	struct out_buf text;
	char spec[48];

	out_buf_init(&text, spec, sizeof(spec));
	out_printf(&text.out, "%s:%lu:0:1", point, first);
	CHECK(inject_set(spec) == 0);
}

void
anon_soil_frames(unsigned n)
{
	struct vm_page *pg, *all = NULL;

	while (n-- > 0 && (pg = phys_alloc(PHYS_USER, PHYS_ANY)) != NULL) {
		memset(pa2va(page_pa(pg)), 0xa5, PAGE_SIZE);
		*(struct vm_page **)pa2va(page_pa(pg)) = all;
		all = pg;
	}
	while (all != NULL) {
		pg = all;
		all = *(struct vm_page **)pa2va(page_pa(pg));
		phys_free(pg);
	}
}

static bool
some_in_memory(struct vmo *vmo, uint64_t lo, uint64_t hi)
{
	uint64_t word;

	for (; lo < hi; lo++) {
		word = anon_word_of(vmo, lo);
		if (word != 0 && pte_names_frame(word))
			return true;
	}
	return false;
}

void
anon_swap_out(struct vmo *vmo, uint64_t lo, uint64_t hi)
{
	unsigned try;

	for (try = 0; some_in_memory(vmo, lo, hi) && try < TRIES; try++) {
		pageout_push();
		(void)sleep_until(md_time_ns() + TRY_NS, WAIT_PLAIN);
		while (phys_reclaim())
			;
	}
	CHECK(!some_in_memory(vmo, lo, hi));
}

/* The address of the table so many levels above the word of a page; 1: its leaf. */
static va_t
table_above(struct vmo *vmo, uint64_t pgoff, unsigned level)
{
	struct anon_top top = anon_top(pgoff);
	uint64_t word = vmo->a.words[top.word], at = pgoff - top.first;
	struct vm_page *pg;
	va_t kva;

	for (;; top.depth--) {
		CHECK(top.depth >= level && word > AOBJ_LOST);
		kva = MD_KPAGED_BASE + word / 2 * PAGE_SIZE;
		if (top.depth == level)
			return kva;
		CHECK(kpaged_pin(kva, &pg) == 0);
		word = ((uint64_t *)kpaged_ptr(pg, kva))[at >> 9 * (top.depth - 1) & 511];
		kpaged_unpin(pg);
	}
}

void
anon_table_out(struct vmo *vmo, uint64_t pgoff, unsigned level)
{
	va_t kva = table_above(vmo, pgoff, level);
	unsigned try;

	for (try = 0; !kpaged_is_out(kva) && try < TRIES; try++) {
		(void)kpaged_trim();
		pageout_push();
		(void)sleep_until(md_time_ns() + TRY_NS, WAIT_PLAIN);
		while (phys_reclaim())
			;
	}
	CHECK(kpaged_is_out(kva));
}
