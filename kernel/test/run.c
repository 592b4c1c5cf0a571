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
 * Rules     1. All that a test prints is kept in BUILD/check/NAME.*.
 *           2. A file NAME.expected beside the program is its whole output.
 *           3. Each test leads a process group; whatever ends us ends them all.
 *           4. A failure is looked at again (-r), alone, after all others.  An
 *              exact test must fail the same way.  Another that passes twice is
 *              unsteady: said in the last lines, its first output kept in
 *              NAME.first.*.  A run passes with at most two of these.
 *
 * Read next run_find.c, run_again.c, tools/emulator/guest.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "run.h"

#define SLOWEST 10 /* tests that the report names */
/*
 * Of an exact machine: an instruction takes 2^4 ns, as about QEMU's do here.  At
 * one of a nanosecond memory is turned over before a page can grow old.
 */
#define EXACT_SHIFT "4"
/* Seconds: how often the host is looked at; from asking a test to end to ending it. */
#define LOOK_SECONDS 0.1
#define GRACE 10
/* Times a limit, until a machine whose runner is gone ends by itself. */
#define HOST_MAY_BE 20

struct runner runner = {
	.njobs = 2,
	.build = "build",
	.patience = 3,
	.leave_out = SORT_NONE,
	.wanted = { [LEVEL_CHECK] = true },
};

static const int deadly[] = { SIGINT, SIGTERM, SIGHUP };

static void options(int argc, char **argv);
static void ends_with_us(void);
static void list_all(void);
static void find_todo(void);
static void child(const struct test *t) __attribute__((noreturn));
static void judge(struct test *t, int status);
static bool same_output(struct test *t);
static void report(void);
static double now(void);
static double fair_now(void);

int
main(int argc, char **argv)
{
	options(argc, argv);
	runner.start = now();
	find_all();
	if (runner.list_needed) {
		say_needed();
		return 0;
	}
	if (runner.ntests == 0) {
		printf("no test matches\n0 passed, 1 failed\n");
		return 1;
	}
	if (runner.list_only) {
		list_all();
		return 0;
	}
	ends_with_us();
	if (!runner.apart)
		batch_all();
	run_all();
	if (runner.twice)
		all_the_same();
	else if (runner.look_again)
		look_again();
	report();
	return runner.failed != 0;
}

static void
usage(FILE *out, int status)
{
	fputs("run: run tests, say what failed\n\n"
	    "  run [options] [PATTERN...]   NAME or NAME@CPUS; without one: those of check\n\n"
	    "  -w WHICH       check, more (the full forms of the tests that check runs in\n"
	    "                 short, and the tests that check leaves out), long (hours),\n"
	    "                 all; more, long and all run the full forms\n"
	    "  -r             run a test that fails again, alone: one that then passes\n"
	    "                 twice is unsteady, and up to two of these do not fail the\n"
	    "                 run; an exact test must fail in the same way again\n"
	    "  -1             each program in a machine of its own, as for tests by name\n"
	    "  -g             tests by name share machines, too\n"
	    "  -2             only exact tests, each twice: both runs must end the same\n"
	    "  -o KIND        only tests of this kind: exact, bounded\n"
	    "  -n             only list the tests\n"
	    "  -m             only print the targets of make that the tests need\n"
	    "  -j JOBS        so many at a time (2)\n"
	    "  -b BUILD       the folder of the kernel (build)\n"
	    "  -a BOOTWORD    one more boot option, in tests that are programs\n"
	    "  -c CPUS        of each machine, whatever the test asks for\n"
	    "  -s SWAP        for programs that ask for no swap\n"
	    "  -p PATIENCE    multiplies the time limit of a test (3)\n"
	    "  -k SHIFT       in slow machines of one processor, in which an instruction\n"
	    "                 takes 2^SHIFT ns (8: 256 ns): all tests that do not measure\n"
	    "                 by the clock (CLOCK=… in NEEDS)\n",
	    out);
	exit(status);
}

