/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_strings.c: what is submitted is data, in every report
 *
 * Problem   One panic text with a wrong byte broke the JUnit file of a class; an
 *           escape sequence reached a terminal, a file's name an annotation.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <gcrypt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "report/report.h"

static void
texts(void **state)
{
	static const char *const rows[][2] = {
		{ "fine\t\xc3\xa4\n", "fine\t\xc3\xa4\n" },
		{ "a\033[2Jb\007", "a\\x1B[2Jb\\x07" },
		{ "\xff|\xc3(", "\\xFF|\\xC3(" },         /* no UTF-8 */
		{ "\xc0\xaf\xed\xa0\x80", "\\xC0\\xAF\\xED\\xA0\\x80" },
		{ "\xc2\x9b" "31m", "\\xC2\\x9B" "31m" },   /* CSI in one */
		{ "\xef\xbf\xbf\xf4\x90\x80\x80", "\\xEF\\xBF\\xBF\\xF4\\x90\\x80\\x80" },
		{ "\xe2\x80\xae", "\\xE2\\x80\\xAE" },     /* right to left */
		{ "\xe2\x80\x8b\xef\xbb\xbf", "\\xE2\\x80\\x8B\\xEF\\xBB\\xBF" }, /* no width */
		{ "one\r\ntwo\rthree", "one\ntwo\nthree" },
		{ "cut\xe2\x82", "cut\\xE2\\x82" },
	};
	size_t i;
	char *s;

	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		s = plain(rows[i][0]);
		assert_string_equal(s, rows[i][1]);
		free(s);
	}
}

/* ---- reports ---- */

static const char hostile[] =
    "PANIC: \xff\033[31m]]><&\" \001\n::error file=x::me\xed\xa0\x80";

static struct report *
hostile_report(const char *folder)
{
	static struct test test = { .id = (char *)"05/t08", .step = 1,
		.points = 10, .name = (char *)"x", .title = (char *)"A claim" };
	static struct lab lab = { .name = (char *)"05-fork",
		.source = (char *)"fork.c", .dir = (char *)"labs/05-fork" };
	static struct options o;
	struct report *r = xalloc(sizeof *r);
	struct verdict *v = &r->result[0].verdict;

	o.submission = "a,line=7\n::error title=b::\033[2J%:\xff.c";
	o.out = folder;
	r->lab = &lab;
	r->options = &o;
	r->nresults = 1;
	memcpy(r->started, "2026-11-27T20:00:00Z", 21);
	r->result[0].test = &test;
	v->status = ST_PANIC;
	v->nfailures = 1;
	v->failure[0].what = xstrdup("panic");
	v->failure[0].expected = xstrdup("no panic");
	v->failure[0].got = xstrdup(hostile);
	return r;
}

static bool
is_clean(const char *s)
{
	char *again = plain(s);
	bool same = strcmp(again, s) == 0;

	free(again);
	return same;
}

/* What grading/course/forms.jq makes of a result, in a file beside it. */
static char *
form(const char *path, const char *name)
{
	const char *argv[] = { "jq", "-r", "--arg", "form", name, "-f",
		"grading/course/forms.jq", path, NULL };
	char *out = NULL;

	assert_int_equal(command(argv, &out), 0);
	assert_true(is_clean(out));
	return out;
}

static void
forms(const char *path, struct report *r)
{
	const char *lint[] = { "xmllint", "--noout", "--schema",
		"grading/schema/junit.xsd", path, NULL };
	char *s;

	s = form(path, "github");
	assert_string_equal(s,
	    "::error file=a%2Cline=7%0A%3A%3Aerror title=b%3A%3A\\x1B[2J%25%3A\\xFF.c,"
	    "line=1,title=05/t08 x::expected no panic; got "
	    "PANIC: \\xFF\\x1B[31m]]><&\" \\x01%0A::error file=x::me\\xED\\xA0\\x80\n"
	    "::notice title=05-fork::0 of 0 points\n");
	free(s);
	s = form(path, "gitlab");
	assert_true(file_write(path, s, strlen(s)));
	assert_int_equal(cmd_validate(path, "grading/schema/gitlab.json"), 0);
	free(s);
	assert_true(report_json(r, path));
	s = form(path, "gradescope");
	assert_non_null(strstr(s, "PANIC: \\\\xFF\\\\x1B[31m"));
	assert_true(file_write(path, s, strlen(s)));
	assert_int_equal(cmd_validate(path, "grading/schema/gradescope.json"), 0);
	free(s);
	assert_true(report_json(r, path));
	s = form(path, "junit");
	assert_non_null(strstr(s, "PANIC: \\xFF\\x1B[31m]]&gt;&lt;&amp;&quot;"));
	assert_true(file_write(path, s, strlen(s)));
	free(s);
	if (access("/usr/bin/xmllint", X_OK) == 0)
		assert_int_equal(command(lint, NULL), 0);
}

