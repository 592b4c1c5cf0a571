/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * designs.c: the registry of memory manager designs
 *
 * Problem   Each address space follows one design; the boot option vmm= and
 *           prctl(PR_VMM_DESIGN) name it.
 *
 * Picture   vmm=fmo ─→ design_default() ─→ as_create() ─→ as->ops
 *
 * Rules     1. The numbers are those of the seed notes and of the prctl; they
 *              never change.
 *           2. Fork keeps the design, so no private page is ever shared by
 *              two of them.
 *
 * Read next vm/design/fmo/ops.c.  Book: ch18.
 */
#include "lib/string.h"
#include "vm/vm.h"
#include "vm/vmdat.h"
#include "vm/vmfn.h"

static struct {
	const struct vmm_ops *ops[1]; /* [c] by number */
} designs = {
	.ops = { &fmo_ops },
};

/*
 * The design with number n.  NULL: there is none.
 */
const struct vmm_ops *
design_find(unsigned n)
{
	return n < ARRAY_LEN(designs.ops) ? designs.ops[n] : NULL;
}

/*
 * The design of that name.  NULL: there is none.
 */
const struct vmm_ops *
design_by_name(const char *name)
{
	unsigned i;

	for (i = 0; i < ARRAY_LEN(designs.ops); i++)
		if (strcmp(designs.ops[i]->name, name) == 0)
			return designs.ops[i];
	return NULL;
}

/*
 * What spaces follow unless told otherwise: boot option vmm=.
 */
const struct vmm_ops *
design_default(void)
{
	const char *name = option_str("vmm");
	const struct vmm_ops *ops;

	if (name == NULL)
		return designs.ops[0];
	ops = design_by_name(name);
	if (ops == NULL)
		panic("vmm=%s: there is no such design", name);
	return ops;
}
