/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_tour.c: the kernel's tests of lab 00
 *
 * Problem   A walk is right if the tables themselves say the same.
 *
 * Picture   a space with pages, the kernel's own half; answers against runs
 *
 * Read next tour.c, tour.h.
 */
#include "test/boot/lab/lab.h"
#include "test/boot/tour/tour.h"

#define LOOP 100ul

/* ---- step 1 ---- */

/*
 * What is asked lies apart: the file runs on the stack on which it would lie, and
 * in registers that it saves.
 */
static volatile struct {
	va_t va;
	uint64_t i;
	int level;
} ask;
static uint64_t seed;

/* tour_index() of the address and level that are asked. */
static void
index_is(int want)
{
	int got = tour_index(ask.va, ask.level);

	CLAIM(got == want, "tour_index(0x%lx, %d) is %d\t%d", ask.va, ask.level, got,
	    want);
}

static void
indices(void)
{
	uint64_t n = lab_param("n", 1000);

	seed = lab_param("seed", 1) | 1;
	ev_mark(1);
	for (ask.i = 0; ask.i < n; ask.i++) {
		ask.va = lab_random(&seed) >> 17;
		if (ask.i % 2 != 0)
			ask.va |= 0xffff800000000000ul;
		for (ask.level = 1; ask.level <= MD_PT_LEVELS; ask.level++)
			index_is((int)md_pt_index(ask.va, ask.level));
	}
	ev_mark(2);
}

static void
canonical(void)
{
	uint64_t n = lab_param("n", 200);
	va_t bad;

	seed = lab_param("seed", 1) | 1;
	ev_mark(1);
	for (ask.i = 0; ask.i < n; ask.i++) {
		bad = (lab_random(&seed) >> 17) |
		    ((1 + lab_random(&seed) % 0xfffe) << 48);
		if (bad >> 47 == 0x1ffff || bad >> 47 == 0)
			continue;
		ask.va = bad;
		ask.level = 1 + (int)(ask.i % 4);
		index_is(-EINVAL);
	}
	EXPECT_IS(tour_index(0x00007fffffffffff, 4), ==, 255);
	EXPECT_IS(tour_index(0x0000800000000000, 4), ==, -EINVAL);
	EXPECT_IS(tour_index(0xffff7fffffffffff, 4), ==, -EINVAL);
	EXPECT_IS(tour_index(0xffff800000000000, 4), ==, 256);
	EXPECT_IS(tour_index(~0ul, 1), ==, 511);
	EXPECT(tour_index(0, 0) == -EINVAL && tour_index(0, 5) == -EINVAL);
	ev_mark(2);
}

/* ---- step 2 ---- */

static void
touch_pages(struct aspace *as, va_t va, uint64_t n)
{
	uint64_t i;

	for (i = 0; i < n; i++)
		EXPECT_IS(as_write(as, va + i * PAGE_SIZE, &i, 8), ==, 8);
}

/* The walk has ended where it should, and says so. */
static void
walk_ends(const char *what, const struct tour_walk *w, bool mapped, int n,
    uint64_t bytes)
{
	CLAIM(w->mapped == mapped && w->n == n && w->bytes == bytes, "%s: mapped is %d, n "
	    "%d, bytes %lu; they should be %d, %d and %lu", what, w->mapped, w->n,
	    w->bytes, mapped, n, bytes);
}

static void
one_walk(struct aspace *as, va_t va, uint64_t tag)
{
	struct vm_page *leaf;
	const uint64_t *word = pt_find(as, va, &leaf);
	static struct tour_walk w;
	int i;

	EXPECT(word != NULL && tour_walk(as->md.root_pa, va + 8, &w) == 0);
	if (word == NULL || w.n != MD_PT_LEVELS) {
		EXPECT_IS(w.n, ==, MD_PT_LEVELS);
		return;
	}
	walk_ends("a page of 4096 bytes", &w, true, MD_PT_LEVELS, PAGE_SIZE);
	CLAIM(w.step[3].word == *word, "address %lx: the last word looked at is %lx, and "
	    "its word is %lx", va + 8, w.step[3].word, *word);
	EXPECT_IS(w.step[3].table, ==, page_pa(leaf));
	EXPECT_IS(w.step[0].table, ==, as->md.root_pa);
	for (i = 0; i < MD_PT_LEVELS - 1; i++)
		EXPECT_IS((w.step[i].word & MD_PTE_PFN), ==, w.step[i + 1].table);
	EXPECT_IS(w.pa, ==, page_pa(pte_page(*word)) + 8);
	EXPECT_IS(*(uint64_t *)pa2va(w.pa - 8), ==, tag);
	EXPECT_IS(w.rights, ==, (TOUR_READ | TOUR_WRITE | TOUR_USER));
}