static void
which(const char *name)
{
	static const char *const names[LEVELS] = { "check", "more", "long" };
	bool known = strcmp(name, "all") == 0;
	enum level i;

	for (i = LEVEL_CHECK; i < LEVELS; i++) {
		runner.wanted[i] =
		    strcmp(name, names[i]) == 0 || strcmp(name, "all") == 0;
		known |= runner.wanted[i];
	}
	if (!known)
		usage(stderr, 2);
}

static void
only(const char *kind)
{
	if (strcmp(kind, "exact") != 0 && strcmp(kind, "bounded") != 0)
		usage(stderr, 2);
	runner.leave_out = kind[0] == 'e' ? SORT_BOUNDED : SORT_EXACT;
}

static void
options(int argc, char **argv)
{
	static const struct option help[] = { { "help", no_argument, NULL, 'h' },
		{ 0 } };
	bool grouped = false;
	int opt;

	while ((opt = getopt_long(argc, argv, "hw:o:j:b:nmrg12a:c:k:p:s:", help, NULL)) !=
	    -1) {
		switch (opt) {
		case 'w':
			which(optarg);
			break;
		case 'o':
			only(optarg);
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
		case 'm':
			runner.list_only = runner.list_needed = true;
			break;
		case '2':
			runner.twice = true;
			only("exact");
			break;
		case 'r':
			runner.look_again = true;
			break;
		case 'g':
			grouped = true;
			break;
		case '1':
			runner.apart = true;
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
		case 'k':
			runner.shift = optarg;
			break;
		case 'p':
			runner.patience = atoi(optarg);
			break;
		default:
			usage(opt == 'h' ? stdout : stderr, opt == 'h' ? 0 : 2);
		}
	}
	if (runner.njobs < 1 || runner.njobs > MAX_JOBS)
		runner.njobs = 2;
	runner.pattern = argv + optind;
	runner.npatterns = argc - optind;
	runner.apart |= (runner.npatterns > 0 && !grouped) || runner.shift != NULL;
}

/* ---- running ---- */

void
run_all(void)
{
	unsigned i, running = 0;
	bool alone = false; /* does the last one that was started run alone? */
	struct test *t;
	char dir[256];

	snprintf(dir, sizeof dir, "%s/check", runner.build);
	mkdir(dir, 0755);
	find_todo();
	for (i = 0; i < runner.ntodo || running > 0;) {
		t = i < runner.ntodo ? runner.todo[i] : NULL;
		if (t == NULL || running == runner.njobs ||
		    (running > 0 && (t->alone || alone))) {
			wait_one();
			running--;
			continue;
		}
		start(t);
		alone = t->alone;
		running++;
		i++;
	}
}

static void
list_all(void)
{
	unsigned i;

	for (i = 0; i < runner.ntests; i++)
		printf("%s\n", runner.test[i].name);
}

/* A guest that is shared has its turn where the first of its programs has. */
static void
find_todo(void)
{
	unsigned i;

	runner.ntodo = 0;
	for (i = 0; i < runner.ntests; i++) {
		struct test *t = &runner.test[i];

		if (t->batch == NULL)
			run_later(t);
		else if (t->batch->next == t)
			run_later(t->batch);
	}
}

void
run_later(struct test *t)
{
	if (runner.ntodo == 2 * MAX_TESTS)
		abort();
	runner.todo[runner.ntodo++] = t;
}

static void
kill_jobs(int sig)
{
	unsigned j;

	for (j = 0; j < MAX_JOBS; j++)
		if (runner.job[j] != NULL && runner.job[j]->pid > 0)
			kill(-runner.job[j]->pid, sig);
}

/*
 * All that runs is told to end, so that it can remove what it has in /tmp; what
 * is still there after a moment is killed.  Only what a handler may call.
 */
static void
end_jobs(void)
{
	struct timespec nap = { 0, 20000000 };
	unsigned tries, j, left = 1;
	struct test *t;

	kill_jobs(SIGTERM);
	for (tries = 0; tries < 250 && left > 0; tries++) {
		for (j = left = 0; j < MAX_JOBS; j++) {
			t = runner.job[j];
			left += t != NULL && t->pid > 0 &&
			    waitpid(t->pid, NULL, WNOHANG) == 0;
		}
		if (left > 0)
			nanosleep(&nap, NULL);
	}
	kill_jobs(SIGKILL);
}

