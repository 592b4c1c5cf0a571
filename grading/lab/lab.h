/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab.h: labs, their tests, and the numbers that one boot is told
 *
 * Offers    a lab from its folder, a test from its file, a draw from a seed.
 * Needs     base/; the language of the files is TESTFILE.md.
 */
#ifndef GRADING_LAB_H
#define GRADING_LAB_H

#include "base/base.h"

#define MAX_ITEMS 48 /* of each list of a test */
#define LAST_MARK 256u /* kernel/channel/channel.h */

/* ---- testfile.c ---- */

enum param_kind { PARAM_RANGE, PARAM_CHOICE, PARAM_EXPR };

struct param {
	char *name;
	enum param_kind kind;
	int64_t lo, hi;
	struct words choice;
	char *expr;
};

struct region {
	char *name;
	unsigned first, last; /* marks */
};

enum claim_kind { CLAIM_COUNT, CLAIM_WITNESS };

struct claim {
	enum claim_kind kind;
	char *region, *left, *op, *right; /* op "..": right .. high */
	char *high;
	bool deed;
};

enum answer_kind { ANSWER_NUMBER, ANSWER_DIGEST, ANSWER_OUTPUT };

struct answer {
	enum answer_kind kind;
	char *name, *op, *expr; /* expr: rule of a digest, text of OUTPUT */
};

enum hint_kind { HINT_RELATION, HINT_ANSWER, HINT_STATUS, HINT_CLAIM };

struct hint {
	enum hint_kind kind;
	char *left, *op, *right, *text;
	struct words look;
};

struct test {
	char *path, *name, *id, *title, *parent, *kind, *design, *disk, *book;
	char *selftest, *inject, *input;
	int step, points, cpus;
	int sched, few; /* schedules; of them while somebody works, 0: all */
	bool step_gate; /* failing costs all points of its step */
	bool gate, check_vm, check_leak, prefault, shared_image, exit_signal;
	int64_t mem, swap, root, timeout, challenge, inject_from, inject_to;
	char *exit;
	struct words program, look, mutants, options, files, tags, hostcheck;
	struct param param[MAX_ITEMS];
	struct region region[MAX_ITEMS];
	struct claim claim[MAX_ITEMS];
	struct answer answer[MAX_ITEMS];
	struct hint hint[MAX_ITEMS];
	size_t nparams, nregions, nclaims, nanswers, nhints;
};

/* NULL: *why, with file and line. */
struct test *test_read(const char *path, char **why);
struct test *test_parse(const char *path, const char *text, char **why);
void test_drop(struct test *);
const struct region *test_region(const struct test *, const char *name);

/* ---- lab.c ---- */

struct lab {
	char *dir, *name, *title, *file, *source, *part, *design, *chapter,
	    *hours;
	struct words steps, imports, headers, bootfloor, allow;
	int leakstep;
	struct test *test[MAX_ITEMS];
	size_t ntests;
};

/* Number, name or both; hidden: folder of more tests, or NULL. */
struct lab *lab_open(const char *which, const char *hidden, char **why);
void lab_free(struct lab *);
struct words labs_all(void);
const struct test *lab_test(const struct lab *, const char *id);
/* Where there is none: why not, malloc'd. */
char *lab_no_test(const struct lab *, const char *id);

/* ---- params.c ---- */

#define MAX_VALUES MAX_ITEMS

/* What one boot is told: drawn from the seed. */
struct draw {
	uint64_t seed;
	char *name[MAX_VALUES], *text[MAX_VALUES];
	int64_t value[MAX_VALUES];
	size_t n;
	uint8_t *challenge;
	size_t challenge_len;
	char argv0[16], challenge_name[16];
};

bool draw_make(struct draw *, const struct test *, uint64_t seed, char **why);
void draw_free(struct draw *);
bool draw_find(const struct draw *, const char *name, int64_t *out);
/* Words of PROGRAM with $name and @challenge replaced. */
char *draw_fill(const struct draw *, const char *word);

#endif