static void
walks(void)
{
	uint64_t n = lab_param("n", 500), i;
	struct aspace *as = lab_space();
	va_t va = lab_map(as, n);

	touch_pages(as, va, n);
	mutex_lock(&as->ws_lock);
	ev_mark(1);
	for (i = 0; i < n; i++)
		one_walk(as, va + i * PAGE_SIZE, i);
	ev_mark(2);
	mutex_unlock(&as->ws_lock);
	lab_space_end(as);
}

static void
stops(void)
{
	struct aspace *as = lab_space();
	va_t va = lab_map(as, 1), direct = MD_DIRECT_BASE + 0x1234567;
	pa_t root = as->md.root_pa;
	static struct tour_walk w;

	touch_pages(as, va, 1);
	mutex_lock(&as->ws_lock);
	ev_mark(1);
	EXPECT_IS(tour_walk(root, direct, &w), ==, 0);
	walk_ends("a large page", &w, true, w.n == 2 ? 2 : 3,
	    w.n == 2 ? 1ul << 30 : 2ul << 20);
	CLAIM(w.pa == 0x1234567, "a large page: address %lx is at %lx, not at %x", direct,
	    w.pa, 0x1234567);
	EXPECT_IS(tour_walk(root, va ^ 0x0000400000000000, &w), ==, 0);
	walk_ends("a hole in the root", &w, false, 1, 0);
	EXPECT_IS(tour_walk(root, va ^ PAGE_SIZE, &w), ==, 0);
	walk_ends("a hole in a leaf", &w, false, 4, 0);
	CLAIM((w.step[3].word & MD_PTE_P) == 0, "a hole in a leaf: its word is %lx, which "
	    "has P", w.step[3].word);
	EXPECT_IS(tour_walk(root, va ^ (1ul << 22), &w), ==, 0);
	walk_ends("a hole at level 2", &w, false, 3, 0);
	EXPECT_IS(tour_walk(root, va ^ (1ul << 31), &w), ==, 0);
	walk_ends("a hole at level 3", &w, false, 2, 0);
	EXPECT_IS(tour_walk(root, 0x0000812345678000, &w), ==, -EINVAL);
	ev_mark(2);
	mutex_unlock(&as->ws_lock);
	lab_space_end(as);
}

/* Tables of our own, all bits set but one at one level: is it missed? */
static void
built_tables(void)
{
	static const struct {
		uint64_t all, flip;
		unsigned lost;
	} bit[] = {
		{ MD_PTE_P | MD_PTE_W | MD_PTE_U, MD_PTE_W, TOUR_WRITE },
		{ MD_PTE_P | MD_PTE_W | MD_PTE_U, MD_PTE_U, TOUR_USER },
		{ MD_PTE_P | MD_PTE_W | MD_PTE_U, MD_PTE_NX, TOUR_EXEC },
	};
	struct vm_page *pg[MD_PT_LEVELS];
	va_t va = 0x0000123456789000;
	static struct tour_walk w;
	unsigned i, b, at;

	for (i = 0; i < MD_PT_LEVELS; i++) {
		pg[i] = phys_alloc(PHYS_KERNEL, PHYS_ZEROED);
		CHECK(pg[i] != NULL);
	}
	for (b = 0; b < ARRAY_LEN(bit); b++) {
		for (at = 0; at < MD_PT_LEVELS; at++) {
			for (i = 0; i < MD_PT_LEVELS; i++)
				pt_words(pg[i])[md_pt_index(va, 4 - (int)i)] =
				    page_pa(pg[(i + 1) % MD_PT_LEVELS]) |
				    (bit[b].all ^ (i == at ? bit[b].flip : 0));
			EXPECT_IS(tour_walk(page_pa(pg[0]), va, &w), ==, 0);
			EXPECT(w.mapped && w.rights ==
			    (15u & ~bit[b].lost));
		}
	}
	for (i = 0; i < MD_PT_LEVELS; i++)
		phys_free(pg[i]);
}

static void
rights(void)
{
	static const int data = 1;
	struct aspace *as = lab_space();
	va_t va = lab_map(as, 2);
	pa_t root = as->md.root_pa;
	static struct tour_walk w;

	touch_pages(as, va, 2);
	EXPECT_IS(map_mprotect(as, va, PAGE_SIZE, PROT_R), ==, 0);
	mutex_lock(&as->ws_lock);
	ev_mark(1);
	EXPECT_IS(tour_walk(root, va, &w), ==, 0);
	EXPECT_IS(w.rights, ==, (TOUR_READ | TOUR_USER));
	EXPECT_IS(tour_walk(root, va + PAGE_SIZE, &w), ==, 0);
	EXPECT_IS(w.rights, ==, (TOUR_READ | TOUR_WRITE | TOUR_USER));
	EXPECT_IS(tour_walk(root, (va_t)rights, &w), ==, 0);
	EXPECT(w.mapped && w.rights == (TOUR_READ | TOUR_EXEC));
	EXPECT_IS(tour_walk(root, (va_t)&data, &w), ==, 0);
	EXPECT(w.mapped && w.rights == TOUR_READ);
	EXPECT_IS(tour_walk(root, MD_DIRECT_BASE + root, &w), ==, 0);
	EXPECT(w.mapped && w.rights == (TOUR_READ | TOUR_WRITE));
	mutex_unlock(&as->ws_lock);
	built_tables();
	ev_mark(2);
	lab_space_end(as);
}

