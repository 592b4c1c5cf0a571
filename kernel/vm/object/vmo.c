/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vmo.c: memory objects: references, visits, who maps them; quotas, devices
 *
 * Problem   Files, memfds and shared memory are mapped by many spaces and cut
 *           while these use them: then no space may map what lies behind the new
 *           end.  To take a word away may need a page table or an entry page that
 *           is on swap; but while the list of mappings is locked, nobody may wait.
 *
 * Picture   VAD ─┐
 *           VAD ─┼ref→ vmo ── maps ─→ vm_maplink ⇄ vm_maplink …  one per VAD
 *           file ┘       └─ pages: anon.c, or pagecache.c for files
 *
 *           shrink:  size, resize_seq ─→ zap each link ─→ free pages ─→ tail
 *                       [O]               [X] [W]            [O]
 *           zap:     link ─→ link ─→ link      zap_seq: done, done, …
 *                             └─ school->zap: -EAGAIN, job.want says what is out
 *                     [X] dropped ─→ want_finish ─→ [X], the list again
 *           quota:   mount ──ref──→ { used ≤ max } ←──ref── object, object, …
 *           device:  VAD ─→ vmo { base, size } ─→ word SPEC, uncached: base + offset
 *
 * Rules     1. The size is cut before the first word is taken away.  A fault
 *              installs in the hold of [W] in which it read the size, so its
 *              word is either seen by the zap or never made (R7).
 *           2. The write-back thread visits objects of files without being one
 *              of their users: their owner waits until it has left.
 *           3. A link whose zap_seq is resize_seq has been done and is passed
 *              by: no fault can refill it, for it sees the new size.
 *           4. The space that is waited for is held by a reference, what was
 *              brought by pins, until its link is done; the token for these pins is
 *              taken before the first of them.  A space that is being torn down is
 *              not held, but waited for.
 *           5. The size of a tmpfs is a promise to all others: a page counts in its
 *              quota from where it is made (anon_make) to where its word is cleared,
 *              in memory or on swap, mapped or not, also when the file has no name
 *              and no descriptor any more.
 *           6. An object holds a reference to its quota as long as it lives, so a
 *              quota tells whether pages of a file system are still in use.
 *           7. A special object has no pages: the address is computed, a word that
 *              goes costs nothing to make again, and its frame is nobody's to free,
 *              swap or count.  Never RAM: that has owners.
 */
#include "vm/design/design.h"
#include "vm/object/object.h"
#include "vm/table/table.h"

static struct waitq visited = WAITQ_INIT(visited); /* for the last visit of any object */

struct mutex vmo_list_lock = MUTEX_INIT(vmo_list_lock, LR_KMAP);
static struct list vmos = LIST_INIT(vmos); /* [L] every object */

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

/* Anonymous object of a file; each page is charged when it is made.
 * Locks: none of rank >= 3.  Owns: the caller, the only reference.
 * Returns: NULL: no memory. */
struct vmo *
vmo_create_anon(uint64_t bytes, const struct vmo_client_ops *ops, void *client)
{
	struct vmo *vmo = anon_create(bytes);

	if (vmo == NULL)
		return NULL;
	vmo->client_ops = ops;
	vmo->client = client;
	return vmo_register(vmo);
}

/* Object of a MAP_SHARED|MAP_ANONYMOUS mapping, paid for as a whole.
 * Locks: none of rank >= 3.
 * Owns: the caller, the only reference; the object takes over the charge of
 * anon_price(), which the caller has made.
 * Returns: NULL: no memory, the charge stays the caller's. */
struct vmo *
vmo_create_shared_anon(uint64_t bytes)
{
	struct vmo *vmo = anon_create(bytes);

	if (vmo == NULL)
		return NULL;
	vmo->charged_whole = 1;
	vmo->a.charged = anon_price(PAGE_UP(bytes) >> PAGE_SHIFT);
	return vmo_register(vmo);
}

/* The object is complete.  Locks: none of rank >= 3.  Returns: vmo. */
struct vmo *
vmo_register(struct vmo *vmo)
{
	mutex_lock(&vmo_list_lock);
	list_push_back(&vmos, &vmo->all);
	mutex_unlock(&vmo_list_lock);
	return vmo;
}

