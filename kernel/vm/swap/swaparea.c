/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * swaparea.c: from a disk or file with a header to slots, and requests for them
 *
 * Problem   Anything can be named to swapon(2).  What carries the header that
 *           mkswap writes becomes a place for pages, at the sectors where its
 *           blocks lie; what does not is refused before a byte is written.
 *           A request must be there when memory has run out, so it is made with the
 *           area.
 *
 * Picture   page 0    header: version, last page, numbers of bad pages
 *           page 1 …  slots
 *           file      0 1 2 3 | 4 5 | 6 …      slots
 *                     sector 800 | 72 | 1016   ext[]: one for each run
 *
 *           idle ─→ take ─→ join, join … ─→ send ─→ disk ─→ swap_done ─→ give ─→ idle
 *                                             ↑                │ what is left
 *                                             └────────────────┘
 *
 * Rules     1. Slot 0 and the bad ones are set in the map from the start, so
 *              nobody needs to know of them later.
 *           2. A page of a file whose blocks do not lie side by side is bad; a
 *              hole is refused, for a hole cannot be written.
 *           3. A new area and one that goes are counted in the reserve
 *              (phys_set_areas) while nobody can take slots of it.
 *           4. swap_areas_lock keeps the areas in the list while text is made of
 *              them; slots need the swap lock only.
 *           5. For an area that is open nobody waits but in swap_wait(), and nothing
 *              allocates.  Who gets no bio waits for one without a lock.
 *           6. While vm_check looks no bio is to be had: all stays where it is.
 *
 * Read next swap.c, which fills the requests and is told of their end.
 */
#include "lib/bitmap.h"
#include "lib/string.h"
#include "mem/mem.h"
#include "vm/swap/swap.h"

#define MAGIC "SWAPSPACE2"
#define MAGIC_BYTES 10
#define MAGIC_AT (PAGE_SIZE - MAGIC_BYTES)
#define PRIO_FIRST (-2)      /* of areas without a wish; the next one: -3 */

/* As mkswap writes it, behind 1024 bytes for a boot loader. */
struct swap_header {
	uint8_t boot[1024];
	uint32_t version, last_page, nbad;
	uint8_t uuid[16], label[16];
	uint32_t padding[117];
	uint32_t bad[];
};
_Static_assert(offsetof(struct swap_header, bad) == 1536, "mkswap's format");

#define BAD_MAX ((MAGIC_AT - offsetof(struct swap_header, bad)) / 4)

#define READS_AGAIN 2u       /* of a page of the kernel that could not be read */
#define TICK_NS 10000000ul   /* a wait for a bio ends by itself */
#define WHOLE_TRIES 64       /* runs looked at for one that is free */

struct mutex swap_areas_lock = MUTEX_INIT(swap_areas_lock, LR_NONE);
static unsigned n_areas;     /* [areas lock] in the list */

static struct kmem_cache bios = KMEM_CACHE("swap_bio", struct swap_bio);

/* ---- the header ---- */

/* Is this the first page of an area of so many pages?  Numbers of bad pages are only
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

/* Requests for a new area, made ahead: who writes has no memory.  False: no memory. */
static bool
area_make_bios(struct swap_area *a)
{
	struct swap_bio *b;
	unsigned i;

	for (i = 0; i < SWAP_BIOS; i++) {
		b = kmem_cache_zalloc(&bios);
		if (b == NULL)
			return false;
		b->area = a;
		list_push_back(&a->idle, &b->node);
	}
	return true;
}

static size_t
ext_bytes(const struct swap_area *a)
{
	return a->max_ext * sizeof(*a->ext);
}

/* Of an area that is in no list (any more), with all its bios idle. */
static void
swap_area_free(struct swap_area *a)
{
	struct list_node *n;

	while ((n = list_pop_front(&a->idle)) != NULL)
		kmem_cache_free(&bios, LIST_ENTRY(n, struct swap_bio, node));
	room_free(a->map, map_bytes(a->nslots));
	room_free(a->runhint, hint_bytes(a->nslots));
	room_free(a->ext, ext_bytes(a));
	kmem_free(a);
}

