/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * run.c: runs every test and says what failed
 *
 * Problem   Hundreds of tests of four kinds, each with its own machine, in
 *           minutes on two processors, with one line of verdict at the end.
 *
 * Picture   find (test/progs, test/cases, test/boot, host binaries)
 *             → one struct test per program and CPU count → run JOBS at a
 *             time → compare status and output → "N passed, N failed"
 *
 * Rules     1. A test says what it needs in its first line:
 *              NEEDS: MEM=64M CPUS=1,4 TIMEOUT=20 ARGS=a:b APPEND=x=1:y=2
 *                     EXPECT=139 EMULATOR=bochs SWAP=256M LONG=1
 *           2. All it prints is kept in BUILD/check/NAME.*.
 *           3. A file NAME.expected beside the program is its whole output.
 *
 * Read next tools/guest.c, kernel/test/progs/.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <libgen.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_TESTS 2048
#define MAX_JOBS 16

enum kind { KIND_PROG, KIND_CASE, KIND_BOOT, KIND_HOST };

struct test {
	enum kind kind;
	char name[128]; /* base, and @CPUS where there are several */
	char path[256]; /* source, script or binary */
	char mem[16], swap[16], args[256], append[256], emulator[16];
	unsigned cpus, timeout, expect;
	bool is_long;
	pid_t pid; /* while it runs */
	double start, seconds;
	bool failed;
	char why[256];
};

static struct {
	struct test test[MAX_TESTS];
	unsigned ntests, njobs, failed, done;
	bool with_long, list_only;
	const char *build;
	const char *append; /* one more boot word, programs only */
	const char *swap;   /* for programs that ask for none */
	unsigned cpus;      /* of each machine, whatever it asks for; 0 */
	char **pattern; /* of the command line */
	int npatterns;
	unsigned patience; /* times the limit: the host may be shared */
	struct test *job[MAX_JOBS];
} runner = { .njobs = 2, .build = "build", .patience = 3 };

static void options(int argc, char **argv);
static void find_all(void);
static void find_in(const char *dir, const char *suffix, enum kind kind);
static void add_file(enum kind kind, const char *path, const char *needs);
static void parse_needs(struct test *t, char *cpus, const char *line);
static bool is_wanted(const struct test *t);
static void run_all(void);
static void start(struct test *t);
static void child(const struct test *t) __attribute__((noreturn));
static void wait_one(void);
static void judge(struct test *t, int status);
static bool same_output(struct test *t);
static void report(void);
static double now(void);

int
main(int argc, char **argv)
{
	options(argc, argv);
	find_all();
	if (runner.ntests == 0) {
		printf("no test matches\n0 passed, 1 failed\n");
		return 1;
	}
	run_all();
	report();
	return runner.failed != 0;
}

static void
options(int argc, char **argv)
{
	int opt;

	while ((opt = getopt(argc, argv, "lj:b:na:c:p:s:")) != -1) {
		switch (opt) {
		case 'l':
			runner.with_long = true;
			break;
		case 'n':
			runner.list_only = true;
			break;
		case 'j':
			runner.njobs = atoi(optarg);
			break;
		case 'b':
			runner.build = optarg;
			break;
		case 'a':
			runner.append = optarg;
			break;
		case 's':
			runner.swap = optarg;
			break;
		case 'c':
			runner.cpus = atoi(optarg);
			break;
		case 'p':
			runner.patience = atoi(optarg);
			break;
		case '?':
			fprintf(stderr, "run [-l] [-n] [-j JOBS] [-b BUILD] "
			    "[-a BOOTWORD] [-c CPUS] [-p PATIENCE] [-s SWAP] [PATTERN...]\n");
			exit(2);
		}
	}
	if (runner.njobs < 1 || runner.njobs > MAX_JOBS)
		runner.njobs = 2;
	runner.pattern = argv + optind;
	runner.npatterns = argc - optind;
}

/* ---- finding ---- */

static int
by_timeout(const void *a, const void *b)
{
	const struct test *x = a, *y = b;

	return x->timeout != y->timeout ? (int)y->timeout - (int)x->timeout
	                                : strcmp(x->name, y->name);
}

