/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * judge.h: from what a boot left to a verdict, a lab's tests to a report
 *
 * Offers    judge() of one boot, run_lab() of all tests of a lab, where to look,
 *           the first event where two boots part.
 * Needs     boot/, lab/.
 */
#ifndef GRADING_JUDGE_H
#define GRADING_JUDGE_H

#include "boot/boot.h"

/* ---- judge.c ---- */

struct failure {
	char *what, *expected, *got, *region, *hint;
	const struct words *look; /* of the hint */
	bool general;             /* it is said of whatever ends so */
};

struct verdict {
	enum status status;
	struct failure failure[MAX_ITEMS];
	size_t nfailures;
	bool forged;
};

const char *status_name(enum status);
void judge(struct verdict *, const struct test *, const struct draw *,
    const struct boot *, const struct symbols *);
void verdict_free(struct verdict *);
/* A function that the kernel called, not written, of this step or before; NULL.  Owns: caller. */
char *judge_unwritten(const struct boot *, int step);
/* A value of a region; false: it has none. */
bool judge_value(const struct test *, const struct draw *, const struct boot *,
    const char *region, const char *name, int64_t *out);

/* ---- run.c ---- */

struct options {
	const char *submission, *only, *hidden, *out, *formats, *key;
	int step, jobs;
	int seeds; /* of race tests only so many; 0: all */
	bool working; /* not the score of the lab: few schedules are enough */
	uint64_t seed;
	bool seeded, keep, quiet;
	bool first; /* end at the first failed test, short tests first */
	const char *kernel; /* do not build */
};

#define LOOKS 2

/* How many schedules of a test a run has. */
int run_schedules(const struct options *, const struct test *);

struct result {
	const struct test *test;
	struct draw draw;
	struct boot *boot; /* the one that decided */
	struct verdict verdict;
	int points;
	int sched;
	int64_t inject;
	int tries;
	char *hidden; /* "hidden test h01 failed" */
	int64_t insns;
	uint64_t print; /* of all counters of all its boots, in any order */
	double begun, seconds; /* of the wall, from its first boot to its last */
	char *look[LOOKS], *look_line[LOOKS];
};

struct report {
	const struct lab *lab;
	const struct options *options;
	struct build build;
	struct result result[MAX_ITEMS];
	size_t nresults;
	int score, max;
	double seconds;
	bool gated;
	char started[32];
	struct symbols *symbols;
};

enum grade_exit run_lab(struct report *, const struct lab *,
    const struct options *);
/* A quiet run, with the same seed always if o names none. */
void run_quietly(struct report *, const struct lab *, struct options *o);
void report_free(struct report *);

/* ---- look.c: functions that a failed test names ---- */

void look_find(const struct report *, struct result *);
/* "file:line" of code, malloc'd; in the file that was handed in, by its name. */
char *look_line(const struct report *, uint64_t pc);

/* ---- parting.c: where a run parts from a good kernel's ---- */

/* May the learner see all of its run? */
bool parting_may_be_told(const struct result *);
char *parting_line(const struct result *, const char *kernel);
/* keep: folder for yours.vtr, reference.vtr and parting, or NULL.  *why: not compared.
 * *broken: a rule was, at that event; else it is a difference only. */
char *parting_find(const struct result *, const char *kernel, const char *keep,
    bool *broken, char **why);

#endif
