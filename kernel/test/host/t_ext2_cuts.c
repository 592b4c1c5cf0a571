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
	for (k = 0; k < 60; k++) {
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
	for (i = 0; i < epochs; i++) {
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
		cmocka_unit_test(moves_1k),
		cmocka_unit_test(moves_4k),
	};

	return model_run(argc, argv, tests, ARRAY_LEN(tests));
}
