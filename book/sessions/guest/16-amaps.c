/* SPDX-License-Identifier: BSD-2-Clause */
/* 16-amaps.c: the example of the third note: an amap, its entries, their anons */
#include "show.h"

/* The object that lies in the range, and its entries, without the amap's address. */
static void
show_amap(const char *title, pid_t pid)
{
	char name[64], line[256], *amap;
	unsigned long at;
	FILE *f;

	snprintf(name, sizeof name, "/proc/%d/fmo", pid);
	printf("-- %s\n", title);
	f = fopen(name, "r");
	while (f != NULL && fgets(line, sizeof line, f) != NULL) {
		at = strtoul(line, NULL, 16);
		amap = strstr(line, "amap=");
		if (at < BASE || at >= BASE + 2 * PAGE)
			continue;
		if (amap != NULL)
			memmove(amap, strchr(amap, ' ') + 1,
			    strlen(strchr(amap, ' ') + 1) + 1);
		printf("%s", line);
	}
	if (f != NULL)
		fclose(f);
	fflush(stdout);
}

int
main(void)
{
	volatile char *p = map_at_base(2);
	pid_t parent = getpid(), pid;

	p[0] = p[PAGE] = 1;
	show_amap("PID 1: two pages stored to", parent);
	pid = fork();
	if (pid == 0) {
		show_amap("PID 2: nothing touched yet", getpid());
		(void)p[0];
		show_amap("PID 2: loaded from the first page", getpid());
		p[PAGE] = 2;
		show_amap("PID 2: stored to the second page", getpid());
		show_amap("PID 1, at the same time", parent);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	show_amap("PID 1: PID 2 has ended", parent);
	p[0] = p[PAGE] = 3;
	show_amap("PID 1: stored to both pages", parent);
	return 0;
}
