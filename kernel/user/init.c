/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * init.c: the first process
 *
 * Problem   The guest runs either one command for somebody outside, or a shell
 *           for somebody at the terminal; both end the machine.
 *
 * Picture   /.guest/argv there: run it with guest1 and guest2 as outputs, reap
 *             everything, vm_check, tell the status by /dev/guestctl
 *           not there: /bin/sh on the console; its exit is power-off
 *
 * Rules     1. Process 1 never ends by itself: that would be a panic.
 *           2. What is sent is {kind, value}: tools/emulator/guestlib.h.
 *
 * Read next tools/emulator/guest_job.c makes /.guest; kernel/channel/record.c sends.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/reboot.h>
#include <sys/mount.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#define ARGS_MAX (1 << 20)

enum exit_kind { EXITED = 0, SIGNALLED = 1, NOEXEC = 2, CHECK_FAILED = 3 };

#define TMPFS_MAGIC 0x01021994

static void run_command(char **argv);
static void run_shell(void);
static void be_command(char **argv, int report);
static void be_shell(void);
static int wait_for(pid_t pid);
static void tell(enum exit_kind kind, int value);
static int vm_check(void);
static char **read_words(const char *path);
static void set_environment(void);
static void memory_on_tmp(void);
static void set_window(void);
static void move_fd(const char *path, int flags, int fd);
static void power_off(int sig);
static void say(const char *text);

int
main(void)
{
	char **argv = read_words("/.guest/argv");

	signal(SIGUSR1, power_off);
	signal(SIGUSR2, power_off);
	signal(SIGTERM, power_off);
	set_environment();
	memory_on_tmp();
	if (chdir("/root") < 0)
		say("init: no /root\n");
	if (argv != NULL && argv[0] != NULL)
		run_command(argv);
	else
		run_shell();
	power_off(0);
}

/* With the root on a disk, /tmp is still memory. */
static void
memory_on_tmp(void)
{
	struct statfs fs;

	if (statfs("/", &fs) < 0 || fs.f_type == TMPFS_MAGIC)
		return;
	if (mount("tmpfs", "/tmp", "tmpfs", 0, NULL) < 0)
		say("init: no tmpfs on /tmp\n");
}

/* One command; its status is the machine's. */
static void
run_command(char **argv)
{
	int pipefd[2], status, error = 0;
	pid_t pid;

	if (pipe(pipefd) < 0)
		tell(NOEXEC, 126);
	fcntl(pipefd[0], F_SETFD, FD_CLOEXEC);
	fcntl(pipefd[1], F_SETFD, FD_CLOEXEC);
	pid = fork();
	if (pid < 0)
		tell(NOEXEC, 126);
	if (pid == 0)
		be_command(argv, pipefd[1]);
	close(pipefd[1]);
	if (read(pipefd[0], &error, sizeof error) != sizeof error)
		error = 0;
	close(pipefd[0]);
	status = wait_for(pid);
	if (vm_check() < 0)
		tell(CHECK_FAILED, 0);
	if (error != 0)
		tell(NOEXEC, error == ENOENT ? 127 : 126);
	if (WIFSIGNALED(status))
		tell(SIGNALLED, WTERMSIG(status));
	tell(EXITED, WEXITSTATUS(status));
}

