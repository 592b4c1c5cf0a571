/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * designlist.c: the list of memory manager designs
 *
 * Problem   A space keeps its design for life.  This is the one place that lists
 *           the designs; the host test of the interface has a list of its own.
 *
 * Picture   number of prctl(PR_VMM_DESIGN) ─→ struct design
 *
 * Rules     1. The numbers never change; those up to 4 are from the seed notes.
 */
#include "vm/design/designs.h"

const struct design *const design_list[DESIGNS] = {
	[0] = &fmo_design, [1] = &uvm_design, [2] = &scalux_design,
	[3] = &shadow_design, [4] = &frames_design,
	[5] = &eager_design,
};
