/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * init.c: the room of files starts, and ends
 *
 * Problem   The first tree must be there before any path can be looked up; at the
 *           end of the machine all of them are written.
 *
 * Read next mount.c, initramfs.c.
 */
#include "fs/fsdat.h"
#include "fs/fsfn.h"

static void
make_dir(const char *path, unsigned mode)
{
	const struct path_at at = { .path = path };
	int r = fs_mknod(&at, S_IFDIR | mode, 0);

	if (r != 0 && r != -EEXIST)
		panic("fs: mkdir %s: error %d", path, -r);
}

static void
must_mount(const char *source, const char *path, const char *type,
    const char *data)
{
	const struct path_at at = { .path = path };
	int r = fs_mount(source, &at, type, 0, data);

	if (r != 0)
		panic("fs: mount %s: error %d", path, -r);
}

/*
 * The first tree: an empty tmpfs with /dev and /proc; the initramfs fills it.
 *
 * Context:  boot, a thread; panics without memory.
 */
void
fs_init(void)
{
	static const struct fstype *const own[] = { &tmpfs_type, &devfs_type,
		&procfs_type, &devpts_type };
	static const struct procfs_row rows[] = {
		{ "diskstats", 0444, .show = diskstats_show },
		{ "filesystems", 0444, .show = filesystems_show },
		{ "mounts", 0444, .next = mounts_next },
		{ "partitions", 0444, .show = partitions_show },
		{ "sys/fs/file-max", 0644, .get = files_max, .set = files_set_max },
		{ "sys/fs/file-nr", 0444, .show = files_show_nr },
		{ "sys/fs/epoll/max_user_watches", 0644,
		  .number = &user_max[USE_WATCHES] },
		{ "sys/fs/pipe-max-size", 0644, .number = &pipe_max_bytes,
		  .set = pipe_set_max_bytes },
		{ "sys/fs/pipe-user-pages-hard", 0644,
		  .number = &user_max[USE_PIPE_PAGES] },
		{ "sys/fs/pipe-user-pages-soft", 0644, .number = &pipe_soft },
	};
	struct mount *m = mount_make(&tmpfs_type, "rootfs", 0);
	unsigned i;

	for (i = 0; i < ARRAY_LEN(own); i++)
		fs_register(own[i]);
	if (m != NULL)
		mount_limits_default(m);
	if (m == NULL || tmpfs_type.mount(m) != 0 || mount_attach(m, NULL) != 0)
		panic("fs: no memory for the root");
	user_init();
	pipe_init();
	async_init();
	flock_init();
	devfs_init();
	kmsg_init();
	memfd_init();
	devpts_init();
	power_set_prepare(fs_shutdown);
	make_dir("/dev", 0755);
	make_dir("/proc", 0555);
	blk_walk(blkfile_add, NULL);
	must_mount("devtmpfs", "/dev", "devtmpfs", NULL);
	must_mount("tmpfs", "/dev/shm", "tmpfs", NULL);
	must_mount("devpts", "/dev/pts", "devpts", "gid=5,mode=0620");
	must_mount("proc", "/proc", "proc", NULL);
	procfs_register(rows, ARRAY_LEN(rows));
}

/* Locks: none held.  Context: thread; the caller ends the machine. */
void
fs_shutdown(void)
{
	mounts_shutdown();
	if (blkfiles_sync() != 0)
		klog("fs: not all could be written to the disks");
}
