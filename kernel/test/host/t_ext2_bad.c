/* NEEDS: KIND=exact */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_ext2_bad.c: ext2 over damaged images and bad disks
 *
 * Problem   No image, whatever is in it, and no sector that fails may do harm.
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

#include "fs/ext2/ext2.h"
#include "test/host/ext2_model.h"
#include "test/progs/lib/hostile.h"

struct names {
	struct dirsink sink;
	char name[40][48];
	unsigned n;
};

static int
names_emit(struct dirsink *s, const struct dirsink_entry *e)
{
	struct names *n = (struct names *)s;

	if (n->n == 40)
		return 1;
	snprintf(n->name[n->n++], 48, "%.*s", (int)MIN(e->len, 47ul), e->name);
	return 0;
}

/* Look at, read, change and perhaps remove all that is below a path. */
static void
maul(const char *path, unsigned depth)
{
	static uint8_t buf[70000];
	struct names *n = calloc(1, sizeof(*n));
	struct path_at p = at(path);
	struct kattr a = { .valid = ATTR_SIZE };
	struct kstat st;
	struct file *f;
	struct uio u;
	char child[400];
	unsigned i;
	int r;

	n->sink.emit = names_emit;
	p.flags = AT_SYMLINK_NOFOLLOW;
	r = fs_stat(&p, &st);
	p.flags = 0;
	if (r == 0 && st.mode / 0x1000 == S_IFLNK / 0x1000)
		(void)!fs_readlink(&p, (char *)buf, 100);
	else if (r == 0 && S_ISDIR(st.mode) && depth < 5 &&
	    fs_open(&p, O_RDONLY, 0, &f) == 0) {
		(void)!file_readdir(f, &n->sink);
		file_put(f);
		for (i = 0; i < n->n; i++) {
			if (strcmp(n->name[i], ".") == 0 ||
			    strcmp(n->name[i], "..") == 0)
				continue;
			snprintf(child, sizeof(child), "%s/%s", path, n->name[i]);
			maul(child, depth + 1);
		}
		snprintf(child, sizeof(child), "%s/new", path);
		p = at(child);
		(void)!fs_mknod(&p, S_IFREG | 0644, 0);
		p = (struct path_at){ .path = path, .flags = AT_REMOVEDIR };
		if (host_random(3) == 0)
			(void)!fs_unlink(&p);
	} else if (r == 0 && (st.mode & S_IFMT) == S_IFREG &&
	    fs_open(&p, O_RDWR, 0, &f) == 0) {
		(void)!file_pread_kernel(f, 0, buf, sizeof(buf));
		uio_init_kernel(&u, buf, 3000);
		(void)!file_pwrite(f, host_random(100000), &u);
		if (host_random(4) == 0)
			(void)!file_sync(f);
		file_put(f);
		a.size = host_random(50000);
		if (host_random(2) == 0)
			(void)!fs_setattr(&p, &a);
		if (host_random(3) == 0)
			(void)!fs_unlink(&p);
	}
	free(n);
}

/* Bytes of metadata: the first blocks, which hold all small structures. */
static void
mutate(unsigned meta_bytes)
{
	uint64_t n, at_byte;
	uint8_t *b = host_disk_bytes(&n);
	unsigned k = 1 + (unsigned)host_random(12);

	while (k-- != 0) {
		at_byte = host_random(6) == 0 ? 1024 + host_random(400) :
		    1024 + host_random(meta_bytes);
		switch (host_random(4)) {
		case 0:
			b[at_byte] ^= (uint8_t)(1u << host_random(8));
			break;
		case 1:
			b[at_byte] = (uint8_t)host_random(256);
			break;
		case 2:
			*(uint32_t *)(b + (at_byte & ~3ul)) =
			    (uint32_t)host_random(n / 1024 + 2);
			break;
		case 3:
			*(uint32_t *)(b + (at_byte & ~3ul)) = (uint32_t)
			    host_random(1ul << 32);
			break;
		}
	}
}

