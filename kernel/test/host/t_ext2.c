/* NEEDS: KIND=exact */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_ext2.c: ext2 over images of mke2fs: against a model, against e2fsck
 *
 * Problem   What is written must be read, by us and by others: the same bytes
 *           after another mount, and an image that e2fsck calls clean.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "test/host/ext2_model.h"

#include "fs/ext2/ext2.h"

/* ---- against the model ---- */

static void
model_on(const char *options, unsigned mib)
{
	image_make(options, mib);
	assert_int_equal(disk_mount(0), 0);
	ops_random(3000);
	compare_all();
	assert_int_equal(disk_umount(), 0);
	disk_check();
	assert_int_equal(disk_mount(MS_RDONLY), 0);
	compare_all();
	assert_int_equal(disk_umount(), 0);
	model_clear();
}

static void
model_1k(void **state)
{
	model_on("-b 1024 -I 128", 12);
}

static void
model_2k(void **state)
{
	model_on("-b 2048 -O ^resize_inode", 16);
}

static void
model_4k(void **state)
{
	model_on("-b 4096", 24);
}

static void
model_rev0(void **state)
{
	model_on("-r 0 -b 1024 -g 1024", 12);
}

/* Each allocation of each call fails once: nothing is half done. */
static void
model_without_memory(void **state)
{
	model_scarce(FI_SLAB, true);
	model_on("-b 1024 -I 128", 12);
	model_scarce(FI_FRAME, true);
	model_on("-b 4096", 24);
	model_scarce(FI_FRAME, false);
}

/* ---- links, devices, attributes, many names ---- */

static void
kinds_of_files(void **state)
{
	static const char text[] = "0123456789012345678901234567890123456789"
	    "01234567890123456789012345678901234567890123456789";
	struct path_at p;
	struct kstat st;
	char path[64], buf[200];
	unsigned i;

	image_make("-b 1024", 8);
	assert_int_equal(disk_mount(0), 0);
	for (i = 1; i < 90; i++) {
		snprintf(buf, sizeof(buf), "%.*s", (int)i, text);
		snprintf(path, sizeof(path), "/m/l%u", i);
		p = at(path);
		assert_int_equal(fs_symlink(buf, &p), 0);
	}
	p = at("/m/null");
	assert_int_equal(fs_mknod(&p, S_IFCHR | 0666, dev_make(1, 3)), 0);
	p = at("/m/big");
	assert_int_equal(fs_mknod(&p, S_IFBLK | 0600, dev_make(259, 70000)), 0);
	p = at("/m/fifo");
	assert_int_equal(fs_mknod(&p, S_IFIFO | 0640, 0), 0);
	for (i = 0; i < 300; i++) {
		snprintf(path, sizeof(path), "/m/name-number-%u", i);
		p = at(path);
		assert_int_equal(fs_mknod(&p, S_IFREG | 0600, 0), 0);
	}
	assert_int_equal(disk_umount(), 0);
	disk_check();
	assert_int_equal(disk_mount(0), 0);
	for (i = 1; i < 90; i++) {
		snprintf(path, sizeof(path), "/m/l%u", i);
		p = at(path);
		assert_int_equal(fs_readlink(&p, buf, sizeof(buf)), i);
		assert_memory_equal(buf, text, i);
	}
	p = at("/m/big");
	assert_int_equal(fs_stat(&p, &st), 0);
	assert_int_equal(st.rdev, dev_make(259, 70000));
	p = at("/m/fifo");
	assert_int_equal(fs_stat(&p, &st), 0);
	assert_int_equal(st.mode, S_IFIFO | 0640);
	for (i = 0; i < 300; i++) {
		snprintf(path, sizeof(path), "/m/name-number-%u", i);
		p = at(path);
		assert_int_equal(fs_unlink(&p), 0);
	}
	assert_int_equal(disk_umount(), 0);
	disk_check();
}

