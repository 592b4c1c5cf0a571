/* SPDX-License-Identifier: BSD-2-Clause */
/* ch22-points.c: how often each injection point is asked, in six small programs.  GUEST: --memory 96M --append ramdisk=32M --append swap=rama */
#define RUN_ALSO "inject."
#include "run.h"

#define PAGES 64ul
#define MADV_PAGEOUT_ 21

static const char *const points[] = { "FI_FRAME", "FI_SLAB", "FI_COMMIT",
	"FI_SLOT", "FI_SWAPOUT", "FI_SWAPIN", "FI_TRYPIN", "FI_TRYLOCK",
	"FI_RESTART", "FI_WAIT" };
#define POINTS (sizeof points / sizeof *points)

static void
tell(const char *spec)
{
	int fd = open("/proc/vm/inject", O_WRONLY);

	if (fd < 0 || write(fd, spec, strlen(spec)) < 0)
		exit(2);
	close(fd);
}

static void
probe(void)
{
	char spec[32];
	size_t i;

	for (i = 0; i < POINTS; i++) {
		snprintf(spec, sizeof spec, "%s:probe", points[i]);
		tell(spec);
	}
}

/*
 * "NAME hits=N fired=0 probe", a line for each point.  What the questions
 * themselves hit is known from the first of them, and taken off.
 */
static void
count(const char *step)
{
	static long asking[POINTS];
	static int first = 1;

	static char text[2048];
	int fd = open("/proc/vm/inject", O_RDONLY);
	ssize_t n = read(fd, text, sizeof text - 1);
	size_t i;

	text[n < 0 ? 0 : n] = '\0';
	close(fd);
	for (i = 0; i < POINTS; i++) {
		const char *s = strstr(text, points[i]);
		long hits = s == NULL ? -1 : atol(strstr(s, "hits=") + 5);

		if (first)
			asking[i] = hits;
		else
			run_note(step, points[i], hits - asking[i]);
	}
	first = 0;
	tell("off");
}

static void
store(volatile char *p)
{
	run_store(p, PAGES);
}

static void
fork_once(volatile char *p)
{
	int pid = fork();

	if (pid == 0)
		_exit(p[0] != 1);
	waitpid(pid, NULL, 0);
}

static void
fork_store(volatile char *p)
{
	int pid = fork();

	if (pid == 0) {
		run_store(p, PAGES);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

static void
out(volatile char *p)
{
	madvise((void *)p, PAGES * PAGE, MADV_PAGEOUT_);
}

static void
in(volatile char *p)
{
	(void)run_load(p, PAGES);
}

static void
unmap(volatile char *p)
{
	munmap((void *)p, PAGES * PAGE);
}

int
main(void)
{
	static const struct {
		const char *name;
		void (*run)(volatile char *);
	} steps[] = { { "store", store }, { "fork", fork_once },
		{ "fork-store", fork_store }, { "out", out }, { "in", in },
		{ "unmap", unmap } };
	volatile char *p = run_map(PAGES, RW, PRIVATE);
	size_t i;

	run_begin();
	run_step("begin");
	probe();
	count(NULL);
	for (i = 0; i < sizeof steps / sizeof *steps; i++) {
		probe();
		steps[i].run(p);
		count(steps[i].name);
	}
	return run_end();
}
