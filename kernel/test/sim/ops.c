/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ops.c: what a script can say
 *
 * Rules     1. An operation that fails though it may not ends the run with
 *              its text.
 *           2. w P.W V and r P.W V are accesses of the thread's CPU; f and fw
 *              say that they must fault.  A flag that another thread has set
 *              makes "may" into "must": what comes later in time must see it.
 *
 * Read next script.c, pairs.txt.
 */
#include <stdlib.h>
#include <string.h>

#include "test/sim/ops.h"

#define NPROC 6
#define BASE SIM_USER_BASE
#define NPINS 4
#define NREGS 8

struct op {
	const char *name;
	void (*run)(const struct step *);
	unsigned nargs;
};

static struct {
	struct aspace *as[NPROC];
	unsigned proc;               /* the driver's */
	unsigned of[SIM_FIBERS];     /* a thread's */
	struct vmo *vmo;
	bool is_file, is_swap_off;
	bool flag[NREGS];
	uint64_t reg[NREGS];
	struct vm_page *pin[NPINS];
} world;

static void NORETURN
wrong(const struct step *s, const char *what, uint64_t value)
{
	sim_fail("\"%s\": %s %lu", s->text, what, value);
}

static unsigned *
proc_no(void)
{
	return sim_fiber() == NULL ? &world.proc : &world.of[sim.current];
}

static struct aspace *
me(void)
{
	return world.as[*proc_no()];
}

static va_t
va_of(const struct step *s)
{
	return BASE + s->arg[0] * PAGE_SIZE + s->sub * 8;
}

/* Is value one of "1|2|3"? */
static bool
is_one_of(const char *list, uint64_t value)
{
	char *end;

	for (;;) {
		if (strtoull(list, &end, 0) == value)
			return true;
		if (*end != '|')
			return false;
		list = end + 1;
	}
}

static void
expect(const struct step *s, int64_t r, int64_t want)
{
	if (s->error != 0 && want == 0)
		want = s->error;
	if (r != want)
		wrong(s, "returned", (uint64_t)(r < 0 ? -r : r));
}

/* ---- accesses ---- */

static void
op_r(const struct step *s)
{
	uint64_t value = 0;

	expect(s, sim_load(me(), va_of(s), &value), 0);
	if (!is_one_of(s->word[1], value))
		wrong(s, "read", value);
}

static void
op_r_may(const struct step *s)
{
	uint64_t value = 0;
	int r = sim_load(me(), va_of(s), &value);

	if (r == 0 && !is_one_of(s->word[1], value))
		wrong(s, "read", value);
}

/* fill P N … has P N: word 0 of each page holds its number. */
static void
op_fill(const struct step *s)
{
	uint64_t i;

	for (i = s->arg[0]; i < s->arg[0] + s->arg[1]; i++)
		expect(s, sim_store(me(), BASE + i * PAGE_SIZE, i), 0);
}

static void
op_has(const struct step *s)
{
	uint64_t i, value = 0;

	for (i = s->arg[0]; i < s->arg[0] + s->arg[1]; i++) {
		expect(s, sim_load(me(), BASE + i * PAGE_SIZE, &value), 0);
		if (value != i)
			wrong(s, "read", value);
	}
}

/* see P.W V K: reads V if flag K was set before. */
static void
op_see(const struct step *s)
{
	bool must = world.flag[s->arg[2]];
	uint64_t value = 0;

	expect(s, sim_load(me(), va_of(s), &value), 0);
	if (must && !is_one_of(s->word[1], value))
		wrong(s, "read", value);
}

static void
op_w(const struct step *s)
{
	expect(s, sim_store(me(), va_of(s), s->arg[1]), 0);
}

static void
op_w_may(const struct step *s)
{
	int r = sim_store(me(), va_of(s), s->arg[1]);

	if (r != -EFAULT)
		expect(s, r, 0);
}

/* f P.W: faults; f P.W K: faults if flag K was set before. */
static bool
must_fault(const struct step *s)
{
	return s->n < 2 || world.flag[s->arg[1]];
}

static void
op_f(const struct step *s)
{
	bool must = must_fault(s);
	uint64_t value;
	int r = sim_load(me(), va_of(s), &value);

	if (r == 0 && must)
		wrong(s, "no fault, read", value);
}

static void
op_fw(const struct step *s)
{
	bool must = must_fault(s);
	int r = sim_store(me(), va_of(s), 7777);

	if (r == 0 && must)
		wrong(s, "no fault", 0);
}

