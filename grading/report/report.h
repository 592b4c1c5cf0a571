/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * report.h: a report for people and programs
 *
 * Offers    text, JSON (schema/); the schema and the seal of a result.
 * Needs     judge/.
 */
#ifndef GRADING_REPORT_H
#define GRADING_REPORT_H

#include "judge/judge.h"

#define GRADE_VERSION "1" /* of the JSON */

void report_text(const struct report *, bool colour);
bool report_json(const struct report *, const char *path);
char *test_again(const struct report *, const struct result *);

/* schema.c */
int cmd_validate(const char *result, const char *schema);

/* seal.c: a detached seal beside a result */
bool seal_write(const char *path, const char *keyfile);
int cmd_verify(const char *path, const char *keyfile);

#endif
