/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * diskroot.c: from the root in memory to the root on a disk
 *
 * Problem   The kernel starts with the initramfs as its root; files that are to
 *           be there at the next boot lie on a disk.
 *
 * Picture   rootfs /          ext2 /            ext2 /
 *             ├ dev ← devfs     ├ dev     ─→      ├ dev ← devfs
 *             └ proc ← proc     └ proc            └ proc ← proc     rootfs freed
 *
 * Rules     1. Runs before there is a process: nobody uses the old root.
 *           2. The two mount points are made when the disk has none.
 *
 * Read next mount.c.
 */
#include "fs/fsdat.h"
#include "fs/fsfn.h"
#include "lib/string.h"
#include "mem/mem.h"

#define ROOT_TYPE "ext2" /* of a disk that is the root */

static int root_dir(struct vnode *dir, const char *s, struct vnode **out);
static int mount_move(struct mount *old, struct mount *new, const char *name);

/*
 * Locks:    none held.
 * Context:  boot; on an error behind the mount itself the machine cannot go on.
 * Returns:  0, -ENODEV, -EINVAL, -EIO, -EROFS, -ENOMEM.
 */
int
fs_mount_root(const char *dev)
{
	struct vnode *root = mount_root();
	struct mount *old = root->mnt, *m;
	const struct fstype *type = fstype_find(ROOT_TYPE);
	char source[32];
	int r;

	vn_put(root);
	snprintf(source, sizeof(source), "%s%s", dev[0] == '/' ? "" : "/dev/",
	    dev);
	m = mount_make(type, source, 0);
	if (m == NULL)
		return -ENOMEM;
	r = type->mount(m);
	if (r != 0) {
		mount_free(m);
		return r;
	}
	r = mount_move(old, m, "dev");
	if (r == 0)
		r = mount_move(old, m, "proc");
	if (r == 0)
		mount_set_root(m);
	return r;
}

/* The directory called s in dir, made if it is missing. */
static int
root_dir(struct vnode *dir, const char *s, struct vnode **out)
{
	struct vn_new n = { .name = { s, strlen(s) }, .mode = S_IFDIR | 0755 };
	int r = dir_find(dir, &n.name, out);

	if (r != -ENOENT)
		return r;
	rw_lock_write(&dir->mnt->tree);
	r = dir->ops->create(dir, &n, out);
	rw_unlock_write(&dir->mnt->tree);
	return r;
}

/* The mount at name of the old root moves to the same name of the new one. */
static int
mount_move(struct mount *old, struct mount *new, const char *name)
{
	const struct name n = { name, strlen(name) };
	struct vnode *from, *to;
	int r = dir_find(old->root, &n, &from);

	if (r != 0)
		return r;
	r = root_dir(new->root, name, &to);
	if (r == 0) {
		names_hold();
		to->mounted = from->mounted;
		from->mounted = NULL;
		if (to->mounted != NULL)
			to->mounted->covered = to; /* takes our reference */
		names_drop();
		vn_put(from);
	}
	vn_put(from);
	return r;
}