/* A small one with files, which image_load() brings again. */
static void
used_disk(void)
{
	image_make("-b 1024 -N 64", 2);
	assert_int_equal(disk_mount(0), 0);
	ops_random(400);
	assert_int_equal(disk_umount(), 0);
	model_clear();
	image_save();
}

static void
damaged(void **state)
{
	unsigned k, mounted = 0;
	int r;

	used_disk();
	for (k = 0; k < 1500; k++) {
		image_load();
		mutate(60000);
		r = disk_mount(0);
		if (r != 0)
			continue;
		mounted++;
		maul("/m", 0);
		maul("/m", 0);
		assert_int_equal(disk_umount(), 0);
	}
	printf("damaged: %u of %u mounted\n", mounted, k);
	assert_true(mounted > 300);
}

/* Images whose parts contradict each other. */
static void
hostile(void **state)
{
	unsigned k, mounted = 0, n = 42 * 6;
	uint64_t bytes;
	uint8_t *image;

	used_disk();
	for (k = 0; k < n; k++) {
		image_load();
		image = host_disk_bytes(&bytes);
		assert_non_null(hostile_make(image, (uint32_t)bytes, k));
		if (disk_mount(0) != 0)
			continue;
		mounted++;
		maul("/m", 0);
		maul("/m", 0);
		assert_int_equal(disk_umount(), 0);
	}
	printf("hostile: %u of %u mounted\n", mounted, n);
	assert_true(mounted > n / 2);
}

/* Sectors that cannot be read or written: errors, no harm. */
static void
bad_sectors(void **state)
{
	unsigned k;

	used_disk();
	for (k = 0; k < 300; k++) {
		image_load();
		host_disk_fail(host_random(4096), 1 + host_random(20));
		if (disk_mount(0) != 0)
			continue;
		maul("/m", 0);
		assert_int_equal(disk_umount(), 0);
	}
}

/*
 * Reads that fail while a commit gets its blocks: it fails, and the next one
 * has all of it.
 */
static void
commits_are_put_off(void **state)
{
	static const char *const options[] = { "-b 1024", "-b 4096 -I 128" };
	struct vmo *meta = blkfile_vmo(blk_find("hda"));
	unsigned i, k, failed = 0;

	for (i = 0; i < ARRAY_LEN(options); i++) {
		image_make(options[i], 8);
		assert_int_equal(disk_mount(0), 0);
		for (k = 0; k < 100; k++) {
			ops_random(12);
			vmo_drop_clean(meta);
			host_disk_fail_reads(1 + (unsigned)host_random(3));
			failed += fs_sync(NULL) != 0;
			host_disk_fail_reads(0);
			assert_int_equal(fs_sync(NULL), 0);
		}
		compare_all();
		assert_int_equal(disk_umount(), 0);
		disk_check();
		assert_int_equal(disk_mount(MS_RDONLY), 0);
		compare_all();
		assert_int_equal(disk_umount(), 0);
		model_clear();
	}
	printf("%u commits were put off\n", failed);
	assert_true(failed > 50);
}

/* Names that the model does not know: .k comes, .k-1 goes. */
static void
names_change(unsigned k)
{
	struct path_at p;
	char name[32];

	snprintf(name, sizeof(name), "/m/.%u", k - 1);
	p = (struct path_at){ .path = name };
	assert_int_equal(fs_unlink(&p), k == 0 ? -ENOENT : 0);
	snprintf(name, sizeof(name), "/m/.%u", k);
	p = at(name);
	assert_int_equal(fs_mknod(&p, S_IFREG | 0644, 0), 0);
}

/*
 * Writes and FLUSHes of commits that fail now and then, up to three in a row: the
 * commit goes on, and nobody hears of it.  One that always fails ends the writing.
 */
