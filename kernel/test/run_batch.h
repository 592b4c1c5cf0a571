/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * run_batch.h: how a guest with several programs tells them apart
 */
#ifndef TEST_RUN_BATCH_H
#define TEST_RUN_BATCH_H

/* Behind each program: on its output with its status and milliseconds. */
#define BATCH_MARK "\001\002end "
/* In the kernel's log before each: this, and its path. */
#define BATCH_NAME "test: "

#endif
