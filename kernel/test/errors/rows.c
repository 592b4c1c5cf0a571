/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rows.c: runs tables of calls and prints what each answers
 *
 * Problem   Hundreds of wrong calls, each with its own files, descriptors,
 *           identity and limits, whose answers are compared with Linux.
 *
 * Picture   *.tab → calls by name;  *.rows → one line at a time
 *           row → a process of its own, in a fresh directory, as root:
 *             the named things are made, the steps called one by one
 *             → what the last one answered, through a pipe
 *           → "row = answer" on standard output
 *
 * Rules     1. What stands behind " = " in the table is not looked at: the
 *              answers are compared outside, by the text.
 *           2. Answers that another run would not repeat (numbers of
 *              processes, addresses, times) are "ok".
 *           3. A step before the last one that fails is the row's answer, but
 *              for one behind the word "try".
 *
 * Read next README.md has the language; expr.c, things.c, tree.c.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "rows.h"

#define MAX_CALLS 512
#define ANSWER_BYTES 256
#define PATIENCE_MS 20000
#define WRONG_STATUS 99
/* Where the answer's pipe is, out of the way of what rows open. */
#define ANSWER_FD 200

static struct call calls[MAX_CALLS];
static int ncalls;
static unsigned nrows;
static bool anything_wrong;

static bool is_calls(const char *path);
static void read_calls(const char *path);
static void run_table(const char *path, const char *only);
static void run_row(const char *row);
static void be_row(const char *row) __attribute__((noreturn));
static int64_t do_step(const char **text, const char **name);
static int64_t call_linux(const struct call *c, const uint64_t a[]);
static void answer(const char *fmt, ...)
    __attribute__((format(printf, 1, 2), noreturn));
static void answer_of(const char *name, int64_t r) __attribute__((noreturn));
static void make_named(const char *row);
static int unused_calls(void);

