/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sys_time.c: clocks, sleeps, interval timers
 *
 * Problem   Linux has eight clocks and three ways to write a moment; the
 *           kernel has md_time_ns() and the second at which it booted.
 *
 * Rules     1. A sleep never ends early: deadlines are moments of
 *              md_time_ns(), which is monotonic over all CPUs.
 *           2. An interrupted relative sleep returns the time that is left, and
 *              goes on to the same moment if no handler ran.
 *
 * Read next kern/timer.c.
 */
#include "sys/sys.h"

#include "lib/errno.h"

#define SEC_MAX 9000000000ul /* above, a deadline is for ever */
#define TICK_NS (NS_PER_S / MD_HZ)

/* ---- values ---- */

/* See sys.h.  Locks: none. */
int
sys_get_timespec(va_t at, uint64_t *ns)
{
	struct abi_timespec ts;

	if (copyin(&ts, at, sizeof(ts)) < 0)
		return -EFAULT;
	if (ts.sec < 0 || ts.nsec < 0 || ts.nsec >= (int64_t)NS_PER_S)
		return -EINVAL;
	*ns = MIN((uint64_t)ts.sec, SEC_MAX) * NS_PER_S + (uint64_t)ts.nsec;
	return 0;
}

/* See sys.h.  Locks: none. */
int
sys_put_timespec(va_t at, uint64_t ns)
{
	const struct abi_timespec ts = { (int64_t)(ns / NS_PER_S),
		(int64_t)(ns % NS_PER_S) };

	return copyout(at, &ts, sizeof(ts));
}

/* See sys.h.  Locks: none. */
int
sys_get_itimerspec(va_t at, struct itimer *it)
{
	int r = sys_get_timespec(at, &it->interval_ns), r2;

	if (r == -EFAULT)
		return r;
	r2 = sys_get_timespec(at + offsetof(struct abi_itimerspec, value), &it->due_ns);
	return r2 == -EFAULT || r == 0 ? r2 : r;
}

/* See sys.h.  Locks: none. */
int
sys_put_itimerspec(va_t at, const struct itimer *it)
{
	int r = sys_put_timespec(at, it->interval_ns);

	return r != 0 ? r : sys_put_timespec(at + offsetof(struct abi_itimerspec, value),
	    it->due_ns);
}

/* ns from now as a deadline.  Locks: none. */
uint64_t
sys_deadline(uint64_t ns)
{
	uint64_t at;

	return __builtin_add_overflow(md_time_ns(), ns, &at) ? WAIT_FOREVER : at;
}

/* See sys.h.  Locks: none. */
uint64_t
sys_realtime_ns(void)
{
	return rtc_boot_seconds() * NS_PER_S + md_time_ns();
}

/* See sys.h.  Locks: none. */
uint64_t
sys_realtime_to_mono(uint64_t real_ns)
{
	uint64_t boot = rtc_boot_seconds() * NS_PER_S;

	return real_ns > boot ? real_ns - boot : 0;
}

/* ---- clocks ---- */

#define CPU_CLOCK_THREAD 4     /* of a thread, not of a process */
#define CPU_CLOCK_KIND 3       /* 0: user and system, 1: user, 2: as scheduled */
#define CPU_CLOCK_SCHED 2
#define CLOCK_FD 3             /* no CPU time: the clock of a device's descriptor */

/*
 * Does the number name what a process or thread has used?  Those below 0 do, and two
 * others.
 *
 * Returns:  1, with *c; 0: another clock; -EINVAL: none.
 */
int
sys_cpu_clock(int clock, struct cpu_clock *c)
{
	*c = (struct cpu_clock){ .of_thread = clock == CLOCK_THREAD_CPUTIME };
	if (clock >= 0)
		return clock == CLOCK_PROCESS_CPUTIME || c->of_thread;
	if ((clock & CPU_CLOCK_KIND) == CPU_CLOCK_KIND)
		return -EINVAL;
	c->id = ~(clock >> 3);
	c->of_thread = (clock & CPU_CLOCK_THREAD) != 0;
	c->user_only = (clock & CPU_CLOCK_KIND) == 1;
	return 1;
}

