/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * steps.h: what plugin.c writes and way.c reads
 */
#ifndef ROAD_STEPS_H
#define ROAD_STEPS_H

#include <stdint.h>

struct step {
	uint64_t pc;   /* 0: a sign; STEP_PROGRAM: code of a program */
	uint64_t slot; /* address on the stack, 0: none; a sign; a number */
};

enum { STEP_BEGIN = 1, STEP_END = 2 }; /* signs */
enum { STEP_PROGRAM = 1 };

#endif
