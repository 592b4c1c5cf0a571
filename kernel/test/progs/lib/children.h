/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * children.h: all children of a process, those that it has got as orphans, too
 */
#ifndef TEST_CHILDREN_H
#define TEST_CHILDREN_H

#include "test.h"
#include <dirent.h>

/* What /proc says of a process; false: there is none. */
static inline bool
process_stat(const char *pid, char *state, pid_t *parent)
{
	char path[64], stat[256], *name_end;
	int fd;
	long n;

	snprintf(path, sizeof(path), "/proc/%.20s/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, stat, sizeof(stat) - 1);
	OK(close(fd));
	stat[n > 0 ? n : 0] = '\0';
	name_end = strrchr(stat, ')');
	return name_end != NULL && sscanf(name_end, ") %c %d", state, parent) == 2;
}

/* 0: no such process, or none at all. */
static inline pid_t
parent_of(const char *pid)
{
	pid_t parent;
	char state;

	return process_stat(pid, &state, &parent) ? parent : 0;
}

/* It runs, is about to, or waits for a disk: what it was told has not all happened. */
static inline bool
is_busy(pid_t pid)
{
	pid_t parent;
	char text[16], state;

	snprintf(text, sizeof(text), "%d", pid);
	return process_stat(text, &state, &parent) && (state == 'R' || state == 'D');
}

/*
 * SIGKILL for each: who has left the group of its program outlives a signal to that.
 * Without opendir(): what malloc() keeps would look like a leak.
 */
static inline void
kill_children(void)
{
	static char text[8192] __attribute__((aligned(8)));
	int fd = OK(open("/proc", O_RDONLY | O_DIRECTORY));
	struct dirent *e;
	long n;

	while ((n = OK(syscall(SYS_getdents64, fd, text, sizeof(text)))) > 0)
		for (long at = 0; at < n; at += e->d_reclen) {
			e = (struct dirent *)(text + at);
			if (atoi(e->d_name) > 0 &&
			    parent_of(e->d_name) == getpid())
				kill(atoi(e->d_name), SIGKILL);
		}
	OK(close(fd));
}

#endif
