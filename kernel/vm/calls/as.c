/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * as.c: the life of an address space
 *
 * Problem   A space is a root table, a tree of mappings and the counters of
 *           both.  It is made by exec, copied by fork, shared by vfork, and
 *           torn down by its last user while others (a truncate, /proc) may
 *           still hold a reference.
 *
 * Picture   as_create ─→ as_attach_user … as_detach_user ─→ teardown ─→ as_put
 *             refs 1       users 1           users 0         root_pa 0   refs 0
 *           as_dup: a new space, both map_locks ─→ ops->dup ─→ child
 *
 * Rules     1. Users hold the mappings, references only the header.  Who has
 *              a reference looks at root_pa after it took ws_lock and takes 0
 *              for an empty space.
 *           2. A child is on the list of all (as_next, vm_check) from the
 *              start, but nobody gets past its map_lock before the flush of
 *              its parent; a dying space is on it until its words are gone.
 *           3. The last user is not on this root any more; CPUs that are lazy
 *              on it are kicked off before its tables are freed.
 *           4. The list lock is taken before any map_lock, never under one;
 *              map_locks in the order of the list, which has parents before
 *              their children.
 *
 * Read next asend.c, vm/design/fmo/fork.c for ops->dup.  Book: ch05, ch10.
 */
#include "vm/vm.h"
#include "vm/vmdat.h"
#include "vm/vmfn.h"

#define UPPER_TABLES 4              /* charged with each space (book: commit) */
#define WS_MIN_PAGES 16
#define COLLECT_MAX 16              /* spaces that as_collect() gives at once */
#define MMAP_TOP (MD_USER_END - (144ul << 20)) /* room for stack and its slide */
#define MMAP_RANDOM_PAGES (1ul << 20)
#define STACK_PAGES_DEFAULT ((8ul << 20) >> PAGE_SHIFT)

struct aspace kernel_as = {
	.ops = &fmo_ops,
	.map_lock = {
		.lock = SPIN_INIT(LR_WAIT),
		.waiters = LIST_INIT(kernel_as.map_lock.waiters),
		.rank = LR_KMAP,
	},
	.ws_lock = MUTEX_INIT(kernel_as.ws_lock, LR_KWS),
	.refs = 1,
};

static struct {
	struct mutex lock;         /* list lock: before any map_lock */
	struct spinlock spin;      /* with it, for changes; alone, for as_sum() */
	struct list all;           /* [list lock] spaces, oldest first */
	uint32_t last_id;          /* [list lock] */
	struct kmem_cache cache;   /* own lock */
} spaces = {
	.lock = MUTEX_INIT(spaces.lock, LR_NONE),
	.spin = SPIN_INIT(LR_LEAF),
	.all = LIST_INIT(spaces.all),
	.cache = KMEM_CACHE("aspace", struct aspace),
};

static int as_make(const struct vmm_ops *ops, struct aspace **out);
static int root_make(struct aspace *as);
static void root_free(struct aspace *as);
static void as_init_fields(struct aspace *as, const struct vmm_ops *ops);
static void as_publish(struct aspace *as);
static void as_teardown(struct aspace *as);

/* ---- making ---- */

/*
 * A new, empty space.  ops NULL: the default design.
 *
 * Locks:    none.
 * Owns:     the caller, one reference.
 * Returns:  0, -ENOMEM.
 */
int
as_create(const struct vmm_ops *ops, struct aspace **out)
{
	int r = as_make(ops != NULL ? ops : design_default(), out);

	if (r == 0)
		as_publish(*out);
	return r;
}

/*
 * Fork: a space with the same contents, by the design of the parent.
 *
 * Locks:    none of rank >= 2; takes both map_locks.
 * Owns:     the caller, one reference.
 * Returns:  0, -ENOMEM (parent unchanged), -EINTR (fatal signal), -EIO (a
 *           table could not be read).
 */
