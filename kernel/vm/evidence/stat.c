/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stat.c: /proc/vm: the state of the system's memory as text
 *
 * Problem   A test or a learner must find each number as one key=value line, and
 *           reading it must not change it.
 *
 * Picture   counters and lists ─→ one line per object ─→ struct out
 *
 * Rules     1. Keys never change their meaning; new ones go to the end.
 *           2. A line may be out of date as soon as it is printed.
 */
#include "lib/string.h"
#include "vm/cache/cache.h"
#include "vm/evidence/evidence.h"
#include "vm/frame/frame.h"
#include "vm/object/object.h"
#include "vm/space/space.h"
#include "vm/swap/swap.h"
#include "vm/vm.h"
#include "vm/ws/ws.h"

#define FRAMES_MARK (1ull << 32)

/*
 * Frames by state.
 */
void
stat_pages(struct out *o)
{
	unsigned s;

	for (s = 0; s < PG_NSTATES; s++)
		out_printf(o, "state=%s frames=%lu\n",
		    page_state_name((enum page_state)s),
		    page_count((enum page_state)s));
}

/*
 * Lengths of the queues, marks, tokens, the state of bsm.  Locks: takes [P].
 */
void
stat_queues(struct out *o)
{
	uint64_t standby, anon, file;
	struct phys_stat ps;

	spin_lock(&pfn_lock);
	standby = pq_queue[Q_STANDBY].n;
	anon = pq_queue[Q_MODANON].n;
	file = pq_queue[Q_MODFILE].n;
	spin_unlock(&pfn_lock);
	out_printf(o, "queue=free pages=%lu\n", page_count(PG_FREE));
	out_printf(o, "queue=zeroed pages=%lu\n", page_count(PG_ZEROED));
	out_printf(o, "queue=standby pages=%lu\n", standby);
	out_printf(o, "queue=modified_anon pages=%lu\n", anon);
	out_printf(o, "queue=modified_file pages=%lu\n", file);
	out_printf(o, "queue=reading pages=%lu\n", page_count(PG_READING));
	out_printf(o, "queue=writing pages=%lu\n", pages_writing);
	phys_stat(&ps);
	out_printf(o, "marks reserve=%lu low=%lu high=%lu min_ever=%lu\n",
	    ps.reserve, ps.low, ps.high, ps.min_ever);
	token_show(o);
	bal_show(o);
}

/*
 * Promises.
 */
void
stat_commit(struct out *o)
{
	out_printf(o, "total=%lu limit=%lu mode=%lu\n", commit_total(),
	    commit_limit(), atomic_load(&overcommit_memory));
}

/* One line for an object, if the reader has come to it. */
static void
put_vmo(struct vmo *vmo, struct out_part *part)
{
	static const char *const types[] = {
		[VMO_VNODE] = "VNODE", [VMO_AOBJ] = "AOBJ",
		[VMO_DEVICE] = "DEVICE",
	};
	bool is_anon = vmo->type == VMO_AOBJ;
	struct vm_maplink *link;
	int maps = 0;

	if (!out_part_wants(part))
		return;
	/* Not waited for: vm_check, with all spaces locked, walks this list. */
	if (mutex_trylock(&vmo->maps_lock)) {
		LIST_FOREACH(link, &vmo->maps, node)
			maps++;
		mutex_unlock(&vmo->maps_lock);
	} else {
		maps = -1;
	}
	out_printf(&part->out, "type=%s size=%lu refs=%u maps=%d pages=%lu tables=%lu "
	    "charged=%lu dirty=%lu\n", types[vmo->type], vmo_size(vmo),
	    atomic_load(&vmo->refs), maps, vmo_pages(vmo),
	    is_anon ? atomic_load(&vmo->a.n_tables) : 0,
	    is_anon ? atomic_load(&vmo->a.charged) : 0,
	    atomic_load(&vmo->n_dirty));
}

/*
 * Memory objects; maps=-1: a truncate is under way.  Locks: takes the object
 * list lock and [O] of each.
 */
int
stat_vmos(uint64_t *at, struct out *o)
{
	struct out_part part;
	struct vmo *vmo;

	out_part_begin(&part, *at, o);
	mutex_lock(&vmo_list_lock);
	LIST_FOREACH(vmo, &vmo_list, all)
		put_vmo(vmo, &part);
	mutex_unlock(&vmo_list_lock);
	return out_part_end(&part, at);
}

