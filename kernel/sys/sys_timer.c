/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sys_timer.c: POSIX timers
 *
 * Problem   Programs describe a timer by a clock and a sigevent; proc/ptimer.c knows
 *           times of md_time_ns(), CPU times, and signals.
 *
 * Read next proc/ptimer.c.
 */
#include "sys/sys.h"

#include "lib/errno.h"

#define SIGEV_SIGNAL 0
#define SIGEV_NONE 1
#define SIGEV_THREAD 2       /* the C library's: a signal to us */
#define SIGEV_THREAD_ID 4

struct abi_sigevent {
	uint64_t value;
	int32_t signo, notify, tid;
	int32_t none[11];
};
_Static_assert(sizeof(struct abi_sigevent) == 64, "Linux");

/* Which clock; 0, -EOPNOTSUPP: no timer can be of it; -EINVAL: there is none.  A CPU
 * clock that is none is found when the timer has its number: as on Linux. */
static int
clock_of(int clock, struct ptimer_req *req)
{
	int r = sys_cpu_clock(clock, &req->cpu);

	req->clock = clock;
	if (sys_is_clock_fd(clock))
		return -EOPNOTSUPP;
	if (r != 0) {
		req->is_cpu = true;
		req->is_wrong = r < 0;
		return 0;
	}
	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_TAI:
		req->zero_ns = sys_realtime_ns() - md_time_ns();
		return 0;
	case CLOCK_MONOTONIC:
	case CLOCK_BOOTTIME:
		return 0;
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_REALTIME_COARSE:
	case CLOCK_MONOTONIC_COARSE:
	case CLOCK_REALTIME_ALARM: /* there is no device that wakes the machine */
	case CLOCK_BOOTTIME_ALARM:
		return -EOPNOTSUPP;
	default:
		return -EINVAL;
	}
}

/* What it does. */
static void
event_of(const struct abi_sigevent *ev, struct ptimer_req *req)
{
	int notify = ev->notify;

	req->notify = notify;
	req->is_silent = notify == SIGEV_NONE;
	req->signo = ev->signo;
	req->value = ev->value;
	req->has_value = true;
	if (notify == SIGEV_THREAD_ID)
		req->to = ev->tid;
	req->is_wrong |= (notify == SIGEV_THREAD_ID && ev->tid <= 0) ||
	    (notify != SIGEV_SIGNAL && notify != SIGEV_NONE &&
	    notify != SIGEV_THREAD && notify != SIGEV_THREAD_ID) ||
	    (!req->is_silent && (!sig_is_valid(ev->signo) || ev->signo == 0));
}

int64_t
sys_timer_create(const uint64_t a[6])
{
	struct ptimer_req req = { .signo = SIGALRM };
	struct abi_sigevent ev;
	int r, bound, id;

	if (a[1] != 0 && copyin(&ev, a[1], sizeof(ev)) < 0)
		return -EFAULT;
	r = clock_of((int)a[0], &req);
	if (r == 0 && a[1] != 0)
		event_of(&ev, &req);
	if (r == 0)
		r = ptimer_create(&req, &id, &bound);
	if (r < 0)
		return r;
	r = copyout(a[2], &id, sizeof(id));
	if (r < 0 && bound == 0)
		(void)ptimer_ask(id, PTIMER_DELETE, NULL, NULL);
	return r < 0 ? r : bound;
}

int64_t
sys_timer_settime(const uint64_t a[6])
{
	struct itimer new, old;
	int r;

	if (a[2] == 0)
		return -EINVAL;
	r = sys_get_itimerspec(a[2], &new);
	if (r == 0)
		r = ptimer_ask((int)a[0], ((int)a[1] & TIMER_ABSTIME) != 0 ?
		    PTIMER_ABSOLUTE : PTIMER_FROM_NOW, &new, &old);
	return r < 0 || a[3] == 0 ? r : sys_put_itimerspec(a[3], &old);
}

int64_t
sys_timer_gettime(const uint64_t a[6])
{
	struct itimer it;
	int r = ptimer_ask((int)a[0], PTIMER_GET, NULL, &it);

	return r < 0 ? r : sys_put_itimerspec(a[1], &it);
}

int64_t
sys_timer_getoverrun(const uint64_t a[6])
{
	return ptimer_ask((int)a[0], PTIMER_OVERRUNS, NULL, NULL);
}

int64_t
sys_timer_delete(const uint64_t a[6])
{
	return ptimer_ask((int)a[0], PTIMER_DELETE, NULL, NULL);
}
