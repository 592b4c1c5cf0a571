/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * run_find.c: which tests there are, and what each of them needs
 *
 * Rules     1. A test says what it needs in its first line:
 *              NEEDS: MEM=64M CPUS=1,4 TIMEOUT=20 ARGS=a:b APPEND=x=1:y=2
 *                     EXPECT=139 EMULATOR=bochs SWAP=256M ICOUNT=1 KIND=exact
 *              (and SWEEP=…, which is for kernel/test/inject; CLOCK=1: not in a
 *              machine that is made slow; LINUX=no: on Linux its verdict would be
 *              that of the host's other work).
 *           2. A program and a number of CPUs are a test.
 *           3. It belongs to check, unless it says MORE=all: to check-more, or
 *              LONG=1: to the night.  MORE=1,2 beside CPUS=1,2,4 says so of
 *              one and two CPUs only.  SHORT=…: in check a form of it that
 *              takes seconds, in check-more all of it: of a program these
 *              ARGS, of a case or a test on the host what it does when SHORT
 *              is set.  TURN=3: it is dear, so check has it for one commit of
 *              three, by its name, and check-more for the other two.  TURN=1,2: in
 *              check-more, too, for one commit of two; check-long has them all.
 *              SUBJECT=grader: it has its turn with that word instead of its name, for
 *              both want the same built, or both are too dear for one turn.
 *           4. KIND says what its verdict hangs on: exact, bounded, timed (enum
 *              sort); of a program of several CPUs exact,bounded: alone it is
 *              exact, in a machine that is the same each run (tools/guest
 *              --icount).  Lint refuses a test without, and a bounded one without a
 *              line BOUNDED: that says why.  A timed one runs in the night.
 *
 * Read next run.c, kernel/test/progs/.
 */
#include <dirent.h>
#include <fnmatch.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "run.h"

static void find_in(const char *dir, const char *suffix, enum kind kind);
static void find_by_subject(const char *dir, const char *suffix, enum kind kind);
static void add_file(enum kind kind, const char *path, const char *needs);
static void parse_needs(
    struct test *t, char *cpus, char *more, char *kinds, const char *line);
static bool has_its_turn(const struct test *t, enum level level);
static enum sort sort_of(const char *kinds, const struct test *t);
static bool has_word(const char *list, const char *word);
static bool is_wanted(const struct test *t);

static int
by_timeout(const void *a, const void *b)
{
	const struct test *x = a, *y = b;

	return x->timeout != y->timeout ? (int)y->timeout - (int)x->timeout
	                                : strcmp(x->name, y->name);
}

/* The slow ones first, so that the end is not one long test alone. */
void
find_all(void)
{
	find_in("kernel/test/host", ".c", KIND_HOST);
	if (access("kernel/test/boot/selftest.c", R_OK) == 0)
		add_file(KIND_BOOT, "kernel/test/boot/selftest.c",
		    "NEEDS: MEM=124M SWAP=128M CPUS=1,2,4 APPEND=norandom=1:ramdisk=64M:swap=rama TIMEOUT=60 MORE=2 KIND=bounded");
	find_by_subject("kernel/test/progs", ".c", KIND_PROG);
	find_by_subject("kernel/test/cases", ".sh", KIND_CASE);
	qsort(runner.test, runner.ntests, sizeof runner.test[0], by_timeout);
}

/* In each folder of DIR: one subject's. */
static void
find_by_subject(const char *dir, const char *suffix, enum kind kind)
{
	struct dirent **list;
	char path[512];
	int i, n = scandir(dir, &list, NULL, alphasort);

	for (i = 0; i < n; i++) {
		snprintf(path, sizeof path, "%s/%s", dir, list[i]->d_name);
		if (list[i]->d_type != DT_REG && list[i]->d_name[0] != '.')
			find_in(path, suffix, kind);
		free(list[i]);
	}
	if (n >= 0)
		free(list);
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
		/* In scripts the line after #!. */
		while (f != NULL && fgets(line, sizeof line, f) != NULL &&
		       strncmp(line, "#!", 2) == 0)
			;
		if (f != NULL && strstr(line, "NEEDS:") != NULL)
			add_file(kind, path, line);
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
	char cpus[64] = "2", more[64] = "", kinds[64] = "", base[128], copy[256];
	char *word, *save, *dot;
	struct test *t;

	snprintf(copy, sizeof copy, "%s", path);
	snprintf(base, sizeof base, "%s", basename(copy));
	dot = strrchr(base, '.');
	if (dot != NULL)
		*dot = '\0';
	if (kind == KIND_HOST)
		snprintf(proto.path, sizeof proto.path, "%s/host/%s",
		    runner.build, base);
	else
		snprintf(proto.path, sizeof proto.path, "%s", path);
	if (kind == KIND_HOST && !runner.list_only && access(proto.path, X_OK) != 0)
		return;
	parse_needs(&proto, cpus, more, kinds, needs);
	if (runner.cpus != 0)
		snprintf(cpus, sizeof cpus, "%u", runner.cpus);
	if (runner.swap != NULL && proto.swap[0] == '\0')
		snprintf(proto.swap, sizeof proto.swap, "%s", runner.swap);
	for (word = strtok_r(cpus, ",", &save); word != NULL;
	     word = strtok_r(NULL, ",", &save)) {
		if (runner.ntests == MAX_TESTS) {
			fprintf(stderr, "run: more than %d tests\n", MAX_TESTS);
			exit(2);
		}
		t = &runner.test[runner.ntests];
		*t = proto;
		t->cpus = atoi(word);
		t->sort = sort_of(kinds, t);
		if (t->sort == SORT_TIMED)
			t->level = LEVEL_LONG;
		if (t->level == LEVEL_CHECK &&
		    (strcmp(more, "all") == 0 || has_word(more, word)))
			t->level = LEVEL_MORE;
		if (kind == KIND_HOST || kind == KIND_CASE)
			snprintf(t->name, sizeof t->name, "%.100s", base);
		else
			snprintf(t->name, sizeof t->name, "%.100s@%u", base,
			    t->cpus);
		if (t->level == LEVEL_CHECK && !has_its_turn(t, LEVEL_CHECK))
			t->level = LEVEL_MORE;
		if (is_wanted(t))
			runner.ntests++;
	}
}

/* The first digits of HEAD; cases/lib.sh draws by others. */
static unsigned
commit_number(void)
{
	static unsigned number;
	static bool known;
	FILE *f;

	if (known)
		return number;
	known = true;
	f = popen("git rev-parse HEAD 2>/dev/null", "r");
	if (f != NULL && fscanf(f, "%7x", &number) != 1)
		number = 0;
	if (f != NULL)
		pclose(f);
	return number;
}

/* Those of one subject together: the name up to its first _, or what SUBJECT= says. */
static bool
has_its_turn(const struct test *t, enum level level)
{
	unsigned turns = t->turns[level], draw = commit_number() >> 4 * level;
	char subject[128];

	snprintf(subject, sizeof subject, "%s", t->subject[0] != '\0' ? t->subject : t->name);
	subject[strcspn(subject, "_@")] = '\0';
	return turns < 2 || (number_of(subject) + draw) % turns == 0;
}

/* FNV-1a. */
unsigned
number_of(const char *name)
{
	unsigned h = 2166136261u;

	for (; *name != '\0'; name++)
		h = (h ^ (unsigned char)*name) * 16777619u;
	return h ^ h >> 16;
}

/* KIND=exact,bounded: exact in a machine of one CPU, bounded in one of several. */
static enum sort
sort_of(const char *kinds, const struct test *t)
{
	bool machine = t->kind == KIND_PROG || t->kind == KIND_BOOT;

	if (has_word(kinds, "exact") && (!machine || t->cpus == 1))
		return SORT_EXACT;
	return has_word(kinds, "timed") ? SORT_TIMED : SORT_BOUNDED;
}

/* a,b,c has b. */
static bool
has_word(const char *list, const char *word)
{
	size_t n = strlen(word);

	for (; *list != '\0'; list += strcspn(list, ","), list += *list == ',')
		if (strcspn(list, ",") == n && strncmp(list, word, n) == 0)
			return true;
	return false;
}

static void
parse_needs(struct test *t, char *cpus, char *more, char *kinds,
    const char *line)
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
			t->level = LEVEL_LONG;
		else if (strcmp(word, "MORE") == 0)
			snprintf(more, 64, "%s", value);
		else if (strcmp(word, "SHORT") == 0)
			snprintf(t->brief, sizeof t->brief, "%s", value);
		else if (strcmp(word, "ICOUNT") == 0)
			t->counts = atoi(value) != 0;
		else if (strcmp(word, "KIND") == 0)
			snprintf(kinds, 64, "%s", value);
		else if (strcmp(word, "CLOCK") == 0)
			t->by_clock = true;
		else if (strcmp(word, "TURN") == 0)
			sscanf(value, "%u,%u", &t->turns[LEVEL_CHECK], &t->turns[LEVEL_MORE]);
		else if (strcmp(word, "SUBJECT") == 0)
			snprintf(t->subject, sizeof t->subject, "%s", value);
		else if (strcmp(word, "OWN") == 0)
			t->own = atoi(value) != 0;
		else if (strcmp(word, "ALONE") == 0)
			t->alone = atoi(value) != 0;
	}
}

/* By name, with or without the CPUs; else by who waits. */
static bool
is_wanted(const struct test *t)
{
	char base[128];
	int i;

	if (t->sort == runner.leave_out ||
	    (runner.leave_out != SORT_NONE && t->sort == SORT_TIMED))
		return false;
	snprintf(base, sizeof base, "%s", t->name);
	base[strcspn(base, "@")] = '\0';
	/* QEMU's processors that count instructions wait for each other too long. */
	if (runner.shift != NULL && (t->by_clock || t->cpus > 1 ||
	    t->kind == KIND_HOST || t->kind == KIND_CASE))
		return false;
	for (i = 0; i < runner.npatterns; i++)
		if (fnmatch(runner.pattern[i], t->name, 0) == 0 ||
		    fnmatch(runner.pattern[i], base, 0) == 0)
			return true;
	if (runner.npatterns > 0)
		return false;
	if (runner.wanted[LEVEL_LONG] && runner.wanted[t->level])
		return true;
	if (t->level == LEVEL_MORE || (t->brief[0] != '\0' && runner.wanted[LEVEL_MORE]))
		return runner.wanted[LEVEL_MORE] && has_its_turn(t, LEVEL_MORE);
	return runner.wanted[t->level];
}
