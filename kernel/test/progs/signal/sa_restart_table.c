/* NEEDS: MEM=64M CPUS=1,2 TIMEOUT=30 SWEEP=slow KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * Which calls a handler interrupts, and which are restarted: the table of
 * (book: abi 4).  A child sends the signals; SIGSTOP and SIGCONT restart all.
 */
#include "lib/test.h"
#include "lib/futex.h"
#include <sys/select.h>

enum call { READ_PIPE, WRITE_PIPE, WAIT4, FUTEX, FUTEX_TIMED, PAUSE, POLL,
	SELECT, NANOSLEEP, SIGSUSPEND, CALLS };

static const char *const call_name[] = { "read", "write", "wait4", "futex",
	"futex timed", "pause", "poll", "select", "nanosleep", "sigsuspend" };

#define LONG_MS 5000

static volatile int handled;
static int fd[2];
static int futex_word;

static void
handler(int signo)
{
	(void)signo;
	handled++;
}

static long
do_call(enum call c)
{
	static char block[65536];
	struct timespec ts = { 5, 0 };
	struct pollfd p = { fd[0], POLLIN, 0 };
	fd_set set;
	sigset_t none;

	switch (c) {
	case READ_PIPE:
		return read(fd[0], block, 1);
	case WRITE_PIPE:
		return write(fd[1], block, sizeof(block));
	case WAIT4:
		return waitpid(-1, NULL, 0);
	case FUTEX:
		return syscall(SYS_futex, &futex_word, FUTEX_WAIT, 0, NULL);
	case FUTEX_TIMED:
		return syscall(SYS_futex, &futex_word, FUTEX_WAIT, 0, &ts);
	case PAUSE:
		return pause();
	case POLL:
		return poll(&p, 1, 5000);
	case SELECT:
		FD_ZERO(&set);
		FD_SET(fd[0], &set);
		return select(fd[0] + 1, &set, NULL, NULL,
		    &(struct timeval){ 5, 0 });
	case NANOSLEEP:
		return nanosleep(&ts, &ts);
	case SIGSUSPEND:
		sigemptyset(&none);
		return sigsuspend(&none);
	case CALLS:
		break;
	}
	return 0;
}

/* Has the child ended?  It stays to be reaped. */
static int
has_ended(pid_t pid)
{
	siginfo_t si;

	si.si_pid = 0;
	OK(waitid(P_PID, pid, &si, WEXITED | WNOHANG | WNOWAIT));
	return si.si_pid == pid;
}

/*
 * The caller is a child; it exits with the errno of its call, 0 when the
 * call was still not interrupted a while after two signals (then it is killed).
 * The while is long where an errno is expected: a busy machine is slow, and as
 * both signals may come before the call the second is sent on, then.
 */
static int
interrupted(enum call c, int flags, int first, int second, int while_ms)
{
	bool again = while_ms == LONG_MS;
	struct sigaction sa;
	int ready[2], life[2], status;
	pid_t pid;
	char byte;

	OK(pipe(fd));
	OK(pipe(ready));
	OK(pipe(life));
	pid = OK(fork());
	if (pid == 0) {
		memset(&sa, 0, sizeof(sa));
		sa.sa_handler = handler;
		sa.sa_flags = flags;
		OK(sigaction(SIGUSR1, &sa, NULL));
		close(life[1]);
		if (c == WAIT4 && OK(fork()) == 0)
			_exit(read(life[0], &byte, 1)); /* at our end */
		if (c == WRITE_PIPE)
			do_call(c); /* the pipe is full now */
		EQ(write(ready[1], "r", 1), 1);
		errno = 0;
		do_call(c);
		_exit(errno == 0 ? 99 : errno);
	}
	EQ(read(ready[0], &byte, 1), 1);
	sleep_ms(rounds(rounds(60)));
	OK(kill(pid, first));
	sleep_ms(rounds(rounds(30)));
	kill(pid, second);
	for (; while_ms > 0 && !has_ended(pid); while_ms -= 5) {
		sleep_ms(5);
		if (again && while_ms % 50 == 0)
			kill(pid, second);
	}
	kill(pid, SIGKILL);
	status = reap(pid);
	close(fd[0]);
	close(fd[1]);
	close(ready[0]);
	close(ready[1]);
	close(life[0]);
	close(life[1]);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 0;
}

static void
expect(enum call c, int flags, int expected)
{
	int seen = interrupted(c, flags, SIGUSR1, SIGUSR1,
	    expected == 0 ? rounds(rounds(40)) : LONG_MS);

	if (seen != expected)
		FAIL("%s, flags %#x: expected %d, seen %d", call_name[c],
		    flags, expected, seen);
}

int
main(void)
{
	for (enum call c = READ_PIPE; c < CALLS; c++) {
		bool restarts = c <= FUTEX;

		expect(c, 0, EINTR);
		expect(c, SA_RESTART, restarts ? 0 : EINTR);
		EQ(interrupted(c, 0, SIGSTOP, SIGCONT, rounds(rounds(40))), 0);
	}
	return test_done();
}
