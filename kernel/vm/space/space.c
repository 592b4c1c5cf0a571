/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * space.c: the list of address spaces, references to them, and lost memory of one
 *
 * Problem   Rooms below map/ use spaces, too: trimming visits all of them, a
 *           truncate holds one while it clears its PTEs, and pageable kernel
 *           memory has a ws_lock in a space of its own.  None of them needs to
 *           know how a space is made or ends.
 *           VADs and page tables can be on swap, and a sector can fail.  Then
 *           they are lost: that must cost one process, not the machine; and its
 *           end must not trust the counts that are left.
 *
 * Picture   as_publish ─→ list of all, oldest first ─→ as_unpublish
 *           header:   refs ── as_get … as_put
 *           mappings: users ── as_attach_user … as_detach_user ─→ ending()
 *
 *           lost         noticed by                    and then
 *           VADs         vadpool_lost(): a page of     the tree is given up
 *                        VADs came back as zeros       (vad_is_given_up), SIGKILL
 *           words moved  pte_move(): a table between   they would read as zeros:
 *                        source and target was out     SIGKILL
 *           tables       pt_forget_lost(): the word    who needs one is killed
 *                        above says ERROR              (F10); counts are wrong
 *
 *           a fork of such a space fails (as_dup); its end finds links and words
 *           without VADs (as.c) and writes the counts off (pte_as_fini)
 *
 * Rules     1. Users hold the mappings, references only the header.  The holder
 *              of a reference reads root_pa with ws_lock held; if it is 0, the
 *              space is empty.
 *           2. The list lock is taken before any map_lock, never under one;
 *              map_locks in the order of the list, which has parents before
 *              their children.
 *           3. An upper room ends a space: it registers with as_set_ending().
 *           4. A bit of as->lost is set once and never cleared: the space ends.
 *              Code that trusts a count or the tree asks as_has_lost() first;
 *              there is no other sign of the loss.
 *           5. Slots that only a lost word named are never freed.
 */
#include "vm/space/space.h"

struct aspace kernel_as = {
	.map_lock = {
		.lock = SPIN_INIT(LR_WAIT),
		.waiters = LIST_INIT(kernel_as.map_lock.waiters),
		.rank = LR_KMAP,
	},
	.ws_lock = MUTEX_INIT(kernel_as.ws_lock, LR_KWS),
	.refs = 1,
};

struct mutex as_list_lock = MUTEX_INIT(as_list_lock, LR_NONE);
struct list as_list = LIST_INIT(as_list);

static struct {
	struct spinlock spin;      /* with it, for changes; alone, for as_sum() */
	uint64_t last_id;          /* [list lock] */
	struct kmem_cache cache;   /* own lock */
	void (*ending)(struct aspace *); /* [c] */
} spaces = {
	.spin = SPIN_INIT(LR_LEAF),
	.cache = KMEM_CACHE("aspace", struct aspace),
};

/* ---- headers ---- */

/* Set the function to call when the last user of a space has gone: once, at boot. */
void
as_set_ending(void (*ending)(struct aspace *))
{
	spaces.ending = ending;
}

/* A header: its locks and lists, one reference, all else zero.
 * Owns: the caller: as_free(), as_put() once others know it.  Returns: NULL: no memory. */
struct aspace *
as_alloc(void)
{
	struct aspace *as = kmem_cache_zalloc(&spaces.cache);

	if (as == NULL)
		return NULL;
	as->refs = 1;
	list_node_init(&as->all);
	rw_init(&as->map_lock, LR_MAP);
	mutex_init(&as->ws_lock, LR_WS);
	spin_init(&as->map.pool.lock, LR_LEAF);
	list_init(&as->map.pool.pages);
	return as;
}

void
as_free(struct aspace *as)
{
	kmem_free(as->batch);
	kmem_cache_free(&spaces.cache, as);
}

/* The space is on the list of all from now on.  Locks: none of rank >= 2. */
void
as_publish(struct aspace *as)
{
	mutex_lock(&as_list_lock);
	as->id = ++spaces.last_id; /* in the list's order: as_from() */
	as->ws.used_ns = md_time_ns();
	spin_lock(&spaces.spin);
	list_push_back(&as_list, &as->all);
	spin_unlock(&spaces.spin);
	mutex_unlock(&as_list_lock);
}

/* It has no words any more, and leaves the list.  Locks: none of rank >= 2. */
void
as_unpublish(struct aspace *as)
{
	mutex_lock(&as_list_lock);
	spin_lock(&spaces.spin);
	list_remove(&as->all);
	spin_unlock(&spaces.spin);
	mutex_unlock(&as_list_lock);
}

/* ---- references and users ---- */

/* One more holder of the header.  Locks: the caller has a reference. */
void
as_get(struct aspace *as)
{
	atomic_add(&as->refs, 1);
}

