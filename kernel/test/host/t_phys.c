/* NEEDS: KIND=exact */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_phys.c: frames and small objects against a simple model
 *
 * Problem   A frame handed out twice is the worst bug of a kernel; a lost one
 *           the most patient.
 *
 * Picture   random alloc, free, runs, drains ─→ owner[pfn] and a stamp in each
 *           frame; at the end all frames are free again
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <string.h>

#include "test/host/host.h"

#define FRAMES 2048
#define SLOTS 1200

static struct vm_page *held[SLOTS];
static uint8_t owned[FRAMES + 2];

static uint64_t
free_now(void)
{
	struct phys_stat ps;

	phys_drain();
	phys_stat(&ps);
	return ps.free + ps.zeroed;
}

static uint64_t *
bytes_of(struct vm_page *pg)
{
	return pa2va(page_pa(pg));
}

static void
take(unsigned slot)
{
	enum phys_want want = host_random(2) ? PHYS_ZEROED : PHYS_ANY;
	struct vm_page *pg = phys_alloc(PHYS_KERNEL, want);
	unsigned i;

	if (pg == NULL)
		return;
	assert_int_equal(owned[page_pfn(pg)], 0);
	assert_int_equal(pg->state, PG_LIMBO);
	assert_int_equal(page_home_kind(pg), HOME_NONE);
	for (i = 0; want == PHYS_ZEROED && i < PAGE_SIZE / 8; i++)
		assert_int_equal(bytes_of(pg)[i], 0);
	owned[page_pfn(pg)] = 1;
	bytes_of(pg)[0] = page_pfn(pg);
	bytes_of(pg)[511] = ~0ul;
	held[slot] = pg;
}

static void
give(unsigned slot)
{
	struct vm_page *pg = held[slot];

	assert_int_equal(bytes_of(pg)[0], page_pfn(pg));
	owned[page_pfn(pg)] = 0;
	held[slot] = NULL;
	phys_free(pg);
}

static void
frames_are_owned_once(void **state)
{
	uint64_t before = free_now();
	unsigned i, slot;

	host_seed(21);
	for (i = 0; i < 60000; i++) {
		host_set_cpu((unsigned)host_random(4));
		slot = (unsigned)host_random(SLOTS);
		if (held[slot] == NULL)
			take(slot);
		else
			give(slot);
		if (host_random(50) == 0)
			phys_zero_idle();
		if (host_random(2000) == 0)
			phys_drain();
	}
	for (slot = 0; slot < SLOTS; slot++) {
		if (held[slot] != NULL)
			give(slot);
	}
	assert_int_equal(free_now(), before);
}

static void
runs_are_adjacent(void **state)
{
	struct vm_page *run[64] = { NULL };
	uint64_t before = free_now();
	unsigned i, j, order, orders[64];

	host_seed(22);
	for (i = 0; i < 4000; i++) {
		j = (unsigned)host_random(64);
		if (run[j] != NULL) {
			memset(bytes_of(run[j]), 0x5a, PAGE_SIZE << orders[j]);
			phys_free_run(run[j], orders[j]);
			run[j] = NULL;
			continue;
		}
		order = (unsigned)host_random(5);
		run[j] = phys_alloc_run(order);
		orders[j] = order;
		if (run[j] != NULL)
			memset(bytes_of(run[j]), 0xa5, PAGE_SIZE << order);
	}
	for (j = 0; j < 64; j++) {
		if (run[j] != NULL)
			phys_free_run(run[j], orders[j]);
	}
	assert_int_equal(free_now(), before);
}

/*
 * Who gives a frame back looks at its neighbour's state, then at its mark; the
 * neighbour may be taken, and begin to be read ahead, in between.
 */
static void
neighbours_in_use_stay(void **state)
{
	uint64_t before = free_now();
	struct vm_page *pg, *mate;

	pg = phys_alloc_run(1);
	assert_non_null(pg);
	mate = pg + 1;
	phys_drain();
	mate->swp.ahead = true;
	mate->state = PG_FREE;
	phys_free_run(pg, 0);
	mate->state = PG_WIRED;
	assert_true(mate->swp.ahead);
	mate->swp.ahead = false;
	phys_free_run(mate, 0);
	assert_int_equal(free_now(), before);
	assert_non_null(pg = phys_alloc_run(1));
	phys_free_run(pg, 1);
}

