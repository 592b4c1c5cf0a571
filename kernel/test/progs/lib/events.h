/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * events.h: counters of the kernel, read so that reading disturbs little
 *
 * A snapshot lies in shared memory: reading one breaks no forked page and
 * a child can compare with what its parent saw.  run_on_shared_stack()
 * moves a program to a shared stack, and fork_on() starts a child on
 * another one, so that neither breaks a page of its own stack after fork.
 */
#ifndef TEST_EVENTS_H
#define TEST_EVENTS_H

#include "test.h"

#define SNAP_SIZE (32 * KIB)
#define SNAP_MAX 16

struct snap {
	char text[SNAP_SIZE];
};

static struct snap *snap_area;

static inline void
snap_read(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY);
	size_t at = 0;
	ssize_t n;

	if (fd < 0)
		FAIL("open %s: errno %d", path, errno);
	while ((n = read(fd, buf + at, size - 1 - at)) > 0)
		at += n;
	close(fd);
	buf[at] = '\0';
}

/* Read all counters (of the machine) into snapshot i. */
static inline void
snap_all(int i)
{
	snap_read("/proc/vm/events", snap_area[i].text, SNAP_SIZE);
}

/* Read the counters of this process into snapshot i. */
static inline void
snap_self(int i)
{
	snap_read("/proc/self/events", snap_area[i].text, SNAP_SIZE);
}

static inline long
snap_find(const char *text, const char *name)
{
	size_t len = strlen(name);

	for (const char *p = text; p != NULL; p = strchr(p, '\n')) {
		p += *p == '\n';
		if (strncmp(p, name, len) == 0 && p[len] == ' ')
			return strtol(p + len, NULL, 10);
	}
	FAIL("counter %s: not listed", name);
}

/* The value of a counter in snapshot i. */
static inline long
snap_get(int i, const char *name)
{
	return snap_find(snap_area[i].text, name);
}

/* How far a counter went from snapshot a to snapshot b. */
static inline long
snap_delta(int a, int b, const char *name)
{
	return snap_get(b, name) - snap_get(a, name);
}

#define DELTA_EQ(a, b, name, expected)                                         \
	test_eq(__FILE__, __LINE__, name, snap_delta(a, b, name), expected)
#define DELTA_LE(a, b, name, limit)                                            \
	test_le(__FILE__, __LINE__, name, snap_delta(a, b, name), limit)

/* Make the snapshots and touch them all. */
static inline void
snap_init(void)
{
	if (!on_vadose()) {
		printf("skipped: needs the counters of Vadose\n");
		exit(0);
	}
	snap_area = (void *)pages_shared(SNAP_MAX * SNAP_SIZE / PAGE);
	memset(snap_area, 0, SNAP_MAX * SNAP_SIZE);
	for (int i = 0; i < SNAP_MAX; i++)
		snap_all(i);
	snap_self(0);
}

#define SHARED_STACK (64 * KIB)

/* Top of a new, touched, shared stack. */
static inline char *
shared_stack(void)
{
	char *stack = pages_shared(SHARED_STACK / PAGE);

	memset(stack, 0, SHARED_STACK);
	return stack + SHARED_STACK;
}

/* Call fn on a shared stack; what it returned. */
static inline int
run_on_shared_stack(int (*fn)(void))
{
	char *top = shared_stack();
	long r;

	__asm__ volatile("mov %%rsp, %%rbx\n\t"
			 "mov %1, %%rsp\n\t"
			 "call *%2\n\t"
			 "mov %%rbx, %%rsp"
			 : "=&a"(r)
			 : "r"(top), "r"(fn)
			 : "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10",
			   "r11", "memory", "cc");
	return (int)r;
}

/*
 * A child that runs fn(arg) on its own shared stack and exits with the
 * result.  The stack is not given back: a test makes a few children.
 */
static inline pid_t
fork_on(int (*fn)(void *), void *arg, char *stack_top)
{
	pid_t pid = clone(fn, stack_top, SIGCHLD, arg);

	if (pid < 0)
		FAIL("clone: errno %d", errno);
	return pid;
}

/*
 * One fork lies between the snapshots a (all) and b (all), self is of the
 * parent before it: each private page made an entry, each FORK word raised
 * a count, or, where the parent was the last owner, was taken back first
 * and made an entry, too.
 */
static inline void
check_fork(int self, int a, int b)
{
	long taken = snap_delta(a, b, "fmo.steal");

	DELTA_EQ(a, b, "fork.entries", snap_get(self, "table.n_priv") + taken);
	DELTA_EQ(a, b, "fork.rerefs", snap_get(self, "table.n_fork") - taken);
	DELTA_EQ(a, b, "page.copy", 0);
}

/* Pages that a last owner took back in faults between the snapshots a and b: the one
 * that he stored to, and some behind it. */
static inline long
taken_back(int a, int b)
{
	return snap_delta(a, b, "fault.fork_steal") +
	    snap_delta(a, b, "fault.around_steal");
}

/* Two processes take turns through a word in shared memory. */
static inline void
turn_wait(volatile int *turn, int mine)
{
	while (__atomic_load_n(turn, __ATOMIC_ACQUIRE) < mine)
		sched_yield();
}

static inline void
turn_give(volatile int *turn, int next)
{
	__atomic_store_n(turn, next, __ATOMIC_RELEASE);
}

/* Sum of key=value over the lines of text that contain match. */
static inline long
sum_key(const char *text, const char *match, const char *key)
{
	long sum = 0;
	char line[512];

	for (const char *p = text; *p;) {
		size_t n = strcspn(p, "\n");
		const char *at;

		snprintf(line, sizeof(line), "%.*s", (int)n, p);
		at = strstr(line, match) ? strstr(line, key) : NULL;
		if (at != NULL)
			sum += strtol(at + strlen(key), NULL, 0);
		p += n + (p[n] == '\n');
	}
	return sum;
}

/* Number of lines in text. */
static inline int
count_lines(const char *text)
{
	int n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

#endif
