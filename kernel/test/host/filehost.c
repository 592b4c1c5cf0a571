/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * filehost.c: a file of pages on a disk in memory, for the tests of the cache
 *
 * Rules     1. What the pager is handed is as the cache promises: pages to be
 *              read are READING and nobody else finds them; pages to be written
 *              are WRITING and clean.
 *
 * Read next t_cache.c, t_cache_views.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>
#include <string.h>

#include "test/host/filehost.h"

#define STALE 0xaa

struct filedisk filedisk;

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

	filedisk.reads++;
	filedisk.pages_in += (uint64_t)n;
	for (i = 0; i < n; i++) {
		uint64_t at = idx + (uint64_t)i;

		assert_int_equal(pages[i]->state, PG_READING);
		assert_int_equal(pages[i]->index, at);
		assert_false(cache_is_resident(filedisk.vmo, at));
		if (at == filedisk.bad_in)
			return -EIO;
		if (at < DISK_PAGES && filedisk.page[at] != NULL)
			memcpy(bytes_of(pages[i]), filedisk.page[at], PAGE_SIZE);
		else
			memset(bytes_of(pages[i]), 0, PAGE_SIZE);
	}
	return 0;
}

static int
pager_out(void *obj, uint64_t idx, struct vm_page **pages, int n)
{
	int i;

	filedisk.writes++;
	filedisk.pages_out += (uint64_t)n;
	for (i = 0; i < n; i++) {
		uint64_t at = idx + (uint64_t)i;

		assert_int_equal(pages[i]->flags & (PF_WRITING | PF_DIRTY),
		    PF_WRITING);
		if (at == filedisk.bad_out)
			return -EIO;
		assert_non_null(filedisk.page[at]);
		memcpy(filedisk.page[at], bytes_of(pages[i]), PAGE_SIZE);
	}
	return 0;
}

void
filedisk_free(uint64_t idx, uint64_t n)
{
	for (; n > 0 && idx < DISK_PAGES; idx++, n--) {
		filedisk.blocks -= filedisk.page[idx] != NULL;
		free(filedisk.page[idx]);
		filedisk.page[idx] = NULL;
	}
}

static int
pager_free(void *obj, uint64_t idx, int n)
{
	filedisk_free(idx, (uint64_t)n);
	return 0;
}

static bool
pager_has(void *obj, uint64_t idx)
{
	return filedisk.page[idx] != NULL;
}

static int
pager_extend(void *obj, uint64_t idx, struct vm_page *pg)
{
	if (filedisk.page[idx] != NULL)
		return 0;
	if (filedisk.blocks == filedisk.limit)
		return -ENOSPC;
	filedisk.blocks++;
	filedisk.page[idx] = malloc(PAGE_SIZE);
	memset(filedisk.page[idx], STALE, PAGE_SIZE);
	return 0;
}

static const struct pager_ops pager = {
	.in = pager_in, .out = pager_out, .free = pager_free,
	.is_allocated = pager_has, .extend = pager_extend,
};

/* ---- set-up ---- */

struct vmo *
file_new(uint64_t bytes)
{
	filedisk.limit = DISK_PAGES;
	filedisk.bad_in = filedisk.bad_out = UINT64_MAX;
	filedisk.reads = filedisk.writes = 0;
	filedisk.pages_in = filedisk.pages_out = 0;
	filedisk.vmo = vmo_create_file(&pager, &filedisk, bytes, NULL, NULL);
	assert_non_null(filedisk.vmo);
	return filedisk.vmo;
}

void
file_end(struct vmo *vmo)
{
	assert_int_equal(vmo_refs(vmo), 1);
	vmo_forget_client(vmo);
	vmo_put(vmo);
	filedisk_free(0, DISK_PAGES);
	assert_int_equal(atomic_load(&cache_pages), 0);
	assert_int_equal(pages_dirty, 0);
	host_check(1);
}

void
filedisk_fill(uint64_t n)
{
	uint64_t i, k;

	for (i = 0; i < n; i++) {
		assert_int_equal(pager_extend(NULL, i, NULL), 0);
		for (k = 0; k < PAGE_SIZE / 8; k++)
			((uint64_t *)filedisk.page[i])[k] = i << 16 | k;
	}
}

static void
map_at(struct aspace *as, struct vmo *vmo, va_t at, unsigned flags)
{
	struct map_args a = { .addr = at, .len = BYTES, .prot = PROT_R | PROT_W,
		.maxprot = PROT_R | PROT_W, .flags = flags | MAP_FIXED,
		.vmo = vmo };
	va_t va;

	assert_int_equal(map_mmap(as, &a, &va), 0);
}

const char *file_design = "fmo";

struct aspace *
file_map(struct vmo *vmo)
{
	struct aspace *as = NULL;

	assert_int_equal(as_create(design_by_name(file_design), &as), 0);
	as_attach_user(as);
	map_at(as, vmo, SHARED, MAP_SHARED);
	map_at(as, vmo, PRIVATE, MAP_PRIVATE);
	return as;
}

void
file_unmap(struct aspace *as)
{
	as_detach_user(as);
	as_put(as);
}
