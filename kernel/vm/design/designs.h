/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * designs.h: which designs there are
 */
#ifndef VM_DESIGN_DESIGNS_H
#define VM_DESIGN_DESIGNS_H

#include "vm/design/design.h"
#include "vm/fault/fault.h"

#define DESIGNS 7            /* numbers; not all of them are taken */
extern const struct vmm_ops *const design_list[DESIGNS]; /* designlist.c; NULL: none */
extern const struct vmm_ops fmo_ops, eager_ops, uvm_ops, scalux_ops;
void design_init(void);                                  /* once, by vm_init() */
const struct vmm_ops *design_next(const struct vmm_ops *); /* NULL: the first; the end */
#define FOR_EACH_DESIGN(ops)                                              \
	for (ops = design_next(NULL); ops != NULL; ops = design_next(ops))
const struct vmm_ops *design_default(void);
unsigned design_number(const struct vmm_ops *); /* as PR_VMM_DESIGN has it */
void design_reap_all(void);  /* ops->reap of each; no rank >= 3 held */
/* The same, if something has died. */
static inline void
design_reap(void)
{
	if (fault_unreaped != 0)
		design_reap_all();
}

#endif
