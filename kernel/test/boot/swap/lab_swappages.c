/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lab_swappages.c: pages and their slots, looked at without the learner's file
 *
 * Problem   Whether a page is on the disk, who owns its slot and what a request
 *           does meanwhile, no program sees.
 *
 * Picture   page i ─→ word: SWAP slot, or a frame with a slot
 *                                 └─→ bit in the map, bytes in ramdisk_swap()
 *
 * Rules     Nothing here waits for ever: what does not come is a claim of the
 *           test that does not hold.
 *
 * Read next lab_swapout.c, lab_swapin.c, lab_swaperr.c.
 */
#include "lib/bitmap.h"
#include "lib/string.h"
#include "test/boot/swap/lab_swappages.h"

#define TRIES 300
#define TRY_NS 1000000ul
#define POLLS 2000
#define POLL_NS 100000ul
#define SETTLES 3000
#define PUSHES 500

void
swp_write_all(const struct pages *p)
{
	uint64_t i;

	for (i = 0; i < p->n; i++)
		pages_write(p, i);
}

static bool
any_is_here(const struct pages *p)
{
	uint64_t i;

	for (i = 0; i < p->n; i++)
		if (swp_frame(p, i) != NULL)
			return true;
	return false;
}

bool
swp_out(const struct pages *p)
{
	unsigned try;

	family_trim(p);
	for (try = 0; any_is_here(p) && try < TRIES; try++) {
		pageout_push();
		(void)sleep_until(md_time_ns() + TRY_NS, WAIT_PLAIN);
		while (phys_reclaim())
			;
	}
	return !any_is_here(p);
}

/* Requests under way, of all areas. */
static uint64_t
in_flight(void)
{
	uint64_t n = 0;
	unsigned i;

	spin_lock(&swaps.lock);
	for (i = 0; i < SWAP_AREAS; i++)
		n += swaps.area[i] != NULL ? SWAP_BIOS : 0;
	n -= MIN(n, atomic_load(&swaps.idle));
	spin_unlock(&swaps.lock);
	return n;
}

/* Who ends a write frees frames when it has let go of the lock: the request is over
 * behind that. */
static bool
is_settled(void)
{
	return pages_writing == 0 && in_flight() == 0;
}

bool
swp_settle(void)
{
	unsigned i;

	for (i = 0; !is_settled() && i < SETTLES; i++)
		(void)sleep_until(md_time_ns() + TRY_NS, WAIT_PLAIN);
	return pages_writing == 0;
}

void
swp_let_go(const struct pages *other)
{
	uint64_t i;

	for (i = 0; i < SWP_OTHER; i++)
		pages_write(other, i);
}

void
swp_read_all(void)
{
	unsigned i;

	for (i = 0; in_flight() > 0 && i < SETTLES; i++)
		(void)sleep_until(md_time_ns() + TRY_NS, WAIT_PLAIN);
}

/* No page waits to be written that could be, and all requests but these have ended. */
static bool
is_pushed(uint64_t held)
{
	return (pq_queue[Q_MODANON].n == 0 ||
		   atomic_load(&swaps.idle) == 0) && in_flight() <= held;
}

void
swp_push(const struct pages *p, uint64_t held)
{
	unsigned i;

	family_trim(p);
	pageout_push();
	for (i = 0; !is_pushed(held) && i < PUSHES; i++)
		(void)sleep_until(md_time_ns() + TRY_NS, WAIT_PLAIN);
}

struct vm_page *
swp_frame(const struct pages *p, uint64_t i)
{
	uint64_t word = word_of(p->as, pages_at(p, i));

	return word != 0 && pte_names_frame(word) ? pte_page(word) : NULL;
}

slot_t
swp_slot(const struct pages *p, uint64_t i)
{
	uint64_t word = word_of(p->as, pages_at(p, i));
	struct vm_page *pg = swp_frame(p, i);

	if (pg != NULL)
		return pg->slot;
	return pte_kind(word) == PTE_SWAP ? swap_slot(word) : 0;
}

bool
swp_is_used(slot_t slot)
{
	struct swap_area *a = swap_area(slot >> SWAP_INDEX_BITS);
	uint32_t i = slot & SWAP_INDEX_MAX;

	return a != NULL && i < a->nslots && bitmap_test(a->map, i);
}

bool
swp_on_disk(const struct pages *p, uint64_t i, slot_t slot)
{
	const uint8_t *at = ramdisk_swap();
	uint64_t v[2];

	CHECK(at != NULL);
	at += (uint64_t)(slot & SWAP_INDEX_MAX) * PAGE_SIZE;
	memcpy(&v[0], at, 8);
	memcpy(&v[1], at + PAGE_SIZE - 8, 8);
	return v[0] == pages_tag(p, i) && v[1] == v[0];
}

uint64_t
swp_used(void)
{
	struct swap_stat st;

	swap_stat(&st);
	return st.used;
}

uint64_t
swp_bad(void)
{
	struct swap_stat st;

	swap_stat(&st);
	return st.bad;
}

void
swp_unmap(const struct pages *p, uint64_t i)
{
	CHECK(map_munmap(p->as, pages_at(p, i), PAGE_SIZE) == 0);
}

void
swp_store(const struct pages *p, uint64_t i, uint64_t value)
{
	CLAIM(as_write(p->as, pages_at(p, i), &value, 8) == 8, "a store to page "
	    "%lu fails", i);
}

void
swp_inject(const char *point, uint64_t first, uint64_t count)
{
	struct out_buf text;
	char spec[48];

	out_buf_init(&text, spec, sizeof(spec));
	out_printf(&text.out, "%s:%lu:1:%lu", point, first, count);
	CHECK(inject_set(spec) == 0);
}

void
swp_inject_off(void)
{
	CHECK(inject_set("off") == 0);
}

/* ---- a reader ---- */

static struct {
	struct aspace *as;
	va_t va;
	int r;
	_Atomic bool done;
} reader;

static void
reader_main(void *arg)
{
	uint64_t value;

	reader.r = family_load(reader.as, reader.va, &value);
	atomic_store(&reader.done, true);
}

void
swp_reader(const struct pages *p, uint64_t i)
{
	reader.as = p->as;
	reader.va = pages_at(p, i);
	atomic_store(&reader.done, false);
	CHECK(thread_spawn("reader", reader_main, NULL) != NULL);
}

int
swp_reader_ends(void)
{
	while (!atomic_load(&reader.done))
		(void)sleep_until(md_time_ns() + POLL_NS, WAIT_PLAIN);
	return reader.r;
}

void
swp_while(const struct pages *p, uint64_t i, enum pte_kind kind)
{
	unsigned k;

	for (k = 0; k < POLLS; k++) {
		if (pte_kind(word_of(p->as, pages_at(p, i))) != kind)
			return;
		(void)sleep_until(md_time_ns() + POLL_NS, WAIT_PLAIN);
	}
}
