/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * leak.c: has everything that was allocated been freed?
 *
 * Problem   After a test there must be as many frames, objects and commit pages
 *           as before.  A leak of one page per fork kills a machine in a week.
 *
 * Picture   mark: drain caches ─→ snapshot
 *           diff: drain caches ─→ snapshot ─→ compare, line by line
 *
 * Rules     1. Caches are emptied first: magazines, empty slabs, spare stacks.
 *           2. Frames of slabs count with the free ones: objects are compared
 *              by number, and how they lie in frames is chance.
 *           3. Files are written and their unused pages dropped; pages that stay
 *              count as free: a cached page is not lost.
 *           4. A table on swap counts like one in memory.
 *           5. There may be more free frames than before: the comparing process
 *              runs, too, and may need less.  Live objects are compared by number.
 *           6. There may be fewer forked objects: the last owner of an entry takes
 *              the page back when the page leaves memory, at any time.  I6 checks
 *              that none goes too early.  Pages of entries and their charge are
 *              not compared with other paged memory.
 *           7. Things that end a little later (stacks of dead threads) are
 *              waited for, a second at most, by the mark, too: otherwise they
 *              are missing in the diff.
 */
#include "lib/string.h"
#include "vm/cache/cache.h"
#include "vm/design/designs.h"
#include "vm/evidence/evidence.h"
#include "vm/fault/fault.h"
#include "vm/frame/frame.h"
#include "vm/evidence/report.h"
#include "vm/space/space.h"
#include "vm/swap/swap.h"

#define CACHES_MAX 96
#define TRIES 200
#define TRY_NS 5000000ul /* of all that is counted nobody tells when it rests */
#define LOOKS_ALIKE 3 /* a dead thread's processor may stand still for one */

#define GAUGES_MAX 20

/* Rule 6: what of a design is a leak, and what of all else. */
enum leak_rule { LEAK_MORE, LEAK_OTHER };

/* The things that are counted and compared. */
static const enum ev_id leak_gauges[] = {
	EV_kpaged_pages, EV_commit_total, EV_table_live, EV_anon_tables,
	EV_anon_pages, EV_vad_live,
};

struct leak_mark {
	uint64_t frames;
	unsigned ngauges;
	struct {
		enum ev_id id;
		enum leak_rule rule;
		uint64_t value;
	} gauge[GAUGES_MAX];
	unsigned ncaches;
	struct {
		const char *name;
		size_t size;
		uint64_t live;
	} cache[CACHES_MAX];
};

static struct {
	struct mutex lock;           /* leak lock */
	struct leak_mark mark, now;  /* [leak lock] */
	bool marked;                 /* [leak lock] */
	_Atomic uint64_t pages, objects; /* [A] of the last diff */
} leak = { .lock = MUTEX_INIT(leak.lock, LR_NONE) };

static void snapshot(struct leak_mark *m);
static bool is_same(void);
static void compare_marks(struct vm_report *rep);

/* Let others end.  False: the caller is to be killed. */
static bool
wait_a_little(void)
{
	return sleep_until(md_time_ns() + TRY_NS, WAIT_KILLABLE) != -EINTR;
}

/*
 * Record all counts, once they do not change any more.
 *
 * Locks:    none; sleeps up to a second for what ends by itself.
 */
void
vm_leak_begin(void)
{
	unsigned try = 0, alike = 0;

	mutex_lock(&leak.lock);
	ev_set_gauge_word(EV_leak_pages, &leak.pages);
	ev_set_gauge_word(EV_leak_objects, &leak.objects);
	snapshot(&leak.now);
	do {
		leak.mark = leak.now;
		if (!wait_a_little())
			break;
		snapshot(&leak.now);
		alike = is_same() ? alike + 1 : 0;
	} while (alike < LOOKS_ALIKE && ++try < TRIES);
	leak.marked = true;
	mutex_unlock(&leak.lock);
}

/*
 * Compare with the last begin.
 *
 * Locks:    none; sleeps up to a second for things that end by themselves.
 * Returns:  findings; text in stat_check(), sums in leak.pages, leak.objects.
 */
unsigned
vm_leak_end(void)
{
	struct vm_report rep;
	unsigned try, n;

	mutex_lock(&leak.lock);
	if (!leak.marked) {
		leak.mark.ncaches = 0;
		snapshot(&leak.mark);
	}
	for (try = 0; try < TRIES; try++) {
		snapshot(&leak.now);
		if (is_same() || !wait_a_little())
			break;
	}
	report_open(&rep, 1);
	compare_marks(&rep);
	n = report_close(&rep, "leak");
	mutex_unlock(&leak.lock);
	return n;
}

/* Books about free addresses: how many there are depends on the past. */
static bool
is_layout(const char *name)
{
	return strcmp(name, "kpaged-extent") == 0 ||
	    strcmp(name, "kva-extent") == 0;
}

static void
snapshot_cache(void *arg, const char *name, size_t size, uint64_t live,
    uint64_t frames)
{
	struct leak_mark *m = arg;

	m->frames += frames;
	if (m->ncaches == CACHES_MAX || is_layout(name))
		return;
	m->cache[m->ncaches].name = name;
	m->cache[m->ncaches].size = size;
	m->cache[m->ncaches].live = live;
	m->ncaches++;
}

