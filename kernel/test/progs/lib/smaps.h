/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * smaps.h: numbers of /proc/self/smaps, status and meminfo
 */
#ifndef TEST_SMAPS_H
#define TEST_SMAPS_H

#include "test.h"

static char smaps_text[256 * KIB];

/* All of a file of /proc; without malloc(), which would make mappings. */
static inline const char *
text_read(const char *path)
{
	int fd = OK(open(path, O_RDONLY));
	size_t at = 0;
	ssize_t n;

	while ((n = read(fd, smaps_text + at,
	    sizeof(smaps_text) - 1 - at)) > 0)
		at += n;
	OK(n);
	close(fd);
	smaps_text[at] = '\0';
	return smaps_text;
}

/* The next line, or NULL. */
static inline const char *
text_next(const char *line)
{
	line = strchr(line, '\n');
	return line == NULL || line[1] == '\0' ? NULL : line + 1;
}

static inline bool
text_is(const char *line, const char *key)
{
	size_t n = strlen(key);

	return strncmp(line, key, n) == 0 && line[n] == ':';
}

/* The number behind "key:" in a file of such lines; -1: no such line. */
static inline long
line_number(const char *path, const char *key)
{
	const char *line = text_read(path);

	for (; line != NULL; line = text_next(line))
		if (text_is(line, key))
			return strtol(line + strlen(key) + 1, NULL, 10);
	return -1;
}

static inline long
status_kb(const char *key)
{
	return line_number("/proc/self/status", key);
}

static inline long
meminfo_kb(const char *key)
{
	return line_number("/proc/meminfo", key);
}

/*
 * Sum of a row of smaps over the mappings that lie in [p, p + n pages), in kB.
 * key NULL: how many mappings these are.
 */
static inline long
smaps_kb(const void *p, size_t n, const char *key)
{
	uintptr_t lo = (uintptr_t)p, hi = lo + n * PAGE, a, b;
	const char *line = text_read("/proc/self/smaps");
	bool inside = false;
	long sum = 0;

	for (; line != NULL; line = text_next(line)) {
		if (sscanf(line, "%lx-%lx ", &a, &b) == 2) {
			inside = a >= lo && b <= hi;
			sum += key == NULL && inside;
		} else if (inside && key != NULL && text_is(line, key)) {
			sum += strtol(line + strlen(key) + 1, NULL, 10);
		}
	}
	return sum;
}

/* n private pages between two that are none: nothing merges with them. */
static inline char *
pages_apart(size_t n)
{
	char *p = mmap(NULL, (n + 2) * PAGE, PROT_NONE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(p != MAP_FAILED);
	OK(mprotect(p + PAGE, n * PAGE, PROT_READ | PROT_WRITE));
	return p + PAGE;
}

/* Pages of [p, p + n pages) that mincore calls resident. */
static inline int
resident(const void *p, size_t n)
{
	unsigned char vec[4096];
	int sum = 0;

	CHECK(n <= sizeof(vec));
	OK(mincore((void *)p, n * PAGE, vec));
	for (size_t i = 0; i < n; i++)
		sum += vec[i] & 1;
	return sum;
}

#endif
