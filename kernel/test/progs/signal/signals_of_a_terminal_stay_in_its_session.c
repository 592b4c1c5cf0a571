/* NEEDS: MEM=64M CPUS=1,2 TIMEOUT=60 SWEEP=no KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * The group in front of a terminal has ended, and its number is that of another
 * session's group: what the terminal tells the one, the other does not hear.
 */
#include "lib/terminal.h"

#define NUMBERS "400"
#define TRIES 1000

static int terminal_fd, told[2], change[2], look[2];

/* Linux can be asked for a number; elsewhere it comes when its turn is. */
static void
next_number(int n)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", n - 1);
	if (!on_vadose())
		(void)proc_write("/proc/sys/kernel/ns_last_pid", text);
}

static void
say(int fd, int v)
{
	EQ(write(fd, &v, sizeof(v)), sizeof(v));
}

static int
hear(int fd)
{
	int v;

	EQ(read(fd, &v, sizeof(v)), sizeof(v));
	return v;
}

static volatile int heard;

static void
handler(int signo)
{
	heard = signo;
}

static void
change_window(void)
{
	struct winsize ws;

	OK(ioctl(terminal_fd, TIOCGWINSZ, &ws));
	ws.ws_row++;
	OK(ioctl(terminal_fd, TIOCSWINSZ, &ws));
}

/* Has the terminal; the job in front ends; then the window changes. */
static void
leader(void)
{
	pid_t job;

	OK(setsid());
	signal(SIGTTOU, SIG_IGN);
	signal(SIGWINCH, handler);
	OK(ioctl(terminal_fd, TIOCSCTTY, 0));
	change_window();
	EQ(heard, SIGWINCH);
	job = OK(fork());
	if (job == 0) {
		OK(setpgid(0, 0));
		_exit(0);
	}
	setpgid(job, job);
	OK(ioctl(terminal_fd, TIOCSPGRP, &job));
	REAP(job, 0);
	say(told[1], job);
	hear(change[0]);
	change_window();
	_exit(0); /* SIGHUP for the job in front */
}

/* Has the number of the job: a session of its own, which hears nothing. */
static void
bearer(void)
{
	sigset_t all, now;

	/* Blocked, and with a handler: not forgotten when it comes. */
	sigfillset(&all);
	OK(sigprocmask(SIG_BLOCK, &all, NULL));
	signal(SIGWINCH, handler);
	signal(SIGCONT, handler);
	OK(setsid());
	say(told[1], 0);
	hear(look[0]);
	OK(sigpending(&now));
	EQ(sigismember(&now, SIGWINCH), 0);
	EQ(sigismember(&now, SIGHUP), 0);
	EQ(sigismember(&now, SIGCONT), 0);
	_exit(0);
}

int
main(void)
{
	pid_t first, pid, job;
	int tries = 0;

	if (getuid() != 0)
		return 0;
	if (on_vadose())
		EQ(proc_write("/proc/sys/kernel/pid_max", NUMBERS), 0);
	terminal_fd = terminal();
	OK(pipe(told));
	OK(pipe(change));
	OK(pipe(look));
	first = OK(fork());
	if (first == 0)
		leader();
	job = hear(told[0]);
	for (;;) {
		next_number(job);
		pid = OK(fork());
		if (pid == 0 && getpid() == job)
			bearer();
		if (pid == 0)
			_exit(0);
		if (pid == job)
			break;
		REAP(pid, 0);
		/* Another may have it, or numbers are not to be had here. */
		if (!on_vadose() && ++tries == TRIES) {
			OK(kill(first, SIGKILL));
			REAP_SIGNAL(first, SIGKILL);
			return test_done();
		}
	}
	hear(told[0]);
	say(change[1], 0);
	REAP(first, 0);
	say(look[1], 0);
	REAP(job, 0);
	return test_done();
}
