/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fault_touch.c: faults that a program makes by touching its memory
 *
 * --what stores   one store to each of --pages
 * --what huge     one GiB, and two stores to one byte
 * --what reuse    pages that another process has filled and given back
 * --what upgrade  read-only, writable again, one store to each; a child
 *                 stores to its own
 */
#include "libt.h"

static void
stores(u64 n)
{
	u8 *p = anon(n);
	u64 i;

	mark(1);
	for (i = 0; i < n; i++)
		p[i * PAGE + i % PAGE] = 1;
	mark(2);
	for (i = 0; i < n; i++)
		EXPECT(p[i * PAGE + i % PAGE] == 1 && p[i * PAGE + 4095] == 0);
}

static void
huge(u64 at)
{
	u64 bytes = 1ul << 30;
	u8 *p = map(NULL, bytes, PROT_R | PROT_W,
	    MAP_PRIVATE | MAP_ANON | MAP_NORESERVE, -1, 0);

	EXPECT((long)p > 0);
	mark(1);
	*(volatile u8 *)(p + at * PAGE) = 1;
	*(volatile u8 *)(p + at * PAGE) = 2;
	mark(2);
	EXPECT(p[at * PAGE] == 2);
}

struct range {
	u8 *p;
	u64 pages;
};

static int
dirty_child(void *arg)
{
	struct range *r = arg;

	fill(r->p, r->pages * PAGE, 0xaa);
	return 0;
}

static void
reuse(u64 n)
{
	struct range r = { anon(n), n };
	u64 i, j, *words = (u64 *)r.p;

	EXPECT(wait_for(child(dirty_child, &r)) == 0);
	mark(1);
	for (i = 0; i < n; i++)
		r.p[i * PAGE] = 0;
	mark(2);
	for (i = 0; i < n; i++)
		for (j = 0; j < PAGE / 8; j++)
			EXPECT(words[i * PAGE / 8 + j] == 0);
}

/* In a copy of the space: what the parent had, then what is stored. */
static int
forked_child(void *arg)
{
	struct range *r = arg;
	u64 i;

	for (i = 0; i < r->pages; i++) {
		EXPECT(r->p[i * PAGE] == (u8)i && r->p[i * PAGE + 1] == 7);
		r->p[i * PAGE + 1] = 8;
		EXPECT(r->p[i * PAGE] == (u8)i && r->p[i * PAGE + 1] == 8);
	}
	return 0;
}

static void
upgrade(u64 n)
{
	u8 *p = anon(n);
	struct range r = { p, n };
	u64 i;

	for (i = 0; i < n; i++)
		p[i * PAGE] = (u8)i;
	EXPECT(protect(p, n * PAGE, PROT_R) == 0);
	EXPECT(protect(p, n * PAGE, PROT_R | PROT_W) == 0);
	mark(1);
	for (i = 0; i < n; i++)
		p[i * PAGE + 1] = 7;
	mark(2);
	EXPECT(wait_for(child(forked_child, &r)) == 0);
	for (i = 0; i < n; i++)
		EXPECT(p[i * PAGE] == (u8)i && p[i * PAGE + 1] == 7);
}

int
main(int argc, char **argv)
{
	const char *what = option_text(argv, "what");
	u64 n = option(argv, "pages");

	if (what[0] == 's')
		stores(n);
	else if (what[0] == 'h')
		huge(n);
	else if (what[0] == 'r')
		reuse(n);
	else
		upgrade(n);
	return 0;
}
