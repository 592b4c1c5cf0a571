/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pressure.h: more memory than there is
 *
 * A page is stamped all over with a pattern of (who, version), so that one
 * wrong byte is seen.  A hog is a process, made before there is anything
 * to fork, that touches as much memory as the machine has when it is told
 * to: what others do not use goes to swap meanwhile.
 *
 * All of it works on Linux as well, if there is swap.
 */
#ifndef TEST_PRESSURE_H
#define TEST_PRESSURE_H

#include "test.h"

#define PAGE_WORDS (PAGE / sizeof(uint64_t))

/* ---- stamps ---- */

static inline uint64_t
stamp_seed(uint64_t who, uint64_t version)
{
	return (who + 1) * 0x9e3779b97f4a7c15UL ^ (version + 1) * 0xff51afd7ed558ccdUL;
}

/* Fill a page with the pattern of (who, version). */
static inline void
stamp(void *page, uint64_t who, uint64_t version)
{
	uint64_t *w = page, x = stamp_seed(who, version);

	for (size_t i = 0; i < PAGE_WORDS; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		w[i] = x;
	}
}

/* Word of the page that is wrong, -1: all bytes are right. */
static inline int
stamp_bad(const void *page, uint64_t who, uint64_t version)
{
	const volatile uint64_t *w = page;
	uint64_t x = stamp_seed(who, version);

	for (size_t i = 0; i < PAGE_WORDS; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		if (w[i] != x)
			return (int)i;
	}
	return -1;
}

/* The page must be right in every byte. */
#define STAMPED(page, who, version)                                            \
	test_stamp(__FILE__, __LINE__, page, who, version)

static inline void
test_stamp(const char *file, int line, const void *page, uint64_t who,
    uint64_t version)
{
	int bad = stamp_bad(page, who, version);

	if (bad >= 0)
		test_fail(file, line, "page of %ld, version %ld: word %d is "
		    "%#lx", (long)who, (long)version, bad,
		    (long)((const uint64_t *)page)[bad]);
}

/* The page must be all zero. */
static inline bool
is_zero_page(const void *page)
{
	const volatile uint64_t *w = page;

	for (size_t i = 0; i < PAGE_WORDS; i++)
		if (w[i] != 0)
			return false;
	return true;
}

/* A random order of 0 … n - 1. */
static inline void
shuffle(uint32_t *order, size_t n, uint64_t *seed)
{
	for (size_t i = 0; i < n; i++)
		order[i] = i;
	for (size_t i = n; i > 1; i--) {
		size_t j = rnd(seed) % i;
		uint32_t t = order[i - 1];

		order[i - 1] = order[j];
		order[j] = t;
	}
}

/* ---- the machine ---- */

/* A line of /proc/meminfo, in pages; 0: there is none. */
static inline long
meminfo(const char *name)
{
	char text[4096], *at = text;
	int fd = OK(open("/proc/meminfo", O_RDONLY));
	long n = OK(read(fd, text, sizeof(text) - 1));

	close(fd);
	text[n] = '\0';
	n = strlen(name);
	while (at != NULL && !(strncmp(at, name, n) == 0 && at[n] == ':'))
		at = (at = strchr(at, '\n')) != NULL ? at + 1 : NULL;
	return at != NULL ? strtol(at + n + 1, NULL, 10) * KIB / PAGE : 0;
}

/* That part of the memory, in pages, but not more than most bytes. */
static inline size_t
memory_part(unsigned num, unsigned den, size_t most)
{
	size_t n = (size_t)meminfo("MemTotal") * num / den;

	return n < most / PAGE ? n : most / PAGE;
}

/* Pages that can still be promised; very many where nobody counts. */
static inline long
commit_left(void)
{
	char mode = '2';
	int fd = open("/proc/sys/vm/overcommit_memory", O_RDONLY);

	if (fd >= 0) {
		EQ(read(fd, &mode, 1), 1);
		close(fd);
	}
	return mode == '2' ? meminfo("CommitLimit") - meminfo("Committed_AS")
	                   : 1L << 40;
}

/* ---- where pages are ---- */

#define PM_PRESENT (1UL << 63)
#define PM_SWAPPED (1UL << 62)