/* USER stops first, KERNEL at the reserve, RESERVED takes the last frame. */
static void
classes_leave_reserves(void **state)
{
	enum phys_class class[] = { PHYS_USER, PHYS_KERNEL, PHYS_RESERVED };
	struct vm_page *list[FRAMES];
	uint64_t before = free_now(), left[3];
	struct phys_stat ps;
	unsigned c, n = 0;

	phys_stat(&ps);
	for (c = 0; c < 3; c++) {
		struct vm_page *pg;

		while ((pg = phys_alloc(class[c], PHYS_ANY)) != NULL)
			list[n++] = pg;
		left[c] = before - n;
	}
	assert_int_equal(left[0], (ps.reserve + ps.low) / 2);
	assert_int_equal(left[1], ps.reserve);
	assert_int_equal(left[2], 0);
	while (n > 0)
		phys_free(list[--n]);
	assert_int_equal(free_now(), before);
}

static void
free_twice(void *pg)
{
	phys_free(pg);
}

static void
second_free_is_noticed(void **state)
{
	struct vm_page *pg = phys_alloc(PHYS_USER, PHYS_ANY);

	phys_free(pg);
	assert_true(host_panics(free_twice, pg));
}

static unsigned nwoken, nasleep;

static bool
wake_a_sleeper(void)
{
	if (nasleep == 0)
		return false;
	nasleep--;
	nwoken++;
	return true;
}

/* Of many frames that come at once each wakes one sleeper, also where there are more
 * than enough behind them: nobody else would. */
static void
each_frame_wakes_one(void **state)
{
	struct vm_page *pg;
	pfn_t chain = 0;
	unsigned n = 0, i;

	phys_set_hooks(wake_a_sleeper, NULL);
	while ((pg = phys_alloc(PHYS_USER, PHYS_ANY)) != NULL) {
		pg->qnext = chain;
		chain = page_pfn(pg);
		n++;
	}
	assert_in_range(n, 300, FRAMES);
	phys_sleepers = nasleep = 300;
	/* First 20 alone, then all others. */
	for (i = 0; i < 20; i++) {
		pg = &pfdb[chain];
		chain = pg->qnext;
		phys_free(pg);
	}
	assert_int_equal(nwoken, 20);
	phys_free_chain(chain);
	assert_int_equal(nwoken, 300);
	phys_sleepers = 0;
	phys_set_hooks(NULL, NULL);
}

static void
objects_do_not_overlap(void **state)
{
	static uint8_t *obj[500];
	static size_t size[500];
	uint64_t before;
	unsigned i, j;
	size_t k;

	host_seed(23);
	kmem_drain();
	before = free_now();
	for (i = 0; i < 30000; i++) {
		j = (unsigned)host_random(500);
		if (obj[j] == NULL) {
			size[j] = 1 + host_random(host_random(8) ? 300 : 9000);
			obj[j] = kmem_alloc(size[j]);
			if (obj[j] != NULL)
				memset(obj[j], (int)j, size[j]);
			continue;
		}
		for (k = 0; k < size[j]; k++)
			assert_int_equal(obj[j][k], (uint8_t)j);
		kmem_free(obj[j]);
		obj[j] = NULL;
	}
	for (j = 0; j < 500; j++)
		kmem_free(obj[j]);
	kmem_check();
	kmem_drain();
	assert_int_equal(free_now(), before);
}

/* No two free frames are neighbours: objects that like runs do without. */
static void
objects_need_no_runs(void **state)
{
	static struct kmem_cache large = { .name = "large", .size = 2056,
		.align = 8, .lock = SPIN_INIT(LR_MEM) };
	static struct vm_page *taken[FRAMES + 2];
	uint64_t before;
	struct vm_page *pg;
	unsigned i;
	void *obj;

	kmem_drain();
	before = free_now();
	while ((pg = phys_alloc(PHYS_RESERVED, PHYS_ANY)) != NULL)
		taken[page_pfn(pg)] = pg;
	for (i = 0; i < FRAMES + 2; i += 2)
		if (taken[i] != NULL) {
			phys_free(taken[i]);
			taken[i] = NULL;
		}
	assert_null(phys_alloc_run(1));
	obj = kmem_cache_alloc(&large);
	assert_non_null(obj);
	kmem_cache_free(&large, obj);
	for (i = 0; i < FRAMES + 2; i++)
		if (taken[i] != NULL)
			phys_free(taken[i]);
	kmem_check();
	kmem_drain();
	assert_int_equal(free_now(), before);
}

