/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * swaparea.c: from a disk or file with a header to an area of slots
 *
 * Problem   Any file can be named to swapon(2).  A file or disk with the header
 *           that mkswap writes becomes a swap area, at the sectors where its
 *           blocks lie; any other is refused before a byte is written.
 *
 * Picture   page 0    header: version, last page, numbers of bad pages
 *           page 1 …  slots
 *           file      0 1 2 3 | 4 5 | 6 …      slots
 *                     sector 800 | 72 | 1016   ext[]: one for each run
 *
 * Rules     1. Slot 0 and the bad slots are set in the map from the start, so
 *              no other code needs to know of them.
 *           2. A page of a file whose blocks are not adjacent is a bad slot; a
 *              file with a hole is refused, for a hole cannot be written.
 *           3. A new area is counted in the reserve (phys_set_areas) before its
 *              slots can be taken, and an old one until they cannot any more.
 *           4. swap_areas_lock keeps the areas in the list while /proc prints
 *              them; slots need the swap lock only.
 *
 * Read next cluster.c
 */
#include "lib/bitmap.h"
#include "lib/string.h"
#include "mem/mem.h"
#include "vm/swap/swap.h"

#define MAGIC "SWAPSPACE2"
#define MAGIC_BYTES 10
#define MAGIC_AT (PAGE_SIZE - MAGIC_BYTES)
#define PRIO_FIRST (-2)      /* of areas without a given one; the next: -3 */

/* The header that mkswap writes, behind 1024 bytes for a boot loader. */
struct swap_header {
	uint8_t boot[1024];
	uint32_t version, last_page, nbad;
	uint8_t uuid[16], label[16];
	uint32_t padding[117];
	uint32_t bad[];
};
_Static_assert(offsetof(struct swap_header, bad) == 1536, "mkswap's format");

#define BAD_MAX ((MAGIC_AT - offsetof(struct swap_header, bad)) / 4)

struct mutex swap_areas_lock = MUTEX_INIT(swap_areas_lock, LR_NONE);
static unsigned n_areas;     /* [areas lock] in the list */

/* ---- the header ---- */

/* Is this the first page of an area of this number of pages?  Bad pages are only
 * counted here.
 * Returns: slots, the header too; 0: it is not. */
static uint32_t
swap_header_slots(const void *page, uint64_t pages)
{
	const struct swap_header *h = page;
	uint64_t slots;

	if (memcmp((const char *)page + MAGIC_AT, MAGIC, MAGIC_BYTES) != 0) {
		klog("swap: no swap area");
		return 0;
	}
	if (h->version != 1) {
		klog("swap: version %u of the header is not known", h->version);
		return 0;
	}
	if (h->nbad > BAD_MAX || h->last_page == 0) {
		klog("swap: the header is damaged");
		return 0;
	}
	slots = MIN((uint64_t)h->last_page + 1, SWAP_INDEX_MAX);
	if (slots > pages) {
		klog("swap: the area is shorter than its header says");
		return 0;
	}
	return (uint32_t)slots;
}

/* ---- opening ---- */

static size_t
map_bytes(uint32_t nslots)
{
	return BITMAP_WORDS((size_t)nslots) * sizeof(uint64_t);
}

static size_t
hint_bytes(uint32_t nslots)
{
	return nslots / SWAP_BLOCK + 1;
}

static size_t
ext_bytes(const struct swap_area *a)
{
	return a->max_ext * sizeof(*a->ext);
}

/* Free an area that is in no list (any more), with all its bios idle. */
static void
swap_area_free(struct swap_area *a)
{
	swap_bios_free(a);
	room_free(a->map, map_bytes(a->nslots));
	room_free(a->runhint, hint_bytes(a->nslots));
	room_free(a->ext, ext_bytes(a));
	kmem_free(a->path);
	kmem_free(a);
}

