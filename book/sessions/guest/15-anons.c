/* SPDX-License-Identifier: BSD-2-Clause */
/* 15-anons.c: the example of the second note: two processes, two pages */
#include "show.h"

int
main(void)
{
	volatile char *p = map_at_base(4);
	const char *f = "/proc/self/vmstat";
	pid_t pid;

	p[0] = p[PAGE] = 1;
	show("PID 1: two pages stored to", f, 4);
	pid = fork();
	if (pid == 0) {
		show("PID 2: nothing touched yet", f, 4);
		(void)p[0];
		show("PID 2: loaded from the first page", f, 4);
		p[PAGE] = 2;
		show("PID 2: stored to the second page", f, 4);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	show("PID 1: PID 2 has ended", f, 4);
	p[0] = 3;
	show("PID 1: stored to the first page", f, 4);
	return 0;
}
