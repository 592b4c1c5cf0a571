/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cache_file.c: one copy of each page of a file, whoever wants it
 *
 * --what race     --threads load the same absent pages, --rounds of them
 * --what order    --pages read in order, again, and --some at random, --gap behind them
 * --what store    all of --pages are stored to, written, and read from the disk
 * --what load     --pages are loaded from a mapping, which is then written
 * --what again    all of --pages stored to and written, then --some of them
 * --what mixed    read, write, loads and stores at odd places, --n times
 * --what cut      a mapped file of --pages is cut to --keep, and grows again
 * --what large    a file of --pages is written, read, rewritten, read
 * --data FILE     a file of random bytes, which is not in memory
 *
 * /proc is mounted on /t: from there the kernel is told to forget pages.
 */
#include "libt.h"

#define THREADS_MOST 16u
#define APART 40u            /* pages between those that are raced for */

struct work {
	u8 *p;
	u64 pages, rounds;
	volatile u64 *round, *here;  /* shared */
	u64 seed;
	int fd;
};

static int
is(const char *what, const char *name)
{
	return length(what) == length(name) && same(what, name, length(name));
}

static void
tell(const char *file, const char *text)
{
	int fd = (int)open(file, 1);

	EXPECT(fd >= 0 && sys(1, fd, text, length(text)) == (long)length(text));
	close(fd);
}

/* The kernel forgets what is clean and not mapped. */
static void
forget(void)
{
	tell("/t/sys/vm/drop_caches", "1");
}

static void
open_data(struct work *w, char **argv, int flags)
{
	w->fd = (int)open(option_text(argv, "data"), flags);
	EXPECT(w->fd >= 0);
	EXPECT(sys6(165, (long)"proc", (long)"/t", (long)"proc", 0, 0, 0) == 0);
}

static void
map_data(struct work *w, int prot)
{
	w->p = map(NULL, w->pages * PAGE, prot, MAP_SHARED, w->fd, 0);
	EXPECT((long)w->p > 0);
}

static void
msync(struct work *w)
{
	EXPECT(sys(26, w->p, w->pages * PAGE, 4) == 0);
}

static u64
sum(const u8 *p, u64 n)
{
	u64 s = 0;

	while (n-- != 0)
		s += *p++;
	return s;
}

/* ---- several at a time ---- */

static int
racer(void *arg)
{
	struct work *w = arg;
	u64 r, bytes = 0;

	for (r = 0; r < w->rounds; r++) {
		__atomic_fetch_add(w->here, 1, __ATOMIC_SEQ_CST);
		while (*w->round <= r)
			nap();
		bytes += w->p[r * APART * PAGE + 5];
	}
	__atomic_fetch_add(w->round + 1, bytes, __ATOMIC_SEQ_CST);
	return 0;
}

static void
race(struct work *w, char **argv)
{
	u64 threads = option(argv, "threads"), i, r, right = 0;
	volatile int tid[THREADS_MOST];

	EXPECT(threads <= THREADS_MOST);
	open_data(w, argv, O_RDONLY);
	w->pages = w->rounds * APART;
	map_data(w, PROT_R);
	w->round = (volatile u64 *)shared(1);
	w->here = w->round + 8;
	*w->round = 0;
	for (i = 0; i < threads; i++)
		EXPECT(thread(racer, w, &tid[i]) > 0);
	/* Requests take as long as it takes others to come. */
	tell("/t/vm/inject", "FI_IO_DELAY:1:1:1000000");
	mark(1);
	for (r = 0; r < w->rounds; r++) {
		while (*w->here < threads * (r + 1))
			nap();
		*w->round = r + 1;
	}
	for (i = 0; i < threads; i++)
		thread_join(&tid[i]);
	mark(2);
	tell("/t/vm/inject", "off");
	for (r = 0; r < w->rounds; r++)
		right += threads * w->p[r * APART * PAGE + 5];
	EXPECT(w->round[1] == right);
	for (i = 0, r = 0; r < w->rounds; r++)
		i += sum(w->p + r * APART * PAGE, PAGE);
	answer("sum", i);
}

/* ---- in order, again, at random ---- */

static u64
read_page(struct work *w, u8 *buf, u64 i)
{
	EXPECT(pread(w->fd, buf, PAGE, i * PAGE) == (long)PAGE);
	return sum(buf, 64);
}

