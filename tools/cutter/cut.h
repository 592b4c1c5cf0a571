/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cut.h: a C file as a row of pieces, and the list that says what is cut
 *
 * Offers    cutlist_read, cut_source.
 * Needs     the C library.
 * Sleeps?   -
 * In interrupts?  -
 */
#ifndef TOOLS_CUT_H
#define TOOLS_CUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum cut_do { CUT_CUT, CUT_KEEP, CUT_DROP };

/* One line of a cut.list. */
struct cut_line {
	enum cut_do what;
	char name[64];
	int step;              /* cut, drop: the step that writes it */
	char result[128];      /* cut: what the stub returns; "" by its type */
	bool used;             /* the source has it */
};

struct cutlist {
	const char *file;      /* for messages */
	char lab[64];          /* "05-fork", of the folder's name */
	struct cut_line *line;
	size_t n;
};

/*
 * Read a cut.list.  Errors go to stderr with file and line.
 *
 * Returns:  0, -1.
 */
int cutlist_read(struct cutlist *, const char *file);

/*
 * Write src (n bytes, called name in messages) without what steps above
 * `steps` write: 0 makes the starter.
 *
 * Returns:  0; -1: unknown or missing names, a body without end.
 */
int cut_source(struct cutlist *, const char *name, const char *src, size_t n,
    int steps, FILE *out);

#endif
