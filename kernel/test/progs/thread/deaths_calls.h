/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * deaths_calls.h: the calls in whose midst deaths_in_calls_leave_nothing.c ends a process
 *
 * Each has a function, what is ready before it, what wakes it if it sleeps, and what
 * must be so when its process has ended: a row of acts[].
 */
#ifndef TEST_DEATHS_CALLS_H
#define TEST_DEATHS_CALLS_H

#include "lib/calls_in_a_world.h"
#include "lib/futex.h"
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <termios.h>

#define USER 4242 /* has nothing else: what is counted for it is an object that is left */
#define OWNER_DIED 0x40000000
#define MOST_PLACES 2000
#define TRIES_ON_LINUX 3
#define NEVER -9999 /* as an answer: it waits for ever */
#define NO_STOP -9998 /* it has an end, or a SIGCONT, of its own */

/* Of this program, beyond what calls of the world close. */
enum { LISTEN = 41, OUT_PIPE, OUT_SOCK, POSIX_FD, FLOCK_FD, WAIT_OUT, WAIT_IN, HELD_FD,
	SEEN_FD = 51, STATE_FD, OTHER_FD };

enum end { KILL, EXIT, EXEC, STOP, ENDS };
static const char *const end_names[] = { "kill", "exit", "exec", "stop" };

/* Shared by the process that ends and the one that looks. */
static struct shared {
	volatile int turn, acted, ended, hit, tid, pid, watched_waits;
	volatile long answer;
	volatile int word, other_word, pi_word;
	struct {
		void *next;
		volatile int word;
	} lock;
	long place; /* at which the call was over */
} *sh;

struct act {
	const char *name;
	long (*call)(void);
	void (*ready)(void); /* before it, in its thread */
	void (*wake)(void);  /* what the sleeper waits for; by anybody */
	void (*judge)(void);
	long at_stop;        /* the answer of Linux if it sleeps when stopped; 0: as without */
};

static const struct call *now_call;
static const struct act *now_act;
static enum end now_end;
static bool by_thread, no_memory;
static long now_place;
static bool failed; /* and said so */
static uint64_t began;
static int out_pipe, out_sock, out_sem;

/* ---- calls of this program ---- */

static char block[3 * PAGE];
static int a_pipe[2], a_pair[2], epoll_fd, a_timer, pid_fd, master, slave;
static pid_t watched;

#define ANSWER(call) ({ long r_ = (call); r_ == -1 ? -errno : r_; })

static void
on_usr2(int signo)
{
	(void)signo;
}

/* The answer of a call that made a child. */
static long
child_ended(pid_t pid)
{
	if (pid < 0)
		return -errno;
	waitpid(pid, NULL, 0);
	return 1;
}

static long
call_fork(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return child_ended(pid);
}

static long
call_vfork(void)
{
	pid_t pid = vfork();

	if (pid == 0)
		_exit(0);
	return child_ended(pid);
}

static long
call_vfork_exec(void)
{
	static char *const argv[] = { "x", "tiny", NULL };
	pid_t pid = vfork();

	if (pid == 0) {
		execv("/proc/self/exe", argv);
		_exit(1);
	}
	return child_ended(pid);
}

static long
call_exec(void)
{
	static char *const argv[] = { "x", "tiny", NULL };

	return execv("/proc/self/exe", argv);
}

static void *
ends_at_once(void *arg)
{
	return arg;
}

static long
call_thread(void)
{
	pthread_t t;
	int r = pthread_create(&t, NULL, ends_at_once, NULL);

	if (r == 0)
		pthread_join(t, NULL);
	return -r;
}

/* A pid descriptor made by clone3, and CHILD_SETTID. */
static long
call_clone3(void)
{
	static int fd, tid;
	struct {
		uint64_t flags, pidfd, child_tid, parent_tid, signal, stack, size, tls;
	} args = { 0x1000 | 0x01000000 | 0x00100000, (uintptr_t)&fd, (uintptr_t)&tid,
		(uintptr_t)&tid, SIGCHLD, 0, 0, 0 };
	long pid = syscall(435, &args, sizeof(args));

	if (pid == 0)
		_exit(0);
	return pid < 0 ? -errno : (waitpid((pid_t)pid, NULL, 0), 1);
}

static void
ready_watched(void)
{
	pid_t parent = getpid();

	watched = OK(fork());
	if (watched == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(0);
		sh->watched_waits = true;
		for (;;)
			pause();
	}
	while (!sh->watched_waits)
		sched_yield();
}

static void
ready_zombie(void)
{
	watched = OK(fork());
	if (watched == 0)
		_exit(9);
	siginfo_t si;
	OK(waitid(P_PID, (id_t)watched, &si, WEXITED | WNOWAIT));
}

static long
call_wait(void)
{
	return ANSWER(waitpid(watched, NULL, 0)) == watched;
}

static long
call_waitid(void)
{
	siginfo_t si;

	return ANSWER(waitid(P_ALL, 0, &si, WEXITED | WSTOPPED));
}

static long
call_attach(void)
{
	return ANSWER(ptrace(PTRACE_ATTACH, watched, 0, 0));
}

