/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * class.h: the submissions of a whole class
 *
 * Offers    who handed what in, a sheet of all results, what two gradings differ in.
 * Needs     report/; `all` runs one grader for each student, by GNU parallel.
 */
#ifndef GRADING_CLASS_H
#define GRADING_CLASS_H

#include <jansson.h>
#include <stdio.h>

#include "judge/judge.h"

int cmd_class(int argc, char **argv);

/* ---- collect.c ---- */

/* DIR's submissions become OUT/in/ID.c, OUT/list.json and OUT/todo. */
int class_collect(const struct lab *, const char *dir, const char *out,
    uint64_t seed);

/* ---- sheet.c ---- */

int class_sheet(const struct lab *, const char *out);
/* OUT/done/ID.json, or NULL. */
json_t *class_result(const char *out, const char *id);

/* ---- escape.c: the text of a student is data in each form ---- */

enum form { FORM_TEXT, FORM_CSV, FORM_HTML };

/* Bytes that are no text, and marks that turn its direction, as \xNN. */
void text_write(FILE *, enum form, const char *);
char *text_plain(const char *); /* in FORM_TEXT, malloc'd */

#endif
