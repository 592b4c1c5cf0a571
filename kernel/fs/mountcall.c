/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mountcall.c: mount and umount, as programs ask for them
 *
 * Problem   mount(2) makes a mount of a kind of file system, a place, flags and a
 *           text; the same call changes the flags of a mount.
 *
 * Rules     The kinds are registered at boot and only read then.
 *
 * Read next mount.c, mountopts.c, remount.c.
 */
#include "fs/fsdat.h"
#include "fs/fsfn.h"
#include "lib/string.h"

static struct {
	const struct fstype *type[FSTYPES_MAX];
	unsigned n;
} kinds;

/*
 * Make a kind of file system known to mount(2) and /proc/filesystems, for ever.
 *
 * Context:  boot.
 */
void
fs_register(const struct fstype *type)
{
	CHECK(kinds.n < FSTYPES_MAX);
	kinds.type[kinds.n++] = type;
}

/* The kind with this name, or NULL. */
const struct fstype *
fstype_find(const char *name)
{
	unsigned i;

	for (i = 0; i < kinds.n; i++)
		if (strcmp(kinds.type[i]->name, name) == 0)
			return kinds.type[i];
	return strcmp(name, "ramfs") == 0 ? &tmpfs_type : NULL;
}

/* Make a mount of a type and attach it at a directory; options are in data, those that
 * are not the type's own in struct mount_opts. */
static int
mount_new(const struct fstype *type, struct vnode *at, const char *source,
    unsigned flags, const char *data)
{
	struct mount_opts opts = { OPT_NONE, OPT_NONE, 0755, 0, 0 };
	struct mount *m = mount_make(type, source, flags);
	int r;

	if (m == NULL)
		return -ENOMEM;
	if (type == &tmpfs_type)
		opts.mode = S_ISVTX | 0777;
	r = type->options != NULL ? type->options(m, data) :
	    mount_opts_parse(&opts, data);
	m->root_mode = opts.mode;
	m->root_uid = opts.uid;
	m->root_gid = opts.gid;
	if (r == 0 && (type == &tmpfs_type || type == &devfs_type)) {
		mount_limits_default(m);
		r = mount_limits_set(m, &opts);
	}
	if (r == 0)
		r = type->mount(m);
	if (r != 0)
		goto undo_make;
	r = mount_attach(m, at);
	if (r != 0)
		goto undo_mount;
	return 0;

undo_mount:
	CHECK(type->unmount(m) == 0);
undo_make:
	mount_free(m);
	return r;
}

/*
 * MS_PRIVATE and its like make no mount: they say who hears of those made below
 * v.  Here nobody does, all are private; and so stays a private one that becomes
 * a slave.  0, -EINVAL (no root, two at once, or what is not provided).
 */
static int
mount_propagate(const struct vnode *v, unsigned flags)
{
	flags &= ~(MS_REC | MS_SILENT);
	if (v != v->mnt->root)
		return -EINVAL;
	return flags == MS_PRIVATE || flags == MS_SLAVE ? 0 : -EINVAL;
}

/* The devtmpfs that has just been mounted gets its nodes, or goes again. */
static int
mount_devices(const struct path_at *at)
{
	int r = devfs_populate(at);

	if (r != 0 && fs_umount(at) != 0)
		klog("devtmpfs: %s lacks devices: error %d", at->path, -r);
	return r;
}

/*
 * mount(2): type is tmpfs, devtmpfs, devpts, proc, ext2.
 *
 * Locks:    none held.
 * Returns:  0, -EPERM, -ENODEV (unknown type), -ENOTDIR, -EBUSY, -EINVAL;
 *           MS_REMOUNT: as mount_remount().
 */
int
fs_mount(const char *source, const struct path_at *at, const char *type,
    unsigned flags, const char *data)
{
	const struct fstype *t = type == NULL ? NULL : fstype_find(type);
	struct walk w = { 0 };
	int r;

	if ((flags & MS_MAGIC_MASK) == MS_MAGIC)
		flags &= ~MS_MAGIC_MASK;
	r = walk_path(&w, at, 0);
	if (r != 0)
		return r;
	if (!fs_may(CAP_SYS_ADMIN))
		r = -EPERM;
	else if ((flags & MS_REMOUNT) != 0 && (flags & MS_BIND) == 0)
		r = mount_remount_data(w.vn, flags, data);
	else if ((flags & MS_BIND) != 0)
		r = -EINVAL;
	else if ((flags & MS_PROPAGATION) != 0)
		r = mount_propagate(w.vn, flags);
	else if ((flags & MS_MOVE) != 0)
		r = -EINVAL;
	else if (t == NULL)
		r = type == NULL ? -EINVAL : -ENODEV;
	else if (w.vn->type != S_IFDIR)
		r = -ENOTDIR;
	else
		r = mount_new(t, w.vn, source, flags, data);
	walk_end(&w);
	if (r == 0 && t == &devfs_type &&
	    (flags & (MS_REMOUNT | MS_BIND | MS_PROPAGATION | MS_MOVE)) == 0)
		r = mount_devices(at);
	return r;
}

/*
 * umount(2).  AT_SYMLINK_NOFOLLOW in at->flags: no link at the end of the path.
 *
 * Returns:  0, -EPERM, -EINVAL (no mount), -EBUSY (in use, or the first root).
 */
int
fs_umount(const struct path_at *at)
{
	struct walk w = { 0 };
	uint64_t dev;
	int r;

	r = walk_path(&w, at, (at->flags & AT_SYMLINK_NOFOLLOW) != 0 ?
	    WALK_NOFOLLOW : 0);
	if (r != 0)
		return r;
	if (!fs_may(CAP_SYS_ADMIN)) {
		walk_end(&w);
		return -EPERM;
	}
	w.vn = mount_cross(w.vn);
	dev = w.vn == w.vn->mnt->root ? w.vn->mnt->dev : 0;
	walk_end(&w);
	/* Our references are gone: now only those count that make it busy. */
	return mount_remove(dev);
}

/* /proc/filesystems. */
void
filesystems_show(struct out *out)
{
	unsigned i;

	for (i = 0; i < kinds.n; i++)
		out_printf(out, "%s\t%s\n", kinds.type[i]->sync == NULL ?
		    "nodev" : "", kinds.type[i]->name);
}