static unsigned
nlink_of(const char *path)
{
	struct path_at p = at(path);
	struct kstat st;

	assert_int_equal(fs_stat(&p, &st), 0);
	return st.nlink;
}

static int
t_rename(const char *from, const char *to)
{
	struct path_at p = at(from), q = at(to);

	return fs_rename(&p, &q, 0);
}

static void
directories_move(void **state)
{
	static const char *const dirs[] = { "/m/a", "/m/b", "/m/a/d",
		"/m/a/d/e", "/m/b/empty", "/m/c" };
	struct path_at p;
	unsigned i;

	image_make("-b 1024", 8);
	assert_int_equal(disk_mount(0), 0);
	for (i = 0; i < ARRAY_LEN(dirs); i++) {
		p = at(dirs[i]);
		assert_int_equal(fs_mknod(&p, S_IFDIR | 0755, 0), 0);
	}
	p = at("/m/a/d/e/f");
	assert_int_equal(fs_mknod(&p, S_IFREG | 0644, 0), 0);
	assert_int_equal(t_rename("/m/a/d", "/m/a/d/e/x"), -EINVAL);
	assert_int_equal(t_rename("/m/a/d", "/m/b/d"), 0);
	assert_int_equal(nlink_of("/m/a"), 2);
	assert_int_equal(nlink_of("/m/b"), 4);
	assert_int_equal(t_rename("/m/b/d", "/m/b/empty"), 0);
	assert_int_equal(nlink_of("/m/b"), 3);
	assert_int_equal(fs_sync(NULL), 0);
	assert_int_equal(t_rename("/m/c", "/m/b/empty"), -ENOTEMPTY);
	assert_int_equal(t_rename("/m/b/empty", "/m/c"), 0);
	assert_int_equal(t_rename("/m/c", "/m/name_that_is_longer"), 0);
	assert_int_equal(nlink_of("/m/name_that_is_longer"), 3);
	p = at("/m/name_that_is_longer/e/../../name_that_is_longer/e/f");
	assert_int_equal(nlink_of(p.path), 1);
	assert_int_equal(disk_umount(), 0);
	disk_check();
}

/* One byte at each depth of the block map, and away with them. */
static void
far_offsets(void **state)
{
	static const uint64_t offs[] = { 0, 12287, 12288, 274431, 274432,
		67383295, 67383296, 1ul << 30, 17247250430ul, 0 };
	struct kattr a = { .valid = ATTR_SIZE };
	struct path_at p = at("/m/f");
	struct kstat st;
	struct file *f;
	struct uio u;
	char c = 'x';
	unsigned i;

	image_make("-b 1024", 8);
	assert_int_equal(disk_mount(0), 0);
	f = t_open("/m/f", O_CREAT | O_RDWR, 0);
	for (i = 0; i < ARRAY_LEN(offs) - 1; i++) {
		uio_init_kernel(&u, &c, 1);
		assert_int_equal(file_pwrite(f, offs[i], &u), 1);
	}
	uio_init_kernel(&u, &c, 1);
	assert_int_equal(file_pwrite(f, 1ul << 42, &u), -EFBIG);
	assert_int_equal(disk_umount(), -EBUSY);
	file_put(f);
	assert_int_equal(disk_umount(), 0);
	disk_check();
	assert_int_equal(disk_mount(0), 0);
	f = t_open("/m/f", O_RDONLY, 0);
	for (i = 0; i < ARRAY_LEN(offs) - 1; i++) {
		c = 0;
		assert_int_equal(file_pread_kernel(f, offs[i], &c, 1), 1);
		assert_int_equal(c, 'x');
	}
	file_put(f);
	for (i = ARRAY_LEN(offs) - 1; i-- != 0;) {
		a.size = offs[i];
		assert_int_equal(fs_setattr(&p, &a), 0);
	}
	assert_int_equal(fs_stat(&p, &st), 0);
	assert_int_equal(st.blocks, 0);
	assert_int_equal(disk_umount(), 0);
	disk_check();
}