/*
 * What is on swap is no less there; of paged memory what is no entry's (Rule 6);
 * of promises what exec did not make ahead, for that ends with its first use.
 */
static uint64_t
read_gauge(enum ev_id id)
{
	uint64_t value = ev_read(id);

	if (id == EV_kpaged_pages)
		value += ev_read(EV_kpaged_pages_out);
	if (id == EV_table_live)
		value += ev_read(EV_table_live_out);
	if (id == EV_kpaged_pages || id == EV_commit_total)
		value -= ev_read(EV_design_charged);
	if (id == EV_commit_total)
		value -= as_sum(offsetof(struct aspace, commit.prepaid));
	return value;
}

static void
snapshot_gauge(struct leak_mark *m, enum ev_id id, enum leak_rule rule)
{
	ASSERT(m->ngauges < GAUGES_MAX);
	m->gauge[m->ngauges].id = id;
	m->gauge[m->ngauges].rule = rule;
	m->gauge[m->ngauges++].value = read_gauge(id);
}

/* What designs count of things that a fork leaves to others. */
static void
snapshot_designs(struct leak_mark *m)
{
	const struct shared_ops *s;
	const struct design *design;
	const enum ev_id *g;

	FOR_EACH_SHARED(s, design)
		for (g = s->gauges; g != NULL && *g != 0; g++)
			snapshot_gauge(m, *g, LEAK_MORE);
}

/* What is in use once all that is only kept for the next one is given back. */
static void
snapshot(struct leak_mark *m)
{
	struct swap_stat st;
	struct phys_stat ps;
	unsigned i;

	fault_reap();
	cache_flush_old(0);
	vmo_drop_clean_all();
	kva_drain();
	kmem_drain();
	phys_drain();
	phys_stat(&ps);
	swap_stat(&st);
	/* A page that went to swap has left its frame, and is no less there. */
	m->frames = ps.free + ps.zeroed + atomic_load(&cache_pages) + md_ktables() -
	    (st.used - pages_slotted);
	m->ncaches = 0;
	kmem_walk(snapshot_cache, m);
	m->ngauges = 0;
	snapshot_designs(m);
	for (i = 0; i < ARRAY_LEN(leak_gauges); i++)
		snapshot_gauge(m, leak_gauges[i], LEAK_OTHER);
}

static bool
is_off(uint64_t before, uint64_t now, enum leak_rule rule)
{
	return rule == LEAK_MORE ? now > before : now != before;
}

static bool
is_gauge_off(unsigned i)
{
	return is_off(leak.mark.gauge[i].value, leak.now.gauge[i].value,
	    leak.now.gauge[i].rule);
}

/* Live objects of a cache at the mark; a cache that is new had none. */
static uint64_t
live_before(const char *name, size_t size)
{
	unsigned i;

	for (i = 0; i < leak.mark.ncaches; i++)
		if (leak.mark.cache[i].size == size &&
		    strcmp(leak.mark.cache[i].name, name) == 0)
			return leak.mark.cache[i].live;
	return 0;
}

/* Of its objects there are others than before. */
/*
 * Has a design a slab of that name, for such things?  Fewer of its objects are no
 * leak: the last owner may take a page back at any time.
 */
static bool
is_of_design(const char *name)
{
	const struct shared_ops *s;
	const struct design *design;
	const char *const *c;

	FOR_EACH_SHARED(s, design)
		for (c = s->caches; c != NULL && *c != NULL; c++)
			if (strcmp(*c, name) == 0)
				return true;
	return false;
}

static bool
is_cache_off(unsigned i)
{
	const char *name = leak.now.cache[i].name;

	return is_off(live_before(name, leak.now.cache[i].size),
	    leak.now.cache[i].live,
	    is_of_design(name) ? LEAK_MORE : LEAK_OTHER);
}

static bool
is_same(void)
{
	unsigned i;

	if (leak.now.frames < leak.mark.frames)
		return false;
	for (i = 0; i < leak.now.ngauges; i++)
		if (is_gauge_off(i))
			return false;
	for (i = 0; i < leak.now.ncaches; i++)
		if (is_cache_off(i))
			return false;
	return true;
}

/* Each count that is off what it was at the mark is a finding. */
static void
compare_marks(struct vm_report *rep)
{
	uint64_t objects = 0, before;
	int64_t lost = (int64_t)(leak.mark.frames - leak.now.frames);
	unsigned i;

	if (lost > 0)
		report_bad(rep, "leak", "name=frames before=%lu now=%lu",
		    leak.mark.frames, leak.now.frames);
	for (i = 0; i < leak.now.ngauges; i++)
		if (is_gauge_off(i))
			report_bad(rep, "leak", "name=%s before=%lu now=%lu",
			    ev_rows[leak.now.gauge[i].id].name,
			    leak.mark.gauge[i].value, leak.now.gauge[i].value);
	for (i = 0; i < leak.now.ncaches; i++) {
		if (!is_cache_off(i))
			continue;
		before = live_before(leak.now.cache[i].name,
		    leak.now.cache[i].size);
		report_bad(rep, "leak", "name=%s before=%lu now=%lu",
		    leak.now.cache[i].name, before, leak.now.cache[i].live);
		if (leak.now.cache[i].live > before)
			objects += leak.now.cache[i].live - before;
	}
	atomic_store(&leak.pages, lost > 0 ? (uint64_t)lost : 0);
	atomic_store(&leak.objects, objects);
}