/* See sys.h.  Locks: none. */
bool
sys_is_clock_fd(int clock)
{
	return clock < 0 && (clock & (CPU_CLOCK_THREAD | CPU_CLOCK_KIND)) == CLOCK_FD;
}

static int
clock_now(int clock, uint64_t *ns)
{
	struct cpu_clock cpu;
	int is_cpu = sys_cpu_clock(clock, &cpu);

	if (is_cpu != 0)
		return is_cpu < 0 ? is_cpu : cpu_clock_now(&cpu, ns);
	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_COARSE:
	case CLOCK_REALTIME_ALARM:
	case CLOCK_TAI: /* the number of leap seconds is not known here: 0 */
		*ns = sys_realtime_ns();
		return 0;
	case CLOCK_MONOTONIC:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_MONOTONIC_COARSE:
	case CLOCK_BOOTTIME:
	case CLOCK_BOOTTIME_ALARM:
		*ns = md_time_ns();
		return 0;
	default:
		return -EINVAL;
	}
}

int64_t
sys_clock_gettime(const uint64_t a[6])
{
	uint64_t ns;
	int r = clock_now((int)a[0], &ns);

	return r < 0 ? r : sys_put_timespec(a[1], ns);
}

int64_t
sys_clock_getres(const uint64_t a[6])
{
	uint64_t ns;
	int clock = (int)a[0], r = clock_now(clock, &ns);
	/* On Linux some clocks of CPU time advance by ticks. */
	bool coarse = clock == CLOCK_REALTIME_COARSE ||
	    clock == CLOCK_MONOTONIC_COARSE ||
	    (clock < 0 && (clock & CPU_CLOCK_KIND) != CPU_CLOCK_SCHED);

	if (r < 0 || a[1] == 0)
		return r;
	return sys_put_timespec(a[1], coarse ? TICK_NS : 1);
}

int64_t
sys_gettimeofday(const uint64_t a[6])
{
	struct abi_timeval tv = sys_timeval(sys_realtime_ns());
	const int32_t tz[2] = { 0, 0 };

	if (a[0] != 0 && copyout(a[0], &tv, sizeof(tv)) < 0)
		return -EFAULT;
	if (a[1] != 0 && copyout(a[1], tz, sizeof(tz)) < 0)
		return -EFAULT;
	return 0;
}

int64_t
sys_time(const uint64_t a[6])
{
	int64_t s = (int64_t)(sys_realtime_ns() / NS_PER_S);

	if (a[0] != 0 && copyout(a[0], &s, sizeof(s)) < 0)
		return -EFAULT;
	return s;
}

int64_t
sys_times(const uint64_t a[6])
{
	struct proc *p = proc_current();
	struct abi_tms t;
	uint64_t ut, st;

	spin_lock(&proc_lock);
	proc_times_locked(p, &ut, &st);
	t = (struct abi_tms){ (int64_t)(ut / TICK_NS),
		(int64_t)(st / TICK_NS), (int64_t)(p->cutime_ns / TICK_NS),
		(int64_t)(p->cstime_ns / TICK_NS) };
	spin_unlock(&proc_lock);
	if (a[0] != 0 && copyout(a[0], &t, sizeof(t)) < 0)
		return -EFAULT;
	return (int64_t)(md_time_ns() / TICK_NS);
}

/* ---- sleeps ---- */

/*
 * A signal has ended sleep(a): until a[0], with a[1] the place where the rest
 * is told when a handler ran, or 0.
 */
static int64_t
sleep_broken(int64_t (*sleep)(const uint64_t a[6]), const uint64_t a[6],
    uint64_t now)
{
	if (now >= a[0])
		return 0;
	if (a[1] != 0 && sys_put_timespec(a[1], a[0] - now) < 0)
		return -EFAULT;
	return sys_restart_later(sleep, a);
}

/* Sleep to a moment. */
static int64_t
sleep_to(const uint64_t a[6])
{
	if (sleep_until(a[0], WAIT_INTR) == 0)
		return 0;
	return sleep_broken(sleep_to, a, md_time_ns());
}

int64_t
sys_nanosleep(const uint64_t a[6])
{
	uint64_t arg[6] = { 0, a[1] }, ns;
	int r = sys_get_timespec(a[0], &ns);

	if (r < 0 || ns == 0)
		return r;
	arg[0] = sys_deadline(ns);
	return sleep_to(arg);
}

