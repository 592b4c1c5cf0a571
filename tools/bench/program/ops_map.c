/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ops_map.c: what maps cost: made, moved, taken away, and when there are many
 *
 * Problem   What is mapped but not touched should cost nothing, whatever its
 *           size; ten thousand mappings should hardly cost more than ten.
 *
 * Picture   many: read and write by turns, so that neighbours never join
 *
 * Read next bench.h.
 */
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/mman.h>

#include "bench.h"

#define TIMES 64ul
#define TOUCHED (16 * MIB)
#define MANY 10000ul
#define BASE ((char *)0x200000000000ul)

static void
map_unmap(size_t bytes)
{
	begin();
	for (size_t i = 0; i < TIMES; i++)
		unmap(map_private(bytes), bytes);
	end(TIMES);
}

static void
map_page(void)
{
	map_unmap(PAGE);
}

static void
map_256m(void)
{
	map_unmap(256 * MIB);
}

static void
map_1130g(void)
{
	map_unmap(1130 * GIB);
}

/* Where the kernel likes: among its other mappings, with tables above them. */
static void
map_unmap_any(size_t bytes)
{
	void *p;

	begin();
	for (size_t i = 0; i < TIMES; i++) {
		p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (p == MAP_FAILED)
			err(1, "mmap of %zu bytes", bytes);
		unmap(p, bytes);
	}
	end(TIMES);
}

static void
map_page_any(void)
{
	map_unmap_any(PAGE);
}

static void
map_256m_any(void)
{
	map_unmap_any(256 * MIB);
}

static void
map_1130g_any(void)
{
	map_unmap_any(1130 * GIB);
}

static void
unmap_touched(void)
{
	char *p = map_private(TOUCHED);

	touch(p, TOUCHED);
	begin();
	unmap(p, TOUCHED);
	end(TOUCHED / PAGE);
}

static void
dontneed(void)
{
	char *p = map_private(TOUCHED);

	touch(p, TOUCHED);
	begin();
	must(madvise(p, TOUCHED, MADV_DONTNEED), "MADV_DONTNEED");
	end(TOUCHED / PAGE);
	unmap(p, TOUCHED);
}

static void
protect(void)
{
	char *p = map_private(TOUCHED);

	touch(p, TOUCHED);
	begin();
	must(mprotect(p, TOUCHED, PROT_READ), "mprotect");
	end(TOUCHED / PAGE);
	unmap(p, TOUCHED);
}

/* 64 MiB, `from` pages and `to` pages behind the begin of a table. */
static void
move_by(size_t from, size_t to_pages)
{
	char *p = map_private(64 * MIB + TABLE), *to = BASE + to_pages * PAGE;

	if (from != 0)
		unmap(p, from * PAGE);
	p += from * PAGE;
	unmap(p + 64 * MIB, TABLE - from * PAGE);
	touch(p, 64 * MIB);
	begin();
	if (mremap(p, 64 * MIB, 64 * MIB, MREMAP_MAYMOVE | MREMAP_FIXED, to) !=
	    to)
		err(1, "mremap");
	end(64 * MIB / PAGE);
	unmap(to, 64 * MIB);
}

static void
move(void)
{
	move_by(0, 0);
}

/* As two mappings lie that a heap has got from mmap. */
static void
move_unaligned(void)
{
	move_by(37, 37);
}

/* No table keeps its words. */
static void
move_askew(void)
{
	move_by(37, 0);
}

/* ---- many mappings: each other page, rights by turns ---- */

static void
one_of_many(size_t i)
{
	int prot = i % 2 == 0 ? PROT_READ : PROT_READ | PROT_WRITE;

	if (mmap(BASE + i * 2 * PAGE, PAGE, prot,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1,
		0) == MAP_FAILED)
		err(1, "mapping %zu", i);
}

static void
make(size_t n)
{
	for (size_t i = 0; i < n; i++)
		one_of_many(i);
}

static void
many_map(void)
{
	begin();
	make(MANY);
	end(MANY);
	unmap(BASE, MANY * 2 * PAGE);
}

/* No hole among them is large enough: the search must not look at each. */
static void
many_gap(void)
{
	make(MANY);
	begin();
	for (size_t i = 0; i < TIMES; i++) {
		void *p = mmap(NULL, 2 * PAGE, PROT_NONE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (p == MAP_FAILED)
			err(1, "mmap among many");
		unmap(p, 2 * PAGE);
	}
	end(TIMES);
	unmap(BASE, MANY * 2 * PAGE);
}

/* In an order that jumps about: 7919 is prime and divides nothing here. */
static void
many_unmap_random(void)
{
	make(MANY);
	begin();
	for (size_t i = 0; i < MANY; i++)
		unmap(BASE + i * 7919 % MANY * 2 * PAGE, PAGE);
	end(MANY);
}

static void
many_unmap_all(void)
{
	make(MANY);
	begin();
	unmap(BASE, MANY * 2 * PAGE);
	end(MANY);
}

static void
fault_among(size_t n)
{
	size_t faults = 0;

	make(n);
	begin();
	for (size_t i = 1; i < n; i += 2, faults++)
		touch(BASE + (i * 7919 % n | 1) * 2 * PAGE, 1);
	end(faults);
	unmap(BASE, n * 2 * PAGE);
}

static void
many_fault(void)
{
	fault_among(MANY);
}

static void
few_fault(void)
{
	fault_among(10);
}

const struct op map_ops[] = {
	{ "map-page", "pair", map_page },
	{ "map-256m", "pair", map_256m },
	{ "map-1130g", "pair", map_1130g },
	{ "map-page-any", "pair", map_page_any },
	{ "map-256m-any", "pair", map_256m_any },
	{ "map-1130g-any", "pair", map_1130g_any },
	{ "unmap-touched", "page", unmap_touched },
	{ "dontneed", "page", dontneed },
	{ "mprotect", "page", protect },
	{ "mremap", "page", move },
	{ "mremap-unaligned", "page", move_unaligned },
	{ "mremap-askew", "page", move_askew },
	{ "vads-map", "mapping", many_map },
	{ "vads-gap", "pair", many_gap },
	{ "vads-unmap-random", "mapping", many_unmap_random },
	{ "vads-unmap-all", "mapping", many_unmap_all },
	{ "vads-fault", "page", many_fault },
	{ "vads-fault-of-10", "page", few_fault },
	{ NULL, NULL, NULL },
};
