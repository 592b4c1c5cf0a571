/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_cache.c: pages of files against an array of bytes and a disk in memory
 *
 * Problem   read, write, shared and private mappings, truncate, holes, msync
 *           and stolen frames in any order: every view agrees with the model,
 *           and after a sync the disk does.
 *
 * Picture   random operation ─→ vmo_*, host_load, host_store ─→ vm_check
 *                          └──→ model (bytes; pages of private mappings)
 *           pager: disk.page[], a new block holds somebody's old bytes
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <string.h>

#include "test/host/host.h"

#define PAGES 40ul
#define BYTES (PAGES * PAGE_SIZE)
#define DISK_PAGES 6000ul
#define NPROC 3
#define SHARED 0x10000000ul
#define PRIVATE 0x20000000ul
#define STALE 0xaa

static struct {
	uint8_t *page[DISK_PAGES];   /* NULL: a hole */
	unsigned blocks, limit;      /* in use; how many there are */
	uint64_t bad_in, bad_out;    /* this page cannot be read, written */
	unsigned reads, writes;      /* calls */
	uint64_t pages_in, pages_out;
	struct vmo *vmo;
} disk;

static struct {
	uint8_t byte[BYTES + PAGE_SIZE];
	uint64_t size;
} model;

static struct {
	struct aspace *as;
	bool own[PAGES];             /* a copy in the private mapping */
	uint8_t copy[PAGES][PAGE_SIZE];
} proc[NPROC];

static uint8_t buf[BYTES];
static unsigned scarce; /* 2: some frames are refused while a fault runs */

/* ---- the pager ---- */

static char *
bytes_of(const struct vm_page *pg)
{
	return pa2va(page_pa(pg));
}

static int
pager_in(void *obj, uint64_t idx, struct vm_page **pages, int n)
{
	int i;

	disk.reads++;
	disk.pages_in += (uint64_t)n;
	for (i = 0; i < n; i++) {
		uint64_t at = idx + (uint64_t)i;

		assert_int_equal(pages[i]->state, PG_READING);
		assert_int_equal(pages[i]->index, at);
		assert_false(cache_is_resident(disk.vmo, at));
		if (at == disk.bad_in)
			return -EIO;
		if (at < DISK_PAGES && disk.page[at] != NULL)
			memcpy(bytes_of(pages[i]), disk.page[at], PAGE_SIZE);
		else
			memset(bytes_of(pages[i]), 0, PAGE_SIZE);
	}
	return 0;
}

static int
pager_out(void *obj, uint64_t idx, struct vm_page **pages, int n)
{
	int i;

	disk.writes++;
	disk.pages_out += (uint64_t)n;
	for (i = 0; i < n; i++) {
		uint64_t at = idx + (uint64_t)i;

		assert_int_equal(pages[i]->flags & (PF_WRITING | PF_DIRTY),
		    PF_WRITING);
		if (at == disk.bad_out)
			return -EIO;
		assert_non_null(disk.page[at]);
		memcpy(disk.page[at], bytes_of(pages[i]), PAGE_SIZE);
	}
	return 0;
}

static void
disk_free(uint64_t idx, uint64_t n)
{
	for (; n > 0 && idx < DISK_PAGES; idx++, n--) {
		disk.blocks -= disk.page[idx] != NULL;
		free(disk.page[idx]);
		disk.page[idx] = NULL;
	}
}

static void
pager_free(void *obj, uint64_t idx, int n)
{
	disk_free(idx, (uint64_t)n);
}

static bool
pager_has(void *obj, uint64_t idx)
{
	return disk.page[idx] != NULL;
}

static int
pager_extend(void *obj, uint64_t idx, struct vm_page *pg)
{
	if (disk.page[idx] != NULL)
		return 0;
	if (disk.blocks == disk.limit)
		return -ENOSPC;
	disk.blocks++;
	disk.page[idx] = malloc(PAGE_SIZE);
	memset(disk.page[idx], STALE, PAGE_SIZE);
	return 0;
}

static const struct pager_ops pager = {
	.in = pager_in, .out = pager_out, .free = pager_free,
	.has = pager_has, .extend = pager_extend,
};

/* ---- set-up ---- */

