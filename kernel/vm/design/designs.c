/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * designs.c: the registry of memory manager designs
 *
 * Problem   Each address space follows one design; the boot option vmm= and
 *           prctl(PR_VMM_DESIGN) name it.
 *
 * Picture   vmm=eager ─→ design_default() ─→ as_create() ─→ as->ops
 *
 * Rules     1. Fork keeps the design, so no private page is ever shared by
 *              two of them.
 */
#include "lib/fmt.h"
#include "lib/string.h"
#include "vm/design/designs.h"
#include "vm/space/space.h"
#include "vm/vm.h"

/* For FOR_EACH_DESIGN.
 * Returns: the design behind ops (NULL: the first one); NULL: that was the last. */
const struct vmm_ops *
design_next(const struct vmm_ops *ops)
{
	unsigned i = 0;

	while (ops != NULL && design_list[i++] != ops)
		;
	while (i < DESIGNS && design_list[i] == NULL)
		i++;
	return i < DESIGNS ? design_list[i] : NULL;
}

/* Locks: none; once, before the first space is made. */
void
design_init(void)
{
	const struct vmm_ops *ops;

	kernel_as.ops = design_list[0];
	FOR_EACH_DESIGN(ops)
		if (ops->init != NULL)
			ops->init();
}

/* The design with number n.  NULL: there is none. */
const struct vmm_ops *
design_find(unsigned n)
{
	return n < DESIGNS ? design_list[n] : NULL;
}

/* Its number, for which design_find() has it. */
unsigned
design_number(const struct vmm_ops *ops)
{
	unsigned n = 0;

	while (design_list[n] != ops) {
		n++;
		ASSERT(n < DESIGNS);
	}
	return n;
}

/* The design of that name.  NULL: there is none. */
const struct vmm_ops *
design_by_name(const char *name)
{
	const struct vmm_ops *ops;

	FOR_EACH_DESIGN(ops)
		if (strcmp(ops->name, name) == 0)
			return ops;
	return NULL;
}

/* What spaces follow unless told otherwise: boot option vmm=.  A name that no design
 * has ends the boot: what was asked for would not be what is measured. */
const struct vmm_ops *
design_default(void)
{
	const char *name = option_str("vmm");
	const struct vmm_ops *ops;
	char there[64];
	size_t n = 0;

	if (name == NULL)
		return design_list[0];
	ops = design_by_name(name);
	if (ops != NULL)
		return ops;
	FOR_EACH_DESIGN(ops)
		if (n < sizeof(there))
			n += (size_t)snprintf(there + n, sizeof(there) - n,
			    " %s", ops->name);
	panic("vmm=%s: there is no such design, but%s", name, there);
}

/* Free what has died of any design: a truncate by a process of one takes words from
 * processes of another.
 * Locks: none of rank >= 3. */
void
design_reap_all(void)
{
	const struct vmm_ops *ops;

	FOR_EACH_DESIGN(ops)
		if (ops->reap != NULL)
			ops->reap();
}
