/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_tables.c: a page under each of many tables, and where the tables are
 *
 * Problem   Whether a table is in memory, who holds it and what the word above it
 *           says no program sees.
 *
 * Picture   root ─ table 3 ─ table 2 ─┬ leaf 0 ─ page 0      2 MiB apart
 *                                     ├ leaf 1 ─ page 1
 *                                     └ …
 *
 * Rules     1. Of the learner's functions only pt_evict() and pt_rescue() are called here.
 *           2. Nothing waits for ever: what does not come is a claim of the
 *              test that does not hold.
 *
 * Read next lab_tablepin.c, lab_tableout.c, lab_tablein.c.
 */
#include "test/boot/table/lab_tables.h"

#define BASE 0x200000000000ul /* tables of all levels begin here */
#define TRIES 100
#define TRY_NS 1000000ul

struct tables
tables_map(uint64_t n)
{
	struct tables t = { .n = n, .seed = lab_param("seed", 1) };
	struct map_args a = { .addr = BASE, .len = n * PT_SPAN,
		.prot = PROT_R | PROT_W, .maxprot = PROT_R | PROT_W | PROT_X,
		.flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED |
		MAP_NORESERVE };

	CHECK(n <= TABLES_MOST);
	vm_leak_begin();
	t.as = lab_space();
	CHECK(map_mmap(t.as, &a, &t.va) == 0);
	return t;
}

void
tables_end(const struct tables *t)
{
	uint64_t away = t->as->table.n_out - tables_of_kind(t, PTE_ERROR);

	CLAIM(away == 0, "%lu tables are out and do not come back: the space "
	    "cannot end", away);
	if (away != 0)
		return;
	lab_space_end(t->as);
	(void)swp_settle();
	CLAIM(vm_leak_end() == 0, "frames, or promises, are left when the space has "
	    "gone: a table was not freed, or not paid back");
}

va_t
tables_at(const struct tables *t, uint64_t i)
{
	return t->va + i * PT_SPAN + (i * 7 + 3) % TABLES_PAGE * PAGE_SIZE;
}

struct pages
tables_page(const struct tables *t, uint64_t i)
{
	return (struct pages){ .as = t->as, .va = tables_at(t, i), .n = 1,
		.seed = t->seed + i * 1000 };
}

void
tables_write(const struct tables *t)
{
	struct pages p;
	uint64_t i;

	for (i = 0; i < t->n; i++) {
		p = tables_page(t, i);
		pages_write(&p, 0);
	}
}

bool
tables_reads(const struct tables *t, struct aspace *as, uint64_t i)
{
	struct pages p = tables_page(t, i);

	return pages_reads(&p, as, 0);
}

/* ---- words above tables ---- */

uint64_t *
tables_word(struct aspace *as, va_t va, int level)
{
	uint64_t *words = pa2va(as->md.root_pa), w;
	int i;

	for (i = LEVELS; i > level; i--) {
		w = word_get(&words[md_pt_index(va, i + 1)]);
		if ((w & MD_PTE_P) == 0)
			return NULL;
		words = pt_words(pte_page(w));
	}
	return &words[md_pt_index(va, level + 1)];
}

struct vm_page *
tables_table(struct aspace *as, va_t va, int level)
{
	uint64_t *word = tables_word(as, va, level);

	return word != NULL && (word_get(word) & MD_PTE_P) != 0 ?
	    pte_page(word_get(word)) : NULL;
}

uint64_t
tables_of_kind(const struct tables *t, enum pte_kind kind)
{
	uint64_t i, n = 0, *word;

	for (i = 0; i < t->n; i++) {
		word = tables_word(t->as, tables_at(t, i), 1);
		n += word != NULL && pte_kind(word_get(word)) == kind;
	}
	return n;
}

/* ---- out ---- */

void
tables_steal(void)
{
	pageout_push();
	(void)sleep_until(md_time_ns() + TRY_NS, WAIT_PLAIN);
	while (phys_reclaim())
		;
}

static bool
any_page_is_here(const struct tables *t)
{
	uint64_t i, word;

	for (i = 0; i < t->n; i++) {
		word = word_of(t->as, tables_at(t, i));
		if (word != 0 && word_frame(word) != NULL)
			return true;
	}
	return false;
}

bool
tables_pages_out(const struct tables *t)
{
	uint64_t vpn = t->va >> PAGE_SHIFT;
	unsigned try;

	(void)pte_trim_range(t->as, vpn, vpn + t->n * MD_PT_WORDS);
	for (try = 0; any_page_is_here(t) && try < TRIES; try++)
		tables_steal();
	return !any_page_is_here(t);
}

size_t
tables_evict(struct aspace *as, size_t want)
{
	size_t done;

	mutex_lock(&as->ws_lock);
	done = pt_evict(as, want);
	mutex_unlock(&as->ws_lock);
	return done;
}

bool
tables_rescue(struct aspace *as, va_t va)
{
	uint64_t *word = tables_word(as, va, 1);
	bool got;

	mutex_lock(&as->ws_lock);
	got = pt_rescue(as, word, 1);
	mutex_unlock(&as->ws_lock);
	return got;
}

bool
tables_out(const struct tables *t)
{
	unsigned try;

	if (!tables_pages_out(t))
		return false;
	(void)tables_evict(t->as, SIZE_MAX);
	for (try = 0; tables_of_kind(t, PTE_SWAP) < t->n && try < TRIES; try++) {
		if (t->as->table.n_out == 0)
			break;
		tables_steal();
	}
	return tables_of_kind(t, PTE_SWAP) == t->n;
}

bool
tables_all_out(const struct tables *t)
{
	uint64_t *root = tables_word(t->as, t->va, LEVELS);
	unsigned try;

	if (!tables_out(t))
		return false;
	for (try = 0; pte_kind(word_get(root)) != PTE_SWAP && try < TRIES; try++) {
		(void)tables_evict(t->as, SIZE_MAX);
		tables_steal();
	}
	return pte_kind(word_get(root)) == PTE_SWAP;
}
