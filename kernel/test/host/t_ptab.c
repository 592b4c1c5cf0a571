/* NEEDS: KIND=exact */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_ptab.c: page tables against a list of addresses
 *
 * Problem   Words come and go anywhere in 128 TiB, tables are made by faults
 *           that may stop half-way.  Counts must equal what is there, and an
 *           empty space must have no table and owe nothing.
 *
 * Picture   random map or unmap ─→ pt_walk, pt_prune, ws_*, batch ─→ recount
 *                              └─→ addresses[]
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <string.h>

#include "test/host/host.h"

#define MAPPED 200

static struct {
	va_t va[MAPPED];
	unsigned n;
} model;

static struct aspace *as;

static unsigned
model_find(va_t va)
{
	unsigned i;

	for (i = 0; i < model.n; i++)
		if (model.va[i] == va)
			break;
	return i;
}

/* Half of them close together, so that they share tables. */
static va_t
some_address(void)
{
	if (host_random(2))
		return host_random(MD_USER_END >> PAGE_SHIFT) << PAGE_SHIFT;
	return host_random(8 * MD_PT_WORDS) << PAGE_SHIFT;
}

static void
map_page(struct fctx *f)
{
	struct vm_page *pg = page_alloc(PHYS_ANY);

	assert_non_null(pg);
	spin_lock(&pfn_lock);
	page_adopt_locked(pg, HOME_PTE, word_pa(f->word), f->va >> PAGE_SHIFT);
	page_map_locked(pg);
	word_set_locked(f->leaf, f->word,
	    pte_make_valid(pg, SRC_PRIV, MD_PTE_W | MD_PTE_NX));
	spin_unlock(&pfn_lock);
	ws_insert(as, f->leaf);
}

/* As the driver does: pins are dropped at the end, spare frames returned. */
static void
try_map(va_t va, bool fail)
{
	struct fctx f = { .as = as, .va = va };
	enum fault_outcome r;

	if (model_find(va) < model.n || model.n == MAPPED)
		return;
	f.v.flags = host_random(2) ? VAD_CHARGED : 0;
	host_inject(FI_FRAME, fail ? 1 + (unsigned)host_random(3) : 0, 0);
	host_inject(FI_COMMIT, fail ? 1 : 0, 0);
	rw_lock_read(&as->map_lock);
	mutex_lock(&as->ws_lock);
	r = pt_walk(&f);
	if (r != FAULT_DONE || host_random(4) == 0)
		pt_pin(&f);
	host_inject(FI_FRAME, 0, 0);
	host_inject(FI_COMMIT, 0, 0);
	if (r == FAULT_DONE) {
		map_page(&f);
		model.va[model.n++] = va;
	}
	mutex_unlock(&as->ws_lock);
	rw_unlock_read(&as->map_lock);
	pt_unpin(&f);
	want_end(&f.want);
	assert_true(r == FAULT_DONE || fail);
}

static void
unmap(unsigned i)
{
	va_t va = model.va[i];
	struct vm_page *leaf;
	uint64_t *word, old;

	mutex_lock(&as->ws_lock);
	word = pt_find(as, va, &leaf);
	assert_non_null(word);
	tlb_batch_init(as->batch, as, BATCH_ZAP);
	old = word_set(leaf, word, 0);
	assert_int_equal(old & MD_PTE_P, MD_PTE_P);
	ws_remove(as, leaf);
	tlb_batch_add(as->batch, va >> PAGE_SHIFT, old);
	if (leaf->nused == 0)
		pt_prune(as, va, as->batch);
	tlb_batch_end(as->batch);
	mutex_unlock(&as->ws_lock);
	model.n--;
	model.va[i] = model.va[model.n];
}

