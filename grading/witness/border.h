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
char *border_sentence(const struct symbols *, const int64_t v[3]);

#endif