static void
reports(void **state)
{
	char *folder = tidy_folder(), *path = xprintf("%s/out", folder), *s;
	struct report *r = hostile_report(folder);
	json_error_t e;
	json_t *j;
	int terminal;

	assert_true(report_json(r, path));
	j = json_load_file(path, 0, &e);
	assert_non_null(j);
	s = (char *)json_string_value(json_object_get(json_array_get(
	    json_object_get(json_array_get(json_object_get(j, "tests"), 0),
	    "failed"), 0), "got"));
	assert_non_null(s);
	assert_non_null(strstr(s, "PANIC: \\xFF"));
	json_decref(j);
	if (access("/usr/bin/jq", X_OK) == 0)
		forms(path, r);

	fflush(stdout);
	terminal = dup(1);
	assert_non_null(freopen(path, "w", stdout));
	report_text(r, false);
	fflush(stdout);
	dup2(terminal, 1);
	close(terminal);
	s = file_read(path, NULL);
	assert_true(is_clean(s));
	assert_non_null(strstr(s, "\\x1B[31m"));
	free(s);
	report_free(r);
	free(r);
	tidy_remove(folder);
	free(folder);
	free(path);
}

/* ---- files ---- */

static void
one_open(void **state)
{
	static const char *const rows[][2] = { /* name in the folder, why not */
		{ "f.c", NULL }, { "l.c", "a link: hand in the file itself" },
		{ "p.c", "no regular file" }, /* and does not wait */
		{ ".", "a folder" }, { "big.c", "larger than 1 MiB" },
		{ "none.c", "No such file or directory" },
	};
	char *folder = tidy_folder(), *big = xalloc(SUBMISSION_MOST + 1), *text;
	int at = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char *file = xprintf("%s/f.c", folder), *large = xprintf("%s/big.c", folder);
	const char *why;
	size_t i, n;

	assert_true(file_write(file, "int x;\n", 7));
	assert_true(file_write(large, big, SUBMISSION_MOST + 1));
	assert_int_equal(symlinkat(file, at, "l.c"), 0);
	assert_int_equal(mkfifoat(at, "p.c", 0600), 0);
	for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		text = submission_read(at, rows[i][0], &n, &why);
		if (rows[i][1] != NULL) {
			assert_null(text);
			assert_string_equal(why, rows[i][1]);
			continue;
		}
		assert_null(why);
		assert_string_equal(text, "int x;\n");
		assert_int_equal(n, 7);
		free(text);
	}
	assert_true(file_write(large, big, SUBMISSION_MOST));
	text = submission_read(at, "big.c", &n, &why);
	assert_non_null(text);
	assert_int_equal(n, SUBMISSION_MOST);
	free(text);
	close(at);
	tidy_remove(folder);
	free(folder);
	free(file);
	free(large);
	free(big);
}

