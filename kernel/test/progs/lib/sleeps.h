/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sleeps.h: until another thread, or process, sleeps
 *
 * A fixed time is too short on a busy machine, and whoever was late has not
 * begun the call that the program is about.
 */
#ifndef TEST_SLEEPS_H
#define TEST_SLEEPS_H

#include "test.h"

/* What /proc says of the thread: R, S, T, … */
static inline char
thread_state(pid_t pid, pid_t tid)
{
	char path[64], text[512], *s;
	long n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", pid, tid);
	fd = OK(open(path, O_RDONLY));
	n = OK(read(fd, text, sizeof(text) - 1));
	OK(close(fd));
	text[n] = '\0';
	s = strrchr(text, ')');
	CHECK(s != NULL);
	return s[2];
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
