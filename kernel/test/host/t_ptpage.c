/* NEEDS: SHORT=1 KIND=exact */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_ptpage.c: page tables that go to a disk and come back
 *
 * Problem   A table on swap holds the only trace of pages on swap.  After any
 *           history each process must read what it has stored, and at the end
 *           no slot may be left.
 *
 * Picture   processes 0 … 3, each with blocks a table apart, and far apart
 *             host_load, host_store, fork, munmap, mremap, DONTNEED ─→ model
 *             push(): trim, write, steal, pt_evict, write, steal, in any mix
 *           vm_check(3) now and then; no frame and no slot missing at the end
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <string.h>
#include <unistd.h>

#include "test/host/disk.h"
#include "vm/design/design.h"
#include "vm/evidence/evidence.h"
#include "vm/frame/frame.h"
#include "vm/kpaged/kpaged.h"
#include "vm/object/object.h"
#include "vm/space/space.h"
#include "vm/swap/swap.h"
#include "vm/table/table.h"
#include "vm/vm.h"

#define NPROC 4
#define CELLS 96u
#define BASE 0x40000000ul
#define BLOCK (2ul << 20)
#define SLOTS 8000u
#define STEPS 1000u

static struct {
	struct aspace *as;
	uint64_t value[CELLS];
	bool mapped[CELLS];
} proc[NPROC];

static unsigned area_no, thefts;
static const char *design = "fmo";

/* Three in a block, then the next one; every eighth block a gigabyte further. */
static va_t
va_of(unsigned i)
{
	uint64_t block = i / 3;

	return BASE + block * BLOCK + (block / 8) * (1ul << 30) +
	    (i % 3) * 100 * PAGE_SIZE;
}

/* ---- swap ---- */

/* A disk of zeros. */
static void
disk_begin(void)
{
	char path[] = "/tmp/t_ptpage.XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0 && write(fd, "", 1) == 1);
	close(fd);
	host_disk_load(path);
	unlink(path);
}

static void
swap_begin(void)
{
	uint32_t field[2] = { 1, SLOTS - 1 };
	static uint8_t page[PAGE_SIZE];
	const struct swap_source src = { .dev = blk_find("hda"),
		.header = page, .bytes = SLOTS * PAGE_SIZE, .path = "/dev/hda" };

	memcpy(page + 1024, field, sizeof(field));
	memcpy(page + PAGE_SIZE - 10, "SWAPSPACE2", 10);
	assert_int_equal(swap_on(&src, &area_no), 0);
}

/* What waits is written, as mpw does. */
static void
write_all(void)
{
	bool more = true;
	pfn_t head;

	while (more) {
		spin_lock(&pfn_lock);
		head = pq_queue[Q_MODANON].head;
		more = head != 0 && pageout_page(&pfdb[head], SWAP_KEEP);
		spin_unlock(&pfn_lock);
		while (host_disk_run())
			;
	}
}

static void
trim(struct aspace *as)
{
	if (design_evicts_any(as)) {
		(void)as->design->shared->evict_any(SIZE_MAX, 0);
		return;
	}
	mutex_lock(&as->ws_lock);
	as->school->evict(as, SIZE_MAX, 0);
	mutex_unlock(&as->ws_lock);
}

static void
evict_tables(struct aspace *as, size_t n)
{
	mutex_lock(&as->ws_lock);
	(void)pt_evict(as, n);
	mutex_unlock(&as->ws_lock);
}

/* Some of it: each state of page and table is met by what comes next. */
static void
push(unsigned p)
{
	unsigned k = 1 + (unsigned)host_random(8);

	if (host_random(2) != 0)
		trim(proc[p].as);
	for (; k > 0; k--) {
		if (host_random(4) != 0)
			write_all();
		if (host_random(4) != 0)
			while (phys_reclaim())
				;
		evict_tables(proc[p].as, 1 + host_random(20));
	}
}

/* All of a space out, level by level: only the root stays. */
static void
push_all(unsigned p)
{
	unsigned level;

	trim(proc[p].as);
	for (level = 0; level <= MD_PT_LEVELS; level++) {
		write_all();
		while (phys_reclaim())
			;
		evict_tables(proc[p].as, SIZE_MAX);
	}
}

/* ---- processes ---- */

