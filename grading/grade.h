/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * grade.h: what the files of the grader share
 *
 * Offers    a test as read from its file, a boot and what came of it, the
 *           verdict, and the functions between them, by file in the order of
 *           the pipeline: testfile → build → boot → records → judge → report.
 * Needs     a built kernel, the emulator, build/grading/witness.so.
 */
#ifndef GRADING_GRADE_H
#define GRADING_GRADE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define GRADE_VERSION "1"
#define MAX_ITEMS 48
#define LAST_MARK 256u /* kernel/dev/dev.h */

enum grade_exit {
	GRADE_ALL = 0,
	GRADE_LOST = 1,
	GRADE_BUILD = 2,
	GRADE_INFRA = 3,
	GRADE_USAGE = 64
};

/* ---- util.c: out of memory ends the program ---- */

struct words {
	char **v;
	size_t n;
};

void *xalloc(size_t); /* zeroed */
char *xstrdup(const char *);
char *xprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void words_add(struct words *, const char *);
bool words_has(const struct words *, const char *);
void words_free(struct words *);
/* Cut at blanks; "…" is one word; # outside of it ends the line.  why: or NULL. */
struct words words_split(const char *line, char **why);
/* Words from..to-1 with one blank between. */
char *words_join(const struct words *, size_t from, size_t to);
char *shell_word(const char *name);
char *file_read(const char *path, size_t *len); /* NULL: errno */
bool file_write(const char *path, const void *, size_t);
bool glob_match(const char *pattern, const char *name); /* * only */
bool number_read(const char *text, int64_t *out);       /* 64M, 0x10 */
double now_seconds(void);
/* Run argv; its output (both) in *out if not NULL.  Its wait status. */
int command(char *const argv[], char **out);

/* ---- limits.c: of every program that reads what somebody submitted ---- */

struct limits {
	unsigned cpu;         /* seconds, of each process */
	unsigned wall;        /* seconds, of all of it */
	uint64_t memory, file; /* bytes, of each process and each file */
	unsigned tasks;       /* more than there are now */
	size_t text;          /* bytes that it may say */
};

extern const struct limits compiler_limits, linker_limits;

bool limits_apply(const struct limits *); /* to who calls; leads a group then */
/* What a program that ran into one says, or NULL: it did not. */
const char *limits_met(const struct limits *, int status, const char *said);
/* Did the host end it, or not let it begin? */
bool limits_of_host(int status, const char *said);
int command_within(const struct limits *, char *const argv[], char **out);
#define SHELL_WORDS 8
int shell_within(const struct limits *, char **out, const char *script, ...)
    __attribute__((sentinel));
char *sha256_hex(const void *, size_t);
char *sha256_file(const char *path);
void random_bytes(void *, size_t);

/* ---- tidy.c ---- */

void tidy_init(void);
char *tidy_folder(void);
char *tidy_file(const char *name);
void tidy_remove(const char *path);

/* ---- expr.c ---- */

struct scope {
	/* A name: $x as "param.x", counter, answer.x.  how: "", first, last, delta. */
	bool (*name)(void *arg, const char *name, const char *how, int64_t *out);
	/* A function of bytes of the challenge. */
	bool (*call)(void *arg, const char *fn, const int64_t *v, size_t n,
	    int64_t *out);
	void *arg;
};

/* False: *why is what is wrong with it. */
bool expr_eval(
    const char *text, const struct scope *, int64_t *out, char **why);
bool op_known(const char *op);
bool op_holds(int64_t a, const char *op, int64_t b);

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

/* ---- records.c ---- */

struct mark {
	unsigned id;
	uint64_t time_ns;
	int64_t *value;
};

struct check {
	unsigned mark, what, findings;
};

struct records {
	bool keyed;
	uint8_t key[32], seal[32];
	uint32_t number;
	struct words names;
	struct mark *mark;
	size_t nmarks;
	struct check *check;
	size_t nchecks;
	struct words text;
	char *out, *err;
	size_t nout, nerr;
	bool ended;
	unsigned exit_kind, exit_value;
	size_t lost;   /* bytes outside of any frame */
	size_t broken; /* frames without a true seal */
};

void records_read(struct records *, const uint8_t *bytes, size_t n);
void records_free(struct records *);
int records_counter(const struct records *, const char *name);

/* ---- symbols.c ---- */

struct symbols;
struct symbols *symbols_read(const char *elf);
void symbols_free(struct symbols *);
uint64_t symbols_find(const struct symbols *, const char *name); /* 0: none */
const char *symbols_at(const struct symbols *, uint64_t pc);
bool symbols_nth(
    const struct symbols *, size_t n, uint64_t *pc, uint64_t *next);
bool symbols_begins(const struct symbols *, uint64_t pc);
/* "file:line" of a function, malloc'd, or NULL. */
char *symbols_line(const char *elf, uint64_t pc);

/* ---- boot.c ---- */