static void
check(int level)
{
	struct out_buf text;
	char msg[1024] = "";

	if (vm_check(level) == 0)
		return;
	out_buf_init(&text, msg, sizeof(msg));
	stat_check(&text.out);
	fail_msg("%s", msg);
}

static struct vmo *
file_new(uint64_t bytes)
{
	disk.limit = DISK_PAGES;
	disk.bad_in = disk.bad_out = UINT64_MAX;
	disk.reads = disk.writes = 0;
	disk.pages_in = disk.pages_out = 0;
	disk.vmo = vmo_create_file(&pager, &disk, bytes, NULL, NULL);
	assert_non_null(disk.vmo);
	return disk.vmo;
}

static void
file_end(struct vmo *vmo)
{
	assert_int_equal(vmo_refs(vmo), 1);
	vmo_forget_client(vmo);
	vmo_put(vmo);
	disk_free(0, DISK_PAGES);
	assert_int_equal(cache_count(), 0);
	assert_int_equal(page_dirty_count(), 0);
	check(1);
}

/* Contents of page idx that no other page has. */
static void
disk_fill(uint64_t n)
{
	uint64_t i, k;

	for (i = 0; i < n; i++) {
		assert_int_equal(pager_extend(NULL, i, NULL), 0);
		for (k = 0; k < PAGE_SIZE / 8; k++)
			((uint64_t *)disk.page[i])[k] = i << 16 | k;
	}
}

static va_t
map_at(struct aspace *as, struct vmo *vmo, va_t at, unsigned flags)
{
	struct map_args a = { .addr = at, .len = BYTES, .prot = PROT_R | PROT_W,
		.maxprot = PROT_R | PROT_W, .flags = flags | MAP_FIXED,
		.vmo = vmo };
	va_t va;

	assert_int_equal(map_mmap(as, &a, &va), 0);
	return va;
}

static void
start(unsigned p, struct vmo *vmo)
{
	assert_int_equal(as_create(NULL, &proc[p].as), 0);
	as_attach_user(proc[p].as);
	map_at(proc[p].as, vmo, SHARED, MAP_SHARED);
	map_at(proc[p].as, vmo, PRIVATE, MAP_PRIVATE);
	memset(proc[p].own, 0, sizeof(proc[p].own));
}

static void
stop(unsigned p)
{
	as_detach_user(proc[p].as);
	as_put(proc[p].as);
	proc[p].as = NULL;
}

static int
load(unsigned p, va_t va, uint64_t *value)
{
	int r;

	host_inject(FI_FRAME, scarce, 3);
	r = host_load(proc[p].as, va, value);
	host_inject(FI_FRAME, 0, 0);
	return r;
}

static int
store(unsigned p, va_t va, uint64_t value)
{
	int r;

	host_inject(FI_FRAME, scarce, 3);
	r = host_store(proc[p].as, va, value);
	host_inject(FI_FRAME, 0, 0);
	return r;
}

/* ---- one operation, on both sides ---- */

static void
do_read(struct vmo *vmo, uint64_t off, uint64_t n)
{
	uint64_t want = off >= model.size ? 0 : MIN(n, model.size - off);
	struct uio u;

	uio_init_kernel(&u, buf, n);
	assert_int_equal(vmo_read(vmo, off, &u), want);
	assert_memory_equal(buf, model.byte + off, want);
}

static void
do_write(struct vmo *vmo, uint64_t off, uint64_t n)
{
	uint64_t want, i;
	struct uio u;

	if (off + n > model.size && host_random(2) == 0) {
		assert_int_equal(vmo_resize(vmo, off + n), 0);
		model.size = off + n;
	}
	for (i = 0; i < n; i++)
		buf[i] = (uint8_t)(1 + host_random(255));
	want = off >= model.size ? 0 : MIN(n, model.size - off);
	uio_init_kernel(&u, buf, n);
	assert_int_equal(vmo_write(vmo, off, &u), want);
	memcpy(model.byte + off, buf, want);
}

