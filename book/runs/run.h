/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * run.h: counters around each step of a recorded run
 *
 * Problem   A number in the book must be the number that a run gave.
 *
 * Picture   run_begin() ─ work ─ run_step("name") ─ work ─ run_step("next")
 *           prints "name counter delta" for each counter that has moved
 *
 * Rules     1. Counters are those of /proc/vm/events, read into memory that is
 *              touched before: the reading itself moves none of those printed.
 *           2. Only what is the same in each run is printed: families[] below,
 *              and what the run itself names in RUN_ALSO.
 *           3. On Linux they are those of /proc/vmstat, whose names have no dot;
 *              what has not moved is printed, too, as 0.
 */
#ifndef RUN_H
#define RUN_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096ul
#define RUN_MAX 256

#ifndef RUN_ALSO
#define RUN_ALSO "fault."
#endif

static const char *const families[] = { "fault.", "fork.", "fmo.", "vad.",
	"page.copy", "table.alloc", "table.free", "tlb.flush", "tlb.pages",
	"tlb.full", "tlb.ipi", "anon.create", "anon.page_new", "cache.read_pages",
	RUN_ALSO };
static char run_text[1 << 16], run_out[1 << 16];
static long run_before[RUN_MAX], run_after[RUN_MAX];
static size_t run_used;

static int
run_wants(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof families / sizeof *families; i++)
		if (strncmp(name, families[i], strlen(families[i])) == 0)
			return 1;
	return 0;
}

/* All counters, in the order of the file, which is always the same. */
static void
run_read(long *v)
{
	int fd = open("/proc/vm/events", O_RDONLY), n = 0;
	size_t len = 0;
	ssize_t r;
	char *s;

	if (fd < 0)
		fd = open("/proc/vmstat", O_RDONLY);
	while ((r = read(fd, run_text + len, sizeof run_text - 1 - len)) > 0)
		len += r;
	close(fd);
	run_text[len] = '\0';
	for (s = run_text; s != NULL && *s != '\0' && n < RUN_MAX; n++) {
		v[n] = strtol(strchr(s, ' '), NULL, 10);
		s = strchr(s, '\n');
		s += s != NULL;
	}
}

static void
run_begin(void)
{
	memset(run_text, 1, sizeof run_text);
	memset(run_out, 1, sizeof run_out);
	run_read(run_after);
	run_read(run_before);
}

/* What has moved since the last step; printed at the end, by run_end(). */
static void
run_step(const char *step)
{
	char *s = run_text, *space;
	int i = 0;

	run_read(run_after);
	run_used += snprintf(run_out + run_used, sizeof run_out - run_used,
	    "%s - 0\n", step);
	for (; s != NULL && *s != '\0'; i++) {
		space = strchr(s, ' ');
		*space = '\0';
		if (run_wants(s) && (run_after[i] != run_before[i] ||
		    strchr(s, '.') == NULL))
			run_used += snprintf(run_out + run_used,
			    sizeof run_out - run_used, "%s %s %ld\n", step, s,
			    run_after[i] - run_before[i]);
		s = strchr(space + 1, '\n');
		s += s != NULL;
	}
	run_read(run_before);
}

/* Sessions stop here; the kernel copies its counters (book: evidence). */
static inline void
run_mark(int id)
{
	prctl(0x564e, id, 0, 0, 0);
}

/* A number that is no counter. */
static inline void
run_note(const char *step, const char *name, long value)
{
	run_used += snprintf(run_out + run_used, sizeof run_out - run_used,
	    "%s %s %ld\n", step, name, value);
}

static int
run_end(void)
{
	return write(1, run_out, run_used) != (ssize_t)run_used;
}

static inline volatile char *
run_map(size_t pages, int prot, int flags)
{
	char *p = mmap(NULL, pages * PAGE, prot, flags, -1, 0);

	if (p == MAP_FAILED)
		exit(2);
	return p;
}

#define RW (PROT_READ | PROT_WRITE)
#define PRIVATE (MAP_PRIVATE | MAP_ANONYMOUS)
#define SHARED (MAP_SHARED | MAP_ANONYMOUS)

static inline void
run_store(volatile char *p, size_t pages)
{
	size_t i;

	for (i = 0; i < pages; i++)
		p[i * PAGE] = (char)(i + 1);
}

static inline int
run_load(volatile char *p, size_t pages)
{
	size_t i;
	int sum = 0;

	for (i = 0; i < pages; i++)
		sum += p[i * PAGE];
	return sum;
}

#endif