/* An area without extents, all slots but 0 free.  NULL: no memory. */
static struct swap_area *
area_make(const struct swap_source *src, uint32_t nslots)
{
	struct swap_area *a = kmem_zalloc(sizeof(*a));

	if (a == NULL)
		return NULL;
	a->dev = src->dev;
	a->client = src->client;
	a->nslots = nslots;
	a->nfree = nslots - 1;
	str_copy(a->path, src->path, sizeof(a->path));
	list_init(&a->idle);
	a->map = room_alloc(map_bytes(nslots));
	a->runhint = room_alloc(hint_bytes(nslots));
	if (a->map == NULL || a->runhint == NULL || !area_make_bios(a)) {
		swap_area_free(a);
		return NULL;
	}
	bitmap_set(a->map, 0);
	memset(a->runhint, SWAP_RUN, hint_bytes(nslots));
	return a;
}

/* Nobody knows the area yet. */
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
			if (slot != 0)
				slot_is_bad(a, slot);
			slot++;
			r = 0;
			continue;
		}
		if (r == 0)
			r = extent_add(a, slot, (uint32_t)run.pages,
			    run.sector);
		slot += r == 0 ? (uint32_t)run.pages : 0;
	}
	return r;
}

/* ---- the list ---- */

/* Which is filled first: what was asked for, or behind all others. */
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

/* [S].  Its slots are places, and may be had. */
static void
area_opens(struct swap_area *a)
{
	a->closing = false;
	atomic_add(&swaps.slots, a->nslots - 1 - a->nbad);
	atomic_add(&swaps.room, a->nfree);
}

/* A complete area joins.  0 with a->no set, -EPERM (as many as on Linux). */
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

/* Make an area of src and let pages go there.
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

	/* Bad pages are for disks: a file has them mapped out below it. */
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

/* Fill the area no more: its slots do not count as places any more.
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

/* It is filled again: not all of it could be brought back.
 * Locks: none of rank >= 9. */
void
swap_area_reopen(struct swap_area *a)
{
	spin_lock(&swaps.lock);
	ASSERT(a->closing);
	area_opens(a);
	spin_unlock(&swaps.lock);
}

/* The area is closing, empty and idle: out of the list, and freed.
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

static uint64_t
count_places(void)
{
	return atomic_load(&swaps.slots);
}

/* ---- what others ask ---- */

