/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_fork.c: the kernel's tests of lab 05
 *
 * Problem   The words of a fork, and what a fork costs, can be shown without a
 *           child that runs.
 *
 * Picture   a space, some pages of it written; as_dup; the counters between
 *
 * Read next vm/design/fmo/fork.c.
 */
#include "test/boot/lab/lab.h"
#include "vm/design/fmo/fmo.h"

#define INDEXES (MD_KPAGED_SIZE / sizeof(struct fmo_entry))

/* ---- step 1: words ---- */

/* A soft word of another kind with the same payload. */
static void
another_kind(uint64_t index, uint64_t word, enum pte_kind kind)
{
	uint64_t other = pte_make_soft(kind, index);

	EXPECT(other != word && pte_kind(other) == kind);
}

static void
words(void)
{
	uint64_t n = lab_param("n", 2000), seed = lab_param("seed", 1) | 1;
	uint64_t i, index, word;

	ev_mark(1);
	for (i = 0; i < n; i++) {
		index = lab_random(&seed) % INDEXES;
		word = fork_word(index);
		EXPECT((word & MD_PTE_P) == 0 && pte_kind(word) == PTE_FORK);
		EXPECT_IS(fork_index(word), ==, index);
		EXPECT_IS(fork_entry(word),
		    ==, MD_KPAGED_BASE + index * sizeof(struct fmo_entry));
		another_kind(index, word, PTE_SWAP);
		another_kind(index, word, PTE_TRANS);
	}
	EXPECT(fork_index(fork_word(0)) == 0 && fork_word(0) != 0);
	EXPECT_IS(fork_index(fork_word(INDEXES - 1)), ==, INDEXES - 1);
	ev_mark(2);
}

/* A page whose home is e: what does a word that maps it name? */
static void
one_valid(va_t kva, struct fmo_entry *e)
{
	struct vm_page *pg = phys_alloc(PHYS_USER, PHYS_ANY);
	uint64_t word;

	CHECK(pg != NULL);
	word = pte_make_valid(pg, SRC_FORK, MD_PTE_U | MD_PTE_A);
	spin_lock(&pfn_lock);
	page_set_home(pg, HOME_FMO, va2pa(e));
	spin_unlock(&pfn_lock);
	EXPECT_IS(fork_entry(word), ==, kva);
	EXPECT_IS(fork_entry(fork_word(fmo_index_of(e))), ==, kva);
	EXPECT_IS(fmo_entry_of_page(pte_page(word)), ==, e);
	spin_lock(&pfn_lock);
	page_set_home(pg, HOME_NONE, 0);
	spin_unlock(&pfn_lock);
	phys_free(pg);
}

static void
valid_words(void)
{
	uint64_t n = lab_param("n", 300), i;
	struct fmo *fmo = fmo_create(n);
	struct vm_page *pg;
	va_t kva;

	CHECK(fmo != NULL);
	ev_mark(1);
	for (i = 0; i < n; i++) {
		kva = MD_KPAGED_BASE +
		    (fmo->base + i) * sizeof(struct fmo_entry);
		CHECK(kpaged_pin(kva, &pg) == 0);
		one_valid(kva, kpaged_ptr(pg, kva));
		kpaged_unpin(pg);
	}
	ev_mark(2);
	fmo_bury(fmo);
	fmo_reap();
}

/* ---- step 4: what a fork costs ---- */

/* Fork a space of `mapped` pages of which every step-th has been written. */
static void
fork_of(uint64_t mapped, uint64_t step)
{
	struct aspace *as = lab_space(), *child;
	va_t va = lab_map(as, mapped);
	uint64_t i, tag, n = 0;
	int r;

	for (i = 0; i < mapped; i += step) {
		tag = i + 1;
		EXPECT_IS(as_write(as, va + i * PAGE_SIZE, &tag, 8), ==, 8);
		n++;
	}
	ev_mark(1);
	r = as_dup(as, &child);
	ev_mark(2);
	EXPECT_IS(r, ==, 0);
	if (r == 0) {
		as_attach_user(child);
		EXPECT(child->words.fork == n && as->words.fork == n);
		EXPECT(as->words.priv == 0 && child->words.priv == 0);
		EXPECT_IS(vm_check(2), ==, 0);
		lab_space_end(child);
	}
	lab_space_end(as);
}

static void
sparse(void)
{
	fork_of(lab_param("mapped", 4000), lab_param("step", 20));
}

static void
dense(void)
{
	fork_of(lab_param("mapped", 2000), 1);
}

const struct selftest selftests_lab_fork[] = {
	{ "lab_fork_words", words, "a FORK word names its entry, and no other kind" },
	{ "lab_fork_valid", valid_words, "an entry is found from its page" },
	{ "lab_fork_sparse", sparse, "a fork costs what is present" },
	{ "lab_fork_dense", dense, "64 MiB are forked without a copy" },
	{ NULL, NULL, NULL },
};
