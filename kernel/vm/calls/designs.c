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
#include "vm/calls/calls.h"
#include "vm/design/design.h"
#include "vm/space/space.h"
#include "vm/vm.h"

/* The design behind ops, or the first one; NULL: that was the last. */
static const struct vmm_ops *
next_design(const struct vmm_ops *ops)
{
	unsigned i = 0;

	while (ops != NULL && design_list[i++] != ops)
		;
	while (i < DESIGNS && design_list[i] == NULL)
		i++;
	return i < DESIGNS ? design_list[i] : NULL;
}

#define FOR_EACH_DESIGN(ops)                                              \
	for (ops = next_design(NULL); ops != NULL; ops = next_design(ops))

/* Private pages of all designs that no word of a space owns. */
static uint64_t
count_pages(size_t unused)
{
	const struct vmm_ops *ops;
	uint64_t n = 0;

	FOR_EACH_DESIGN(ops)
		n += ops->pages == 0 ? 0 : ev_read(ops->pages);
	return n;
}

static uint64_t
count_charged(size_t unused)
{
	const struct vmm_ops *ops;
	uint64_t n = 0;

	FOR_EACH_DESIGN(ops)
		n += ops->charged == 0 ? 0 : ev_read(ops->charged);
	return n;
}

/*
 * Locks:    none; once, before the first space is made.
 */
void
design_init(void)
{
	const struct vmm_ops *ops;

	kernel_as.ops = design_list[0];
	ev_set_gauge(EV_design_pages, count_pages, 0);
	ev_set_gauge(EV_design_charged, count_charged, 0);
	FOR_EACH_DESIGN(ops)
		if (ops->init != NULL)
			ops->init();
}

/*
 * The design with number n.  NULL: there is none.
 */
const struct vmm_ops *
design_find(unsigned n)
{
	return n < DESIGNS ? design_list[n] : NULL;
}

/*
 * The design of that name.  NULL: there is none.
 */
const struct vmm_ops *
design_by_name(const char *name)
{
	const struct vmm_ops *ops;

	FOR_EACH_DESIGN(ops)
		if (strcmp(ops->name, name) == 0)
			return ops;
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

/*
 * Free what has died of any design: a truncate by a process of one takes words
 * from processes of another.
 *
 * Locks:    none of rank >= 3.
 */
void
design_reap_all(void)
{
	const struct vmm_ops *ops;

	FOR_EACH_DESIGN(ops)
		if (ops->reap != NULL)
			ops->reap();
}

/*
 * Has a design a slab of that name, for what a fork leaves to others?  Fewer of
 * its objects are no leak: the last owner may take a page back at any time.
 */
bool
design_owns_cache(const char *name)
{
	const struct vmm_ops *ops;
	const char *const *c;

	FOR_EACH_DESIGN(ops)
		for (c = ops->caches; c != NULL && *c != NULL; c++)
			if (strcmp(*c, name) == 0)
				return true;
	return false;
}

/*
 * Call fn for each gauge of such things.
 */
void
design_walk_gauges(void (*fn)(enum ev_id, void *), void *arg)
{
	const struct vmm_ops *ops;
	const enum ev_id *g;

	FOR_EACH_DESIGN(ops)
		for (g = ops->gauges; g != NULL && *g != 0; g++)
			fn(*g, arg);
}

/*
 * What all designs share among spaces: /proc/vm/fmo.
 *
 * Locks:    none of rank >= 9.
 */
void
stat_shared(struct out *o)
{
	const struct vmm_ops *ops;

	FOR_EACH_DESIGN(ops)
		if (ops->show != NULL)
			ops->show(NULL, o);
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
