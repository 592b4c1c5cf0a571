/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * table_pages.c: page tables that leave memory and come back
 *
 * --what out     --pages pages, each under a table of its own, have left memory;
 *                then memory begins to be short: --leave pages are free
 * --what back    the same, and memory has been short: --press pages of a file;
 *                then all pages are read in an order that --step makes
 * --what kinds   a child shares the pages, each second one is its own by now; pages
 *                and tables of both leave, and both read all
 * --what together  the same with four pages under each table
 * --what mixed   pages are stored to, read and sent out by chance (--seed), a few
 *                hundred times, and memory is short now and then
 * --what deep    three times --pages pages, each under three tables of its own, and
 *                all away: one is read, one is unmapped, one moved
 * --what fork    tables are away, and the program forks: the child reads all
 * --what deepfork  the same with pages under three tables each
 * --what race    two threads read pages under the same tables, which are away
 * --what lost    the table of a child cannot be read
 *
 * What is counted lies between the marks 1 and 2, then 3 and 4, then 5 and 6.
 */
#include "libt.h"

#define BASE 0x200000000000ul
#define SPAN (512 * PAGE)      /* of a leaf table */
#define TOP (1ul << 39)        /* of a table of level 3 */
#define MADV_DONTNEED 4
#define MADV_PAGEOUT 21
#define TRIES 40
#define SETTLE 40
#define NOTHING 64ul           /* fresh pages that are touched when memory is short */
#define PATIENCE 100000000ul
#define NAPS 20000ul
#define ROUNDS 5u

struct work {
	u8 *p;
	u64 pages, span, press;
	volatile u8 *turn;
	volatile char *first;    /* on the stack of exec, which nobody uses */
};

static void
settle(void)
{
	int i;

	for (i = 0; i < SETTLE; i++)
		nap();
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
	u64 pages = w->span < SPAN ? w->span / PAGE : 480;

	return (volatile u64 *)(w->p + i * w->span + i * 7 % pages * PAGE +
	    i % 500 * 8);
}

static void
see(const struct work *w, u64 i, u64 more)
{
	EXPECT(*word(w, i) == tag(i) + more);
}

static u64
in_memory(const struct work *w)
{
	u64 i, n = 0;
	u8 there;

	for (i = 0; i < w->pages; i++) {
		there = 1;
		EXPECT(sys(27, (u64)word(w, i) & ~(PAGE - 1), PAGE, &there) == 0);
		n += there & 1;
	}
	return n;
}

static void
push(const struct work *w)
{
	u64 i;

	for (i = 0; i < w->pages; i++)
		EXPECT(sys(28, (u64)word(w, i) & ~(PAGE - 1), PAGE,
		    MADV_PAGEOUT) == 0);
	nap();
}

/* All pages leave memory; of what is shared the others have let go before. */
static void
out(const struct work *w)
{
	u64 k;

	for (k = 0; k < TRIES && (k == 0 || in_memory(w) != 0); k++)
		push(w);
	EXPECT(in_memory(w) == 0);
	settle();
}

static struct work
begin(u64 pages, u64 span)
{
	struct work w = { .pages = pages, .span = span };
	u64 i;

	w.p = map((void *)BASE, pages * span, PROT_R | PROT_W,
	    MAP_PRIVATE | MAP_ANON | MAP_FIXED | MAP_NORESERVE, -1, 0);
	EXPECT(w.p == (void *)BASE);
	for (i = 0; i < pages; i++)
		*word(&w, i) = tag(i);
	return w;
}

/* ---- memory becomes short ---- */

static u64
free_pages(void)
{
	u64 info[14]; /* sysinfo: uptime, loads[3], totalram, freeram … */

	EXPECT(sys(99, info, 0, 0) == 0);
	return info[5] / PAGE;
}

/* A file without a name, in memory. */
static int
memory(void)
{
	long fd = sys(319, "press", 0, 0);

	EXPECT(fd >= 0);
	return (int)fd;
}

static void
write_page(int fd, const void *p, u64 i)
{
	EXPECT(pwrite(fd, p, PAGE, i * PAGE) == (long)PAGE);
}

/* A file fills memory until so many pages are free; it is still open. */
static int
leave_free(const struct work *w, u64 pages)
{
	int fd = memory();
	volatile u8 *fresh = anon(NOTHING);
	u64 i = 0, more, n;

	/* With pages on swap sysinfo() looks at each frame: it is not asked for each page. */
	while ((n = free_pages()) > pages)
		for (more = (n - pages + 1) / 2; more > 0; more--)
			write_page(fd, (void *)w->turn, i++);
	for (i = 0; i < NOTHING; i++) {
		fresh[i * PAGE] = 1;
		nap();
	}
	return fd;
}

