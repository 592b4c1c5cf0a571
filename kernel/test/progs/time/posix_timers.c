/* NEEDS: MEM=64M CPUS=1,2 TIMEOUT=60 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * POSIX timers: the signal says which timer and how often it was over; what is pending
 * is counted, not queued again; a thread can be named; CPU time is a clock, of others
 * too; an exec, a fork and an end leave none; and a user has only so many.
 */
#include "lib/host.h"
#include <pthread.h>

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

static sigset_t usr1;

static int
make(clockid_t clock, int notify, int signo, int value)
{
	struct sigevent ev;
	int id = -1;

	memset(&ev, 0, sizeof(ev));
	ev.sigev_notify = notify;
	ev.sigev_signo = signo;
	ev.sigev_value.sival_int = value;
	if (notify == SIGEV_THREAD_ID)
		ev.sigev_notify_thread_id = (int)syscall(SYS_gettid);
	OK(syscall(SYS_timer_create, clock, &ev, &id));
	return id;
}

static void
set(int id, int flags, long long ns, long long interval)
{
	struct itimerspec it = { { interval / 1000000000, interval % 1000000000 },
		{ ns / 1000000000, ns % 1000000000 } };

	OK(syscall(SYS_timer_settime, id, flags, &it, NULL));
}

static long long
left(int id)
{
	struct itimerspec it;

	OK(syscall(SYS_timer_gettime, id, &it));
	return it.it_value.tv_sec * 1000000000LL + it.it_value.tv_nsec;
}

static void
drop(int id)
{
	OK(syscall(SYS_timer_delete, id));
}

static siginfo_t
take(int signo)
{
	const struct timespec ten = { 10, 0 };
	sigset_t set;
	siginfo_t si;

	sigemptyset(&set);
	sigaddset(&set, signo);
	memset(&si, 0, sizeof(si));
	EQ(sigtimedwait(&set, &si, &ten), signo);
	return si;
}

static bool
nothing_comes(int signo)
{
	const struct timespec some = { 0, 50000000 };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, signo);
	return sigtimedwait(&set, NULL, &some) == -1 && errno == EAGAIN;
}

static void
once(void)
{
	int id = make(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR1, 77);
	siginfo_t si;

	EQ(left(id), 0);
	set(id, 0, 1000000, 0);
	si = take(SIGUSR1);
	EQ(si.si_code, SI_TIMER);
	EQ(si.si_timerid, id);
	EQ(si.si_overrun, 0);
	EQ(si.si_value.sival_int, 77);
	EQ(left(id), 0);
	set(id, 0, 3600000000000, 0);
	CHECK(left(id) > 3500000000000);
	set(id, 0, 0, 5);
	EQ(left(id), 0);
	CHECK(nothing_comes(SIGUSR1));
	drop(id);
	ERR(syscall(SYS_timer_delete, id), EINVAL);
}

/* Set again while its signal is pending, it fires again, which is counted.  (From 6.13
 * on Linux takes such a signal back.) */
static void
set_again(void)
{
	int id = make(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR1, 78);
	siginfo_t si;

	for (int i = 0; i < 3; i++) {
		set(id, 0, 1000000, 0);
		while (left(id) != 0)
			sleep_ms(1);
		sleep_ms(1);
	}
	si = take(SIGUSR1);
	EQ(si.si_value.sival_int, 78);
	EQ(si.si_overrun, on_vadose() || si.si_overrun != 0 ? 2 : 0);
	EQ(syscall(SYS_timer_getoverrun, id), 0);
	CHECK(nothing_comes(SIGUSR1));
	drop(id);
}

