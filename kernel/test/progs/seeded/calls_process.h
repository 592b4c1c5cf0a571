/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * calls_process.h: who a process is, its limits, clocks, timers and futexes
 *
 * What Linux gives a process at its start is not asked for: only what was set.
 */
#ifndef SEEDED_CALLS_PROCESS_H
#define SEEDED_CALLS_PROCESS_H

#include "calls.h"
#include "lib/futex.h"
#include <sys/fsuid.h>
#include <sys/statfs.h>
#include <sys/xattr.h>

/* What musl does not know: openat2(2). */
#define RESOLVE_NO_XDEV 1
#define RESOLVE_NO_MAGICLINKS 2
#define RESOLVE_NO_SYMLINKS 4
#define RESOLVE_BENEATH 8
#define RESOLVE_IN_ROOT 16

struct open_how {
	uint64_t flags, mode, resolve;
};

/* ---- who ---- */

static int
any_id(void)
{
	return (int)PICK(-1, -1, 0, USER, USER, 1001);
}

static void
op_setresuid(void)
{
	int r = any_id(), e = any_id(), s = any_id();

	say("setresuid %d %d %d", r, e, s);
	tell(syscall(SYS_setresuid, r, e, s));
}

static void
op_setresgid(void)
{
	int r = any_id(), e = any_id(), s = any_id();

	say("setresgid %d %d %d", r, e, s);
	tell(syscall(SYS_setresgid, r, e, s));
}

static void
op_setreuid(void)
{
	int r = any_id(), e = any_id();

	say("setreuid %d %d", r, e);
	tell(syscall(SYS_setreuid, r, e));
}

static void
op_setuid(void)
{
	int id = any_id();
	long call = PICK(SYS_setuid, SYS_setgid);

	say("setuid %ld %d", call, id);
	tell(syscall(call, id));
}

static void
op_ids(void)
{
	uid_t u[3] = { 0 };
	gid_t g[3] = { 0 };

	say("ids");
	tell(syscall(SYS_getresuid, &u[0], &u[1], &u[2]));
	tell(syscall(SYS_getresgid, &g[0], &g[1], &g[2]));
	say(" %d %d %d %d %d %d", u[0], u[1], u[2], g[0], g[1], g[2]);
}

static void
op_setgroups(void)
{
	gid_t list[2] = { USER, 5 };
	size_t n = PICK(0, 1, 2, 100000);

	say("setgroups %zu", n);
	tell(syscall(SYS_setgroups, n, list));
}

static void
op_getgroups(void)
{
	gid_t list[8] = { 0 };
	int n = PICK(0, 1, 8, -1);
	long r;

	say("getgroups %d", n);
	r = tell(syscall(SYS_getgroups, n, list));
	for (long i = 0; i < r && n > 0; i++)
		say(" %d", list[i]);
}

static void
op_setpgid(void)
{
	int other = getppid();
	int pid = chance(3) ? 0 : other;
	int group = PICK(0, 0, -1);

	say("setpgid %s %d", pid ? "parent" : "self", group);
	tell(setpgid(pid, group));
}

static void
op_setsid(void)
{
	say("setsid");
	tell_success(setsid() >= 0);
}

static void
op_leads(void)
{
	say("leads %d %d", getpgrp() == getpid(), getsid(0) == getpid());
}

static void
op_prctl(void)
{
	int what = PICK(PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_GET_DUMPABLE,
	    PR_SET_KEEPCAPS, PR_GET_KEEPCAPS, PR_SET_NO_NEW_PRIVS,
	    PR_GET_NO_NEW_PRIVS, PR_SET_CHILD_SUBREAPER, 9999);
	unsigned long value = PICK(0, 1, 2, 100);

	if (what == PR_SET_PDEATHSIG && value < 65)
		value = 0; /* or a parent's end would be one's own */
	say("prctl %d %lu", what, value);
	tell(prctl(what, value, 0, 0, 0));
}

static void
op_name(void)
{
	static const char *const names[] = { "x", "", "a name that is long" };
	const char *other = names[chance(3)];
	char name[16] = "?";

	say("name");
	tell(prctl(PR_SET_NAME, other));
	tell(prctl(PR_GET_NAME, name));
	say(" %s", name);
}