int
as_dup(struct aspace *parent, struct aspace **out)
{
	struct aspace *child;
	int r = as_make(parent->ops, &child);

	if (r != 0)
		return r;
	as_publish(child);
	rw_lock_write(&parent->map_lock);
	rw_lock_write_nested(&child->map_lock);
	child->brk0 = parent->brk0;
	child->brk = parent->brk;
	child->stack_pages = atomic_load(&parent->stack_pages);
	child->data_pages = atomic_load(&parent->data_pages);
	child->size_pages = atomic_load(&parent->size_pages);
	child->mmap_base = parent->mmap_base;
	child->ws_max = parent->ws_max;
	structural_begin();
	r = parent->ops->dup(parent, child);
	if (r == 0 && vm_is_lost(parent))
		r = -ENOMEM;
	if (r == 0)
		vad_mark_inherited(child);
	structural_end();
	rw_unlock_write(&child->map_lock);
	rw_unlock_write(&parent->map_lock);
	if (r != 0) {
		as_teardown(child);
		as_put(child);
		return r;
	}
	parent->ops->reap();
	*out = child;
	return 0;
}

static int
as_make(const struct vmm_ops *ops, struct aspace **out)
{
	struct aspace *as = kmem_cache_zalloc(&spaces.cache);
	int r = -ENOMEM;

	if (as == NULL)
		return -ENOMEM;
	as_init_fields(as, ops);
	as->batch = kmem_alloc(sizeof(*as->batch));
	if (as->batch == NULL)
		goto undo_alloc;
	r = commit_charge(UPPER_TABLES);
	if (r != 0)
		goto undo_batch;
	as->commit = UPPER_TABLES;
	r = root_make(as);
	if (r != 0)
		goto undo_charge;
	r = ops->as_init == NULL ? 0 : ops->as_init(as);
	if (r != 0)
		goto undo_root;
	rw_lock_write(&as->map_lock);
	vad_refill_spare(as);
	rw_unlock_write(&as->map_lock);
	*out = as;
	return 0;
undo_root:
	root_free(as);
undo_charge:
	commit_uncharge(UPPER_TABLES);
undo_batch:
	kmem_free(as->batch);
undo_alloc:
	kmem_cache_free(&spaces.cache, as);
	return r;
}

static void
as_init_fields(struct aspace *as, const struct vmm_ops *ops)
{
	uint64_t slide = option_u64("norandom") != 0 ? 0 :
	    md_entropy() % MMAP_RANDOM_PAGES;

	as->ops = ops;
	as->refs = 1;
	as->ws_min = WS_MIN_PAGES;
	as_set_rss(as, UINT64_MAX);
	as->ws_used_ns = md_time_ns();
	as->stack_pages = STACK_PAGES_DEFAULT;
	as->data_pages = UINT64_MAX;
	as->size_pages = UINT64_MAX;
	as->mmap_base = (MMAP_TOP >> PAGE_SHIFT) - slide;
	list_node_init(&as->all);
	rw_init(&as->map_lock, LR_MAP);
	mutex_init(&as->ws_lock, LR_WS);
	vadpool_init(&as->vad_pool);
}

static int
root_make(struct aspace *as)
{
	struct vm_page *root = phys_alloc(PHYS_KERNEL, PHYS_ZEROED);

	if (root == NULL)
		return -ENOMEM;
	spin_lock(&pfn_lock);
	page_set_home(root, HOME_KERNEL, 0);
	page_set_state(root, PG_WIRED);
	spin_unlock(&pfn_lock);
	md_root_init(page_pa(root));
	as->md.root_pa = page_pa(root);
	return 0;
}

/* The root goes last; from now on the space is empty for who looks. */
static void
root_free(struct aspace *as)
{
	struct vm_page *root = page_of_pa(as->md.root_pa);

	mutex_lock(&as->ws_lock);
	as->md.root_pa = 0;
	mutex_unlock(&as->ws_lock);
	spin_lock(&pfn_lock);
	page_set_home(root, HOME_NONE, 0);
	spin_unlock(&pfn_lock);
	phys_free(root);
}

static void
as_publish(struct aspace *as)
{
	mutex_lock(&spaces.lock);
	as->id = ++spaces.last_id; /* in the list's order: as_next() */
	spin_lock(&spaces.spin);
	list_push_back(&spaces.all, &as->all);
	spin_unlock(&spaces.spin);
	mutex_unlock(&spaces.lock);
}

static void
as_unpublish(struct aspace *as)
{
	mutex_lock(&spaces.lock);
	spin_lock(&spaces.spin);
	list_remove(&as->all);
	spin_unlock(&spaces.spin);
	mutex_unlock(&spaces.lock);
}

/* ---- references and users ---- */

/*
 * One more holder of the header.  Locks: the caller has a reference.
 */