static long
call_seize(void)
{
	return ANSWER(ptrace(0x4206, watched, 0, 0x00100000));
}

static void
ready_attached(void)
{
	ready_watched();
	OK(ptrace(PTRACE_ATTACH, watched, 0, 0x0));
	OK(waitpid(watched, NULL, 0));
}

static long
call_detach(void)
{
	return ANSWER(ptrace(PTRACE_DETACH, watched, 0, 0));
}

static long
call_step(void)
{
	return ANSWER(ptrace(PTRACE_SYSCALL, watched, 0, 0));
}

static long
call_traceme(void)
{
	return ANSWER(ptrace(PTRACE_TRACEME, 0, 0, 0));
}

static long
call_stop_child(void)
{
	return ANSWER(kill(watched, SIGSTOP));
}

static void
ready_pidfd(void)
{
	ready_watched();
	pid_fd = OK(syscall(434, watched, 0));
}

static long
call_pidfd_open(void)
{
	return syscall(434, watched, 0) < 0 ? -errno : 0;
}

static long
call_pidfd_getfd(void)
{
	return syscall(438, pid_fd, OUT_PIPE, 0) < 0 ? -errno : 0;
}

static long
call_pidfd_kill(void)
{
	return ANSWER(syscall(424, pid_fd, SIGKILL, NULL, 0));
}

static long
call_readv(void)
{
	struct iovec to = { block, sizeof(block) }, from = { (void *)AT(0), sizeof(block) };

	return ANSWER(process_vm_readv(watched, &to, 1, &from, 1, 0));
}

static long
call_mmap_file(void)
{
	char *p = mmap(NULL, 4 * PAGE, RW, MAP_SHARED | MAP_POPULATE, FILE_FD, 0);

	return p == MAP_FAILED ? -errno : 0;
}

static void
ready_msync(void)
{
	for (int i = 10; i < 14; i++)
		*(volatile char *)AT(i) = 'm';
}

static long
call_msync(void)
{
	return ANSWER(msync((void *)AT(10), 4 * PAGE, MS_SYNC));
}

static long
call_fsync(void)
{
	return ANSWER(fsync(FILE_FD));
}

/* ---- sockets ---- */

static long
send_fds(int to, int fd, int other)
{
	union {
		char text[CMSG_SPACE(2 * sizeof(int))];
		struct cmsghdr head;
	} c = { .head = { .cmsg_len = CMSG_LEN(2 * sizeof(int)), .cmsg_level = SOL_SOCKET,
		.cmsg_type = SCM_RIGHTS } };
	struct iovec v = { "x", 1 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = &c,
		.msg_controllen = sizeof(c) };
	int fds[] = { fd, other };

	memcpy(CMSG_DATA(&c.head), fds, sizeof(fds));
	return ANSWER(sendmsg(to, &m, MSG_NOSIGNAL));
}

static void
ready_pair(void)
{
	OK(socketpair(AF_UNIX, SOCK_DGRAM, 0, a_pair));
	OK(pipe(a_pipe));
}

static long
call_send_fds(void)
{
	return send_fds(a_pair[0], a_pipe[0], a_pipe[1]);
}

static long
call_send_self(void)
{
	return send_fds(a_pair[0], a_pair[0], a_pair[1]);
}

static long
call_send_out(void)
{
	return send_fds(OUT_SOCK, a_pipe[0], a_pair[1]);
}

static void
ready_sent(void)
{
	ready_pair();
	EQ(send_fds(a_pair[0], a_pipe[0], a_pair[0]), 1);
}

static long
call_recv_fds(void)
{
	union {
		char text[CMSG_SPACE(2 * sizeof(int))];
		struct cmsghdr head;
	} c;
	struct iovec v = { block, 1 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = &c,
		.msg_controllen = sizeof(c) };

	return ANSWER(recvmsg(a_pair[1], &m, 0));
}

static void
ready_flying(void)
{
	ready_pair();
	EQ(send_fds(a_pair[0], a_pair[0], a_pair[1]), 1);
	close(a_pair[0]);
}

static long
call_close_flying(void)
{
	return ANSWER(close(a_pair[1]));
}

static long
call_stream_full(void)
{
	static char much[300000];

	return ANSWER(send(SOCK_A, much, sizeof(much), MSG_NOSIGNAL)) > 0;
}

static void
wake_stream(void)
{
	static char much[400000];

	if (now_end != KILL && now_end != STOP)
		(void)!recv(SOCK_B, much, sizeof(much), MSG_DONTWAIT);
}

static long
call_socketpair(void)
{
	int p[2];

	return ANSWER(socketpair(AF_UNIX, SOCK_STREAM, 0, p));
}

static struct sockaddr_un
address(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX, .sun_path = "\0deaths" };

	return a;
}

static int client;

static void
wake_connect(void)
{
	struct sockaddr_un a = address();

	client = socket(AF_UNIX, SOCK_STREAM, 0);
	if (client >= 0)
		(void)connect(client, (struct sockaddr *)&a, sizeof(a.sun_family) + 7);
}

static long
call_accept(void)
{
	return accept(LISTEN, NULL, NULL) < 0 ? -errno : 0;
}