static void
op_chroot(void)
{
	const char *name = any_name();

	if (chance(4))
		return;
	say("chroot %s", name);
	tell(chroot(name));
}

/* ---- limits, niceness ---- */

static void
op_setrlimit(void)
{
	int which = PICK(RLIMIT_CORE, RLIMIT_MSGQUEUE, RLIMIT_NICE,
	    RLIMIT_RTPRIO, RLIMIT_LOCKS, 16, -1);
	struct rlimit l = { (rlim_t)PICK(0, 5, 100, -1),
		(rlim_t)PICK(10, 100, -1, -1) }, old = { 0, 0 };

	say("setrlimit %d %lx %lx", which, (long)l.rlim_cur, (long)l.rlim_max);
	if (tell(syscall(SYS_prlimit64, 0, which, &l, NULL)) != 0)
		return;
	tell(syscall(SYS_prlimit64, 0, which, NULL, &old));
	say(" %lx %lx", (long)old.rlim_cur, (long)old.rlim_max);
}

static void
op_setpriority(void)
{
	int which = PICK(PRIO_PROCESS, PRIO_PROCESS, 5);
	int nice = PICK(0, 1, 5, 19, 25, -1, -30);

	say("setpriority %d %d", which, nice);
	tell(setpriority(which, 0, nice));
}

static void
op_getpriority(void)
{
	say("getpriority");
	tell(syscall(SYS_getpriority, PRIO_PROCESS, 0));
}

/* ---- clocks and timers: none rings here ---- */

static int
any_clock(void)
{
	return (int)PICK(CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME,
	    CLOCK_PROCESS_CPUTIME_ID, 99, -1);
}

static void
op_timer_create(void)
{
	struct sigevent e = { .sigev_notify = PICK(SIGEV_SIGNAL, SIGEV_NONE,
	    SIGEV_SIGNAL, 77) };
	int clock = any_clock(), id = -1;

	e.sigev_signo = PICK(SIGUSR1, SIGUSR2, 0, 65);
	say("timer_create %d %d %d", clock, e.sigev_notify, e.sigev_signo);
	if (tell(syscall(SYS_timer_create, clock, &e, &id)) == 0)
		say(" %d", id);
}

static struct timespec
any_time(void)
{
	struct timespec t;

	t.tv_sec = PICK(0, 1000, 5000, -1);
	t.tv_nsec = PICK(0, 0, 5, 1000000000, -1);
	return t;
}

/* How long until it rings: not to the second, and then each. */
static void
show_timer(const struct itimerspec *t)
{
	say(" %s %ld.%ld", t->it_value.tv_sec || t->it_value.tv_nsec ? "runs" :
	    "stands", (long)t->it_interval.tv_sec, t->it_interval.tv_nsec);
}

static void
op_timer_settime(void)
{
	struct itimerspec t, old;
	int id = (int)chance(5);

	t.it_value = any_time();
	t.it_interval = any_time();
	if (t.it_value.tv_sec == 0)
		t.it_value.tv_nsec = PICK(0, 1000000000, -1);
	say("timer_settime %d %ld.%ld %ld.%ld", id, (long)t.it_value.tv_sec,
	    t.it_value.tv_nsec, (long)t.it_interval.tv_sec,
	    t.it_interval.tv_nsec);
	if (tell(syscall(SYS_timer_settime, id, 0, &t, &old)) == 0)
		show_timer(&old);
}

static void
op_timer_gettime(void)
{
	int id = (int)chance(5);
	struct itimerspec t;

	say("timer_gettime %d", id);
	if (tell(syscall(SYS_timer_gettime, id, &t)) == 0)
		show_timer(&t);
}

static void
op_timer_end(void)
{
	long call = PICK(SYS_timer_delete, SYS_timer_getoverrun);
	int id = (int)chance(5);

	say("timer_end %ld %d", call, id);
	tell(syscall(call, id));
}

