/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kpaged.c: paged kernel memory by its own addresses, on the real tables
 *
 * Problem   A plain access to a page that has left the kernel's working set must
 *           bring it back on any CPU, and end the kernel where waiting is not
 *           allowed.
 *
 * Picture   store ─→ trim: VALID → TRANS, flush ─→ load: page fault ─→ VALID
 *
 * Rules     trap_kpaged does what the kernel must never do (machine.c).
 */
#include "test/boot/selftest.h"
#include "vm/evidence/stat.h"
#include "vm/frame/frame.h"
#include "vm/kpaged/kpaged.h"
#include "vm/space/space.h"
#include "vm/vm.h"

#define PAGES 40
#define ROUNDS 20
#define ADDRESSES 100000

static volatile uint64_t *
at(va_t kva, unsigned page)
{
	return (volatile uint64_t *)(kva + (va_t)page * PAGE_SIZE + 8 * page);
}

static bool
is_mapped(va_t kva)
{
	return (word_get(md_kpte(kva)) & MD_PTE_P) != 0;
}

/* All out of the working set; what was used is spared once. */
static unsigned
trim_all(va_t kva)
{
	unsigned i, left = 0;

	(void)kpaged_trim();
	(void)kpaged_trim();
	for (i = 0; i < PAGES; i++)
		left += is_mapped(kva + i * PAGE_SIZE);
	return left;
}

static void
touch_after_trim(void)
{
	va_t kva = kpaged_alloc(PAGES);
	struct vm_page *pg;
	unsigned i, round;

	EXPECT_IS(kva, !=, 0);
	EXPECT_IS(kpaged_pin(kva, &pg), ==, 0);
	for (round = 0; round < ROUNDS; round++) {
		for (i = 0; i < PAGES; i++) {
			EXPECT_IS(*at(kva, i), ==, (uint64_t)round * i);
			*at(kva, i) = ((uint64_t)round + 1) * i;
		}
		/* Also the one that is pinned: a pin needs no mapping. */
		EXPECT_IS(trim_all(kva), ==, 0);
		EXPECT_IS(vm_check(2), ==, 0);
	}
	EXPECT_IS(*(uint64_t *)kpaged_ptr(pg, kva), ==, 0);
	kpaged_unpin(pg);
	EXPECT_IS(trim_all(kva), ==, 0);
	kpaged_free(kva, PAGES);
}

/* d12: addresses come from the caches of the CPU, nearly always. */
static void
addresses_are_at_hand(void)
{
	uint64_t hits = ev_read(EV_kpaged_va_cache_hits);
	unsigned i, pages;
	va_t kva;

	for (i = 0; i < ADDRESSES; i++) {
		pages = 1u << i % 4;
		kva = kpaged_alloc(pages);
		EXPECT_IS(kva, !=, 0);
		kpaged_free(kva, pages);
	}
	EXPECT_IS(ev_read(EV_kpaged_va_cache_hits) - hits, >=, ADDRESSES / 10 * 9);
}

static void
trap_kpaged(void)
{
	va_t kva = kpaged_alloc(1);

	EXPECT_IS(kva, !=, 0);
	mutex_lock(&kernel_as.ws_lock);
	*at(kva, 0) = 1;
	mutex_unlock(&kernel_as.ws_lock);
	selftest_fail(__FILE__, __LINE__, "touched under a lock, no trap");
}

const struct selftest selftests_kpaged[] = {
	{ "kpaged", touch_after_trim, "a plain access brings a trimmed page back" },
	{ "kpaged_va", addresses_are_at_hand, "kernel addresses wait per CPU" },
	{ "trap_kpaged", trap_kpaged, "none is allowed under a lock" },
	{ NULL, NULL, NULL },
};
