/* NEEDS: MEM=64M CPUS=1,2,4 TIMEOUT=30 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * eventfd, timerfd, signalfd: what is read and when, who waits for whom, what they
 * say to poll and tell in fdinfo, errors.
 */
#include "lib/fdinfo.h"
#include "lib/host.h"
#include "lib/sleeps.h"
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

static int
answer(int fd)
{
	struct pollfd p = { fd, POLLIN | POLLOUT | POLLRDNORM, 0 };

	(void)poll(&p, 1, 0);
	return p.revents;
}

static void
events(void)
{
	int e = OK(eventfd(3, EFD_NONBLOCK)), s;
	struct stat st;
	char path[40], link[40];
	uint64_t n = 0;
	pid_t pid;

	OK(fstat(e, &st));
	EQ(st.st_mode, 0600);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", e);
	EQ(readlink(path, link, sizeof(link)), 20);
	CHECK(memcmp(link, "anon_inode:[eventfd]", 20) == 0);
	EQ(answer(e), POLLIN | POLLOUT);
	EQ(read(e, &n, 8), 8);
	EQ(n, 3);
	ERR(read(e, &n, 8), EAGAIN);
	ERR(read(e, &n, 7), EINVAL);
	ERR(read(e, &n, 0), EINVAL);
	ERR(write(e, &n, 0), EINVAL);
	n = UINT64_MAX;
	ERR(write(e, &n, 8), EINVAL);
	n--;
	EQ(write(e, &n, 8), 8);
	EQ(answer(e), POLLIN);
	n = 1;
	ERR(write(e, &n, 8), EAGAIN);
	ERR(pread(e, &n, 8, 0), ESPIPE);
	EQ(lseek(e, 5, SEEK_SET), 0);
	close(e);
	ERR(eventfd(0, 2), EINVAL);

	s = OK(eventfd(0, EFD_SEMAPHORE));
	pid = OK(fork());
	if (pid == 0) {
		sleep_ms(50);
		n = 2;
		_exit(write(s, &n, 8) != 8);
	}
	EQ(read(s, &n, 8), 8);
	EQ(n, 1);
	EQ(read(s, &n, 8), 8);
	EQ(n, 1);
	REAP(pid, 0);
	close(s);
}

static void
timers(void)
{
	struct itimerspec is = { { 0, 20000000 }, { 0, 30000000 } }, old;
	int t = OK(timerfd_create(CLOCK_MONOTONIC, 0));
	uint64_t n = 0, t0 = now_ns();
	struct timespec now;
	pid_t pid;

	EQ(answer(t), 0);
	OK(timerfd_settime(t, 0, &is, NULL));
	EQ(read(t, &n, 8), 8);
	CHECK(now_ns() - t0 >= 30000000);
	CHECK(n >= 1);
	sleep_ms(100);
	EQ(answer(t), POLLIN);
	EQ(read(t, &n, 8), 8);
	CHECK(n >= 4);
	OK(timerfd_gettime(t, &old));
	EQ(old.it_interval.tv_nsec, 20000000);
	CHECK(old.it_value.tv_nsec > 0 && old.it_value.tv_nsec <= 20000000);
	is = (struct itimerspec){ { 0, 0 }, { 0, 0 } };
	OK(timerfd_settime(t, 0, &is, &old));
	EQ(old.it_interval.tv_nsec, 20000000);
	OK(fcntl(t, F_SETFL, O_NONBLOCK));
	ERR(read(t, &n, 8), EAGAIN);
	ERR(read(t, &n, 7), EINVAL);
	ERR(write(t, &n, 8), EINVAL);
	/* A moment that is over. */
	OK(clock_gettime(CLOCK_MONOTONIC, &now));
	is.it_value = now;
	OK(timerfd_settime(t, TFD_TIMER_ABSTIME, &is, NULL));
	sleep_ms(30);
	EQ(read(t, &n, 8), 8);
	EQ(n, 1);
	is.it_value.tv_nsec = 1000000000;
	ERR(timerfd_settime(t, 0, &is, NULL), EINVAL);
	is.it_value.tv_nsec = 0;
	ERR(timerfd_settime(t, 8, &is, NULL), EINVAL);
	ERR(timerfd_settime(0, 0, &is, NULL), EINVAL);
	ERR(timerfd_settime(99, 0, &is, NULL), EBADF);
	ERR(timerfd_create(CLOCK_PROCESS_CPUTIME_ID, 0), EINVAL);
	ERR(timerfd_create(CLOCK_MONOTONIC, 1), EINVAL);
	close(t);
	/* Clocks that wake a machine are root's. */
	t = timerfd_create(CLOCK_REALTIME_ALARM, 0);
	CHECK(t >= 0 || errno == EPERM);
	if (t < 0)
		return;
	OK(clock_gettime(CLOCK_REALTIME, &is.it_value));
	OK(timerfd_settime(t, TFD_TIMER_ABSTIME, &is, NULL));
	EQ(read(t, &n, 8), 8);
	close(t);
	close(OK(timerfd_create(CLOCK_BOOTTIME_ALARM, 0)));
	pid = OK(fork());
	if (pid == 0) {
		OK(setresuid(4711, 4711, 4711));
		ERR(timerfd_create(CLOCK_REALTIME_ALARM, 0), EPERM);
		_exit(0);
	}
	REAP(pid, 0);
}