/* Drop a reference; the last one frees the header, and the mappings if they never had a
 * user (an exec or fork that failed).
 * Locks: none of rank >= 2. */
void
as_put(struct aspace *as)
{
	if (atomic_sub(&as->refs, 1) != 0)
		return;
	ASSERT(atomic_load(&as->users) == 0);
	if (as->md.root_pa != 0)
		spaces.ending(as);
	as_free(as);
}

/* A process starts to use the mappings.  Locks: the caller has a reference. */
void
as_attach_user(struct aspace *as)
{
	ASSERT(as->md.root_pa != 0);
	atomic_add(&as->users, 1);
}

/* The number of processes that run on it; for a moment one too many while one is read. */
uint32_t
as_users(const struct aspace *as)
{
	return atomic_load(&as->users);
}

/* A process has ended or changed to another space; the last one tears all mappings down
 * (book: exit).
 * Locks: none of rank >= 2.  Context: a thread that runs on another root. */
void
as_detach_user(struct aspace *as)
{
	if (atomic_sub(&as->users, 1) == 0)
		spaces.ending(as);
}

/* ---- who is who ---- */

/* The part that the scheduler loads. */
struct md_space *
as_space(struct aspace *as)
{
	return &as->md;
}

/* The space of the current thread.  NULL: a kernel thread. */
struct aspace *
as_current(void)
{
	struct md_space *md = thread_current()->space;

	return md == NULL ? NULL : CONTAINER_OF(md, struct aspace, md);
}

/* A thread will run in as (NULL: none).  It has not started yet, or is the current one,
 * whose root thread_set_space() changes. */
void
as_bind_thread(struct thread *t, struct aspace *as)
{
	t->space = as == NULL ? NULL : &as->md;
	if (as != NULL)
		EVENT(vad_space, as->id, t->id);
}

/* ---- all of them ---- */

/* The first space with this number or a higher one: for a walk over all spaces that may
 * sleep for long between two; it may miss spaces that come or go meanwhile.
 * Locks: none of rank >= 2.
 * Owns: the caller, a reference to the result.
 * Returns: NULL: there is none. */
struct aspace *
as_from(uint64_t id)
{
	struct aspace *as, *found = NULL;

	mutex_lock(&as_list_lock);
	LIST_FOREACH(as, &as_list, all)
		if (as->id >= id && atomic_get(&as->refs)) {
			found = as;
			break;
		}
	mutex_unlock(&as_list_lock);
	return found;
}

/* The first space for which is_it() is true; called under a spin lock.
 * Locks: any of rank < 9.  Returns: the space, without a reference; NULL. */
struct aspace *
as_find(bool (*is_it)(struct aspace *, void *), void *arg)
{
	struct aspace *as, *found = NULL;

	spin_lock(&spaces.spin);
	LIST_FOREACH(as, &as_list, all)
		if (found == NULL && is_it(as, arg))
			found = as;
	spin_unlock(&spaces.spin);
	return found;
}

/* Sum of one uint64_t field over all spaces, for gauges.  Locks: any of rank < 9. */
uint64_t
as_sum(size_t field)
{
	struct aspace *as;
	uint64_t n = 0;

	spin_lock(&spaces.spin);
	LIST_FOREACH(as, &as_list, all)
		n += atomic_load_relaxed((uint64_t *)((char *)as + field));
	spin_unlock(&spaces.spin);
	return n;
}

/* The spaces with the highest scores, the highest first; those with score 0 never.
 * Locks: any of rank < 9; score may take none.
 * Owns: the caller, a reference to each: as_put().
 * Returns: how many. */
unsigned
as_collect(as_score_fn *score, struct aspace *out[AS_COLLECT])
{
	uint64_t scores[AS_COLLECT], s;
	unsigned n = 0, i;
	struct aspace *as;

	spin_lock(&spaces.spin);
	LIST_FOREACH(as, &as_list, all) {
		s = score(as);
		if (s == 0 || (n == AS_COLLECT && s <= scores[n - 1]))
			continue;
		/* Behind equal scores; the last of all drops out. */
		n += n < AS_COLLECT;
		for (i = n - 1; i > 0 && scores[i - 1] < s; i--) {
			scores[i] = scores[i - 1];
			out[i] = out[i - 1];
		}
		scores[i] = s;
		out[i] = as;
	}
	for (i = 0; i < n; i++)
		atomic_add(&out[i]->refs, 1);
	spin_unlock(&spaces.spin);
	return n;
}

/* ---- lost ---- */

void
as_lose(struct aspace *as, enum as_lost what)
{
	__atomic_fetch_or(&as->lost, (uint32_t)what, __ATOMIC_SEQ_CST);
	evidence_ask(EVIDENCE_LOST);
}

/* as_is_lost(), for the system calls. */
bool
vm_is_lost(struct aspace *as)
{
	return as_is_lost(as);
}
