/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * entries.h: what /proc/PID/fmo says of a page's entry, under design scalux
 */
#ifndef TEST_ENTRIES_H
#define TEST_ENTRIES_H

#include "vmtext.h"

/* Its line; FAIL if there is none. */
static inline const char *
entry_line(pid_t pid, const void *at)
{
	static char line[512];
	const char *text = text_of(pid, "fmo");
	char first[40];

	snprintf(first, sizeof(first), " %lx pager=", (unsigned long)at);
	for (; *text != '\0'; text += text[strcspn(text, "\n")] == '\n') {
		size_t n = strcspn(text, "\n");

		snprintf(line, sizeof(line), "%.*s", (int)n, text);
		if (strncmp(line, first, strlen(first)) == 0)
			return line;
		text += n;
	}
	FAIL("%p has no entry", at);
}

static inline bool
entry_is(pid_t pid, const void *at, const char *words)
{
	return line_has(entry_line(pid, at), words);
}

/* The number behind key: decimal, or behind "0x" of the key hexadecimal. */
static inline long
entry_of(pid_t pid, const void *at, const char *key)
{
	const char *line = entry_line(pid, at), *found = strstr(line, key);

	if (found == NULL)
		FAIL("no %s in: %s", key, line);
	found += strlen(key);
	return strtol(found, NULL, key[strlen(key) - 1] == 'x' ? 16 : 10);
}

#endif
