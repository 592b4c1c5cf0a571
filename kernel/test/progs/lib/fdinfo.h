/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fdinfo.h: what /proc tells of a descriptor
 */
#ifndef TEST_FDINFO_H
#define TEST_FDINFO_H

#include "test.h"

/* The text has this line, or what is put there of several. */
static inline void
fdinfo_has(int fd, const char *line)
{
	char path[64], text[512];
	int in, n;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	in = OK(open(path, O_RDONLY));
	n = (int)OK(read(in, text, sizeof(text) - 1));
	text[n] = '\0';
	OK(close(in));
	if (strstr(text, line) == NULL)
		FAIL("fdinfo has no '%s': %s", line, text);
}

#endif