/* A moment of CPU time comes when the process has used it, by as many threads as there
 * are CPUs: until then, at least a tick; then look again.  a[2]: the clock. */
static int64_t
sleep_cpu(const uint64_t a[6])
{
	uint64_t now;
	int r = 0;

	while (clock_now((int)a[2], &now) == 0 && now < a[0]) {
		if (r < 0)
			return sleep_broken(sleep_cpu, a, now);
		r = sleep_until(md_time_ns() +
		    MAX((a[0] - now) / md_ncpus(), TICK_NS), WAIT_INTR);
	}
	return 0;
}

/* Is it the CPU time of the thread that would sleep? */
static bool
is_own_thread(int clock)
{
	struct cpu_clock c;

	return sys_cpu_clock(clock, &c) > 0 && c.of_thread &&
	    (c.id == 0 || c.id == task_current()->tid);
}

/* Can one sleep by that clock?  1: it is CPU time; 0; -EOPNOTSUPP, -EINVAL. */
static int
sleep_clock(int clock)
{
	struct cpu_clock cpu;
	int is_cpu = sys_cpu_clock(clock, &cpu);

	/* One cannot sleep by these; the alarm clocks need a device that wakes. */
	if (sys_is_clock_fd(clock) ||
	    clock == CLOCK_REALTIME_ALARM || clock == CLOCK_BOOTTIME_ALARM ||
	    clock == CLOCK_THREAD_CPUTIME || clock == CLOCK_MONOTONIC_RAW ||
	    clock == CLOCK_REALTIME_COARSE || clock == CLOCK_MONOTONIC_COARSE)
		return -EOPNOTSUPP;
	return is_cpu;
}

int64_t
sys_clock_nanosleep(const uint64_t a[6])
{
	bool absolute = ((int)a[1] & TIMER_ABSTIME) != 0;
	uint64_t arg[6] = { 0, absolute ? 0 : a[3], (uint32_t)a[0] }, ns, now;
	int clock = (int)a[0], is_cpu = sleep_clock(clock);
	bool is_real = clock == CLOCK_REALTIME || clock == CLOCK_TAI;
	int64_t r;

	if (is_cpu < 0)
		return is_cpu;
	r = clock_now(clock, &now);
	if (r == 0)
		r = sys_get_timespec(a[2], &ns);
	if (r == 0 && is_own_thread(clock))
		r = -EINVAL;
	if (r < 0 || (!absolute && ns == 0))
		return r;
	if (is_cpu)
		arg[0] = absolute ? ns : now + ns;
	else
		arg[0] = !absolute ? sys_deadline(ns) :
		    is_real ? sys_realtime_to_mono(ns) : ns;
	r = is_cpu ? sleep_cpu(arg) : sleep_to(arg);
	/* An absolute sleep needs no restart with what is left: it is made again. */
	return absolute && r == -ERESTART_BLOCK ? -ERESTARTNOHAND : r;
}

/* ---- setting: the clock of the machine is nobody's to move ---- */

#define ADJ_SINGLESHOT 0x0001u
#define ADJ_READONLY 0x2000u
#define ADJ_ADJTIME 0x8000u
#define STA_UNSYNC 0x40
#define TIME_ERROR 5

/* Linux's struct timex. */
struct timex {
	uint32_t modes, pad;
	int64_t offset, freq, maxerror, esterror;
	int32_t status, pad2;
	int64_t constant, precision, tolerance;
	struct abi_timeval time;
	int64_t tick, ppsfreq, jitter;
	int32_t shift, pad3;
	int64_t stabil, jitcnt, calcnt, errcnt, stbcnt;
	int32_t tai, none[11];
};
_Static_assert(sizeof(struct timex) == 208, "Linux");

int64_t
sys_clock_settime(const uint64_t a[6])
{
	struct cpu_clock cpu;
	int clock = (int)a[0];
	uint64_t ns;
	int r = sys_cpu_clock(clock, &cpu);

	if (r < 0 || (clock >= 0 && clock != CLOCK_REALTIME))
		return -EINVAL;
	if (sys_get_timespec(a[1], &ns) == -EFAULT)
		return -EFAULT;
	r = clock < 0 ? clock_now(clock, &ns) : sys_get_timespec(a[1], &ns);
	return r < 0 ? r : -EPERM;
}