#define WITNESS_NAMES 16
#define BORDER_MOST 32
extern const char *const witness_names[WITNESS_NAMES];

struct witness {
	bool valid;
	size_t nmarks;
	int64_t (*mark)[WITNESS_NAMES]; /* at each execution of ev_take_all */
	int64_t end[WITNESS_NAMES];
	int64_t at[2][WITNESS_NAMES]; /* the last two times of 8 M */
	bool limit;      /* it ended the machine */
	uint64_t pc[16]; /* blocks that ran last */
	size_t npcs;
	int64_t border[BORDER_MOST][3]; /* what was seen, from, to: border.c */
	size_t nborder;
};

struct boot_job {
	const struct test *test;
	const struct draw *draw;
	const char *kernel;
	int sched;      /* seed, or -1 */
	int64_t inject; /* hit, or -1 */
	double wall;    /* seconds, backstop */
	bool watched;   /* does not start without a border to watch */
	const char *gdb; /* socket on which a debugger is awaited, or NULL */
	const char *trace; /* file for its events (tools/vtr.h), or NULL */
};

enum boot_end { BOOT_ENDED, BOOT_WALL, BOOT_FLOOD, BOOT_KILLED, BOOT_NOSTART };

struct boot {
	struct boot_job job;
	enum boot_end end;
	int wstatus;
	double started, seconds;
	uint8_t *rec;
	size_t nrec;
	char *log;
	size_t nlog;
	struct records records;
	struct witness witness;
	char *diag;
	/* while it runs */
	pid_t pid;
	int com1, com2, wfd, dfd;
	int border, ram; /* the witness's map, the guest's memory; -1: none */
	void *lives; /* what the emulator reads meanwhile */
	struct sink *sink; /* of the trace, or NULL */
};

bool boot_start(struct boot *, const struct boot_job *, char **why);
/* Does the witness count the executions of a function of this name? */
bool boot_looks_for(const char *name);
/* Let some boots run until one ends or the time is over; ended: their index. */
int boots_wait(struct boot **, size_t n, double seconds);
void boot_free(struct boot *);

/* ---- judge.c ---- */

enum status {
	ST_PASS,
	ST_FAIL,
	ST_GATE,
	ST_TIMEOUT,
	ST_PANIC,
	ST_DEADLOCK,
	ST_BUILD,
	ST_INFRA,
	ST_UNWITNESSED
};

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
/* A value of a region; false: it has none. */
bool judge_value(const struct test *, const struct draw *, const struct boot *,
    const char *region, const char *name, int64_t *out);

/* ---- build.c, gate.c ---- */

struct build {
	char *dir, *kernel, *why;
	enum status status; /* ST_PASS, ST_BUILD, ST_GATE, ST_INFRA */
	char *sha;
	bool sandboxed;
};

/* submission NULL: the file in the lab's folder; "reference": the kernel's. */
/* seed: of the run; with a secret of the host it says where all lies. */
void build_make(struct build *, const struct lab *, const char *submission,
    uint64_t seed);
void build_free(struct build *);
/* What the object may not have; NULL: nothing.  dir: to work in. */
char *gate_object(const struct lab *, const char *object, const char *dir,
    const char *reference);

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
void report_free(struct report *);

/* hint.c: three levels a step, each further one behind a run that failed */
int cmd_hint(int argc, char **argv);
void hint_note(const struct report *);
char *hint_level(const struct lab *, int step, int level);

/* look.c */
void look_find(const struct report *, struct result *);

/* ---- reports ---- */

void report_text(const struct report *, bool colour);
bool report_json(const struct report *, const char *path);
bool report_junit(const struct report *, const char *path);
bool report_github(const struct report *, const char *path);
char *test_again(const struct report *, const struct result *);

/* schema.c */
int cmd_validate(const char *result, const char *schema);

/* seal.c: a detached seal beside a result */
bool seal_write(const char *path, const char *keyfile);
int cmd_verify(const char *path, const char *keyfile);

/* ---- lint.c, selftest.c, doctor.c ---- */

int lint_labs(const char *which);
int lint_lab(const struct lab *);
int cmd_imports(const char *lab);
char *imports_text(const struct lab *);
int cmd_explain(const char *lab, const char *test);
int cmd_selftest(int argc, char **argv);
int cmd_mutants(const char *lab, const char *mutant);
int cmd_mutate(int argc, char **argv);
int cmd_variants(const char *lab);
int cmd_forgeries(const char *lab, const char *which);
int cmd_doctor(void);
int cmd_repro(int argc, char **argv);
int cmd_gdb(const struct lab *, const struct options *);
int cmd_bochs(const struct lab *, const struct options *);
int cmd_compare(const struct lab *, const struct options *);

/* parting.c: the first event that a good kernel would not have */
char *parting_line(const struct result *, const char *kernel);
/* keep: folder for yours.vtr and reference.vtr, or NULL.  *why: not compared. */
char *parting_find(const struct result *, const char *kernel, const char *keep,
    char **why);

#endif
