/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * run.h: what the files of the runner share
 */
#ifndef TEST_RUN_H
#define TEST_RUN_H

#include <stdbool.h>
#include <sys/types.h>

#define MAX_TESTS 2048
#define MAX_JOBS 16

enum kind { KIND_PROG, KIND_CASE, KIND_BOOT, KIND_HOST, KIND_BATCH };

/* What its verdict hangs on: the commit alone; what is true under any timing of
 * the host, which a rare moment may yet upset; how long the host takes. */
enum sort { SORT_EXACT, SORT_BOUNDED, SORT_TIMED, SORT_NONE };

/* Who waits for it: a person at each step, CI, nobody. */
enum level { LEVEL_CHECK, LEVEL_MORE, LEVEL_LONG, LEVELS };

struct test {
	enum kind kind;
	enum sort sort;
	char name[128]; /* base, and @CPUS where there are several */
	char path[256]; /* source, script or binary */
	char mem[16], swap[16], args[256], append[256], emulator[16];
	unsigned cpus, timeout, expect;
	enum level level;
	unsigned turns[LEVELS]; /* check, and check-more: for one commit of so many; 0: always */
	char subject[32]; /* of its turns; "": its name says it */
	char brief[64]; /* "": always the same; else in check a short form */
	bool counts; /* its time is the number of its instructions */
	bool by_clock; /* it holds times against each other: not in a slow machine */
	bool alone;  /* it measures who got on meanwhile: nothing beside it */
	bool own;    /* it changes what others would see, or sees what they did */
	struct test *batch; /* the guest that it shares; NULL: it has its own */
	struct test *next;  /* in that guest; of a batch: the first */
	unsigned group; /* of a batch */
	bool ran; /* behind its mark, while a batch is judged */
	pid_t pid; /* while it runs */
	double start, seconds, cpu;
	double begun; /* by fair_now() */
	bool over; /* its limit has passed */
	unsigned status; /* of its last run */
	bool failed;
	bool looked; /* at it again: NAME.first.* is what it left first */
	bool unsteady; /* failed once, then passed twice */
	char why[256];
};

struct runner {
	struct test test[MAX_TESTS];
	unsigned ntests, njobs, failed, done;
	double start;
	bool list_only, list_needed; /* needed: the targets of make, not names */
	bool apart; /* each program has a guest of its own */
	bool twice; /* each must do the same twice */
	enum sort leave_out; /* SORT_NONE: nothing */
	bool look_again; /* at what fails */
	bool again; /* that is what runs now */
	unsigned nunsteady, nagain; /* nagain: further runs, with their price */
	double again_seconds, again_cpu;
	bool wanted[LEVELS]; /* without a pattern: these tests */
	const char *build;
	const char *append; /* one more boot word, programs only */
	const char *swap;   /* for programs that ask for none */
	const char *shift;  /* of --icount, for machines that do not count; NULL: none */
	unsigned cpus;      /* of each machine, whatever it asks for; 0 */
	char **pattern; /* of the command line */
	int npatterns;
	unsigned patience; /* times the limit */
	struct test *job[MAX_JOBS];
	struct test *todo[2 * MAX_TESTS]; /* those and batches, in order */
	unsigned ntodo;
};

extern struct runner runner;

void find_all(void); /* the tests that were asked for, the slow ones first */
unsigned number_of(const char *name); /* always the same one */

/* run.c */
#define WORDS_BYTES 512
void base_of(const struct test *t, char name[WORDS_BYTES]); /* a program's */
char *kept(const struct test *t, const char *suffix); /* a file's name, to be freed */
void verdict(struct test *t); /* it has its status, its output is kept */
void run_later(struct test *t); /* alone */

/* A shell's script about two files, its $1 and $2; is its status 0? */
bool holds(const char *script, const char *first, const char *second);
void run_all(void); /* what was asked for */
void start(struct test *t);
void wait_one(void); /* for one that runs: it has its verdict */

/* run_again.c */
void look_again(void);    /* at what failed */
void all_the_same(void); /* all once more */

/* run_batch.c */
void batch_all(void); /* who shares a guest, in test.batch */
void judge_batch(struct test *b, unsigned status);

/* run_need.c: the targets of make that these tests want. */
void say_needed(void);

#endif
