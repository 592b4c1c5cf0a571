/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * debug.c: the boot of a test under gdb, or in Bochs
 *
 * Problem   "Again" must mean the same kernel, program, numbers and bytes, but
 *           stopped at the event that made the test fail.
 *
 * Picture   run it ─→ stop.c: where ─→ the same boot, -S ─→ gdb's commands
 *                                   └→ boot CD           ─→ a session for bstep
 *
 * Rules     1. Without a terminal gdb runs by --batch, bstep too: they show where
 *              it stopped.  That is how it is tested.
 *           2. Any panic is a stop, too.
 *           3. In Bochs time is another: counts that depend on it may differ.
 *           4. Where only LOOK says where to stop, a run under gdb finds out
 *              first whether that is in the region at all.
 *
 * Read next judge/stop.c, boot/boot.c, tools/stepper/bstep.c, tools/gdb/vadose.py.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "boot/machine.h"
#include "learn/learn.h"
#include "judge/stop.h"

#define IMAGE_BASE 0xffffffff80000000ull /* of the kernel, at physical 0 */
#define ROW_BYTES 4096                   /* of a CPU: MD_ROW of kernel/md.h */
#define SKIPS_MAX 2000                   /* runs in a session */

static const char probe_says[] = "It stands in ";

/* A test that has been run, and the machine for the second time. */
struct again {
	struct report *r;
	const struct result *res;
	const char *kernel;
	struct stop stop;
	struct boot_job job;
};

/* ---- where a counter lies ---- */

static uint64_t
cell(const struct again *a, int cpu)
{
	return symbols_find(a->r->symbols, "ev_cells") +
	       (uint64_t)cpu * ROW_BYTES + 8 * (uint64_t)a->stop.counter;
}

/* The cells of all processors, each written as fmt says, added up. */
static char *
sum_of(const struct again *a, const char *before)
{
	char *text = xstrdup(""), *more;
	int cpu;

	for (cpu = 0; cpu < a->res->test->cpus; cpu++) {
		more = xprintf("%s%s%s0x%llx", text, cpu > 0 ? " + " : "",
		    before, (unsigned long long)cell(a, cpu));
		free(text);
		text = more;
	}
	return text;
}

/* ---- gdb ---- */

static void
add(struct words *w, char *text)
{
	words_add(w, "-ex");
	words_add(w, text);
	free(text);
}

/* " if …" for the functions of the stop. */
static char *
gdb_condition(const struct stop *s)
{
	if (s->reg == NULL)
		return xstrdup("");
	return xprintf(" if (int)%s$%s != %lld", s->points ? "*(long *)" : "",
	    s->reg, (long long)s->differs);
}

static void
gdb_stops(struct words *w, const struct again *a)
{
	const struct stop *s = &a->stop;
	char *condition = gdb_condition(s), *sum;
	size_t i;
	int cpu;

	for (i = 0; i < s->at.n; i++) {
		add(w, xprintf("hbreak %s%s", s->at.v[i], condition));
		if (i == 0 && s->skip > 0)
			add(w,
			    xprintf("ignore $bpnum %lld", (long long)s->skip));
	}
	free(condition);
	if (s->last != 0)
		add(w, xprintf("hbreak ev_mark if id == %u", s->last));
	if (s->counter < 0)
		return;
	sum = sum_of(a, "*(unsigned long *)");
	add(w, xprintf("set $before = %s", sum));
	for (cpu = 0; cpu < a->res->test->cpus; cpu++)
		add(w, xprintf("watch *(unsigned long *)0x%llx if %s - $before "
			       "> %lld",
			   (unsigned long long)cell(a, cpu), sum,
			   (long long)s->bound));
	free(sum);
}

static void
gdb_words(struct words *w, const struct again *a, bool probe)
{
	static const char helpers[] = "tools/gdb/vadose.py";

	words_add(w, "gdb");
	words_add(w, "-q");
	words_add(w, "-nx");
	if (probe || !isatty(0))
		words_add(w, "--batch");
	words_add(w, a->kernel);
	add(w, xstrdup("set pagination off"));
	add(w, xprintf("directory %s", a->r->lab->dir));
	if (access(helpers, R_OK) == 0)
		add(w, xprintf("source %s", helpers));
	add(w, xprintf("target remote %s", a->job.gdb));
	add(w, xstrdup("hbreak panic"));
	add(w, xstrdup("hbreak panic_trap"));
	if (a->stop.mark != 0) {
		add(w, xprintf("thbreak ev_mark if id == %u", a->stop.mark));
		add(w, xstrdup("continue"));
	}
	gdb_stops(w, a);
	add(w, xstrdup("continue"));
	if (probe) {
		add(w, xprintf("python print('%s' + gdb.selected_frame().name())",
		    probe_says));
		return;
	}
	add(w, xprintf("echo \\nStopped at: %s.\\n", a->stop.says));
	add(w, xstrdup("backtrace 8"));
}