/*
 * A fault holds a page while the file is cut and grows again: what it asks for
 * then may give no block, since nobody would write that block's old bytes.
 */
static void
cut_before_extend(void **state)
{
	struct kattr a = { .valid = ATTR_SIZE };
	struct path_at p = at("/m/f");
	struct vm_page *pg;
	struct vmo *vmo;
	struct kstat st;
	struct file *f;

	image_make("-b 1024", 2);
	assert_int_equal(disk_mount(0), 0);
	f = t_open("/m/f", O_CREAT | O_RDWR, 0);
	vmo = f->vn->vmo;
	for (a.size = 0; a.size <= 4 * PAGE_SIZE; a.size += 4 * PAGE_SIZE) {
		struct kattr whole = { .valid = ATTR_SIZE,
			.size = 4 * PAGE_SIZE };

		assert_int_equal(fs_setattr(&p, &whole), 0);
		assert_int_equal(cache_page(vmo, 3, &pg), 0);
		whole.size = 0;
		assert_int_equal(fs_setattr(&p, &whole), 0);
		assert_int_equal(fs_setattr(&p, &a), 0);
		assert_int_equal(vmo->pager->extend(vmo->v.obj, 3, pg), 0);
		cache_unpin(pg, PAGE_DIRTY);
		assert_int_equal(fs_stat(&p, &st), 0);
		assert_int_equal(st.blocks, 0);
	}
	file_put(f);
	assert_int_equal(disk_umount(), 0);
	disk_check();
}

/*
 * The second block of a directory cannot be read: no name, and no block behind
 * the end either.
 */
static void
directory_cannot_grow(void **state)
{
	char path[256] = "/m/";
	unsigned i;

	memset(path + 3, 'n', 200);
	image_make("-b 4096", 8);
	assert_int_equal(disk_mount(0), 0);
	/* The map of free blocks is read for it. */
	assert_int_equal(path_mkdir("/m/d"), 0);
	/* Nineteen of 208 bytes fit beside ".", "..", "lost+found" and "d". */
	for (i = 0; i < 20; i++) {
		path[3] = (char)('a' + i);
		host_disk_fail_reads(i == 19 ? 100 : 0);
		assert_int_equal(path_touch(path), i == 19 ? -EIO : 0);
	}
	host_disk_fail_reads(0);
	assert_int_equal(disk_umount(), 0);
	disk_check();
}

/* An open file without a name keeps its bytes; at its end they are free. */
static void
unlinked_open(void **state)
{
	struct path_at p = at("/m/f"), m = at("/m");
	struct kstatfs before, during, after;
	char buf[5000] = "text";
	struct file *f;
	struct uio u;

	image_make("-b 1024", 8);
	assert_int_equal(disk_mount(0), 0);
	assert_int_equal(fs_statfs(&m, &before), 0);
	f = t_open("/m/f", O_CREAT | O_RDWR, 0);
	uio_init_kernel(&u, buf, sizeof(buf));
	assert_int_equal(file_write(f, &u), sizeof(buf));
	assert_int_equal(fs_unlink(&p), 0);
	assert_int_equal(fs_sync(NULL), 0);
	assert_int_equal(disk_umount(), -EBUSY);
	assert_int_equal(fs_statfs(&m, &during), 0);
	assert_true(during.bfree < before.bfree);
	uio_init_kernel(&u, buf, sizeof(buf));
	assert_int_equal(file_pwrite(f, 10000, &u), sizeof(buf));
	memset(buf, 0, 10);
	assert_int_equal(file_pread_kernel(f, 10000, buf, 4), 4);
	assert_memory_equal(buf, "text", 4);
	file_put(f);
	assert_int_equal(fs_statfs(&m, &after), 0);
	assert_int_equal(after.bfree, before.bfree);
	assert_int_equal(after.ffree, before.ffree);
	assert_int_equal(disk_umount(), 0);
	disk_check();
}