static void
signals(void)
{
	struct signalfd_siginfo si[3];
	sigset_t set, old;
	int s;
	pid_t pid;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGRTMIN + 1);
	OK(sigprocmask(SIG_BLOCK, &set, &old));
	s = OK(signalfd(-1, &set, SFD_NONBLOCK));
	ERR(read(s, si, 128), EAGAIN);
	ERR(read(s, si, 127), EINVAL);
	EQ(answer(s), 0);
	OK(kill(getpid(), SIGUSR1));
	OK(sigqueue(getpid(), SIGRTMIN + 1, (union sigval){ .sival_int = 77 }));
	EQ(answer(s), POLLIN);
	EQ(read(s, si, sizeof(si)), 256);
	EQ(si[0].ssi_signo, SIGUSR1);
	EQ(si[0].ssi_code, SI_USER);
	EQ(si[0].ssi_pid, getpid());
	EQ(si[1].ssi_signo, SIGRTMIN + 1);
	EQ(si[1].ssi_int, 77);
	EQ(si[1].ssi_code, SI_QUEUE);
	EQ(answer(s), 0);
	/* Another set; who sleeps is woken by a signal of it. */
	sigaddset(&set, SIGCHLD);
	OK(sigprocmask(SIG_BLOCK, &set, NULL));
	EQ(signalfd(s, &set, 0), s);
	OK(fcntl(s, F_SETFL, 0));
	pid = OK(fork());
	if (pid == 0) {
		sleep_ms(50);
		_exit(5);
	}
	EQ(read(s, si, sizeof(si)), 128);
	EQ(si[0].ssi_signo, SIGCHLD);
	EQ(si[0].ssi_pid, pid);
	EQ(si[0].ssi_status, 5);
	EQ(si[0].ssi_code, CLD_EXITED);
	REAP(pid, 5);
	ERR(signalfd(0, &set, 0), EINVAL);
	ERR(signalfd(99, &set, 0), EBADF);
	ERR(syscall(SYS_signalfd4, -1, &set, 4, 0), EINVAL);
	close(s);
	OK(sigprocmask(SIG_SETMASK, &old, NULL));
}

/* A timer's tells which, a fault's where; what has no place is lost. */
static void
kinds_tell(void)
{
	struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1,
		.sigev_value.sival_ptr = (void *)0x123456789abul };
	struct itimerspec soon = { .it_value.tv_nsec = 1 };
	siginfo_t fault = { .si_signo = SIGSEGV, .si_code = SEGV_MAPERR,
		.si_addr = (void *)0x456789abc000ul };
	struct signalfd_siginfo si;
	sigset_t set, old;
	timer_t id;
	int s;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGSEGV);
	OK(sigprocmask(SIG_BLOCK, &set, &old));
	s = OK(signalfd(-1, &set, 0));
	OK(timer_create(CLOCK_MONOTONIC, &ev, &id));
	OK(timer_settime(id, 0, &soon, NULL));
	memset(&si, 0xff, sizeof(si));
	EQ(read(s, &si, sizeof(si)), sizeof(si));
	EQ(si.ssi_code, SI_TIMER);
	EQ(si.ssi_tid, (long)id);
	EQ(si.ssi_overrun, 0);
	EQ(si.ssi_ptr, 0x123456789ab);
	EQ(si.ssi_int, 0x456789ab);
	EQ(si.ssi_pid, 0);
	OK(timer_delete(id));
	OK(syscall(SYS_rt_sigqueueinfo, getpid(), SIGSEGV, &fault));
	memset(&si, 0xff, sizeof(si));
	EQ(read(s, &si, sizeof(si)), sizeof(si));
	EQ(si.ssi_code, SEGV_MAPERR);
	EQ(si.ssi_addr, 0x456789abc000);
	EQ(si.ssi_pid, 0);
	EQ(si.ssi_ptr, 0);
	OK(kill(getpid(), SIGUSR1));
	ERR(read(s, (void *)8, sizeof(si)), EFAULT);
	EQ(answer(s), 0);
	close(s);
	OK(sigprocmask(SIG_SETMASK, &old, NULL));
}

