/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vmtext.h: read the kernel's text about address spaces
 *
 * The text goes to shared memory, for the reasons of events.h.
 */
#ifndef TEST_VMTEXT_H
#define TEST_VMTEXT_H

#include "events.h"

#define TEXT_SIZE (2 * MIB)

static char *text_area;

/* Make the buffer and touch it (at first as much as is often used). */
static inline void
text_init(void)
{
	text_area = pages_shared(TEXT_SIZE / PAGE);
	memset(text_area, 0, 64 * KIB);
}

/* The whole of /proc/PID/name (pid 0: self). */
static inline const char *
text_of(pid_t pid, const char *name)
{
	char path[64];

	if (pid == 0)
		snprintf(path, sizeof(path), "/proc/self/%s", name);
	else
		snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	snap_read(path, text_area, TEXT_SIZE);
	return text_area;
}

static inline const char *
text_vm(const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/vm/%s", name);
	snap_read(path, text_area, TEXT_SIZE);
	return text_area;
}

/* Does the line hold all of the blank-separated words? */
static inline bool
line_has(const char *line, const char *words)
{
	char word[64];
	int used;

	while (sscanf(words, " %63s%n", word, &used) == 1) {
		const char *at = strstr(line, word);
		size_t n = strlen(word);

		while (at != NULL && at[n] != ' ' && at[n] != '\0')
			at = strstr(at + 1, word);
		if (at == NULL)
			return false;
		words += used;
	}
	return true;
}

/* Pages of [lo, lo + n pages) on lines of vmstat that hold all words. */
static inline long
vmstat_pages(const char *text, const void *lo, size_t n, const char *words)
{
	uintptr_t a = (uintptr_t)lo, b = a + n * PAGE, start, end;
	char line[512];
	long pages = 0;

	while (*text) {
		size_t len = strcspn(text, "\n");

		snprintf(line, sizeof(line), "%.*s", (int)len, text);
		text += len + (text[len] == '\n');
		if (sscanf(line, "%lx-%lx", &start, &end) != 2)
			continue;
		start = start < a ? a : start;
		end = end > b ? b : end;
		if (start < end && line_has(line, words))
			pages += (end - start) / PAGE;
	}
	return pages;
}

#endif
