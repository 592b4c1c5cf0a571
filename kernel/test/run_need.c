/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * run_need.c: what make must build before these tests can run
 *
 * Problem   Whoever wants the verdict of one test shall not wait for hundreds of
 *           programs that it does not run.
 *
 * Picture   a program: the image and itself; of the host: its binary; a case:
 *           the image, tools, and the programs that its script names
 *
 * Rules     1. A case that calls other scripts of kernel/test, or names programs
 *              by a variable, gets all of `testing`.
 *
 * Read next Makefile, check.
 */
#include <ctype.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "run.h"

#define TARGET_BYTES 300
#define MOST_TARGETS 512

static char target[MOST_TARGETS][TARGET_BYTES];
static unsigned ntargets;

static void
want(const char *name)
{
	unsigned i;

	for (i = 0; i < ntargets; i++)
		if (strcmp(target[i], name) == 0)
			return;
	if (ntargets < MOST_TARGETS)
		snprintf(target[ntargets++], TARGET_BYTES, "%s", name);
}

/* progs/NAME… in a script: the program; else all that tests may want. */
static void
want_named(const char *at)
{
	char name[128], path[TARGET_BYTES];
	glob_t found;
	size_t n = 0;

	while (n < sizeof name - 1 &&
	    (isalnum((unsigned char)at[n]) || at[n] == '_'))
		n++;
	snprintf(name, sizeof name, "%.*s", (int)n, at);
	snprintf(path, sizeof path, "kernel/test/progs/*/%s.c", name);
	if (at[n] == '$' || glob(path, 0, NULL, &found) != 0) {
		want("testing");
		return;
	}
	globfree(&found);
	snprintf(path, sizeof path, "%s/kernel/test/progs/%s", runner.build, name);
	want(path);
}

static void
want_of_line(const char *line)
{
	static const char tests[] = "kernel/test/";
	static const char *const known[] = { "cases/lib.sh", "progs/" };
	const char *at = line;

	for (; (at = strstr(at, tests)) != NULL;) {
		at += sizeof tests - 1;
		if (strncmp(at, known[1], strlen(known[1])) == 0)
			want_named(at + strlen(known[1]));
		else if (strncmp(at, known[0], strlen(known[0])) != 0)
			want("testing");
	}
}

static void
want_of_case(const struct test *t)
{
	static const char *const tools[] = { "image", "build/tools/run",
		"build/tools/bstep", "build/tools/labcut", "build/tools/ctext",
		"build/tools/replaylog" };
	FILE *f = fopen(t->path, "r");
	char line[1024];
	size_t i;

	for (i = 0; i < sizeof tools / sizeof tools[0]; i++)
		want(tools[i]);
	while (f != NULL && fgets(line, sizeof line, f) != NULL)
		if (line[0] != '#')
			want_of_line(line);
	if (f != NULL)
		fclose(f);
}

void
say_needed(void)
{
	char name[TARGET_BYTES], base[WORDS_BYTES];
	unsigned i;

	for (i = 0; i < runner.ntests; i++) {
		const struct test *t = &runner.test[i];

		switch (t->kind) {
		case KIND_HOST:
			want(t->path);
			break;
		case KIND_PROG:
			want("image");
			base_of(t, base);
			snprintf(name, sizeof name, "%s/kernel/test/progs/%.127s",
			    runner.build, base);
			want(name);
			break;
		case KIND_BOOT:
			want("image");
			break;
		case KIND_CASE:
			want_of_case(t);
			break;
		case KIND_BATCH:
			break;
		}
	}
	for (i = 0; i < ntargets; i++)
		puts(target[i]);
}