static void
end_by(int sig)
{
	end_jobs();
	signal(sig, SIG_DFL);
	raise(sig);
}

static void
deadly_set(sigset_t *set)
{
	size_t i;

	sigemptyset(set);
	for (i = 0; i < sizeof deadly / sizeof deadly[0]; i++)
		sigaddset(set, deadly[i]);
}

/* Who is told to ignore one (nohup) goes on ignoring it. */
static void
ends_with_us(void)
{
	struct sigaction act = { .sa_handler = end_by }, old;
	size_t i;

	deadly_set(&act.sa_mask);
	for (i = 0; i < sizeof deadly / sizeof deadly[0]; i++)
		if (sigaction(deadly[i], NULL, &old) == 0 &&
		    old.sa_handler != SIG_IGN)
			sigaction(deadly[i], &act, NULL);
}

/* In a child: a signal ends it, and nobody else's. */
static void
own_signals(const sigset_t *mask)
{
	struct sigaction act;
	size_t i;

	for (i = 0; i < sizeof deadly / sizeof deadly[0]; i++)
		if (sigaction(deadly[i], NULL, &act) == 0 &&
		    act.sa_handler == end_by)
			signal(deadly[i], SIG_DFL);
	sigprocmask(SIG_SETMASK, mask, NULL);
}

/* No signal between the fork and the number that it is known by. */
void
start(struct test *t)
{
	sigset_t set, old;
	unsigned j;

	for (j = 0; runner.job[j] != NULL; j++)
		;
	runner.job[j] = t;
	fflush(stdout);
	t->start = now();
	t->begun = fair_now();
	t->over = false;
	deadly_set(&set);
	sigprocmask(SIG_BLOCK, &set, &old);
	t->pid = fork();
	if (t->pid == 0) {
		setpgid(0, 0);
		own_signals(&old);
		child(t);
	}
	if (t->pid < 0) {
		perror("fork");
		end_jobs();
		exit(2);
	}
	setpgid(t->pid, t->pid);
	sigprocmask(SIG_SETMASK, &old, NULL);
}

/* A file that belongs to the test. */
char *
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

#define MOST_WORDS 200

struct vec {
	char *arg[MOST_WORDS + 1];
	int n;
};

static void
push(struct vec *v, const char *fmt, const char *value)
{
	if (v->n == MOST_WORDS || asprintf(&v->arg[v->n++], fmt, value) < 0)
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
	if (t->counts)
		push(v, "%s", "--icount");
	else if (runner.shift != NULL)
		push(v, "--icount=%s", runner.shift);
	else if (t->sort == SORT_EXACT)
		push(v, "%s", "--icount=" EXACT_SHIFT);
	push(v, "%s", "--log");
	push(v, "%s", log);
	snprintf(text, sizeof text, "%u", t->cpus);
	push(v, "%s", "--cpus");
	push(v, "%s", text);
	/* wait_one() ends it, by a clock that guest has not. */
	snprintf(text, sizeof text, "%u",
	    HOST_MAY_BE * runner.patience * t->timeout);
	push(v, "%s", "--timeout");
	push(v, "%s", text);
	push_words(v, "--append", t->append);
	if (runner.append != NULL) {
		push(v, "%s", "--append");
		push(v, "%s", runner.append);
	}
	free(log);
}

static bool
short_form(const struct test *t)
{
	return t->brief[0] != '\0' && !runner.wanted[LEVEL_MORE] &&
	    !runner.wanted[LEVEL_LONG];
}

/* A program's file without folder and .c; in the guest it is in /t. */
void
base_of(const struct test *t, char name[WORDS_BYTES])
{
	snprintf(name, WORDS_BYTES, "%s", strrchr(t->path, '/') + 1);
	name[strlen(name) - 2] = '\0';
}

static void
add_program(struct vec *v, const struct test *t)
{
	char name[WORDS_BYTES];

	base_of(t, name);
	push(v, "%s", "--add");
	if (v->n == MOST_WORDS ||
	    asprintf(&v->arg[v->n++], "%s/kernel/test/progs/%s:/t/%s",
		runner.build, name, name) < 0)
		abort();
}