/* An area without extents, all slots but 0 free.  NULL: no memory. */
static struct swap_area *
area_make(const struct swap_source *src, uint32_t nslots)
{
	size_t path_bytes = strlen(src->path) + 1;
	struct swap_area *a = kmem_zalloc(sizeof(*a));

	if (a == NULL)
		return NULL;
	a->dev = src->dev;
	a->client = src->client;
	a->nslots = nslots;
	a->nfree = nslots - 1;
	a->path = kmem_alloc(path_bytes);
	list_init(&a->idle);
	a->map = room_alloc(map_bytes(nslots));
	a->runhint = room_alloc(hint_bytes(nslots));
	if (a->path == NULL || a->map == NULL || a->runhint == NULL ||
	    !swap_bios_make(a)) {
		swap_area_free(a);
		return NULL;
	}
	memcpy(a->path, src->path, path_bytes);
	bitmap_set(a->map, 0);
	memset(a->runhint, SWAP_RUN, hint_bytes(nslots));
	return a;
}

/* The area is not listed yet. */
static void
slot_is_bad(struct swap_area *a, uint32_t slot)
{
	if (bitmap_test(a->map, slot))
		return;
	bitmap_set(a->map, slot);
	a->nfree--;
	a->nbad++;
}

static int
area_mark_bad(struct swap_area *a, const struct swap_header *h)
{
	uint32_t i;

	for (i = 0; i < h->nbad; i++) {
		if (h->bad[i] == 0 || h->bad[i] > h->last_page)
			return -EINVAL;
		if (h->bad[i] < a->nslots)
			slot_is_bad(a, h->bad[i]);
	}
	return 0;
}

/* ---- where the slots lie ---- */

/* Room for one more extent.  0, -ENOMEM. */
static int
extents_grow(struct swap_area *a)
{
	struct swap_extent *more;
	unsigned max = MAX(2 * a->max_ext, 16u);

	if (a->next < a->max_ext)
		return 0;
	more = room_alloc(max * sizeof(*more));
	if (more == NULL)
		return -ENOMEM;
	if (a->next != 0)
		memcpy(more, a->ext, ext_bytes(a));
	room_free(a->ext, ext_bytes(a));
	a->ext = more;
	a->max_ext = max;
	return 0;
}

/* Slots [slot, slot + n) begin at sector.  0, -ENOMEM. */
static int
extent_add(struct swap_area *a, uint32_t slot, uint32_t n, uint64_t sector)
{
	struct swap_extent *last = a->next == 0 ? NULL : &a->ext[a->next - 1];
	int r;

	if (last != NULL && last->slot + last->n == slot &&
	    last->sector + (uint64_t)last->n * SECTORS_PER_PAGE == sector) {
		last->n += n;
		return 0;
	}
	r = extents_grow(a);
	if (r != 0)
		return r;
	a->ext[a->next++] = (struct swap_extent){ slot, n, sector };
	return 0;
}

/* Rule 2; a device is one extent.  0, -EINVAL (a hole), -ENOMEM, -EIO, -EINTR. */
static int
area_map(struct swap_area *a, const struct swap_source *src)
{
	struct swap_run run;
	uint32_t slot = 0;
	int r = 0;

	if (src->run == NULL)
		return extent_add(a, 0, a->nslots, 0);
	while (slot < a->nslots && r == 0) {
		if (thread_is_killed())
			return -EINTR;
		r = src->run(src->client, slot, a->nslots - slot, &run);
		if (r == -EAGAIN) {
			slot_is_bad(a, slot);
			run.pages = 1;
			r = 0;
		} else if (r == 0) {
			r = extent_add(a, slot, (uint32_t)run.pages, run.sector);
		}
		slot += r == 0 ? (uint32_t)run.pages : 0;
	}
	return r;
}

/* ---- the list ---- */

/* The priority of a new area: the given one, or behind all others. */
static int
priority(unsigned flags)
{
	int lowest = PRIO_FIRST + 1;
	struct swap_area *a;
	unsigned i;

	if ((flags & SWAP_FLAG_PREFER) != 0)
		return (int)(flags & SWAP_FLAG_PRIO_MASK);
	for (i = 0; i < SWAP_AREAS; i++) {
		a = swap_area(i);
		if (a != NULL)
			lowest = MIN(lowest, a->prio);
	}
	return lowest - 1;
}

/* [S].  Its slots count, and may be allocated. */
static void
area_opens(struct swap_area *a)
{
	a->closing = false;
	atomic_add(&swaps.slots, a->nslots - 1 - a->nbad);
	atomic_add(&swaps.room, a->nfree);
}

