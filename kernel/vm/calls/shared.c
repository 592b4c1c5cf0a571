/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * shared.c: shared memory without a file
 *
 * Problem   MAP_SHARED | MAP_ANONYMOUS makes an object without a name.  A segment of
 *           System V is an object with an id; it is mapped as a whole, and unmapped
 *           by its address alone.
 *
 * Picture   map_shared_object ─→ object ─→ map_mmap … map_unmap_object
 *
 * Rules     1. An object is charged as a whole, its tables too, when it is made; one
 *              without that charge (NORESERVE) page by page, at the first touch.
 *           2. Parts of a mapping that was cut are recognised by their place: page n
 *              of the object lies n pages behind the address.
 */
#include "vm/calls/calls.h"

/* See vm.h.
 * Locks: none of rank >= 3.  Owns: the caller, the only reference. */
struct vmo *
map_shared_object(uint64_t bytes, enum shared_pay pay,
    const struct vmo_client_ops *ops, void *client)
{
	uint64_t price = pay == SHARED_LATE || commit_is_late() ? 0 :
	    anon_price(PAGE_UP(bytes) >> PAGE_SHIFT);
	struct vmo *vmo;

	if (commit_charge(price) != 0)
		return NULL;
	vmo = vmo_create_anon(bytes, price, ops, client);
	if (vmo == NULL)
		commit_uncharge(price);
	return vmo;
}

/* See vm.h.
 * Locks: none of rank >= 2.
 * Owns: the caller, a reference; client exists as long as it holds that. */
struct vmo *
map_object_at(struct aspace *as, va_t va, const struct vmo_client_ops *ops,
    void **client)
{
	uint64_t lo = va >> PAGE_SHIFT, end = MD_USER_END >> PAGE_SHIFT;
	struct vmo *found = NULL;
	struct vad_view v;

	VAD_VIEWS(&v, as, lo, end) {
		if (v.vmo == NULL || atomic_load(&v.vmo->client_ops) != ops ||
		    v.lo - lo != v.off)
			continue;
		found = v.vmo;
		*client = found->client;
		vmo_get(found);
		vad_view_end(&v);
		break;
	}
	return found;
}

/* Unmap the rest of vmo's mapping, which was mapped as a whole at va.
 * Locks: none of rank >= 2.
 * Returns: 0; as map_munmap(). */
int
map_unmap_object(struct aspace *as, va_t va, struct vmo *vmo)
{
	uint64_t lo = va >> PAGE_SHIFT;
	uint64_t end = lo + (PAGE_UP(vmo_size(vmo)) >> PAGE_SHIFT);
	struct vad_view v;
	int r = 0;

	VAD_VIEWS(&v, as, lo, end) {
		if (v.vmo == vmo && v.lo - lo == v.off)
			r = map_munmap(as, v.lo << PAGE_SHIFT,
			    (v.hi - v.lo) << PAGE_SHIFT);
		if (r != 0) {
			vad_view_end(&v);
			break;
		}
	}
	return r;
}