void
as_get(struct aspace *as)
{
	atomic_add(&as->refs, 1);
}

/*
 * Drop a reference; the last one frees the header, and what mappings there
 * are if nobody ever used them (exec or fork that failed).
 *
 * Locks:    none of rank >= 2.
 */
void
as_put(struct aspace *as)
{
	if (atomic_sub(&as->refs, 1) != 0)
		return;
	ASSERT(atomic_load(&as->users) == 0);
	if (as->md.root_pa != 0)
		as_teardown(as);
	kmem_free(as->batch);
	kmem_cache_free(&spaces.cache, as);
}

/*
 * A process starts to use the mappings.  Locks: the caller has a reference.
 */
void
as_attach_user(struct aspace *as)
{
	ASSERT(as->md.root_pa != 0);
	atomic_add(&as->users, 1);
}

/* Processes that run on it; for a moment one more while another is read. */
uint32_t
as_users(const struct aspace *as)
{
	return atomic_load(&as->users);
}

/*
 * A process has ended or changed to another space; the last one tears all
 * mappings down (book: exit).
 *
 * Locks:    none of rank >= 2.
 * Context:  a thread that runs on another root.
 */
void
as_detach_user(struct aspace *as)
{
	if (atomic_sub(&as->users, 1) == 0)
		as_teardown(as);
}

/* ---- the end ---- */

/*
 * Everything that is mapped goes, then the tables, then the root.
 */
static void
as_teardown(struct aspace *as)
{
	struct vad *gone;

	md_space_kick(&as->md);
	pt_end_space(as);
	vm_reserved_enter();
	rw_lock_write(&as->map_lock);
	structural_begin();
	as_detach_all(as, &gone);
	if (as->ops->as_fini != NULL)
		as->ops->as_fini(as);
	root_free(as);
	commit_uncharge(as->commit);
	as->commit = 0;
	commit_uncharge(atomic_xchg(&as->prepaid, 0));
	ASSERT(as->nvads == 0 && as->total_pages == 0);
	structural_end();
	rw_unlock_write(&as->map_lock);
	as_free_vads(as, gone);
	as_unpublish(as);
	as->ops->reap();
	vm_reserved_leave();
}

/* ---- how much of it may be in memory ---- */

/*
 * RLIMIT_RSS of its process: the working set shall not be larger, nor than
 * the boot word wsmax, nor smaller than the minimum.
 *
 * Locks:    any; the next fault heeds it.
 */
void
as_set_rss(struct aspace *as, uint64_t bytes)
{
	const char *wsmax = option_str("wsmax");
	uint64_t pages = bytes == UINT64_MAX ? bytes : bytes >> PAGE_SHIFT;

	if (wsmax != NULL)
		pages = MIN(pages, option_u64("wsmax"));
	atomic_store(&as->ws_max, MAX(pages, as->ws_min));
}

/* ---- who is who ---- */

/*
 * What the scheduler loads.
 */
struct md_space *
as_space(struct aspace *as)
{
	return &as->md;
}

/*
 * The space of the current thread.  NULL: a kernel thread.
 */
struct aspace *
as_current(void)
{
	struct md_space *md = thread_current()->space;

	return md == NULL ? NULL : CONTAINER_OF(md, struct aspace, md);
}

/*
 * A thread will run in as (NULL: none).  It has not started yet, or is the
 * current one, whose root thread_set_space() changes.
 */
void
as_bind_thread(struct thread *t, struct aspace *as)
{
	t->space = as == NULL ? NULL : &as->md;
}

/* ---- all of them ---- */

/* One more reference, if it is not dying. */
static bool
try_get(struct aspace *as)
{
	uint32_t refs = atomic_load(&as->refs);

	while (refs != 0 && !atomic_cas(&as->refs, &refs, refs + 1))
		;
	return refs != 0;
}

/*
 * The spaces one after the other, by who may wait for long between two; such
 * as come or go meanwhile are met or not.
 *
 * Locks:    none of rank >= 2.
 * Owns:     the caller, a reference to the result; the one to prev is dropped.
 * Returns:  the one behind prev (NULL: the first); NULL: there is none.
 */
