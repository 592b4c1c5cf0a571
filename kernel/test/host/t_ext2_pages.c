/* NEEDS: KIND=exact */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_ext2_pages.c: pages of several blocks, on full and failing disks
 *
 * Problem   A block that a page gets holds the old bytes of somebody.  They may
 *           never be read, and what is written may not be lost, wherever a page
 *           of several blocks stops half-way.
 *
 * Picture   files that fill the disk ─→ one operation ─→ what is read, e2fsck
 *
 * Read next ext2_model.c, t_ext2.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "test/host/ext2_model.h"

#include "fs/ext2/ext2.h"
#include "vm/object/vmo.h"
#include "vm/space/space.h"
#include "vm/vm.h"

#define MANY (24 * PAGE_SIZE)
#define MAPPED 0x10000000ul

static uint8_t buf[MANY], page[PAGE_SIZE];

/* All files are closed: what is on the disk is whole. */
static void
leave(void)
{
	assert_int_equal(disk_umount(), 0);
	disk_check();
}

/* n bytes c at off; what write(2) says. */
static ssize_t
put(struct file *f, uint64_t off, int c, size_t n)
{
	struct uio u;

	memset(buf, c, n);
	uio_init_kernel(&u, buf, n);
	return file_pwrite(f, off, &u);
}

/* A file of bytes c to which so many pieces are added as the disk has room. */
static struct file *
fill(const char *path, int c, size_t piece)
{
	struct file *f = t_open(path, O_CREAT | O_RDWR, 0);
	uint64_t off = file_size(f);
	ssize_t n;

	while ((n = put(f, off, c, piece)) > 0)
		off += (uint64_t)n;
	assert_int_equal(n, -ENOSPC);
	return f;
}

static int
try_size(const char *path, uint64_t bytes)
{
	struct kattr a = { .valid = ATTR_SIZE, .size = bytes };
	struct path_at p = at(path);

	return fs_setattr(&p, &a);
}

static void
set_size(const char *path, uint64_t bytes)
{
	assert_int_equal(try_size(path, bytes), 0);
}

/* How many bytes of page idx are not c. */
static unsigned
strange(struct file *f, uint64_t idx, int c)
{
	unsigned i, n = 0;

	assert_int_equal(file_pread_kernel(f, idx * PAGE_SIZE, page,
	    PAGE_SIZE), PAGE_SIZE);
	for (i = 0; i < PAGE_SIZE; i++)
		n += page[i] != c;
	return n;
}

/* k blocks are free, and hold old bytes; pages of a sparse file get them. */
static void
sparse_until_full(unsigned k)
{
	struct file *f, *g;
	unsigned i;

	image_make("-b 1024 -m 0", 2);
	assert_int_equal(disk_mount(0), 0);
	g = t_open("/m/hole", O_CREAT | O_RDWR, 0);
	set_size("/m/hole", 16 * PAGE_SIZE);
	f = fill("/m/secret", 'S', MANY);
	assert_int_equal(file_sync(f), 0);
	set_size("/m/secret", file_size(f) - k * 1024);
	assert_int_equal(fs_sync(NULL), 0);
	for (i = 0; put(g, i * PAGE_SIZE, 'N', PAGE_SIZE) > 0; i++)
		;
	assert_int_equal(strange(g, i, 0), 0);
	file_put(f);
	file_put(g);
	leave();
}

/* A page that gets only some of its blocks gets none. */
static void
half_extended(void **state)
{
	unsigned k;

	for (k = 1; k < 12; k++)
		sparse_until_full(k);
}

/*
 * A page is dirty with one block; the disk is full but for some.  What write(2)
 * takes is written back.
 */
