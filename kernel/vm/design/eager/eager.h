/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * eager.h: the fork that copies, also used by design/frames
 */
#ifndef VM_DESIGN_EAGER_EAGER_H
#define VM_DESIGN_EAGER_EAGER_H

#include "vm/design/design.h"

int eager_dup(struct aspace *parent, struct aspace *child); /* design->dup */

#endif