/* out: a file for what gdb says; NULL: the terminal. */
static int
gdb_run(struct boot *b, const struct again *a, const char *out)
{
	struct words w = { 0 };
	int status = -1, tries;
	pid_t pid;

	for (tries = 0; access(a->job.gdb, F_OK) != 0 && tries < 200; tries++)
		usleep(50000);
	gdb_words(&w, a, out != NULL);
	pid = fork();
	if (pid == 0) {
		if (out != NULL && (freopen(out, "w", stdout) == NULL ||
				       dup2(1, 2) < 0))
			_exit(126);
		execvp(w.v[0], w.v);
		perror("gdb");
		_exit(127);
	}
	signal(SIGINT, SIG_IGN); /* ^C is for gdb */
	/* The machine's lines must be drained meanwhile. */
	while (pid > 0 && waitpid(pid, &status, WNOHANG) == 0)
		if (b->pid != 0)
			boots_wait(&b, 1, 0.2);
		else
			usleep(100000);
	words_free(&w);
	return WIFEXITED(status) ? WEXITSTATUS(status) : GRADE_INFRA;
}

static int
boot_with_gdb(struct again *a, const char *out)
{
	char *socket = xprintf("/tmp/grade-gdb.%d", (int)getpid()), *why = NULL;
	struct boot *b = xalloc(sizeof *b);
	int code = GRADE_INFRA;

	a->job.gdb = socket;
	if (boot_start(b, &a->job, &why))
		code = gdb_run(b, a, out);
	else
		fprintf(stderr, "grade: %s\n", why);
	boot_free(b);
	unlink(socket);
	a->job.gdb = NULL;
	free(b);
	free(socket);
	free(why);
	return code;
}

static int
debug_gdb(struct again *a)
{
	return boot_with_gdb(a, NULL);
}

/* The function in which such a boot stops; NULL: not known. */
static char *
probed(const char *out)
{
	FILE *f = fopen(out, "re");
	char *line = NULL, *name = NULL;
	size_t cap = 0;

	while (f != NULL && getline(&line, &cap, f) > 0)
		if (strncmp(line, probe_says, strlen(probe_says)) == 0) {
			free(name);
			name = xprintf("%.*s",
			    (int)strcspn(line + strlen(probe_says), "\n"),
			    line + strlen(probe_says));
		}
	if (f != NULL)
		fclose(f);
	free(line);
	return name;
}

/* LOOK names functions: does one of them run in the region? */
static void
probe(struct again *a, const struct lab *lab)
{
	char *dir, *out, *name;

	if (!a->stop.looks || access("/usr/bin/gdb", X_OK) != 0)
		return;
	printf("Looking whether %s runs in region \"%s\" (some seconds)\n",
	    a->stop.at.v[0], a->stop.region);
	fflush(stdout);
	dir = tidy_folder();
	out = xprintf("%s/gdb", dir);
	boot_with_gdb(a, out);
	name = probed(out);
	if (name != NULL && strcmp(name, "ev_mark") == 0)
		stop_before(&a->stop, lab, a->res->test);
	tidy_remove(dir);
	free(name);
	free(out);
	free(dir);
}

/* ---- Bochs ---- */

/* " || rip in …" for each stop that is a function. */
static void
bochs_places(FILE *f, const struct again *a)
{
	const struct stop *s = &a->stop;
	size_t i;

	fprintf(f, "rip in \"panic\" || rip in \"panic_trap\"");
	if (s->last != 0)
		fprintf(f, " || rip in \"ev_mark\" && (rdi & 0xffffffff) == %u",
		    s->last);
	for (i = 0; i < s->at.n; i++) {
		if (symbols_find(a->r->symbols, s->at.v[i]) == 0)
			continue;
		fprintf(f, " || rip in \"%s\"", s->at.v[i]);
		if (s->reg != NULL)
			fprintf(f, " && (%s%s & 0xffffffff) != %lld",
			    s->points ? "quad " : "", s->reg,
			    (long long)s->differs & 0xffffffff);
	}
}

static void
bochs_stops(FILE *f, const struct again *a)
{
	const struct stop *s = &a->stop;
	char *sum;
	size_t i;
	int cpu;

	fprintf(f, "break \"panic\"\nbreak \"panic_trap\"\n");
	if (s->last != 0)
		fprintf(f, "break \"ev_mark\"\n");
	for (i = 0; i < s->at.n; i++)
		if (symbols_find(a->r->symbols, s->at.v[i]) != 0)
			fprintf(f, "break \"%s\"\n", s->at.v[i]);
	for (i = 0; i < SKIPS_MAX && (int64_t)i < s->skip; i++)
		fprintf(f, "run 20G\n");
	if (s->counter >= 0) {
		sum = sum_of(a, "quad ");
		fprintf(f, "let before = %s\n", sum);
		for (cpu = 0; cpu < a->res->test->cpus; cpu++)
			fprintf(f, "watch w 0x%llx 8\n",
			    (unsigned long long)(cell(a, cpu) - IMAGE_BASE));
		fprintf(f, "until %s - before > %lld || ", sum,
		    (long long)s->bound);
		free(sum);
	} else {
		fprintf(f, "until ");
	}
	bochs_places(f, a);
	fprintf(f, "\nsay Stopped at: %s.\nwhere\n", s->says);
}

