/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sys_event.c: epoll, eventfd, timerfd, signalfd
 *
 * Problem   Each has two or three calls, old and new ones, that do the same.
 *
 * Rules     1. epoll_wait that a signal ends is not started again, whatever the
 *              handler's flags say: so it is on Linux.
 *           2. Moments of a timerfd are of md_time_ns(), whichever clock it was
 *              made for; only an absolute time of CLOCK_REALTIME differs.
 *
 * Read next fs/event/README.md.
 */
#include "sys/filecall.h"

#include "lib/errno.h"

#define FD_FLAGS (O_CLOEXEC | O_NONBLOCK)
#define EVENTS_MAX ((int)(INT32_MAX / sizeof(struct epoll_event)))
#define SET_BYTES 8u

/* A number for *f, if r says that it was made. */
static int64_t
new_fd(int r, struct file *const *f, unsigned flags)
{
	return r != 0 ? r : sys_install(*f, 0, sys_at_exec(flags));
}

/* ---- epoll ---- */

int64_t
sys_epoll_create1(const uint64_t a[6])
{
	struct file *f = NULL;

	if (((unsigned)a[0] & ~(unsigned)O_CLOEXEC) != 0)
		return -EINVAL;
	return new_fd(epoll_create(&f), &f, (unsigned)a[0]);
}

int64_t
sys_epoll_create(const uint64_t a[6])
{
	const uint64_t none[6] = { 0 };

	return (int)a[0] <= 0 ? -EINVAL : sys_epoll_create1(none);
}

int64_t
sys_epoll_ctl(const uint64_t a[6])
{
	struct epoll_event ev = { 0, 0 };
	struct file *ep, *f = NULL;
	int64_t r = -EBADF;

	if ((int)a[1] != EPOLL_CTL_DEL && copyin(&ev, a[3], sizeof(ev)) != 0)
		return -EFAULT;
	ep = sys_open_file(a[0]);
	if (ep != NULL)
		f = sys_open_file(a[2]);
	if (f != NULL) {
		r = epoll_ctl(ep, (int)a[1], f, (int)a[2], &ev);
		file_put(f);
	}
	file_put_any(ep);
	return r;
}

/* a: ep, events, max. */
static int64_t
epoll_until(const uint64_t a[6], uint64_t deadline)
{
	int max = (int)a[2];
	struct file *ep;
	int64_t r;

	if (max <= 0 || max > EVENTS_MAX)
		return -EINVAL;
	if (a[1] > MD_USER_END ||
	    (unsigned)max * sizeof(struct epoll_event) > MD_USER_END - a[1])
		return -EFAULT;
	ep = sys_open_file(a[0]);
	if (ep == NULL)
		return -EBADF;
	r = file_is_epoll(ep) ? epoll_wait(ep, a[1], max, deadline) : -EINVAL;
	file_put(ep);
	return r;
}

/* The same, perhaps under another mask.  Rule 1. */
static int64_t
wait_masked(const uint64_t a[6], uint64_t deadline)
{
	int64_t r = sys_mask_begin(a[4], a[5]);

	if (r != 0)
		return r;
	r = epoll_until(a, deadline);
	if (r != -EINTR)
		sys_mask_end();
	return r;
}

int64_t
sys_epoll_pwait(const uint64_t a[6])
{
	return wait_masked(a, sys_ms_deadline(a[3]));
}

int64_t
sys_epoll_pwait2(const uint64_t a[6])
{
	uint64_t deadline;
	int64_t r = sys_timespec_deadline(a[3], &deadline);

	return r != 0 ? r : wait_masked(a, deadline);
}

/* ---- eventfd ---- */

