/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sleeps.h: what another thread, or process, does; until it sleeps
 *
 * A fixed time is too short on a busy machine, and whoever was late has not
 * begun the call that the program is about.
 */
#ifndef TEST_SLEEPS_H
#define TEST_SLEEPS_H

#include "test.h"

/* What a stat file of /proc says; false: there is no such process or thread. */
static inline bool
stat_at(const char *path, char *state, pid_t *parent)
{
	char text[512], *name_end;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	long n;

	if (fd < 0)
		return false;
	n = read(fd, text, sizeof(text) - 1);
	OK(close(fd));
	text[n > 0 ? n : 0] = '\0';
	name_end = strrchr(text, ')');
	return name_end != NULL && sscanf(name_end, ") %c %d", state, parent) == 2;
}

/* R, S, T, … */
static inline char
thread_state(pid_t pid, pid_t tid)
{
	char path[64], state;
	pid_t parent;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", pid, tid);
	CHECK(stat_at(path, &state, &parent));
	return state;
}

/* Until it sleeps, some time on end: not for a page, most likely. */
static inline void
thread_sleeps(pid_t pid, pid_t tid)
{
	uint64_t t0 = now_ns();

	for (int seen = 0; seen < 5; seen++) {
		sleep_ms(2);
		if (thread_state(pid, tid) != 'S')
			seen = -1;
		if (now_ns() - t0 > 60000000000)
			FAIL("thread %d of %d does not sleep", tid, pid);
	}
}

static inline void
process_sleeps(pid_t pid)
{
	thread_sleeps(pid, pid);
}

#endif
