/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * traced.h: a child that is traced, its stops and registers, calls of ptrace
 */
#ifndef TEST_TRACED_H
#define TEST_TRACED_H

#include "test.h"
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>

#define STOP(sig) ((sig) << 8 | 0x7f)
#define EVENT(n) (((n) << 8 | SIGTRAP) << 8 | 0x7f)

/* PTRACE_O_ of them, and numbers that not every libc has. */
#define O_SYSGOOD 1
#define O_FORK 2
#define O_VFORK 4
#define O_CLONE 8
#define O_EXECED 16
#define O_VFORKDONE 32
#define O_EXIT 64
#define O_EXITKILL (1 << 20)

/* ptrace(2) itself: -1 with errno.  PEEK and its like store what they read at data. */
static inline long
pt(long req, pid_t pid, long addr, long data)
{
	return syscall(SYS_ptrace, req, pid, addr, data);
}

/* The next news of a process or thread, as wait tells them. */
static inline int
next(pid_t pid)
{
	int st = -1;

	EQ(waitpid(pid, &st, __WALL), pid);
	return st;
}

static inline struct user_regs_struct
regs(pid_t pid)
{
	struct user_regs_struct r;

	OK(pt(PTRACE_GETREGS, pid, 0, (long)&r));
	return r;
}

/* A child that asks to be traced and stops. */
static inline pid_t
traced(void (*fn)(void))
{
	pid_t pid = OK(fork());

	if (pid == 0) {
		if (pt(PTRACE_TRACEME, 0, 0, 0) != 0)
			_exit(99);
		raise(SIGSTOP);
		fn();
		_exit(7);
	}
	EQ(next(pid), STOP(SIGSTOP));
	return pid;
}

/* What the event of this stop says: the new one, who it was, how it ends. */
static inline pid_t
message(pid_t pid)
{
	unsigned long m = 0;

	OK(pt(PTRACE_GETEVENTMSG, pid, 0, (long)&m));
	return (pid_t)m;
}

/* At a stop: of which call, and on which side of it. */
static inline struct __ptrace_syscall_info
call_info(pid_t pid)
{
	struct __ptrace_syscall_info i;

	memset(&i, 0, sizeof(i));
	CHECK(pt(PTRACE_GET_SYSCALL_INFO, pid, sizeof(i), (long)&i) >= 24);
	return i;
}

/* Go to the next stop at a call. */
static inline struct __ptrace_syscall_info
call_next(pid_t pid)
{
	OK(pt(PTRACE_SYSCALL, pid, 0, 0));
	EQ(next(pid), STOP(SIGTRAP | 0x80));
	return call_info(pid);
}

#endif