static bool
may_not_grow(uint64_t n)
{
	return n == 0;
}

/* Where the kernel may not grow, a frame that somebody has paid for becomes objects. */
static void
caches_are_fed(void **state)
{
	static struct kmem_cache fed = { .name = "fed", .size = 40,
		.align = 8, .lock = SPIN_INIT(LR_MEM) };
	uint64_t before;
	void *obj;

	kmem_drain();
	before = free_now();
	phys_set_gate(may_not_grow);
	assert_null(kmem_cache_alloc(&fed));
	kmem_cache_feed(&fed, phys_alloc(PHYS_USER, PHYS_ZEROED));
	assert_int_equal(kmem_paid, 1);
	obj = kmem_cache_alloc(&fed);
	assert_non_null(obj);
	kmem_cache_free(&fed, obj);
	phys_set_gate(NULL);
	kmem_check();
	kmem_drain();
	assert_int_equal(kmem_paid, 0);
	assert_int_equal(free_now(), before);
}

static void
overrun(void *arg)
{
	uint8_t *p = kmem_alloc(40);

	memset(p, 0, 41);
	kmem_free(p);
}

static void
red_zone_is_watched(void **state)
{
	assert_true(host_panics(overrun, NULL));
}

/* All frames that are free have held somebody's bytes. */
static void
fill_free_frames(void)
{
	static struct vm_page *taken[FRAMES];
	unsigned n = 0;

	while ((taken[n] = phys_alloc(PHYS_RESERVED, PHYS_ANY)) != NULL)
		memset(bytes_of(taken[n++]), 0xa5, PAGE_SIZE);
	while (n-- > 0)
		phys_free(taken[n]);
}

/* Neither a new stack nor a slab shows what its frame held. */
static void
kernel_memory_shows_nothing(void **state)
{
	static struct kmem_cache large = { .name = "shows", .size = 1424,
		.align = 8, .lock = SPIN_INIT(LR_MEM) };
	/* Five objects and their tags; at least 400 bytes behind them. */
	static struct kmem_cache small = { .name = "tail", .size = 700,
		.align = 8, .lock = SPIN_INIT(LR_MEM) };
	uint8_t *obj, *stack, *frame;
	unsigned i, k;

	kmem_drain();
	fill_free_frames();
	stack = kva_stack_alloc();
	for (i = 0; i < MD_KSTACK_SIZE; i += PAGE_SIZE) {
		frame = pa2va(*md_kpte((va_t)stack + i) & MD_PTE_PFN);
		for (k = 0; k < PAGE_SIZE; k++)
			assert_int_equal(frame[k], 0);
	}
	obj = kmem_cache_alloc(&large);
	for (i = 0; i < 1424; i++)
		assert_int_equal(obj[i], 0);
	kmem_cache_free(&large, obj);
	obj = kmem_cache_alloc(&small);
	frame = (uint8_t *)((uintptr_t)obj & ~(uintptr_t)PAGE_MASK);
	for (i = PAGE_SIZE - 256; i < PAGE_SIZE; i++)
		assert_int_equal(frame[i], 0);
	kmem_cache_free(&small, obj);
	kva_stack_free(stack);
}

static int
boot(void **state)
{
	host_boot(FRAMES, "idlezero=1 norandom=1");
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_are_owned_once),
		cmocka_unit_test(runs_are_adjacent),
		cmocka_unit_test(neighbours_in_use_stay),
		cmocka_unit_test(classes_leave_reserves),
		cmocka_unit_test(each_frame_wakes_one),
		cmocka_unit_test(objects_do_not_overlap),
		cmocka_unit_test(objects_need_no_runs),
		cmocka_unit_test(caches_are_fed),
		cmocka_unit_test(kernel_memory_shows_nothing),
		cmocka_unit_test(red_zone_is_watched),
		cmocka_unit_test(second_free_is_noticed),
	};

	return cmocka_run_group_tests(tests, boot, NULL);
}