static void
ready_socket(void)
{
	a_pair[0] = OK(socket(AF_UNIX, SOCK_STREAM, 0));
}

static long
call_connect(void)
{
	struct sockaddr_un a = address();

	return ANSWER(connect(a_pair[0], (struct sockaddr *)&a, sizeof(a.sun_family) + 7));
}

static void
ready_backlog(void)
{
	struct sockaddr_un a = address();

	for (int i = 0; i < 2; i++)
		OK(connect((int)OK(socket(AF_UNIX, SOCK_STREAM, 0)), (struct sockaddr *)&a,
		    sizeof(a.sun_family) + 7));
	ready_socket();
}

static void
wake_backlog(void)
{
	client = accept(LISTEN, NULL, NULL);
}

static long
call_bind(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX, .sun_path = "sock" };

	return ANSWER(bind(a_pair[0], (struct sockaddr *)&a, sizeof(a)));
}

/* ---- pipes ---- */

static long
call_splice(void)
{
	off_t at = 0;

	return ANSWER(splice(FILE_FD, &at, PIPE_IN, NULL, 3 * PAGE, 0));
}

static long
call_tee(void)
{
	return ANSWER(tee(PIPE_OUT, a_pipe[1], 100, 0));
}

static long
call_vmsplice(void)
{
	struct iovec v = { (void *)AT(0), 3 * PAGE };

	return ANSWER(vmsplice(PIPE_IN, &v, 1, 0));
}

static long
call_move(void)
{
	return ANSWER(splice(PIPE_OUT, NULL, a_pipe[1], NULL, 100, 0));
}

static long
call_sendfile(void)
{
	off_t at = 0;

	return ANSWER(sendfile(SOCK_A, FILE_FD, &at, 2 * PAGE));
}

static long
call_copy(void)
{
	off_t from = 0, to = 5 * PAGE;

	return ANSWER(syscall(SYS_copy_file_range, FILE_FD, &from, POS_FD, &to, 2 * PAGE, 0));
}

static void
ready_pipe(void)
{
	OK(pipe(a_pipe));
}

static void
ready_bytes(void)
{
	EQ(write(PIPE_IN, block, sizeof(block)), sizeof(block));
	ready_pipe();
}

static long
call_splice_out(void)
{
	off_t at = 0;

	return ANSWER(splice(PIPE_OUT, NULL, FILE_FD, &at, sizeof(block), 0));
}

static long
call_splice_send(void)
{
	return ANSWER(splice(PIPE_OUT, NULL, SOCK_A, NULL, sizeof(block), 0));
}

static long
call_splice_all(void)
{
	return ANSWER(splice(PIPE_OUT, NULL, a_pipe[1], NULL, sizeof(block), 0));
}

static long
call_tee_all(void)
{
	return ANSWER(tee(PIPE_OUT, a_pipe[1], sizeof(block), 0));
}

static long
call_send_to_file(void)
{
	off_t at = 0;

	return ANSWER(sendfile(POS_FD, FILE_FD, &at, 3 * PAGE));
}

static long
call_read_pipe(void)
{
	return ANSWER(read(WAIT_OUT, block, 10));
}

static void
wake_pipe(void)
{
	(void)!write(WAIT_IN, "0123456789", 10);
}

static long
call_write_pipe(void)
{
	return ANSWER(write(OUT_PIPE, block, sizeof(block)));
}

static long
call_grow_pipe(void)
{
	return ANSWER(fcntl(PIPE_IN, F_SETPIPE_SZ, 64 * PAGE)) > 0;
}

static long
call_fifo(void)
{
	return open("fifo", O_WRONLY) < 0 ? -errno : 0;
}

static long
call_mkfifo(void)
{
	return ANSWER(mkfifo("a", 0600));
}

/* ---- futexes ---- */

static long
futex(volatile int *w, int op, int v, const void *t, volatile int *o, int v3)
{
	return ANSWER(syscall(SYS_futex, w, op, v, t, o, v3));
}

static long
call_futex_wait(void)
{
	return futex(&sh->word, FUTEX_WAIT, 0, NULL, NULL, 0);
}

