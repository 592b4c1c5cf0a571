/* SPDX-License-Identifier: BSD-2-Clause */
/* ch12-ws.c: a working set, its limit, soft faults, a scan beside pages in use, and a sleeper.  GUEST: --memory 96M --append ramdisk=48M --append swap=rama */
#define RUN_ALSO "ws.", "page.zero", "page.to_", "page.reclaim_anon", "swap.in_pages", \
	"swap.out_pages"
#include <signal.h>
#include <sys/resource.h>
#include <time.h>
#include "run.h"

#define ONE 0x1000005a5000ul
#define PAGES 256ul
#define LIMIT 128ul
#define HOT 32ul
#define SCAN 1024ul
#define IDLE 3072ul  /* pages of the child: 12 MiB */
#define MUCH 9216ul  /* 36 MiB */

static long
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Load from the page again and again, and call nobody but the clock. */
static void
use_for(volatile char *p, long ms)
{
	long until = now_ms() + ms;

	while (now_ms() < until)
		(void)p[0];
	(void)p[0];
}

/* For the session: a page in use while the kernel clears its bit A. */
static void
in_use(void)
{
	volatile char *p = mmap((void *)ONE, PAGE, RW, PRIVATE | MAP_FIXED,
	    -1, 0);
	volatile char *other = run_map(64, RW, PRIVATE);

	run_store(other, 64);
	p[0] = 1;
	run_mark(1);
	use_for(p, 2500);
	run_mark(2);
	munmap((void *)other, 64 * PAGE);
	(void)p[0];
	run_mark(3);
	use_for(p, 1500);
	munmap((void *)p, PAGE);
}

static void
limit(unsigned long pages)
{
	struct rlimit l = { pages * PAGE, RLIM_INFINITY };

	if (setrlimit(RLIMIT_RSS, &l) != 0)
		exit(2);
}

/* Pages in use, and between two uses of them a piece of a long scan. */
static void
hot_and_scan(volatile char *hot, volatile char *scan)
{
	size_t i;

	for (i = 0; i < SCAN; i++) {
		scan[i * PAGE] = 1;
		if (i % 8 == 7)
			(void)run_load(hot, HOT);
	}
}

/* Pages that the process has lost so far, by /proc/PID/ws. */
static long
trimmed(pid_t pid)
{
	char name[64], text[512] = "";
	int fd;

	snprintf(name, sizeof name, "/proc/%d/ws", pid);
	fd = open(name, O_RDONLY);
	if (read(fd, text, sizeof text - 1) < 0 ||
	    strstr(text, "trimmed=") == NULL)
		exit(2);
	close(fd);
	return strtol(strstr(text, "trimmed=") + 8, NULL, 10);
}

/* How far a counter has moved in a step that is over. */
static long
moved(const char *row)
{
	const char *at = strstr(run_out, row);

	return at == NULL ? 0 : strtol(at + strlen(row), NULL, 10);
}

/* A child has touched memory and sleeps; the parent needs more than is left. */
static void
sleeper(void)
{
	volatile char *p = run_map(IDLE, RW, PRIVATE), *q;
	pid_t pid = fork();
	long child, own = trimmed(getpid());
	int round;

	if (pid == 0) {
		run_store(p, IDLE);
		for (;;)
			pause();
	}
	sleep(6);
	run_step("sleeper");
	q = run_map(MUCH, RW, PRIVATE);
	for (round = 0; round < 2; round++)
		run_store(q, MUCH);
	child = trimmed(pid);
	own = trimmed(getpid()) - own;
	run_step("much");
	run_note("much", "of_ten_from_the_sleeper", child * 10 / (child + own));
	run_note("much", "of_hundred_older",
	    moved("much ws.trimmed_3 ") * 100 / moved("much ws.trimmed "));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

int
main(int argc, char **argv)
{
	volatile char *p = run_map(PAGES, RW, PRIVATE);
	volatile char *hot = run_map(HOT, RW, PRIVATE);
	volatile char *scan = run_map(SCAN, RW, PRIVATE);

	run_begin();
	if (getpid() == 1 || argc > 1)
		in_use();
	run_step("start");
	limit(LIMIT);
	run_store(p, PAGES);
	run_step("limit");
	(void)run_load(p, PAGES);
	run_step("loop");
	limit(LIMIT * 1000);
	(void)run_load(p, PAGES);
	run_step("no-limit");
	(void)run_load(p, PAGES);
	run_step("all-there");
	munmap((void *)p, PAGES * PAGE);
	limit(LIMIT);
	run_store(hot, HOT);
	run_step("before-scan");
	hot_and_scan(hot, scan);
	run_step("scan");
	(void)run_load(hot, HOT);
	run_step("hot");
	limit(LIMIT * 1000);
	run_step("free");
	sleeper();
	return run_end();
}
