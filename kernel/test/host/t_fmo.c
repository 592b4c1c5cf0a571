/* NEEDS: SHORT=1 KIND=exact */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_fmo.c: forked memory objects against arrays of bytes
 *
 * Problem   After any history of forks, writes, unmaps and exits each process
 *           must read what it would have read had every fork copied everything.
 *
 * Picture   processes 0…7, 48 pages each ─→ host_load, host_store, as_dup, …
 *                                      └──→ model[process][page]
 *           vm_check(3) every 64 operations; no frame missing at the end
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <string.h>

#include "test/host/host.h"

#define NPROC 8
#define PAGES 48ul
#define BASE 0x10000000ul

enum cell_state { HOLE, READ_WRITE, READ_ONLY, NO_ACCESS };

struct cell {
	uint64_t value;
	enum cell_state state;
};

static struct {
	struct aspace *as;
	struct cell page[PAGES];
} proc[NPROC];
static unsigned scarce; /* 1: each third frame is refused while a fault runs */
static char fmo[] = "fmo", eager[] = "eager", recs[] = "recs",
    uvm[] = "uvm", shadow[] = "shadow";
static char *designs[2] = { fmo, fmo }; /* of new processes, by chance */

static void
map_range_of(struct aspace *as, uint64_t lo, uint64_t n)
{
	struct map_args a = { .addr = BASE + lo * PAGE_SIZE,
		.len = n * PAGE_SIZE, .prot = PROT_R | PROT_W,
		.maxprot = PROT_R | PROT_W | PROT_X,
		.flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED };
	va_t va;

	assert_int_equal(map_mmap(as, &a, &va), 0);
	assert_int_equal(va, a.addr);
}

static void
start(unsigned p)
{
	uint64_t i;

	assert_int_equal(as_create(design_by_name(designs[host_random(2)]),
	    &proc[p].as), 0);
	as_attach_user(proc[p].as);
	map_range_of(proc[p].as, 0, PAGES);
	for (i = 0; i < PAGES; i++)
		proc[p].page[i] = (struct cell){ 0, READ_WRITE };
}

static void
end(unsigned p)
{
	as_detach_user(proc[p].as);
	as_put(proc[p].as);
	proc[p].as = NULL;
}

static void
load(unsigned p, uint64_t i)
{
	struct cell *c = &proc[p].page[i];
	uint64_t value = ~0ul;
	int r;

	host_inject(FI_FRAME, scarce, 3);
	r = host_load(proc[p].as, BASE + i * PAGE_SIZE, &value);
	host_inject(FI_FRAME, 0, 0);
	if (c->state == HOLE || c->state == NO_ACCESS) {
		assert_int_equal(r, -EFAULT);
		return;
	}
	assert_int_equal(r, 0);
	assert_int_equal(value, c->value);
}

static void
store(unsigned p, uint64_t i)
{
	struct cell *c = &proc[p].page[i];
	uint64_t value = host_random(1ul << 40) + 1;
	int r;

	host_inject(FI_FRAME, scarce, 3);
	r = host_store(proc[p].as, BASE + i * PAGE_SIZE, value);
	host_inject(FI_FRAME, 0, 0);
	assert_int_equal(r, c->state == READ_WRITE ? 0 : -EFAULT);
	if (r == 0)
		c->value = value;
}

static void
fork_into(unsigned p)
{
	unsigned child = (unsigned)host_random(NPROC);

	if (child == p)
		return;
	if (proc[child].as != NULL)
		end(child);
	assert_int_equal(as_dup(proc[p].as, &proc[child].as), 0);
	as_attach_user(proc[child].as);
	memcpy(proc[child].page, proc[p].page, sizeof(proc[p].page));
}

static void
unmap_some(unsigned p, uint64_t lo, uint64_t hi)
{
	assert_int_equal(map_munmap(proc[p].as, BASE + lo * PAGE_SIZE,
	    (hi - lo) * PAGE_SIZE), 0);
	for (; lo < hi; lo++)
		proc[p].page[lo] = (struct cell){ 0, HOLE };
}

static void
map_some(unsigned p, uint64_t lo, uint64_t hi)
{
	map_range_of(proc[p].as, lo, hi - lo);
	for (; lo < hi; lo++)
		proc[p].page[lo] = (struct cell){ 0, READ_WRITE };
}

