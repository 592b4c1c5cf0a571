/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scratch.h: disks that the self-tests may write
 */
#ifndef TEST_BOOT_SCRATCH_H
#define TEST_BOOT_SCRATCH_H

#include "dev/dev.h"

/* The first bytes of such a disk: where a boot sector has its code. */
#define SCRATCH "vadose scratch\n"

/* Call fn for each of them. */
void scratch_walk(void (*fn)(struct bdev *));

#endif