int64_t
sys_settimeofday(const uint64_t a[6])
{
	struct abi_timeval tv = { 0, 0 };
	uint64_t tz;

	if (a[0] != 0 && copyin(&tv, a[0], sizeof(tv)) < 0)
		return -EFAULT;
	if (tv.usec < 0 || tv.usec > 1000000)
		return -EINVAL;
	if (a[1] != 0 && copyin(&tz, a[1], sizeof(tz)) < 0)
		return -EFAULT;
	if (tv.sec < 0 || tv.usec == 1000000)
		return -EINVAL;
	return -EPERM;
}

/* What is asked of the clock's discipline, of which there is none: nobody has ever told
 * us the time. */
static int64_t
adjust(va_t at)
{
	struct timex t;

	if (copyin(&t, at, sizeof(t)) < 0)
		return -EFAULT;
	if ((t.modes & ADJ_ADJTIME) != 0 && (t.modes & ADJ_SINGLESHOT) == 0)
		return -EINVAL;
	if (t.modes != 0 && t.modes != (ADJ_ADJTIME | ADJ_SINGLESHOT | ADJ_READONLY))
		return -EPERM;
	t = (struct timex){ .modes = t.modes, .maxerror = 16000000,
		.esterror = 16000000, .status = STA_UNSYNC, .constant = 2,
		.precision = 1, .tolerance = 32768000,
		.time = sys_timeval(sys_realtime_ns()), .tick = 10000 };
	return copyout(at, &t, sizeof(t)) < 0 ? -EFAULT : TIME_ERROR;
}

int64_t
sys_clock_adjtime(const uint64_t a[6])
{
	uint8_t first[sizeof(struct timex)];
	int clock = (int)a[0];
	uint64_t now;

	if (copyin(first, a[1], sizeof(first)) < 0)
		return -EFAULT;
	if (clock == CLOCK_REALTIME)
		return adjust(a[1]);
	return clock >= 0 && clock_now(clock, &now) < 0 ? -EINVAL : -EOPNOTSUPP;
}

/* ---- interval timers ---- */

static int
tv_to_ns(const struct abi_timeval *tv, uint64_t *ns)
{
	if (tv->sec < 0 || tv->usec < 0 || tv->usec >= 1000000)
		return -EINVAL;
	*ns = MIN((uint64_t)tv->sec, SEC_MAX) * NS_PER_S +
	    (uint64_t)tv->usec * 1000;
	return 0;
}

static int
put_itimer(va_t at, const struct itimer *it)
{
	const struct abi_itimerval v = { sys_timeval(it->interval_ns),
		sys_timeval(it->due_ns) };

	return copyout(at, &v, sizeof(v));
}

int64_t
sys_getitimer(const uint64_t a[6])
{
	struct itimer it;

	if ((unsigned)a[0] > ITIMER_PROF)
		return -EINVAL;
	itimer_set((int)a[0], NULL, &it);
	return put_itimer(a[1], &it);
}

int64_t
sys_setitimer(const uint64_t a[6])
{
	struct abi_itimerval v = { { 0, 0 }, { 0, 0 } };
	struct itimer new, old;

	if (a[1] != 0 && copyin(&v, a[1], sizeof(v)) < 0)
		return -EFAULT;
	if ((unsigned)a[0] > ITIMER_PROF || tv_to_ns(&v.value, &new.due_ns) < 0 ||
	    tv_to_ns(&v.interval, &new.interval_ns) < 0)
		return -EINVAL;
	itimer_set((int)a[0], &new, &old);
	return a[2] == 0 ? 0 : put_itimer(a[2], &old);
}

/* The seconds left of the old alarm, at least one if there was any. */
int64_t
sys_alarm(const uint64_t a[6])
{
	struct itimer new = { .due_ns = (a[0] & UINT32_MAX) * NS_PER_S }, old;
	uint64_t s;

	itimer_set(ITIMER_REAL, &new, &old);
	s = (old.due_ns + NS_PER_S / 2) / NS_PER_S;
	return old.due_ns != 0 && s == 0 ? 1 : (int64_t)s;
}
