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
 *           as_dup: a new space, both map_locks ─→ design->dup ─→ child
 *           teardown: VADs ─→ list ─→ words, table by table ─→ links, objects, VADs
 *             a VAD is lost:  school->as_fini ─→ links by a walk over all objects;
 *                                             VADs by their pool
 *
 * Rules     1. The holder of a reference reads root_pa with ws_lock held; if it
 *              is 0, the space is empty (vm/space/space.c).
 *           2. A child is on the list of all (vm_check) from the start, but
 *              nobody gets past its map_lock before the flush of its parent; a
 *              dying space is on it until its words are gone.
 *           3. The last user no longer runs on this root; CPUs that keep it
 *              loaded lazily are switched off it before its tables are freed.
 *           4. VADs may be on swap by then, and some unreadable: each step that
 *              reads VADs asks afterwards whether one was lost.  Links are
 *              unlisted last, when the root is gone: until then a truncate finds
 *              each of them, and so does the walk over all objects.
 */
#include "vm/calls/calls.h"
#include "vm/swap/swap.h"
#include "vm/table/table.h"

#define WS_MIN_PAGES 16ul
#define MMAP_RANDOM_PAGES (1ul << 20)
#define STACK_PAGES_DEFAULT ((8ul << 20) >> PAGE_SHIFT)

static uint64_t ws_max; /* [c] option wsmax */

/* ---- limits of its process ---- */

/* RLIMIT_RSS of its process: the limit of the working set, at most the boot word wsmax,
 * and at least the minimum.
 * Locks: any; the next fault obeys it. */
void
as_set_rss(struct aspace *as, uint64_t bytes)
{
	uint64_t pages = bytes == UINT64_MAX ? bytes : bytes >> PAGE_SHIFT;

	pages = MIN(pages, ws_max);
	atomic_store(&as->ws.max, MAX(pages, as->ws.min));
}

/* A limit of the space's process; UINT64_MAX: none.
 * Locks: any; the next growth obeys it. */
void
map_set_limit(struct aspace *as, enum map_limit which, uint64_t bytes)
{
	uint64_t pages = bytes == UINT64_MAX ? bytes : bytes >> PAGE_SHIFT;

	/* The page at the top of the stack exists from the start. */
	atomic_store(&as->map.limit[which],
	    which == LIMIT_STACK ? MAX(pages, 1ul) : pages);
}

/* ---- the end ---- */

/* The root goes last; other threads find an empty space from now on. */
static void
root_free(struct aspace *as)
{
	struct vm_page *root = page_of_pa(as->md.root_pa);

	mutex_lock(&as->ws_lock);
	atomic_store(&as->md.root_pa, 0);
	mutex_unlock(&as->ws_lock);
	pt_space_ended();
	spin_lock(&pfn_lock);
	page_set_home(root, HOME_NONE, 0);
	spin_unlock(&pfn_lock);
	md_root_clear(page_pa(root));
	if (as_has_lost(as, LOST_TABLES))
		phys_free(root);
	else
		phys_free_zeroed(root);
}

/* The words of all VADs, whole tables at a time; the VADs stay on *gone.  [M] exclusive. */
static void
detach_all(struct aspace *as, struct vad_list *gone)
{
	struct vad *v;

	*gone = (struct vad_list){ .first = NULL };
	while ((v = vad_first(as)) != NULL) {
		vad_remove(as, v);
		vad_list_add(gone, v);
	}
	for (v = gone->first; v != NULL; v = vad_list_next(v))
		as->school->detach(as, v);
	/* school->as_fini finds the words of lost VADs. */
	if (as_has_lost(as, LOST_VADS)) {
		EVENT_ADD(vad_live, -(int64_t)as->map.nvads);
		as->map.nvads = as->map.total_pages = 0;
	}
}

/* The VADs themselves, and the spare ones.  No lock of rank >= 2. */
static void
free_vads(struct aspace *as, struct vad_list *gone)
{
	struct vad *v;
	unsigned left;

	while ((v = vad_list_take(gone)) != NULL) {
		vad_unlist_link(v);
		vad_free(v);
	}
	vad_list_free(&as->map.spare);
	if (as_has_lost(as, LOST_VADS))
		vad_forget_links(as);
	left = vadpool_end(as);
	ASSERT(left == 0 || as_has_lost(as, LOST_VADS));
	EVENT_ADD(vad_free, left);
}

/* Free everything that is mapped, then the tables, then the root. */
static void
as_teardown(struct aspace *as)
{
	struct vad_list gone;

	md_space_kick(&as->md);
	pt_end_space(as);
	vm_reserved_enter();
	rw_lock_write(&as->map_lock);
	structural_begin();
	detach_all(as, &gone);
	EVENT(vad_end, as->id);
	design_as_fini(as);
	as->school->as_fini(as);
	root_free(as);
	commit_uncharge(as->commit.paid);
	as->commit.paid = 0;
	commit_uncharge(atomic_xchg(&as->commit.prepaid, 0));
	ASSERT(as->map.nvads == 0 && as->map.total_pages == 0);
	structural_end();
	rw_unlock_write(&as->map_lock);
	free_vads(as, &gone);
	as_unpublish(as);
	fault_reap();
	vm_reserved_leave();
}

