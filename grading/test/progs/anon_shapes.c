/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * anon_shapes.c: hidden tests of lab 03: other shapes of the same
 *
 * --what sparse   --pages at random in a file of 64 TiB, against a list of them
 * --what eight    a file is cut to nothing under eight processes that map it
 * --what windows  one file in two shared mappings and a private one
 */
#include "libt.h"

#define NR_LSEEK 8
#define NR_FTRUNCATE 77
#define NR_FALLOCATE 285
#define NR_MEMFD 319
#define SEEK_DATA 3
#define PUNCH 3 /* KEEP_SIZE, PUNCH_HOLE */
#define MAPPERS 8u

static int
memfd(u64 bytes)
{
	int fd = (int)sys(NR_MEMFD, "anon_shapes", 0, 0);

	EXPECT(fd >= 0 && sys(NR_FTRUNCATE, fd, bytes, 0) == 0);
	return fd;
}

static u64
tag(u64 page)
{
	u64 state = page + 77;

	return random_next(&state) | 1;
}

/* ---- pages at random ---- */

static u64
read_word(int fd, u64 page)
{
	u64 word = 0;

	EXPECT(pread(fd, &word, 8, page * PAGE + 16) == 8);
	return word;
}

/* Pages that the file says it has. */
static u64
count_pages(int fd)
{
	long at = 0;
	u64 n = 0;

	while ((at = sys(NR_LSEEK, fd, at, SEEK_DATA)) >= 0) {
		n++;
		at += (long)PAGE;
	}
	return n;
}

/* The i-th page: of all sizes, so that each tree has some; none comes twice. */
static u64
page_of(u64 i, u64 *state)
{
	u64 limit = 1ul << (4 + random_next(state) % 22);

	return (random_next(state) % limit) * 256 + i % 256;
}

static void
sparse(u64 n)
{
	u64 *page = (u64 *)anon(n * 8 / PAGE + 1), state = 4711 + n, i, word;
	u64 wrong = 0;
	int fd = memfd(1ul << 46);

	EXPECT(n <= 256);
	mark(1);
	for (i = 0; i < n; i++) {
		page[i] = page_of(i, &state);
		word = tag(page[i]);
		EXPECT(pwrite(fd, &word, 8, page[i] * PAGE + 16) == 8);
	}
	mark(2);
	EXPECT(count_pages(fd) == n);
	for (i = 0; i < n; i++)
		wrong += read_word(fd, page[i]) != tag(page[i]);
	for (i = 0; i < n; i++) /* no page is 300 of 256: holes */
		wrong += read_word(fd, (1ul << 33) + i * 77) != 0;
	EXPECT(count_pages(fd) == n);
	for (i = 0; i < n; i += 2)
		EXPECT(sys6(NR_FALLOCATE, fd, PUNCH, (long)(page[i] * PAGE),
		    (long)PAGE, 0, 0) == 0);
	for (i = 0; i < n; i++)
		wrong += read_word(fd, page[i]) != (i % 2 == 0 ? 0 :
		    tag(page[i]));
	EXPECT(count_pages(fd) == n / 2);
	answer("wrong", wrong);
	close(fd);
}

/* ---- eight that map it ---- */

struct work {
	u8 *p;
	u64 pages, who;
	volatile u64 *turn;
};

static void
wait_until(volatile u64 *turn, u64 value)
{
	while (*turn != value)
		yield();
}

static int
mapper(void *arg)
{
	struct work *w = arg;
	u64 i, who = w->who;
	struct trap t;

	trap_begin(&t);
	wait_until(w->turn, who);
	for (i = 0; i < w->pages; i++)
		w->p[i * PAGE + who] = (u8)who;
	*w->turn = 0;
	wait_until(w->turn, 100 + who);
	for (i = 0; i < w->pages; i++)
		EXPECT(try_load(&t, w->p + i * PAGE) == SIGBUS);
	*w->turn = 0;
	wait_until(w->turn, 200 + who);
	for (i = 0; i < w->pages; i++)
		EXPECT(w->p[i * PAGE + who] == 0);
	*w->turn = 0;
	return 0;
}

static void
take_turns(struct work *w, u64 from)
{
	u64 i;

	for (i = 1; i <= MAPPERS; i++) {
		*w->turn = from + i;
		wait_until(w->turn, 0);
	}
}

static void
eight(u64 pages)
{
	int fd = memfd(pages * PAGE);
	struct work w = { .pages = pages };
	long pid[MAPPERS];
	u64 i;

	w.p = map(NULL, pages * PAGE, PROT_R | PROT_W, MAP_SHARED, fd, 0);
	w.turn = (volatile u64 *)shared(1);
	EXPECT((long)w.p > 0);
	*w.turn = 0;
	for (i = 0; i < MAPPERS; i++) {
		w.who = i + 1;
		pid[i] = child(mapper, &w);
		*w.turn = i + 1;
		wait_until(w.turn, 0);
	}
	mark(1);
	EXPECT(sys(NR_FTRUNCATE, fd, 0, 0) == 0);
	mark(2);
	take_turns(&w, 100);
	EXPECT(sys(NR_FTRUNCATE, fd, pages * PAGE, 0) == 0);
	take_turns(&w, 200);
	for (i = 0; i < MAPPERS; i++)
		EXPECT(wait_for(pid[i]) == 0);
	unmap(w.p, pages * PAGE);
	close(fd);
}

/* ---- one file, three windows ---- */

static void
windows(u64 pages)
{
	u64 half = pages / 2, i, word;
	int fd = memfd(pages * PAGE);
	u64 *all = map(NULL, pages * PAGE, PROT_R | PROT_W, MAP_SHARED, fd, 0);
	u64 *upper = map(NULL, (pages - half) * PAGE, PROT_R | PROT_W,
	    MAP_SHARED, fd, half * PAGE);
	u64 *own = map(NULL, (pages - half) * PAGE, PROT_R | PROT_W,
	    MAP_PRIVATE, fd, half * PAGE);
	const u64 step = PAGE / 8;

	EXPECT((long)all > 0 && (long)upper > 0 && (long)own > 0);
	mark(1);
	for (i = half; i < pages; i++)
		all[i * step] = tag(i);
	for (i = half; i < pages; i++)
		EXPECT(upper[(i - half) * step] == tag(i));
	for (i = half; i < pages; i += 2)
		own[(i - half) * step + 1] = 1;
	for (i = half; i < pages; i++) {
		EXPECT(own[(i - half) * step] == tag(i));
		upper[(i - half) * step + 2] = i;
	}
	mark(2);
	for (i = half; i < pages; i++) {
		EXPECT(all[i * step + 1] == 0 && all[i * step + 2] == i);
		EXPECT(own[(i - half) * step + 2] == ((i - half) % 2 == 0 ?
		    0 : i));
		EXPECT(pread(fd, &word, 8, i * PAGE) == 8 && word == tag(i));
	}
	EXPECT(sys(NR_FTRUNCATE, fd, half * PAGE, 0) == 0);
	close(fd);
}

int
main(int argc, char **argv)
{
	const char *what = option_text(argv, "what");
	u64 pages = option(argv, "pages");

	if (what[0] == 's')
		sparse(pages);
	else if (what[0] == 'e')
		eight(pages);
	else
		windows(pages);
	return 0;
}