static void
wake_futex(void)
{
	sh->word = 1;
	futex(&sh->word, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static void
wake_by_requeue(void)
{
	futex(&sh->word, FUTEX_REQUEUE, 0, (void *)1, &sh->other_word, 0);
	futex(&sh->other_word, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static long
call_wait_requeue_pi(void)
{
	return futex(&sh->word, FUTEX_WAIT_REQUEUE_PI, 0, NULL, &sh->pi_word, 0);
}

static void
wake_requeue_pi(void)
{
	futex(&sh->word, FUTEX_CMP_REQUEUE_PI, 1, (void *)1, &sh->pi_word, 0);
}

static long
call_lock_pi(void)
{
	return futex(&sh->pi_word, FUTEX_LOCK_PI, 0, NULL, NULL, 0);
}

static long
call_trylock_pi(void)
{
	return futex(&sh->pi_word, FUTEX_TRYLOCK_PI, 0, NULL, NULL, 0);
}

static void
ready_locked_pi(void)
{
	EQ(call_lock_pi(), 0);
}

static long
call_unlock_pi(void)
{
	return futex(&sh->pi_word, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0);
}

/* Another process waits for the lock that the caller has: it gets it. */
static void
ready_pi_waiter(void)
{
	pid_t pid;

	ready_locked_pi();
	pid = OK(fork());
	if (pid == 0) {
		long r = call_lock_pi();

		_exit(r == 0 && (sh->pi_word & 0x3fffffff) == getpid() ? 0 : 77);
	}
	sleep_ms(3);
}

/* It is locked by another process, which ends at the wake. */
static void
ready_pi_owner(void)
{
	pid_t pid = OK(fork());

	if (pid == 0) {
		EQ(call_lock_pi(), 0);
		while (sh->other_word == 0)
			sleep_ms(1);
		EQ(call_unlock_pi(), 0);
		_exit(0);
	}
	while (sh->pi_word == 0)
		sleep_ms(1);
}

static void
wake_pi_owner(void)
{
	sh->other_word = 1;
}

static void
judge_pi(void)
{
	sh->other_word = 1;
}

/* ---- locks of files ---- */

static long
call_posix_wait(void)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 100, .l_len = 10 };

	return ANSWER(fcntl(POSIX_FD, F_SETLKW, &l));
}

static long
call_ofd_wait(void)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 100, .l_len = 10 };

	return ANSWER(fcntl(POSIX_FD, F_OFD_SETLKW, &l));
}

static void
wake_posix(void)
{
	struct flock l = { .l_type = F_UNLCK, .l_whence = SEEK_SET, .l_start = 100, .l_len = 10 };

	fcntl(HELD_FD, F_OFD_SETLK, &l);
}

static long
call_flock_wait(void)
{
	return ANSWER(flock(OTHER_FD, LOCK_EX));
}

static void
wake_flock(void)
{
	flock(HELD_FD, LOCK_UN);
}

static long
call_flock_shared(void)
{
	return ANSWER(flock(FLOCK_FD, LOCK_SH));
}

static long
call_lease(void)
{
	return ANSWER(fcntl(FLOCK_FD, F_SETLEASE, F_RDLCK));
}

/* ---- System V ---- */

static long
call_sem_undo(void)
{
	struct sembuf op[] = { { 0, -1, SEM_UNDO }, { 1, 1, SEM_UNDO } };

	return ANSWER(semop((int)home->of[SEM - BUF], op, 2));
}

static void
ready_sem(void)
{
	OK(semctl((int)home->of[SEM - BUF], 0, SETVAL, 0));
}

static void
wake_sem(void)
{
	semctl((int)home->of[SEM - BUF], 0, SETVAL, 1);
}

static long
call_msgrcv(void)
{
	struct note n;

	return ANSWER(msgrcv((int)home->of[MSG - BUF], &n, sizeof(n.text), 7, 0));
}

static void
wake_msg(void)
{
	struct note n = { 7, "seven" };

	msgsnd((int)home->of[MSG - BUF], &n, 5, IPC_NOWAIT);
}

static void
ready_msg_full(void)
{
	struct {
		long type;
		char text[4000];
	} n = { 8, "" };

	while (msgsnd((int)home->of[MSG - BUF], &n, sizeof(n.text), IPC_NOWAIT) == 0)
		continue;
}

static long
call_msgsnd(void)
{
	struct {
		long type;
		char text[4000];
	} n = { 9, "" };

	return ANSWER(msgsnd((int)home->of[MSG - BUF], &n, sizeof(n.text), 0));
}

static void
wake_msg_full(void)
{
	static char b[4096 + 8];

	msgrcv((int)home->of[MSG - BUF], b, 4000, 8, IPC_NOWAIT);
}

static void
wake_sem_removed(void)
{
	semctl((int)home->of[SEM - BUF], 0, IPC_RMID);
}

/* ---- events, timers, signals ---- */

static void
ready_epoll(void)
{
	struct epoll_event e = { .events = EPOLLIN };

	epoll_fd = OK(epoll_create1(0));
	OK(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, WAIT_OUT, &e));
	OK(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, SOCK_B, &(struct epoll_event){ .events = EPOLLOUT }));
	OK(epoll_ctl(epoll_fd, EPOLL_CTL_DEL, SOCK_B, NULL));
}

static long
call_epoll_wait(void)
{
	struct epoll_event e[4];

	return ANSWER(epoll_wait(epoll_fd, e, 4, -1));
}

static long
call_epoll_add(void)
{
	struct epoll_event e = { .events = EPOLLIN | EPOLLET };

	return ANSWER(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, SOCK_B, &e));
}

static long
call_epoll_del(void)
{
	return ANSWER(epoll_ctl(epoll_fd, EPOLL_CTL_DEL, WAIT_OUT, NULL));
}

static long
call_epoll_close(void)
{
	return ANSWER(close(epoll_fd));
}

static long
call_epoll_nest(void)
{
	int outer = epoll_create1(0);
	struct epoll_event e = { .events = EPOLLIN };

	return outer < 0 ? -errno : ANSWER(epoll_ctl(outer, EPOLL_CTL_ADD, epoll_fd, &e));
}

static long
call_poll(void)
{
	struct pollfd p[] = { { WAIT_OUT, POLLIN, 0 }, { LISTEN, POLLIN, 0 }, { SOCK_B, POLLPRI, 0 } };

	return ANSWER(poll(p, 3, -1));
}