static void
commits_try_again(void **state)
{
	static const char *const options[] = { "-b 1024", "-b 4096 -I 128" };
	unsigned i, k;

	for (i = 0; i < ARRAY_LEN(options); i++) {
		image_make(options[i], 8);
		assert_int_equal(disk_mount(0), 0);
		for (k = 0; k < 100; k++) {
			ops_random(12);
			assert_int_equal(fs_sync(NULL), 0);
			names_change(k);
			host_disk_fail_commits((unsigned)host_random(12),
			    1 + (unsigned)host_random(3));
			assert_int_equal(fs_sync(NULL), 0);
			host_disk_fail_commits(0, 0);
		}
		compare_all();
		host_disk_fail_commits(0, 0);
		assert_int_equal(disk_umount(), 0);
		disk_check();
		model_clear();
	}
	image_make(options[0], 8);
	assert_int_equal(disk_mount(0), 0);
	names_change(0);
	host_disk_fail_commits(0, 1000000);
	assert_int_not_equal(fs_sync(NULL), 0);
	host_disk_fail_commits(0, 0);
	assert_int_equal(fs_sync(NULL), -EIO);
	assert_int_equal(disk_umount(), 0);
	model_clear();
}

/* The same, of pages of files: no sync and no fsync is told. */
static void
page_writes_try_again(void **state)
{
	unsigned k;

	image_make("-b 1024", 8);
	assert_int_equal(disk_mount(0), 0);
	for (k = 0; k < 100; k++) {
		ops_random(12);
		host_disk_fail_commits((unsigned)host_random(12),
		    1 + (unsigned)host_random(3));
		assert_int_equal(fs_sync(NULL), 0);
		host_disk_fail_commits(0, 0);
	}
	compare_all();
	assert_int_equal(disk_umount(), 0);
	disk_check();
	model_clear();
}

static void
make_filled(const char *path, unsigned bytes)
{
	static uint8_t buf[60000];
	struct path_at p = at(path);
	struct file *f;
	struct uio u;

	assert_true(bytes <= sizeof(buf));
	assert_int_equal(fs_open(&p, O_RDWR | O_CREAT | O_EXCL, 0644, &f), 0);
	uio_init_kernel(&u, buf, bytes);
	assert_int_equal(file_pwrite(f, 0, &u), bytes);
	assert_int_equal(file_sync(f), 0);
	file_put(f);
}

/* The bitmap of a group cannot be read: what would lie there goes to the others. */
static void
lost_bitmaps_are_left_out(void **state)
{
	struct path_at p;
	struct ext2_fs *fs;
	struct ext2_group *gp;
	struct file *f;
	char name[32];
	unsigned k, i;

	for (k = 0; k < 2; k++) {
		image_make("-b 4096 -g 2048", 32);
		assert_int_equal(disk_mount(0), 0);
		p = at("/m/d");
		assert_int_equal(fs_mknod(&p, S_IFDIR | 0755, 0), 0);
		assert_int_equal(fs_sync(NULL), 0);
		assert_int_equal(fs_open(&p, O_RDONLY, 0, &f), 0);
		fs = ext2_inode_of(f->vn)->fs;
		gp = &fs->groups[(f->vn->ino - 1) / fs->sb.inodes_per_group];
		file_put(f);
		vmo_drop_clean(fs->meta);
		host_disk_fail(8ul * (k == 0 ? gp->block_bitmap :
		    gp->inode_bitmap), 8);
		for (i = 0; i < 12; i++) {
			snprintf(name, sizeof(name), "/m/d/file%u", i);
			make_filled(name, 60000);
		}
		assert_int_equal(gp->blocks_lost, k == 0);
		assert_int_equal(gp->inodes_lost, k == 1);
		assert_int_equal(fs_sync(NULL), 0);
		host_disk_fail(0, 0);
		assert_int_equal(disk_umount(), 0);
		disk_check();
	}
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commits_are_put_off),
		cmocka_unit_test(commits_try_again),
		cmocka_unit_test(page_writes_try_again),
		cmocka_unit_test(lost_bitmaps_are_left_out),
		cmocka_unit_test(damaged),
		cmocka_unit_test(hostile),
		cmocka_unit_test(bad_sectors),
	};

	return model_run(argc, argv, tests, ARRAY_LEN(tests));
}
