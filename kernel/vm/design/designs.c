/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * designs.c: the registry of memory manager designs
 *
 * Problem   Each address space follows one design; the boot option vmm= and
 *           prctl(PR_VMM_DESIGN) name it.
 *
 * Picture   vmm=eager ─→ design_default() ─→ as_create() ─→ as->design, as->school
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
 * Returns: the design behind it (NULL: the first one); NULL: that was the last. */
const struct design *
design_next(const struct design *design)
{
	unsigned i = 0;

	while (design != NULL && design_list[i++] != design)
		;
	while (i < DESIGNS && design_list[i] == NULL)
		i++;
	return i < DESIGNS ? design_list[i] : NULL;
}

/* Locks: none; once, before the first space is made. */
void
design_init(void)
{
	const struct design *design;

	kernel_as.design = design_list[0];
	kernel_as.school = kernel_as.design->school;
	FOR_EACH_DESIGN(design)
		if (design->init != NULL)
			design->init();
}

/* The design with number n.  NULL: there is none. */
const struct design *
design_find(unsigned n)
{
	return n < DESIGNS ? design_list[n] : NULL;
}

/* The number by which design_find() finds it. */
unsigned
design_number(const struct design *design)
{
	unsigned n = 0;

	while (design_list[n] != design) {
		n++;
		ASSERT(n < DESIGNS);
	}
	return n;
}

/* The design of that name.  NULL: there is none. */
const struct design *
design_by_name(const char *name)
{
	const struct design *design;

	FOR_EACH_DESIGN(design)
		if (strcmp(design->name, name) == 0)
			return design;
	return NULL;
}

/* The default design of new spaces: boot option vmm=.  An unknown name ends the boot:
 * otherwise the wrong design would be measured. */
const struct design *
design_default(void)
{
	const char *name = option_str("vmm");
	const struct design *design;
	char there[64];
	size_t n = 0;

	if (name == NULL)
		return design_list[0];
	design = design_by_name(name);
	if (design != NULL)
		return design;
	FOR_EACH_DESIGN(design)
		if (n < sizeof(there))
			n += (size_t)snprintf(there + n, sizeof(there) - n,
			    " %s", design->name);
	panic("vmm=%s: there is no such design, but%s", name, there);
}

/* The next record of all spaces of a design, as text.  at: a space's number and a place
 * in it, both moved on; both 0: the first.
 * Locks: none of rank >= 2; takes [W] of one space after the other.
 * Returns: 1; 0: there are no more. */
int
design_show_spaces(const char *name, uint64_t at[2], struct out *o)
{
	const struct design *design = design_by_name(name);
	struct aspace *as;
	int more = 0;

	while (more == 0 && (as = as_from(at[0])) != NULL) {
		if (as->id != at[0])
			at[1] = 0;
		at[0] = as->id;
		if (as->design == design)
			more = design_show(as, &at[1], o);
		if (more == 0) {
			at[0]++;
			at[1] = 0;
		}
		as_put(as);
	}
	return more;
}