static long
call_select(void)
{
	fd_set in;

	FD_ZERO(&in);
	FD_SET(WAIT_OUT, &in);
	return ANSWER(select(WAIT_OUT + 1, &in, NULL, NULL, NULL));
}

static void
ready_timer(void)
{
	struct itimerspec soon = { { 0, 0 }, { 0, 3000000 } };

	a_timer = OK(timerfd_create(CLOCK_MONOTONIC, 0));
	OK(timerfd_settime(a_timer, 0, &soon, NULL));
}

static long
call_timer_set(void)
{
	struct itimerspec soon = { { 0, 1000000 }, { 0, 1000000 } };

	return ANSWER(timerfd_settime(a_timer, 0, &soon, NULL));
}

static long
call_timer_read(void)
{
	uint64_t n;

	return ANSWER(read(a_timer, &n, 8)) > 0;
}

static long
call_timer_create(void)
{
	struct sigevent e = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	struct itimerspec soon = { { 0, 1000000 }, { 0, 1000000 } };
	timer_t t;

	return timer_create(CLOCK_MONOTONIC, &e, &t) < 0 ? -errno :
	    ANSWER(timer_settime(t, 0, &soon, NULL));
}

static long
call_itimer(void)
{
	struct itimerval soon = { { 0, 1000 }, { 0, 1000 } };

	return ANSWER(setitimer(ITIMER_VIRTUAL, &soon, NULL));
}

static void
ready_itimer(void)
{
	signal(SIGVTALRM, SIG_IGN);
}

static long
call_nanosleep(void)
{
	struct timespec t = { 0, 4000000 };

	return ANSWER(nanosleep(&t, NULL));
}

static void
ready_signalfd(void)
{
	sigset_t s;

	sigemptyset(&s);
	sigaddset(&s, SIGUSR1);
	a_timer = OK(signalfd(-1, &s, 0));
}

static long
call_signalfd_read(void)
{
	return ANSWER(read(a_timer, block, 128));
}

static void
wake_signal(void)
{
	kill(sh->pid, SIGUSR1);
}

static long
call_sigwait(void)
{
	sigset_t s;

	sigemptyset(&s);
	sigaddset(&s, SIGUSR1);
	return ANSWER(sigtimedwait(&s, NULL, NULL));
}

static long
call_sigsuspend(void)
{
	sigset_t s;

	sigemptyset(&s);
	return ANSWER(sigsuspend(&s));
}

static void
ready_handler(void)
{
	signal(SIGUSR1, on_usr2);
}

static long
call_sigqueue(void)
{
	union sigval v = { 5 };

	return ANSWER(sigqueue(getpid(), SIGRTMIN + 3, v));
}

static void
ready_rt_held(void)
{
	EQ(call_sigqueue(), 0);
}

static long
call_memfd(void)
{
	int fd = (int)syscall(SYS_memfd_create, "deaths", 2);

	return fd < 0 ? -errno : ANSWER(fcntl(fd, 1033, 1));
}

static long
call_mlock2(void)
{
	return ANSWER(syscall(SYS_mlock2, AT(0), 8 * PAGE, 1));
}

static long
call_unshare(void)
{
	return ANSWER(unshare(CLONE_FILES | CLONE_FS));
}

static long
call_range_unshare(void)
{
	return ANSWER(syscall(SYS_close_range, PIPE_IN, NULL_FD, 2));
}

static long
call_sched(void)
{
	cpu_set_t s;

	CPU_ZERO(&s);
	CPU_SET(0, &s);
	return ANSWER(sched_setaffinity(0, sizeof(s), &s));
}

/* ---- names ---- */

static void
ready_name(void)
{
	make_file("a", "old", 3, 0600);
	OK(mkdir("d", 0700));
}

static long
call_rename(void)
{
	return ANSWER(rename("a", "b"));
}

static void
ready_two_names(void)
{
	ready_name();
	make_file("b", "two", 3, 0600);
}

static long
call_rename_into(void)
{
	return ANSWER(rename("a", "d/a"));
}

static long
call_exchange(void)
{
	return ANSWER(syscall(SYS_renameat2, AT_FDCWD, "a", AT_FDCWD, "d", 2));
}

static bool
holds(const char *name)
{
	char b[4] = "";
	int fd = open(name, O_RDONLY | O_NONBLOCK);
	bool it_does = fd >= 0 && read(fd, b, 3) == 3 && strcmp(b, "old") == 0;

	if (fd >= 0)
		close(fd);
	return it_does;
}

static void
judge_rename(void)
{
	EQ(holds("a") + holds("b") + holds("d/a") + holds("d"), 1);
}

static long
call_unlink(void)
{
	return ANSWER(unlink("a"));
}

static long
call_link(void)
{
	return ANSWER(link("a", "b"));
}

static long
call_symlink(void)
{
	return ANSWER(symlink("/a/text/that/is/longer/than/what/lies/in/an/inode/of/sixty/bytes", "b"));
}

static long
call_mkdir(void)
{
	return ANSWER(mkdir("b", 0700));
}

