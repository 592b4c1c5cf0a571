/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * designlist.c: the designs of a host test: those of the kernel, and recs
 */
#include "test/host/recs.h"

const struct design *const design_list[DESIGNS] = {
	[0] = &fmo_design, [1] = &uvm_design, [2] = &scalux_design,
	[3] = &shadow_design, [4] = &frames_design, [5] = &eager_design,
	[6] = &recs_design,
};
