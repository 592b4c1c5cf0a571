/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * forks.c: programs of the comparison that fork
 *
 * Problem   A fork's price is paid at the fork, at the first stores after it, or
 *           when its records are given up: which design pays when?
 *
 * Picture   exec: used by nobody   store: used by the child   tree: by many
 *           read: by eight children that live at once
 *           chain: each child stores, its parent ends, it forks the next
 *
 * Read next pages.c.
 */
#include "bill.h"

#define PAGES 1024ul /* that the parent has touched */
#define DEPTH 3

static char *p;
static uint64_t *answers; /* shared */

static void
grown_up(void)
{
	answers = (void *)pages_shared(1);
	memset(answers, 0, PAGE);
	p = pages_private(PAGES);
	store_each(p, PAGES, 1, 7);
}

static void
tell(const char *what, size_t n)
{
	for (size_t i = 0; i < n; i++)
		printf("%s %zu: %016lx\n", what, i, answers[i]);
	printf("parent: %016lx\n", sum_of(p, PAGES));
}

/* Does nothing until the word is 1; so the peak is that of the fork alone. */
static int
wait_turn(void *turn)
{
	turn_wait(turn, 1);
	return 0;
}

/*
 * What one fork has of the kernel's memory, and what it copies: the counters'
 * peak.  The child's stack is shared, so it breaks nothing of its own.
 */
static void
one_fork(char *stack)
{
	volatile int *turn = (volatile int *)answers;
	pid_t pid;

	*turn = 0;
	pid = fork_on(wait_turn, (void *)turn, stack);
	bill_peak(1);
	turn_give(turn, 1);
	REAP(pid, 0);
}

static int
fork_alone(void)
{
	char *stack = shared_stack();

	grown_up();
	bill_from();
	one_fork(stack);
	bill_to(1);
	answers[0] = 0;
	tell("child", 1);
	return 0;
}

/* A shared stack, that a page more is not on the bill. */
static void
fork_one(bool small)
{
	EQ(run_on_shared_stack(fork_alone), 0);
}

static void
fork_exec(bool small)
{
	int n = small ? 4 : 16;

	grown_up();
	bill_from();
	for (int i = 0; i < n; i++) {
		pid_t pid = OK(fork());

		if (pid == 0) {
			execl(self, "nothing", NULL);
			_exit(1);
		}
		REAP(pid, 0);
		answers[0]++;
	}
	bill_to(n);
	tell("children", 1);
}

static void
fork_store(bool small)
{
	int n = small ? 2 : 8;

	grown_up();
	bill_from();
	for (int i = 0; i < n; i++) {
		pid_t pid = OK(fork());

		if (pid == 0) {
			store_each(p, PAGES, 1, 100 * i);
			answers[i] = sum_of(p, PAGES);
			_exit(0);
		}
		REAP(pid, 0);
	}
	bill_to(n * PAGES);
	tell("child", n);
}

/* Children of children; each stores to a tenth. */
static void
tree(int depth, int me)
{
	pid_t pid[2];

	for (int i = 0; i < 2; i++) {
		int child = 2 * me + i + 1;

		pid[i] = OK(fork());
		if (pid[i] == 0) {
			store_each(p, PAGES, 10, 1000 * child);
			if (depth > 1)
				tree(depth - 1, child);
			answers[child] = sum_of(p, PAGES);
			_exit(0);
		}
	}
	REAP(pid[0], 0);
	REAP(pid[1], 0);
}

static void
fork_tree(bool small)
{
	grown_up();
	bill_from();
	tree(DEPTH, 0);
	bill_to((2 << DEPTH) - 2);
	tell("process", (2 << DEPTH) - 1);
}

static int stored[2], go[2]; /* pipes, of words */

static void
tell_by(const int *end)
{
	EQ(write(end[1], "", 1), 1);
}

static void
wait_by(const int *end)
{
	char c;

	EQ(read(end[0], &c, 1), 1);
}

/* Children of children: this process inherits them. */
static void
reap_any(void)
{
	int status;

	CHECK(waitpid(-1, &status, 0) > 0);
	EQ(status, 0);
}

/*
 * Each child stores to a tenth while its parent lives, which then ends; when that is
 * gone the child forks the next.  Who waits for whom is settled, or chance decides
 * how many pages are copied: a store is a copy only as long as the parent is there.
 */
static void
generation(int left, int of)
{
	for (; left > 0; left--) {
		if (OK(fork()) != 0) {
			wait_by(stored);
			_exit(0);
		}
		store_each(p + (of - left) % 10 * PAGE, PAGES - 10, 10, left);
		tell_by(stored);
		wait_by(go);
	}
	answers[0] = sum_of(p, PAGES);
	_exit(0);
}

static void
fork_chain(bool small)
{
	int n = small ? 8 : 40;

	grown_up();
	OK(pipe(stored));
	OK(pipe(go));
	OK(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0));
	bill_from();
	if (OK(fork()) == 0)
		generation(n, n);
	for (int i = 0; i < n; i++) {
		reap_any();
		tell_by(go);
	}
	reap_any();
	bill_to(n + 1);
	tell("last", 1);
}

/* Children that live at the same time, and read all: what a fork has put off is made. */
static void
fork_read(bool small)
{
	int n = small ? 2 : 8;

	grown_up();
	OK(pipe(stored));
	OK(pipe(go));
	bill_from();
	for (int i = 0; i < n; i++) {
		if (OK(fork()) != 0)
			continue;
		answers[i] = sum_of(p, PAGES);
		tell_by(stored);
		wait_by(go);
		_exit(0);
	}
	for (int i = 0; i < n; i++)
		wait_by(stored);
	bill_peak((unsigned long)n);
	for (int i = 0; i < n; i++) {
		tell_by(go);
		reap_any();
	}
	bill_to((unsigned long)n);
	tell("child", (size_t)n);
}

const struct program fork_programs[] = {
	{ "fork", fork_one },
	{ "fork-exec", fork_exec },
	{ "fork-store", fork_store },
	{ "fork-read", fork_read },
	{ "fork-tree", fork_tree },
	{ "fork-chain", fork_chain },
	{ NULL, NULL },
};