static void
map_cell(struct aspace *as, va_t va)
{
	struct map_args a = { .addr = va, .len = PAGE_SIZE,
		.prot = PROT_R | PROT_W, .maxprot = PROT_R | PROT_W | PROT_X,
		.flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | (host_random(2) ?
		MAP_NORESERVE : 0) };
	va_t got;

	assert_int_equal(map_mmap(as, &a, &got), 0);
	assert_int_equal(got, va);
}

static void
start(unsigned p)
{
	unsigned i;

	assert_int_equal(as_create(design_by_name(design), &proc[p].as), 0);
	as_attach_user(proc[p].as);
	for (i = 0; i < CELLS; i++) {
		map_cell(proc[p].as, va_of(i));
		proc[p].mapped[i] = true;
		proc[p].value[i] = 0;
	}
}

static void
end(unsigned p)
{
	as_detach_user(proc[p].as);
	as_put(proc[p].as);
	proc[p].as = NULL;
}

static void
check_all(void)
{
	while (host_disk_run())
		;
	host_check(3);
}

static void
load(unsigned p, unsigned i)
{
	uint64_t value = ~0ul;
	int r = host_load(proc[p].as, va_of(i), &value);

	assert_int_equal(r, proc[p].mapped[i] ? 0 : -EFAULT);
	if (r == 0)
		assert_int_equal(value, proc[p].value[i]);
}

static void
store(unsigned p, unsigned i)
{
	uint64_t value = host_random(1ul << 40) + 1;

	assert_int_equal(host_store(proc[p].as, va_of(i), value),
	    proc[p].mapped[i] ? 0 : -EFAULT);
	if (proc[p].mapped[i])
		proc[p].value[i] = value;
}

static void
fork_into(unsigned p)
{
	unsigned c = (unsigned)host_random(NPROC);

	if (c == p)
		return;
	if (proc[c].as != NULL)
		end(c);
	assert_int_equal(as_dup(proc[p].as, &proc[c].as), 0);
	as_attach_user(proc[c].as);
	memcpy(proc[c].value, proc[p].value, sizeof(proc[p].value));
	memcpy(proc[c].mapped, proc[p].mapped, sizeof(proc[p].mapped));
}

static void
unmap_some(unsigned p, unsigned lo, unsigned n)
{
	unsigned i;

	for (i = lo; i < MIN(lo + n, CELLS); i++) {
		assert_int_equal(map_munmap(proc[p].as, va_of(i), PAGE_SIZE), 0);
		proc[p].mapped[i] = false;
	}
	for (i = lo; i < MIN(lo + n, CELLS) && host_random(4) != 0; i++) {
		map_cell(proc[p].as, va_of(i));
		proc[p].mapped[i] = true;
		proc[p].value[i] = 0;
	}
}

static void
move_one(unsigned p, unsigned from, unsigned to)
{
	struct mremap_args a = { .old = va_of(from), .old_len = PAGE_SIZE,
		.new_len = PAGE_SIZE, .flags = 3, .new_addr = va_of(to) };
	va_t got;

	if (from == to || !proc[p].mapped[from])
		return;
	assert_int_equal(map_mremap(proc[p].as, &a, &got), 0);
	proc[p].value[to] = proc[p].value[from];
	proc[p].mapped[to] = true;
	proc[p].mapped[from] = false;
}

static void
advise(unsigned p, unsigned i)
{
	if (!proc[p].mapped[i])
		return;
	assert_int_equal(map_madvise(proc[p].as, va_of(i), PAGE_SIZE,
	    MADV_DONTNEED), 0);
	proc[p].value[i] = 0;
}

static void
one_step(unsigned p)
{
	unsigned i = (unsigned)host_random(CELLS);

	switch (host_random(12)) {
	case 0:
		fork_into(p);
		break;
	case 1:
		unmap_some(p, i, 1 + (unsigned)host_random(12));
		break;
	case 2:
		move_one(p, i, (unsigned)host_random(CELLS));
		break;
	case 3:
		advise(p, i);
		break;
	case 4:
	case 5:
	case 6:
		load(p, i);
		break;
	case 7:
	case 8:
		push(p);
		break;
	case 9:
	case 10:
	case 11:
		store(p, i);
		break;
	}
}

