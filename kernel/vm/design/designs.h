/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * designs.h: which designs there are
 */
#ifndef VM_DESIGN_DESIGNS_H
#define VM_DESIGN_DESIGNS_H

#include "vm/design/design.h"

#define DESIGNS 7            /* numbers; not all of them are taken */
extern const struct design *const design_list[DESIGNS]; /* designlist.c; NULL: none */
extern const struct design fmo_design, eager_design, uvm_design, scalux_design,
    shadow_design, frames_design;
void design_init(void);                                  /* once, by vm_init() */
const struct design *design_next(const struct design *); /* NULL: the first; the end */
#define FOR_EACH_DESIGN(d)                                                \
	for (d = design_next(NULL); d != NULL; d = design_next(d))
/* Each design that shares something: its shared_ops. */
#define FOR_EACH_SHARED(s, d)                                             \
	FOR_EACH_DESIGN(d)                                                \
		if ((s = (d)->shared) != NULL)
const struct design *design_default(void);
int design_show_spaces(const char *design, uint64_t at[2], struct out *);
unsigned design_number(const struct design *); /* as PR_VMM_DESIGN has it */

#endif
