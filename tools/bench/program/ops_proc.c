/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ops_proc.c: calls, pipes, fork, exec, threads
 *
 * Problem   Fork should cost by what the parent has touched, and little of
 *           that; exec and exit by what the child has.
 *
 * Picture   fork(n MiB touched), exit, wait: the parent's view, all of it
 *
 * Read next bench.h.
 */
#define _GNU_SOURCE
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bench.h"

#define CALLS 10000ul
#define TRIPS 1000ul
#define TIMES 16ul
#define POLLED 64ul

static void
null_call(void)
{
	begin();
	for (size_t i = 0; i < CALLS; i++)
		syscall(SYS_getppid);
	end(CALLS);
}

/* A byte there and back between two processes. */
static void
pipe_trip(void)
{
	int there[2], back[2];
	char c = 0;
	pid_t pid;

	must(pipe(there), "pipe");
	must(pipe(back), "pipe");
	pid = (pid_t)must(fork(), "fork");
	if (pid == 0) {
		close(there[1]);
		while (read(there[0], &c, 1) == 1)
			if (write(back[1], &c, 1) != 1)
				_exit(1);
		_exit(0);
	}
	close(there[0]);
	begin();
	for (size_t i = 0; i < TRIPS; i++)
		if (write(there[1], &c, 1) != 1 || read(back[0], &c, 1) != 1)
			err(1, "a byte there and back");
	end(TRIPS);
	close(there[1]);
	close(back[0]);
	close(back[1]);
	reap(pid);
}

/* The same between two who poll before they read. */
static char
polled(int fd)
{
	struct pollfd f = { .fd = fd, .events = POLLIN };
	char c;

	return poll(&f, 1, -1) == 1 && read(fd, &c, 1) == 1;
}

static void
poll_trip(void)
{
	int there[2], back[2];
	pid_t pid;

	must(pipe(there), "pipe");
	must(pipe(back), "pipe");
	pid = (pid_t)must(fork(), "fork");
	if (pid == 0) {
		close(there[1]);
		while (polled(there[0]))
			if (write(back[1], "", 1) != 1)
				_exit(1);
		_exit(0);
	}
	close(there[0]);
	begin();
	for (size_t i = 0; i < TRIPS; i++)
		if (write(there[1], "", 1) != 1 || !polled(back[0]))
			err(1, "a byte there and back");
	end(TRIPS);
	close(there[1]);
	close(back[0]);
	close(back[1]);
	reap(pid);
}

/* An empty pipe, so many times: as many pipes would make the table that fork copies
 * larger. */
static void
poll_many(void)
{
	struct pollfd f[POLLED];
	int end_of[2];

	must(pipe(end_of), "pipe");
	for (size_t i = 0; i < POLLED; i++)
		f[i] = (struct pollfd){ .fd = end_of[0], .events = POLLIN };
	begin();
	for (size_t i = 0; i < TRIPS; i++)
		must(poll(f, POLLED, 0), "poll");
	end(TRIPS * POLLED);
	close(end_of[0]);
	close(end_of[1]);
}

static void
forks(size_t bytes, size_t times, bool again)
{
	char *p = bytes != 0 ? map_private(bytes) : NULL;
	pid_t pid;

	touch(p, bytes);
	for (size_t i = 0; i < times; i++) {
		begin();
		pid = (pid_t)must(fork(), "fork");
		if (pid == 0)
			_exit(0);
		reap(pid);
		if (again)
			touch(p, bytes);
		end(1);
	}
	if (bytes != 0)
		unmap(p, bytes);
}

static void
fork_small(void)
{
	forks(0, TIMES, false);
}

static void
fork_64m(void)
{
	forks(64 * MIB, 2, false);
}

static void
fork_256m(void)
{
	forks(256 * MIB, 1, false);
}

static void
fork_rewritten(void)
{
	forks(64 * MIB, 1, true);
}