int
main(int argc, char **argv)
{
	const char *only = NULL;
	int i = 1;

	if (argc > 2 && strcmp(argv[i], "-o") == 0) {
		only = argv[2];
		i = 3;
	}
	if (argc - i < 2 || argv[i][0] == '-') {
		fputs("rows [-o TEXT] CALLS.tab... TABLE.rows...\n"
		    "what each row answers, one a line; with -o only the rows\n"
		    "that contain TEXT; calls without a row are an error\n",
		    stderr);
		return argc == 2 && strcmp(argv[1], "--help") == 0 ? 0 : 2;
	}
	if (getuid() != 0) {
		fputs("rows: only root can be other users\n", stderr);
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	umask(0);
	for (; i < argc && is_calls(argv[i]); i++)
		read_calls(argv[i]);
	tree_mounts();
	for (; i < argc; i++)
		run_table(argv[i], only);
	tree_unmount();
	if (only == NULL && unused_calls() > 0)
		return 1;
	printf("# %u rows\n", nrows);
	return anything_wrong;
}

static bool
is_calls(const char *path)
{
	const char *end = strrchr(path, '.');

	return end != NULL && strcmp(end, ".tab") == 0;
}

static void
read_calls(const char *path)
{
	char line[256], *word;
	FILE *in = fopen(path, "r");

	if (in == NULL) {
		perror(path);
		exit(2);
	}
	while (fgets(line, sizeof(line), in) != NULL) {
		struct call *c = &calls[ncalls];

		if (!isdigit((unsigned char)line[0]))
			continue;
		if (ncalls == MAX_CALLS) {
			fprintf(stderr, "%s: too many calls\n", path);
			exit(2);
		}
		c->number = atoi(strtok(line, " \n"));
		word = strtok(NULL, " \n");
		snprintf(c->name, sizeof(c->name), "%s", word ? word : "");
		while ((word = strtok(NULL, " \n")) != NULL)
			c->nargs += strchr(word, ':') != NULL;
		ncalls++;
	}
	fclose(in);
}

struct call *
call_find(const char *name)
{
	int i;

	for (i = 0; i < ncalls; i++)
		if (strcmp(calls[i].name, name) == 0)
			return &calls[i];
	return NULL;
}

static int
unused_calls(void)
{
	int i, n = 0;

	for (i = 0; i < ncalls; i++) {
		/* What Linux does not have (4096 …) has no answer of its. */
		if (calls[i].used || calls[i].number >= 4096)
			continue;
		fprintf(stderr, "rows: no row ends with %s()\n",
		    calls[i].name);
		n++;
	}
	return n;
}

static void
run_table(const char *path, const char *only)
{
	static char line[4096];
	FILE *in = fopen(path, "r");
	char *end;

	if (in == NULL) {
		perror(path);
		exit(2);
	}
	while (fgets(line, sizeof(line), in) != NULL) {
		end = strstr(line, " = ");
		if (end == NULL)
			end = line + strcspn(line, "\n");
		while (end > line && isspace((unsigned char)end[-1]))
			end--;
		*end = '\0';
		if (line[0] == '#' || line[0] == '\0' ||
		    (only != NULL && strstr(line, only) == NULL))
			continue;
		run_row(line);
	}
	fclose(in);
}

/* The call that a row is about is that of its last step. */
static void
mark_used(const char *row)
{
	const char *last = strrchr(row, ';');
	char name[32];
	size_t n;
	struct call *c;

	last = last == NULL ? row : last + 1;
	last += strspn(last, " ");
	n = strcspn(last, "(");
	if (n >= sizeof(name))
		return;
	memcpy(name, last, n);
	name[n] = '\0';
	c = call_find(name);
	if (c != NULL)
		c->used = true;
}

static void
run_row(const char *row)
{
	char text[ANSWER_BYTES] = "", dir[16];
	int ends[2], status, n;
	struct pollfd p;
	pid_t pid;

	mark_used(row);
	snprintf(dir, sizeof(dir), "/t/%04u", ++nrows);
	if (mkdir(dir, 0755) < 0 || chdir(dir) < 0 || pipe(ends) < 0) {
		perror(dir);
		exit(2);
	}
	pid = fork();
	if (pid == 0) {
		dup2(ends[1], ANSWER_FD);
		fcntl(ANSWER_FD, F_SETFD, FD_CLOEXEC);
		syscall(SYS_close_range, 3, ANSWER_FD - 1, 0);
		be_row(row);
	}
	close(ends[1]);
	p.fd = ends[0];
	p.events = POLLIN;
	n = poll(&p, 1, PATIENCE_MS);
	if (n <= 0)
		kill(pid, SIGKILL);
	n = n <= 0 ? 0 : read(ends[0], text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = '\0';
	close(ends[0]);
	waitpid(pid, &status, 0);
	if (WIFEXITED(status) && WEXITSTATUS(status) == WRONG_STATUS) {
		anything_wrong = true;
		fprintf(stderr, "rows: %s: %s\n", row, text);
	} else if (n > 0) {
		printf("%s = %s\n", row, text);
	} else if (WIFEXITED(status)) {
		printf("%s = exit %d\n", row, WEXITSTATUS(status));
	} else if (WTERMSIG(status) == SIGKILL) {
		printf("%s = waits\n", row);
	} else {
		printf("%s = killed by %d\n", row, WTERMSIG(status));
	}
	chdir("/");
	tree_remove(dir);
}

void
row_wrong(const char *fmt, ...)
{
	char text[ANSWER_BYTES];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n >= (int)sizeof(text))
		n = sizeof(text) - 1;
	if (write(ANSWER_FD, text, n) != n)
		_exit(WRONG_STATUS - 1);
	_exit(WRONG_STATUS);
}

static void
answer(const char *fmt, ...)
{
	char text[ANSWER_BYTES];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	/* Without write(): a row may have taken its right to do so. */
	_exit(write(ANSWER_FD, text, n) == n ? 0 : WRONG_STATUS - 1);
}

/*
 * A new process that a row made is not asked.  That of the last step ends when
 * the row's has answered: the signal of its end may be one that kills.  For
 * vfork() the row's process waits itself.
 */
static void __attribute__((noreturn))
end_unasked(pid_t parent, const char *step, const char *rest)
{
	struct timespec nap = { 0, 1000000 };

	while (*rest == '\0' && strncmp(step, "vfork", 5) != 0 &&
	    syscall(SYS_getppid) == parent)
		nanosleep(&nap, NULL);
	_exit(0);
}

/* The process of a row: the steps, then the last answer. */
static void
be_row(const char *row)
{
	const char *text = row, *begin, *name = "";
	pid_t self = getpid();
	unsigned step = 0;
	bool may_fail;
	int64_t r;

	make_named(row);
	for (;;) {
		may_fail = expr_take(&text, "try ");
		begin = text + strspn(text, " ");
		r = do_step(&text, &name);
		if (syscall(SYS_getpid) != self)
			end_unasked(self, begin, text);
		expr_keep(step++, r);
		if (!expr_take(&text, ";"))
			break;
		if (!may_fail && r < 0 && r > -4096)
			answer("step %u: %s", step,
			    name_of_errno(-r) ? name_of_errno(-r) : "?");
	}
	if (*text != '\0')
		row_wrong("not understood: '%s'", text);
	answer_of(name, r);
}

/* Whose answer no other run repeats. */
static bool
is_opaque(const char *name)
{
	static const char *const list[] = { "brk", "clone", "clone3", "fork",
		"getpgid", "getpgrp", "getpid", "getppid", "getsid", "gettid",
		"mmap", "mremap", "set_tid_address", "setsid", "time", "times",
		"vfork", "wait4", "syslog" };
	size_t i;

	for (i = 0; i < sizeof(list) / sizeof(*list); i++)
		if (strcmp(list[i], name) == 0)
			return true;
	return false;
}

static void
answer_of(const char *name, int64_t r)
{
	const char *text;

	if (r >= 0 || r < -4095) {
		if (r != 0 && is_opaque(name))
			answer("ok");
		answer("%jd", (intmax_t)r);
	}
	text = name_of_errno(-r);
	if (text == NULL)
		answer("errno %jd", -(intmax_t)r);
	answer("%s", text);
}

/* All things that the row names are there before its first step. */
static void
make_named(const char *row)
{
	char name[64];
	size_t n;
	uint64_t v;

	while (*row != '\0') {
		if (*row == '"') {
			tree_make();
			row = strchr(row + 1, '"');
			if (row == NULL)
				row_wrong("a string without end");
			row++;
		} else if (isalpha((unsigned char)*row)) {
			for (n = 0; isalnum((unsigned char)*row) || *row == '_';
			    row++)
				if (n < sizeof(name) - 1)
					name[n++] = *row;
			name[n] = '\0';
			if (*row != '(')
				thing_value(name, &v);
		} else if (isdigit((unsigned char)*row)) {
			row += strspn(row, "0123456789abcdefABCDEFx");
		} else {
			row++;
		}
	}
}

static int64_t
do_step(const char **text, const char **name)
{
	static char word[32];
	uint64_t a[MAX_ARGS] = { 0 };
	struct call *c;
	size_t n;
	int nargs = 0;

	expr_take(text, "");
	n = strcspn(*text, "(");
	if ((*text)[n] == '\0' || n >= sizeof(word))
		row_wrong("no call at '%s'", *text);
	memcpy(word, *text, n);
	word[n] = '\0';
	*name = word;
	*text += n + 1;
	while (!expr_take(text, ")")) {
		if (nargs == MAX_ARGS)
			row_wrong("too many arguments of %s", word);
		a[nargs++] = expr_value(text);
		if (!expr_take(text, ",") && **text != ')')
			row_wrong("no ) at '%s'", *text);
	}
	if (thing_step(word, a, nargs))
		return 0;
	c = call_find(word);
	if (c == NULL)
		row_wrong("no call %s in a table of calls", word);
	if (c->nargs != nargs)
		row_wrong("%s has %d arguments", word, c->nargs);
	return call_linux(c, a);
}

static int64_t
call_linux(const struct call *c, const uint64_t a[])
{
	/* No call stands between these and the instruction. */
	uint64_t stack = thing_stack();
	register uint64_t r10 __asm__("r10") = a[3];
	register uint64_t r8 __asm__("r8") = a[4];
	register uint64_t r9 __asm__("r9") = a[5];
	int64_t r;

	if (stack == 0) {
		__asm__ volatile("syscall"
		    : "=a"(r)
		    : "a"((long)c->number), "D"(a[0]), "S"(a[1]), "d"(a[2]),
		    "r"(r10), "r"(r8), "r"(r9)
		    : "rcx", "r11", "memory");
		return r;
	}
	__asm__ volatile("mov %%rsp, %%rbx; mov %[stack], %%rsp; syscall;"
	    "mov %%rbx, %%rsp"
	    : "=a"(r)
	    : "a"((long)c->number), "D"(a[0]), "S"(a[1]), "d"(a[2]),
	    "r"(r10), "r"(r8), "r"(r9), [stack] "r"(stack)
	    : "rcx", "r11", "rbx", "memory");
	return r;
}