/* /t/NAME:ARG:ARG */
static void
words_of(const struct test *t, char words[WORDS_BYTES])
{
	const char *args = short_form(t) ? t->brief : t->args;
	char name[WORDS_BYTES];

	base_of(t, name);
	snprintf(words, WORDS_BYTES, "/t/%.127s%s%s", name, args[0] != '\0' ? ":" : "", args);
}

static void
child(const struct test *t)
{
	struct vec v = { .n = 0 };
	char text[32], words[WORDS_BYTES];
	const struct test *m;
	int null = open("/dev/null", O_RDONLY);

	dup2(null, 0);
	redirect(kept(t, "out"), 1);
	redirect(kept(t, "err"), 2);
	snprintf(text, sizeof text, "%u", t->cpus);
	setenv("GUEST", "build/tools/guest", 1);
	setenv("BUILD", runner.build, 1);
	setenv("CPUS", text, 1);
	setenv("LONG", runner.wanted[LEVEL_LONG] ? "1" : "", 1);
	setenv("SHORT", short_form(t) ? "1" : "", 1);
	switch (t->kind) {
	case KIND_HOST:
		personality(ADDR_NO_RANDOMIZE);
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
		add_program(&v, t);
		push(&v, "%s", "--");
		words_of(t, words);
		push_words(&v, NULL, words);
		break;
	case KIND_BATCH:
		guest_args(&v, t);
		push(&v, "--add=%s/kernel/test/run_guest:/run_guest", runner.build);
		for (m = t->next; m != NULL; m = m->next)
			add_program(&v, m);
		push(&v, "%s", "--");
		push(&v, "%s", "/run_guest");
		for (m = t->next; m != NULL; m = m->next) {
			words_of(m, words);
			push(&v, "%s", words);
		}
		break;
	}
	execv(v.arg[0], v.arg);
	perror(v.arg[0]);
	_exit(126);
}

/* Seconds of the host's processors: a test's price, whatever runs beside. */
static double
of_cpu(const struct rusage *used)
{
	return (double)(used->ru_utime.tv_sec + used->ru_stime.tv_sec) +
	    1e-6 * (double)(used->ru_utime.tv_usec + used->ru_stime.tv_usec);
}

/* Until one ends, or is over its time. */
void
wait_one(void)
{
	struct timespec nap = { 0, 20000000 };
	struct rusage used;
	struct test *t;
	double over;
	unsigned j;
	int status;

	for (;;) {
		for (j = 0; j < runner.njobs; j++) {
			t = runner.job[j];
			if (t == NULL)
				continue;
			if (wait4(t->pid, &status, WNOHANG, &used) == t->pid) {
				runner.job[j] = NULL;
				t->cpu = of_cpu(&used);
				kill(-t->pid, SIGKILL);
				judge(t, status);
				return;
			}
			over = fair_now() - t->begun -
			    runner.patience * t->timeout;
			if (over > 0) {
				t->over = true;
				kill(-t->pid, over > GRACE ? SIGKILL : SIGTERM);
			}
		}
		nanosleep(&nap, NULL);
	}
}

static void
judge(struct test *t, int status)
{
	t->status =
	    WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	t->seconds = now() - t->start;
	if (t->kind == KIND_BATCH)
		judge_batch(t, t->status);
	else
		verdict(t);
}

void
verdict(struct test *t)
{
	t->why[0] = '\0';
	t->failed = t->status != t->expect;
	if (t->failed && t->over)
		snprintf(t->why, sizeof t->why, "no end after %u s",
		    runner.patience * t->timeout);
	else if (t->failed)
		snprintf(t->why, sizeof t->why, "status %u, expected %u",
		    t->status, t->expect);
	else
		t->failed = !same_output(t);
	if (runner.again) {
		printf("    again  ");
	} else {
		runner.failed += t->failed;
		printf("%4u/%u  ", ++runner.done, runner.ntests);
	}
	printf("%-44s %s %6.1f s %6.1f s of CPU%s%s\n", t->name,
	    t->failed ? "FAIL" : "ok  ", t->seconds, t->cpu,
	    t->failed ? "  " : "", t->why);
	fflush(stdout);
}

