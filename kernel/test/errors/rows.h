/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rows.h: what the parts of the program `rows` share
 *
 * Everything is of one process: each row has a fresh one.  A fault of the
 * table (an unknown name, a wrong number of arguments) is row_wrong().
 */
#ifndef ROWS_H
#define ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MAX_ARGS 6
#define MAX_STEPS 32

/* One call of kernel/sys/syscalls.tab. */
struct call {
	char name[32];
	int number;
	int nargs;
	bool used; /* a row ends with it */
};

/* rows.c: the calls, by name; NULL if there is none of that name. */
struct call *call_find(const char *name);

/* rows.c: say what is wrong with the row and end the process. */
void row_wrong(const char *fmt, ...)
    __attribute__((format(printf, 1, 2), noreturn));

/* expr.c: the next argument of *text, as the 64 bits for a register. */
uint64_t expr_value(const char **text);

/* expr.c: skip blanks; take word from *text if it is next. */
bool expr_take(const char **text, const char *word);

/* expr.c: what steps have answered until now, for $1, $2, ... */
void expr_keep(unsigned step, int64_t answer);

/* names.c: a named constant of Linux. */
bool name_value(const char *name, uint64_t *value);

/* names.c: EBADF of 9; NULL if it has no name. */
const char *name_of_errno(int number);

/*
 * things.c: a descriptor, address or process of that name.  The first time it
 * is made, as root; after that it is the same.
 */
bool thing_value(const char *name, uint64_t *value);

/* things.c: fresh memory of a kind, by name and size. */
bool thing_made(const char *name, uint64_t n, uint64_t *value);

/* things.c: memory for the words of a structure or a string. */
void *thing_room(size_t bytes);

/* things.c: a step that is no system call; false if name is none. */
bool thing_step(const char *name, const uint64_t arg[], int nargs);

/* things.c: the stack pointer of the next call, 0: as it is. */
uint64_t thing_stack(void);

/* tree.c: file systems that all rows find: /t, /ro, /small, /noexec. */
void tree_mounts(void);
void tree_unmount(void);

/* tree.c: the files that rows find, in the current directory; made once. */
void tree_make(void);
void tree_remove(const char *path);

#endif