static void
protect_some(unsigned p, uint64_t lo, uint64_t hi)
{
	static const struct {
		unsigned prot;
		enum cell_state state;
	} kind[] = { { PROT_R | PROT_W, READ_WRITE }, { PROT_R, READ_ONLY },
		{ 0, NO_ACCESS } };
	unsigned k = (unsigned)host_random(3);
	int r = map_mprotect(proc[p].as, BASE + lo * PAGE_SIZE,
	    (hi - lo) * PAGE_SIZE, kind[k].prot);

	for (; lo < hi && proc[p].page[lo].state != HOLE; lo++)
		proc[p].page[lo].state = kind[k].state;
	assert_int_equal(r, lo < hi ? -ENOMEM : 0);
}

static void
discard_some(unsigned p, uint64_t lo, uint64_t hi)
{
	int r = map_madvise(proc[p].as, BASE + lo * PAGE_SIZE,
	    (hi - lo) * PAGE_SIZE, 4 /* MADV_DONTNEED */);
	bool hole = false;

	for (; lo < hi; lo++) {
		hole |= proc[p].page[lo].state == HOLE;
		proc[p].page[lo].value = 0;
	}
	assert_int_equal(r, hole ? -ENOMEM : 0);
}

static void
one_step(unsigned p)
{
	uint64_t lo = host_random(PAGES);
	uint64_t hi = lo + 1 + host_random(MIN(PAGES - lo, 9));

	switch (host_random(16)) {
	default:
		load(p, lo);
		break;
	case 5:
	case 6:
	case 7:
	case 8:
	case 9:
	case 10:
		store(p, lo);
		break;
	case 11:
		fork_into(p);
		break;
	case 12:
		unmap_some(p, lo, hi);
		break;
	case 13:
		map_some(p, lo, hi);
		break;
	case 14:
		protect_some(p, lo, hi);
		break;
	case 15:
		discard_some(p, lo, hi);
		break;
	}
}

static void
histories(uint64_t seed, unsigned steps)
{
	unsigned i, p;

	host_seed(seed);
	start(0);
	for (i = 0; i < steps; i++) {
		host_set_cpu((unsigned)host_random(4));
		p = (unsigned)host_random(NPROC);
		if (proc[p].as == NULL) {
			if (host_random(8) == 0)
				start(p);
			continue;
		}
		if (host_random(200) == 0)
			end(p);
		else
			one_step(p);
		if (i % 64 == 0)
			host_check(3);
	}
	for (p = 0; p < NPROC; p++) {
		if (proc[p].as != NULL)
			end(p);
	}
	host_check(3);
	assert_int_equal(ev_read(EV_fmo_live), 0);
	assert_int_equal(ev_read(EV_fmo_entries_live), 0);
	assert_int_equal(ev_read(EV_fmo_refs_live), 0);
}

static void
random_histories(void **state)
{
	unsigned i;

	histories(1, 2000);
	vm_leak_begin();
	for (i = 2; i < 2 + host_rounds(10); i++)
		histories(i, 6000);
	if (vm_leak_end() != 0)
		fail_msg("memory is missing");
}

/* The same where each fork copies, and where half of the families copy. */
static void
designs_agree(void **state)
{
	uint64_t copies = ev_read(EV_eager_copies), entries;
	unsigned i;

	designs[0] = designs[1] = eager;
	entries = ev_read(EV_fork_entries);
	histories(40, 2000);
	vm_leak_begin();
	for (i = 41; i < 41 + host_rounds(5); i++)
		histories(i, 4000);
	assert_int_equal(ev_read(EV_fork_entries), entries);
	assert_true(ev_read(EV_eager_copies) > copies);
	designs[0] = fmo;
	for (i = 46; i < 46 + host_rounds(5); i++)
		histories(i, 4000);
	assert_true(ev_read(EV_fork_entries) > entries);
	scarce = 1;
	histories(51, 4000);
	scarce = 0;
	designs[1] = fmo;
	if (vm_leak_end() != 0)
		fail_msg("memory is missing");
}

