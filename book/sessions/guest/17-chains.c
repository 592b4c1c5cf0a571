/* SPDX-License-Identifier: BSD-2-Clause */
/* 17-chains.c: the chain of a mapping of four pages, while three children come and go */
#include <signal.h>
#include "show.h"

static void
chain(const char *title)
{
	show(title, "/proc/self/fmo", 4);
}

/* A child that sleeps until it is killed. */
static pid_t
sleeper(void)
{
	pid_t pid = fork();

	while (pid == 0)
		pause();
	return pid;
}

static void
end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

int
main(void)
{
	volatile char *p = map_at_base(4);
	pid_t first, second, third;
	int i;

	for (i = 0; i < 4; i++)
		p[i * PAGE] = 1;
	chain("four pages stored to");
	first = sleeper();
	chain("a child sleeps");
	p[0] = 2;
	chain("stored to the first page");
	second = sleeper();
	p[PAGE] = 3;
	chain("a second child sleeps, stored to the second page");
	end(first);
	chain("the first child has ended");
	end(second);
	chain("the second child has ended");
	third = sleeper();
	for (i = 0; i < 4; i++)
		p[i * PAGE] = 4;
	chain("a third child sleeps, stored to all pages");
	end(third);
	chain("the third child has ended");
	return 0;
}