/* Beside so many who sleep, children of ours like the one that is timed. */
static void
forks_beside(size_t others)
{
	int wake[2], ready[2];
	char c = 0;

	must(pipe(wake), "pipe");
	must(pipe(ready), "pipe");
	for (size_t i = 0; i < others; i++) {
		if (must(fork(), "fork") == 0) {
			close(wake[1]);
			_exit(write(ready[1], &c, 1) == 1 && read(wake[0], &c, 1) == 0 ? 0 : 1);
		}
		must(read(ready[0], &c, 1), "a child");
	}
	/* The last have said so, and are about to sleep. */
	for (size_t i = 0; i < 4; i++)
		sched_yield();
	forks(0, TIMES, false);
	for (size_t i = 0; i < 2; i++) {
		close(wake[i]);
		close(ready[i]);
	}
	for (size_t i = 0; i < others; i++)
		reap(-1);
}

static void
fork_beside_100(void)
{
	forks_beside(100);
}

static void
fork_beside_1000(void)
{
	forks_beside(1000);
}

/* The parent's pages are shared already: what every fork but the first finds. */
static void
fork_again(void)
{
	char *p = map_private(64 * MIB);
	pid_t pid;

	touch(p, 64 * MIB);
	for (size_t i = 0; i < 3; i++) {
		if (i > 0)
			begin();
		pid = (pid_t)must(fork(), "fork");
		if (pid == 0)
			_exit(0);
		reap(pid);
		if (i > 0)
			end(1);
	}
	unmap(p, 64 * MIB);
}

static void
run_nothing(pid_t (*start)(void))
{
	char *argv[] = { "nothing", NULL }, *envp[] = { NULL };
	pid_t pid;

	begin();
	for (size_t i = 0; i < TIMES; i++) {
		pid = start();
		if (pid == 0) {
			execve("/nothing", argv, envp);
			_exit(127);
		}
		reap((pid_t)must(pid, "fork"));
	}
	end(TIMES);
}

static void
fork_exec(void)
{
	run_nothing(fork);
}

/* vfork() by a function that has returned is not allowed: here it stands. */
static void
vfork_exec(void)
{
	char *argv[] = { "nothing", NULL }, *envp[] = { NULL };

	begin();
	for (size_t i = 0; i < TIMES; i++) {
		pid_t pid = vfork();

		if (pid == 0) {
			execve("/nothing", argv, envp);
			_exit(127);
		}
		reap((pid_t)must(pid, "vfork"));
	}
	end(TIMES);
}

static void *
at_once(void *arg)
{
	return arg;
}

static void
thread(void)
{
	pthread_t t;

	begin();
	for (size_t i = 0; i < TIMES; i++)
		if (pthread_create(&t, NULL, at_once, NULL) != 0 ||
		    pthread_join(t, NULL) != 0)
			errx(1, "pthread_create");
	end(TIMES);
}

const struct op proc_ops[] = {
	{ "null-call", "call", null_call },
	{ "pipe", "trip", pipe_trip },
	{ "poll-pipe", "trip", poll_trip },
	{ "poll", "entry", poll_many },
	{ "fork", "fork", fork_small },
	{ "fork-64m", "fork", fork_64m },
	{ "fork-256m", "fork", fork_256m },
	{ "fork-64m-rewritten", "fork", fork_rewritten },
	{ "fork-exec", "exec", fork_exec },
	{ "vfork-exec", "exec", vfork_exec },
	{ "thread", "thread", thread },
	{ NULL, NULL, NULL },
};

/* ---- growth: the same with more and more touched, or beside others; at the end, for it
 * leaves many frames that are cleared ---- */

static void
grow_0(void)
{
	forks(MIB, 2, false);
}
static void
grow_1(void)
{
	forks(4 * MIB, 2, false);
}
static void
grow_2(void)
{
	forks(16 * MIB, 2, false);
}
static void
grow_3(void)
{
	forks(128 * MIB, 1, false);
}

const struct op growth_ops[] = {
	{ "fork-1m", "fork", grow_0 },
	{ "fork-4m", "fork", grow_1 },
	{ "fork-16m", "fork", grow_2 },
	{ "fork-128m", "fork", grow_3 },
	{ "fork-64m-again", "fork", fork_again },
	{ "fork-beside-100", "fork", fork_beside_100 },
	{ "fork-beside-1000", "fork", fork_beside_1000 },
	{ NULL, NULL, NULL },
};