/* The same by a design of the other kind (uvm, recs.h), and beside fmo. */
static void
records_agree(void **state)
{
	unsigned i;

	designs[0] = designs[1] = *state;
	histories(60, 2000);
	vm_leak_begin();
	for (i = 61; i < 61 + host_rounds(5); i++)
		histories(i, 4000);
	designs[0] = fmo;
	for (i = 66; i < 66 + host_rounds(3); i++)
		histories(i, 4000);
	designs[0] = *state;
	scarce = 1;
	histories(69, 4000);
	scarce = 0;
	designs[0] = designs[1] = fmo;
	if (vm_leak_end() != 0)
		fail_msg("memory is missing");
}

/* A fork that copies: each page is there, and none of it is common. */
static void
eager_fork_copies(void **state)
{
	uint64_t copies = ev_read(EV_page_copy);
	struct aspace *c;

	designs[0] = designs[1] = eager;
	start(0);
	store(0, 3);
	store(0, 7);
	load(0, 9); /* the zero page: nothing to copy */
	assert_int_equal(as_dup(proc[0].as, &c), 0);
	as_attach_user(c);
	assert_int_equal(ev_read(EV_page_copy), copies + 2);
	assert_int_equal(proc[0].as->words.priv, 2);
	assert_int_equal(c->words.priv, 2);
	assert_int_equal(c->words.fork, 0);
	assert_int_equal(host_store(c, BASE + 3 * PAGE_SIZE, 77), 0);
	assert_int_equal(ev_read(EV_page_copy), copies + 2);
	load(0, 3);
	as_detach_user(c);
	as_put(c);
	load(0, 7);
	end(0);
	designs[0] = designs[1] = fmo;
	host_check(3);
}

/* One page, step by step (book: entries), as far as it needs no swap. */
static void
life_of_a_page(void **state)
{
	uint64_t entries = ev_read(EV_fork_entries), copies, steals;
	struct aspace *c;

	start(0);
	store(0, 3);
	copies = ev_read(EV_page_copy);
	steals = ev_read(EV_fmo_steal);
	assert_int_equal(as_dup(proc[0].as, &c), 0);
	as_attach_user(c);
	assert_int_equal(ev_read(EV_fork_entries), entries + 1);
	assert_int_equal(ev_read(EV_page_copy), copies);
	assert_int_equal(proc[0].as->words.fork, 1);
	assert_int_equal(proc[0].as->words.priv, 0);
	assert_int_equal(host_store(c, BASE + 3 * PAGE_SIZE, 77), 0);
	assert_int_equal(ev_read(EV_page_copy), copies + 1);
	store(0, 3);
	assert_int_equal(ev_read(EV_page_copy), copies + 1);
	assert_int_equal(ev_read(EV_fmo_steal), steals + 1);
	assert_int_equal(ev_read(EV_fmo_live), 0);
	as_detach_user(c);
	as_put(c);
	load(0, 3);
	end(0);
	host_check(3);
}

/* Who is left alone with an entry takes its page back when it likes: no leak. */
static void
last_owner_is_no_leak(void **state)
{
	struct aspace *c;

	start(0);
	store(0, 3);
	assert_int_equal(as_dup(proc[0].as, &c), 0);
	as_attach_user(c);
	as_detach_user(c);
	as_put(c);
	vm_leak_begin();
	assert_int_equal(ev_read(EV_fmo_entries_live), 1);
	store(0, 3);
	assert_int_equal(ev_read(EV_fmo_entries_live), 0);
	if (vm_leak_end() != 0)
		fail_msg("a page that was taken back is called a leak");
	end(0);
}

/* A second fork without writes between raises counts, makes no entries. */
static void
second_fork_rerefs(void **state)
{
	uint64_t entries, rerefs, i;
	struct aspace *c, *d;

	start(0);
	for (i = 0; i < PAGES; i++)
		store(0, i);
	assert_int_equal(as_dup(proc[0].as, &c), 0);
	as_attach_user(c);
	entries = ev_read(EV_fork_entries);
	rerefs = ev_read(EV_fork_rerefs);
	assert_int_equal(as_dup(proc[0].as, &d), 0);
	as_attach_user(d);
	assert_int_equal(ev_read(EV_fork_entries), entries);
	assert_int_equal(ev_read(EV_fork_rerefs), rerefs + PAGES);
	assert_int_equal(ev_read(EV_fmo_live), 1);
	as_detach_user(c);
	as_put(c);
	as_detach_user(d);
	as_put(d);
	for (i = 0; i < PAGES; i++)
		load(0, i);
	end(0);
	assert_int_equal(ev_read(EV_fmo_live), 0);
}