/* More than there is, for a while. */
static void
press_once(const struct work *w)
{
	int fd = memory();
	u64 i;

	for (i = 0; i < w->press; i++)
		write_page(fd, (void *)w->turn, i);
	settle();
		EXPECT(close(fd) == 0);
	settle();
}

/*
 * What nobody uses has to go.  Once more than there are levels: tables begin to
 * leave when memory is short already, and are written behind what stands in the
 * queue then; those above leave when the last one below has gone.
 */
static void
press(const struct work *w, unsigned levels)
{
	unsigned i;

	for (i = 0; i < 1 + levels; i++)
		press_once(w);
}

/* ---- the parts ---- */

static void
tables_leave(struct work *w, u64 leave)
{
	out(w);
	mark(1);
	(void)leave_free(w, leave);
	settle();
	mark(2);
}

static void
back(struct work *w, u64 step)
{
	u64 first, at;

	out(w);
	press(w, 1);
	mark(1);
	/* Each page once, whether step divides their number or not. */
	for (first = 0; first < step; first++)
		for (at = first; at < w->pages; at += step)
			see(w, at, 0);
	mark(2);
}

/* Each second page is the child's own. */
static int
kinds_child(void *arg)
{
	struct work *w = arg;
	u64 i;

	for (i = 0; i < w->pages; i += 2)
		*word(w, i) += 2;
	push(w);
	w->turn[1] = 1;
	while (w->turn[0] == 0)
		nap();
	for (i = 0; i < w->pages; i++)
		see(w, i, i % 2 == 0 ? 2 : 0);
	w->turn[1] = 2;
	while (w->turn[0] == 1)
		nap();
	(void)*w->first; /* its end needs no table that is away */
	return 0;
}

static void
kinds(struct work *w)
{
	long pid = child(kinds_child, w);
	u64 i;

	EXPECT(pid > 0);
	for (i = 0; w->turn[1] == 0 && i < NAPS; i++)
		nap();
	out(w);
	press(w, 1);
	mark(1);
	for (i = 0; i < w->pages; i++)
		see(w, i, 0);
	w->turn[0] = 1;
	for (i = 0; w->turn[1] != 2 && i < NAPS; i++)
		nap();
	EXPECT(w->turn[1] == 2);
	mark(2);
	w->turn[0] = 2;
	EXPECT(wait_for(pid) == 0);
	for (i = 0; i < w->pages; i++)
		see(w, i, 0);
}

/* What each page holds more than its tag, in memory that is shared: it has no tables. */
static void
mixed(struct work *w, u64 seed)
{
	volatile u8 *more = shared(1);
	struct work one = *w;
	u64 state = seed + 1, i, at, round;

	EXPECT(w->pages <= PAGE);
	for (i = 0; i < w->pages; i++)
		more[i] = 0;
	mark(1);
	for (round = 0; round < ROUNDS; round++) {
		for (i = 0; i < w->pages; i++) {
			at = random_next(&state) % w->pages;
			see(w, at, more[at]);
			if (random_next(&state) % 2 == 0)
				*word(w, at) = tag(at) + ++more[at];
		}
		one.pages = random_next(&state) % w->pages + 1;
		push(&one);
		press_once(w);
	}
	for (i = 0; i < w->pages; i++)
		see(w, i, more[i]);
	mark(2);
}

/* Each page has three tables of its own: a third is read, one unmapped, one moved. */
static void
deep(struct work *w)
{
	u64 third = w->pages / 3, i;
	void *to = anon(third), *at;

	out(w);
	press(w, 4);
	mark(1);
	for (i = 0; i < third; i++)
		see(w, i, 0);
	mark(2);
	mark(3);
	for (i = third; i < 2 * third; i++)
		EXPECT(unmap((void *)((u64)word(w, i) & ~(PAGE - 1)), PAGE) == 0);
	mark(4);
	mark(5);
	for (i = 2 * third; i < w->pages; i++) {
		at = (u8 *)to + (i - 2 * third) * PAGE;
		EXPECT(sys6(25, (long)((u64)word(w, i) & ~(PAGE - 1)), PAGE, PAGE,
		    3, (long)at, 0) == (long)at);
	}
	mark(6);
	for (i = 2 * third; i < w->pages; i++)
		EXPECT(*(volatile u64 *)((u8 *)to + (i - 2 * third) * PAGE +
		    ((u64)word(w, i) & (PAGE - 1))) == tag(i));
}

static int
reader(void *arg)
{
	struct work *w = arg;
	u64 i;

	for (i = 0; i < w->pages; i++)
		see(w, i, 0);
	return 0;
}