static void
grow_until_full(unsigned k)
{
	struct file *f, *g;
	ssize_t n;

	image_make("-b 1024 -m 0", 2);
	assert_int_equal(disk_mount(0), 0);
	f = t_open("/m/f", O_CREAT | O_RDWR, 0);
	assert_int_equal(put(f, 0, 'F', 1), 1);
	g = t_open("/m/g", O_CREAT | O_RDWR, 0);
	if (k != 0)
		assert_int_equal(put(g, 0, 'G', k * 1024), k * 1024);
	file_put(g);
	g = fill("/m/g", 'G', PAGE_SIZE);
	n = put(f, 1, 'F', 4000);
	assert_true(n == 4000 || n == -ENOSPC);
	assert_int_equal(file_sync(f), 0);
	file_put(f);
	file_put(g);
	leave();
}

static void
dirty_page_grows(void **state)
{
	unsigned k;

	for (k = 0; k < 8; k++)
		grow_until_full(k);
}

/* A space with the first page of f, shared. */
static struct aspace *
map_page(struct file *f)
{
	struct map_args a = { .addr = MAPPED, .len = PAGE_SIZE,
		.prot = PROT_R | PROT_W, .maxprot = PROT_R | PROT_W,
		.flags = MAP_SHARED | MAP_FIXED, .vmo = file_vmo(f) };
	struct aspace *as = NULL;
	va_t va;

	assert_int_equal(as_create(NULL, &as), 0);
	as_attach_user(as);
	assert_int_equal(map_mmap(as, &a, &va), 0);
	return as;
}

/*
 * The same by stores: the page is mapped for writing when its file grows.  k
 * blocks are free: the store behind the old end has three to get.
 *
 * Returns:  what the store did.
 */
static int
store_until_full(unsigned k)
{
	uint64_t words[2] = { 0 };
	struct aspace *as;
	struct file *f, *g;
	int r;

	image_make("-b 1024 -m 0", 2);
	assert_int_equal(disk_mount(0), 0);
	g = fill("/m/g", 'G', 1024);
	set_size("/m/g", file_size(g) - (k + 1) * 1024);
	f = t_open("/m/f", O_CREAT | O_RDWR, 0);
	set_size("/m/f", 8);
	as = map_page(f);
	assert_int_equal(host_store(as, MAPPED, 'A'), 0);
	set_size("/m/f", PAGE_SIZE);
	r = host_store(as, MAPPED + 3072, 'B');
	as_detach_user(as);
	as_put(as);
	assert_int_equal(file_sync(f), 0);
	vmo_drop_clean(file_vmo(f));
	assert_int_equal(file_pread_kernel(f, 0, words, 8), 8);
	assert_int_equal(file_pread_kernel(f, 3072, words + 1, 8), 8);
	assert_int_equal(words[0], 'A');
	assert_int_equal(words[1], r == 0 ? 'B' : 0);
	file_put(f);
	file_put(g);
	leave();
	return r;
}

static void
mapped_page_grows(void **state)
{
	unsigned k;

	for (k = 0; k < 6; k++)
		assert_int_equal(store_until_full(k), k < 3 ? -EFAULT : 0);
}

static void
mount_with_file(struct file **f, uint64_t bytes)
{
	image_make("-b 1024 -m 0", 2);
	assert_int_equal(disk_mount(0), 0);
	*f = t_open("/m/f", O_CREAT | O_RDWR, 0);
	assert_int_equal(put(*f, 0, 'F', bytes), bytes);
	assert_int_equal(fs_sync(NULL), 0);
}

/* The write of a page that has been cut inside leaves its old blocks alone. */
static void
cut_before_out(void **state)
{
	uint8_t *disk_bytes;
	struct vm_page *pg;
	uint32_t blk, n;
	struct file *f;
	struct vmo *vmo;
	uint64_t i;

	mount_with_file(&f, PAGE_SIZE);
	vmo = f->vn->vmo;
	assert_int_equal(bmap_run(ext2_inode_of(f->vn), 1, 1, &blk, &n), 0);
	assert_int_equal(vmo_resize(vmo, 1024), 0);
	assert_int_equal(cache_page(vmo, 0, &pg), 0);
	assert_int_equal(vmo->pager->out(vmo->v.obj, 0, &pg, 1), 0);
	cache_unpin(pg, PAGE_CLEAN);
	disk_bytes = host_disk_bytes(&i);
	for (i = 0; i < 1024; i++)
		assert_int_equal(disk_bytes[blk * 1024 + i], 'F');
	set_size("/m/f", 0);
	file_put(f);
	leave();
}

