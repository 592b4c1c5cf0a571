/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * designlist.c: the designs of a host test: those of the kernel, and recs
 */
#include "test/host/recs.h"

const struct vmm_ops *const design_list[DESIGNS] = {
	[0] = &fmo_ops, [1] = &uvm_ops, [2] = &scalux_ops, [5] = &eager_ops, [6] = &recs_ops,
};
