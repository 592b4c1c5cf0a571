/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * anon_race.c: two threads at one object
 *
 * --what cut      one stores to all of --pages, the other cuts and grows the file
 * --what make     both store to the same fresh pages, far apart
 * --rounds N
 */
#include "libt.h"

struct work {
	u8 *p;
	u64 pages, apart;
	volatile u64 *round;     /* shared: the main thread's, from 2 on; 0: end */
	volatile u64 *done;      /* shared: of the other's rounds */
	volatile int tid;
	int fd;
};

/*
 * Let the others get on: who shares our CPU, and the other CPUs, of which the
 * emulator runs one at a time and goes on with the next at a pause.
 */
static void
give_way(void)
{
	yield();
	__asm__ volatile("pause");
}

static void
begin(struct work *w, int (*fn)(void *), u64 bytes)
{
	w->fd = (int)sys(319, "anon_race", 0, 0);
	EXPECT(w->fd >= 0 && sys(77, w->fd, bytes, 0) == 0);
	w->p = map(NULL, bytes, PROT_R | PROT_W, MAP_SHARED | MAP_NORESERVE,
	    w->fd, 0);
	EXPECT((long)w->p > 0);
	w->round = (volatile u64 *)shared(1);
	w->done = (volatile u64 *)shared(1);
	*w->round = 1;
	*w->done = 0;
	EXPECT(thread(fn, w, &w->tid) > 0);
}

/* ---- stores while the file is cut ---- */

static int
stores(void *arg)
{
	struct work *w = arg;
	struct trap t;
	u64 i;

	t.signo = 0;
	while (*w->round != 0) {
		for (i = 0; i < w->pages; i++)
			(void)try_store(&t, w->p + i * PAGE, 9);
		++*w->done;
		give_way();
	}
	return 0;
}

static void
cut(struct work *w, u64 rounds)
{
	u64 bytes = w->pages * PAGE, r, i, alive = 0, was;
	struct trap t;

	trap_begin(&t);
	begin(w, stores, bytes);
	mark(1);
	for (r = 0; r < rounds; r++) {
		for (was = *w->done; *w->done < was + 2;)
			nap();
		EXPECT(sys(77, w->fd, PAGE, 0) == 0);
		for (i = 1; i < w->pages; i++)
			alive += try_load(&t, w->p + i * PAGE) != SIGBUS;
		EXPECT(sys(77, w->fd, bytes, 0) == 0);
	}
	mark(2);
	answer("alive", alive);
}

/* ---- two make the same pages ---- */

static void
add_to_all(struct work *w)
{
	u64 i;

	for (i = 0; i < w->pages; i++)
		__atomic_fetch_add((u64 *)(w->p + i * w->apart * PAGE), 1,
		    __ATOMIC_SEQ_CST);
}

static int
adds(void *arg)
{
	struct work *w = arg;
	u64 r = 2;

	while (*w->round != 0) {
		if (*w->round == r) {
			add_to_all(w);
			*w->done = r++;
		}
		give_way();
	}
	return 0;
}

static void
make(struct work *w, u64 rounds)
{
	u64 bytes = (w->pages * w->apart + 1) * PAGE, r, i, lost = 0;

	begin(w, adds, bytes);
	mark(1);
	for (r = 2; r < rounds + 2; r++) {
		*w->round = r;
		add_to_all(w);
		while (*w->done < r)
			give_way();
		for (i = 0; i < w->pages; i++)
			lost += *(u64 *)(w->p + i * w->apart * PAGE) != 2;
		EXPECT(sys(77, w->fd, 0, 0) == 0);
		EXPECT(sys(77, w->fd, bytes, 0) == 0);
	}
	mark(2);
	answer("lost", lost);
}

int
main(int argc, char **argv)
{
	struct work w = { .pages = option(argv, "pages") };
	u64 rounds = option(argv, "rounds");

	if (option_text(argv, "what")[0] == 'c') {
		cut(&w, rounds);
	} else {
		w.apart = option(argv, "apart");
		make(&w, rounds);
	}
	*w.round = 0;
	thread_join(&w.tid);
	unmap(w.p, (w.pages * (w.apart == 0 ? 1 : w.apart) +
	    (w.apart != 0)) * PAGE);
	close(w.fd);
	return 0;
}
