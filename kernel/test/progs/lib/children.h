/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * children.h: all children of a process, those that it has got as orphans, too
 */
#ifndef TEST_CHILDREN_H
#define TEST_CHILDREN_H

#include "sleeps.h"
#include "test.h"
#include <dirent.h>

static inline bool
process_stat(pid_t pid, char *state, pid_t *parent)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	return stat_at(path, state, parent);
}

/* 0: no such process, or none at all. */
static inline pid_t
parent_of(pid_t pid)
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
	char state;

	return process_stat(pid, &state, &parent) && (state == 'R' || state == 'D');
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
	pid_t pid;
	long n;

	while ((n = OK(syscall(SYS_getdents64, fd, text, sizeof(text)))) > 0)
		for (long at = 0; at < n; at += e->d_reclen) {
			e = (struct dirent *)(text + at);
			pid = atoi(e->d_name);
			if (pid > 0 && parent_of(pid) == getpid())
				kill(pid, SIGKILL);
		}
	OK(close(fd));
}

#endif
