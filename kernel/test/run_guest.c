/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * run_guest.c: test programs one after another in one guest
 *
 * Problem   A guest's start costs more than most programs do.
 *
 * Picture   argv: /t/NAME:ARG:ARG … → each in a session of its own; behind it
 *           a mark with its status and its time on both outputs, before it its
 *           name in the kernel's log
 *
 * Rules     1. What a program leaves goes before the next: processes, and files
 *              of /tmp.
 *
 * Read next run_batch.c, which reads the marks.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "run_batch.h"

#define MOST_WORDS 32
#define MOST_DESCRIPTORS 16 /* of nftw */

static void
tell_log(const char *words)
{
	int fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	dprintf(fd, BATCH_NAME "%.*s\n", (int)strcspn(words, ":"), words);
	close(fd);
}

static void __attribute__((noreturn))
be_program(char *words)
{
	char *argv[MOST_WORDS + 1], *save;
	int n = 0;

	setsid();
	argv[n] = strtok_r(words, ":", &save);
	while (argv[n] != NULL && n < MOST_WORDS)
		argv[++n] = strtok_r(NULL, ":", &save);
	argv[n] = NULL;
	execv(argv[0], argv);
	fprintf(stderr, "%s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

static int
remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)kind;
	if (at->level > 0)
		remove(path);
	return 0;
}

static void
clean(void)
{
	kill(-1, SIGKILL);
	while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
		;
	nftw("/tmp", remove_one, MOST_DESCRIPTORS, FTW_DEPTH | FTW_PHYS);
}

static unsigned long
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000UL + ts.tv_nsec / 1000000;
}

static int
run_one(char *words)
{
	int status = 127 << 8;
	pid_t pid = fork();

	if (pid == 0)
		be_program(words);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int
main(int argc, char **argv)
{
	unsigned long start;
	int i, status;

	for (i = 1; i < argc; i++) {
		start = now_ms();
		tell_log(argv[i]);
		status = run_one(argv[i]);
		clean();
		dprintf(1, BATCH_MARK "%d %lu\n", status, now_ms() - start);
		dprintf(2, BATCH_MARK "\n");
	}
	return 0;
}