/* List a complete area.  0 with a->no set, -EPERM (too many, as on Linux). */
static int
area_enter(struct swap_area *a, const struct swap_source *src)
{
	mutex_lock_nested(&swap_areas_lock);
	while (a->no < SWAP_AREAS && swaps.area[a->no] != NULL)
		a->no++;
	if (a->no < SWAP_AREAS) {
		a->prio = priority(src->flags);
		phys_set_areas(++n_areas);
		spin_lock(&swaps.lock);
		swaps.area[a->no] = a;
		atomic_add(&swaps.bad, a->nbad);
		atomic_add(&swaps.idle, SWAP_BIOS);
		area_opens(a);
		spin_unlock(&swaps.lock);
	}
	mutex_unlock(&swap_areas_lock);
	return a->no < SWAP_AREAS ? 0 : -EPERM;
}

/* Make an area of src and open it for pages.
 * Locks: at most rank 1.  Context: thread, may sleep (where the blocks of a file are).
 * Owns: the area, src->dev and src->client until swap_off().
 * Returns: 0 with its number; -EINVAL (no header or a bad one, a hole, no slot),
 * -ENOMEM, -EIO, -EPERM (as many areas as there can be), -EINTR. */
int
swap_on(const struct swap_source *src, unsigned *no)
{
	uint32_t nslots = swap_header_slots(src->header,
	    src->bytes >> PAGE_SHIFT);
	const struct swap_header *h = src->header;
	struct swap_area *a;
	int r;

	/* Only disks have bad pages: below a file the file system avoids them. */
	if (nslots == 0 || (src->run != NULL && h->nbad != 0))
		return -EINVAL;
	a = area_make(src, nslots);
	if (a == NULL)
		return -ENOMEM;
	r = area_mark_bad(a, h);
	if (r == 0)
		r = area_map(a, src);
	if (r == 0)
		r = a->nfree == 0 ? -EINVAL : area_enter(a, src);
	if (r != 0) {
		swap_area_free(a);
		return r;
	}
	*no = a->no;
	klog("swap: %s: %u KiB, priority %d, %u extents", a->path,
	    (a->nslots - 1 - a->nbad) * 4, a->prio, a->next);
	return 0;
}

/* Close the area: its slots do not count any more, and none is allocated.
 * Locks: none of rank >= 9. */
void
swap_area_close(struct swap_area *a)
{
	spin_lock(&swaps.lock);
	ASSERT(!a->closing);
	a->closing = true;
	atomic_sub(&swaps.slots, a->nslots - 1 - a->nbad);
	atomic_sub(&swaps.room, a->nfree);
	spin_unlock(&swaps.lock);
}

/* Open it again: not all pages could be brought back.
 * Locks: none of rank >= 9. */
void
swap_area_reopen(struct swap_area *a)
{
	spin_lock(&swaps.lock);
	ASSERT(a->closing);
	area_opens(a);
	spin_unlock(&swaps.lock);
}

/* The area is closing, empty and idle: unlist and free it.
 * Locks: at most rank 1. */
void
swap_area_retire(struct swap_area *a)
{
	mutex_lock_nested(&swap_areas_lock);
	spin_lock(&swaps.lock);
	ASSERT(a->closing && a->busy == 0);
	ASSERT(a->nfree == a->nslots - 1 - a->nbad);
	swaps.area[a->no] = NULL;
	atomic_sub(&swaps.bad, a->nbad);
	atomic_sub(&swaps.idle, SWAP_BIOS);
	spin_unlock(&swaps.lock);
	phys_set_areas(--n_areas);
	mutex_unlock(&swap_areas_lock);
	klog("swap: %s: no more", a->path);
	swap_area_free(a);
}

/* ---- queries ---- */

void
swap_init(void)
{
	static const struct swap_ops ops = {
		.wake = pageout_wake,
		.slots = &swaps.slots,
		.drop = swap_drop,
		.ahead_ended = swap_ahead_ended,
	};

	swap_ops = &ops;
	swaps.window = SWAP_RUN / 2;
	swaps.file.window = AHEAD_FILE;
	waitq_init(&swaps.bios);
	ev_set_gauge_word(EV_swap_slots_used, &swaps.used);
}

void
swap_stat(struct swap_stat *s)
{
	s->slots = atomic_load(&swaps.slots);
	s->used = atomic_load(&swaps.used);
	s->bad = atomic_load(&swaps.bad);
	s->window = swaps.window;
}
