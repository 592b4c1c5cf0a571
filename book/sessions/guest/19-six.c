/* SPDX-License-Identifier: BSD-2-Clause */
/* 19-six.c: a fork and a store, under one design after the other, in one machine */
#include <sys/prctl.h>
#include "show.h"

#define PR_VMM_DESIGN 0x564d
#define PR_VMM_MARK 0x564e /* sessions of Bochs stop there */

static const struct {
	const char *name;
	int number;
} designs[] = { { "eager", 5 }, { "fmo", 0 }, { "uvm", 1 }, { "scalux", 2 },
	{ "shadow", 3 }, { "frames", 4 } };

static void
fork_under(const char *name, int mark)
{
	volatile char *p = map_at_base(2);
	const char *f = "/proc/self/vmstat";
	char title[64];
	pid_t pid;

	p[0] = p[PAGE] = 1;
	prctl(PR_VMM_MARK, mark, 0, 0, 0);
	pid = fork();
	if (pid == 0) {
		snprintf(title, sizeof title, "%s: the child", name);
		prctl(PR_VMM_MARK, mark + 1, 0, 0, 0);
		show(title, f, 2);
		p[0] = 2;
		snprintf(title, sizeof title, "%s: the child has stored to the first page", name);
		show(title, f, 2);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	prctl(PR_VMM_MARK, mark + 2, 0, 0, 0);
}

int
main(int argc, char **argv)
{
	unsigned i;
	pid_t pid;

	if (argc > 2) {
		fork_under(argv[1], atoi(argv[2]));
		return 0;
	}
	for (i = 0; i < sizeof designs / sizeof *designs; i++) {
		pid = fork();
		if (pid == 0) {
			char mark[12];

			snprintf(mark, sizeof mark, "%u", 10 * i + 1);
			prctl(PR_VMM_DESIGN, designs[i].number, 0, 0, 0);
			execl("/t/six", "six", designs[i].name, mark, (char *)NULL);
			_exit(1);
		}
		waitpid(pid, NULL, 0);
	}
	return 0;
}
