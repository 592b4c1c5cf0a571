/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * designs.c: the registry of memory manager designs
 *
 * Problem   Each address space follows one design; the boot option vmm= and
 *           prctl(PR_VMM_DESIGN) name it.
 *
 * Picture   vmm=eager ─→ design_default() ─→ as_create() ─→ as->ops
 *
 * Rules     1. The numbers are those of the prctl, up to 4 those of the seed notes
 *              too; they never change.
 *           2. Fork keeps the design, so no private page is ever shared by
 *              two of them.
 *
 * Read next vm/design/fmo/ops.c.  Book: ch18.
 */
#include "lib/fmt.h"
#include "lib/string.h"
#include "vm/calls/calls.h"
#include "vm/design/design.h"
#include "vm/space/space.h"
#include "vm/vm.h"

/* 1 to 4 are of seed notes that are not built yet. */
static struct {
	const struct vmm_ops *ops[DESIGNS]; /* [c] by number; NULL: none */
} designs = {
	.ops = { [0] = &fmo_ops, [5] = &eager_ops },
};

/*
 * Locks:    none; once, before the first space is made.
 */
void
design_init(void)
{
	unsigned i;

	kernel_as.ops = designs.ops[0];
	for (i = 0; i < DESIGNS; i++)
		if (designs.ops[i] != NULL && designs.ops[i]->init != NULL)
			designs.ops[i]->init();
}

/*
 * The design with number n.  NULL: there is none.
 */
const struct vmm_ops *
design_find(unsigned n)
{
	return n < DESIGNS ? designs.ops[n] : NULL;
}

/*
 * The design of that name.  NULL: there is none.
 */
const struct vmm_ops *
design_by_name(const char *name)
{
	unsigned i;

	for (i = 0; i < DESIGNS; i++)
		if (designs.ops[i] != NULL &&
		    strcmp(designs.ops[i]->name, name) == 0)
			return designs.ops[i];
	return NULL;
}

/*
 * What spaces follow unless told otherwise: boot option vmm=.  A name that no
 * design has ends the boot: what was asked for would not be what is measured.
 */
const struct vmm_ops *
design_default(void)
{
	const char *name = option_str("vmm");
	const struct vmm_ops *ops;
	char there[64];
	size_t n = 0;
	unsigned i;

	if (name == NULL)
		return designs.ops[0];
	ops = design_by_name(name);
	if (ops != NULL)
		return ops;
	for (i = 0; i < DESIGNS && n < sizeof(there); i++)
		if (designs.ops[i] != NULL)
			n += (size_t)snprintf(there + n, sizeof(there) - n,
			    " %s", designs.ops[i]->name);
	panic("vmm=%s: there is no such design, but%s", name, there);
}

/*
 * Free what has died of any design: a truncate by a process of one takes words
 * from processes of another.
 *
 * Locks:    none of rank >= 3.
 */
void
design_reap_all(void)
{
	unsigned i;

	for (i = 0; i < DESIGNS; i++)
		if (designs.ops[i] != NULL && designs.ops[i]->reap != NULL)
			designs.ops[i]->reap();
}

/*
 * Has a design a slab of that name, for what a fork leaves to others?  Fewer of
 * its objects are no leak: the last owner may take a page back at any time.
 */
bool
design_owns_cache(const char *name)
{
	const char *const *c;
	unsigned i;

	for (i = 0; i < DESIGNS; i++) {
		c = designs.ops[i] == NULL ? NULL : designs.ops[i]->caches;
		for (; c != NULL && *c != NULL; c++)
			if (strcmp(*c, name) == 0)
				return true;
	}
	return false;
}

/*
 * What all designs share among spaces: /proc/vm/fmo.
 *
 * Locks:    none of rank >= 9.
 */
void
stat_shared(struct out *o)
{
	unsigned i;

	for (i = 0; i < DESIGNS; i++)
		if (designs.ops[i] != NULL && designs.ops[i]->show != NULL)
			designs.ops[i]->show(NULL, o);
}

/*
 * What words of a space name that others share: /proc/PID/fmo.
 *
 * Locks:    none of rank >= 5; takes [W].
 */
void
stat_shared_of(struct aspace *as, struct out *o)
{
	if (as->ops->show != NULL)
		as->ops->show(as, o);
}