/* Every leaf table is found, on the ring, and counts what it holds. */
static void
recount(void)
{
	struct pt_iter it = pt_range(as, 0, MD_USER_END >> PAGE_SHIFT);
	uint64_t words = 0, leaves = 0, ring = 0, met;
	struct vm_page *leaf;
	uint64_t *word;
	pfn_t at;

	mutex_lock(&as->ws_lock);
	for (; pt_iter_table(&it); leaves++) {
		assert_true(it.leaf->nused > 0);
		assert_int_equal(it.leaf->nres, it.leaf->nused);
		assert_int_equal(it.leaf->tbl.nvalid, it.leaf->nused);
		met = 0;
		PT_FOREACH(word, &it)
			met += pt_find(as, it.va, &leaf) == word;
		assert_int_equal(met, it.leaf->nused);
		words += met;
	}
	at = as->ws.head;
	do {
		ring += at != 0;
		at = at != 0 ? pfdb[at].tbl.ws_next : 0;
	} while (at != as->ws.head);
	mutex_unlock(&as->ws_lock);
	assert_int_equal(words, model.n);
	assert_int_equal(as->ws.pages, model.n);
	assert_int_equal(ring, leaves);
}

static void
words_come_and_go(void **state)
{
	uint64_t commit = commit_total();
	unsigned i;

	for (i = 0; i < 20000; i++) {
		if (host_random(2))
			try_map(some_address(), host_random(8) == 0);
		else if (model.n > 0)
			unmap((unsigned)host_random(model.n));
		if (i % 100 == 0)
			recount();
	}
	while (model.n > 0)
		unmap(model.n - 1);
	assert_int_equal(as->table.n, 0);
	assert_int_equal(as->table.n_upper, 0);
	assert_int_equal(atomic_load(&as->commit.late), 0);
	assert_int_equal(as->ws.head, 0);
	assert_int_equal(commit_total(), commit);
	assert_int_equal(ev_read(EV_table_pin), ev_read(EV_table_unpin));
	assert_int_equal(ev_read(EV_table_alloc), ev_read(EV_table_free));
	assert_int_equal(ev_read(EV_ws_insert), ev_read(EV_ws_remove));
}

/* munmap empties a table that a waiting fault holds: the pin frees it. */
static void
pin_frees_the_empty_table(void **state)
{
	struct fctx f = { .as = as, .va = 0x40000000 };

	rw_lock_read(&as->map_lock);
	mutex_lock(&as->ws_lock);
	assert_int_equal(pt_walk(&f), FAULT_DONE);
	pt_pin(&f);
	tlb_batch_init(as->batch, as, BATCH_ZAP);
	pt_prune(as, f.va, as->batch);
	tlb_batch_end(as->batch);
	mutex_unlock(&as->ws_lock);
	rw_unlock_read(&as->map_lock);
	assert_int_equal(as->table.n, 3);
	pt_unpin(&f);
	assert_int_equal(as->table.n, 0);
}

/* n pages cost a flush per 64 and no more. */
static void
one_flush_per_batch(void **state)
{
	uint64_t before = ev_read(EV_tlb_flush);
	struct vm_page *leaf;
	uint64_t *word;
	va_t va;

	for (va = 0; va < 128 * PAGE_SIZE; va += PAGE_SIZE)
		try_map(va, false);
	mutex_lock(&as->ws_lock);
	tlb_batch_init(as->batch, as, BATCH_ZAP);
	for (va = 0; va < 128 * PAGE_SIZE; va += PAGE_SIZE) {
		word = pt_find(as, va, &leaf);
		ws_remove(as, leaf);
		tlb_batch_add(as->batch, va >> PAGE_SHIFT,
		    word_set(leaf, word, 0));
	}
	pt_prune(as, 0, as->batch);
	tlb_batch_end(as->batch);
	mutex_unlock(&as->ws_lock);
	model.n = 0;
	assert_true(ev_read(EV_tlb_flush) - before <= 3);
	assert_int_equal(as->table.n, 0);
}

static int
boot(void **state)
{
	host_boot(4096, "idlezero=0");
	host_seed(7);
	assert_int_equal(as_create(NULL, &as), 0);
	as_attach_user(as);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_come_and_go),
		cmocka_unit_test(pin_frees_the_empty_table),
		cmocka_unit_test(one_flush_per_batch),
	};

	return cmocka_run_group_tests(tests, boot, NULL);
}