/* Inodes that nobody uses leave memory, as far as they may: they are too many. */
static void
inodes_leave(struct file *root)
{
	struct mount *m = root->vn->mnt;
	struct ext2_fs *fs = m->fs;
	struct phys_stat ps;
	char path[32];
	unsigned i;

	phys_stat(&ps);
	for (i = 0; i < 64; i++) {
		snprintf(path, sizeof(path), "/m/many%u", i);
		assert_int_equal(path_mkdir(path), 0);
	}
	for (i = 0; fs->ninodes <= ps.total / 8 + 100; i++) {
		snprintf(path, sizeof(path), "/m/many%u/%u", i % 64, i);
		assert_int_equal(path_touch(path), 0);
	}
	rw_lock_write(&m->tree);
	icache_trim(fs);
	rw_unlock_write(&m->tree);
}

/*
 * A name is removed in the second that its directory has on the disk already:
 * though nothing of that is to be written, it knows what it hides.
 */
static void
hidden_names_keep_a_directory(void **state)
{
	struct kstat before, after;
	struct file *root;

	image_make("-b 1024 -I 128 -N 4096", 16);
	assert_int_equal(disk_mount(0), 0);
	root = t_open("/m", O_RDONLY, 0);
	assert_int_equal(path_mkdir("/m/d"), 0);
	assert_int_equal(path_touch("/m/d/f"), 0);
	assert_int_equal(fs_sync(NULL), 0);
	assert_int_equal(path_stat("/m/d", &before), 0);
	assert_int_equal(path_unlink("/m/d/f"), 0);
	assert_int_equal(path_stat("/m/d", &after), 0);
	assert_int_equal(before.ctime.sec, after.ctime.sec);
	inodes_leave(root);
	assert_int_equal(fs_sync(NULL), 0);
	assert_int_equal(path_stat("/m/d/f", &after), -ENOENT);
	file_put(root);
	assert_int_equal(disk_umount(), 0);
	disk_check();
}

/* A file that is called by a name of a removed directory is written all the same. */
static void
stale_names_hold_nobody_back(void **state)
{
	const struct name n = { "f", 1 };
	struct file *dir, *f;

	image_make("-b 1024", 8);
	assert_int_equal(disk_mount(0), 0);
	assert_int_equal(path_mkdir("/m/p"), 0);
	assert_int_equal(path_touch("/m/p/f"), 0);
	dir = t_open("/m/p", O_RDONLY, 0);
	assert_int_equal(path_rename("/m/p/f", "/m/q"), 0);
	assert_int_equal(path_rmdir("/m/p"), 0);
	f = t_open("/m/q", O_RDONLY, 0);
	rw_lock_write(&f->vn->mnt->tree);
	vn_note_name(f->vn, dir->vn, &n);
	rw_unlock_write(&f->vn->mnt->tree);
	file_put(dir);
	assert_int_equal(file_sync(f), 0);
	assert_int_equal(ext2_inode_of(f->vn)->life, LIFE_LIVE);
	assert_int_equal(path_stat("/m/q", &(struct kstat){ 0 }), 0);
	file_put(f);
	assert_int_equal(disk_umount(), 0);
	disk_check();
}

static const char *const timed[] = { "/m/now", "/m/set", "/m/far", "/m/dir" };

static void
set_times(const char *path, int64_t a, int64_t m)
{
	const struct kattr t = { .valid = ATTR_ATIME | ATTR_MTIME,
		.atime = { a, 123456789 }, .mtime = { m, 987654321 } };
	struct path_at p = at(path);

	assert_int_equal(fs_setattr(&p, &t), 0);
}

static void
stat_all(struct kstat *st)
{
	unsigned i;

	for (i = 0; i < ARRAY_LEN(timed); i++)
		assert_int_equal(path_stat(timed[i], &st[i]), 0);
}

