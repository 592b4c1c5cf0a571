/*
 * swap_pages.c: pages that leave memory and come back
 *
 * --what dirty   store to --pages pages, once, a part at a time, and send it
 *                out: more than there is memory
 * --what back    --pages pages with bytes of --data leave memory and are read
 *                in an order that --step makes: "sum" is that of all bytes
 * --what clean   pages are out, read, out again; then --writes of them are
 *                stored to, and all are out once more
 * --what owners  --sons children share pages that are on swap, read them and
 *                end; then the parent gives them up
 * --what shared  two children read shared pages that are on swap
 *
 * What is counted lies between the marks 1 and 2, then 3 and 4.
 */
#include "libt.h"

#define MADV_PAGEOUT 21
#define TRIES 40
#define DATA 16ul      /* bytes of --data in each page */
#define SETTLE 40
#define PART 800ul     /* pages that leave memory at once */

struct work {
	u8 *p;
	u64 pages, writes, step;
	volatile u8 *turn;
};

/* What the disk still has to do is done. */
static void
settle(void)
{
	int i;

	for (i = 0; i < SETTLE; i++)
		nap();
}

static u64
in_memory(const struct work *w)
{
	u8 there[64];
	u64 i, k, n = 0, part;

	for (i = 0; i < w->pages; i += part) {
		part = w->pages - i < 64 ? w->pages - i : 64;
		if (sys(27, w->p + i * PAGE, part * PAGE, there) != 0)
			return w->pages;
		for (k = 0; k < part; k++)
			n += there[k] & 1;
	}
	return n;
}

/* All pages leave memory. */
static void
out(const struct work *w)
{
	int i;

	for (i = 0; i < TRIES; i++) {
		EXPECT(sys(28, w->p, w->pages * PAGE, MADV_PAGEOUT) == 0);
		if (in_memory(w) == 0)
			break;
		nap();
	}
	EXPECT(in_memory(w) == 0);
	settle();
}

static u64
tag(u64 i)
{
	u64 state = i * 2654435761u + 1;

	return random_next(&state) | 1;
}

static volatile u64 *
word(const struct work *w, u64 i)
{
	return (volatile u64 *)(w->p + i * PAGE + i % 500 * 8);
}

static void
fill_tags(const struct work *w)
{
	u64 i;

	for (i = 0; i < w->pages; i++)
		*word(w, i) = tag(i);
}

static void
see_tags(const struct work *w)
{
	u64 i;

	for (i = 0; i < w->pages; i++)
		EXPECT(*word(w, i) == tag(i));
}

/* A part at a time: memory is never short, and nothing has to be read. */
static void
dirty(struct work *w)
{
	struct work part = *w;
	u64 i;

	mark(1);
	for (i = 0; i < w->pages; i += part.pages) {
		part.p = w->p + i * PAGE;
		part.pages = w->pages - i < PART ? w->pages - i : PART;
		fill_tags(&part);
		out(&part);
	}
	mark(2);
}

/* ---- back ---- */

static void
back(struct work *w, const char *path)
{
	long fd = open(path, O_RDONLY);
	u64 i, k, at = 0, sum = 0;

	EXPECT(fd >= 0);
	for (i = 0; i < w->pages; i++)
		EXPECT(pread((int)fd, w->p + i * PAGE + i % 200 * DATA, DATA,
		    i * DATA) == (long)DATA);
	out(w);
	mark(1);
	for (i = 0; i < w->pages; i++) {
		for (k = 0; k < DATA; k++)
			sum += w->p[at * PAGE + at % 200 * DATA + k];
		at = (at + w->step) % w->pages;
	}
	settle();
	mark(2);
	answer("sum", sum);
}

static void
clean(struct work *w)
{
	u64 i;

	fill_tags(w);
	out(w);
	see_tags(w);
	mark(1);
	out(w);
	mark(2);
	see_tags(w);
	for (i = 0; i < w->writes; i++)
		*word(w, i * (w->pages / w->writes)) += 2;
	mark(3);
	out(w);
	mark(4);
	for (i = 0; i < w->writes; i++)
		*word(w, i * (w->pages / w->writes)) -= 2;
	see_tags(w);
}

/* ---- shared ---- */

/* Reads all, then lives until it is its turn. */
static int
son(void *arg)
{
	struct work *w = arg;
	u8 me = w->turn[1];

	w->turn[1] = 0;
	see_tags(w);
	w->turn[2]++;
	while (w->turn[0] != me)
		nap();
	return 0;
}

static long
a_son(struct work *w, u8 me)
{
	long pid;

	w->turn[1] = me;
	pid = child(son, w);
	while (w->turn[1] != 0)
		nap();
	return pid;
}

/* Sons end in the order of --step: 1 the first first, 2 the last first, 3 mixed. */
static void
owners(struct work *w, u64 sons)
{
	long pid[8];
	u64 i, k;

	EXPECT(sons <= 8);
	fill_tags(w);
	out(w);
	w->turn = shared(1);
	w->turn[0] = 0;
	w->turn[2] = 0;
	mark(1);
	for (i = 0; i < sons; i++)
		pid[i] = a_son(w, (u8)(i + 1));
	while (w->turn[2] < sons)
		nap();
	for (i = 0; i < sons; i++) {
		k = w->step == 1 ? i : w->step == 2 ? sons - 1 - i :
		    (i + 1) % sons;
		w->turn[0] = (u8)(k + 1);
		EXPECT(wait_for(pid[k]) == 0);
	}
	mark(2);
	see_tags(w);
	mark(3);
	EXPECT(unmap(w->p, w->pages * PAGE) == 0);
	mark(4);
}

static void
share(struct work *w)
{
	long pid[2];
	u64 i;

	w->p = shared(w->pages);
	fill_tags(w);
	out(w);
	w->turn = shared(1);
	w->turn[0] = 0;
	w->turn[2] = 0;
	mark(1);
	for (i = 0; i < 2; i++)
		pid[i] = a_son(w, (u8)(i + 1));
	while (w->turn[2] < 2)
		nap();
	settle();
	mark(2);
	for (i = 0; i < 2; i++) {
		w->turn[0] = (u8)(i + 1);
		EXPECT(wait_for(pid[i]) == 0);
	}
}

static int
is(const char *what, const char *name)
{
	return length(what) == length(name) && same(what, name, length(name));
}

int
main(int argc, char **argv)
{
	const char *what = option_text(argv, "what");
	struct work w = { .pages = option(argv, "pages") };

	if (is(what, "shared")) {
		share(&w);
		return 0;
	}
	w.p = anon(w.pages);
	if (is(what, "dirty")) {
		dirty(&w);
	} else if (is(what, "back")) {
		w.step = option(argv, "step");
		back(&w, option_text(argv, "data"));
	} else if (is(what, "clean")) {
		w.writes = option(argv, "writes");
		clean(&w);
	} else {
		w.step = option(argv, "step");
		owners(&w, option(argv, "sons"));
	}
	return 0;
}
