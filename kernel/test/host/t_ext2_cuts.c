/* NEEDS: SHORT=1 KIND=exact */
/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * t_ext2_cuts.c: ext2 through cuts of power
 *
 * Problem   After a cut of power e2fsck -p must repair the disk, and what was
 *           fsync'ed be there.
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

static void
cuts_on(const char *options)
{
	unsigned epochs, k, epoch;

	image_make(options, 8);
	assert_int_equal(disk_mount(0), 0);
	record_begin();
	ops_random(600);
	epochs = host_disk_epoch();
	record_end();
	assert_int_equal(disk_umount(), 0);
	disk_check();
	for (k = 0; k < host_rounds(60); k++) {
		epoch = (unsigned)host_random(epochs);
		image_cut(epoch);
		assert_int_equal(disk_mount(MS_RDONLY), 0);
		promises_check(epoch);
		assert_int_equal(disk_umount(), 0);
	}
	model_clear();
}

static void
power_cuts_1k(void **state)
{
	cuts_on("-b 1024");
}

static void
power_cuts_4k(void **state)
{
	cuts_on("-b 4096");
}

static struct file *other;

/* A page of the other file is written, behind what the FLUSH under way writes. */
static void
other_is_written(void)
{
	assert_int_equal(vmo_sync(other->vn->vmo, 0, UINT64_MAX), 0);
}

/*
 * Two files are synced at once: the FLUSH of the one does not write the page that
 * the other has sent meanwhile, so the other's fsync has its own.
 */
static void
flushes_are_not_shared(void **state)
{
	struct file *f;
	unsigned epoch;

	image_make("-b 1024", 8);
	assert_int_equal(disk_mount(0), 0);
	f = t_open("/m/f", O_CREAT | O_RDWR, 0);
	other = t_open("/m/g", O_CREAT | O_RDWR, 0);
	assert_int_equal(plain_write(f, "f", 1), 1);
	assert_int_equal(plain_write(other, "g", 1), 1);
	assert_int_equal(fs_sync(NULL), 0);
	assert_int_equal(plain_write(f, "F", 1), 1);
	assert_int_equal(plain_write(other, "G", 1), 1);
	host_disk_at_flush(other_is_written);
	assert_int_equal(file_sync(f), 0);
	epoch = host_disk_epoch();
	assert_int_equal(file_sync(other), 0);
	assert_true(host_disk_epoch() > epoch);
	file_put(f);
	file_put(other);
	assert_int_equal(disk_umount(), 0);
	disk_check();
}

#define FAR 1500u                 /* bytes that have a map each */

static void
far_bytes_make(struct file *f)
{
	struct uio u;
	char c = 'x';
	uint64_t i;

	for (i = 0; i < FAR; i++) {
		uio_init_kernel(&u, &c, 1);
		assert_int_equal(file_pwrite(f, i << 18, &u), 1);
	}
	assert_int_equal(file_sync(f), 0);
}

/* What waits for a commit has not grown by a block for each map. */
static void
little_waits(struct file *f)
{
	struct phys_stat ps;

	phys_stat(&ps);
	assert_true(ext2_inode_of(f->vn)->fs->nbufs < ps.total / 32 + 100);
	assert_true(ps.total / 32 + 100 < FAR);
}

/* A cut of power while the file was cut: each byte is there, zero, or cut off. */
static void
far_bytes_check(unsigned epoch)
{
	struct file *f;
	uint64_t i;
	char c;

	image_cut(epoch);
	assert_int_equal(disk_mount(0), 0);
	f = t_open("/m/f", O_RDWR, 0);
	for (i = 0; i < FAR; i++)
		if (file_pread_kernel(f, i << 18, &c, 1) == 1)
			assert_true(c == 'x' || c == 0);
	file_put(f);
	assert_int_equal(disk_umount(), 0);
}

