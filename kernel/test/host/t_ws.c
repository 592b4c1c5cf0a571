/* NEEDS: KIND=exact */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_ws.c: working sets: who is old, who goes, and what stays right
 *
 * Problem   A page that goes must keep its bytes, and it must be the right one:
 *           unused, old enough, neither locked nor held.
 *
 * Picture   host_store ─→ A, D ─→ ws_age, evict ─→ words, ages, queues
 *                           └─→ value[]: every byte comes back
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <string.h>

#include "test/host/host.h"

#define PAGES 700ul         /* two tables, the second one partly */
#define BASE 0x10000000ul

static struct aspace *as;
static uint64_t value[PAGES];

static va_t
va_of(uint64_t i)
{
	return BASE + i * PAGE_SIZE;
}

static void
store(uint64_t i)
{
	value[i]++;
	assert_int_equal(host_store(as, va_of(i), value[i]), 0);
}

static void
store_range(uint64_t lo, uint64_t hi)
{
	for (; lo < hi; lo++)
		store(lo);
}

static void
all_is_there(void)
{
	uint64_t i, seen;

	for (i = 0; i < PAGES; i++) {
		assert_int_equal(host_load(as, va_of(i), &seen), 0);
		assert_int_equal(seen, value[i]);
	}
}

static uint64_t
word_of(uint64_t i)
{
	struct vm_page *leaf;
	uint64_t *word, w;

	mutex_lock(&as->ws_lock);
	word = pt_find(as, va_of(i), &leaf);
	w = word == NULL ? 0 : word_get(word);
	mutex_unlock(&as->ws_lock);
	return w;
}

static void
age(void)
{
	mutex_lock(&as->ws_lock);
	ws_age(as);
	tlb_flush_range(as, 0, MD_USER_END >> PAGE_SHIFT);
	mutex_unlock(&as->ws_lock);
}

static size_t
evict(size_t want, int min_age)
{
	size_t done;

	mutex_lock(&as->ws_lock);
	done = as->school->evict(as, want, min_age);
	mutex_unlock(&as->ws_lock);
	return done;
}

static uint64_t
count_kind(enum pte_kind kind, uint64_t lo, uint64_t hi)
{
	uint64_t n = 0;

	for (; lo < hi; lo++)
		n += pte_kind(word_of(lo)) == kind;
	return n;
}

static void
use_makes_young(void **state)
{
	store_range(0, PAGES);
	age();
	assert_int_equal(as->ws.ages[0], PAGES);
	age();
	assert_int_equal(as->ws.ages[1], PAGES);
	store_range(0, 100);
	age();
	assert_int_equal(as->ws.ages[0], 100);
	assert_int_equal(as->ws.ages[2], PAGES - 100);
	age();
	age();
	age();
	assert_int_equal(as->ws.ages[3], PAGES);
}

static void
old_ones_go_first(void **state)
{
	uint64_t before = ev_read(EV_ws_trimmed_3);

	store_range(0, 300);
	assert_int_equal(evict(1000, 3), PAGES - 300);
	assert_int_equal(ev_read(EV_ws_trimmed_3) - before, PAGES - 300);
	assert_int_equal(count_kind(PTE_VALID, 0, 300), 300);
	assert_int_equal(count_kind(PTE_TRANS, 300, PAGES), PAGES - 300);
	assert_int_equal(as->ws.pages, 300);
	assert_int_equal(evict(1000, 1), 0);
	all_is_there();
}

/* Nobody uses a page: the hand takes each once before it comes back. */
static void
the_hand_rests(void **state)
{
	uint64_t i;

	store_range(0, PAGES);
	for (i = 0; i < 10; i++) {
		assert_int_equal(evict(60, 0), 60);
		assert_int_equal(as->ws.pages, PAGES - 60 * (i + 1));
	}
	all_is_there();
	for (i = 0; i < 5; i++)
		assert_int_equal(evict(PAGES / 5, 0), PAGES / 5);
	assert_int_equal(as->ws.pages, 0);
	assert_int_equal(as->ws.head, 0);
	assert_int_equal(as->ws.tables, 0);
	all_is_there();
}

/* Between two visits of the hand: used pages stay. */
static void
used_ones_stay(void **state)
{
	uint64_t i;

	store_range(0, PAGES);
	evict(1, 0); /* clears A of the others, or they were not used */
	for (i = 0; i < 50; i++) {
		store_range(0, 32);
		evict(10, 0);
	}
	assert_true(count_kind(PTE_VALID, 0, 32) >= 22);
	all_is_there();
}

