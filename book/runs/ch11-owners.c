/* SPDX-License-Identifier: BSD-2-Clause */
/* ch11-owners.c: who keeps the page: after an exit, after a copy, in orders of exit, down a line of forks */
#define RUN_ALSO "page.alloc", "page.free"
#include "run.h"

#define PAGES 64ul
#define SOME 4ul
#define LINE 20

static int up[2];
static volatile char *p;

/* Wait for one byte of a pipe; say one. */
static void
hear(int fd)
{
	char c;

	if (read(fd, &c, 1) != 1)
		_exit(1);
}

static void
say(int fd)
{
	if (write(fd, "", 1) != 1)
		_exit(1);
}

/* A child that does as it is told: 'l'oad, 's'tore, 'u'nmap, 'e'nd. */
struct child {
	pid_t pid;
	int down[2];
};

static void
obey(int fd)
{
	char c;

	while (read(fd, &c, 1) == 1) {
		if (c == 'e')
			_exit(0);
		if (c == 'l')
			(void)run_load(p, PAGES);
		if (c == 's')
			run_store(p, PAGES);
		if (c == 'u')
			munmap((void *)p, PAGES / 2 * PAGE);
		say(up[1]);
	}
	_exit(1);
}

static void
born(struct child *c)
{
	if (pipe(c->down) < 0)
		exit(2);
	c->pid = fork();
	if (c->pid == 0)
		obey(c->down[0]);
}

static void
tell(struct child *c, char what, const char *step)
{
	if (write(c->down[1], &what, 1) != 1)
		exit(2);
	if (what == 'e')
		waitpid(c->pid, NULL, 0);
	else
		hear(up[0]);
	run_step(step);
}

/* One child and its parent: all ends of sharing. */
static void
two(void)
{
	struct child c;

	run_store(p, PAGES);
	run_step("store");
	born(&c);
	run_step("fork");
	tell(&c, 'e', "child-ends");
	run_store(p, PAGES);
	run_step("last-stores");
	born(&c);
	run_step("again");
	run_store(p, PAGES);
	run_step("first-copies");
	tell(&c, 'l', "last-loads");
	tell(&c, 's', "last-stores-then");
	tell(&c, 'e', "copies-end");
	born(&c);
	run_step("half");
	tell(&c, 'u', "half-unmapped");
	tell(&c, 'e', "half-ends");
}

/* Three children, ended in this order; the parent unmaps last. */
static void
orders(void)
{
	static const char *const order[] = { "012", "210", "120" };
	struct child c[3];
	char name[16];
	size_t i, k;

	for (i = 0; i < sizeof order / sizeof *order; i++) {
		run_store(p, PAGES);
		for (k = 0; k < 3; k++)
			born(&c[k]);
		snprintf(name, sizeof name, "four-%s", order[i]);
		run_step(name);
		for (k = 0; k < 3; k++) {
			snprintf(name, sizeof name, "%s-%lu", order[i], k);
			tell(&c[order[i][k] - '0'], 'e', name);
		}
		munmap((void *)p, PAGES * PAGE);
		snprintf(name, sizeof name, "%s-last", order[i]);
		run_step(name);
		p = run_map(PAGES, RW, PRIVATE);
	}
}

/* A process that forks; its child lives on, stores to some pages, and forks. */
static void
line(int stores, const char *step)
{
	pid_t pid = fork(), old;
	int i;

	if (pid != 0) {
		waitpid(pid, NULL, 0);
		hear(up[0]);
		run_step(step);
		return;
	}
	run_store(p, PAGES);
	for (i = 0; i < LINE; i++) {
		old = getpid();
		pid = fork();
		if (pid != 0)
			_exit(0);
		while (getppid() == old)
			usleep(1000);
		usleep(5000); /* its children go first, then its memory */
		if (stores != 0)
			run_store(p + i % 16 * SOME * PAGE, SOME);
	}
	say(up[1]);
	pause();
}

/*
 * For the session: a store after the child has ended, and one while another child
 * is alive.
 */
static void
session(void)
{
	pid_t pid;

	p[0] = p[PAGE] = 1;
	pid = fork();
	if (pid == 0)
		_exit(0);
	waitpid(pid, NULL, 0);
	run_mark(1);
	p[0] = 2;
	run_mark(2);
	pid = fork();
	if (pid == 0)
		obey(up[0]);
	run_mark(3);
	p[0] = 3;
	run_mark(4);
	say(up[1]);
	pause();
}

int
main(int argc, char **argv)
{
	run_begin();
	if (pipe(up) < 0)
		return 2;
	p = run_map(PAGES, RW, PRIVATE);
	if (getpid() == 1 || argc > 1)
		session();
	run_step("map");
	two();
	orders();
	line(0, "line-idle");
	line(1, "line-stores");
	return run_end();
}