/* The block of numbers cannot be read: fallocate says that there is no hole. */
static void
punch_error(void **state)
{
	struct ext2_fs *fs;
	struct file *f;

	mount_with_file(&f, 16 * PAGE_SIZE);
	fs = ext2_inode_of(f->vn)->fs;
	vmo_drop_clean(f->vn->vmo);
	vmo_drop_clean(fs->meta);
	host_disk_fail_next(1);
	assert_int_equal(file_fallocate(f, 3 /* PUNCH_HOLE, KEEP_SIZE */,
	    5 * PAGE_SIZE, PAGE_SIZE), -EIO);
	host_disk_fail_next(0);
	assert_int_equal(strange(f, 5, 'F'), 0);
	file_put(f);
	leave();
}

/* ---- cuts that fail ---- */

/* A file is cut, but its map, or that of free blocks, cannot be read. */
static void
cut_on_bad_disk(bool map)
{
	struct ext2_inode *ip;
	struct ext2_fs *fs;
	struct file *f;
	uint32_t blk;

	mount_with_file(&f, MANY);
	ip = ext2_inode_of(f->vn);
	fs = ip->fs;
	blk = map ? ip->block[EXT2_NDIRECT] : fs->groups[0].block_bitmap;
	vmo_drop_clean(f->vn->vmo);
	vmo_drop_clean(fs->meta);
	file_put(f);
	host_disk_fail(blk * 2, 2);
	assert_int_equal(try_size("/m/f", 0), -EIO);
}

/* What the cut has left goes before the file grows: it shows zeros. */
static void
cut_is_made_up_for(bool map)
{
	struct file *f;
	uint64_t i;

	cut_on_bad_disk(map);
	f = t_open("/m/f", O_RDWR, 0);
	assert_int_equal(file_size(f), 0);
	assert_int_equal(try_size("/m/f", 0), -EIO);
	assert_int_equal(try_size("/m/f", MANY), -EIO);
	assert_int_equal(put(f, 100000, 'G', 1), -EIO);
	assert_int_equal(file_size(f), 0);
	host_disk_fail(0, 0);
	assert_int_equal(put(f, MANY - 1, 0, 1), 1);
	for (i = 0; i < MANY / PAGE_SIZE; i++)
		assert_int_equal(strange(f, i, 0), 0);
	file_put(f);
	leave();
}

static int
remount_readonly(void)
{
	struct path_at p = at("/m");

	return fs_mount(NULL, &p, NULL, MS_REMOUNT | MS_RDONLY, NULL);
}

static void
cuts_that_fail(void **state)
{
	cut_is_made_up_for(true);
	cut_is_made_up_for(false);
}

/* Nor does it go with the mount: the disk is not called clean then. */
static void
cuts_are_not_forgotten(void **state)
{
	uint64_t n;

	cut_on_bad_disk(true);
	assert_int_equal(remount_readonly(), -EIO);
	host_disk_fail(0, 0);
	assert_int_equal(remount_readonly(), 0);
	leave();
	cut_on_bad_disk(true);
	host_disk_fail(0, 0);
	leave();
	cut_on_bad_disk(true);
	assert_int_equal(disk_umount(), 0);
	host_disk_fail(0, 0);
	assert_int_equal(host_disk_bytes(&n)[EXT2_SB_OFFSET + 58] &
	    EXT2_HAS_ERRORS, EXT2_HAS_ERRORS);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(half_extended),
		cmocka_unit_test(dirty_page_grows),
		cmocka_unit_test(mapped_page_grows),
		cmocka_unit_test(cut_before_out),
		cmocka_unit_test(punch_error),
		cmocka_unit_test(cuts_that_fail),
		cmocka_unit_test(cuts_are_not_forgotten),
	};

	return model_run(argc, argv, tests, ARRAY_LEN(tests));
}
