/* SPDX-License-Identifier: BSD-2-Clause */
/* 12-ages.c: eight pages grow older, half of them stay in use */
#include <signal.h>
#include <time.h>
#include "show.h"

#define PAGES 8

/* So many seconds in which the first half is used. */
static void
use(volatile char *p, int seconds)
{
	struct timespec t = { .tv_nsec = 100000000 };
	int i, k;

	for (k = 0; k < 10 * seconds; k++) {
		for (i = 0; i < PAGES / 2; i++)
			p[i * PAGE]++;
		nanosleep(&t, NULL);
	}
}

/* A neighbour: each time that it runs, the processor changes spaces. */
static pid_t
neighbour(void)
{
	pid_t pid = fork();

	while (pid == 0)
		usleep(50000);
	return pid;
}

int
main(void)
{
	volatile char *p = map_at_base(PAGES);
	const char *f = "/proc/self/vmstat";
	pid_t pid;
	int i;

	for (i = 0; i < PAGES; i++)
		p[i * PAGE] = 1;
	show("stored to all", f, PAGES);
	use(p, 5);
	show("alone: five seconds later, the first half in use", f, PAGES);
	pid = neighbour();
	for (i = 0; i < PAGES; i++)
		p[i * PAGE] = 1;
	use(p, 5);
	show("with a neighbour: five seconds later, the first half in use", f,
	    PAGES);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return 0;
}
