/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * buddy.c: free frames in blocks of 2^order
 *
 * Problem   Most callers want one frame, a few want several adjacent ones.  Keep
 *           free memory in large blocks without searching for neighbours.
 *
 * Picture   order 2   |  0  1  2  3 |  4  5  6  7 |     a block's buddy is the
 *           order 1   | 0  1 | 2  3 | 4  5 | 6  7 |     other half of the next
 *           order 0   |0 |1 |2 |3 |4 |5 |6 |7 |         larger one: pfn ^ 2^order
 *
 *           take: split the smallest block that is large enough.
 *           put:  while the buddy is free as a whole, the two become one.
 *
 * Rules     1. A frame in a list has state FREE and is the head of its block:
 *              kern.order holds its mark.  All other FREE frames (inside a
 *              block, in a magazine) have 0 there; so a zero-filled
 *              descriptor is right.  A merge reads the state of a neighbour
 *              first, then its mark, and the neighbour may leave a magazine in
 *              between.  Then it cannot be taken for a block: a mark has the two
 *              bits of MARK, which no pointer or bool at this place has.
 *           2. Blocks do not reach beyond their range of RAM: addresses without
 *              RAM have no descriptors.
 *           3. The lock is of rank LR_MEM and may be taken under [P].
 *
 * Read next mem/phys.c.
 */
#include "boot/boot.h"
#include "lib/string.h"
#include "md.h"
#include "mem/buddy.h"
#include "mem/mem.h"

/* Descriptors of this many frames fill whole pages, three: memory is added in such
 * steps. */
#define BACKED_ORDER 8
#define BACKED (1u << BACKED_ORDER)
_Static_assert(BACKED * sizeof(struct vm_page) % PAGE_SIZE == 0, "whole pages");

static struct {
	struct spinlock lock;
	pfn_t head[BUDDY_MAXORDER + 1]; /* [lock] lists through qnext, qprev */
	pfn_t max_pfn;                  /* [c] */
	const struct boot_info *ram;    /* [c] its ranges */
} buddy = { .lock = SPIN_INIT(LR_MEM) };

static void back_descriptors(const struct boot_info *info);
static uint64_t adopt_range(const struct boot_range *ram);
static void keep_frames(pa_t start, pa_t end);
static void put_frames(pfn_t pfn, pfn_t end);
static pfn_t take_block(unsigned order);
static void put_block(pfn_t pfn, unsigned order);

/*
 * Locks:    none; CPU 0 alone, before there are threads.
 * Returns:  number of free frames.
 */
uint64_t
buddy_init(void)
{
	const struct boot_info *info = boot_info();
	uint64_t n = 0;
	unsigned i;

	buddy.ram = info;
	pfdb = (struct vm_page *)MD_PFDB_BASE;
	back_descriptors(info);
	/* Only now no boot_take() can follow: the rest is free. */
	for (i = 0; i < info->nranges; i++)
		n += adopt_range(&info->range[i]);
	return n;
}

/* ---- the frame database ---- */

/* Memory for the descriptors [lo, hi), both multiples of a page. */
static void
map_descriptors(va_t lo, va_t hi)
{
	pa_t pa = boot_take(hi - lo);

	CHECK(md_kmap_large(lo, pa, hi - lo, MD_PTE_W | MD_PTE_NX) == 0);
	memset((void *)lo, 0, hi - lo);
}

/*
 * One piece per range of RAM, so that a hole of gigabytes costs nothing.  Two
 * ranges may meet in one page of descriptors: next is where backing starts.
 */
static void
back_descriptors(const struct boot_info *info)
{
	va_t lo, hi, next = 0;
	unsigned i;

	for (i = 0; i < info->nranges; i++) {
		pfn_t first = (pfn_t)(info->range[i].start >> PAGE_SHIFT);
		pfn_t end = (pfn_t)(info->range[i].end >> PAGE_SHIFT);

		lo = MAX((va_t)&pfdb[first & ~(BACKED - 1)], next);
		hi = (va_t)&pfdb[(end + BACKED - 1) & ~(BACKED - 1)];
		if (lo < hi)
			map_descriptors(lo, hi);
		next = MAX(next, hi);
		buddy.max_pfn = MAX(buddy.max_pfn, end);
	}
}

/* Free what boot/ left of this range; the rest is the kernel's for now. */
static uint64_t
adopt_range(const struct boot_range *ram)
{
	struct boot_range f;
	pa_t done = ram->start;
	uint64_t bytes = 0;
	unsigned i;

	page_adopt((ram->end - ram->start) >> PAGE_SHIFT);
	for (i = 0; boot_free_range(i, &f); i++) {
		if (f.start < ram->start || f.start >= ram->end)
			continue;
		keep_frames(done, f.start);
		put_frames((pfn_t)(f.start >> PAGE_SHIFT),
		    (pfn_t)(f.end >> PAGE_SHIFT));
		bytes += f.end - f.start;
		done = f.end;
	}
	keep_frames(done, ram->end);
	return bytes >> PAGE_SHIFT;
}

static void
keep_frames(pa_t start, pa_t end)
{
	for (; start < end; start += PAGE_SIZE) {
		struct vm_page *pg = page_of_pa(start);

		page_set_state(pg, PG_WIRED);
		page_set_home(pg, HOME_KERNEL, 0);
	}
}

/*
 * Has pfn a descriptor?
 *
 * Locks:    none, constant.
 */