/* save P.W K … same P.W K: the value has not changed. */
static void
op_save(const struct step *s)
{
	expect(s, sim_load(me(), va_of(s), &world.reg[s->arg[1]]), 0);
}

static void
op_same(const struct step *s)
{
	uint64_t value;

	expect(s, sim_load(me(), va_of(s), &value), 0);
	if (value != world.reg[s->arg[1]])
		wrong(s, "has changed to", value);
}

/* ---- mappings ---- */

static void
map(const struct step *s, struct vmo *vmo, unsigned flags)
{
	struct map_args a = { .addr = va_of(s), .len = s->arg[1] * PAGE_SIZE,
		.prot = PROT_R | PROT_W, .maxprot = PROT_R | PROT_W | PROT_X,
		.flags = flags | MAP_FIXED, .vmo = vmo };
	va_t va;

	expect(s, map_mmap(me(), &a, &va), 0);
}

static void
op_map(const struct step *s)
{
	map(s, NULL, MAP_PRIVATE | MAP_ANONYMOUS);
}

/* mmap P N PROT FLAGS: as they are, at P if FIXED. */
static void
op_mmap(const struct step *s)
{
	struct map_args a = { .addr = va_of(s), .len = s->arg[1] * PAGE_SIZE,
		.prot = (unsigned)s->arg[2], .maxprot = PROT_R | PROT_W | PROT_X,
		.flags = (unsigned)s->arg[3] };
	va_t va;

	expect(s, map_mmap(me(), &a, &va), 0);
}

/* mremap P N M Q FLAGS */
static void
op_mremap(const struct step *s)
{
	struct mremap_args a = { .old = va_of(s),
		.old_len = s->arg[1] * PAGE_SIZE,
		.new_len = s->arg[2] * PAGE_SIZE,
		.new_addr = BASE + s->arg[3] * PAGE_SIZE,
		.flags = (unsigned)s->arg[4] };
	va_t va;

	expect(s, map_mremap(me(), &a, &va), 0);
}

static void
op_share(const struct step *s)
{
	map(s, world.vmo, MAP_SHARED);
}

static void
op_private(const struct step *s)
{
	map(s, world.vmo, MAP_PRIVATE);
}

static void
op_unmap(const struct step *s)
{
	expect(s, map_munmap(me(), va_of(s), s->arg[1] * PAGE_SIZE), 0);
}

static void
op_prot(const struct step *s)
{
	unsigned prot = 0;
	const char *p;

	for (p = s->word[2]; *p != '\0'; p++)
		prot |= *p == 'r' ? PROT_R : *p == 'w' ? PROT_W : 0;
	expect(s, map_mprotect(me(), va_of(s), s->arg[1] * PAGE_SIZE, prot), 0);
}

/* advise P N HOW: Linux's numbers. */
static void
op_advise(const struct step *s)
{
	expect(s, map_madvise(me(), va_of(s), s->arg[1] * PAGE_SIZE,
	    (int)s->arg[2]), 0);
}

/* move P N Q */
static void
op_move(const struct step *s)
{
	struct mremap_args a = { .old = va_of(s),
		.old_len = s->arg[1] * PAGE_SIZE,
		.new_len = s->arg[1] * PAGE_SIZE, .flags = 1 | 2,
		.new_addr = BASE + s->arg[2] * PAGE_SIZE };
	va_t va;

	expect(s, map_mremap(me(), &a, &va), 0);
}

static void
op_lock(const struct step *s)
{
	expect(s, map_mlock(me(), va_of(s), s->arg[1] * PAGE_SIZE, MLOCK_NOW,
	    MLOCK_ANY), 0);
}

static void
op_unlock(const struct step *s)
{
	expect(s, map_munlock(me(), va_of(s), s->arg[1] * PAGE_SIZE), 0);
}

static void
op_lock_all(const struct step *s)
{
	expect(s, map_mlockall(me(), MCL_CURRENT | MCL_FUTURE, MLOCK_ANY), 0);
}

static void
op_unlock_all(const struct step *s)
{
	map_munlockall(me());
}

/* remap P N M: to M pages, wherever there is room (and it stays there). */
static void
op_remap(const struct step *s)
{
	struct mremap_args a = { .old = va_of(s),
		.old_len = s->arg[1] * PAGE_SIZE,
		.new_len = s->arg[2] * PAGE_SIZE, .flags = 1 };
	va_t va;

	expect(s, map_mremap(me(), &a, &va), 0);
}