/* A folder that nobody has goes after an hour; one of a run that lives stays. */
static void
leftovers(void **state)
{
	const struct timeval old[2] = { { .tv_sec = 1000 }, { .tv_sec = 1000 } };
	char *mine = tidy_folder(), *left = xprintf("%s/grade.abcdef", mine);
	char *young = xprintf("%s/grade.ghijkl", mine);
	char *lives = xprintf("%s/grade.mnopqr", mine);
	char *other = xprintf("%s/grade.made-by-hand", mine);
	char *const all[] = { left, young, lives, other };
	char *was = getenv("TMPDIR") != NULL ? xstrdup(getenv("TMPDIR")) : NULL;
	size_t i;
	int fd;

	for (i = 0; i < 4; i++) {
		assert_int_equal(mkdir(all[i], 0700), 0);
		if (all[i] != young)
			assert_int_equal(utimes(all[i], old), 0);
	}
	fd = open(lives, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	setenv("TMPDIR", mine, 1);
	tidy_init();
	assert_int_not_equal(access(left, F_OK), 0);
	assert_int_equal(access(young, F_OK), 0);
	assert_int_equal(access(lives, F_OK), 0);
	assert_int_equal(access(other, F_OK), 0);
	close(fd);
	if (was != NULL)
		setenv("TMPDIR", was, 1);
	else
		unsetenv("TMPDIR");
	tidy_remove(mine);
	for (i = 0; i < 4; i++)
		free(all[i]);
	free(mine);
	free(was);
}

/* What a run has is locked as long as it lives. */
static void
locked(void **state)
{
	char *mine = tidy_folder();
	int fd = open(mine, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), -1);
	close(fd);
	tidy_remove(mine);
	assert_int_not_equal(access(mine, F_OK), 0);
	free(mine);
}

/* A compiler shows the line that is wrong, with all that its author wrote there. */
static void
limits_and_lines(void **state)
{
	static const char error[] = "fork.c: In function 'fork_range':\n"
	    "fork.c:12:3: error: unknown type name 'retrun'\n"
	    "   12 |                 retrun -ENOMEM; /* out of memory */\n"
	    "      |                 ^~~~~~\n"
	    "fork.c:14:3: error: 'x' undeclared\n"
	    "   14 |         klog(\"lab 05: fork: Cannot fork\", x);\n"
	    "fork.c:15:2: error: #error File too large\n";
	static const struct limits *l = &compiler_limits;
	int one = 1 << 8; /* exit(1) */

	assert_null(limits_met(l, one, error));
	assert_false(limits_of_host(one, error));
	assert_non_null(limits_met(l, one, "cc1: out of memory allocating 65536 bytes\n"));
	assert_non_null(limits_met(l, one, "gcc: internal compiler error: CPU time limit "
	    "exceeded signal terminated program cc1\n"));
	assert_true(limits_of_host(one, "gcc: fatal error: Killed signal terminated "
	    "program cc1\n"));
	assert_true(limits_of_host(one, "sh: 1: Cannot fork\n"));
	assert_true(limits_of_host(one, "gcc: fatal error: cannot execute 'cc1': vfork: "
	    "Resource temporarily unavailable\n"));
}

/* make grade FILE=…: neither make nor a shell reads what is in a name. */
static void
names_through_make(void **state)
{
	static const char *const names[] = { "a'b\"c.c", "$(shell touch RAN).c",
		"`touch RAN`;$(touch RAN) x.c", "two\nlines.c", "$x${HOME}#.c" };
	char *folder = tidy_folder(), *got = xprintf("%s/got", folder);
	char *ran = xprintf("%s/RAN", folder), *arg, *text, *want;
	char *script = xprintf("unset MAKEFLAGS MAKELEVEL MFLAGS; cd %s && "
	    "sed -n '/^# A name that somebody/,/^submitted/p' '%s/Makefile' >M && "
	    "printf 'all:\\n\\t@printf \"%%%%s|\" $(submitted) >got\\n' >>M && "
	    "make -s -f M \"$1\"", folder, getenv("PWD"));
	const char *run[] = { "sh", "-c", script, "sh", NULL, NULL };
	size_t i;

	for (i = 0; i < sizeof names / sizeof names[0]; i++) {
		run[4] = arg = xprintf("FILE=%s", names[i]);
		assert_int_equal(command(run, NULL), 0);
		text = file_read(got, NULL);
		want = xprintf("--submission|%s|", names[i]);
		assert_non_null(text);
		assert_string_equal(text, want);
		assert_int_not_equal(access(ran, F_OK), 0);
		free(arg);
		free(text);
		free(want);
	}
	tidy_remove(folder);
	free(folder);
	free(got);
	free(ran);
	free(script);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts),
		cmocka_unit_test(reports),
		cmocka_unit_test(one_open),
		cmocka_unit_test(leftovers),
		cmocka_unit_test(locked),
		cmocka_unit_test(limits_and_lines),
		cmocka_unit_test(names_through_make),
	};

	gcry_check_version(NULL);
	gcry_control(GCRYCTL_INITIALIZATION_FINISHED, 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