static void
times_on(const char *options, uint32_t nsec, int64_t last)
{
	struct kstat st[2][ARRAY_LEN(timed)];
	unsigned i;

	image_make(options, 8);
	assert_int_equal(disk_mount(0), 0);
	for (i = 0; i < 3; i++)
		assert_int_equal(path_touch(timed[i]), 0);
	assert_int_equal(path_mkdir("/m/dir"), 0);
	assert_int_equal(path_touch("/m/dir/f"), 0);
	set_times("/m/set", 1000, -1000);
	set_times("/m/far", -(1l << 40), 1l << 40);
	stat_all(st[0]);
	assert_int_equal(st[0][1].atime.nsec, nsec);
	assert_int_equal(st[0][2].atime.sec, INT32_MIN);
	assert_int_equal(st[0][2].mtime.sec, last);
	assert_int_equal(disk_umount(), 0);
	assert_int_equal(disk_mount(0), 0);
	stat_all(st[1]);
	for (i = 0; i < ARRAY_LEN(timed); i++) {
		assert_memory_equal(&st[0][i].atime, &st[1][i].atime, 12);
		assert_memory_equal(&st[0][i].mtime, &st[1][i].mtime, 12);
		assert_memory_equal(&st[0][i].ctime, &st[1][i].ctime, 12);
		assert_memory_equal(&st[0][i].btime, &st[1][i].btime, 12);
	}
	assert_int_equal(disk_umount(), 0);
	disk_check();
}

/* What stat shows is what the inode can keep: the same after another mount. */
static void
times_stay(void **state)
{
	times_on("-b 1024 -I 128", 0, INT32_MAX);
	times_on("-b 1024 -I 256", 123456789, (1l << 34) - (1l << 31) - 1);
}

static void
full_disk(void **state)
{
	static uint8_t buf[100000];
	struct path_at p = at("/m/f");
	struct file *f;
	struct uio u;
	ssize_t n;
	unsigned k;

	image_make("-b 1024 -m 0", 2);
	assert_int_equal(disk_mount(0), 0);
	for (k = 0; k < 5; k++) {
		f = t_open("/m/f", O_CREAT | O_RDWR, 0);
		do {
			uio_init_kernel(&u, buf, sizeof(buf));
			n = file_write(f, &u);
		} while (n > 0);
		assert_int_equal(n, -ENOSPC);
		assert_true(file_size(f) > 1500000);
		assert_int_equal(file_sync(f), 0);
		file_put(f);
		assert_int_equal(fs_unlink(&p), 0);
	}
	assert_int_equal(disk_umount(), 0);
	disk_check();
}

static void
refused(void **state)
{
	image_make("-b 1024 -O extents", 4);
	assert_int_equal(disk_mount(0), -EINVAL);
	image_make("-b 1024 -O has_journal", 8);
	assert_int_equal(disk_mount(0), 0);
	assert_int_equal(disk_umount(), 0);
	disk_check();
	image_make("-b 1024 -O huge_file", 4);
	assert_int_equal(disk_mount(0), 0);
	(void)t_open("/m/f", O_CREAT | O_RDWR, -EROFS);
	assert_int_equal(disk_umount(), 0);
	disk_check();
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kinds_of_files),
		cmocka_unit_test(directories_move),
		cmocka_unit_test(far_offsets),
		cmocka_unit_test(unlinked_open),
		cmocka_unit_test(full_disk),
		cmocka_unit_test(refused),
		cmocka_unit_test(model_1k),
		cmocka_unit_test(model_2k),
		cmocka_unit_test(model_4k),
		cmocka_unit_test(model_rev0),
		cmocka_unit_test(model_without_memory),
		cmocka_unit_test(cut_before_extend),
		cmocka_unit_test(directory_cannot_grow),
		cmocka_unit_test(times_stay),
		cmocka_unit_test(stale_names_hold_nobody_back),
		cmocka_unit_test(hidden_names_keep_a_directory),
	};

	return model_run(argc, argv, tests, ARRAY_LEN(tests));
}