/* The words of pagemap for n pages from p on. */
static inline void
pagemap_read(const void *p, size_t n, uint64_t *words)
{
	int fd = OK(open("/proc/self/pagemap", O_RDONLY));
	size_t at = 0;

	while (at < n) {
		ssize_t got = OK(pread(fd, words + at, (n - at) * 8,
		    ((uintptr_t)p / PAGE + at) * 8));

		CHECK(got > 0);
		at += got / 8;
	}
	close(fd);
}

/* How many of n pages have this bit in pagemap. */
static inline size_t
pagemap_count(const void *p, size_t n, uint64_t bit)
{
	uint64_t words[256];
	size_t count = 0;

	for (size_t at = 0; at < n; at += 256) {
		size_t part = n - at < 256 ? n - at : 256;

		pagemap_read((const char *)p + at * PAGE, part, words);
		for (size_t i = 0; i < part; i++)
			count += (words[i] & bit) != 0;
	}
	return count;
}

/* ---- the hog ---- */

struct hog {
	pid_t pid;
	int order, done; /* pipes: pages to touch; a byte when it is over */
};

static inline void __attribute__((noreturn))
hog_run(int order, int done)
{
	size_t n;

	while (read(order, &n, sizeof(n)) == sizeof(n)) {
		char *p = pages_private(n);

		for (size_t i = 0; i < n; i++)
			*(volatile uint64_t *)(p + i * PAGE) = i + 1;
		for (size_t i = n - n / 8; i < n; i++)
			EQ(*(volatile uint64_t *)(p + i * PAGE), i + 1);
		OK(munmap(p, n * PAGE));
		EQ(write(done, "", 1), 1);
	}
	_exit(0);
}

/* Make a hog; it does nothing yet. */
static inline struct hog
hog_start(void)
{
	int order[2], done[2];
	struct hog h;

	OK(pipe(order));
	OK(pipe(done));
	h.pid = OK(fork());
	if (h.pid == 0) {
		close(order[1]);
		close(done[0]);
		hog_run(order[0], done[1]);
	}
	close(order[0]);
	close(done[1]);
	h.order = order[1];
	h.done = done[0];
	return h;
}

/* Touch so many pages and give them back; the caller sleeps meanwhile. */
static inline void
hog_press(const struct hog *h, size_t pages)
{
	char c;

	EQ(write(h->order, &pages, sizeof(pages)), sizeof(pages));
	EQ(read(h->done, &c, 1), 1);
}

static inline void
hog_end(const struct hog *h)
{
	close(h->order);
	close(h->done);
	REAP(h->pid, 0);
}

/* The program's own code is in memory: what follows reads none of it from swap. */
static inline void
text_in(void)
{
	extern const char __executable_start[], etext[];

	for (const char *p = __executable_start; p < etext; p += PAGE)
		(void)*(const volatile char *)p;
}

/* Press until at least that many of n pages are in swap. */
static inline void
push_out(const struct hog *h, const void *p, size_t n, size_t want)
{
	size_t out = pagemap_count(p, n, PM_SWAPPED);

	for (int i = 0; i < 20 && out < want; i++) {
		hog_press(h, meminfo("MemTotal"));
		out = pagemap_count(p, n, PM_SWAPPED);
	}
	if (out < want)
		FAIL("pages in swap: expected %zu of %zu, seen %zu", want, n,
		    out);
}

/* ---- counting what waits ---- */

/* Hard faults of this process so far: it waited for a disk. */
static inline long
hard_faults(void)
{
	struct rusage ru;

	OK(getrusage(RUSAGE_SELF, &ru));
	return ru.ru_majflt;
}

/* The first swap area: a disk of the emulator's, or of memory. */
static inline const char *
swap_disk(void)
{
	static char name[64];
	FILE *f = name[0] == '\0' ? fopen("/proc/swaps", "r") : NULL;

	if (f != NULL) {
		if (fscanf(f, "%*[^\n] %63s", name) != 1)
			FAIL("no swap area in /proc/swaps");
		fclose(f);
	}
	return name;
}

/*
 * For programs that need swap: none, say so and end.  Nor do they drive a machine
 * into its swap on which others have their work.
 */
static inline void
need_swap(void)
{
	bool is_ours = on_vadose() || meminfo("MemTotal") <= (long)(GIB / PAGE);

	if (is_ours && meminfo("SwapTotal") > 0)
		return;
	printf("skipped: there is %s\n",
	    is_ours ? "no swap" : "too much memory to use it up");
	exit(0);
}

#endif
