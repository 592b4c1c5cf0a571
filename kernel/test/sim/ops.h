/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ops.h: the operations of a script
 */
#ifndef TEST_SIM_OPS_H
#define TEST_SIM_OPS_H

#include <stdio.h>
#include "test/sim/sim.h"

#define STEP_ARGS 6

struct op;

struct step {
	struct step *next;
	const struct op *op;
	unsigned n;
	uint64_t arg[STEP_ARGS];
	uint64_t sub;                /* of 3.1: the 1 */
	int error;                   /* !22 OP: what it must return */
	const char *word[STEP_ARGS];
	char text[64];
};

const struct op *op_find(const char *name);
unsigned op_args(const struct op *);
void op_run(const struct step *);
void ops_begin(void);                /* process 0; leaks are counted from here */
void ops_bind(struct fiber *, unsigned proc);
void ops_at(unsigned proc);           /* the driver acts for this one */
void ops_end(unsigned slots);                /* all processes and the object go */

#endif