static void
op_msync(const struct step *s)
{
	expect(s, map_msync(me(), va_of(s), s->arg[1] * PAGE_SIZE, 4), 0);
}

static void
op_core(const struct step *s)
{
	uint8_t vec[64];

	ASSERT(s->arg[1] <= sizeof(vec));
	expect(s, map_mincore(me(), va_of(s), s->arg[1] * PAGE_SIZE, vec), 0);
}

/* stack P N: N pages that end before page P, and grow downwards. */
static void
op_stack(const struct step *s)
{
	expect(s, map_stack(me(), va_of(s), s->arg[1] * PAGE_SIZE,
	    PROT_R | PROT_W), 0);
}

static void
op_brk(const struct step *s)
{
	static const struct map_limits none = { UINT64_MAX, UINT64_MAX,
		UINT64_MAX, UINT64_MAX };

	if (s->n > 1)
		map_set_brk(me(), va_of(s));
	else
		(void)map_brk(me(), va_of(s), &none);
}

/* ---- processes ---- */

static void
proc_new(unsigned p)
{
	if (as_create(NULL, &world.as[p]) != 0)
		sim_fail("as_create");
	as_attach_user(world.as[p]);
}

static void
op_new(const struct step *s)
{
	proc_new((unsigned)s->arg[0]);
}

static void
op_fork(const struct step *s)
{
	struct aspace *child = NULL;
	int r = as_dup(me(), &child);

	if (r == -EINTR && sim_fiber() != NULL && sim_fiber()->killed)
		return;
	expect(s, r, 0);
	as_attach_user(child);
	world.as[s->arg[0]] = child;
}

static void
leave_space(void)
{
	struct fiber *f = sim_fiber();

	if (f == NULL)
		return;
	sim_switch_out(f);
	f->t.space = NULL;
	f->is_lazy = false;
}

static void
op_exit(const struct step *s)
{
	struct aspace *as = me();

	world.as[*proc_no()] = NULL;
	leave_space();
	as_detach_user(as);
	as_put(as);
}

/* The thread's CPU goes on with another process. */
static void
op_go(const struct step *s)
{
	struct fiber *f = sim_fiber();

	*proc_no() = (unsigned)s->arg[0];
	if (f == NULL)
		return;
	f->t.space = as_space(me());
	sim_switch_in(f);
	sim_point(AT_SLEEP);
}

/* It sleeps, and runs on. */
static void
op_idle(const struct step *s)
{
	struct fiber *f = sim_fiber();

	sim_switch_out(f);
	sim_point(AT_SLEEP);
	sim_switch_in(f);
}

static void
op_kill(const struct step *s)
{
	unsigned i;

	for (i = 0; i < sim.nfibers; i++)
		if (strcmp(sim.fiber[i].t.name, s->word[0]) == 0)
			sim.fiber[i].killed = true;
}

/* ---- between threads ---- */

static void
op_set(const struct step *s)
{
	world.flag[s->arg[0]] = true;
}

static void
op_await(const struct step *s)
{
	sim_block(OP_FLAG, &world.flag[s->arg[0]]);
}

/* ---- paging ---- */

static void
op_trim(const struct step *s)
{
	struct aspace *as = me();

	mutex_lock(&as->ws_lock);
	if (as->md.root_pa != 0)
		as->ops->evict(as, SIZE_MAX, 0);
	mutex_unlock(&as->ws_lock);
}

static void
op_age(const struct step *s)
{
	struct aspace *as = me();

	mutex_lock(&as->ws_lock);
	if (as->md.root_pa != 0)
		ws_age(as);
	mutex_unlock(&as->ws_lock);
}

/* One cluster of the modified queue goes to swap. */
static void
op_write(const struct step *s)
{
	pfn_t head;

	spin_lock(&pfn_lock);
	head = pq_queue(PG_MODIFIED, false)->head;
	if (head != 0)
		(void)pageout_page(&pfdb[head]);
	spin_unlock(&pfn_lock);
}

static void
op_steal(const struct step *s)
{
	(void)phys_steal();
}

/* All that can be written is: the driver's. */
static void
op_clean(const struct step *s)
{
	unsigned i;

	op_trim(s);
	for (i = 0; i < 64 && pq_queue(PG_MODIFIED, false)->n > 0; i++) {
		op_write(s);
		while (sim_disk_run())
			;
	}
}

