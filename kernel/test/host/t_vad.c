/* NEEDS: KIND=exact */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_vad.c: the tree of mappings against an array of pages
 *
 * Problem   Overlaps, gaps, splits and merges in any order must leave what a
 *           naive model has: for each page, which mapping and which rights.
 *
 * Picture   random operation ─→ vad_*()      ─→ check_vad_tree, compare all pages
 *                          └──→ model[page]
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <string.h>

#include "test/host/host.h"

#define BASE 16ul
#define PAGES 600ul

struct cell {
	uint8_t used, prot;
};

static struct cell model[PAGES];
static struct aspace *as;

static struct vad *
make(uint64_t start, uint64_t end, uint8_t prot)
{
	struct vad *v = vad_alloc(as, NULL);

	assert_non_null(v);
	v->start = BASE + start;
	v->end = BASE + end;
	v->prot = prot;
	v->maxprot = PROT_R | PROT_W | PROT_X;
	/* Read-only and NORESERVE: no commit, which is map.c's business. */
	v->flags = VAD_NORESERVE;
	return v;
}

static void
check_structure(void)
{
	struct out_buf text;
	char buf[512];
	struct vm_report report = { .out = &text.out, .level = 2 };

	out_buf_init(&text, buf, sizeof(buf));
	check_vad_tree(as, &report);
	if (report.findings != 0)
		fail_msg("%s", buf);
}

static void
check_model(void)
{
	struct vad *v;
	uint64_t i;

	check_structure();
	for (i = 0; i < PAGES; i++) {
		v = vad_find(as, BASE + i);
		assert_int_equal(v != NULL, model[i].used);
		if (v != NULL)
			assert_int_equal(v->prot, model[i].prot);
	}
}

static bool
is_free(uint64_t lo, uint64_t hi)
{
	for (; lo < hi; lo++) {
		if (model[lo].used)
			return false;
	}
	return true;
}

static void
try_insert(uint64_t lo, uint64_t hi)
{
	uint8_t prot = (uint8_t)(1 + host_random(2) * PROT_X);
	struct vad *v = make(lo, hi, prot);
	uint64_t i;
	int r = vad_insert(as, v);

	assert_int_equal(r, is_free(lo, hi) ? 0 : -EEXIST);
	if (r != 0) {
		vad_free(v);
		return;
	}
	if (host_random(2))
		vad_merge(as, v);
	for (i = lo; i < hi; i++)
		model[i] = (struct cell){ 1, prot };
}

static void
try_remove(uint64_t lo, uint64_t hi)
{
	struct vad_list gone;

	assert_int_equal(vad_remove_range(as, BASE + lo, BASE + hi, &gone), 0);
	vad_list_free(&gone);
	memset(&model[lo], 0, (hi - lo) * sizeof(model[0]));
}

/* vad_protect_range works up to the first hole, as Linux does. */
static void
try_protect(uint64_t lo, uint64_t hi)
{
	uint8_t prot = (uint8_t)(1 + host_random(2) * PROT_X);
	bool hole = !is_free(lo, hi);
	uint64_t i, end = lo;
	int r;

	while (end < hi && model[end].used)
		end++;
	hole = end < hi;
	r = vad_protect_range(as, BASE + lo, BASE + hi, prot);
	assert_int_equal(r, hole ? -ENOMEM : 0);
	for (i = lo; i < end; i++)
		model[i].prot = prot;
}

/* The highest hole of the size, by looking at each page. */
static bool
model_gap(uint64_t n, uint64_t *at)
{
	uint64_t i, run = 0;

	for (i = PAGES; i-- > 0;) {
		run = model[i].used ? 0 : run + 1;
		if (run == n) {
			*at = i;
			return true;
		}
	}
	return false;
}

static void
try_gap(void)
{
	uint64_t n = 1 + host_random(40), want, got = 0;
	bool there = model_gap(n, &want);
	int r = vad_find_gap(as, n, BASE, BASE + PAGES, &got);

	assert_int_equal(r, there ? 0 : -ENOMEM);
	if (there)
		assert_int_equal(got, BASE + want);
}

static void
random_ops(void **state)
{
	uint64_t lo, hi;
	unsigned i;

	host_seed(20);
	rw_lock_write(&as->map_lock);
	for (i = 0; i < 20000; i++) {
		lo = host_random(PAGES);
		hi = lo + 1 + host_random(MIN(PAGES - lo, 30));
		switch (host_random(5)) {
		case 0:
		case 1:
			try_insert(lo, hi);
			break;
		case 2:
			try_remove(lo, hi);
			break;
		case 3:
			try_protect(lo, hi);
			break;
		case 4:
			try_gap();
			break;
		}
		if (i % 16 == 0)
			check_model();
	}
	try_remove(0, PAGES);
	assert_null(as->map.vads.node);
	rw_unlock_write(&as->map_lock);
}

#define MANY 2000
#define LOG2_MANY 11

/* Many ranges: each find looks at no more than 2·log2 n nodes. */
static void
finds_are_short(void **state)
{
	uint64_t i, before;
	struct vad_list gone;

	rw_lock_write(&as->map_lock);
	for (i = 0; i < MANY; i++) {
		struct vad *v = make(2 * i, 2 * i + 1, PROT_R);

		assert_int_equal(vad_insert(as, v), 0);
	}
	before = ev_read(EV_vad_visit);
	for (i = 0; i < MANY; i++)
		assert_non_null(vad_find(as, BASE + 2 * ((i * 7919) % MANY)));
	assert_true(ev_read(EV_vad_visit) - before <= 2 * LOG2_MANY * MANY);
	before = ev_read(EV_vad_visit);
	assert_int_equal(vad_find_gap(as, 2, BASE, BASE + 2 * MANY, &i), -ENOMEM);
	assert_true(ev_read(EV_vad_visit) - before <= 60);
	check_structure();
	assert_int_equal(vad_remove_range(as, BASE, BASE + 2 * MANY, &gone), 0);
	vad_list_free(&gone);
	rw_unlock_write(&as->map_lock);
}

/* No memory for the second half: the range is as it was. */
static void
split_fails_whole(void **state)
{
	struct vad_list gone;
	struct vad *hi = NULL;
	unsigned n;

	rw_lock_write(&as->map_lock);
	assert_int_equal(vad_insert(as, make(0, 100, PROT_R)), 0);
	model[0].used = 0;
	for (n = 1; n <= 2; n++) {
		host_inject(FI_SLAB, n, 0);
		(void)!vad_split(as, vad_find(as, BASE), BASE + 50, &hi);
		host_inject(FI_SLAB, 0, 0);
		check_structure();
		assert_non_null(vad_find(as, BASE + 10));
		assert_non_null(vad_find(as, BASE + 90));
	}
	assert_int_equal(vad_remove_range(as, BASE, BASE + 100, &gone), 0);
	vad_list_free(&gone);
	rw_unlock_write(&as->map_lock);
}

static int
boot(void **state)
{
	host_boot(4096, "idlezero=0 norandom=1");
	assert_int_equal(as_create(NULL, &as), 0);
	as_attach_user(as);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_ops),
		cmocka_unit_test(finds_are_short),
		cmocka_unit_test(split_fails_whole),
	};

	return cmocka_run_group_tests(tests, boot, NULL);
}