static void
op_itimer(void)
{
	int which = PICK(ITIMER_VIRTUAL, ITIMER_PROF, 5);
	struct itimerval t = { { PICK(0, 7, -1), PICK(0, 8, 1000000) },
		{ PICK(0, 1000), 0 } }, old = { { 0, 0 }, { 0, 0 } };

	say("itimer %d %ld %ld.%ld", which, (long)t.it_value.tv_sec,
	    (long)t.it_interval.tv_sec, (long)t.it_interval.tv_usec);
	if (tell(syscall(SYS_setitimer, which, &t, &old)) == 0)
		say(" %s %ld", old.it_value.tv_sec ? "runs" : "stands",
		    (long)old.it_interval.tv_sec);
}

static void
op_sleep(void)
{
	int clock = any_clock();
	struct timespec t = any_time();

	if (t.tv_sec > 0) /* now, or what is no time */
		t.tv_sec = 0;
	say("sleep %d %ld.%ld", clock, (long)t.tv_sec, t.tv_nsec);
	tell(-clock_nanosleep(clock, TIMER_ABSTIME, &t, NULL));
}

/* ---- futexes ---- */

static void
op_futex(void)
{
	int what = PICK(FUTEX_WAIT, FUTEX_WAKE, FUTEX_REQUEUE, FUTEX_CMP_REQUEUE,
	    FUTEX_WAKE_OP, FUTEX_WAIT_BITSET, FUTEX_WAKE_BITSET, FUTEX_LOCK_PI,
	    FUTEX_TRYLOCK_PI, FUTEX_UNLOCK_PI, 50);
	int private = chance(2) ? FUTEX_PRIVATE_FLAG : 0;
	struct timespec now = { 0, PICK(0, 1, 1000000000) };
	char *p = area + chance(AREA_PAGES) * PAGE + PICK(0, 8, 2048, 1);
	char *other = area + chance(AREA_PAGES) * PAGE + PICK(0, 8, 2);
	int value = PICK(0, 0, 1, -1);
	int third = PICK(0, 1, FUTEX_OP(FUTEX_OP_ADD, 1, FUTEX_OP_CMP_EQ, 1));

	say("futex +%lx %x %d %ld +%lx %d", p - area, what | private, value,
	    now.tv_nsec, other - area, third);
	if (what == FUTEX_REQUEUE || what == FUTEX_CMP_REQUEUE ||
	    what == FUTEX_WAKE_OP)
		tell(syscall(SYS_futex, p, what | private, value, 1L, other,
		    third));
	else
		tell(syscall(SYS_futex, p, what | private, value, &now, NULL,
		    third));
}

/* ---- processes as files ---- */

static void
op_pidfd_open(void)
{
	int flags = PICK(0, 0, O_NONBLOCK, 1);
	pid_t pid = chance(4) ? getpid() : (pid_t)PICK(-1, 0, 1 << 30);

	say("pidfd_open %x", flags);
	tell(syscall(SYS_pidfd_open, pid, flags));
}

static void
op_pidfd_send_signal(void)
{
	int fd = fd_that(is_anonymous);
	int signo = PICK(0, SIGUSR1, SIGCHLD, 65, SIGUSR2);
	int flags = PICK(0, 0, 1);

	say("pidfd_send_signal %d %d %d", fd, signo, flags);
	tell(syscall(SYS_pidfd_send_signal, fd, signo, NULL, flags));
}

static void
op_pidfd_getfd(void)
{
	int fd = fd_that(is_anonymous);
	int of = any_fd();

	say("pidfd_getfd %d %d", fd, of);
	tell(syscall(SYS_pidfd_getfd, fd, of, 0));
}

static void
op_setown(void)
{
	int fd = any_fd();
	int own = getpid();
	int owner = chance(2) ? own : 0;

	say("setown %d %d", fd, owner != 0);
	tell(fcntl(fd, F_SETOWN, owner));
	own = fcntl(fd, F_GETOWN);
	say(" %d", own > 0);
}

static void
op_setsig(void)
{
	int fd = any_fd();
	int signo = PICK(0, SIGUSR1, REAL_TIME, 65);

	say("setsig %d %d", fd, signo);
	tell(fcntl(fd, F_SETSIG, signo));
	tell(fcntl(fd, F_GETSIG));
}