/* write(), whose source is the shared mapping of another part of the file. */
static void
do_copy(struct vmo *vmo, unsigned p, uint64_t from, uint64_t to, uint64_t n)
{
	struct uio u;
	uint64_t done;

	n = MIN(n, MAX(from, to) - MIN(from, to));
	if (MAX(from, to) + n > model.size || n == 0)
		return;
	uio_init_user(&u, SHARED + from, n);
	u.as = proc[p].as;
	done = (uint64_t)vmo_write(vmo, to, &u);
	assert_int_equal(done, n);
	memcpy(model.byte + to, model.byte + from, n);
}

static void
do_resize(struct vmo *vmo, uint64_t bytes)
{
	uint64_t i;
	unsigned p;

	assert_int_equal(vmo_resize(vmo, bytes), 0);
	if (bytes < model.size) {
		disk_free(PAGE_UP(bytes) >> PAGE_SHIFT, DISK_PAGES);
		memset(model.byte + bytes, 0, model.size - bytes);
	}
	model.size = bytes;
	for (p = 0; p < NPROC; p++)
		for (i = PAGE_UP(bytes) >> PAGE_SHIFT; i < PAGES; i++)
			proc[p].own[i] = false;
}

static void
do_punch(struct vmo *vmo, uint64_t off, uint64_t n)
{
	uint64_t end = MIN(off + n, PAGE_UP(model.size));

	assert_int_equal(vmo_punch(vmo, off, n), 0);
	if (off < end)
		memset(model.byte + off, 0, end - off);
}

static bool
is_beyond(uint64_t at)
{
	return at >= PAGE_UP(model.size);
}

static void
do_load(unsigned p, uint64_t at, bool private)
{
	uint64_t value = 0, want, i = at >> PAGE_SHIFT;
	int r = load(p, (private ? PRIVATE : SHARED) + at, &value);

	assert_int_equal(r, is_beyond(at) ? -EFAULT : 0);
	if (r != 0)
		return;
	if (private && proc[p].own[i])
		memcpy(&want, proc[p].copy[i] + (at & PAGE_MASK), sizeof(want));
	else
		memcpy(&want, model.byte + at, sizeof(want));
	assert_int_equal(value, want);
}

static void
do_store_private(unsigned p, uint64_t at)
{
	uint64_t value = host_random(1ul << 60), i = at >> PAGE_SHIFT;
	int r = store(p, PRIVATE + at, value);

	assert_int_equal(r, is_beyond(at) ? -EFAULT : 0);
	if (r != 0)
		return;
	if (!proc[p].own[i])
		memcpy(proc[p].copy[i], model.byte + i * PAGE_SIZE, PAGE_SIZE);
	proc[p].own[i] = true;
	memcpy(proc[p].copy[i] + (at & PAGE_MASK), &value, sizeof(value));
}

/* Behind the end within the last page: zero again when the file grows. */
static void
do_store_tail(struct vmo *vmo, unsigned p, uint64_t at)
{
	assert_int_equal(host_store(proc[p].as, SHARED + at, ~0ul), 0);
	do_resize(vmo, MIN(at + 8 + host_random(9000), BYTES));
}

static void
do_store(struct vmo *vmo, unsigned p, uint64_t at)
{
	uint64_t value = host_random(1ul << 60);
	int r;

	if (at + 8 > model.size && !is_beyond(at)) {
		if (at >= model.size)
			do_store_tail(vmo, p, at);
		return;
	}
	r = store(p, SHARED + at, value);
	assert_int_equal(r, is_beyond(at) ? -EFAULT : 0);
	if (r == 0)
		memcpy(model.byte + at, &value, sizeof(value));
}

static void
compare_disk(void)
{
	static const uint8_t zero[PAGE_SIZE];
	uint64_t i, n;

	for (i = 0; i * PAGE_SIZE < model.size; i++) {
		n = MIN(PAGE_SIZE, model.size - i * PAGE_SIZE);
		assert_memory_equal(disk.page[i] != NULL ? disk.page[i] : zero,
		    model.byte + i * PAGE_SIZE, n);
	}
}

static void
do_sync(struct vmo *vmo, unsigned p)
{
	if (host_random(2) == 0)
		assert_int_equal(vmo_sync(vmo, 0, UINT64_MAX), 0);
	else
		assert_int_equal(map_msync(proc[p].as, SHARED, BYTES,
		    4 /* MS_SYNC */), 0);
	assert_int_equal(page_dirty_count(), 0);
	compare_disk();
}

