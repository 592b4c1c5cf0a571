/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab.c: a function that a student has not written yet
 *
 * Problem   The starter of a lab is a kernel with missing functions.  A call of
 *           one should print its name, not fail somewhere else later.
 *
 * Picture   int fork_range(…) { return lab_todo("05-fork step 4: fork_range"); }
 *           "not written yet: 05-fork step 4: fork_range"
 *
 * Rules     1. Each name is printed once: a stub in the path of a fault is called
 *              again and again.
 *
 * Read next tools/cutter/labcut.c, labs/README.md.
 */
#include "kern/kern.h"
#include "lib/errno.h"

#define LAB_NAMES 32 /* more than any lab has functions */

static struct {
	_Atomic(const char *) told[LAB_NAMES];
} lab;

/*
 * The stub of a function was called.
 *
 * Returns:  -ENOSYS.
 */
int
lab_todo(const char *what)
{
	const char *none;
	unsigned i;

	for (i = 0; i < LAB_NAMES; i++) {
		none = NULL;
		if (atomic_cas(&lab.told[i], &none, what)) {
			klog("not written yet: %s", what);
			break;
		}
		if (none == what)
			break;
	}
	return -ENOSYS;
}