/* Each allocation of a fork fails in turn: the parent is as it was. */
static void
fork_fails_whole(void **state)
{
	enum inject_point points[] = { FI_SLAB, FI_FRAME, FI_KPAGED, FI_COMMIT };
	struct aspace *c;
	unsigned n, k;
	int r = -1;

	designs[0] = designs[1] = *state;
	start(0);
	designs[0] = designs[1] = fmo;
	store(0, 1);
	store(0, 40);
	for (k = 0; k < ARRAY_LEN(points); k++) {
		for (n = 1; n < 40; n++) {
			host_inject(points[k], n, 0);
			r = as_dup(proc[0].as, &c);
			host_inject(points[k], 0, 0);
			if (r == 0) {
				as_attach_user(c);
				as_detach_user(c);
				as_put(c);
			}
			host_check(3);
			load(0, 1);
			load(0, 40);
		}
		assert_int_equal(r, 0);
	}
	end(0);
}

/* An entry page that is never at hand at first: the pinning fault. */
static void
entries_by_pinning_fault(void **state)
{
	uint64_t misses = ev_read(EV_kpaged_trypin_fail);

	host_inject(FI_TRYPIN, 1, 2);
	histories(30, 4000);
	host_inject(FI_TRYPIN, 0, 0);
	assert_true(ev_read(EV_kpaged_trypin_fail) > misses);
}

/* No frame at first, every third time: a charged fault waits, never fails. */
static void
faults_wait_for_frames(void **state)
{
	uint64_t waited = ev_read(EV_fault_waited);

	scarce = 1;
	histories(31, 4000);
	scarce = 0;
	assert_true(ev_read(EV_fault_waited) > waited);
}

/* How many flushes it takes to unmap two full leaf tables. */
static uint64_t
flushes_of_munmap(unsigned no_frames)
{
	uint64_t i, n = 2 * MD_PT_WORDS, flushes;

	start(0);
	map_range_of(proc[0].as, 0, n);
	for (i = 0; i < n; i++)
		assert_int_equal(host_store(proc[0].as, BASE + i * PAGE_SIZE,
		    i), 0);
	flushes = ev_read(EV_tlb_flush);
	host_inject(FI_FRAME, no_frames, no_frames);
	assert_int_equal(map_munmap(proc[0].as, BASE, n * PAGE_SIZE), 0);
	host_inject(FI_FRAME, 0, 0);
	flushes = ev_read(EV_tlb_flush) - flushes;
	end(0);
	host_check(3);
	return flushes;
}

/* One for a leaf table; where there is no frame for its words, one for 64. */
static void
flushes_by_the_table(void **state)
{
	assert_int_equal(flushes_of_munmap(0), 2);
	assert_int_equal(flushes_of_munmap(1), 2 * MD_PT_WORDS / BATCH_FEW);
}

static int
boot(void **state)
{
	host_boot(8192, "idlezero=0 norandom=1 around=8");
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(life_of_a_page),
		cmocka_unit_test(last_owner_is_no_leak),
		cmocka_unit_test(second_fork_rerefs),
		cmocka_unit_test(random_histories),
		cmocka_unit_test(designs_agree),
		{ "recs_agree", records_agree, NULL, NULL, recs },
		{ "uvm_agrees", records_agree, NULL, NULL, uvm },
		{ "shadow_agrees", records_agree, NULL, NULL, shadow },
		cmocka_unit_test(eager_fork_copies),
		cmocka_unit_test_prestate(fork_fails_whole, fmo),
		{ "eager_fork_fails_whole", fork_fails_whole, NULL, NULL, eager },
		{ "recs_fork_fails_whole", fork_fails_whole, NULL, NULL, recs },
		{ "uvm_fork_fails_whole", fork_fails_whole, NULL, NULL, uvm },
		{ "shadow_fork_fails_whole", fork_fails_whole, NULL, NULL, shadow },
		cmocka_unit_test(entries_by_pinning_fault),
		cmocka_unit_test(faults_wait_for_frames),
		cmocka_unit_test(flushes_by_the_table),
	};

	return cmocka_run_group_tests(tests, boot, NULL);
}