/* ---- making ---- */

void
as_init(void)
{
	ws_max = option_str("wsmax") != NULL ?
	    MAX(option_u64("wsmax"), WS_MIN_PAGES) : UINT64_MAX;
	as_set_ending(as_teardown);
}

/* May another process be started?  It wires frames, which must be free or become free by
 * writing out pages.
 * Locks: none of rank >= 9.
 * Returns: true: memory is used up; -EAGAIN is the answer. */
bool
vm_is_short(void)
{
	return frames_available() + pageout_coming() +
	    MIN(swap_slots_free(), page_count(PG_ACTIVE)) < phys_marks.high;
}

/* A header with the initial fields of a space of the design.  NULL: no memory. */
static struct aspace *
as_new(const struct design *design)
{
	struct aspace *as = as_alloc();

	if (as == NULL)
		return NULL;
	as->design = design;
	as->school = design->school;
	as->ws.min = WS_MIN_PAGES;
	as->ws.max = ws_max;
	as->map.limit[LIMIT_STACK] = STACK_PAGES_DEFAULT;
	as->map.limit[LIMIT_DATA] = as->map.limit[LIMIT_SIZE] = UINT64_MAX;
	as->map.base = (MD_USER_END - STACK_SPACE) >> PAGE_SHIFT;
	as->batch = kmem_alloc(sizeof(*as->batch));
	if (as->batch != NULL)
		return as;
	as_free(as);
	return NULL;
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
	root->root.as = as;
	spin_unlock(&pfn_lock);
	md_root_init(page_pa(root));
	as->md.root_pa = page_pa(root);
	return 0;
}

static int
as_make(const struct design *design, struct aspace **out)
{
	struct aspace *as = as_new(design);
	int r;

	if (as == NULL)
		return -ENOMEM;
	r = root_make(as);
	if (r != 0)
		goto undo_new;
	r = commit_charge(UPPER_TABLES);
	if (r != 0)
		goto undo_root;
	as->commit.paid = UPPER_TABLES;
	r = design_as_init(as);
	if (r != 0)
		goto undo_charge;
	rw_lock_write(&as->map_lock);
	vad_refill_spare(as);
	rw_unlock_write(&as->map_lock);
	*out = as;
	return 0;
undo_charge:
	commit_uncharge(UPPER_TABLES);
undo_root:
	root_free(as);
undo_new:
	as_free(as);
	return r;
}

/* A new, empty space.  design NULL: the default design.
 * Owns: the caller, one reference.  Returns: 0, -ENOMEM. */
int
as_create(const struct design *design, struct aspace **out)
{
	int r = as_make(design != NULL ? design : design_default(), out);

	if (r == 0) {
		(*out)->md.design = (uint8_t)(design_number((*out)->design) + 1);
		as_publish(*out);
	}
	return r;
}

/* Mappings begin at a random address, independent of the stack's: one known address tells
 * nothing about others.  Locks: none; before the space is used. */
void
as_slide_maps(struct aspace *as)
{
	as->map.base -= STACK_TOP_RANDOM + md_entropy() % MMAP_RANDOM_PAGES;
}

/* Fork: a space with the same contents, by the design of the parent; its process sets its
 * limits.
 * Locks: none of rank >= 2; takes both map_locks.  Owns: the caller, one reference.
 * Returns: 0, -ENOMEM (parent unchanged), -EINTR (fatal signal), -EIO (a table could
 * not be read). */
int
as_dup(struct aspace *parent, struct aspace **out)
{
	struct aspace *child;
	int r = as_make(parent->design, &child);

	if (r != 0)
		return r;
	child->md.design = parent->md.design;
	as_publish(child);
	rw_lock_write(&parent->map_lock);
	rw_lock_write_nested(&child->map_lock);
	child->map.brk0 = parent->map.brk0;
	child->map.brk = parent->map.brk;
	child->map.base = parent->map.base;
	child->map.grows = parent->map.grows;
	child->map.runs = atomic_load(&parent->map.runs);
	structural_begin();
	r = parent->design->dup(parent, child);
	if (r == 0 && as_is_lost(parent))
		r = -ENOMEM;
	structural_end();
	rw_unlock_write(&child->map_lock);
	rw_unlock_write(&parent->map_lock);
	if (r != 0) {
		as_teardown(child);
		as_put(child);
		return r;
	}
	fault_reap();
	*out = child;
	return 0;
}
