/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * opsfn.h: what the files of the words share
 */
#ifndef TEST_SIM_OPSFN_H
#define TEST_SIM_OPSFN_H

#include "test/sim/ops.h"

#define NPROC 6
#define BASE SIM_USER_BASE
#define NPINS 4
#define NREGS 8
#define NFRAMES 24

struct op {
	const char *name;            /* NULL: the end of a table */
	void (*run)(const struct step *);
	unsigned nargs;
};

struct ops_world {
	struct aspace *as[NPROC];
	unsigned proc;               /* the driver's */
	unsigned of[SIM_FIBERS];     /* a thread's */
	struct vmo *vmo;
	bool is_file, is_swap_off;
	bool flag[NREGS];
	uint64_t reg[NREGS];
	struct vm_page *pin[NPINS];
	uint32_t frame[NFRAMES];     /* numbers of frames */
};

extern struct ops_world world;
extern const struct op ops_access[], ops_map[], ops_paging[], ops_frames[];

/* The step has found what may not be: the run ends. */
void NORETURN wrong(const struct step *, const char *what, uint64_t value);
/* wrong() unless r is what must be returned, by default want. */
void expect(const struct step *, int64_t r, int64_t want);
bool is_one_of(const char *list, uint64_t value); /* of "1|2|3" */
unsigned *proc_no(void);                          /* of the thread, or the driver */
struct aspace *me(void);
va_t va_of(const struct step *);
/* futex.c */
void futex_begin(void);
int64_t futex_wait_at(struct aspace *, va_t, uint32_t value);
int64_t futex_wake_all(struct aspace *, va_t);

#endif