void
swap_init(void)
{
	static const struct swap_ops ops = {
		.wake = pageout_wake,
		.places = count_places,
		.drop = swap_drop,
		.hit = swap_ahead_hit,
		.miss = swap_ahead_miss,
	};

	swap_ops = &ops;
	swap_ahead_init();
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

/* ---- where slots lie ---- */

/* The extent that holds slot i. */
static const struct swap_extent *
extent_with(const struct swap_area *a, uint32_t i)
{
	unsigned lo = 0, hi = a->next, mid;

	while (hi - lo > 1) {
		mid = (lo + hi) / 2;
		if (a->ext[mid].slot <= i)
			lo = mid;
		else
			hi = mid;
	}
	ASSERT(i >= a->ext[lo].slot && i - a->ext[lo].slot < a->ext[lo].n);
	return &a->ext[lo];
}

/* Slots from i on that lie side by side on the device, i itself included: what one
 * request can name.
 * Locks: none: extents do not change. */
uint32_t
swap_side_by_side(const struct swap_area *a, uint32_t i)
{
	const struct swap_extent *e = extent_with(a, i);

	return e->slot + e->n - i;
}

static uint64_t
sector_of(const struct swap_area *a, uint32_t i)
{
	const struct swap_extent *e = extent_with(a, i);

	return e->sector + (uint64_t)(i - e->slot) * SECTORS_PER_PAGE;
}

/* The area that is filled next: by priority, equal ones in turn.
 * Locks: [S].
 * Returns: an area with a free slot; NULL: there is none.  *n, what is wanted of it, is
 * SWAP_RUN at most afterwards. */
struct swap_area *
swap_area_to_fill(unsigned *n)
{
	struct swap_area *best = NULL, *a;
	unsigned i;

	HELD(&swaps.lock);
	*n = inject_hit(FI_SLOT) ? 1 : MIN(*n, SWAP_RUN);
	for (i = 0; i < SWAP_AREAS; i++) {
		a = swaps.area[(swaps.turn + i) % SWAP_AREAS];
		if (a != NULL && !a->closing && a->nfree > 0 &&
		    (best == NULL || a->prio > best->prio))
			best = a;
	}
	if (best != NULL)
		swaps.turn = (best->no + 1) % SWAP_AREAS;
	return best;
}

/* ---- places beside those of neighbours ---- */

/* Are the n slots from this one on free, of an area that is filled, and in one piece?
 * [S]. */
static bool
are_free(slot_t slot, unsigned n)
{
	struct swap_area *a = swaps.area[slot >> SWAP_INDEX_BITS];
	uint32_t i = slot & SWAP_INDEX_MAX;

	return a != NULL && !a->closing && i != 0 && i + n <= a->nslots &&
	    bitmap_next_set(a->map, i + n, i) == BITMAP_NONE &&
	    swap_side_by_side(a, i) >= n;
}

/* A run of SWAP_RUN slots that nobody has, aligned; 0: not near the last one.  [S]. */
static slot_t
whole_run(void)
{
	unsigned n = SWAP_RUN, try;
	struct swap_area *a = swap_area_to_fill(&n);
	slot_t slot;

	for (try = 0; a != NULL && try < WHOLE_TRIES; try++) {
		if (a->whole + SWAP_RUN > a->nslots)
			a->whole = 0;
		slot = a->no << SWAP_INDEX_BITS | a->whole;
		if (are_free(slot, SWAP_RUN))
			return slot;
		a->whole += SWAP_RUN;
	}
	return 0;
}

/* The slots from this one on are taken.  [S]. */
static void
take(slot_t slot, unsigned n)
{
	struct swap_area *a = swap_area_of(slot);
	unsigned k;

	for (k = 0; k < n; k++)
		bitmap_set(a->map, (slot & SWAP_INDEX_MAX) + k);
	a->nfree -= n;
	atomic_add(&swaps.used, n);
	atomic_sub(&swaps.room, n);
	EVENT_ADD(swap_alloc, n);
}

/* Has the cluster a neighbour within the aligned run of words, of which it is from `at`
 * on?  [P]. */
static bool
is_among_others(const struct vm_page *pg, unsigned step, unsigned at, unsigned n)
{
	const uint64_t *word = pa2va(page_home_payload(pg));

	return n > 1 || (at > 0 && word_get(word - step) != 0) ||
	    (at + 1 < SWAP_RUN && word_get(word + step) != 0);
}

/* Slots for a cluster, beside those of its neighbours, so that a sequence of pages is one
 * of slots, too: at their distance from them, or, where none has a slot, in a run of which
 * the rest is left to them.  A page that was changed so comes back to where it was.  One
 * alone is nobody's neighbour.
 * Locks: [P]; takes [S].
 * Returns: the first of *n, which may be fewer; 0: there are none: swap_alloc().
 * Owns: as swap_alloc(). */
slot_t
swap_alloc_beside(struct vm_page *const *pg, unsigned *n)
{
	unsigned step = owner_homes[page_home_kind(pg[0])].step, at, i;
	slot_t slot[2], got = 0;

	HELD(&pfn_lock);
	if (step == 0)
		return 0;
	at = page_home_payload(pg[0]) / sizeof(uint64_t) / step % SWAP_RUN;
	owner_beside(pg, *n, slot);
	spin_lock(&swaps.lock);
	for (i = 0; i < 2 && got == 0; i++)
		if (slot[i] != 0 && are_free(slot[i], *n))
			got = slot[i];
	if (got == 0 && (slot[0] | slot[1]) == 0 &&
	    is_among_others(pg[0], step, at, *n)) {
		got = whole_run();
		got += got == 0 ? 0 : at;
		*n = got == 0 ? *n : MIN(*n, SWAP_RUN - at);
	}
	if (got != 0)
		take(got, *n);
	spin_unlock(&swaps.lock);
	return got;
}

/* ---- bios ---- */

/* An idle bio for adjacent slots from this one on.
 * Locks: any of rank < 9; takes [S].
 * Returns: a bio without pages, the caller's until swap_bio_send(); NULL: all are under
 * way, or vm_check looks. */
struct swap_bio *
swap_bio_take(slot_t slot, enum bio_dir dir)
{
	struct swap_bio *b = NULL;
	struct list_node *n;
	struct swap_area *a;

	if (atomic_load(&owner_frozen))
		return NULL;
	spin_lock(&swaps.lock);
	a = swap_area_of(slot);
	n = list_pop_front(&a->idle);
	if (n != NULL) {
		a->busy++;
		atomic_sub(&swaps.idle, 1);
	}
	spin_unlock(&swaps.lock);
	if (n == NULL)
		return NULL;
	b = LIST_ENTRY(n, struct swap_bio, node);
	b->area = a;
	b->slot = slot;
	b->io.dir = dir;
	b->n = 0;
	b->at = 0;
	b->len = 0;
	b->again = 0;
	b->then = SWAP_KEEP;
	return b;
}

/* Is there a bio to be had?  Returns: false: to look for slots now is of no use. */
bool
swap_bio_is_idle(void)
{
	return atomic_load(&swaps.idle) > 0 && !atomic_load(&owner_frozen);
}

/* One more page for the bio, behind its last one; of a read also that of the slot
 * before its first.  The page has its home, and one that is read its slot.
 * Locks: [P]. */
void
swap_bio_join(struct swap_bio *b, struct vm_page *pg)
{
	bool is_read = b->io.dir == BIO_READ;

	ASSERT(b->n < SWAP_RUN);
	owner_count_io(page_home_kind(pg), !is_read);
	if (is_read && pg->slot + 1 == b->slot) {
		memmove(&b->page[1], b->page, b->n * sizeof(b->page[0]));
		b->slot = pg->slot;
		b->page[0] = pg;
	} else {
		ASSERT(!is_read || pg->slot == b->slot + b->n);
		b->page[b->n] = pg;
	}
	b->n++;
	b->len++;
}

/* Hand the pages [at, at + len) of the bio to the disk; swap_done() follows.
 * Locks: any of rank < LR_DEV. */
void
swap_bio_send(struct swap_bio *b)
{
	uint32_t i = (b->slot & SWAP_INDEX_MAX) + b->at;
	unsigned k;

	bio_init(&b->io, b->area->dev, sector_of(b->area, i), b->io.dir);
	b->io.use = BIO_SWAP;
	b->io.done = swap_done;
	b->io.arg = b;
	for (k = b->at; k < b->at + b->len; k++)
		bio_add(&b->io, b->page[k], 0, PAGE_SIZE);
	blk_submit(&b->io);
}

/* The bio is idle again; who waits for one is woken.
 * Locks: any of rank < 9; takes [S]. */
void
swap_bio_give(struct swap_bio *b)
{
	spin_lock(&swaps.lock);
	b->area->busy--;
	list_push_back(&b->area->idle, &b->node);
	atomic_add(&swaps.idle, 1);
	spin_unlock(&swaps.lock);
	wake_all(&swaps.bios);
}

/* With a page of the kernel's own goes what it describes: the slots that its words
 * name, a process.  So a read of one is not given up at the first error.  The bio is
 * for one page, and its request has failed.
 * Locks: takes [P].  Returns: true: send it again, READS_AGAIN times at most. */
bool
swap_read_again(struct swap_bio *b)
{
	enum page_home home;

	if (b->io.dir != BIO_READ || b->again == READS_AGAIN)
		return false;
	spin_lock(&pfn_lock);
	home = page_home_kind(b->page[b->at]);
	spin_unlock(&pfn_lock);
	if (home != HOME_TABLE && home != HOME_KPAGED)
		return false;
	b->again++;
	EVENT(swap_read_again);
	return true;
}

/* Sleep until a bio may have become idle.
 * Locks: none of rank >= 3.  Returns: 0: try again; -EINTR (fatal signal). */
int
swap_wait(void)
{
	struct waiter w;
	int r;

	wait_prepare(&swaps.bios, &w);
	r = wait_sleep(&w, vm_wait_how(), md_time_ns() + TICK_NS);
	wait_finish(&w);
	return r == -ETIMEDOUT ? 0 : r;
}

/* Sleep until the area has no request under way.
 * Locks: none of rank >= 2.  Returns: 0, -ETIMEDOUT, -EINTR. */
int
swap_wait_idle(const struct swap_area *a, enum wait_how how, uint64_t deadline_ns)
{
	struct waiter w;
	int r = 0;

	while (r == 0 && atomic_load(&a->busy) != 0) {
		wait_prepare(&swaps.bios, &w);
		r = atomic_load(&a->busy) == 0 ? 0 : wait_sleep(&w, how, deadline_ns);
		wait_finish(&w);
	}
	return r;
}

/* ---- reading ahead of any wish ---- */

/* Begin to read the page of a SWAP word, and some behind it; nobody waits.
 * Locks: the container's; takes [P].
 * Returns: false: there is no frame or no bio just now. */
bool
swap_ahead(const struct swap_words *w)
{
	struct vm_page *frame, *wait;
	enum swap_in_result r;

	if (pte_kind(word_get(w->word)) != PTE_SWAP)
		return true;
	frame = page_alloc(PHYS_ANY);
	if (frame == NULL)
		return false;
	r = swap_in(w, &frame, &wait);
	if (frame != NULL)
		page_free(frame);
	return r != SWAPIN_NOBIO;
}
