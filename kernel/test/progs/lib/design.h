/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * design.h: a program that runs under the design of a memory manager it names
 *
 * The first call asks for the design and begins the program again, for a space
 * has its design from its exec on.
 */
#ifndef TEST_DESIGN_H
#define TEST_DESIGN_H

#include "test.h"
#include <sys/prctl.h>

#define PR_VMM_DESIGN 0x564d
enum { DESIGN_FMO = 0, DESIGN_UVM = 1, DESIGN_SCALUX = 2, DESIGN_SHADOW = 3,
	DESIGN_FRAMES = 4, DESIGN_EAGER = 5 };

/* Go on under this design; on Linux there is nothing to be shown. */
static inline void
under_design(int design, char **argv)
{
	if (!on_vadose()) {
		printf("skipped: needs the designs of Vadose\n");
		exit(0);
	}
	if (strcmp(argv[0], "again") == 0)
		return;
	OK(prctl(PR_VMM_DESIGN, design, 0, 0, 0));
	argv[0] = "again";
	execv("/proc/self/exe", argv);
	FAIL("exec: errno %d", errno);
}

/* Begin the program again under each design, one after the other, with its name as
 * the argument; false: this is such a run, of argv[1]. */
static inline bool
under_each_design(int argc, char **argv)
{
	static const struct {
		int design;
		const char *name;
	} designs[] = { { DESIGN_FMO, "fmo" }, { DESIGN_UVM, "uvm" },
		{ DESIGN_SCALUX, "scalux" },
		{ DESIGN_SHADOW, "shadow" }, { DESIGN_EAGER, "eager" },
		{ DESIGN_FRAMES, "frames" } };
	pid_t pid;

	if (argc > 1)
		return false;
	for (unsigned i = 0; i < sizeof(designs) / sizeof(designs[0]); i++) {
		pid = OK(fork());
		if (pid == 0) {
			OK(prctl(PR_VMM_DESIGN, designs[i].design, 0, 0, 0));
			execl("/proc/self/exe", argv[0], designs[i].name, NULL);
			_exit(127);
		}
		REAP(pid, 0);
	}
	return true;
}

#endif