/* In the child: become the command, or report why not. */
static void
be_command(char **argv, int report)
{
	int in = open("/.guest/stdin", O_RDONLY);

	setsid();
	signal(SIGUSR1, SIG_DFL);
	signal(SIGUSR2, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	if (in < 0)
		in = open("/dev/null", O_RDONLY);
	if (in > 0) {
		dup2(in, 0);
		close(in);
	}
	move_fd("/dev/guest1", O_WRONLY, 1);
	move_fd("/dev/guest2", O_WRONLY, 2);
	execvp(argv[0], argv);
	dprintf(2, "%s: %s\n", argv[0], strerror(errno));
	if (write(report, &errno, sizeof errno) < 0)
		_exit(126);
	_exit(127);
}

/* Shells on the console until one exits by itself. */
static void
run_shell(void)
{
	int status;
	pid_t pid;

	do {
		pid = fork();
		if (pid == 0)
			be_shell();
		if (pid < 0) {
			say("init: cannot fork\n");
			return;
		}
		status = wait_for(pid);
	} while (WIFSIGNALED(status));
}

static void
be_shell(void)
{
	char *argv[] = { "-sh", NULL };

	setsid();
	signal(SIGUSR1, SIG_DFL);
	signal(SIGUSR2, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	move_fd("/dev/console", O_RDWR, 0);
	dup2(0, 1);
	dup2(0, 2);
	ioctl(0, TIOCSCTTY, 0);
	set_window();
	execv("/bin/sh", argv);
	say("init: cannot run /bin/sh\n");
	_exit(127);
}

/* Reap orphans until pid itself has ended. */
static int
wait_for(pid_t pid)
{
	int status;
	pid_t p;

	do {
		p = waitpid(-1, &status, 0);
	} while (p != pid && (p > 0 || errno == EINTR));
	return p == pid ? status : 127 << 8;
}

static void
tell(enum exit_kind kind, int value)
{
	unsigned char frame[2] = { kind, value };
	int fd = open("/dev/guestctl", O_WRONLY);

	if (fd < 0 || write(fd, frame, sizeof frame) < 0)
		say("init: no /dev/guestctl to tell the status\n");
	power_off(0);
}

/* Let the kernel walk all its structures, where it offers that. */
static int
vm_check(void)
{
	int r, fd = open("/proc/vm/check", O_WRONLY);

	if (fd < 0)
		return 0;
	r = write(fd, "2", 1);
	close(fd);
	return r == 1 ? 0 : -1;
}

/* NUL-separated words of a file as a vector.  NULL: no such file. */
static char **
read_words(const char *path)
{
	char *buf, **words;
	ssize_t i, r, n = 0;
	int w = 0, fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return NULL;
	buf = malloc(ARGS_MAX);
	while (buf != NULL && (r = read(fd, buf + n, ARGS_MAX - 1 - n)) > 0)
		n += r;
	close(fd);
	if (buf == NULL)
		return NULL;
	buf[n] = '\0';
	for (i = 0; i < n; i++)
		w += buf[i] == '\0';
	words = calloc(w + 1, sizeof *words);
	if (words == NULL)
		return NULL;
	for (i = 0, w = 0; i < n; i += strlen(buf + i) + 1)
		words[w++] = buf + i;
	return words;
}

static void
set_environment(void)
{
	char **w = read_words("/.guest/env");

	setenv("PATH", "/bin:/sbin:/t", 1);
	setenv("HOME", "/root", 1);
	setenv("USER", "root", 1);
	setenv("TERM", "vt100", 1);
	for (; w != NULL && *w != NULL; w++)
		putenv(*w);
}

/* The size of the terminal outside. */
static void
set_window(void)
{
	struct winsize ws = { 0 };
	char text[32] = "";
	int fd = open("/.guest/tty", O_RDONLY);

	if (fd < 0)
		return;
	if (read(fd, text, sizeof text - 1) > 0 &&
	    sscanf(text, "%hu %hu", &ws.ws_row, &ws.ws_col) == 2)
		ioctl(0, TIOCSWINSZ, &ws);
	close(fd);
}

static void
move_fd(const char *path, int flags, int fd)
{
	int got = open(path, flags);

	if (got < 0 || got == fd)
		return;
	dup2(got, fd);
	close(got);
}

static void
power_off(int sig)
{
	sync();
	reboot(sig == SIGTERM ? RB_AUTOBOOT : RB_POWER_OFF);
	for (;;)
		pause();
}

static void
say(const char *text)
{
	if (write(2, text, strlen(text)) < 0)
		return;
}