static void
fork_away(struct work *w, unsigned levels)
{
	long pid;

	out(w);
	press(w, levels);
	mark(1);
	pid = child(reader, w);
	EXPECT(pid > 0);
	mark(2);
	EXPECT(wait_for(pid) == 0);
	EXPECT(reader(w) == 0);
}

/* ---- two threads ---- */

struct racer {
	struct work *w;
	volatile u8 *me, *other;  /* how far each has come, shared */
	u64 seen;
};

/* Let the others get on, of this CPU and of the emulator's others. */
static void
give_way(void)
{
	yield();
	__asm__ volatile("pause");
}

static int
race_one(void *arg)
{
	struct racer *r = arg;
	u64 i, patience;

	for (i = 0; i < r->w->pages; i++) {
		*(volatile u64 *)r->me = i + 1;
		patience = PATIENCE;
		while (*(volatile u64 *)r->other < i + 1 && --patience != 0)
			give_way();
		r->seen += *word(r->w, i) == tag(i);
	}
	return 0;
}

struct ticker {
	volatile u8 *page;
	volatile int end;
};

/* Fault on one page again and again: what was read ends when others have faulted. */
static int
tick(void *arg)
{
	struct ticker *t = arg;

	while (t->end == 0) {
		t->page[0] = 1;
		(void)sys(28, (u64)t->page, PAGE, MADV_DONTNEED);
		nap();
	}
	return 0;
}

/*
 * With FI_IO_DELAY each read ends four faults later, so the second thread comes while
 * the first one waits for it: the disk in memory is too fast for that.
 */
static void
race(struct work *w)
{
	struct racer a = { w, w->turn + 8, w->turn + 16, 0 };
	struct racer b = { w, w->turn + 16, w->turn + 8, 0 };
	struct ticker t = { anon(1), 0 };
	volatile int tid, ticks;

	EXPECT(thread(tick, &t, &ticks) > 0);
	out(w);
	press(w, 1);
	mark(1);
	EXPECT(thread(race_one, &b, &tid) > 0);
	race_one(&a);
	thread_join(&tid);
	mark(2);
	t.end = 1;
	thread_join(&ticks);
	EXPECT(a.seen == w->pages && b.seen == w->pages);
}

/* ---- lost ---- */

static void
inject(const char *text)
{
	long fd = open("/proc/vm/inject", O_RDWR);

	EXPECT(fd >= 0);
	EXPECT(pwrite((int)fd, text, length(text), 0) == (long)length(text));
	EXPECT(close((int)fd) == 0);
}

/* It goes to its last page only when it is told to. */
static int
lost_child(void *arg)
{
	struct work *w = arg;

	push(w);
	w->turn[1] = 1;
	while (w->turn[0] == 0)
		nap();
	see(w, 0, 0);
	return 0;
}

static void
lost(struct work *w)
{
	struct work parent = *w;
	long pid;
	u64 i;

	pid = child(lost_child, w);
	EXPECT(pid > 0);
	for (i = 0; w->turn[1] == 0 && i < NAPS; i++)
		nap();
	out(&parent);
	press(w, 1);
	(void)sys(83, "/proc", 0755, 0);
	(void)sys6(165, (long)"proc", (long)"/proc", (long)"proc", 0, 0, 0);
	mark(1);
	inject("FI_SWAPIN:1:1:3");
	w->turn[0] = 1;
	EXPECT(wait_for(pid) == 9);
	inject("off");
	for (i = 0; i < w->pages; i++)
		see(w, i, 0);
	mark(2);
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
	u64 pages = option(argv, "pages");
	volatile u8 *turn = shared(1);
	struct work w;

	if (is(what, "deep") || is(what, "deepfork"))
		w = begin(3 * pages, TOP);
	else
		w = begin(pages, is(what, "together") ? SPAN / 4 : SPAN);
	w.turn = turn;
	w.first = argv[0];
	if (is(what, "out")) {
		tables_leave(&w, option(argv, "leave"));
		return 0;
	}
	w.press = option(argv, "press");
	if (is(what, "back"))
		back(&w, option(argv, "step"));
	else if (is(what, "kinds") || is(what, "together"))
		kinds(&w);
	else if (is(what, "mixed"))
		mixed(&w, option(argv, "seed"));
	else if (is(what, "deep"))
		deep(&w);
	else if (is(what, "fork"))
		fork_away(&w, 1);
	else if (is(what, "deepfork"))
		fork_away(&w, 4);
	else if (is(what, "race"))
		race(&w);
	else
		lost(&w);
	(void)*w.first;
	return 0;
}