/* Locks: any; the caller has a reference or the object's VAD. */
void
vmo_get(struct vmo *vmo)
{
	ASSERT(atomic_load(&vmo->refs) > 0);
	atomic_add(&vmo->refs, 1);
}

/* No visit begins from now on, and none is under way. */
static void
close_visits(struct vmo *vmo)
{
	struct waiter w;
	bool busy;

	do {
		mutex_lock(&vmo_list_lock);
		vmo->v.closed = true;
		busy = vmo->v.visits > 0;
		if (busy)
			wait_prepare(&visited, &w);
		mutex_unlock(&vmo_list_lock);
		if (busy) {
			(void)wait_sleep(&w, WAIT_PLAIN, WAIT_FOREVER);
			wait_finish(&w);
		}
	} while (busy);
}

/* Locks: none of rank >= 3.  Context: the last one frees all pages. */
void
vmo_put(struct vmo *vmo)
{
	if (atomic_sub(&vmo->refs, 1) > 0)
		return;
	if (vmo->type == VMO_VNODE)
		close_visits(vmo);
	mutex_lock(&vmo_list_lock);
	list_remove(&vmo->all);
	mutex_unlock(&vmo_list_lock);
	vmo->end(vmo);
}

/* A seal that outlives all descriptors: a mapping makes no hole any more.
 * Locks: any.  The object is anonymous. */
void
vmo_keep_whole(struct vmo *vmo)
{
	ASSERT(vmo->type == VMO_AOBJ);
	atomic_store(&vmo->a.whole, true);
}

/* The next object in the list behind prev (NULL: the first) that take takes.  [L]. */
static struct vmo *
next_of(struct vmo *prev, bool (*take)(struct vmo *))
{
	struct list_node *n = prev == NULL ? &vmos.head : &prev->all;
	struct vmo *vmo;

	while ((n = n->next) != &vmos.head) {
		vmo = LIST_ENTRY(n, struct vmo, all);
		if (take(vmo))
			return vmo;
	}
	return NULL;
}

/* A reference, unless the last one has gone. */
static bool
get_anon(struct vmo *vmo)
{
	return vmo->type == VMO_AOBJ && atomic_get(&vmo->refs);
}

/* The anonymous objects one after the other, by who may wait between two.
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

/* Locks: vmo_list_lock; fn may take [O]. */
void
vmo_walk_locked(void (*fn)(struct vmo *, void *), void *arg)
{
	struct vmo *vmo;

	HELD(&vmo_list_lock);
	LIST_FOREACH(vmo, &vmos, all)
		fn(vmo, arg);
}

/* Call fn for every object.
 * Locks: rank 3 is held around fn, which may take [X] and [O]. */
