/* SPDX-License-Identifier: BSD-2-Clause */
/* 10-words.c: the words of four pages, in parent and child */
#include "show.h"

int
main(void)
{
	volatile char *p = map_at_base(4);
	const char *f = "/proc/self/vmstat";
	pid_t pid;

	p[0] = p[PAGE] = p[2 * PAGE] = 1;
	show("parent: three pages stored to", f, 4);
	pid = fork();
	if (pid == 0) {
		show("child: nothing touched yet", f, 4);
		(void)p[0];
		show("child: loaded from the first page", f, 4);
		p[PAGE] = 2;
		show("child: stored to the second page", f, 4);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	show("parent: the child has ended", f, 4);
	p[0] = 3;
	show("parent: stored to the first page", f, 4);
	return 0;
}