static void
put_slab(void *arg, const char *name, size_t size, uint64_t live,
    uint64_t frames)
{
	out_printf(arg, "cache=%s size=%zu live=%lu frames=%lu\n", name, size,
	    live, frames);
}

/*
 * Non-paged objects by cache.
 */
void
stat_slabs(struct out *o)
{
	kmem_walk(put_slab, o);
}

/*
 * The frame allocator's own numbers; desc: bytes that describe each frame.
 */
void
stat_frames(struct out *o)
{
	struct phys_stat ps;

	phys_stat(&ps);
	out_printf(o, "total=%lu free=%lu zeroed=%lu wired=%lu reserve=%lu "
	    "low=%lu high=%lu min_ever=%lu max_pfn=%u desc=%zu\n", ps.total,
	    ps.free, ps.zeroed, ps.wired, ps.reserve, ps.low, ps.high,
	    ps.min_ever, ps.max_pfn, sizeof(struct vm_page));
}

/*
 * The state of each frame at one moment, as runs of frames: "pfn=FIRST-LAST
 * state=NAME".  The trace has that moment, too: a check.mark of a number that no mark
 * of counters has.  On a machine of one CPU nothing lies between.
 *
 * Locks:    takes [P].
 */
void
stat_frame_states(struct out *o)
{
	struct phys_stat ps;
	pfn_t pfn, from;
	uint8_t *state;

	phys_stat(&ps);
	state = room_alloc(ps.max_pfn + 1ul);
	if (state == NULL)
		return;
	spin_lock(&pfn_lock);
	for (pfn = 1; pfn <= ps.max_pfn; pfn++)
		state[pfn] = phys_is_ram(pfn) ? pfdb[pfn].state : PG_NSTATES;
	EVENT(check_mark, FRAMES_MARK);
	spin_unlock(&pfn_lock);
	for (from = 1; from <= ps.max_pfn; from = pfn) {
		for (pfn = from; pfn <= ps.max_pfn && state[pfn] == state[from];
		    pfn++)
			;
		if (state[from] != PG_NSTATES)
			out_printf(o, "pfn=%u-%u state=%s\n", from, pfn - 1,
			    page_state_name((enum page_state)state[from]));
	}
	room_free(state, ps.max_pfn + 1ul);
}

/*
 * Kernel stacks: bytes of each, and the most that one has ever used.
 */
void
stat_stacks(struct out *o)
{
	out_printf(o, "size=%lu deepest=%zu\n", MD_KSTACK_SIZE,
	    thread_stacks_deepest());
}

/*
 * The numbers of /proc/meminfo, in bytes.  An object's pages count as cached, as
 * Linux counts shared memory and tmpfs.
 *
 * Locks:    none of rank >= 8.
 */
void
vm_mem_info(struct vm_mem_info *m)
{
	uint64_t standby = page_count(PG_STANDBY);
	uint64_t anon, objects;
	struct swap_stat swap;
	struct phys_stat ps;

	phys_stat(&ps);
	swap_stat(&swap);
	owner_count_pages(&anon, &objects);
	m->total = ps.total << PAGE_SHIFT;
	m->free = (ps.free + ps.zeroed) << PAGE_SHIFT;
	m->avail = m->free + (standby << PAGE_SHIFT);
	m->cached = (objects + atomic_load(&cache_pages)) << PAGE_SHIFT;
	m->dirty = pages_dirty << PAGE_SHIFT;
	m->writeback = pages_writing << PAGE_SHIFT;
	m->anon = anon << PAGE_SHIFT;
	m->mapped = ev_read(EV_ws_pages) << PAGE_SHIFT;
	m->locked = as_sum(offsetof(struct aspace, words.locked)) << PAGE_SHIFT;
	m->shmem = objects << PAGE_SHIFT;
	m->slab = ev_read(EV_page_nonpaged_bytes);
	m->tables = ev_read(EV_table_live) << PAGE_SHIFT;
	m->commit_limit = commit_limit() << PAGE_SHIFT;
	m->commit_total = commit_total() << PAGE_SHIFT;
	m->swap_cached = pages_slotted << PAGE_SHIFT;
	m->swap_total = swap.slots << PAGE_SHIFT;
	/* used counts what swapoff brings back, too. */
	m->swap_free = (swap.slots - MIN(swap.used, swap.slots)) << PAGE_SHIFT;
}
