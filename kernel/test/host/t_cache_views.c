/* NEEDS: KIND=exact */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_cache_views.c: pages of files against an array of bytes
 *
 * Problem   read, write, shared and private mappings, truncate, holes, msync
 *           and stolen frames in any order: every view agrees with the model,
 *           and after a sync the disk does.
 *
 * Picture   random operation ─→ vmo_*, host_load, host_store ─→ vm_check
 *                          └──→ model (bytes; pages of private mappings)
 *
 * Read next filehost.c, t_cache.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <string.h>

#include "test/host/filehost.h"

#define NPROC 3

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

static void
start(unsigned p, struct vmo *vmo)
{
	proc[p].as = file_map(vmo);
	memset(proc[p].own, 0, sizeof(proc[p].own));
}

static void
stop(unsigned p)
{
	file_unmap(proc[p].as);
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
		filedisk_free(PAGE_UP(bytes) >> PAGE_SHIFT, DISK_PAGES);
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
		assert_memory_equal(filedisk.page[i] != NULL ? filedisk.page[i] : zero,
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
	assert_int_equal(pages_dirty, 0);
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
	while (n-- > 0 && phys_reclaim())
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
			host_check(1);
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

static char recs[] = "recs", uvm[] = "uvm", shadow[] = "shadow";

/* A design that finds its pages by address, and makes their words itself. */
static void
views_of_records(void **state)
{
	file_design = *state;
	any_order(10000, 3);
	views_with_restarts(state);
	file_design = "fmo";
}

static int
boot(void **state)
{
	host_boot(4096, "idlezero=0 norandom=1 around=16");
		return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(views_in_any_order),
		cmocka_unit_test(views_with_restarts),
		{ "views_of_recs", views_of_records, NULL, NULL, recs },
		{ "views_of_uvm", views_of_records, NULL, NULL, uvm },
		{ "views_of_shadow", views_of_records, NULL, NULL, shadow },
	};

	return cmocka_run_group_tests(tests, boot, NULL);
}
