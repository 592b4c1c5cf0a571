/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * device.c: special objects: physical addresses that are not RAM
 *
 * Problem   The registers of a device are mapped like a file, but there is no page
 *           that could be read in, written back or reclaimed.
 *
 * Picture   VAD ─→ vmo { base, size } ─→ word SPEC, uncached: base + offset
 *
 * Rules     1. A special object has no pages: the address is computed, a PTE can
 *              be made again at no cost, and the frame is not freed, swapped or
 *              counted.  It never maps RAM, which has owners.
 */
#include "vm/frame/word.h"
#include "vm/object/object.h"

/* The object of [base, base + bytes), of whole pages.
 * Locks: none of rank >= 3.  Owns: the caller, the only reference.
 * Returns: NULL: no memory. */
struct vmo *
vmo_create_device(pa_t base, uint64_t bytes, const struct vmo_client_ops *ops,
    void *client)
{
	struct vmo *vmo = vmo_alloc(VMO_DEVICE, bytes);

	if (vmo == NULL)
		return NULL;
	vmo->end = vmo_free;
	vmo->d.base = base;
	return vmo_register(vmo, ops, client);
}

/* May n pages from pgoff on be mapped?
 * Returns: 0; -EINVAL: beyond the object; -EPERM: there is RAM among them. */
int
vmo_device_check(const struct vmo *vmo, uint64_t pgoff, uint64_t n)
{
	uint64_t pages = vmo->size >> PAGE_SHIFT, i;

	if (pgoff > pages || n > pages - pgoff)
		return -EINVAL;
	for (i = 0; i < n; i++)
		if (phys_is_ram(vmo_device_pfn(vmo, pgoff + i)))
			return -EPERM;
	return 0;
}

/* The VALID word of a page of the object, with these rights. */
uint64_t
vmo_device_word(const struct vmo *vmo, uint64_t pgoff, uint64_t rights)
{
	/* There is no struct vm_page at this address, and none is read. */
	return pte_make_valid(&pfdb[vmo_device_pfn(vmo, pgoff)], SRC_SPEC,
	    rights | MD_PTE_PCD);
}
