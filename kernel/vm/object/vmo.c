/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vmo.c: memory objects: references, the list of all, visits
 *
 * Problem   An object is used by mappings, by open files, and by the write-back
 *           thread.  It ends with the last reference, but not while a walk over
 *           all objects visits it.
 *
 * Picture   VAD ─┐
 *           VAD ─┼ref→ vmo ── maps ─→ vm_maplink ⇄ vm_maplink …  one per VAD: maplink.c
 *           file ┘       └─ pages: anon.c, or pagecache.c for files
 *
 * Rules     1. The write-back thread visits objects of files without a reference:
 *              their owner waits until it has left.
 *           2. Each kind of object has its own end: vmo->end.
 *
 * Read next maplink.c
 */
#include "vm/object/object.h"

static struct waitq visited = WAITQ_INIT(visited); /* for the last visit of any object */

struct mutex vmo_list_lock = MUTEX_INIT(vmo_list_lock, LR_KMAP);
struct list vmo_list = LIST_INIT(vmo_list);

static struct kmem_cache vmo_cache = KMEM_CACHE("vmo", struct vmo);

/* ---- life ---- */

/* The header, in no list.
 * Owns: the caller, the only reference.  Returns: NULL: no memory. */
struct vmo *
vmo_alloc(enum vmo_type type, uint64_t bytes)
{
	static _Atomic uint64_t last_serial;
	struct vmo *vmo = kmem_cache_zalloc(&vmo_cache);

	if (vmo == NULL)
		return NULL;
	vmo->serial = atomic_add(&last_serial, 1) + 1;
	vmo->type = (uint8_t)type;
	vmo->end = anon_put; /* of a file: vmo_create_file() */
	vmo->size = bytes;
	atomic_store(&vmo->refs, 1);
	spin_init(&vmo->lock, LR_OBJ);
	mutex_init(&vmo->maps_lock, LR_OBJMAPS);
	list_init(&vmo->maps);
	list_node_init(&vmo->all);
	return vmo;
}

/* Locks: none; the object has no pages, references, mappings. */
void
vmo_free(struct vmo *vmo)
{
	kmem_cache_free(&vmo_cache, vmo);
}

/* Anonymous object.  price: what the caller has charged, anon_price(); the object takes
 * that over.  0: each page is charged when it is made.
 * Locks: none of rank >= 3.  Owns: the caller, the only reference.
 * Returns: NULL: no memory, the charge stays the caller's. */
struct vmo *
vmo_create_anon(uint64_t bytes, uint64_t price, const struct vmo_client_ops *ops,
    void *client)
{
	struct vmo *vmo = anon_create(bytes);

	if (vmo == NULL)
		return NULL;
	vmo->charged_whole = price != 0;
	vmo->a.charged = price;
	return vmo_register(vmo, ops, client);
}

/* Give a complete object its client, list it.  Locks: none of rank >= 3.  Returns:
 * vmo. */
struct vmo *
vmo_register(struct vmo *vmo, const struct vmo_client_ops *ops, void *client)
{
	vmo->client_ops = ops;
	vmo->client = client;
	mutex_lock(&vmo_list_lock);
	list_push_back(&vmo_list, &vmo->all);
	mutex_unlock(&vmo_list_lock);
	return vmo;
}

/* Let no visit begin from now on.  Is none under way? */
static bool
close_visits(struct vmo *vmo)
{
	bool quiet;

	mutex_lock(&vmo_list_lock);
	vmo->v.closed = true;
	quiet = vmo->v.visits == 0;
	mutex_unlock(&vmo_list_lock);
	return quiet;
}

static void
wait_unvisited(struct vmo *vmo)
{
	if (vmo->type == VMO_VNODE)
		(void)wait_until(&visited, WAIT_PLAIN, WAIT_FOREVER, close_visits(vmo));
}

/* Locks: none of rank >= 3.  Context: the last one frees all pages. */
void
vmo_put(struct vmo *vmo)
{
	if (atomic_sub(&vmo->refs, 1) > 0)
		return;
	wait_unvisited(vmo);
	mutex_lock(&vmo_list_lock);
	list_remove(&vmo->all);
	mutex_unlock(&vmo_list_lock);
	if (vmo->client_ops != NULL && vmo->client_ops->ended != NULL)
		vmo->client_ops->ended(vmo->client);
	vmo->end(vmo);
}