static void
history(uint64_t seed, unsigned steps)
{
	unsigned i, p;

	host_seed(seed);
	for (i = 0; i < steps; i++) {
		host_set_cpu((unsigned)host_random(4));
		p = (unsigned)host_random(NPROC);
		if (proc[p].as == NULL)
			start(p);
		else if (host_random(300) == 0)
			end(p);
		else
			one_step(p);
		if (i % 50 == 0)
			check_all();
	}
	for (p = 0; p < NPROC; p++) {
		for (i = 0; i < CELLS && proc[p].as != NULL; i++)
			load(p, i);
		if (proc[p].as != NULL)
			end(p);
	}
	check_all();
}

static void
histories(void **state)
{
	unsigned i, n = host_rounds(4);
	struct swap_stat st;

	history(1, STEPS / 4);
	vm_leak_begin();
	for (i = 2; i < 2 + n; i++)
		history(i, STEPS);
	if (vm_leak_end() != 0)
		fail_msg("memory is missing");
	swap_stat(&st);
	assert_int_equal(st.used, 0);
	assert_in_range(ev_read(EV_table_out), n * STEPS / 4, UINT32_MAX);
	assert_in_range(ev_read(EV_table_in), n * STEPS / 16, UINT32_MAX);
	assert_in_range(ev_read(EV_fault_table_in), n * 25, UINT32_MAX);
	assert_int_equal(ev_read(EV_table_pin), ev_read(EV_table_unpin));
}

/*
 * Records have owning words of their own (recs.h): pages go to swap by them,
 * from wherever they are mapped, and come back: one at least in so many steps.
 */
static void
records_by(const char *name, enum ev_id outs, enum ev_id ins, unsigned often)
{
	uint64_t out = ev_read(outs), in = ev_read(ins);
	uint64_t tables = ev_read(EV_table_out);
	unsigned i, n = host_rounds(3);
	struct swap_stat st;

	design = name;
	history(21, STEPS / 4);
	vm_leak_begin();
	for (i = 22; i < 22 + n; i++)
		history(i, STEPS);
	if (vm_leak_end() != 0)
		fail_msg("memory is missing");
	swap_stat(&st);
	assert_int_equal(st.used, 0);
	assert_in_range(ev_read(outs) - out, n * STEPS / often, UINT32_MAX);
	assert_in_range(ev_read(ins) - in, n * STEPS / 2 / often, UINT32_MAX);
	assert_int_equal(ev_read(EV_table_out), tables);
	design = "fmo";
}

static void
records_go_and_come(void **state)
{
	records_by("recs", EV_swap_out_fork, EV_swap_in_fork, 6);
}

static void
anons_go_and_come(void **state)
{
	records_by("uvm", EV_swap_out_uvm, EV_swap_in_uvm, 6);
}

static void
shadows_go_and_come(void **state)
{
	/* trim() is of one space here: what another maps, too, stays in memory. */
	records_by("shadow", EV_swap_out_shadow, EV_swap_in_shadow, 12);
}

/* Only the root is left. */
static void
only_the_root_stays(void **state)
{
	uint64_t tables;
	unsigned i;

	start(0);
	for (i = 0; i < CELLS; i++)
		store(0, i);
	tables = proc[0].as->table.n;
	push_all(0);
	assert_int_equal(proc[0].as->table.n, 0);
	assert_int_equal(proc[0].as->table.n_out, tables);
	check_all();
	for (i = 0; i < CELLS; i++)
		load(0, i);
	assert_in_range(ev_read(EV_table_in_depth_max), 3, 3);
	end(0);
	check_all();
}

/* Words that name the zero page go with the table, once they are not used. */
static void
the_zero_page_keeps_no_table(void **state)
{
	unsigned i;

	start(0);
	for (i = 0; i < CELLS; i++)
		load(0, i);
	assert_in_range(proc[0].as->table.n, CELLS / 3, CELLS);
	for (i = 0; i < 6; i++)
		evict_tables(proc[0].as, SIZE_MAX);
	assert_int_equal(proc[0].as->table.n, 0);
	assert_int_equal(proc[0].as->table.n_out, 0);
	for (i = 0; i < CELLS; i++)
		load(0, i);
	end(0);
}

/* Others take all that is read before its reader is back: 100 times. */
static void
steal_all(void)
{
	if (++thefts <= 100)
		while (phys_reclaim())
			;
}

