/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * init.c: the first process of the Linux that records answers
 *
 * Problem   Linux has no init of its own, and rows, calls and scripts want what our
 *           guest has: /proc, /dev, a place on the second serial line for output.
 *
 * Picture   mount; rows TABLES > /dev/ttyS1; "# calls"; calls record; "# scripts";
 *           scripts record; "# status N" behind it; reboot, which ends the machine.
 *           With show=SEED or script=SEED on the kernel's command line only: calls
 *           show SEED, scripts show SEED.
 *
 * Read next linux starts it.
 */
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

static int run(char *const argv[]);
static int run_rows(void);
static void settle(void);
static int run_seeds(const char *what, char *program, char *seeds);

int
main(void)
{
	char *show = getenv("show"), *script = getenv("script");
	int status = 0;
	struct termios raw;

	setsid();
	mkdir("/proc", 0555);
	mkdir("/dev", 0755);
	mkdir("/tmp", 01777);
	mkdir("/sys", 0555);
	mount("proc", "/proc", "proc", 0, NULL);
	mount("sys", "/sys", "sysfs", 0, NULL);
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
	if (show == NULL && script == NULL)
		status = run_rows();
	settle();
	if (script == NULL)
		status |= run_seeds("calls", "/calls", show);
	if (show == NULL)
		status |= run_seeds("scripts", "/scripts", script);
	printf("# status %d\n", status);
	fflush(stdout);
	tcdrain(1);
	reboot(RB_AUTOBOOT);
	return 1;
}

/* As our init does it: a session, no standard input.  The status of its exit. */
static int
run(char *const argv[])
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		setsid();
		dup2(open("/dev/null", O_RDONLY), 0);
		execv(argv[0], argv);
		_exit(127);
	}
	/* Orphans are ours, too. */
	while (wait(&status) != pid)
		continue;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

static int
run_rows(void)
{
	char *argv[64] = { "/rows/rows", "/rows/syscalls.tab",
		"/rows/absent.tab" };
	glob_t tables;
	size_t i;

	if (glob("/rows/*.rows", 0, NULL, &tables) != 0)
		return 2;
	for (i = 0; i < tables.gl_pathc && i < 60; i++)
		argv[i + 3] = tables.gl_pathv[i];
	return run(argv);
}

static void
set(const char *file, char value)
{
	int fd = open(file, O_WRONLY);

	if (fd < 0 || write(fd, &value, 1) != 1)
		perror(file);
	close(fd);
}

/*
 * One processor, so that a thread of the kernel which carries a terminal's bytes
 * is not overtaken; and links are followed wherever they lie, as here.
 */
static void
settle(void)
{
	set("/sys/devices/system/cpu/cpu1/online", '0');
	set("/proc/sys/fs/protected_symlinks", '0');
}

static int
run_seeds(const char *what, char *program, char *seeds)
{
	char *record[] = { program, "record", NULL };
	char *show[] = { program, "show", seeds, NULL };

	printf("# %s\n", what);
	fflush(stdout);
	return run(seeds != NULL ? show : record);
}