/* A file of many maps is cut, gets a hole, is removed: commits come between. */
static void
long_files_end(void **state)
{
	struct kattr a = { .valid = ATTR_SIZE };
	struct path_at p = at("/m/f");
	unsigned epochs, i;
	struct file *f;

	image_make("-b 1024", 8);
	assert_int_equal(disk_mount(0), 0);
	f = t_open("/m/f", O_CREAT | O_RDWR, 0);
	far_bytes_make(f);
	record_begin();
	assert_int_equal(fs_setattr(&p, &a), 0);
	little_waits(f);
	assert_int_equal(fs_sync(NULL), 0);
	record_end();
	epochs = host_disk_epoch();
	far_bytes_make(f);
	assert_int_equal(file_fallocate(f, 3 /* PUNCH_HOLE, KEEP_SIZE */, 0,
	    (uint64_t)FAR << 18), 0);
	little_waits(f);
	far_bytes_make(f);
	other = t_open("/m/g", O_CREAT | O_RDWR, 0);
	file_put(f);
	assert_int_equal(path_unlink("/m/f"), 0);
	assert_int_equal(plain_write(other, "g", 1), 1);
	little_waits(other);
	file_put(other);
	assert_int_equal(disk_umount(), 0);
	disk_check();
	for (i = 0; i <= epochs; i += 4 / host_rounds(4))
		far_bytes_check(i);
}

/* Which of the two places has the directory, whole?  It is one of them. */
static unsigned
place_of(const char *const *place)
{
	static const uint8_t text[] = "in the directory that moves";
	char file[40], sub[40];
	struct kstat st;
	struct path_at p;
	unsigned i, found = 0, n = 0;

	for (i = 0; i < 2; i++) {
		p = at(place[i]);
		if (fs_stat(&p, &st) != 0)
			continue;
		snprintf(file, sizeof(file), "%s/f", place[i]);
		snprintf(sub, sizeof(sub), "%s/s/..", place[i]);
		assert_true(same_bytes(file, text, sizeof(text)));
		p = at(sub);
		assert_int_equal(fs_stat(&p, &st), 0);
		found = i;
		n++;
	}
	assert_int_equal(n, 1);
	return found;
}

static void
move_to_other(const char *const *place)
{
	unsigned i = place_of(place);
	struct path_at from = at(place[i]), to = at(place[1 - i]);

	assert_int_equal(fs_rename(&from, &to, 0), 0);
}

/*
 * A directory moves to and fro: after a cut at any time it is in one place,
 * and the disk, whose journal e2fsck may have left, is good for more.
 */
static void
moves_on(const char *options)
{
	static const char *const place[] = { "/m/a/d", "/m/b/c/with a name" };
	static const char *const dirs[] = { "/m/a", "/m/b", "/m/b/c", "/m/a/d",
		"/m/a/d/s" };
	uint8_t text[] = "in the directory that moves";
	unsigned i, epochs;
	struct path_at p;
	struct file *f;
	struct uio u;

	image_make(options, 8);
	assert_int_equal(disk_mount(0), 0);
	for (i = 0; i < ARRAY_LEN(dirs); i++) {
		p = at(dirs[i]);
		assert_int_equal(fs_mknod(&p, S_IFDIR | 0755, 0), 0);
	}
	f = t_open("/m/a/d/f", O_CREAT | O_RDWR, 0);
	uio_init_kernel(&u, text, sizeof(text));
	assert_int_equal(file_write(f, &u), sizeof(text));
	file_put(f);
	assert_int_equal(fs_sync(NULL), 0);
	record_begin();
	for (i = 0; i < 2; i++)
		move_to_other(place);
	record_end();
	epochs = host_disk_epoch();
	assert_int_equal(disk_umount(), 0);
	disk_check();
	for (i = 0; i < epochs; i += 4 / host_rounds(4)) {
		image_cut(i);
		assert_int_equal(disk_mount(0), 0);
		move_to_other(place);
		assert_int_equal(disk_umount(), 0);
		if (i % 4 == 0)
			disk_check();
	}
}

static void
moves_1k(void **state)
{
	moves_on("-b 1024");
}

static void
moves_4k(void **state)
{
	moves_on("-b 4096 -I 128");
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(power_cuts_1k),
		cmocka_unit_test(power_cuts_4k),
		cmocka_unit_test(flushes_are_not_shared),
		cmocka_unit_test(long_files_end),
		cmocka_unit_test(moves_1k),
		cmocka_unit_test(moves_4k),
	};

	return model_run(argc, argv, tests, ARRAY_LEN(tests));
}