/* What a file that is ready has sent tells which, and what it is ready for. */
static void
files_tell(void)
{
	struct signalfd_siginfo si;
	sigset_t set, old;
	int p[2], s;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN + 1);
	sigaddset(&set, SIGCHLD);
	OK(sigprocmask(SIG_BLOCK, &set, &old));
	s = OK(signalfd(-1, &set, SFD_NONBLOCK));
	OK(pipe(p));
	OK(fcntl(p[0], F_SETOWN, getpid()));
	OK(fcntl(p[0], F_SETFL, O_ASYNC));
	/* Often: the writer has sent the signal when write() ends, though a thread of the kernel
	 * may have begun to. */
	for (int i = 0; i < 20000; i++) {
		OK(fcntl(p[0], F_SETSIG, i % 2 == 0 ? SIGRTMIN + 1 : SIGCHLD));
		EQ(write(p[1], "x", 1), 1);
		memset(&si, 0xff, sizeof(si));
		EQ(read(s, &si, sizeof(si)), sizeof(si));
		EQ(si.ssi_code, i % 2 == 0 ? POLL_IN : -5); /* SI_SIGIO */
		EQ(si.ssi_band, POLLIN | POLLRDNORM);
		EQ(si.ssi_fd, p[0]);
		EQ(si.ssi_pid, 0);
		EQ(si.ssi_ptr, 0);
	}
	close(p[0]);
	close(p[1]);
	close(s);
	OK(sigprocmask(SIG_SETMASK, &old, NULL));
}

static int sleeper_fd;
static int sleeper_tid;

static void *
sleeper(void *arg)
{
	struct signalfd_siginfo si;

	__atomic_store_n(&sleeper_tid, (int)syscall(SYS_gettid), __ATOMIC_SEQ_CST);
	EQ(read(sleeper_fd, &si, sizeof(si)), sizeof(si));
	return (void *)(long)si.ssi_signo;
}

/* Who sleeps in a read hears of what the set is by then, and of nothing that is
 * ignored. */
static void
sets_change(void)
{
	sigset_t set, old;
	int behind[2];
	pthread_t t;
	void *signo;
	pid_t pid;
	char c;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	OK(sigprocmask(SIG_BLOCK, &set, &old));
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sleeper_fd = OK(signalfd(-1, &set, 0));
	EQ(pthread_create(&t, NULL, sleeper, NULL), 0);
	while (__atomic_load_n(&sleeper_tid, __ATOMIC_SEQ_CST) == 0)
		sched_yield();
	thread_sleeps(getpid(), sleeper_tid);
	/* A library blocks all signals in fork(): the child ends behind it. */
	OK(pipe(behind));
	pid = OK(fork());
	if (pid == 0) {
		close(behind[1]);
		EQ(read(behind[0], &c, 1), 0);
		_exit(0);
	}
	close(behind[0]);
	close(behind[1]);
	REAP(pid, 0);
	thread_sleeps(getpid(), sleeper_tid);
	sigaddset(&set, SIGUSR2);
	EQ(signalfd(sleeper_fd, &set, 0), sleeper_fd);
	OK(kill(getpid(), SIGUSR2));
	EQ(pthread_join(t, &signo), 0);
	EQ((long)signo, SIGUSR2);
	close(sleeper_fd);
	OK(sigprocmask(SIG_SETMASK, &old, NULL));
}

/* fdinfo has lines of each kind; what has no position is at 0. */
static void
told(void)
{
	const struct itimerspec late = { { 5, 7 }, { 1000, 0 } };
	const struct itimerspec once = { .it_value = { 0, 1 } };
	int e = OK(eventfd(42, 0)), t = OK(timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK));
	int ep = OK(epoll_create1(0)), s, p[2];
	struct epoll_event ev = { EPOLLIN | EPOLLET, { .u64 = 0xabcdef } };
	char line[96];
	sigset_t set;

	fdinfo_has(e, "pos:\t0\n");
	fdinfo_has(e, "\neventfd-count:               2a\neventfd-id: ");
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGINT);
	s = OK(signalfd(-1, &set, 0));
	fdinfo_has(s, "\nsigmask:\t0000000000000202\n");
	fdinfo_has(t, "\nclockid: 7\nticks: 0\nsettime flags: 00\n"
	    "it_value: (0, 0)\nit_interval: (0, 0)\n");
	OK(timerfd_settime(t, 0, &late, NULL));
	fdinfo_has(t, "\nticks: 0\nsettime flags: 00\nit_value: (999, ");
	fdinfo_has(t, ")\nit_interval: (5, 7)\n");
	OK(timerfd_settime(t, TFD_TIMER_ABSTIME, &once, NULL));
	sleep_ms(20);
	fdinfo_has(t, "\nticks: 1\nsettime flags: 01\nit_value: (0, 0)\n");
	OK(epoll_ctl(ep, EPOLL_CTL_ADD, e, &ev));
	snprintf(line, sizeof(line), "\ntfd: %8d events: 80000019 data: %16x  pos:0 ino:",
	    e, 0xabcdef);
	fdinfo_has(ep, line);
	OK(pipe(p));
	fdinfo_has(p[0], "pos:\t0\n");
	fdinfo_has(p[1], "pos:\t0\n");
	close(p[0]);
	close(p[1]);
	close(e);
	close(s);
	close(t);
	close(ep);
}

int
main(void)
{
	events();
	timers();
	signals();
	kinds_tell();
	files_tell();
	sets_change();
	told();
	return test_done();
}