static void
locked_and_held_stay(void **state)
{
	struct vm_page *leaf, *pg;
	uint64_t *word;

	store_range(0, PAGES);
	mutex_lock(&as->ws_lock);
	word = pt_find(as, va_of(3), &leaf);
	word_set(leaf, word, word_get(word) | PTE_LOCK);
	pg = pte_page(word_get(pt_find(as, va_of(5), &leaf)));
	page_pin(pg);
	mutex_unlock(&as->ws_lock);
	assert_int_equal(evict(SIZE_MAX, 0), PAGES - 2);
	assert_int_equal(pte_kind(word_of(3)), PTE_VALID);
	assert_int_equal(pte_kind(word_of(5)), PTE_VALID);
	page_unpin(pg);
	mutex_lock(&as->ws_lock);
	word = pt_find(as, va_of(3), &leaf);
	word_set(leaf, word, word_get(word) & ~PTE_LOCK);
	mutex_unlock(&as->ws_lock);
	all_is_there();
}

/* Without a slot to go to, trimming a page would win nothing. */
static void
only_what_can_leave(void **state)
{
	store_range(0, PAGES);
	age();
	age();
	assert_int_equal(evict(SIZE_MAX, 1 | WS_HAS_PLACE), 0);
	assert_int_equal(as->ws.pages, PAGES);
}

/* MADV_FREE: gone if it was not written to since. */
static void
free_advice_counts(void **state)
{
	uint64_t frames, i;
	struct vm_page *leaf;
	uint64_t *word;

	store_range(0, PAGES);
	mutex_lock(&as->ws_lock);
	spin_lock(&pfn_lock);
	for (i = 0; i < 20; i++) {
		word = pt_find(as, va_of(i), &leaf);
		word_change(word, MD_PTE_D, 0);
		pte_page(word_get(word))->flags &= (uint8_t)~PF_DIRTY;
		pte_page(word_get(word))->flags |= PF_LAZYFREE;
	}
	spin_unlock(&pfn_lock);
	tlb_flush_range(as, 0, MD_USER_END >> PAGE_SHIFT);
	mutex_unlock(&as->ws_lock);
	store_range(10, 20);
	frames = page_count(PG_FREE) + page_count(PG_ZEROED);
	assert_int_equal(evict(SIZE_MAX, 0), PAGES);
	assert_int_equal(count_kind(PTE_ABSENT, 0, 10), 10);
	assert_int_equal(count_kind(PTE_TRANS, 10, PAGES), PAGES - 10);
	assert_int_equal(page_count(PG_FREE) + page_count(PG_ZEROED),
	    frames + 10);
	memset(value, 0, 10 * sizeof(*value));
	all_is_there();
	assert_int_equal(vm_check(3), 0);
}

/* A set that is full stays as large; the peak never passes the limit. */
static void
a_limit_is_kept(void **state)
{
	uint64_t before;

	store_range(0, PAGES);
	as_set_rss(as, 64 * PAGE_SIZE);
	store(0);
	evict(SIZE_MAX, 0);
	as->ws.peak = 0;
	before = ev_read(EV_ws_self_replace);
	store_range(0, 256);
	assert_int_equal(ev_read(EV_ws_self_replace) - before, 256 - 64);
	assert_int_equal(as->ws.pages, 64);
	all_is_there();
	assert_int_equal(as->ws.peak, 64);
	as_set_rss(as, UINT64_MAX);
}

static void
any_order(void **state)
{
	unsigned i;

	for (i = 0; i < 20000; i++) {
		switch (host_random(8)) {
		case 0:
			age();
			break;
		case 1:
			evict(host_random(100), (int)host_random(4));
			break;
		case 2:
			host_set_cpu((unsigned)host_random(4));
			break;
		default:
			store(host_random(PAGES));
		}
		if (i % 1000 == 0) {
			all_is_there();
			assert_int_equal(vm_check(3), 0);
		}
	}
	all_is_there();
}

static int
boot(void **state)
{
	struct map_args a = { .addr = BASE, .len = PAGES * PAGE_SIZE,
		.prot = PROT_R | PROT_W, .maxprot = PROT_R | PROT_W,
		.flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED };
	va_t va;

	host_boot(4096, "idlezero=0");
	host_seed(11);
	assert_int_equal(as_create(NULL, &as), 0);
	as_attach_user(as);
	assert_int_equal(map_mmap(as, &a, &va), 0);
	return 0;
}

static int
end(void **state)
{
	as_detach_user(as);
	as_put(as);
	return ev_read(EV_ws_insert) != ev_read(EV_ws_remove);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(use_makes_young),
		cmocka_unit_test(old_ones_go_first),
		cmocka_unit_test(the_hand_rests),
		cmocka_unit_test(used_ones_stay),
		cmocka_unit_test(locked_and_held_stay),
		cmocka_unit_test(only_what_can_leave),
		cmocka_unit_test(free_advice_counts),
		cmocka_unit_test(a_limit_is_kept),
		cmocka_unit_test(any_order),
	};

	return cmocka_run_group_tests(tests, boot, end);
}
