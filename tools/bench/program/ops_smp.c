/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ops_smp.c: one or two that store to fresh pages, on two CPUs
 *
 * Problem   Two processes share no memory, and two threads share all of it: what
 *           either costs beside one says what the kernel's own locks and shared
 *           cache lines cost.
 *
 * Picture   parent:  shared word go = 0 ── workers ready ── begin, go = 1 ── wait, end
 *           worker:  touch all, MADV_DONTNEED, again and again;
 *                    or map a little, touch it, unmap it, again and again
 *
 * Rules     1. Time of the host, not instructions: run -t only.
 *           2. The figure is the time of all by the pages of all: perfect is half.
 *
 * Read next bench.h.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

/* 0.06 s and more: longer than a turn, short enough to fall between two of others. */
#define WORKER_PAGES 1024ul
#define TURNS 16ul
#define MAP_PAGES 64ul /* of those that map and unmap */
#define WORKERS 2

struct start {
	unsigned ready, go;
};

static struct start *start; /* shared with children: the picture */
static void (*work)(size_t i); /* what the workers do */

/* A worker is ready, and waits until all may begin. */
static void
meet(void)
{
	__atomic_add_fetch(&start->ready, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&start->go, __ATOMIC_SEQ_CST) == 0)
		sched_yield();
}

/* Each at 1 GiB of its own, so that threads share no leaf table. */
static void
touch_again(size_t i)
{
	char *p = mmap((void *)(0x200000000000ul + i * GIB), WORKER_PAGES * PAGE,
	    PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	if (p == MAP_FAILED)
		err(1, "mmap");
	touch(p, WORKER_PAGES * PAGE);
	must(madvise(p, WORKER_PAGES * PAGE, MADV_DONTNEED), "MADV_DONTNEED");
	meet();
	for (size_t turn = 0; turn < TURNS; turn++) {
		touch(p, WORKER_PAGES * PAGE);
		must(madvise(p, WORKER_PAGES * PAGE, MADV_DONTNEED), "MADV_DONTNEED");
	}
	unmap(p, WORKER_PAGES * PAGE);
}

/* Where the kernel likes: neighbours of the other's. */
static void
map_again(size_t i)
{
	char *p;

	(void)i;
	meet();
	for (size_t n = 0; n < TURNS * WORKER_PAGES; n += MAP_PAGES) {
		p = mmap(NULL, MAP_PAGES * PAGE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (p == MAP_FAILED)
			err(1, "mmap");
		touch(p, MAP_PAGES * PAGE);
		unmap(p, MAP_PAGES * PAGE);
	}
}

static void *
thread_work(void *i)
{
	work((size_t)i);
	return NULL;
}

/* The clock runs from when n workers are ready, not while they are made. */
static void
start_all(unsigned n)
{
	while (__atomic_load_n(&start->ready, __ATOMIC_SEQ_CST) < n)
		sched_yield();
	begin();
	__atomic_store_n(&start->go, 1, __ATOMIC_SEQ_CST);
}

/* The workers, made next, will do this. */
static void
prepare(void (*what)(size_t i))
{
	work = what;
	start = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (start == MAP_FAILED)
		err(1, "mmap");
}

/* n of them touch, each in a process of its own. */
static void
processes(unsigned n)
{
	pid_t pid[WORKERS];
	size_t i;

	prepare(touch_again);
	for (i = 0; i < n; i++) {
		pid[i] = (pid_t)must(fork(), "fork");
		if (pid[i] == 0) {
			work(i);
			_exit(0);
		}
	}
	start_all(n);
	for (i = 0; i < n; i++)
		reap(pid[i]);
	end(n * TURNS * WORKER_PAGES);
	unmap(start, PAGE);
}

/* n of them, all in this process. */
static void
threads(unsigned n, void (*what)(size_t i))
{
	pthread_t t[WORKERS];
	size_t i;

	prepare(what);
	for (i = 0; i < n; i++)
		if (pthread_create(&t[i], NULL, thread_work, (void *)i) != 0)
			errx(1, "pthread_create");
	start_all(n);
	for (i = 0; i < n; i++)
		if (pthread_join(t[i], NULL) != 0)
			errx(1, "pthread_join");
	end(n * TURNS * WORKER_PAGES);
	unmap(start, PAGE);
}

static void
one_process(void)
{
	processes(1);
}
static void
two_processes(void)
{
	processes(2);
}
static void
one_thread(void)
{
	threads(1, touch_again);
}
static void
two_threads(void)
{
	threads(2, touch_again);
}

static void
one_mapper(void)
{
	threads(1, map_again);
}
static void
two_mappers(void)
{
	threads(2, map_again);
}

const struct op smp_ops[] = {
	{ "smp-process", "page", one_process },
	{ "smp-processes", "page", two_processes },
	{ "smp-thread", "page", one_thread },
	{ "smp-threads", "page", two_threads },
	{ "smp-mapper", "page", one_mapper },
	{ "smp-mappers", "page", two_mappers },
	{ NULL, NULL, NULL },
};