/* And its frames go. */
static void
op_out(const struct step *s)
{
	op_clean(s);
	while (phys_steal())
		;
}

/* Idle tables leave; tout: all that the space has, out of memory. */
static void
op_table_evict(const struct step *s)
{
	struct aspace *as = me();

	mutex_lock(&as->ws_lock);
	if (as->md.root_pa != 0)
		(void)pt_evict(as, SIZE_MAX);
	mutex_unlock(&as->ws_lock);
}

static void
op_table_out(const struct step *s)
{
	unsigned level;

	for (level = 1; level < MD_PT_LEVELS; level++) {
		op_out(s);
		op_table_evict(s);
	}
	op_out(s);
	if (me()->n_table_out == 0)
		wrong(s, "tables out", 0);
}

/*
 * Kernel paged memory leaves its working set; kout: and memory; vout: VADs, too,
 * which stay once when they were used.
 */
static void
op_kernel_trim(const struct step *s)
{
	(void)kpaged_trim(SIZE_MAX, 0);
}

static void
op_kernel_out(const struct step *s)
{
	op_out(s);
	op_kernel_trim(s);
	op_out(s);
	if (ev_read(EV_kpaged_pages_out) == 0)
		wrong(s, "kernel pages out", 0);
}

static void
op_vads_out(const struct step *s)
{
	op_kernel_trim(s);
	op_kernel_out(s);
	if (!kpaged_is_out((va_t)me()->vads.node))
		wrong(s, "VADs out", 0);
}

static void
op_swapoff(const struct step *s)
{
	int r = swap_off(0);

	if (r != -ENOMEM && r != -EINTR)
		expect(s, r, 0);
	world.is_swap_off |= r == 0;
}

/* ---- another's memory, and what /proc shows ---- */

static void
op_peek(const struct step *s)
{
	struct aspace *as = world.as[s->arg[2]];
	uint64_t value = 0;
	ssize_t r;

	if (as == NULL)
		return;
	as_get(as);
	r = as_read(as, va_of(s), &value, 8);
	as_put(as);
	if (r != -EFAULT && (r != 8 || !is_one_of(s->word[1], value)))
		wrong(s, "read", value);
}

static void
op_poke(const struct step *s)
{
	struct aspace *as = world.as[s->arg[2]];
	ssize_t r;

	if (as == NULL)
		return;
	as_get(as);
	r = as_write(as, va_of(s), &s->arg[1], 8);
	as_put(as);
	if (r != -EFAULT)
		expect(s, r, 8);
}

/* in P.W V, copyout P.W V, text P.W: the current thread's own, by address. */
static void
op_in(const struct step *s)
{
	uint64_t value = 0;

	expect(s, copyin(&value, va_of(s), 8), 0);
	if (s->error == 0 && !is_one_of(s->word[1], value))
		wrong(s, "read", value);
}

static void
op_outto(const struct step *s)
{
	expect(s, copyout(va_of(s), &s->arg[1], 8), 0);
}

static void
op_text(const struct step *s)
{
	char text[64];
	ssize_t r = copyin_str(text, va_of(s), sizeof(text));

	expect(s, r < 0 ? r : 0, 0);
}

static void
op_futex(const struct step *s)
{
	struct vm_word_pin p;
	int r = vm_word_pin(me(), va_of(s), true, false, &p);

	if (r == 0)
		vm_word_unpin(&p, true);
}

static void
op_stat(const struct step *s)
{
	static void (*const of_system[])(struct out *) = { stat_pages,
		stat_queues, stat_commit, stat_fmo, stat_swaps, stat_swap,
		stat_vmos, stat_slabs, stat_frames, stat_check };
	static void (*const of_space[])(struct aspace *, struct out *) = {
		stat_maps, stat_smaps, stat_vadtree, stat_vmstat, stat_ws,
		stat_fmo_of };
	struct vm_as_stat as_stat;
	struct vm_mem_info info;
	struct out_buf out;
	uint64_t words[16];
	char text[4096];
	unsigned i;

	out_buf_init(&out, text, sizeof(text));
	for (i = 0; i < ARRAY_LEN(of_system); i++)
		of_system[i](&out.out);
	for (i = 0; i < ARRAY_LEN(of_space); i++)
		of_space[i](me(), &out.out);
	stat_pagemap(me(), BASE >> PAGE_SHIFT, words, 16, PAGEMAP_PFN);
	vm_as_stat(me(), &as_stat);
	vm_mem_info(&info);
}