/* The slow ones first, so that the end is not one long test alone. */
static void
find_all(void)
{
	char dir[256];

	snprintf(dir, sizeof dir, "%s/host", runner.build);
	find_in(dir, "", KIND_HOST);
	if (access("kernel/test/boot/selftest.c", R_OK) == 0)
		add_file(KIND_BOOT, "kernel/test/boot/selftest.c",
		    "NEEDS: MEM=64M CPUS=1,2,4 TIMEOUT=60");
	find_in("kernel/test/progs", ".c", KIND_PROG);
	find_in("kernel/test/progs/accept", ".c", KIND_PROG);
	find_in("kernel/test/cases", ".sh", KIND_CASE);
	qsort(runner.test, runner.ntests, sizeof runner.test[0], by_timeout);
}

static void
find_in(const char *dir, const char *suffix, enum kind kind)
{
	struct dirent **list;
	char path[512], line[512];
	int i, n = scandir(dir, &list, NULL, alphasort);
	FILE *f;

	for (i = 0; i < n; i++) {
		const char *dot = strrchr(list[i]->d_name, '.');

		snprintf(path, sizeof path, "%s/%s", dir, list[i]->d_name);
		line[0] = '\0';
		f = strcmp(dot != NULL ? dot : "", suffix) == 0
		        ? fopen(path, "r")
		        : NULL;
		if (kind == KIND_HOST &&
		    (strncmp(list[i]->d_name, "t_", 2) != 0 ||
			access(path, X_OK) != 0)) {
			if (f != NULL)
				fclose(f);
			f = NULL;
		}
		/* In scripts the line after #!. */
		while (f != NULL && fgets(line, sizeof line, f) != NULL &&
		       strncmp(line, "#!", 2) == 0)
			;
		if (f != NULL &&
		    (kind == KIND_HOST || strstr(line, "NEEDS:") != NULL))
			add_file(kind, path, kind == KIND_HOST ? "" : line);
		if (f != NULL)
			fclose(f);
		free(list[i]);
	}
	if (n >= 0)
		free(list);
}

/* One test per number of CPUs. */
static void
add_file(enum kind kind, const char *path, const char *needs)
{
	struct test proto = {
		.kind = kind, .mem = "64M", .timeout = 60, .emulator = "qemu"
	};
	char cpus[64] = "2", base[128], copy[256], *word, *save, *dot;
	struct test *t;

	snprintf(copy, sizeof copy, "%s", path);
	snprintf(base, sizeof base, "%s", basename(copy));
	dot = strrchr(base, '.');
	if (dot != NULL)
		*dot = '\0';
	snprintf(proto.path, sizeof proto.path, "%s", path);
	parse_needs(&proto, cpus, needs);
	if (runner.cpus != 0)
		snprintf(cpus, sizeof cpus, "%u", runner.cpus);
	if (runner.swap != NULL && proto.swap[0] == '\0')
		snprintf(proto.swap, sizeof proto.swap, "%s", runner.swap);
	for (word = strtok_r(cpus, ",", &save); word != NULL;
	     word = strtok_r(NULL, ",", &save)) {
		if (runner.ntests == MAX_TESTS)
			return;
		t = &runner.test[runner.ntests];
		*t = proto;
		t->cpus = atoi(word);
		if (kind == KIND_HOST || kind == KIND_CASE)
			snprintf(t->name, sizeof t->name, "%.100s", base);
		else
			snprintf(t->name, sizeof t->name, "%.100s@%u", base,
			    t->cpus);
		if (is_wanted(t))
			runner.ntests++;
	}
}

static void
parse_needs(struct test *t, char *cpus, const char *line)
{
	char copy[512], *word, *save, *s;

	snprintf(copy, sizeof copy, "%s", line);
	s = strstr(copy, "NEEDS:");
	s = s != NULL ? s + 6 : copy + strlen(copy);
	for (word = strtok_r(s, " \t\n", &save); word != NULL;
	     word = strtok_r(NULL, " \t\n", &save)) {
		char *value = strchr(word, '=');

		if (value == NULL)
			continue;
		*value++ = '\0';
		if (strcmp(word, "MEM") == 0)
			snprintf(t->mem, sizeof t->mem, "%s", value);
		else if (strcmp(word, "SWAP") == 0)
			snprintf(t->swap, sizeof t->swap, "%s", value);
		else if (strcmp(word, "CPUS") == 0)
			snprintf(cpus, 64, "%s", value);
		else if (strcmp(word, "TIMEOUT") == 0)
			t->timeout = atoi(value);
		else if (strcmp(word, "ARGS") == 0)
			snprintf(t->args, sizeof t->args, "%s", value);
		else if (strcmp(word, "APPEND") == 0)
			snprintf(t->append, sizeof t->append, "%s", value);
		else if (strcmp(word, "EXPECT") == 0)
			t->expect = atoi(value);
		else if (strcmp(word, "EMULATOR") == 0)
			snprintf(t->emulator, sizeof t->emulator, "%s", value);
		else if (strcmp(word, "LONG") == 0)
			t->is_long = atoi(value) != 0;
	}
}