/* While a signal is pending the others are counted; both of two timers come. */
static void
overruns(void)
{
	int a = make(CLOCK_REALTIME, SIGEV_SIGNAL, SIGUSR1, 1);
	int b = make(CLOCK_BOOTTIME, SIGEV_SIGNAL, SIGUSR1, 2);
	siginfo_t si;
	int seen = 0, i;

	set(a, 0, 1000000, 1000000);
	set(b, 0, 1000000, 1000000);
	sleep_ms(100);
	for (i = 0; i < 2; i++) {
		si = take(SIGUSR1);
		seen |= si.si_value.sival_int;
		CHECK(si.si_overrun >= 50);
		EQ(syscall(SYS_timer_getoverrun, si.si_timerid), si.si_overrun);
	}
	EQ(seen, 3);
	set(a, 0, 0, 0);
	EQ(syscall(SYS_timer_getoverrun, a), 0);
	drop(b);
	/* What was pending of it comes all the same. */
	while (!nothing_comes(SIGUSR1))
		;
	drop(a);
}

/* An ignored signal does not stop it: what is taken later says how often it was. */
static void
ignored(void)
{
	int id = make(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR2, 0);
	siginfo_t si;
	sigset_t set2;

	sigemptyset(&set2);
	sigaddset(&set2, SIGUSR2);
	signal(SIGUSR2, SIG_IGN);
	set(id, 0, 1000000, 1000000);
	sleep_ms(60);
	OK(sigprocmask(SIG_BLOCK, &set2, NULL));
	signal(SIGUSR2, SIG_DFL);
	si = take(SIGUSR2);
	CHECK(si.si_overrun >= 20);
	drop(id);
	while (!nothing_comes(SIGUSR2))
		;
	OK(sigprocmask(SIG_UNBLOCK, &set2, NULL));
}

static void
absolute(void)
{
	int id = make(CLOCK_REALTIME, SIGEV_SIGNAL, SIGUSR1, 0);
	struct timespec now;

	OK(clock_gettime(CLOCK_REALTIME, &now));
	set(id, TIMER_ABSTIME, now.tv_sec * 1000000000LL + now.tv_nsec + 20000000, 0);
	CHECK(left(id) <= 20000000);
	(void)take(SIGUSR1);
	set(id, TIMER_ABSTIME, 1, 0);
	(void)take(SIGUSR1);
	drop(id);
}

/* Without a signal it runs all the same. */
static void
silent(void)
{
	int id = make(CLOCK_MONOTONIC, SIGEV_NONE, 0, 0);

	set(id, 0, 1000000, 0);
	sleep_ms(20);
	EQ(left(id), 0);
	set(id, 0, 1000000, 3600000000000);
	sleep_ms(20);
	CHECK(left(id) > 3500000000000);
	drop(id);
}

static void
burn(int clock, long long ns)
{
	struct timespec ts;

	do
		OK(clock_gettime(clock, &ts));
	while (ts.tv_sec * 1000000000LL + ts.tv_nsec < ns);
}

