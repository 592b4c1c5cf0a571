/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * init.c: the first process of the Linux that records the tables
 *
 * Problem   Linux has no init of its own, and rows wants what our guest has:
 *           /proc, /dev, a place on the second serial line for its output.
 *
 * Picture   mount; rows TABLES > /dev/ttyS1; "status N" behind it; reboot,
 *           which ends the machine
 *
 * Read next linux starts it.
 */
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

static void run(void) __attribute__((noreturn));

int
main(void)
{
	int status = 0;
	struct termios raw;
	pid_t pid;

	setsid();
	mkdir("/proc", 0555);
	mkdir("/dev", 0755);
	mkdir("/tmp", 01777);
	mount("proc", "/proc", "proc", 0, NULL);
	mount("dev", "/dev", "devtmpfs", 0, NULL);
	mkdir("/dev/pts", 0755);
	mount("pts", "/dev/pts", "devpts", 0, "gid=5,mode=620");
	mount("tmp", "/tmp", "tmpfs", 0, NULL);
	dup2(open("/dev/ttyS1", O_WRONLY | O_NOCTTY), 1);
	dup2(1, 2);
	if (tcgetattr(1, &raw) == 0) {
		raw.c_oflag &= ~OPOST;
		tcsetattr(1, TCSANOW, &raw);
	}
	pid = fork();
	if (pid == 0)
		run();
	/* Orphans of rows are ours, too. */
	while (wait(&status) != pid)
		continue;
	printf("# status %d\n", WIFEXITED(status) ? WEXITSTATUS(status) : 128);
	fflush(stdout);
	tcdrain(1);
	reboot(RB_AUTOBOOT);
	return 1;
}

/* As our init does it: a session, no standard input. */
static void
run(void)
{
	char *argv[64] = { "rows", "/rows/syscalls.tab", "/rows/absent.tab" };
	glob_t tables;
	size_t i;

	setsid();
	dup2(open("/dev/null", O_RDONLY), 0);
	if (glob("/rows/*.rows", 0, NULL, &tables) != 0)
		_exit(2);
	for (i = 0; i < tables.gl_pathc && i < 60; i++)
		argv[i + 3] = tables.gl_pathv[i];
	execv("/rows/rows", argv);
	_exit(127);
}