int64_t
sys_eventfd2(const uint64_t a[6])
{
	unsigned flags = (unsigned)a[1];
	struct file *f = NULL;

	if ((flags & ~(unsigned)(FD_FLAGS | EFD_SEMAPHORE)) != 0)
		return -EINVAL;
	return new_fd(eventfd_create((uint32_t)a[0],
	    (flags & EFD_SEMAPHORE) != 0 ? EVENTFD_SEMAPHORE : EVENTFD_COUNTER,
	    flags & O_NONBLOCK, &f), &f, flags);
}

/* ---- timerfd ---- */

static bool
is_realtime(int clock)
{
	return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_ALARM;
}

/* Those that would wake a machine are root's to use; ours does not sleep. */
int64_t
sys_timerfd_create(const uint64_t a[6])
{
	unsigned flags = (unsigned)a[1];
	struct file *f = NULL;
	int clock = (int)a[0];
	bool wakes = clock == CLOCK_REALTIME_ALARM || clock == CLOCK_BOOTTIME_ALARM;

	if ((flags & ~(unsigned)FD_FLAGS) != 0 || (!is_realtime(clock) && !wakes &&
	    clock != CLOCK_MONOTONIC && clock != CLOCK_BOOTTIME))
		return -EINVAL;
	if (wakes && !proc_may(CAP_WAKE_ALARM))
		return -EPERM;
	return new_fd(timerfd_create(clock, flags & O_NONBLOCK, &f), &f, flags);
}

/* The timerfd of fd.  Its clock; -EBADF, -EINVAL: it is something else. */
static int
timerfd_of(uint64_t fd, struct file **out)
{
	int clock;

	*out = sys_open_file(fd);
	if (*out == NULL)
		return -EBADF;
	clock = timerfd_clock(*out);
	if (clock < 0)
		file_put(*out);
	return clock;
}

int64_t
sys_timerfd_gettime(const uint64_t a[6])
{
	struct itimer t;
	struct file *f;
	int clock = timerfd_of(a[0], &f);

	if (clock < 0)
		return clock;
	timerfd_set(f, NULL, 0, &t);
	file_put(f);
	return sys_put_itimerspec(a[1], &t);
}

/* When a time that is given as value comes; 0: it is off. */
static uint64_t
due_of(int clock, uint64_t value, bool absolute)
{
	if (value == 0)
		return 0;
	if (!absolute)
		return sys_deadline(value);
	return MAX(is_realtime(clock) ? sys_realtime_to_mono(value) : value, 1ul);
}

int64_t
sys_timerfd_settime(const uint64_t a[6])
{
	unsigned flags = (unsigned)a[1];
	struct itimer new, old;
	struct file *f = NULL;
	int r = sys_get_itimerspec(a[2], &new);

	if (r == 0 && (flags & ~(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET)) != 0)
		r = -EINVAL;
	if (r == 0)
		r = timerfd_of(a[0], &f);
	if (r < 0)
		return r;
	new.due_ns = due_of(r, new.due_ns, (flags & TFD_TIMER_ABSTIME) != 0);
	timerfd_set(f, &new, flags, &old);
	file_put(f);
	return a[3] != 0 ? sys_put_itimerspec(a[3], &old) : 0;
}

/* ---- signalfd ---- */

int64_t
sys_signalfd4(const uint64_t a[6])
{
	unsigned flags = (unsigned)a[3];
	struct file *f = NULL;
	uint64_t set;
	int64_t r;

	if (a[2] != SET_BYTES)
		return -EINVAL;
	if (copyin(&set, a[1], sizeof(set)) != 0)
		return -EFAULT;
	if ((flags & ~(unsigned)FD_FLAGS) != 0)
		return -EINVAL;
	set &= ~(SIGBIT(SIGKILL) | SIGBIT(SIGSTOP));
	if ((int)a[0] == -1)
		return new_fd(signalfd_create(set, flags & O_NONBLOCK, &f), &f, flags);
	f = sys_open_file(a[0]);
	if (f == NULL)
		return -EBADF;
	r = signalfd_change(f, set);
	file_put(f);
	return r != 0 ? r : (int)a[0];
}
