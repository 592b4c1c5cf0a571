/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vm.c: self-tests of frames, slabs, address spaces and forks in the kernel
 *
 * Problem   The VM on the real page tables, without a process around it.
 *
 * Rules     Each test compares free frames before and after, caches drained.
 */
#include "lib/string.h"
#include "mem/mem.h"
#include "test/boot/selftest.h"
#include "vm/evidence/stat.h"
#include "vm/space/space.h"
#include "vm/vm.h"

#define NPAGES 64

static uint64_t
frames_free(void)
{
	struct phys_stat ps;

	kmem_drain();
	kva_drain();
	phys_drain();
	phys_stat(&ps);
	return ps.free + ps.zeroed;
}

/* Leaves memory as it was.  What a first use keeps for good, and what threads of
 * other CPUs take or free meanwhile, is not missing each time. */
static void
twice(void (*fn)(void))
{
	uint64_t before;
	long missing = 0;
	unsigned i;

	fn();
	for (i = 0; i < 3; i++) {
		before = frames_free();
		fn();
		missing = (long)(before - frames_free());
		if (missing == 0)
			return;
	}
	selftest_fail(__FILE__, __LINE__, "%ld frames are missing", missing);
}

static void
some_frames(void)
{
	struct vm_page *pg[NPAGES];
	unsigned i, j;

	for (i = 0; i < NPAGES; i++) {
		pg[i] = phys_alloc(PHYS_USER, i % 2 ? PHYS_ZEROED : PHYS_ANY);
		EXPECT_IS(pg[i], !=, NULL);
		for (j = 0; j < i; j++)
			EXPECT_IS(pg[i], !=, pg[j]);
		if (i % 2)
			EXPECT_IS(*(uint64_t *)pa2va(page_pa(pg[i])), ==, 0);
		*(uint64_t *)pa2va(page_pa(pg[i])) = ~0ul;
	}
	for (i = 0; i < NPAGES; i++)
		phys_free(pg[i]);
}

static void
frames_return(void)
{
	twice(some_frames);
}

static void
some_objects(void)
{
	void *obj[NPAGES];
	unsigned i, round;

	for (round = 0; round < 8; round++) {
		for (i = 0; i < NPAGES; i++) {
			obj[i] = kmem_alloc((i * 37 + round * 11) % 3000 + 1);
			EXPECT(obj[i] != NULL);
			memset(obj[i], (int)i, (i * 37 + round * 11) % 3000 + 1);
		}
		kmem_check();
		for (i = 0; i < NPAGES; i++)
			kmem_free(obj[(i * 13) % NPAGES]);
	}
}

static void
slabs_return(void)
{
	twice(some_objects);
}

static va_t
map_pages(struct aspace *as, uint64_t pages)
{
	struct map_args a = { .len = pages * PAGE_SIZE,
		.prot = PROT_R | PROT_W, .maxprot = PROT_R | PROT_W | PROT_X,
		.flags = MAP_PRIVATE | MAP_ANONYMOUS };
	va_t va = 0;

	EXPECT_IS(map_mmap(as, &a, &va), ==, 0);
	return va;
}

static void
fill(struct aspace *as, va_t va, uint64_t tag)
{
	uint64_t i, word;

	for (i = 0; i < NPAGES; i++) {
		word = tag + i;
		EXPECT_IS(as_write(as, va + i * PAGE_SIZE, &word, 8), ==, 8);
	}
}

static void
expect_filled(struct aspace *as, va_t va, uint64_t tag)
{
	uint64_t i, word = 0;

	for (i = 0; i < NPAGES; i++) {
		EXPECT_IS(as_read(as, va + i * PAGE_SIZE, &word, 8), ==, 8);
		EXPECT_IS(word, ==, tag + i);
	}
}

static void
space_end(struct aspace *as)
{
	as_detach_user(as);
	as_put(as);
}

/* A parent, a child, and the counters of its steps (book: entries). */
static void
one_fork(void)
{
	uint64_t entries = ev_read(EV_fork_entries), copies, steals;
	struct aspace *as, *child;
	va_t va;

	EXPECT_IS(as_create(NULL, &as), ==, 0);
	as_attach_user(as);
	va = map_pages(as, NPAGES);
	fill(as, va, 1000);
	copies = ev_read(EV_page_copy);
	EXPECT_IS(as_dup(as, &child), ==, 0);
	as_attach_user(child);
	EXPECT_IS(ev_read(EV_fork_entries), ==, entries + NPAGES);
	EXPECT_IS(ev_read(EV_page_copy), ==, copies);
	expect_filled(child, va, 1000);
	fill(child, va, 2000);
	EXPECT_IS(ev_read(EV_page_copy), ==, copies + NPAGES);
	expect_filled(as, va, 1000);
	steals = ev_read(EV_fmo_steal);
	fill(as, va, 3000);
	EXPECT_IS(ev_read(EV_page_copy), ==, copies + NPAGES);
	EXPECT_IS(ev_read(EV_fmo_steal), >, steals);
	expect_filled(child, va, 2000);
	space_end(child);
	expect_filled(as, va, 3000);
	space_end(as);
	EXPECT_IS(ev_read(EV_fmo_live), ==, 0);
}

static void
fork_copies_late(void)
{
	twice(one_fork);
}

static void
many_maps(void)
{
	struct aspace *as;
	va_t va;
	unsigned i;

	EXPECT_IS(as_create(NULL, &as), ==, 0);
	as_attach_user(as);
	va = map_pages(as, 3 * NPAGES);
	fill(as, va, 7);
	fill(as, va + NPAGES * PAGE_SIZE, 8);
	for (i = 0; i < NPAGES; i += 2)
		EXPECT_IS(map_munmap(as, va + i * PAGE_SIZE, PAGE_SIZE), ==, 0);
	EXPECT_IS(map_mprotect(as, va + NPAGES * PAGE_SIZE, PAGE_SIZE, PROT_R), ==, 0);
	expect_filled(as, va + NPAGES * PAGE_SIZE, 8);
	EXPECT_IS(vm_check(2), ==, 0);
	space_end(as);
}

static void
maps_return(void)
{
	twice(many_maps);
}

/* A word that vm_check must miss if it looked at nothing. */
static void
check_finds(void)
{
	struct vm_page *pg = phys_alloc(PHYS_USER, PHYS_ANY);
	uint64_t runs = ev_read(EV_check_runs);

	EXPECT_IS(pg, !=, NULL);
	EXPECT_IS(vm_check(2), ==, 0);
	spin_lock(&pfn_lock);
	pg->mapcount = 5;
	spin_unlock(&pfn_lock);
	EXPECT_IS(vm_check(2), >, 0);
	spin_lock(&pfn_lock);
	pg->mapcount = 0;
	spin_unlock(&pfn_lock);
	phys_free(pg);
	EXPECT_IS(ev_read(EV_check_runs), ==, runs + 2);
}

const struct selftest selftests_vm[] = {
	{ "frames", frames_return, "frames are distinct, zeroed when asked, return" },
	{ "slabs", slabs_return, "objects of all sizes return their frames" },
	{ "maps", maps_return, "mappings can be cut, and all frames return" },
	{ "fork", fork_copies_late, "fork copies nothing, writes copy once" },
	{ "check", check_finds, "vm_check notices a wrong count" },
	{ NULL, NULL, NULL },
};
