/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * class.h: the submissions of a whole class
 *
 * Offers    who handed what in.  Beside it, scripts: `all` runs one grader for each
 *           student by GNU parallel, `sheet` makes tables and pages of all results,
 *           `diff` says what two gradings differ in.
 * Needs     lab/.
 */
#ifndef GRADING_CLASS_H
#define GRADING_CLASS_H

#include "lab/lab.h"

int cmd_collect(int argc, char **argv);

#endif