/* ---- pins: pin P HOW K, and what goes through it ---- */

static void
op_pin(const struct step *s)
{
	bool write = s->word[1][0] == 'w';
	int r = vm_pin_user(me(), va_of(s), 8, write, &world.pin[s->arg[2]], 1);

	if (r == -EFAULT)
		world.pin[s->arg[2]] = NULL;
	else
		expect(s, r, 1);
}

static uint64_t *
pinned(uint64_t k)
{
	return pa2va(page_pa(world.pin[k]));
}

static void
op_pin_w(const struct step *s)
{
	sim_point(AT_USER);
	if (world.pin[s->arg[0]] != NULL)
		pinned(s->arg[0])[s->sub] = s->arg[1];
}

static void
op_pin_r(const struct step *s)
{
	sim_point(AT_USER);
	if (world.pin[s->arg[0]] != NULL &&
	    !is_one_of(s->word[1], pinned(s->arg[0])[s->sub]))
		wrong(s, "read", pinned(s->arg[0])[s->sub]);
}

static void
op_unpin(const struct step *s)
{
	if (world.pin[s->arg[0]] != NULL)
		vm_unpin_user(&world.pin[s->arg[0]], 1, s->word[1][0] == 'w');
	world.pin[s->arg[0]] = NULL;
}

/* ---- objects ---- */

static void
op_file(const struct step *s)
{
	world.vmo = sim_file(s->arg[0]);
	world.is_file = true;
}

static void
op_object(const struct step *s)
{
	world.vmo = vmo_create_anon(s->arg[0] * PAGE_SIZE, NULL, NULL);
	ASSERT(world.vmo != NULL);
}

static void
op_size(const struct step *s)
{
	expect(s, vmo_resize(world.vmo, s->arg[0] * PAGE_SIZE), 0);
	if (world.is_file)
		sim_file_cut(s->arg[0]);
}

static void
op_punch(const struct step *s)
{
	expect(s, vmo_punch(world.vmo, s->arg[0] * PAGE_SIZE,
	    s->arg[1] * PAGE_SIZE), 0);
}

static void
op_read(const struct step *s)
{
	uint64_t value = 0;
	struct uio u;
	ssize_t r;

	uio_init_kernel(&u, &value, sizeof(value));
	r = vmo_read(world.vmo, s->arg[0] * PAGE_SIZE + s->sub * 8, &u);
	if (r != 0 && (r != 8 || !is_one_of(s->word[1], value)))
		wrong(s, "read", value);
}

static void
op_put(const struct step *s)
{
	uint64_t value = s->arg[1];
	struct uio u;
	ssize_t r;

	uio_init_kernel(&u, &value, sizeof(value));
	r = vmo_write(world.vmo, s->arg[0] * PAGE_SIZE + s->sub * 8, &u);
	if (r != 0)
		expect(s, r, 8);
}

static void
op_sync(const struct step *s)
{
	expect(s, vmo_sync(world.vmo, 0, UINT64_MAX), 0);
}

static void
op_drop(const struct step *s)
{
	vmo_drop_clean(world.vmo);
}

static void
op_ahead(const struct step *s)
{
	struct vm_page *pg = NULL;

	if (cache_readahead(world.vmo, s->arg[0], (unsigned)s->arg[1],
	    &pg) == 0 && pg != NULL)
		page_unpin(pg, false);
}

/* ---- the machine ---- */

static void
op_at(const struct step *s)
{
	*proc_no() = (unsigned)s->arg[0];
}

static void
op_hot(const struct step *s)
{
	sim_hot(me(), va_of(s));
}

static void
op_check(const struct step *s)
{
	if (vm_check(1) != 0)
		wrong(s, "findings", 1);
}

/* inject POINT FIRST EVERY, the point as a number of enum inject_point. */
static void
op_inject(const struct step *s)
{
	static const char *const names[] = { "FRAME", "WAIT", "SLAB", "KPAGED",
		"COMMIT", "SLOT", "SWAPIN", "SWAPOUT", "FILEIN", "FILEOUT",
		"IO_DELAY", "TRYPIN", "TRYLOCK", "RESTART", "IPI_DELAY",
		"STEAL", "TRIM", "TABLE", "EVICT_ENTRY", "SIGNAL" };
	unsigned i;

	for (i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(names[i], s->word[0]) == 0)
			sim_inject((enum inject_point)i, (unsigned)s->arg[1],
			    (unsigned)s->arg[2]);
}