void
vmo_walk(void (*fn)(struct vmo *, void *), void *arg)
{
	mutex_lock(&vmo_list_lock);
	vmo_walk_locked(fn, arg);
	mutex_unlock(&vmo_list_lock);
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

/* The file is going away; mappings of anonymous objects may live on.  Of an object of a
 * file nobody has a mapping any more, and afterwards nobody calls its pager but the
 * caller.
 * Locks: at most rank 1; waits for a write-back. */
void
vmo_forget_client(struct vmo *vmo)
{
	spin_lock(&vmo->lock);
	vmo->client_ops = NULL;
	vmo->client = NULL;
	spin_unlock(&vmo->lock);
	if (vmo->type == VMO_VNODE)
		close_visits(vmo);
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

/* A shared mapping has become writable by a store: the file has changed now.  What is
 * stored by the same word later is not seen, as on Linux.
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

/* ---- who maps it ---- */

static struct kmem_cache links = KMEM_CACHE("maplink", struct vm_maplink);

/* A zap under way. */
struct object_zap {
	struct zap_job job;    /* tables.as: opened, with a reference */
	struct aspace *next;   /* who has stopped the walk; a reference */
};

/* List a mapping; from now on a truncate finds its words.
 * Locks: none of rank >= 4; takes [X]. */
void
vmo_link(struct vmo *vmo, struct vm_maplink *link)
{
	ASSERT(!list_is_linked(&link->node));
	mutex_lock(&vmo->maps_lock);
	spin_lock(&vmo->lock);
	link->zap_seq = vmo->resize_seq;
	spin_unlock(&vmo->lock);
	list_push_back(&vmo->maps, &link->node);
	vmo->had_writer |= (link->flags & VAD_WRITER) != 0;
	mutex_unlock(&vmo->maps_lock);
}

/* The mapping has no words left.  Locks: none of rank >= 4; takes [X]. */
void
vmo_unlink(struct vmo *vmo, struct vm_maplink *link)
{
	mutex_lock(&vmo->maps_lock);
	list_remove(&link->node);
	mutex_unlock(&vmo->maps_lock);
}

/* What vmo_forget_space() looks for. */
struct forget {
	const struct aspace *as;
	struct vmo *vmo;       /* has a link of the space, taken off the list */
	struct vm_maplink *link;
};

static void
forget_in(struct vmo *vmo, void *arg)
{
	struct forget *f = arg;
	struct vm_maplink *link;

	if (f->vmo != NULL)
		return;
	mutex_lock(&vmo->maps_lock);
	LIST_FOREACH(link, &vmo->maps, node)
		if (link->as == f->as)
			f->link = link;
	if (f->link != NULL) {
		list_remove(&f->link->node);
		f->vmo = vmo;
	}
	mutex_unlock(&vmo->maps_lock);
}

/* The links of a space whose VADs could not be read go, each with the reference that
 * its VAD had.
 * Locks: none of rank >= 2; the space has no words. */
void
vmo_forget_space(struct aspace *as)
{
	struct forget f;

	for (;;) {
		f = (struct forget){ .as = as };
		vmo_walk(forget_in, &f);
		if (f.vmo == NULL)
			break;
		vmo_link_free(f.link);
		vmo_put(f.vmo);
	}
}

/* Somebody maps it.  Locks: none of rank >= 4; takes [X]. */
bool
vmo_is_mapped(struct vmo *vmo)
{
	bool is_mapped;

	mutex_lock(&vmo->maps_lock);
	is_mapped = !list_is_empty(&vmo->maps);
	mutex_unlock(&vmo->maps_lock);
	return is_mapped;
}

/* Locks: none of rank >= 4; takes [X].
 * Returns: some mapping is shared and may be written. */
bool
vmo_is_mapped_writable(struct vmo *vmo)
{
	struct vm_maplink *link;
	bool found = false;

	mutex_lock(&vmo->maps_lock);
	LIST_FOREACH(link, &vmo->maps, node)
		found |= link->nwr != 0;
	mutex_unlock(&vmo->maps_lock);
	return found;
}

/* A mapping keeps the open file that it was made from; the descriptor may be closed
 * since.  A program's file is asked at each fork and exec, and may be mapped by a
 * thousand: they are looked at only if one of them was such a mapping, or a part of one.
 * Locks: none of rank >= 4; takes [X].
 * Returns: some mapping was made from a file that can write. */
bool
vmo_is_mapped_by_writer(struct vmo *vmo)
{
	struct vm_maplink *link;
	bool found = false;

	mutex_lock(&vmo->maps_lock);
	if (vmo->had_writer)
		LIST_FOREACH(link, &vmo->maps, node)
			found |= (link->flags & VAD_WRITER) != 0;
	vmo->had_writer = found;
	mutex_unlock(&vmo->maps_lock);
	return found;
}

/* ---- zapping ---- */

/* What a mapping has of the object's pages [lo, hi) goes, or is made clean: job->how.
 * Locks: [X] of the link's object.  Returns: 0, -EAGAIN: job->want, then again. */
int
vmo_zap_link(struct vm_maplink *link, uint64_t lo, uint64_t hi,
    struct zap_job *job)
{
	lo = MAX(lo, link->off);
	hi = MIN(hi, link->off + link->end - link->start);
	if (lo >= hi)
		return 0;
	return link->as->school->zap(link->as, link, link->start + lo - link->off,
	    link->start + hi - link->off, job);
}

/* One walk over the links.  True: all have been done. */
static bool
zap_some(struct vmo *vmo, const struct zap_range *z, struct object_zap *w)
{
	struct vm_maplink *link;
	bool done = true;

	mutex_lock(&vmo->maps_lock);
	LIST_FOREACH(link, &vmo->maps, node) {
		if (link->zap_seq == z->seq)
			continue;
		done = vmo_zap_link(link, z->lo, z->hi, &w->job) == 0;
		if (!done) {
			w->next = link->as;
			as_get(w->next);
			break;
		}
		link->zap_seq = z->seq;
	}
	mutex_unlock(&vmo->maps_lock);
	return done;
}

/* What was held for the last space; and so is the token. */
static void
zap_let_go(struct object_zap *w)
{
	struct aspace *as = w->job.tables.as;

	want_end(&w->job.want);
	if (as == NULL)
		return;
	pt_release(&w->job.tables);
	w->job.tables.as = NULL;
	pt_close_space(as);
	structural_end();
	as_put(as);
}

/* Bring what w->next lacks.  A space that is being torn down lets its words go by
 * itself: wait until its root has gone. */
static void
zap_wait(struct object_zap *w)
{
	struct aspace *as = w->next;

	w->next = NULL;
	if (as != w->job.tables.as) {
		zap_let_go(w);
		if (!pt_open_space(as)) {
			pt_wait_ended(as);
			as_put(as);
			return;
		}
		structural_begin();
		w->job.tables.as = as;
	} else {
		as_put(as);
	}
	want_finish(&w->job.want);
}

/* Take the words of a range away in every space.
 * Locks: none of rank >= 3.
 * Context: thread, sleeps while tables and entry pages come from swap. */
void
vmo_zap_links(struct vmo *vmo, const struct zap_range *z)
{
	struct object_zap w = { .job.how = z->how };

	while (!zap_some(vmo, z, &w))
		zap_wait(&w);
	zap_let_go(&w);
}

/* Locks: any below LR_MEM.  Owns: the caller: vmo_link_free().
 * Returns: a link on no list; NULL. */
struct vm_maplink *
vmo_link_alloc(void)
{
	struct vm_maplink *link = kmem_cache_zalloc(&links);

	if (link != NULL)
		list_node_init(&link->node);
	return link;
}

/* link is on no list.  NULL is allowed.  Locks: any below LR_MEM. */
void
vmo_link_free(struct vm_maplink *link)
{
	if (link == NULL)
		return;
	ASSERT(!list_is_linked(&link->node));
	kmem_cache_free(&links, link);
}

/* ---- pages of a file system ---- */

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

/* Locks: any. */
uint32_t
vmo_quota_refs(struct vmo_quota *q)
{
	return atomic_load(&q->refs);
}

/* Locks: any.  Returns: pages. */
uint64_t
vmo_quota_used(struct vmo_quota *q)
{
	return atomic_load(&q->used);
}

/* Locks: any.  Returns: pages, or QUOTA_NONE. */
uint64_t
vmo_quota_max(struct vmo_quota *q)
{
	return atomic_load(&q->max);
}

/* From now on at most so many pages.
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
	ASSERT(vmo->type == VMO_AOBJ && vmo->a.n_pages == 0);
	atomic_add(&q->refs, 1);
	vmo->a.quota = q;
}

/* One quota, and whether an object of it has been found. */
struct quota_search {
	const struct vmo_quota *q;
	bool found;
};

static void
quota_look(struct vmo *vmo, void *arg)
{
	struct quota_search *s = arg;

	if (!s->found && vmo->type == VMO_AOBJ && vmo->a.quota == s->q)
		s->found = vmo_is_mapped_by_writer(vmo);
}

/* Locks: none of rank >= 3.
 * Returns: some object is mapped from a file that can write. */
bool
vmo_quota_has_writer(struct vmo_quota *q)
{
	struct quota_search s = { .q = q };

	vmo_walk(quota_look, &s);
	return s.found;
}

/* One page more.
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

/* ---- special objects: physical addresses that are no RAM ---- */

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
	vmo->client_ops = ops;
	vmo->client = client;
	return vmo_register(vmo);
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
	/* No descriptor stands at this address, and none is read. */
	return pte_make_valid(&pfdb[vmo_device_pfn(vmo, pgoff)], SRC_SPEC,
	    rights | MD_PTE_PCD);
}
