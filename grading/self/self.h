/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * self.h: is the grader right, can this host grade?
 *
 * Offers    commands that try the labs' references, steps, planted bugs, other
 *           solutions, bugs by chance and forgeries.  Each returns an exit status.
 * Needs     all other rooms.
 */
#ifndef GRADING_SELF_H
#define GRADING_SELF_H

#include "report/report.h"

/* forge.c: the words of the first line of text that begins with this, from there. */
struct words line_words(const char *text, const char *begins);

int lint_labs(const char *which);
int cmd_selftest(int argc, char **argv);
int cmd_mutants(const char *lab, const char *mutant);
int cmd_variants(const char *lab);
int cmd_mutate(int argc, char **argv);
int cmd_forgeries(const char *lab, const char *which);
int cmd_doctor(int argc, char **argv);

#endif