static const struct op ops[] = {
	{ "r", op_r, 2 }, { "r?", op_r_may, 2 },
	{ "see", op_see, 3 }, { "fill", op_fill, 2 }, { "has", op_has, 2 },
	{ "w", op_w, 2 }, { "w?", op_w_may, 2 },
	{ "f", op_f, 1 }, { "fw", op_fw, 1 },
	{ "save", op_save, 2 }, { "same", op_same, 2 },
	{ "map", op_map, 2 }, { "share", op_share, 2 },
	{ "private", op_private, 2 }, { "unmap", op_unmap, 2 },
	{ "prot", op_prot, 3 }, { "advise", op_advise, 3 },
	{ "move", op_move, 3 }, { "lock", op_lock, 2 },
	{ "new", op_new, 1 }, { "fork", op_fork, 1 }, { "exit", op_exit, 0 },
	{ "go", op_go, 1 }, { "idle", op_idle, 0 }, { "kill", op_kill, 1 },
	{ "set", op_set, 1 }, { "await", op_await, 1 },
	{ "trim", op_trim, 0 }, { "age", op_age, 0 }, { "write", op_write, 0 },
	{ "steal", op_steal, 0 }, { "out", op_out, 0 },
	{ "clean", op_clean, 0 },
	{ "tevict", op_table_evict, 0 }, { "tout", op_table_out, 0 },
	{ "ktrim", op_kernel_trim, 0 }, { "kout", op_kernel_out, 0 },
	{ "vout", op_vads_out, 0 },
	{ "pin", op_pin, 3 }, { "pinw", op_pin_w, 2 }, { "pinr", op_pin_r, 2 },
	{ "unpin", op_unpin, 2 },
	{ "file", op_file, 1 }, { "object", op_object, 1 },
	{ "size", op_size, 1 }, { "punch", op_punch, 2 },
	{ "read", op_read, 2 }, { "put", op_put, 2 }, { "sync", op_sync, 0 },
	{ "drop", op_drop, 0 }, { "ahead", op_ahead, 2 },
	{ "at", op_at, 1 }, { "hot", op_hot, 1 },
	{ "unlock", op_unlock, 2 }, { "lockall", op_lock_all, 0 },
	{ "unlockall", op_unlock_all, 0 }, { "remap", op_remap, 3 },
	{ "msync", op_msync, 2 }, { "core", op_core, 2 },
	{ "stack", op_stack, 2 }, { "brk", op_brk, 1 },
	{ "swapoff", op_swapoff, 0 }, { "peek", op_peek, 3 },
	{ "poke", op_poke, 3 }, { "futex", op_futex, 1 },
	{ "stat", op_stat, 0 }, { "mmap", op_mmap, 4 },
	{ "mremap", op_mremap, 5 }, { "in", op_in, 2 },
	{ "copyout", op_outto, 2 }, { "text", op_text, 1 },
	{ "check", op_check, 0 }, { "inject", op_inject, 3 },
};

const struct op *
op_find(const char *name)
{
	unsigned i;

	for (i = 0; i < ARRAY_LEN(ops); i++)
		if (strcmp(ops[i].name, name) == 0)
			return &ops[i];
	return NULL;
}

unsigned
op_args(const struct op *op)
{
	return op->nargs;
}

void
op_run(const struct step *s)
{
	s->op->run(s);
}

/* ---- begin and end ---- */

void
ops_begin(void)
{
	vm_leak_begin();
	proc_new(0);
}

void
ops_bind(struct fiber *f, unsigned proc)
{
	world.of[f->cpu] = proc;
	f->t.space = as_space(world.as[proc]);
}

void
ops_at(unsigned proc)
{
	world.proc = proc;
}

void
ops_end(unsigned slots)
{
	unsigned i;

	/* The area was there when leaks began to be counted. */
	if (world.is_swap_off)
		(void)sim_swapon(slots);
	for (i = 0; i < NPINS; i++)
		if (world.pin[i] != NULL)
			vm_unpin_user(&world.pin[i], 1, true);
	for (i = 0; i < NPROC; i++) {
		if (world.as[i] == NULL)
			continue;
		as_detach_user(world.as[i]);
		as_put(world.as[i]);
	}
	if (world.vmo == NULL)
		return;
	if (vmo_refs(world.vmo) != 1)
		sim_fail("the object has %u references", vmo_refs(world.vmo));
	vmo_forget_client(world.vmo);
	vmo_put(world.vmo);
}