static void
do_advice(unsigned p, uint64_t at)
{
	static const int advice[] = { 0, 1, 2, 3, 4, 4, 4, 21 };
	int a = advice[host_random(ARRAY_LEN(advice))];
	uint64_t n = 1 + host_random(8), i = at >> PAGE_SHIFT;
	bool private = host_random(2) == 0;

	n = MIN(n, PAGES - i);
	assert_int_equal(map_madvise(proc[p].as, (private ? PRIVATE : SHARED) +
	    i * PAGE_SIZE, n * PAGE_SIZE, a), 0);
	for (; private && a == 4 && n > 0; n--, i++)
		proc[p].own[i] = false;
}

static void
do_fork(struct vmo *vmo, unsigned p)
{
	unsigned c = (unsigned)host_random(NPROC);

	if (c == p)
		return;
	stop(c);
	if (host_random(3) == 0) {
		start(c, vmo);
		return;
	}
	assert_int_equal(as_dup(proc[p].as, &proc[c].as), 0);
	as_attach_user(proc[c].as);
	memcpy(proc[c].own, proc[p].own, sizeof(proc[c].own));
	memcpy(proc[c].copy, proc[p].copy, sizeof(proc[c].copy));
}

static void
do_forget(struct vmo *vmo)
{
	unsigned n = (unsigned)host_random(30);

	if (host_random(3) == 0)
		vmo_drop_clean(vmo);
	while (n-- > 0 && phys_steal())
		;
}

static void
one_step(struct vmo *vmo)
{
	unsigned p = (unsigned)host_random(NPROC);
	uint64_t at = host_random(BYTES / 8) * 8, off = host_random(BYTES - 9000);
	uint64_t n = host_random(3) == 0 ? 2 * PAGE_SIZE : host_random(9000);

	host_set_cpu((unsigned)host_random(4));
	switch (host_random(24)) {
	default:
		do_load(p, at, host_random(2) == 0);
		break;
	case 1:
	case 2:
		do_read(vmo, off, n);
		break;
	case 3:
	case 4:
		do_write(vmo, host_random(2) == 0 ? PAGE_DOWN(off) : off, n);
		break;
	case 5:
	case 6:
	case 7:
	case 8:
		do_store(vmo, p, at);
		break;
	case 9:
	case 10:
	case 11:
		do_store_private(p, at);
		break;
	case 12:
		do_resize(vmo, host_random(4) == 0 ? host_random(BYTES) :
		    model.size + host_random(30000) > BYTES ? BYTES :
		    model.size + host_random(30000) * (model.size < BYTES -
		    30000));
		break;
	case 13:
		do_punch(vmo, off, n);
		break;
	case 14:
		do_sync(vmo, p);
		break;
	case 15:
		do_advice(p, at);
		break;
	case 16:
		do_fork(vmo, p);
		break;
	case 17:
	case 18:
		do_forget(vmo);
		break;
	case 19:
		do_copy(vmo, p, off, host_random(BYTES - 9000), n);
		break;
	}
}

static void
any_order(unsigned steps, uint64_t seed)
{
	uint64_t commit = commit_total();
	struct vmo *vmo = file_new(BYTES / 2);
	unsigned p, i;

	host_seed(seed);
	memset(&model, 0, sizeof(model));
	model.size = BYTES / 2;
	for (p = 0; p < NPROC; p++)
		start(p, vmo);
	for (i = 0; i < steps; i++) {
		one_step(vmo);
		if (i % 16 == 0)
			check(1);
	}
	for (p = 0; p < NPROC; p++)
		stop(p);
	do_read(vmo, 0, BYTES);
	assert_int_equal(vmo_sync(vmo, 0, UINT64_MAX), 0);
	compare_disk();
	file_end(vmo);
	assert_int_equal(commit_total(), commit);
}

static void
views_in_any_order(void **state)
{
	any_order(20000, 1);
}

static void
views_with_restarts(void **state)
{
	host_inject(FI_RESTART, 5, 3);
	scarce = 2;
	host_inject(FI_TRYLOCK, 2, 2);
	any_order(5000, 2);
	host_inject(FI_RESTART, 0, 0);
	host_inject(FI_TRYLOCK, 0, 0);
	scarce = 0;
}