/* The session, and beside it the guest's first files. */
static bool
bochs_session(const struct again *a, const char *dir, const char *path)
{
	const struct test *t = a->res->test;
	uint8_t key[32] = { 1 };
	char *words = boot_words(&a->job, key), *why = NULL;
	int fd = boot_files(&a->job, &why);
	char *from = xprintf("/proc/self/fd/%d", fd);
	char *initrd = xprintf("%s/initrd", dir);
	FILE *f = fopen(path, "we");
	bool ok = fd >= 0 && f != NULL &&
		  shell_within(NULL, NULL, "cat \"$1\" >\"$2\"", from, initrd, NULL) == 0;

	if (ok) {
		fprintf(f, "# %s %s: %s\n", t->id, t->name, a->stop.says);
		fprintf(f,
		    "boot --initrd \"%s\" --cpus %d --memory %lldM "
		    "--append \"%s\"\n",
		    initrd, t->cpus, (long long)boot_memory(t) >> 20, words);
		if (a->stop.mark != 0)
			fprintf(f, "mark %u\n", a->stop.mark);
		bochs_stops(f, a);
	} else {
		fprintf(stderr, "grade: %s\n", why != NULL ? why : path);
	}
	if (f != NULL)
		fclose(f);
	if (fd >= 0)
		close(fd);
	free(from);
	free(initrd);
	free(words);
	free(why);
	return ok;
}

static int
debug_bochs(struct again *a)
{
	char *dir = tidy_folder(), *path = xprintf("%s/test.step", dir);
	int status = -1;
	pid_t pid;

	if (a->res->test->cpus > 1)
		printf("With several processors Bochs passes over a stop now "
		       "and then: make gdb does not.\n");
	if (!bochs_session(a, dir, path))
		goto out;
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		execl("build/tools/bstep", "bstep", "--kernel", a->kernel,
		    "--stay", "--rush", path, NULL);
		perror("build/tools/bstep");
		_exit(127);
	}
	signal(SIGINT, SIG_IGN); /* ^C is for Bochs */
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		perror("grade");
out:
	tidy_remove(dir);
	free(path);
	free(dir);
	return WIFEXITED(status) ? WEXITSTATUS(status) : GRADE_INFRA;
}

/* ---- the test again ---- */

/* What the first run gave, in one line. */
static void
tell(const struct again *a)
{
	const struct verdict *v = &a->res->verdict;
	const char *want = v->failure[0].expected, *got = v->failure[0].got;
	char *shown = plain(got != NULL ? got : v->status == ST_PASS
				? "" : v->failure[0].what);

	if (v->status == ST_PASS)
		printf("%s passes.\n", a->res->test->id);
	else
		printf("%s: %s; %s%s%s%s\n", a->res->test->id,
		    status_name(v->status), want != NULL ? "expected " : "",
		    want != NULL ? want : "", want != NULL ? ", got " : "",
		    shown);
	free(shown);
	printf("Stopping at: %s.\n", a->stop.says);
	fflush(stdout);
}

static int
debug(const struct lab *lab, const struct options *given,
    int (*with)(struct again *))
{
	struct options o = *given;
	struct again a = { .r = xalloc(sizeof *a.r) };
	int code = GRADE_BUILD;
	char *shown;

	o.jobs = 1;
	o.seeded = true;
	run_quietly(a.r, lab, &o);
	a.res = &a.r->result[0];
	if (a.r->nresults == 0) { /* it has said so */
		code = GRADE_USAGE;
	} else if (a.r->build.status != ST_PASS) {
		shown = plain(a.r->build.why);
		fprintf(stderr, "grade: %s\n", shown);
		free(shown);
	} else {
		a.kernel =
		    a.r->build.kernel != NULL ? a.r->build.kernel : o.kernel;
		stop_find(&a.stop, a.r, a.res);
		a.job = (struct boot_job){ .test = a.res->test,
			.draw = &a.res->draw,
			.kernel = a.kernel,
			.sched = a.res->sched,
			.inject = a.res->inject,
			.wall = 1e9 };
		probe(&a, lab);
		tell(&a);
		code = with(&a);
		stop_free(&a.stop);
	}
	report_free(a.r);
	free(a.r);
	return code;
}

int
cmd_gdb(const struct lab *lab, const struct options *o)
{
	return debug(lab, o, debug_gdb);
}

int
cmd_bochs(const struct lab *lab, const struct options *o)
{
	const struct test *t = lab_test(lab, o->only);

	if (t != NULL && t->root != 0) {
		fprintf(stderr, "grade: %s has a disk in memory, which Bochs "
			"cannot load: make gdb shows it\n", t->id);
		return GRADE_USAGE;
	}
	return debug(lab, o, debug_bochs);
}