/* A fault that loses what was read for it holds it then, table and data. */
static void
what_is_lost_is_held(void **state)
{
	uint64_t pinned;
	unsigned i;

	start(0);
	for (i = 0; i < CELLS; i++)
		store(0, i);
	push_all(0);
	pinned = ev_read(EV_swap_in_pinned);
	thefts = 0;
	host_on_wake(steal_all);
	load(0, 0);
	host_on_wake(NULL);
	assert_in_range(thefts, 5, 20);
	assert_in_range(ev_read(EV_swap_in_pinned) - pinned, 2, 4);
	assert_int_equal(ev_read(EV_table_pin), ev_read(EV_table_unpin));
	check_all();
	end(0);
	check_all();
}

/* Of a table that cannot be read the process dies, and nobody else. */
static void
a_lost_table_kills(void **state)
{
	uint64_t value;
	unsigned i;

	start(0);
	start(1);
	for (i = 0; i < CELLS; i++) {
		store(0, i);
		store(1, i);
	}
	push_all(0);
	host_disk_fail(0, SLOTS * 8);
	assert_int_equal(host_load(proc[0].as, va_of(0), &value), -EFAULT);
	host_disk_fail(0, 0);
	assert_int_equal(ev_read(EV_table_in_errors), 1);
	check_all();
	end(0);
	check_all();
	for (i = 0; i < CELLS; i++)
		load(1, i);
	end(1);
}

/* A single error costs a table nothing, nor the slots that its words name. */
static void
a_table_is_read_again(void **state)
{
	uint64_t again = ev_read(EV_swap_read_again);
	unsigned i;

	start(0);
	for (i = 0; i < CELLS; i++)
		store(0, i);
	push_all(0);
	host_disk_fail_next(2);
	for (i = 0; i < CELLS; i++)
		load(0, i);
	assert_int_equal(ev_read(EV_swap_read_again) - again, 2);
	end(0);
	check_all();
}

/* An object's table that cannot be read, and nobody has looked at it yet. */
static void
a_lost_table_is_checked_when_looked_at(void **state)
{
	uint64_t i, n = 20;
	struct vmo *vmo = vmo_create_anon(n << PAGE_SHIFT, 0, NULL, NULL);
	struct vm_page *pg;
	va_t kva;

	for (i = 0; i < n; i++) {
		assert_int_equal(anon_page(vmo, i, ANON_CREATE, &pg), 0);
		page_unpin_dirty(pg);
	}
	kva = MD_KPAGED_BASE + (vmo->a.words[anon_top(6).word] >> 1 << PAGE_SHIFT);
	for (i = 0; i < 3; i++) {
		write_all();
		while (phys_reclaim())
			;
		force_out_kpaged(FORCE_ENTRIES);
	}
	assert_true(kpaged_is_out(kva));
	host_disk_fail(0, SLOTS * 8);
	assert_int_equal(kpaged_pin(kva, &pg), 0);
	host_disk_fail(0, 0);
	assert_true(page_hides_loss(pg));
	host_check_object(vmo);
	kpaged_unpin(pg);
	assert_int_equal(anon_page(vmo, n - 1, ANON_FIND, &pg), -EIO);
	assert_true(vmo->a.lost);
	host_check_object(vmo);
	/* Behind the end nothing was lost. */
	assert_int_equal(vmo_resize(vmo, (n + 1) << PAGE_SHIFT), 0);
	assert_int_equal(anon_page(vmo, n, ANON_CREATE, &pg), 0);
	page_unpin_dirty(pg);
	host_check_object(vmo);
	vmo_put(vmo);
	check_all();
}

static int
boot(void **state)
{
	host_boot(4096, "idlezero=0");
	disk_begin();
	swap_begin();
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_the_root_stays),
		cmocka_unit_test(the_zero_page_keeps_no_table),
		cmocka_unit_test(histories),
		cmocka_unit_test(records_go_and_come),
		cmocka_unit_test(anons_go_and_come),
		cmocka_unit_test(shadows_go_and_come),
		cmocka_unit_test(what_is_lost_is_held),
		cmocka_unit_test(a_table_is_read_again),
		cmocka_unit_test(a_lost_table_kills),
		cmocka_unit_test(a_lost_table_is_checked_when_looked_at),
	};

	return cmocka_run_group_tests(tests, boot, NULL);
}
