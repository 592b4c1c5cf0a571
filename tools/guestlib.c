/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * guestlib.c: run a program in a fresh kernel inside an emulator
 *
 * Problem   No emulator's exit code carries the command's, its console mixes
 *           kernel and command, and it can hang, die or be interrupted.
 *
 * Picture   build the initrd → start the emulator → pump ─→ verdict
 *               COM1 → log, panic text   COM2 → out, err, exit frame
 *               signals and time limit → kill
 *
 * Rules     1. The emulator is its own process group, and dies with us.
 *           2. Output is queued, so a slow reader never blocks the guest's
 *              serial line, and nothing is lost.
 *           3. Only an exit frame makes the command's own status.
 *
 * Read next tools/guest_qemu.c, tools/guest_bochs.c, tools/record.c.
 */
#include "guestlib.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest_pump.h"

static bool job_readable(const struct guest_job *, char **why);
static bool initrd_build(
    struct machine *, const struct guest_job *, char **why);
static bool machine_open(struct machine *);
static bool trace_open(struct machine *, const struct guest_job *, char **why);
static bool line_open(int *ours, int *child);
static bool machine_start(struct machine *, const char *monitor);
static void debugger_start(struct machine *, const struct guest_job *);
static void machine_close(struct machine *);
static void child_exec(
    const struct machine *, const char *monitor, pid_t parent);
static bool child_terminal(const char *monitor);
static void verdict(struct pump *, const struct guest_job *,
    struct guest_result *, int wstatus);
static void verdict_exit(const struct pump *, struct guest_result *);
static void verdict_none(struct pump *, const struct guest_job *,
    struct guest_result *, int wstatus);
static void remove_dir(const char *dir);

void
guest_run(const struct guest_job *job, struct guest_result *res)
{
	struct machine m = { .com1 = -1,
		.com2 = -1,
		.keys = -1,
		.watch = -1,
		.child1 = -1,
		.child2 = -1,
		.initrd = -1,
		.diag = -1,
		.port = -1,
		.child_port = -1 };
	struct guest_job full = *job; /* with its swap disk */
	struct pump p;
	sigset_t mask, old;
	int wstatus = 0;
	bool ok;

	memset(res, 0, sizeof *res);
	res->status = GUEST_CANNOT;
	sigemptyset(&mask);
	if (job->gdb)
		signal(SIGINT, SIG_IGN); /* ^C is for gdb */
	else
		sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGHUP);
	sigaddset(&mask, SIGQUIT);
	sigprocmask(SIG_BLOCK, &mask, &old);

	ok = job_readable(job, &res->why) && machine_open(&m) &&
	     initrd_build(&m, job, &res->why) &&
	     trace_open(&m, job, &res->why) &&
	     swap_prepare(&m, &full, &res->why) &&
	     (job->emulator == GUEST_QEMU ? qemu_prepare : bochs_prepare)(
		 &m, &full, &res->why) &&
	     machine_start(&m, job->monitor);
	if (ok) {
		if (job->gdb)
			debugger_start(&m, job);
		pump_init(&p, job, &m, &mask);
		pump_run(&p);
		if (p.ended != PUMP_EOF)
			kill(-m.pid, SIGKILL);
		waitpid(m.pid, &wstatus, 0);
		kill(-m.pid, SIGKILL); /* what it may have started */
		verdict(&p, job, res, wstatus);
		pump_free(&p);
	} else if (res->why == NULL && asprintf(&res->why, "cannot start: %s",
					   strerror(errno)) < 0) {
		res->why = NULL;
	}
	if (m.sink != NULL)
		res->lost = sink_close(m.sink, ok);
	machine_close(&m);
	sigprocmask(SIG_SETMASK, &old, NULL);
}

/* The last word of several wins. */
static const char *
trace_word(const struct guest_job *job)
{
	static const char *const word[2][2] = {
		[GUEST_QEMU] = { " trace=shm", " trace=shm,words" },
		[GUEST_BOCHS] = { " trace=debugcon", " trace=debugcon,words" },
	};

	return job->trace_file == NULL
		   ? ""
		   : word[job->emulator][job->trace_words];
}

char *
guest_cmdline(const struct guest_job *job)
{
	bool disks = job->root != NULL || job->ndisks > 0;
	char *s;

	/* With --icount the guest's time leaps while a disk is waited for. */
	if (asprintf(&s, "%s%s%s%s", job->root != NULL ? "root=sda " : "",
		disks && job->icount ? "sleep=off " : "",
