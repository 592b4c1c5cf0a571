/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tour.c: what zero-fill, fork and the last owner cost, by counters
 *
 * Problem   Copy-on-write is invisible: the program cannot tell whether its
 *           pages were copied.  The kernel's counters can.
 *
 * Picture   map 64 → touch 64 → fork → child writes 16 → parent writes the
 *           same 16 → child ends → parent writes all 64
 *
 * Rules     Every number is read from /proc/vm/events around the step, so it
 *           includes the few pages of the program's own stack.
 *
 * Read next kernel/vm/pte/fault.c, kernel/vm/design/fmo/fork.c.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGES 64
#define SOME 16
#define NCOUNT 6

static const char *const counter[NCOUNT] = {
	"fault.zerofill",
	"fork.entries",
	"fork.rerefs",
	"fault.fork_copy",
	"fmo.steal",
	"page.copy",
};
static char text[65536];
static unsigned long before[NCOUNT], after[NCOUNT];

/* All six counters now. */
static void
snapshot(unsigned long *v)
{
	int i, fd = open("/proc/vm/events", O_RDONLY);
	size_t len, n = 0;
	ssize_t r;
	char *s;

	while (fd >= 0 && (r = read(fd, text + n, sizeof text - 1 - n)) > 0)
		n += r;
	close(fd);
	text[n] = '\0';
	for (i = 0; i < NCOUNT; i++) {
		len = strlen(counter[i]);
		v[i] = 0;
		for (s = text; s != NULL; s = strchr(s, '\n')) {
			s += *s == '\n';
			if (strncmp(s, counter[i], len) == 0 && s[len] == ' ')
				v[i] = strtoul(s + len, NULL, 10);
			if (*s == '\0')
				break;
		}
	}
}

static void
step(const char *what)
{
	int i;

	snapshot(after);
	printf("%-34s", what);
	for (i = 0; i < NCOUNT; i++)
		printf(" %9lu", after[i] - before[i]);
	printf("\n");
	fflush(stdout);
	snapshot(before);
}

static void
touch(char *p, int pages)
{
	int i;

	for (i = 0; i < pages; i++)
		p[i * 4096]++;
}

int
main(void)
{
	int go[2], done[2];
	char c = 0, *p;
	pid_t pid;

	memset(text, 1, sizeof text);
	if (pipe(go) < 0 || pipe(done) < 0)
		return 1;
	printf("%-34s  zerofill   entries    rerefs fork_copy "
	       "     steal page.copy\n",
	    "step");
	fflush(stdout);
	snapshot(before);
	snapshot(before);
	p = mmap(NULL, PAGES * 4096, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return 1;
	step("map 64 pages");
	touch(p, PAGES);
	step("write to each");
	pid = fork();
	if (pid == 0) {
		if (read(go[0], &c, 1) != 1)
			_exit(1);
		touch(p, SOME);
		if (write(done[1], &c, 1) != 1 || read(go[0], &c, 1) != 1)
			_exit(1);
		_exit(0);
	}
	step("fork");
	if (write(go[1], &c, 1) != 1 || read(done[0], &c, 1) != 1)
		return 1;
	step("child writes to 16: copies");
	touch(p, SOME);
	step("parent writes to the same: steals");
	if (write(go[1], &c, 1) != 1 || waitpid(pid, NULL, 0) != pid)
		return 1;
	step("child ends");
	touch(p, PAGES);
	step("parent writes to all: steals");
	return 0;
}
