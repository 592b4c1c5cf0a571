/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * frames_model.h: who owns what, kept a second time, in the simplest way
 *
 * Offers    for each call what it must answer and what is so afterwards; a comparison
 *           with all that the kernel has.
 * Needs     frames_host.h.
 *
 * Each function has the arguments of the call, and returns what the answer must be.
 * Where that is a number of the kernel's choice (a new frame, a segment) it is told
 * what the kernel answered, and takes it over if it may be one.
 */
#ifndef TEST_FRAMES_MODEL_H
#define TEST_FRAMES_MODEL_H

#include "test/host/frames_host.h"

#define MODEL_ROWS 320u
#define MODEL_PLACES 48u       /* mappings of one frame */

struct model_place {
	uint32_t table, space;         /* space: SEGSPACE frame of the segment; 0: none */
	unsigned slot, flags;
};

struct model_frame {
	enum frame_type type;
	int owner;                     /* pid */
	uint64_t first, n;             /* pages of memory */
	uint32_t parent;
	unsigned pslot;
	unsigned nplaces;              /* [0]: in the frame; then the latest segment … */
	struct model_place place[MODEL_PLACES];
	uint64_t words[512];           /* of a table */
};

struct model_proc {
	bool lives, is_started;
	int creator;
	uint32_t f, root, quota;
	bool allows[FH_PIDS];
	uint32_t left[FH_PIDS];
	unsigned nspaces;
	uint32_t space[MODEL_ROWS];    /* the latest first */
};

extern struct model_frame model_frames[MODEL_ROWS];
extern struct model_proc model_procs[FH_PIDS];
/* The first word of each page of memory, if it is a PAGE frame's. */
extern uint64_t model_bytes[FH_END / FRAME_PAGE_SIZE];

void model_boot(void);
int model_split(int pid, uint32_t f, uint64_t off, int got);
int model_merge(int pid, uint32_t f1, uint32_t f2);
int model_give(int pid, uint32_t f, int to);
int model_allow(int pid, int from, uint32_t max);
int model_count(int pid);
int model_info(int pid, uint32_t n, struct frame_info *);
int model_table(int pid, uint32_t f, va_t view, int level);
int model_untable(int pid, uint32_t f);
int model_map(int pid, uint32_t table, uint32_t f, va_t, unsigned flags, int got);
int model_unmap(int pid, uint32_t table, uint32_t f, va_t);
int model_swap(int pid, int of, uint32_t f);
int model_self(int pid);
int model_new(int pid, uint32_t f, int child);
int model_start(int pid, int child);
int model_space(int pid, int of, uint32_t f);
int model_exit(int pid);

/* Where a word of a table is, as far as the table is linked; the topmost table. */
va_t model_va(uint32_t table, unsigned slot, uint32_t *top);
unsigned model_level(uint32_t f); /* 0: no table */
unsigned model_used(uint32_t table);
/* NULL, or what the kernel has otherwise. */
const char *model_differs(void);
const char *model_bytes_differ(void);

#endif