static void
order(struct work *w, char **argv)
{
	u64 n = w->pages, i, k, at, first = 0, again = 0, step = option(argv, "step");
	u64 lo = n + option(argv, "gap");
	u8 *buf = anon(1);

	buf[0] = 1;
	open_data(w, argv, O_RDONLY);
	mark(1);
	for (i = 0; i < n; i++)
		first += read_page(w, buf, i);
	mark(2);
	mark(3);
	for (i = 0; i < n; i++)
		again += read_page(w, buf, i);
	mark(4);
	EXPECT(first == again);
	/* Each once, in no order, none beside another: a generator that passes each number
	 * below 256. */
	mark(5);
	for (k = 0, at = 1; k < option(argv, "some"); k += 2 * at < n) {
		at = ((4 * step + 1) * at + step) % 256;
		if (2 * at < n)
			(void)read_page(w, buf, lo + 2 * at);
	}
	mark(6);
	answer("first", first);
}

/* ---- stored, written ---- */

static void
store(struct work *w, char **argv)
{
	u64 i, wrong = 0;
	u8 byte;

	open_data(w, argv, O_RDWR);
	map_data(w, PROT_R | PROT_W);
	for (i = 0; i < w->pages; i++)
		w->p[i * PAGE + i] = (u8)~w->p[i * PAGE + i + 1];
	mark(1);
	msync(w);
	mark(2);
	unmap(w->p, w->pages * PAGE);
	forget();
	mark(3);
	for (i = 0; i < w->pages; i++) {
		u8 two[2];

		EXPECT(pread(w->fd, two, 2, i * PAGE + i) == 2);
		byte = (u8)~two[1];
		wrong += two[0] != byte;
	}
	mark(4);
	answer("wrong", wrong);
}

static void
load(struct work *w, char **argv)
{
	u64 i, s = 0;

	open_data(w, argv, O_RDWR);
	map_data(w, PROT_R | PROT_W);
	mark(1);
	for (i = 0; i < w->pages; i++)
		s += w->p[i * PAGE + 7] != 0;
	mark(2);
	mark(3);
	msync(w);
	mark(4);
	answer("loaded", s != 0);
}

static void
again(struct work *w, char **argv)
{
	u64 some = option(argv, "some"), step = w->pages / some, i, wrong = 0;
	u8 byte;

	open_data(w, argv, O_RDWR);
	map_data(w, PROT_R | PROT_W);
	for (i = 0; i < w->pages; i++)
		w->p[i * PAGE + 1] = (u8)i;
	mark(1);
	msync(w);
	mark(2);
	for (i = 0; i < some; i++)
		w->p[i * step * PAGE + 1] = (u8)(i + 100);
	mark(3);
	msync(w);
	mark(4);
	unmap(w->p, w->pages * PAGE);
	forget();
	for (i = 0; i < w->pages; i++) {
		EXPECT(pread(w->fd, &byte, 1, i * PAGE + 1) == 1);
		wrong += byte != (u8)(i % step == 0 && i / step < some ?
		    i / step + 100 : i);
	}
	answer("wrong", wrong);
}

/* ---- read, write and mapping agree ---- */

#define PIECE 9000u          /* bytes, at most */
#define MADE 20u             /* pages written as a whole */

/* n bytes from `at` on, by one way; what they must be is in `must`. */
static u64
one_way(struct work *w, u8 *must, u8 *buf, u64 at, u64 n, unsigned way)
{
	u64 i;

	switch (way) {
	case 0:
		for (i = 0; i < n; i++)
			buf[i] = must[at + i] = (u8)random_next(&w->seed);
		EXPECT(pwrite(w->fd, buf, n, at) == (long)n);
		return 0;
	case 1:
		for (i = 0; i < n; i += 501)
			w->p[at + i] = must[at + i] = (u8)random_next(&w->seed);
		return 0;
	case 2:
		EXPECT(pread(w->fd, buf, n, at) == (long)n);
		return !same(buf, must + at, n);
	default:
		return !same(w->p + at, must + at, n);
	}
}