/* By name, with or without the CPUs; long ones when asked for. */
static bool
is_wanted(const struct test *t)
{
	char base[128];
	int i;

	snprintf(base, sizeof base, "%s", t->name);
	base[strcspn(base, "@")] = '\0';
	for (i = 0; i < runner.npatterns; i++)
		if (fnmatch(runner.pattern[i], t->name, 0) == 0 ||
		    fnmatch(runner.pattern[i], base, 0) == 0)
			return true;
	return runner.npatterns == 0 && (runner.with_long || !t->is_long);
}

/* ---- running ---- */

static void
run_all(void)
{
	unsigned i, j, running = 0;
	char dir[256];

	snprintf(dir, sizeof dir, "%s/check", runner.build);
	mkdir(dir, 0755);
	for (i = 0; i < runner.ntests; i++) {
		if (runner.list_only) {
			printf("%s\n", runner.test[i].name);
			continue;
		}
		for (j = 0; j < runner.njobs && runner.job[j] != NULL; j++)
			;
		if (j == runner.njobs) {
			wait_one();
			running--;
			i--;
			continue;
		}
		runner.job[j] = &runner.test[i];
		start(runner.job[j]);
		running++;
	}
	while (running-- > 0)
		wait_one();
	if (runner.list_only)
		exit(0);
}

static void
start(struct test *t)
{
	fflush(stdout);
	t->start = now();
	t->pid = fork();
	if (t->pid == 0) {
		setpgid(0, 0);
		child(t);
	}
	if (t->pid < 0) {
		perror("fork");
		exit(2);
	}
	setpgid(t->pid, t->pid);
}

/* A file that belongs to the test. */
static char *
kept(const struct test *t, const char *suffix)
{
	char *path;

	if (asprintf(&path, "%s/check/%s.%s", runner.build, t->name, suffix) <
	    0)
		abort();
	return path;
}

static void
redirect(const char *path, int fd)
{
	int got = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	if (got < 0) {
		perror(path);
		_exit(126);
	}
	dup2(got, fd);
	close(got);
}

struct vec {
	char *arg[64];
	int n;
};

static void
push(struct vec *v, const char *fmt, const char *value)
{
	if (v->n < 62 && asprintf(&v->arg[v->n++], fmt, value) < 0)
		abort();
	v->arg[v->n] = NULL;
}

/* a:b:c as words of their own. */
static void
push_words(struct vec *v, const char *option, const char *text)
{
	char copy[256], *word, *save;

	snprintf(copy, sizeof copy, "%s", text);
	for (word = strtok_r(copy, ":", &save); word != NULL;
	     word = strtok_r(NULL, ":", &save)) {
		if (option != NULL)
			push(v, "%s", option);
		push(v, "%s", word);
	}
}

static void
guest_args(struct vec *v, const struct test *t)
{
	char text[32], *log = kept(t, "log");

	push(v, "%s", "build/tools/guest");
	push(v, "%s", "--kernel");
	push(v, "%s/vadose.elf", runner.build);
	push(v, "%s", "--emulator");
	push(v, "%s", t->emulator);
	push(v, "%s", "--memory");
	push(v, "%s", t->mem);
	if (t->swap[0] != '\0') {
		push(v, "%s", "--swap");
		push(v, "%s", t->swap);
	}
	push(v, "%s", "--log");
	push(v, "%s", log);
	snprintf(text, sizeof text, "%u", t->cpus);
	push(v, "%s", "--cpus");
	push(v, "%s", text);
	snprintf(text, sizeof text, "%u", runner.patience * t->timeout);
	push(v, "%s", "--timeout");
	push(v, "%s", text);
	push_words(v, "--append", t->append);
	if (runner.append != NULL) {
		push(v, "%s", "--append");
		push(v, "%s", runner.append);
	}
	free(log);
}