/* ---- step 3: answers ---- */

/* A failure says what the learner answered, not what is right. */
#define ANSWER(question, right)                                       \
	do {                                                          \
		uint64_t said = tour_answer(question);                \
                                                                      \
		CLAIM(said == (right),                                \
		    #question " is %lu? The machine says otherwise",  \
		    said);                                            \
	} while (0)

static void
traps(void)
{
	ev_mark(1);
	ANSWER(TOUR_STORE_ABSENT, 6);
	ANSWER(TOUR_STORE_READONLY, 7);
	ANSWER(TOUR_FETCH_NX, 21);
	/* 0 is right, and what an unanswered question says, too. */
	if (tour_answer(TOUR_FETCH_NX) != 0)
		ANSWER(TOUR_CR2_OFFSET, 0);
	ev_mark(2);
}

static void
fault(struct aspace *as, va_t va, enum access access)
{
	struct vm_siginfo si;

	EXPECT_IS(vm_user_fault(as, va, access, &si), ==, 0);
}

static uint64_t
bits_at(struct aspace *as, va_t va)
{
	struct vm_page *leaf;
	const uint64_t *word;
	uint64_t bits = 0;

	mutex_lock(&as->ws_lock);
	word = pt_find(as, va, &leaf);
	if (word != NULL)
		bits = *word & (MD_PTE_A | MD_PTE_D);
	mutex_unlock(&as->ws_lock);
	return bits;
}

static void
bits(void)
{
	struct aspace *as = lab_space();
	va_t va = lab_map(as, 1);

	ev_mark(1);
	fault(as, va, ACCESS_READ);
	ANSWER(TOUR_BITS_READ, bits_at(as, va));
	fault(as, va, ACCESS_WRITE);
	ANSWER(TOUR_BITS_STORED, bits_at(as, va));
	ev_mark(2);
	lab_space_end(as);
}

/* The access to each of LOOP pages that the tables do not allow yet.  So far apart that
 * a load maps none of the others along: a page each, where around=1. */
static void
pass(struct aspace *as, va_t va, enum access access)
{
	static struct tour_walk w;
	uint64_t i;

	for (i = 0; i < LOOP; i++, va += fault_around() * PAGE_SIZE) {
		if (tour_walk(as->md.root_pa, va, &w) == 0 && w.mapped &&
		    (access == ACCESS_READ || (w.rights & TOUR_WRITE) != 0))
			continue;
		fault(as, va, access);
	}
}

static void
loops(void)
{
	struct aspace *as = lab_space();
	uint64_t bytes = LOOP * fault_around() * PAGE_SIZE;
	va_t va = lab_map(as, 3 * bytes / PAGE_SIZE);
	uint64_t start = ev_read(EV_fault_total);

	ev_mark(1);
	pass(as, va, ACCESS_READ);
	ANSWER(TOUR_LOOP_LOADS, ev_read(EV_fault_total) - start);
	start = ev_read(EV_fault_total);
	pass(as, va + bytes, ACCESS_READ);
	pass(as, va + bytes, ACCESS_WRITE);
	ANSWER(TOUR_LOOP_BOTH, ev_read(EV_fault_total) - start);
	start = ev_read(EV_fault_total);
	pass(as, va + 2 * bytes, ACCESS_WRITE);
	pass(as, va + 2 * bytes, ACCESS_WRITE);
	ANSWER(TOUR_LOOP_TWICE, ev_read(EV_fault_total) - start);
	ev_mark(2);
	lab_space_end(as);
}

const struct selftest selftests_lab_tour[] = {
	{ "lab_tour_index", indices, "an index for each level" },
	{ "lab_tour_canonical", canonical, "addresses that are none" },
	{ "lab_tour_walk", walks, "pages are found as the tables have them" },
	{ "lab_tour_stop", stops, "large pages and holes end a walk" },
	{ "lab_tour_rights", rights, "all levels together allow" },
	{ "lab_tour_traps", traps, "error codes and CR2" },
	{ "lab_tour_bits", bits, "accessed and dirty" },
	{ "lab_tour_loops", loops, "how many faults a loop takes" },
	{ NULL, NULL, NULL },
};
