/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * border.h: the border of the submission's code, on the host's side
 */
#ifndef GRADING_BORDER_H
#define GRADING_BORDER_H

#include "base/base.h"

int border_map(const char *kernel, struct symbols *);
/* Is there a name of the kernel that must be there once only? */
bool border_looks_for(const char *name);
/* Is a counter ("swap.in_pages") for the submission of a graded kernel to count? */
bool border_counts(const char *kernel, const char *counter);
char *border_sentence(const struct symbols *, const int64_t v[3]);
const char *border_advice(int64_t kind);

#endif
