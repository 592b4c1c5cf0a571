/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ops_paging.c: words of a script by which pages leave, and those of the object
 *
 * Rules     1. trim, ktrim and steal are one step of a daemon, done by the
 *              thread that says so; out, tout, kout and vout do all of them.
 *
 * Read next ops.c, vm/swap/pageout.c.
 */
#include "test/sim/opsfn.h"

/* ---- paging ---- */

static void
op_trim(const struct step *s)
{
	struct aspace *as = me();

	mutex_lock(&as->ws_lock);
	if (as->md.root_pa != 0)
		as->school->evict(as, SIZE_MAX, 0);
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
write_cluster(enum swap_then then)
{
	pfn_t head;

	spin_lock(&pfn_lock);
	head = pq_queue[Q_MODANON].head;
	if (head != 0)
		(void)pageout_page(&pfdb[head], then);
	spin_unlock(&pfn_lock);
}

static void
op_write(const struct step *s)
{
	write_cluster(SWAP_KEEP);
}

/* As MADV_PAGEOUT does: the end of the write gives the frames up. */
static void
op_away(const struct step *s)
{
	write_cluster(SWAP_FREE);
}

static void
op_steal(const struct step *s)
{
	(void)phys_reclaim();
}

/* All that can be written is: the driver's. */
static void
op_clean(const struct step *s)
{
	unsigned i;

	op_trim(s);
	for (i = 0; i < 64 && pq_queue[Q_MODANON].n > 0; i++) {
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
	while (phys_reclaim())
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
	if (me()->table.n_out == 0)
		wrong(s, "tables out", 0);
}

/*
 * Kernel paged memory leaves its working set; kout: and memory; vout: VADs, too,
 * which stay once when they were used.
 */
static void
op_kernel_trim(const struct step *s)
{
	(void)kpaged_trim();
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

/* The space's places for VADs that stay are taken: those of the next mappings leave. */
static void
op_vads_paged(const struct step *s)
{
	struct aspace *as = me();
	struct vad *v;

	while ((v = vad_alloc(as, NULL)) != NULL && !kpaged_has((va_t)v))
		vad_list_add(&as->map.spare, v);
	vad_free(v);
}

static void
op_vads_out(const struct step *s)
{
	op_kernel_trim(s);
	op_kernel_out(s);
	if (!kpaged_is_out((va_t)me()->map.vads.node))
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
	world.vmo = vmo_create_anon(s->arg[0] * PAGE_SIZE, 0, NULL, NULL);
	ASSERT(world.vmo != NULL);
}

static void
op_size(const struct step *s)
{
	uint64_t bytes = s->arg[0] * PAGE_SIZE + s->sub * 8;

	if (world.is_file)
		sim_file_blocks(bytes);
	expect(s, vmo_resize(world.vmo, bytes), 0);
	if (world.is_file)
		sim_file_cut(vmo_size(world.vmo));
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
		page_unpin(pg);
}

const struct op ops_paging[] = {
	{ "trim", op_trim, 0 }, { "age", op_age, 0 }, { "write", op_write, 0 },
	{ "away", op_away, 0 },
	{ "steal", op_steal, 0 }, { "out", op_out, 0 },
	{ "clean", op_clean, 0 }, { "tevict", op_table_evict, 0 },
	{ "tout", op_table_out, 0 }, { "ktrim", op_kernel_trim, 0 },
	{ "kout", op_kernel_out, 0 }, { "vout", op_vads_out, 0 },
	{ "vpaged", op_vads_paged, 0 },
	{ "file", op_file, 1 }, { "object", op_object, 1 },
	{ "size", op_size, 1 }, { "punch", op_punch, 2 },
	{ "read", op_read, 2 }, { "put", op_put, 2 }, { "sync", op_sync, 0 },
	{ "drop", op_drop, 0 }, { "ahead", op_ahead, 2 },
	{ "swapoff", op_swapoff, 0 },
	{ NULL, NULL, 0 }
};