/* ---- how often is read and written ---- */

static void
read_pages(struct vmo *vmo, uint64_t idx, uint64_t n)
{
	uint64_t k;
	struct uio u;

	for (k = 0; k < n; k++) {
		uio_init_kernel(&u, buf, PAGE_SIZE);
		assert_int_equal(vmo_read(vmo, (idx + k) << PAGE_SHIFT, &u),
		    PAGE_SIZE);
		assert_int_equal(((uint64_t *)buf)[7], (idx + k) << 16 | 7);
	}
}

static void
reads_are_few(void **state)
{
	struct vmo *vmo = file_new(1024 * PAGE_SIZE);
	uint64_t hits, i;

	disk_fill(1024);
	read_pages(vmo, 0, 1024);
	assert_true(disk.reads <= 1024 / 8);
	assert_int_equal(disk.pages_in, 1024);
	hits = ev_read(EV_cache_hit);
	disk.reads = 0;
	read_pages(vmo, 0, 1024);
	assert_int_equal(disk.reads, 0);
	assert_int_equal(ev_read(EV_cache_hit) - hits, 1024);

	vmo_drop_clean(vmo);
	assert_int_equal(vmo_pages(vmo), 0);
	disk.pages_in = 0;
	for (i = 0; i < 200; i++)
		read_pages(vmo, host_random(1024), 1);
	assert_true(disk.pages_in <= 220);
	file_end(vmo);
}

static void
mapping_reads_nothing_twice(void **state)
{
	struct vmo *vmo = file_new(BYTES);
	uint64_t major = ev_read(EV_fault_major), i, value;
	uint64_t total = ev_read(EV_fault_total);
	unsigned p;

	disk_fill(PAGES);
	read_pages(vmo, 0, PAGES);
	for (p = 0; p < NPROC; p++) {
		start(p, vmo);
		for (i = 0; i < PAGES; i++) {
			assert_int_equal(host_load(proc[p].as, SHARED +
			    i * PAGE_SIZE, &value), 0);
			assert_int_equal(value, i << 16);
		}
	}
	assert_int_equal(ev_read(EV_fault_major), major);
	assert_int_equal(ev_read(EV_fault_total) - total, NPROC * 3);
	assert_int_equal(vmo_pages(vmo), PAGES);
	assert_int_equal(vmo_sync(vmo, 0, UINT64_MAX), 0);
	assert_int_equal(disk.writes, 0);
	for (p = 0; p < NPROC; p++)
		stop(p);
	file_end(vmo);
}

static void
only_what_changed_is_written(void **state)
{
	struct vmo *vmo = file_new(BYTES);
	uint64_t i;

	disk_fill(PAGES);
	start(0, vmo);
	for (i = 0; i < 30; i++)
		assert_int_equal(host_store(proc[0].as, SHARED +
		    i * PAGE_SIZE, i), 0);
	assert_int_equal(map_msync(proc[0].as, SHARED, BYTES, 4), 0);
	assert_int_equal(disk.pages_out, 30);
	assert_int_equal(disk.writes, 2);
	for (i = 5; i < 9; i++)
		assert_int_equal(host_store(proc[0].as, SHARED +
		    i * PAGE_SIZE, i + 100), 0);
	assert_int_equal(map_msync(proc[0].as, SHARED, BYTES, 4), 0);
	assert_int_equal(disk.pages_out, 34);
	assert_int_equal(disk.page[8][0], 108);
	stop(0);
	file_end(vmo);
}

/* ---- what fails ---- */