struct aspace *
as_next(struct aspace *prev)
{
	struct aspace *as, *found = NULL;

	mutex_lock(&spaces.lock);
	LIST_FOREACH(as, &spaces.all, all) {
		if ((prev != NULL && as->id <= prev->id) || !try_get(as))
			continue;
		found = as;
		break;
	}
	mutex_unlock(&spaces.lock);
	if (prev != NULL)
		as_put(prev);
	return found;
}

/*
 * Stop all of them: no mapping, no word changes until as_unlock_all().  Only
 * one thread at a time gets through the list lock, so the order among the
 * spaces does not matter.
 *
 * Locks:    none of rank >= 2; afterwards the list lock, [M] exclusive of
 *           every space, the list of objects, [W] of every space, and the
 *           kernel's [W].
 */
void
as_lock_all(void)
{
	struct aspace *as;

	mutex_lock(&spaces.lock);
	LIST_FOREACH(as, &spaces.all, all)
		rw_lock_write_nested(&as->map_lock);
	vmo_lock_all();
	LIST_FOREACH(as, &spaces.all, all)
		mutex_lock_nested(&as->ws_lock);
	mutex_lock(&kernel_as.ws_lock);
}

/*
 * The walk while all are locked: for vm_check.
 */
void
as_walk_locked(void (*fn)(struct aspace *, void *), void *arg)
{
	struct aspace *as;
	uint32_t last = 0;

	ASSERT(mutex_is_mine(&spaces.lock));
	LIST_FOREACH(as, &spaces.all, all) {
		ASSERT(as->id > last); /* as_next() goes by it */
		last = as->id;
		fn(as, arg);
	}
}

void
as_unlock_all(void)
{
	struct aspace *as;

	mutex_unlock(&kernel_as.ws_lock);
	LIST_FOREACH(as, &spaces.all, all)
		mutex_unlock(&as->ws_lock);
	vmo_unlock_all();
	LIST_FOREACH(as, &spaces.all, all)
		rw_unlock_write(&as->map_lock);
	mutex_unlock(&spaces.lock);
}

/*
 * The first space for which is_it() says so; under a spin lock.
 *
 * Locks:    any of rank < 9.
 * Returns:  the space, without a reference; NULL.
 */
struct aspace *
as_find(bool (*is_it)(struct aspace *, void *), void *arg)
{
	struct aspace *as, *found = NULL;

	spin_lock(&spaces.spin);
	LIST_FOREACH(as, &spaces.all, all)
		if (found == NULL && is_it(as, arg))
			found = as;
	spin_unlock(&spaces.spin);
	return found;
}

/*
 * Sum of one uint64_t field over all spaces, for gauges.
 *
 * Locks:    any of rank < 9.
 */
uint64_t
as_sum(size_t field)
{
	struct aspace *as;
	uint64_t n = 0;

	spin_lock(&spaces.spin);
	LIST_FOREACH(as, &spaces.all, all)
		n += atomic_load_relaxed((uint64_t *)((char *)as + field));
	spin_unlock(&spaces.spin);
	return n;
}

/* Room for a score among n sorted ones, of which max are kept.  max: none. */
static unsigned
rank(uint64_t score, const uint64_t *scores, unsigned n, unsigned max)
{
	unsigned i = n;

	while (i > 0 && scores[i - 1] < score)
		i--;
	return score == 0 ? max : MIN(i, max);
}

/*
 * The spaces with the highest scores, the highest first; those with score 0
 * never.
 *
 * Locks:    any of rank < 9; score may take none.
 * Owns:     the caller, a reference to each: as_put().
 * Returns:  how many, at most max (<= COLLECT_MAX).
 */
unsigned
as_collect(as_score_fn *score, struct aspace **out, unsigned max)
{
	uint64_t scores[COLLECT_MAX], s;
	unsigned n = 0, i, k;
	struct aspace *as;

	ASSERT(max <= COLLECT_MAX);
	spin_lock(&spaces.spin);
	LIST_FOREACH(as, &spaces.all, all) {
		s = score(as);
		i = rank(s, scores, n, max);
		if (i == max)
			continue;
		n = MIN(n + 1, max);
		for (k = n - 1; k > i; k--) {
			scores[k] = scores[k - 1];
			out[k] = out[k - 1];
		}
		scores[i] = s;
		out[i] = as;
	}
	for (i = 0; i < n; i++)
		as_get(out[i]);
	spin_unlock(&spaces.spin);
	return n;
}