bool
holds(const char *script, const char *first, const char *second)
{
	int status = -1;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		execl("/bin/sh", "sh", "-c", script, "sh", first, second, NULL);
		_exit(127);
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status == 0;
}

/* cmp with NAME.expected, where there is one. */
static bool
same_output(struct test *t)
{
	char *out, expected[300];

	if (t->kind != KIND_PROG)
		return true;
	snprintf(expected, sizeof expected, "%.*s.expected",
	    (int)strlen(t->path) - 2, t->path);
	if (access(expected, R_OK) != 0)
		return true;
	out = kept(t, "out");
	if (holds("cmp -s \"$1\" \"$2\"", expected, out)) {
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
	char *path = kept(t, suffix);

	if (!holds("[ ! -s \"$1\" ] || { echo \"  -- $1\"; tail -n 12 \"$1\" | "
	    "sed 's/^/  | /'; }", path, NULL))
		printf("  (no %s)\n", path);
	free(path);
}

static int
by_price(const void *a, const void *b)
{
	const struct test *const *x = a, *const *y = b;

	return ((*x)->cpu < (*y)->cpu) - ((*x)->cpu > (*y)->cpu);
}

/* Where the time went: whoever wants the tests to be faster begins there. */
static void
slowest(void)
{
	static const struct test *by[MAX_TESTS];
	double cpu = 0;
	unsigned i;

	for (i = 0; i < runner.ntests; i++) {
		by[i] = &runner.test[i];
		cpu += by[i]->cpu;
	}
	if (i < 2 * SLOWEST)
		return;
	qsort(by, i, sizeof by[0], by_price);
	printf("\n%.0f s, %.0f s of CPU; the dearest:\n", now() - runner.start,
	    cpu);
	for (i = 0; i < SLOWEST; i++)
		printf("  %6.1f s of CPU  %s\n", by[i]->cpu, by[i]->name);
}

static void
show_failure(const struct test *t)
{
	printf("\nFAILED %s: %s%s\n  alone: make check TEST=%s\n", t->name, t->why,
	    t->unsteady ? "; then it passed twice: unsteady, as too many are" : "",
	    t->name);
	show_tail(t, t->looked ? "first.out" : "out");
	show_tail(t, t->looked ? "first.err" : "err");
	show_tail(t, t->looked ? "first.log" : "log");
}

static void
report(void)
{
	unsigned i;

	for (i = 0; i < runner.ntests; i++)
		if (runner.test[i].failed)
			show_failure(&runner.test[i]);
	slowest();
	if (runner.nagain > 0)
		printf("\nrun again: %u times, %.1f s, %.1f s of CPU\n",
		    runner.nagain, runner.again_seconds, runner.again_cpu);
	for (i = 0; i < runner.ntests; i++) {
		const struct test *t = &runner.test[i];

		if (t->unsteady && !t->failed)
			printf("unsteady: %s  (%s; then it passed twice; see "
			       "%s/check/%s.first.*)\n",
			    t->name, t->why, runner.build, t->name);
	}
	printf("%s%u passed, %u failed\n", runner.failed ? "\n" : "",
	    runner.ntests - runner.failed, runner.failed);
}

/* The part of a second that a host with many who would run gives to each. */
static double
share(void)
{
	double cpus = (double)sysconf(_SC_NPROCESSORS_ONLN);
	unsigned running = 0;
	FILE *f = fopen("/proc/loadavg", "re");

	if (f != NULL) {
		if (fscanf(f, "%*s %*s %*s %u/", &running) != 1)
			running = 0;
		fclose(f);
	}
	return running > cpus ? cpus / running : 1;
}

/* Seconds in which a test could have had a processor: a limit is the test's, and
 * a host with other work, or one that stood still, does not use it up. */
static double
fair_now(void)
{
	static double fair, last;
	double passed = now() - last;

	if (passed >= LOOK_SECONDS) {
		/* The longer time is one in which this program had no turn, either. */
		if (last != 0)
			fair += share() * (passed < 2 * LOOK_SECONDS ? passed : 2 * LOOK_SECONDS);
		last += passed;
	}
	return fair;
}

static double
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}