static void
bad_pages(void **state)
{
	struct vmo *vmo = file_new(BYTES);
	struct fctx f = { .kernel = false };
	struct vm_page *pg;
	uint64_t value;
	struct uio u;

	disk_fill(PAGES);
	start(0, vmo);
	disk.bad_in = 6;
	uio_init_kernel(&u, buf, BYTES);
	assert_int_equal(vmo_read(vmo, 0, &u), 6 * PAGE_SIZE);
	uio_init_kernel(&u, buf, 10);
	assert_int_equal(vmo_read(vmo, 6 * PAGE_SIZE, &u), -EIO);
	assert_int_equal(vm_fault(proc[0].as, SHARED + 6 * PAGE_SIZE,
	    ACCESS_READ, &f), -EFAULT);
	assert_int_equal(f.sig.signo, SIGBUS);
	assert_int_equal(host_store(proc[0].as, PRIVATE + 6 * PAGE_SIZE, 1),
	    -EFAULT);
	assert_int_equal(cache_page(vmo, 6, &pg), -EIO);
	check(1);
	disk.bad_in = UINT64_MAX;
	assert_int_equal(host_load(proc[0].as, SHARED + 6 * PAGE_SIZE, &value),
	    0);
	assert_int_equal(value, 6 << 16);

	disk.bad_out = 9;
	for (value = 4; value < 12; value++)
		assert_int_equal(host_store(proc[0].as, SHARED +
		    value * PAGE_SIZE, value), 0);
	assert_int_equal(vmo_sync(vmo, 0, UINT64_MAX), -EIO);
	assert_int_equal(page_dirty_count(), 1);
	assert_int_equal(disk.page[11][0], 11);
	disk.bad_out = UINT64_MAX;
	assert_int_equal(vmo_sync(vmo, 0, UINT64_MAX), 0);
	assert_int_equal(disk.page[9][0], 9);
	stop(0);
	file_end(vmo);
}

static void
no_room(void **state)
{
	struct vmo *vmo = file_new(BYTES);
	struct uio u;

	disk.limit = 3;
	start(0, vmo);
	memset(buf, 7, sizeof(buf));
	uio_init_kernel(&u, buf, 5 * PAGE_SIZE);
	assert_int_equal(vmo_write(vmo, 0, &u), 3 * PAGE_SIZE);
	uio_init_kernel(&u, buf, 10);
	assert_int_equal(vmo_write(vmo, 4 * PAGE_SIZE + 1, &u), -ENOSPC);
	assert_int_equal(host_store(proc[0].as, SHARED + 9 * PAGE_SIZE, 1),
	    -EFAULT);
	assert_int_equal(host_store(proc[0].as, SHARED + 2 * PAGE_SIZE, 1), 0);
	assert_int_equal(page_dirty_count(), 3);
	check(1);
	stop(0);
	file_end(vmo);
}

/* ---- more than memory ---- */

static void
larger_than_memory(void **state)
{
	struct vmo *vmo = file_new(DISK_PAGES * PAGE_SIZE);
	uint64_t stolen = ev_read(EV_page_steal_file);

	disk_fill(DISK_PAGES);
	read_pages(vmo, 0, DISK_PAGES);
	read_pages(vmo, 0, 100);
	assert_true(ev_read(EV_page_steal_file) - stolen > DISK_PAGES - 4096);
	check(1);
	file_end(vmo);
}

/* A page that is pinned outlives the cut; its frame is freed by the unpin. */
static void
pinned_and_cut(void **state)
{
	uint64_t lazy = ev_read(EV_page_lazy_invalidated);
	struct vmo *vmo = file_new(BYTES);
	struct vm_page *pg;

	disk_fill(PAGES);
	assert_int_equal(cache_page(vmo, 9, &pg), 0);
	assert_int_equal(vmo_resize(vmo, PAGE_SIZE), 0);
	assert_int_equal(pg->state, PG_LIMBO);
	assert_int_equal(*(uint64_t *)bytes_of(pg), 9 << 16);
	assert_int_equal(vmo_resize(vmo, BYTES), 0);
	check(1);
	cache_unpin(pg, true);
	assert_int_equal(ev_read(EV_page_lazy_invalidated), lazy + 1);
	file_end(vmo);
}

static int
boot(void **state)
{
	host_boot(4096, "idlezero=0 norandom=1 around=16");
	host_seed(5);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_are_few),
		cmocka_unit_test(mapping_reads_nothing_twice),
		cmocka_unit_test(only_what_changed_is_written),
		cmocka_unit_test(bad_pages),
		cmocka_unit_test(no_room),
		cmocka_unit_test(larger_than_memory),
		cmocka_unit_test(pinned_and_cut),
		cmocka_unit_test(views_in_any_order),
		cmocka_unit_test(views_with_restarts),
	};

	return cmocka_run_group_tests(tests, boot, NULL);
}