static void
mixed(struct work *w, char **argv)
{
	u64 n = option(argv, "n"), bytes = w->pages * PAGE, at, len, stale = 0, i;
	u8 *must = anon(w->pages), *buf = anon(PIECE / PAGE + 1);

	open_data(w, argv, O_RDWR);
	EXPECT(pread(w->fd, must, bytes, 0) == (long)bytes);
	forget();
	/* Pages that are not in memory, as a whole: they leave it, and come back. */
	mark(1);
	for (i = 0; i < MADE; i++)
		(void)one_way(w, must, buf, (i * 3 + 1) * PAGE, PAGE, 0);
	EXPECT(sys(74, w->fd, 0, 0) == 0);
	forget();
	for (i = 0; i < MADE; i++)
		stale += one_way(w, must, buf, (i * 3 + 1) * PAGE, PAGE, 2);
	map_data(w, PROT_R | PROT_W);
	for (i = 0; i < n; i++) {
		at = random_next(&w->seed) % (bytes - PIECE);
		len = 1 + random_next(&w->seed) % PIECE;
		if (i % 8 == 0) {
			at &= ~(PAGE - 1);
			len = 2 * PAGE;
		}
		stale += one_way(w, must, buf, at, len,
		    (unsigned)(random_next(&w->seed) % 4));
		if (i % 64 == 63)
			msync(w);
	}
	mark(2);
	msync(w);
	unmap(w->p, bytes);
	forget();
	for (i = 0; i < w->pages; i++) {
		EXPECT(pread(w->fd, buf, PAGE, i * PAGE) == (long)PAGE);
		stale += !same(buf, must + i * PAGE, PAGE);
	}
	answer("stale", stale);
}

/* ---- cut, grown ---- */

static void
cut(struct work *w, char **argv)
{
	u64 keep = option(argv, "keep"), part = option(argv, "part"), i, k;
	u64 alive = 0, old = 0, changed = 0;
	struct trap t;

	trap_begin(&t);
	open_data(w, argv, O_RDWR);
	map_data(w, PROT_R | PROT_W);
	for (i = 0; i < w->pages; i++) {
		w->p[i * PAGE] = (u8)(i | 1);
		w->p[i * PAGE + PAGE - 1] = 3;
	}
	mark(1);
	EXPECT(sys(77, w->fd, keep * PAGE + part, 0) == 0);
	mark(2);
	for (i = 0; i <= keep; i++)
		changed += w->p[i * PAGE] != (u8)(i | 1);
	for (; i < w->pages; i++)
		alive += try_load(&t, w->p + i * PAGE) != SIGBUS;
	EXPECT(sys(77, w->fd, w->pages * PAGE, 0) == 0);
	for (k = keep * PAGE + part; k < w->pages * PAGE; k += 37)
		old += w->p[k] != 0;
	for (i = keep; i < w->pages; i++)
		old += w->p[i * PAGE + PAGE - 1] != 0;
	answer("alive", alive);
	answer("changed", changed);
	answer("old", old);
}

/* ---- more than memory holds ---- */

static void
write_all(struct work *w, u64 *buf, u64 round)
{
	u64 i;

	for (i = 0; i < w->pages; i++) {
		buf[0] = i * 3 + round;
		buf[PAGE / 8 - 1] = ~buf[0];
		EXPECT(pwrite(w->fd, buf, PAGE, i * PAGE) == (long)PAGE);
	}
}

static u64
read_wrong(struct work *w, u64 *buf, u64 round)
{
	u64 i, wrong = 0;

	for (i = 0; i < w->pages; i++) {
		EXPECT(pread(w->fd, buf, PAGE, i * PAGE) == (long)PAGE);
		wrong += buf[0] != i * 3 + round || buf[PAGE / 8 - 1] != ~buf[0];
	}
	return wrong;
}

static void
large(struct work *w)
{
	u64 *buf = (u64 *)anon(1), wrong;

	w->fd = (int)open("/large", O_RDWR | O_CREAT);
	EXPECT(w->fd >= 0);
	mark(1);
	write_all(w, buf, 1);
	mark(2);
	wrong = read_wrong(w, buf, 1);
	mark(3);
	write_all(w, buf, 2);
	mark(4);
	wrong += read_wrong(w, buf, 2);
	answer("wrong", wrong);
}

int
main(int argc, char **argv)
{
	const char *what = option_text(argv, "what");
	struct work w = { .fd = -1 };

	if (is(what, "race"))
		w.rounds = option(argv, "rounds");
	else
		w.pages = option(argv, "pages");
	if (is(what, "race"))
		race(&w, argv);
	else if (is(what, "order"))
		order(&w, argv);
	else if (is(what, "store"))
		store(&w, argv);
	else if (is(what, "load"))
		load(&w, argv);
	else if (is(what, "again"))
		again(&w, argv);
	else if (is(what, "cut"))
		cut(&w, argv);
	else if (is(what, "large"))
		large(&w);
	else {
		w.seed = option(argv, "seed") | 1;
		mixed(&w, argv);
	}
	return 0;
}