/* For a caller that finds the object without a reference: it is not freed yet.
 * Locks: any that its end takes.  Returns: false: the last reference is gone. */
bool
vmo_try_get(struct vmo *vmo)
{
	return atomic_get(&vmo->refs);
}

/* A seal that outlives all descriptors: mappings make no holes from now on.
 * Locks: any.  The object is anonymous. */
void
vmo_keep_whole(struct vmo *vmo)
{
	ASSERT(vmo->type == VMO_AOBJ);
	atomic_store(&vmo->a.whole, true);
}

/* The next object behind prev in the list (NULL: the first) that take() accepts.  [L]. */
static struct vmo *
next_of(struct vmo *prev, bool (*take)(struct vmo *))
{
	struct list_node *n = prev == NULL ? &vmo_list.head : &prev->all;
	struct vmo *vmo;

	while ((n = n->next) != &vmo_list.head) {
		vmo = LIST_ENTRY(n, struct vmo, all);
		if (take(vmo))
			return vmo;
	}
	return NULL;
}

static bool
get_anon(struct vmo *vmo)
{
	return vmo->type == VMO_AOBJ && vmo_try_get(vmo);
}

/* The anonymous objects one after the other, for a caller that may sleep between two.
 * Locks: none of rank >= 3.
 * Owns: the caller, a reference to the result; the one to prev is dropped.
 * Returns: the one behind prev (NULL: the first); NULL: there is none. */
struct vmo *
vmo_next_anon(struct vmo *prev)
{
	struct vmo *found;

	mutex_lock(&vmo_list_lock);
	found = next_of(prev, get_anon);
	mutex_unlock(&vmo_list_lock);
	if (prev != NULL)
		vmo_put(prev);
	return found;
}

/* Locks: any.  Returns: bytes. */
uint64_t
vmo_size(struct vmo *vmo)
{
	return atomic_load(&vmo->size);
}

/* 1: the caller has the only reference, so nobody maps the object.
 * Locks: any.  Returns: references. */
uint32_t
vmo_refs(struct vmo *vmo)
{
	return atomic_load(&vmo->refs);
}

/* Locks: any.  Returns: pages that exist. */
uint64_t
vmo_pages(struct vmo *vmo)
{
	return atomic_load(&vmo->n_resident);
}

/* Set another client, or none; mappings may live on.  Locks: takes [O]. */
void
vmo_change_client(struct vmo *vmo, const struct vmo_client_ops *ops, void *client)
{
	spin_lock(&vmo->lock);
	vmo->client_ops = ops;
	vmo->client = client;
	spin_unlock(&vmo->lock);
}

/* The file is going away; mappings of anonymous objects may live on.  An object of a file
 * has no mapping any more, and afterwards only the caller calls its pager.
 * Locks: at most rank 1; waits for a write-back. */
void
vmo_forget_client(struct vmo *vmo)
{
	vmo_change_client(vmo, NULL, NULL);
	wait_unvisited(vmo);
}

/* ---- visits ---- */

static bool
begin_visit(struct vmo *vmo)
{
	bool open = vmo->type == VMO_VNODE && !vmo->v.closed;

	if (open)
		vmo->v.visits++;
	return open;
}

/* The next object of a file in the list; the visit of prev ends.  An object that is
 * visited does not leave the list, although a visit is no reference.
 * Locks: none of rank >= 3.  Returns: NULL: there are no more. */
struct vmo *
vmo_visit_next(struct vmo *prev)
{
	struct vmo *found;

	mutex_lock(&vmo_list_lock);
	found = next_of(prev, begin_visit);
	if (prev != NULL && --prev->v.visits == 0 && prev->v.closed)
		wake_all(&visited);
	mutex_unlock(&vmo_list_lock);
	return found;
}

/* A store has made a word of a shared mapping writable: the file has changed now.  Later
 * stores through the same word do not change its times, as on Linux.
 * Locks: none of rank >= 7; takes [O]. */
void
vmo_stored(struct vmo *vmo)
{
	if (atomic_load(&vmo->client_ops) == NULL)
		return;
	spin_lock(&vmo->lock);
	if (vmo->client_ops != NULL && vmo->client_ops->stored != NULL)
		vmo->client_ops->stored(vmo->client);
	spin_unlock(&vmo->lock);
}