static long
call_rmdir(void)
{
	return ANSWER(rmdir("d"));
}

static long
call_create(void)
{
	return open("b", O_RDWR | O_CREAT | O_EXCL, 0600) < 0 ? -errno : 0;
}

static long
call_open_trunc(void)
{
	return open("a", O_RDWR | O_TRUNC) < 0 ? -errno : 0;
}

static long
call_tmpfile(void)
{
	int fd = open(".", O_RDWR | O_TMPFILE, 0600);

	return fd < 0 ? -errno : 0;
}

static void
ready_tmpfile(void)
{
	a_timer = OK(open(".", O_RDWR | O_TMPFILE, 0600));
}

static long
call_link_tmpfile(void)
{
	char name[40];

	snprintf(name, sizeof(name), "/proc/self/fd/%d", a_timer);
	return ANSWER(linkat(AT_FDCWD, name, AT_FDCWD, "b", AT_SYMLINK_FOLLOW));
}

static void
ready_opened(void)
{
	ready_name();
	a_timer = OK(open("a", O_RDWR));
	OK(unlink("a"));
}

static long
call_close_gone(void)
{
	return ANSWER(close(a_timer));
}

static long
call_write_much(void)
{
	return ANSWER(pwrite(FILE_FD, block, sizeof(block), 20 * PAGE + 100));
}

static long
call_read_much(void)
{
	return ANSWER(pread(FILE_FD, block, sizeof(block), 100));
}

static long
call_truncate_dirty(void)
{
	return ANSWER(ftruncate(FILE_FD, 100));
}

static long
call_getdents(void)
{
	int fd = open(".", O_RDONLY | O_DIRECTORY);
	long r = fd < 0 ? -errno : ANSWER(syscall(SYS_getdents64, fd, block, sizeof(block)));

	return r > 0;
}

static long
call_setxattr(void)
{
	return ANSWER(syscall(SYS_setxattr, "a", "user.x", "value", 5, 0));
}

static long
call_chdir(void)
{
	return ANSWER(chdir("d"));
}

static long
call_mount(void)
{
	return ANSWER(mount("none", "d", "tmpfs", 0, NULL));
}

static void
ready_mounted(void)
{
	ready_name();
	EQ(call_mount(), 0);
}

static long
call_umount(void)
{
	return ANSWER(umount2("d", MNT_DETACH));
}

static void
judge_mount(void)
{
	if (umount2("d", 0) != 0)
		EQ(errno, EINVAL);
}

/* ---- what /proc tells, terminals ---- */

static long
read_all(const char *name)
{
	int fd = open(name, O_RDONLY);

	if (fd < 0)
		return -errno;
	while (read(fd, block, sizeof(block)) > 0)
		continue;
	return 0;
}

static long
call_proc_maps(void)
{
	return read_all("/proc/self/smaps");
}

static long
call_proc_fdinfo(void)
{
	return read_all("/proc/self/fdinfo/20");
}

static long
call_proc_status(void)
{
	return read_all("/proc/thread-self/status");
}

static void
ready_pty(void)
{
	int zero = 0, n;
	char name[32];

	master = OK(open("/dev/ptmx", O_RDWR | O_NOCTTY));
	OK(ioctl(master, TIOCSPTLCK, &zero));
	OK(ioctl(master, TIOCGPTN, &n));
	snprintf(name, sizeof(name), "/dev/pts/%d", n);
	slave = OK(open(name, O_RDWR | O_NOCTTY));
}

static long
call_ptmx(void)
{
	return open("/dev/ptmx", O_RDWR | O_NOCTTY) < 0 ? -errno : 0;
}

static long
call_pty_write(void)
{
	return ANSWER(write(slave, "words\n", 6));
}

static long
call_pty_type(void)
{
	return ANSWER(write(master, "words\n", 6));
}

static long
call_pty_read(void)
{
	return ANSWER(read(slave, block, 100));
}

static void
wake_pty(void)
{
	if (now_end == EXIT || now_end == EXEC)
		(void)!write(master, "x\n", 2);
}

static long
call_pty_flush(void)
{
	struct termios t;

	return tcgetattr(slave, &t) < 0 ? -errno : ANSWER(tcsetattr(slave, TCSAFLUSH, &t));
}

static void
ready_session(void)
{
	ready_pty();
	OK(setsid());
}

static long
call_sctty(void)
{
	return ANSWER(ioctl(slave, TIOCSCTTY, 0));
}

static void
ready_tty(void)
{
	ready_session();
	signal(SIGHUP, SIG_IGN);
	EQ(call_sctty(), 0);
}

static long
call_notty(void)
{
	return ANSWER(ioctl(slave, TIOCNOTTY, 0));
}

static long
call_hangup(void)
{
	return ANSWER(close(master));
}