static long long
used(int clock)
{
	struct timespec ts;

	OK(clock_gettime(clock, &ts));
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

static void
cpu_time(void)
{
	static const clockid_t clocks[] = { CLOCK_PROCESS_CPUTIME_ID,
		CLOCK_THREAD_CPUTIME_ID };
	siginfo_t si;
	int id, i;

	for (i = 0; i < 2; i++) {
		long long t0 = used(clocks[i]);

		id = make(clocks[i], SIGEV_SIGNAL, SIGUSR1, i);
		set(id, 0, 30000000, 30000000);
		CHECK(nothing_comes(SIGUSR1)); /* asleep it uses none */
		burn(clocks[i], t0 + 200000000);
		si = take(SIGUSR1);
		EQ(si.si_value.sival_int, i);
		EQ(si.si_code, SI_TIMER);
		CHECK(si.si_overrun >= 2);
		drop(id);
		while (!nothing_comes(SIGUSR1))
			;
	}
	/* What has been used already is over at once. */
	id = make(CLOCK_PROCESS_CPUTIME_ID, SIGEV_SIGNAL, SIGUSR1, 0);
	set(id, TIMER_ABSTIME, 1, 0);
	EQ(take(SIGUSR1).si_timerid, id);
	drop(id);
}

/* The CPU time of another process, until it ends. */
static void
of_another(void)
{
	pid_t pid = OK(fork());
	clockid_t clock = ~pid << 3 | 2;
	struct itimerspec it = { { 0, 0 }, { 100, 0 } };
	int id, status;

	if (pid == 0)
		for (;;)
			;
	id = make(clock, SIGEV_SIGNAL, SIGUSR1, 5);
	set(id, 0, 50000000, 0);
	EQ(take(SIGUSR1).si_value.sival_int, 5);
	CHECK(used(clock) >= 50000000);
	it.it_value.tv_sec = 0;
	it.it_value.tv_nsec = 20000000;
	EQ(syscall(SYS_clock_nanosleep, clock, 0, &it.it_value, NULL), 0);
	it.it_value.tv_sec = 100;
	OK(syscall(SYS_timer_settime, id, 0, &it, NULL));
	OK(kill(pid, SIGKILL));
	EQ(waitpid(pid, &status, 0), pid);
	EQ(status, SIGKILL);
	EQ(left(id), 0);
	ERR(syscall(SYS_timer_settime, id, 0, &it, NULL), ESRCH);
	drop(id);
}

/* It ends while the signal of an interval is pending: there is no next one. */
static void
ends_meanwhile(void)
{
	pid_t pid = OK(fork());
	int id, status;
	siginfo_t si;

	if (pid == 0)
		for (;;)
			;
	id = make(~pid << 3 | 2, SIGEV_SIGNAL, SIGUSR1, 6);
	set(id, 0, 20000000, 20000000);
	burn(~pid << 3 | 2, 30000000);
	OK(kill(pid, SIGKILL));
	EQ(waitpid(pid, &status, 0), pid);
	si = take(SIGUSR1);
	EQ(si.si_value.sival_int, 6);
	EQ(si.si_overrun, -1); /* of those that were missed; as Linux has it */
	EQ(left(id), 0);
	CHECK(nothing_comes(SIGUSR1));
	drop(id);
}

static int to_thread;

static void *
thread(void *unused)
{
	int id = make(CLOCK_MONOTONIC, SIGEV_THREAD_ID, SIGUSR1, 9);

	set(id, 0, 5000000, 5000000);
	EQ(take(SIGUSR1).si_value.sival_int, 9);
	/* A thread may name the clock of its process by its own number. */
	CHECK(used(~(int)syscall(SYS_gettid) << 3 | 2) >= used(CLOCK_THREAD_CPUTIME_ID));
	to_thread = id;
	return unused;
}

/* It is that thread's signal; when the thread has ended, nobody's. */
static void
a_thread_is_named(void)
{
	pthread_t t;

	EQ(pthread_create(&t, NULL, thread, NULL), 0);
	EQ(pthread_join(t, NULL), 0);
	CHECK(nothing_comes(SIGUSR1));
	drop(to_thread);
}

/* Neither a child nor another program has them, nor what they sent. */
static void
not_inherited(void)
{
	int id = make(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR1, 0);
	pid_t pid;

	set(id, 0, 1000000, 1000000);
	sleep_ms(20);
	pid = OK(fork());
	if (pid == 0) {
		ERR(syscall(SYS_timer_gettime, id, NULL), EINVAL);
		EQ(make(CLOCK_MONOTONIC, SIGEV_SIGNAL, SIGUSR1, 0), 0);
		set(0, 0, 1000000, 1000000);
		sleep_ms(20);
		execl("/proc/self/exe", "again", NULL);
		_exit(1);
	}
	REAP(pid, 0);
	drop(id);
	while (!nothing_comes(SIGUSR1))
		;
}

static int
again(void)
{
	sigset_t set;

	OK(sigpending(&set));
	EQ(sigismember(&set, SIGUSR1), 0);
	ERR(syscall(SYS_timer_gettime, 0, NULL), EINVAL);
	CHECK(nothing_comes(SIGUSR1));
	return 0;
}

static unsigned handled;

static void
handler(int signo)
{
	(void)signo;
	handled++;
}

/* Ten thousand that fire together, some of them again and again. */
static void
many(void)
{
	struct rlimit lim = { 10000, 10000 };
	const struct sigaction sa = { .sa_handler = handler };
	pid_t pid = OK(fork());
	int i, id;

	if (pid != 0) {
		REAP(pid, 0);
		return;
	}
	if (geteuid() == 0) {
		OK(setrlimit(RLIMIT_SIGPENDING, &lim));
		OK(setresuid(4712, 4712, 4712));
	} else {
		OK(getrlimit(RLIMIT_SIGPENDING, &lim));
		lim.rlim_max = lim.rlim_cur = lim.rlim_cur < 500 ? lim.rlim_cur : 500;
		OK(setrlimit(RLIMIT_SIGPENDING, &lim));
	}
	OK(sigaction(SIGUSR2, &sa, NULL));
	for (i = 0; i < (int)lim.rlim_cur; i++) {
		struct sigevent ev = { .sigev_signo = SIGUSR2 };

		if (syscall(SYS_timer_create, i % 8 == 0 ? CLOCK_PROCESS_CPUTIME_ID :
		    CLOCK_MONOTONIC, &ev, &id) != 0)
			break;
		set(id, 0, 1, i % 1000 == 0 ? 20000000 : 0);
	}
	if (geteuid() == 4712)
		EQ(i, 10000);
	ERR(syscall(SYS_timer_create, CLOCK_MONOTONIC, NULL, &id), EAGAIN);
	for (i = 0; i < 50; i++)
		(void)nanosleep(&(struct timespec){ 0, 2000000 }, NULL);
	CHECK(handled > 0);
	_exit(0);
}

/* /proc/PID/timers names them, the newest first. */
static void
shown(void)
{
	struct sigevent none = { .sigev_notify = SIGEV_NONE };
	struct sigevent usr = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1,
		.sigev_value.sival_ptr = (void *)0x123456789abul };
	char text[512], want[512];
	timer_t a, b;
	int fd, n;

	OK(timer_create(CLOCK_MONOTONIC, &usr, &a));
	OK(timer_create(CLOCK_REALTIME, &none, &b));
	fd = OK(open("/proc/self/timers", O_RDONLY));
	n = (int)OK(read(fd, text, sizeof(text) - 1));
	text[n] = '\0';
	snprintf(want, sizeof(want), "ID: %ld\nsignal: 0/%016x\nnotify: none/pid.%d\n"
	    "ClockID: 0\nID: %ld\nsignal: %d/00000123456789ab\nnotify: signal/pid.%d\n"
	    "ClockID: 1\n", (long)(intptr_t)b, 0, getpid(), (long)(intptr_t)a, SIGUSR1,
	    getpid());
	if (strcmp(text, want) != 0)
		FAIL("expected:\n%s, seen:\n%s", want, text);
	OK(timer_delete(a));
	OK(timer_delete(b));
	EQ(pread(fd, text, sizeof(text), 0), 0);
	OK(close(fd));
}

int
main(int argc, char **argv)
{
	sigemptyset(&usr1);
	sigaddset(&usr1, SIGUSR1);
	OK(sigprocmask(SIG_BLOCK, &usr1, NULL));
	(void)argc;
	if (strcmp(argv[0], "again") == 0)
		return again();
	once();
	set_again();
	overruns();
	ignored();
	absolute();
	silent();
	cpu_time();
	of_another();
	ends_meanwhile();
	a_thread_is_named();
	not_inherited();
	many();
	if (access("/proc/self/timers", R_OK) == 0 || on_vadose())
		shown();
	return test_done();
}
