/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * learn.h: what a learner asks beside points
 *
 * Offers    a test in prose, hints, the boot beside ours, the boot again, the boot
 *           under a debugger: one command each.  Each returns an exit status.
 * Needs     report/, judge/, boot/.
 */
#ifndef GRADING_LEARN_H
#define GRADING_LEARN_H

#include "judge/judge.h"

/* hint.c: three levels a step, each further one behind a run that failed */
int cmd_hint(int argc, char **argv);
void hint_note(const struct report *);
char *hint_level(const struct lab *, int step, int level);

/* explain.c */
int cmd_explain(const char *lab, const char *test);

/* compare.c: beside the reference; and a boot of a result once more */
int cmd_compare(const struct lab *, const struct options *);
int cmd_repro(int argc, char **argv);

/* debug.c: the boot of a test, stopped where it fails */
int cmd_gdb(const struct lab *, const struct options *);
int cmd_bochs(const struct lab *, const struct options *);

#endif