static void
child(const struct test *t)
{
	struct vec v = { .n = 0 };
	char bin[512], name[256], text[32];
	int null = open("/dev/null", O_RDONLY);

	dup2(null, 0);
	redirect(kept(t, "out"), 1);
	redirect(kept(t, "err"), 2);
	snprintf(text, sizeof text, "%u", t->cpus);
	setenv("GUEST", "build/tools/guest", 1);
	setenv("BUILD", runner.build, 1);
	setenv("CPUS", text, 1);
	setenv("LONG", runner.with_long ? "1" : "", 1);
	switch (t->kind) {
	case KIND_HOST:
		push(&v, "%s", t->path);
		break;
	case KIND_CASE:
		push(&v, "%s", "/bin/sh");
		push(&v, "%s", t->path);
		push_words(&v, NULL, t->args);
		break;
	case KIND_BOOT:
		guest_args(&v, t);
		push(&v, "%s", "--append");
		push(&v, "selftest=%s", t->args[0] != '\0' ? t->args : "all");
		push(&v, "%s", "/bin/true");
		break;
	case KIND_PROG:
		guest_args(&v, t);
		snprintf(bin, sizeof bin, "%s", t->path);
		bin[strlen(bin) - 2] = '\0'; /* .c */
		snprintf(name, sizeof name, "/t/%s", strrchr(bin, '/') + 1);
		push(&v, "%s", "--add");
		if (asprintf(
			&v.arg[v.n++], "%s/%s:%s", runner.build, bin, name) < 0)
			abort();
		push(&v, "%s", "--");
		push(&v, "%s", name);
		push_words(&v, NULL, t->args);
		break;
	}
	execv(v.arg[0], v.arg);
	perror(v.arg[0]);
	_exit(126);
}

/* Until one ends, or is over its time. */
static void
wait_one(void)
{
	struct timespec nap = { 0, 20000000 };
	struct test *t;
	unsigned j;
	int status;

	for (;;) {
		for (j = 0; j < runner.njobs; j++) {
			t = runner.job[j];
			if (t == NULL)
				continue;
			if (waitpid(t->pid, &status, WNOHANG) == t->pid) {
				runner.job[j] = NULL;
				kill(-t->pid, SIGKILL);
				judge(t, status);
				return;
			}
			/* tools/guest has its own limit and gets some more. */
			if (now() - t->start > runner.patience * t->timeout + 20)
				kill(-t->pid, SIGTERM);
			if (now() - t->start > runner.patience * t->timeout + 30)
				kill(-t->pid, SIGKILL);
		}
		nanosleep(&nap, NULL);
	}
}

static void
judge(struct test *t, int status)
{
	unsigned got =
	    WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);

	t->seconds = now() - t->start;
	if (got != t->expect) {
		t->failed = true;
		snprintf(t->why, sizeof t->why, "status %u, expected %u", got,
		    t->expect);
	} else if (!same_output(t)) {
		t->failed = true;
	}
	runner.failed += t->failed;
	runner.done++;
	printf("%4u/%u  %-44s %s %6.1f s%s%s\n", runner.done, runner.ntests,
	    t->name, t->failed ? "FAIL" : "ok  ", t->seconds,
	    t->failed ? "  " : "", t->why);
	fflush(stdout);
}

/* cmp with NAME.expected, where there is one. */
static bool
same_output(struct test *t)
{
	char *out, expected[300], cmd[1024];

	if (t->kind != KIND_PROG)
		return true;
	snprintf(expected, sizeof expected, "%.*s.expected",
	    (int)strlen(t->path) - 2, t->path);
	if (access(expected, R_OK) != 0)
		return true;
	out = kept(t, "out");
	snprintf(cmd, sizeof cmd, "cmp -s '%s' '%s'", expected, out);
	if (system(cmd) == 0) {
		free(out);
		return true;
	}
	snprintf(
	    t->why, sizeof t->why, "output differs: diff %s %s", expected, out);
	free(out);
	return false;
}

/* ---- the end ---- */

static void
show_tail(const struct test *t, const char *suffix)
{
	char *path = kept(t, suffix), cmd[512];

	fflush(stdout);
	snprintf(cmd, sizeof cmd,
	    "[ ! -s '%s' ] || { echo '  -- %s'; tail -n 12 '%s' | "
	    "sed 's/^/  | /'; }",
	    path, path, path);
	if (system(cmd) != 0)
		printf("  (no %s)\n", path);
	free(path);
}

static void
report(void)
{
	unsigned i;

	for (i = 0; i < runner.ntests; i++) {
		const struct test *t = &runner.test[i];

		if (!t->failed)
			continue;
		printf("\nFAILED %s: %s\n  alone: make check TEST=%s\n",
		    t->name, t->why, t->name);
		show_tail(t, "out");
		show_tail(t, "err");
		show_tail(t, "log");
	}
	printf("%s%u passed, %u failed\n", runner.failed ? "\n" : "",
	    runner.ntests - runner.failed, runner.failed);
}

static double
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}
