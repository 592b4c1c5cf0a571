/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * debug.c: the boot of a test under gdb
 *
 * Problem   "Again" must mean the same machine, program, numbers and bytes, but
 *           stopped where it matters.
 *
 * Picture   build ─→ the same boot, -S ─→ gdb: run to the mark that begins the
 *           region, then to the function of LOOK (and to any panic)
 *
 * Rules     Without a terminal gdb runs by --batch and shows where it stopped:
 *           that is how it is tested.
 *
 * Read next boot.c.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "grade.h"

static void
add(struct words *w, char *text)
{
	words_add(w, "-ex");
	words_add(w, text);
	free(text);
}

static void
script(struct words *w, const struct test *t, const char *socket,
    const char *kernel)
{
	unsigned first = t->nregions > 0 ? t->region[0].first : 1;

	words_add(w, "gdb");
	words_add(w, "-q");
	if (!isatty(0))
		words_add(w, "--batch");
	words_add(w, kernel);
	add(w, xstrdup("set pagination off"));
	add(w, xprintf("target remote %s", socket));
	add(w, xstrdup("hbreak panic"));
	add(w, xstrdup("hbreak panic_trap"));
	if (t->selftest == NULL) {
		add(w, xprintf("thbreak ev_mark if id == %u", first));
		add(w, xstrdup("continue"));
	}
	if (t->look.n > 0)
		add(w, xprintf("hbreak %s", t->look.v[0]));
	add(w, xstrdup("continue"));
	add(w, xstrdup("backtrace 6"));
}

static int
debug(struct boot *b, const struct test *t, const char *kernel)
{
	struct words w = { 0 };
	int status = -1, tries;
	pid_t pid;

	for (tries = 0; access(b->job.gdb, F_OK) != 0 && tries < 100; tries++)
		usleep(50000);
	script(&w, t, b->job.gdb, kernel);
	pid = fork();
	if (pid == 0) {
		execvp(w.v[0], w.v);
		perror("gdb");
		_exit(127);
	}
	/* The machine's lines must be drained meanwhile. */
	while (pid > 0 && waitpid(pid, &status, WNOHANG) == 0)
		if (b->pid != 0)
			boots_wait(&b, 1, 0.2);
		else
			usleep(100000);
	words_free(&w);
	return WIFEXITED(status) ? WEXITSTATUS(status) : GRADE_INFRA;
}

int
cmd_gdb(const struct lab *lab, const struct options *o)
{
	const struct test *t = lab_test(lab, o->only);
	char *socket = xprintf("/tmp/grade-gdb.%d", (int)getpid()), *why = NULL;
	struct boot_job job = { .test = t, .sched = -1, .inject = -1,
		.wall = 1e9, .gdb = socket, .kernel = o->kernel };
	struct boot *b = xalloc(sizeof *b);
	struct build build = { 0 };
	struct draw d = { 0 };
	int code = GRADE_BUILD;

	if (t != NULL && o->kernel == NULL)
		build_make(&build, lab, o->submission);
	if (build.kernel != NULL)
		job.kernel = build.kernel;
	if (t == NULL) {
		why = xstrdup("no such test");
	} else if (build.status != ST_PASS) {
		why = xstrdup(build.why);
	} else if (draw_make(&d, t, o->seed, &why)) {
		job.draw = &d;
		job.sched = t->sched > 0 ? 0 : -1;
		job.inject = t->inject != NULL ? t->inject_from : -1;
		if (boot_start(b, &job, &why))
			code = debug(b, t, job.kernel);
	}
	if (why != NULL)
		fprintf(stderr, "grade: %s\n", why);
	boot_free(b);
	unlink(socket);
	build_free(&build);
	draw_free(&d);
	free(b);
	free(socket);
	free(why);
	return code;
}
