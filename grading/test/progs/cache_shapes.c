/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cache_shapes.c: hidden tests of lab 04
 *
 * --what part     all of --pages stored to, --n of them from page --from on are
 *                 written, then the others; all are read from the disk
 * --what over     one thread stores to all of --pages, another has them written,
 *                 --rounds times; what was stored last is read from the disk
 * --data FILE
 */
#include "libt.h"

struct work {
	u8 *p;
	u64 pages;
	volatile u64 *stop;      /* shared */
	volatile u64 *stored;    /* shared: rounds of stores */
	volatile int tid;
	int fd;
};

static void
begin(struct work *w, char **argv)
{
	w->pages = option(argv, "pages");
	w->fd = (int)open(option_text(argv, "data"), O_RDWR);
	EXPECT(w->fd >= 0);
	EXPECT(sys6(165, (long)"proc", (long)"/t", (long)"proc", 0, 0, 0) == 0);
	w->p = map(NULL, w->pages * PAGE, PROT_R | PROT_W, MAP_SHARED, w->fd, 0);
	EXPECT((long)w->p > 0);
}

static void
forget(void)
{
	int fd = (int)open("/t/sys/vm/drop_caches", 1);

	EXPECT(fd >= 0 && sys(1, fd, "1", 1) == 1);
	close(fd);
}

static void
msync(struct work *w, u64 from, u64 n)
{
	EXPECT(n == 0 || sys(26, w->p + from * PAGE, n * PAGE, 4) == 0);
}

/* Pages whose word at the disk is not base + number. */
static u64
wrong(struct work *w, u64 base)
{
	u64 i, value, bad = 0;

	unmap(w->p, w->pages * PAGE);
	forget();
	for (i = 0; i < w->pages; i++) {
		EXPECT(pread(w->fd, &value, 8, i * PAGE + 16) == 8);
		bad += value != base + i;
	}
	return bad;
}

static void
store_all(struct work *w, u64 base)
{
	u64 i;

	for (i = 0; i < w->pages; i++)
		*(volatile u64 *)(w->p + i * PAGE + 16) = base + i;
}

static void
part(struct work *w, char **argv)
{
	u64 from = option(argv, "from"), n = option(argv, "n");

	store_all(w, 70000);
	mark(1);
	msync(w, from, n);
	mark(2);
	mark(3);
	msync(w, 0, from);
	msync(w, from + n, w->pages - from - n);
	mark(4);
	answer("wrong", wrong(w, 70000));
}

static int
stores(void *arg)
{
	struct work *w = arg;
	u64 r;

	for (r = 1; *w->stop == 0; r++) {
		store_all(w, r * 1000);
		*w->stored = r;
		yield();
		__asm__ volatile("pause");
	}
	return 0;
}

static void
over(struct work *w, char **argv)
{
	u64 rounds = option(argv, "rounds"), r, was;

	w->stop = (volatile u64 *)shared(1);
	w->stored = w->stop + 8;
	*w->stop = *w->stored = 0;
	EXPECT(thread(stores, w, &w->tid) > 0);
	mark(1);
	for (r = 0; r < rounds; r++) {
		for (was = *w->stored; *w->stored == was;)
			nap();
		msync(w, 0, w->pages);
	}
	*w->stop = 1;
	thread_join(&w->tid);
	msync(w, 0, w->pages);
	mark(2);
	answer("wrong", wrong(w, *w->stored * 1000));
}

int
main(int argc, char **argv)
{
	struct work w = { .fd = -1 };

	begin(&w, argv);
	if (option_text(argv, "what")[0] == 'p')
		part(&w, argv);
	else
		over(&w, argv);
	return 0;
}