static void
op_fioasync(void)
{
	int fd = any_fd();
	int on = (int)chance(2);

	if (is_hung_up(fd))
		return;
	say("fioasync %d %d", fd, on);
	tell(ioctl(fd, FIOASYNC, &on));
}

/* ---- names once more ---- */

static void
op_openat2(void)
{
	int folder = any_folder();
	const char *name = any_name();
	struct open_how how = { 0 };
	size_t n = PICK(sizeof(how), sizeof(how), sizeof(how), 8, 32);
	char room[64] = "";

	how.flags = (uint64_t)open_flags();
	how.mode = PICK(0, 0, 0644, 010000);
	how.resolve = PICK(0, RESOLVE_BENEATH, RESOLVE_IN_ROOT,
	    RESOLVE_NO_SYMLINKS, RESOLVE_NO_XDEV, RESOLVE_NO_MAGICLINKS,
	    RESOLVE_BENEATH | RESOLVE_IN_ROOT, 0x100);
	if ((how.flags & (O_CREAT | O_TMPFILE)) != 0 && chance(3))
		how.mode = 0600;
	memcpy(room, &how, sizeof(how));
	say("openat2 %d %s %lx %lo %lx %zu", folder, name, (long)how.flags,
	    (long)how.mode, (long)how.resolve, n);
	tell(syscall(SYS_openat2, folder, name, room, n));
}

static void
op_statfs(void)
{
	const char *name = any_name();
	struct statfs s;

	say("statfs %s", name);
	if (tell(statfs(name, &s)) == 0 && !meets_disks)
		say(" %lx %lu", (long)s.f_type, (unsigned long)s.f_namelen);
}

static void
op_xattr(void)
{
	static const char *const attributes[] = { "user.a", "", "a", "user." };
	const char *name = any_name();
	const char *attribute = attributes[chance(4)];
	char value[10];
	int flags;

	say("xattr %s '%s'", name, attribute);
	switch (chance(3)) {
	case 0:
		flags = (int)chance(4);
		tell(setxattr(name, attribute, "v", 1, flags));
		break;
	case 1:
		tell(getxattr(name, attribute, value, sizeof(value)));
		break;
	default:
		tell(removexattr(name, attribute));
	}
}

static void
op_readahead(void)
{
	int fd = any_fd();
	long at = PICK(0, 4096, -1);

	if (is_terminal(fd))
		return;
	say("readahead %d %ld", fd, at);
	tell(readahead(fd, at, 4096));
}

static void
op_sync_range(void)
{
	int fd = any_fd();
	long at = PICK(0, 4096, -1), n = PICK(0, 4096, -1);
	unsigned flags = PICK(0, 1, 2, 4, 7, 8);

	if (is_terminal(fd))
		return;
	say("sync_range %d %ld %ld %x", fd, at, n, flags);
	tell(sync_file_range(fd, at, n, flags));
}

static const struct op process_ops[] = { { op_setresuid, 1 },
	{ op_setresgid, 1 }, { op_setreuid, 1 }, { op_setuid, 1 },
	{ op_ids, 3 }, { op_setgroups, 1 }, { op_getgroups, 2 },
	{ op_setpgid, 2 }, { op_setsid, 1 }, { op_leads, 2 }, { op_prctl, 4 },
	{ op_name, 1 }, { op_chroot, 1 }, { op_setrlimit, 4 },
	{ op_setpriority, 2 }, { op_getpriority, 2 }, { op_timer_create, 4 },
	{ op_timer_settime, 4 }, { op_timer_gettime, 3 }, { op_timer_end, 3 },
	{ op_itimer, 2 }, { op_sleep, 2 }, { op_futex, 10 },
	{ op_pidfd_open, 3 }, { op_pidfd_send_signal, 3 },
	{ op_pidfd_getfd, 3 }, { op_setown, 3 }, { op_setsig, 3 },
	{ op_fioasync, 2 }, { op_openat2, 10 }, { op_statfs, 3 },
	{ op_xattr, 3 }, { op_readahead, 2 }, { op_sync_range, 3 } };

#endif
