/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * quota.c: how many pages the objects of one file system may have
 *
 * Problem   A tmpfs has a limit of pages, set at its mount, and its files are
 *           objects that may live on when their names are gone.
 *
 * Picture   mount ──ref──→ { used ≤ max } ←──ref── object, object, …
 *
 * Rules     1. A page counts in the quota from where it is made (anon_make) until
 *              its word is cleared: in memory or on swap, mapped or not, also when
 *              the file has no name and no descriptor any more.
 *           2. An object holds a reference to its quota as long as it lives, so the
 *              quota tells whether pages of a file system are still in use.
 */
#include "mem/mem.h"
#include "vm/object/object.h"

/* Locks: none of rank >= LR_MEM.  Owns: the caller, the only reference.
 * Returns: NULL: no memory. */
struct vmo_quota *
vmo_quota_create(void)
{
	struct vmo_quota *q = kmem_zalloc(sizeof(*q));

	if (q == NULL)
		return NULL;
	atomic_store(&q->refs, 1);
	atomic_store(&q->max, QUOTA_NONE);
	return q;
}

/* Locks: none of rank >= LR_MEM.  NULL is allowed. */
void
vmo_quota_put(struct vmo_quota *q)
{
	if (q == NULL || atomic_sub(&q->refs, 1) > 0)
		return;
	ASSERT(atomic_load(&q->used) == 0);
	kmem_free(q);
}

/* Locks: any.  Returns: as objects.h says. */
uint64_t
vmo_quota(struct vmo_quota *q, enum quota_figure what)
{
	return what == QUOTA_REFS ? atomic_load(&q->refs) :
	    atomic_load(what == QUOTA_USED ? &q->used : &q->max);
}

/* Set the limit of pages.
 * Locks: any.  Returns: 0, -EINVAL: there are more already, and nothing has changed. */
int
vmo_quota_limit(struct vmo_quota *q, uint64_t pages)
{
	uint64_t old = atomic_xchg(&q->max, pages);

	if (atomic_load(&q->used) <= pages)
		return 0;
	atomic_store(&q->max, old);
	return -EINVAL;
}

/* Locks: none; the object has no pages, and is known to nobody else. */
void
vmo_set_quota(struct vmo *vmo, struct vmo_quota *q)
{
	ASSERT(vmo->type == VMO_AOBJ && vmo->n_resident == 0);
	atomic_add(&q->refs, 1);
	vmo->a.quota = q;
}

/* Locks: none of rank >= 3.
 * Returns: some object is mapped from a file that can write. */
bool
vmo_quota_has_writer(struct vmo_quota *q)
{
	struct vmo *vmo;
	bool found = false;

	mutex_lock(&vmo_list_lock);
	LIST_FOREACH(vmo, &vmo_list, all)
		if (vmo->type == VMO_AOBJ && vmo->a.quota == q &&
		    (found = vmo_mappings(vmo, MAPS_OF_WRITERS) != 0))
			break;
	mutex_unlock(&vmo_list_lock);
	return found;
}

/* Count one page more.
 * Locks: any.  q may be NULL.  Returns: false: the file system is full. */
bool
quota_take(struct vmo_quota *q)
{
	uint64_t have;

	if (q == NULL)
		return true;
	have = atomic_load(&q->used);
	do {
		if (have >= atomic_load(&q->max)) {
			EVENT(anon_quota);
			return false;
		}
	} while (!atomic_cas(&q->used, &have, have + 1));
	return true;
}

/* n pages are gone.  Locks: any.  q may be NULL. */
void
quota_give(struct vmo_quota *q, uint64_t n)
{
	if (q == NULL)
		return;
	ASSERT(atomic_load(&q->used) >= n);
	atomic_sub(&q->used, n);
}