static const struct act acts[] = {
	{ "fork", call_fork, NULL, NULL, NULL, 0 },
	{ "vfork", call_vfork, NULL, NULL, NULL, 0 },
	{ "vfork-exec", call_vfork_exec, NULL, NULL, NULL, 0 },
	{ "exec", call_exec, NULL, NULL, NULL, NO_STOP },
	{ "pthread", call_thread, NULL, NULL, NULL, 0 },
	{ "clone3", call_clone3, NULL, NULL, NULL, 0 },
	{ "wait", call_wait, ready_zombie, NULL, NULL, 0 },
	{ "waitid", call_waitid, ready_watched, NULL, NULL, 0 },
	{ "attach", call_attach, ready_watched, NULL, NULL, 0 },
	{ "seize", call_seize, ready_watched, NULL, NULL, 0 },
	{ "detach", call_detach, ready_attached, NULL, NULL, 0 },
	{ "step", call_step, ready_attached, NULL, NULL, 0 },
	{ "traceme", call_traceme, NULL, NULL, NULL, NO_STOP },
	{ "stop-child", call_stop_child, ready_watched, NULL, NULL, 0 },
	{ "pidfd-open", call_pidfd_open, ready_watched, NULL, NULL, 0 },
	{ "pidfd-getfd", call_pidfd_getfd, ready_pidfd, NULL, NULL, 0 },
	{ "pidfd-kill", call_pidfd_kill, ready_pidfd, NULL, NULL, 0 },
	{ "vm-readv", call_readv, ready_watched, NULL, NULL, 0 },
	{ "mmap-populate", call_mmap_file, NULL, NULL, NULL, 0 },
	{ "msync-dirty", call_msync, ready_msync, NULL, NULL, 0 },
	{ "fsync", call_fsync, NULL, NULL, NULL, 0 },
	{ "send-fds", call_send_fds, ready_pair, NULL, NULL, 0 },
	{ "send-self", call_send_self, ready_pair, NULL, NULL, 0 },
	{ "send-out", call_send_out, ready_pair, NULL, NULL, 0 },
	{ "recv-fds", call_recv_fds, ready_sent, NULL, NULL, 0 },
	{ "close-flying", call_close_flying, ready_flying, NULL, NULL, 0 },
	{ "send-much", call_stream_full, NULL, wake_stream, NULL, 1 },
	{ "socketpair", call_socketpair, NULL, NULL, NULL, 0 },
	{ "accept", call_accept, NULL, wake_connect, NULL, 0 },
	{ "connect", call_connect, ready_socket, NULL, NULL, 0 },
	{ "connect-late", call_connect, ready_backlog, wake_backlog, NULL, 0 },
	{ "bind", call_bind, ready_socket, NULL, NULL, 0 },
	{ "splice", call_splice, NULL, NULL, NULL, 0 },
	{ "tee", call_tee, ready_pipe, NULL, NULL, 0 },
	{ "vmsplice", call_vmsplice, NULL, NULL, NULL, 0 },
	{ "splice-pipes", call_move, ready_pipe, NULL, NULL, 0 },
	{ "sendfile", call_sendfile, NULL, NULL, NULL, 0 },
	{ "splice-out", call_splice_out, ready_bytes, NULL, NULL, 0 },
	{ "splice-send", call_splice_send, ready_bytes, NULL, NULL, 0 },
	{ "splice-all", call_splice_all, ready_bytes, NULL, NULL, 0 },
	{ "tee-all", call_tee_all, ready_bytes, NULL, NULL, 0 },
	{ "sendfile-file", call_send_to_file, NULL, NULL, NULL, 0 },
	{ "copy-range", call_copy, NULL, NULL, NULL, 0 },
	{ "pipe-wait", call_read_pipe, NULL, wake_pipe, NULL, 0 },
	{ "pipe-out", call_write_pipe, NULL, NULL, NULL, 0 },
	{ "pipe-grow", call_grow_pipe, NULL, NULL, NULL, 0 },
	{ "fifo-wait", call_fifo, NULL, NULL, NULL, 0 },
	{ "mkfifo", call_mkfifo, NULL, NULL, NULL, 0 },
	{ "futex-wait", call_futex_wait, NULL, wake_futex, NULL, 0 },
	{ "futex-requeue", call_futex_wait, NULL, wake_by_requeue, NULL, 0 },
	{ "requeue-pi", call_wait_requeue_pi, NULL, wake_requeue_pi, NULL, 0 },
	{ "lock-pi", call_lock_pi, NULL, NULL, NULL, 0 },
	{ "trylock-pi", call_trylock_pi, NULL, NULL, NULL, 0 },
	{ "unlock-pi", call_unlock_pi, ready_locked_pi, NULL, NULL, 0 },
	{ "pi-waiter", call_unlock_pi, ready_pi_waiter, NULL, judge_pi, 0 },
	{ "pi-owner", call_lock_pi, ready_pi_owner, wake_pi_owner, judge_pi, 0 },
	{ "posix-wait", call_posix_wait, NULL, wake_posix, NULL, 0 },
	{ "ofd-wait", call_ofd_wait, NULL, wake_posix, NULL, 0 },
	{ "flock-wait", call_flock_wait, NULL, wake_flock, NULL, 0 },
	{ "flock-shared", call_flock_shared, NULL, NULL, NULL, 0 },
	{ "lease", call_lease, NULL, NULL, NULL, 0 },
	{ "sem-undo", call_sem_undo, NULL, NULL, NULL, 0 },
	{ "sem-wait", call_sem_undo, ready_sem, wake_sem, NULL, -EINTR },
	{ "sem-removed", call_sem_undo, ready_sem, wake_sem_removed, NULL, -EINTR },
	{ "msg-wait", call_msgrcv, NULL, wake_msg, NULL, 0 },
	{ "msg-full", call_msgsnd, ready_msg_full, wake_msg_full, NULL, 0 },
	{ "epoll-wait", call_epoll_wait, ready_epoll, wake_pipe, NULL, -EINTR },
	{ "epoll-add", call_epoll_add, ready_epoll, NULL, NULL, 0 },
	{ "epoll-del", call_epoll_del, ready_epoll, NULL, NULL, 0 },
	{ "epoll-close", call_epoll_close, ready_epoll, NULL, NULL, 0 },
	{ "epoll-nest", call_epoll_nest, ready_epoll, NULL, NULL, 0 },
	{ "poll", call_poll, NULL, wake_pipe, NULL, 0 },
	{ "select", call_select, NULL, wake_pipe, NULL, 0 },
	{ "timerfd-set", call_timer_set, ready_timer, NULL, NULL, 0 },
	{ "timerfd-read", call_timer_read, ready_timer, NULL, NULL, 0 },
	{ "timer-create", call_timer_create, NULL, NULL, NULL, 0 },
	{ "setitimer", call_itimer, ready_itimer, NULL, NULL, 0 },
	{ "nanosleep", call_nanosleep, NULL, NULL, NULL, 0 },
	{ "signalfd-read", call_signalfd_read, ready_signalfd, wake_signal, NULL, 0 },
	{ "sigtimedwait", call_sigwait, NULL, wake_signal, NULL, -EINTR },
	{ "sigsuspend", call_sigsuspend, ready_handler, wake_signal, NULL, 0 },
	{ "sigqueue", call_sigqueue, ready_rt_held, NULL, NULL, 0 },
	{ "memfd", call_memfd, NULL, NULL, NULL, 0 },
	{ "mlock2", call_mlock2, NULL, NULL, NULL, 0 },
	{ "unshare", call_unshare, NULL, NULL, NULL, 0 },
	{ "range-unshare", call_range_unshare, NULL, NULL, NULL, 0 },
	{ "affinity", call_sched, NULL, NULL, NULL, 0 },
	{ "rename", call_rename, ready_name, NULL, judge_rename, 0 },
	{ "rename-over", call_rename, ready_two_names, NULL, judge_rename, 0 },
	{ "rename-into", call_rename_into, ready_name, NULL, judge_rename, 0 },
	{ "exchange", call_exchange, ready_name, NULL, judge_rename, 0 },
	{ "unlink", call_unlink, ready_name, NULL, NULL, 0 },
	{ "link", call_link, ready_name, NULL, NULL, 0 },
	{ "symlink", call_symlink, NULL, NULL, NULL, 0 },
	{ "mkdir", call_mkdir, NULL, NULL, NULL, 0 },
	{ "rmdir", call_rmdir, ready_name, NULL, NULL, 0 },
	{ "create", call_create, NULL, NULL, NULL, 0 },
	{ "open-trunc", call_open_trunc, ready_name, NULL, NULL, 0 },
	{ "tmpfile", call_tmpfile, NULL, NULL, NULL, 0 },
	{ "link-tmpfile", call_link_tmpfile, ready_tmpfile, NULL, NULL, 0 },
	{ "close-gone", call_close_gone, ready_opened, NULL, NULL, 0 },
	{ "write-much", call_write_much, NULL, NULL, NULL, 0 },
	{ "read-much", call_read_much, NULL, NULL, NULL, 0 },
	{ "truncate-dirty", call_truncate_dirty, ready_msync, NULL, NULL, 0 },
	{ "getdents", call_getdents, ready_name, NULL, NULL, 0 },
	{ "setxattr", call_setxattr, ready_name, NULL, NULL, 0 },
	{ "chdir", call_chdir, ready_name, NULL, NULL, 0 },
	{ "mount", call_mount, ready_name, NULL, judge_mount, 0 },
	{ "umount", call_umount, ready_mounted, NULL, judge_mount, 0 },
	{ "proc-smaps", call_proc_maps, NULL, NULL, NULL, 0 },
	{ "proc-fdinfo", call_proc_fdinfo, NULL, NULL, NULL, 0 },
	{ "proc-status", call_proc_status, NULL, NULL, NULL, 0 },
	{ "ptmx", call_ptmx, NULL, NULL, NULL, 0 },
	{ "pty-write", call_pty_write, ready_pty, NULL, NULL, 0 },
	{ "pty-type", call_pty_type, ready_pty, NULL, NULL, 0 },
	{ "pty-read", call_pty_read, ready_pty, wake_pty, NULL, 0 },
	{ "pty-flush", call_pty_flush, ready_pty, NULL, NULL, 0 },
	{ "pty-session", call_sctty, ready_session, NULL, NULL, 0 },
	{ "pty-leave", call_notty, ready_tty, NULL, NULL, NO_STOP },
	{ "pty-hangup", call_hangup, ready_tty, NULL, NULL, NO_STOP },
};
#define ACTS (int)(sizeof(acts) / sizeof(acts[0]))

#endif
