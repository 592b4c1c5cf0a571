/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * base.h: what every part of the grader needs
 *
 * Offers    words, files, commands and digests; limits of programs that read what
 *           somebody submitted; folders that go when a run ends; arithmetic over
 *           names; names of a kernel's addresses.
 * Needs     nothing of the grader.
 */
#ifndef GRADING_BASE_H
#define GRADING_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* What a command of the grader ends with. */
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
void *xrealloc(void *, size_t);
char *xstrdup(const char *);
char *xprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The words are copies, the list's. */
void words_add(struct words *, const char *);
bool words_has(const struct words *, const char *);
void words_free(struct words *);
/* Cut at blanks; "…" is one word; # outside of it ends the line.  why: or NULL. */
struct words words_split(const char *line, char **why);
/* Words from..to-1 with one blank between, malloc'd. */
char *words_join(const struct words *, size_t from, size_t to);
/* One word of a shell, whatever is in it; malloc'd. */
char *shell_word(const char *name);
/* All of it with a 0 behind, malloc'd; its bytes in *len if not NULL.  NULL: errno. */
char *file_read(const char *path, size_t *len);
bool file_write(const char *path, const void *, size_t); /* false: errno */
bool glob_match(const char *pattern, const char *name); /* * only */
bool number_read(const char *text, int64_t *out);       /* 64M, 0x10 */
double now_seconds(void); /* of the host's clock that never goes back */
/* Run argv; its output (both) in *out if not NULL, malloc'd.  Its wait status. */
int command(const char *const argv[], char **out);
/* Digests in hex, malloc'd; of a file that cannot be read NULL. */
char *sha256_hex(const void *, size_t);
char *sha256_file(const char *path);
void random_bytes(void *, size_t); /* the host's, fit for a secret */

/* ---- strings.c: what somebody submitted is data ---- */

/*
 * Text of a submission, fit for a terminal, XML and JSON, malloc'd: UTF-8 without
 * control characters but tab and line feed; any other byte becomes \xNN.
 */
char *plain(const char *text);
#define SUBMISSION_MOST (1u << 20)
/* As file_read(), of a regular file in the folder at, or AT_FDCWD; NULL: *why. */
char *submission_read(int at, const char *name, size_t *len, const char **why);

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

/* ---- tidy.c: what is made here is removed when the program ends, however ---- */

void tidy_init(void); /* before the first of the others */
/* Paths of ours, malloc'd; a folder goes with all that is in it. */
char *tidy_folder(void);
char *tidy_file(const char *name);
void tidy_remove(const char *path); /* now */

/* ---- expr.c ---- */

struct scope {
	/* A name: $x as "param.x", counter, answer.x.  how: "", first, last, delta. */
	bool (*name)(void *arg, const char *name, const char *how, int64_t *out);
	/* A function of bytes of the challenge. */
	bool (*call)(void *arg, const char *fn, const int64_t *v, size_t n,
	    int64_t *out);
	void *arg;
};

/* False: *why is what is wrong with it, malloc'd. */
bool expr_eval(
    const char *text, const struct scope *, int64_t *out, char **why);
bool op_known(const char *op);
bool op_holds(int64_t a, const char *op, int64_t b);

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

#endif
