/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vad_cuts.c: munmap of a middle, across ranges and holes, of a file's half
 *
 * --what middle   --hole H pages at page --at A out of one mapping
 * --what across   from page A of one mapping to the first of the third
 * --what file     the middle of a file; the right half shows its own bytes
 * --pages N       of each mapping
 */
#include "libt.h"

/* Is [p, p + pages) mapped?  mincore tells without touching it. */
static int
is_mapped(u8 *p, u64 pages)
{
	u8 vec[512];

	return sys(27, p, pages * PAGE, vec) == 0;
}

/* A place for mappings that nobody else uses. */
static u8 *
place(u64 pages)
{
	u8 *p = map(NULL, pages * PAGE, PROT_NONE,
	    MAP_PRIVATE | MAP_ANON | MAP_NORESERVE, -1, 0);

	EXPECT((long)p > 0);
	EXPECT(unmap(p, pages * PAGE) == 0);
	return p;
}

static void
map_at(u8 *p, u64 pages)
{
	EXPECT(map(p, pages * PAGE, PROT_R | PROT_W,
	    MAP_PRIVATE | MAP_ANON | MAP_FIXED, -1, 0) == p);
}

static void
middle(u64 n, u64 at, u64 hole)
{
	u8 *p = place(n + 2) + PAGE;

	map_at(p, n);
	p[0] = 1;
	p[(n - 1) * PAGE] = 2;
	mark(1);
	EXPECT(unmap(p + at * PAGE, hole * PAGE) == 0);
	mark(2);
	EXPECT(is_mapped(p, at));
	EXPECT(is_mapped(p + (at + hole) * PAGE, n - at - hole));
	EXPECT(!is_mapped(p + at * PAGE, 1));
	EXPECT(!is_mapped(p + (at + hole - 1) * PAGE, 1));
	EXPECT(p[0] == 1 && p[(n - 1) * PAGE] == 2);
	map_at(p + at * PAGE, hole);
	EXPECT(p[at * PAGE] == 0);
}

static void
across(u64 n, u64 at)
{
	u8 *p = place(5 * n + 2) + PAGE;

	map_at(p, n);
	map_at(p + 2 * n * PAGE, n);
	map_at(p + 4 * n * PAGE, n);
	p[0] = p[2 * n * PAGE] = p[(5 * n - 1) * PAGE] = 7;
	mark(1);
	EXPECT(unmap(p + at * PAGE, (4 * n - at + 1) * PAGE) == 0);
	mark(2);
	EXPECT(is_mapped(p, at));
	EXPECT(is_mapped(p + (4 * n + 1) * PAGE, n - 1));
	EXPECT(!is_mapped(p + at * PAGE, 1));
	EXPECT(!is_mapped(p + 2 * n * PAGE, 1));
	EXPECT(!is_mapped(p + 4 * n * PAGE, 1));
	EXPECT(p[0] == 7 && p[(5 * n - 1) * PAGE] == 7);
	EXPECT(unmap(p, 5 * n * PAGE) == 0);
	EXPECT(!is_mapped(p, 1) && !is_mapped(p + (5 * n - 1) * PAGE, 1));
}

static void
file(u64 n, u64 at, u64 hole)
{
	long fd = open_new("/tmp/vad_cuts");
	u64 i, tag;
	u8 *p;

	EXPECT(fd >= 0);
	for (i = 0; i < n; i++) {
		tag = 0x1000 + i;
		EXPECT(pwrite((int)fd, &tag, 8, i * PAGE) == 8);
	}
	p = map(NULL, n * PAGE, PROT_R, MAP_SHARED, (int)fd, 0);
	EXPECT((long)p > 0);
	mark(1);
	EXPECT(unmap(p + at * PAGE, hole * PAGE) == 0);
	for (i = 0; i < n; i++)
		if (i < at || i >= at + hole)
			EXPECT(*(u64 *)(p + i * PAGE) == 0x1000 + i);
	mark(2);
	EXPECT(!is_mapped(p + at * PAGE, 1));
}

int
main(int argc, char **argv)
{
	const char *what = option_text(argv, "what");
	u64 n = option(argv, "pages"), at = option(argv, "at");

	if (what[0] == 'm')
		middle(n, at, option(argv, "hole"));
	else if (what[0] == 'a')
		across(n, at);
	else
		file(n, at, option(argv, "hole"));
	return 0;
}