bool
phys_is_ram(pfn_t pfn)
{
	const struct boot_info *info = buddy.ram;
	pa_t pa = (pa_t)pfn << PAGE_SHIFT;
	unsigned i;

	for (i = 0; i < info->nranges; i++) {
		if (pa >= info->range[i].start && pa < info->range[i].end)
			return true;
	}
	return false;
}

pfn_t
buddy_max_pfn(void)
{
	return buddy.max_pfn;
}

/* ---- the lists ---- */

/*
 * The mark of a block's head.  Other frames keep a frame number or a flag in that field;
 * the mark differs from both.
 */
static uint32_t
mark_of(unsigned order)
{
	return UINT32_MAX - order;
}

static inline void
list_add(pfn_t pfn, unsigned order)
{
	struct vm_page *pg = &pfdb[pfn];

	pg->kern.order = mark_of(order);
	pg->qprev = 0;
	pg->qnext = buddy.head[order];
	if (pg->qnext != 0)
		pfdb[pg->qnext].qprev = pfn;
	buddy.head[order] = pfn;
}

static inline void
list_del(pfn_t pfn, unsigned order)
{
	struct vm_page *pg = &pfdb[pfn];

	if (pg->qprev != 0)
		pfdb[pg->qprev].qnext = pg->qnext;
	else
		buddy.head[order] = pg->qnext;
	if (pg->qnext != 0)
		pfdb[pg->qnext].qprev = pg->qprev;
	pg->qnext = pg->qprev = 0;
	pg->kern.order = 0;
}

static bool
is_free_block(pfn_t pfn, unsigned order)
{
	return (order < BACKED_ORDER || phys_is_ram(pfn)) &&
	    pfdb[pfn].state == PG_FREE &&
	    pfdb[pfn].kern.order == mark_of(order);
}

/* Locks:    buddy.lock.  Returns: head of a block; 0: there is none. */
static pfn_t
take_block(unsigned order)
{
	unsigned have = order;
	pfn_t pfn;

	HELD(&buddy.lock);
	while (have <= BUDDY_MAXORDER && buddy.head[have] == 0)
		have++;
	if (have > BUDDY_MAXORDER)
		return 0;
	pfn = buddy.head[have];
	list_del(pfn, have);
	/* Keep the lower half, return the upper one, until it fits. */
	while (have > order) {
		have--;
		list_add(pfn + (1u << have), have);
	}
	return pfn;
}

/* Locks:    buddy.lock, or nobody else yet. */
static void
put_block(pfn_t pfn, unsigned order)
{
	pfn_t mate;

	ASSERT(pfdb[pfn].state == PG_FREE && pfdb[pfn].kern.order == 0);
	for (; order < BUDDY_MAXORDER; order++) {
		mate = pfn ^ (1u << order);
		if (!is_free_block(mate, order))
			break;
		list_del(mate, order);
		pfn = MIN(pfn, mate);
	}
	list_add(pfn, order);
}

/* Cut [pfn, end) into the largest aligned blocks.  Locks: as put_block(). */
static void
put_frames(pfn_t pfn, pfn_t end)
{
	unsigned order;

	while (pfn < end) {
		order = 0;
		while (order < BUDDY_MAXORDER &&
		    (pfn & ((2u << order) - 1)) == 0 && end - pfn >= 2u << order)
			order++;
		put_block(pfn, order);
		pfn += 1u << order;
	}
}

/* ---- what phys.c calls ---- */

/* Nested: a magazine's lock, of the same rank, may be held. */
static uint64_t
lock_lists(void)
{
	uint64_t flags = md_irq_save();

	spin_lock_nested(&buddy.lock);
	return flags;
}

/* The order of the smallest block there is, but not above n frames. */
static unsigned
smallest(unsigned n)
{
	unsigned order = 0;

	while (2u << order <= n && buddy.head[order] == 0)
		order++;
	return order;
}

/* Small blocks first, each as a whole: so a frame costs little more than a store. */
unsigned
buddy_take(pfn_t *out, unsigned n)
{
	uint64_t flags = lock_lists();
	unsigned order, i = 0, end;
	pfn_t pfn;

	while (i < n) {
		order = smallest(n - i);
		pfn = take_block(order);
		if (pfn == 0)
			break;
		for (end = i + (1u << order); i < end; i++)
			out[i] = pfn++;
	}
	spin_unlock_irq(&buddy.lock, flags);
	return i;
}

/* How many frames, from the first on, are adjacent. */
static unsigned
run_length(const pfn_t *pfns, unsigned n)
{
	unsigned i = 1;

	while (i < n && pfns[i] == pfns[i - 1] + 1)
		i++;
	return i;
}

/* Pages mapped together were often allocated together: their frames come back in runs. */
void
buddy_put(const pfn_t *pfns, unsigned n)
{
	uint64_t flags = lock_lists();
	unsigned run;

	for (; n > 0; n -= run, pfns += run) {
		run = run_length(pfns, n);
		put_frames(pfns[0], pfns[0] + run);
	}
	spin_unlock_irq(&buddy.lock, flags);
}

struct vm_page *
buddy_take_run(unsigned order)
{
	uint64_t flags = lock_lists();
	pfn_t pfn = 0;

	if (order <= BUDDY_MAXORDER)
		pfn = take_block(order);
	spin_unlock_irq(&buddy.lock, flags);
	return pfn == 0 ? NULL : &pfdb[pfn];
}

void
buddy_put_run(struct vm_page *pg, unsigned order)
{
	uint64_t flags = lock_lists();

	put_block(page_pfn(pg), order);
	spin_unlock_irq(&buddy.lock, flags);
}
