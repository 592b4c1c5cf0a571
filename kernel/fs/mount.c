/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mount.c: which file system hangs where
 *
 * Problem   One tree of names is made of several file systems; a lookup must
 *           change from one to the next in both directions.
 *
 * Picture   covered vnode ──mounted──→ struct mount ──root──→ vnode
 *                         ←──covered──
 *           down: mount_cross(), up (dot-dot): mount_above()
 *
 * Rules     1. The two pointers change together under names_lock; mount and
 *              umount are one at a time by mounts.mutex.
 *           2. umount first says that the mount is ending, then looks whether
 *              anyone uses it.  Who would enter meanwhile waits for
 *              mounts.mutex: nobody can enter between the look and the end,
 *              and nobody misses a mount that stays.
 *
 * Read next namei.c, tmpfs.c.
 */
#include "fs/fsdat.h"
#include "fs/fsfn.h"
#include "lib/string.h"
#include "mem/mem.h"

static struct {
	struct mutex mutex;      /* [c] one mount or umount at a time */
	struct list all;         /* mutex; in order of mounting */
	uint32_t last_id;        /* [A] */
} mounts = {
	.mutex = MUTEX_INIT(mounts.mutex, LR_VNODE),
	.all = LIST_INIT(mounts.all),
};

/* The kinds of file system: filled at boot, by one thread, and only read then. */
static struct {
	const struct fstype *type[FSTYPES_MAX];
	unsigned n;
} kinds;

static int mount_attach(struct mount *m, struct vnode *covered);

static void
make_dir(const char *path, unsigned mode)
{
	const struct path_at at = { NULL, path, 0 };
	int r = fs_mknod(&at, S_IFDIR | mode, 0);

	if (r != 0 && r != -EEXIST)
		panic("fs: mkdir %s: error %d", path, -r);
}

static void
must_mount(const char *source, const char *path, const char *type)
{
	const struct path_at at = { NULL, path, 0 };
	int r = fs_mount(source, &at, type, 0, NULL);

	if (r != 0)
		panic("fs: mount %s: error %d", path, -r);
}

static void filesystems_show(struct out *out);

/*
 * The first tree: an empty tmpfs with /dev and /proc; the initramfs fills it.
 *
 * Context:  boot, a thread; panics without memory.
 */
void
fs_init(void)
{
	static const struct fstype *const own[] = { &tmpfs_type, &devfs_type,
		&procfs_type };
	static const struct procfs_row rows[] = {
		{ "diskstats", 0444, .show = diskstats_show },
		{ "filesystems", 0444, .show = filesystems_show },
		{ "mounts", 0444, .next = mounts_next },
		{ "partitions", 0444, .show = partitions_show },
		{ "sys/fs/file-max", 0644, .show = files_show_max,
		  .write = files_write_max },
		{ "sys/fs/file-nr", 0444, .show = files_show_nr },
		{ "sys/fs/pipe-max-size", 0644, .show = pipe_show_max,
		  .write = pipe_write_max },
		{ "sys/fs/pipe-user-pages-hard", 0644, .show = pipe_show_hard,
		  .write = pipe_write_hard },
		{ "sys/fs/pipe-user-pages-soft", 0644, .show = pipe_show_soft,
		  .write = pipe_write_soft },
	};
	struct mount *m = mount_make(&tmpfs_type, "rootfs", 0);
	unsigned i;

	for (i = 0; i < ARRAY_LEN(own); i++)
		fs_register(own[i]);
	if (m != NULL)
		mount_limits_default(m);
	if (m == NULL || tmpfs_type.mount(m) != 0 || mount_attach(m, NULL) != 0)
		panic("fs: no memory for the root");
	pipe_init();
	flock_init();
	devfs_init();
	memfd_init();
	power_set_prepare(fs_shutdown);
	make_dir("/dev", 0755);
	make_dir("/proc", 0555);
	blk_walk(blkfile_add, NULL);
	must_mount("devtmpfs", "/dev", "devtmpfs");
	must_mount("tmpfs", "/dev/shm", "tmpfs");
	must_mount("proc", "/proc", "proc");
	procfs_register(rows, ARRAY_LEN(rows));
}

/* The first root with a reference; it never changes. */
struct vnode *
mount_root(void)
{
	struct mount *m = LIST_ENTRY(mounts.all.head.next, struct mount, all);

	vn_get(m->root);
	return m->root;
}

/*
 * The root of what is mounted on v, with a reference.  NULL: nothing, or it is
 * ending; then *ending.
 */
static struct vnode *
mounted_root(const struct vnode *v, bool *ending)
{
	struct vnode *root = NULL;

	names_hold();
	*ending = v->mounted != NULL && v->mounted->ending;
	if (v->mounted != NULL && !*ending) {
		root = v->mounted->root;
		vn_get(root);
	}
	names_drop();
	return root;
}

/*
 * What one sees at v: itself, or the root of the file system mounted on it.
 *
 * Locks:    none of LR_VNODE; may take mounts.mutex and drop it (rule 2).
 * Owns:     the reference moves from v to the result.
 */
struct vnode *
mount_cross(struct vnode *v)
{
	struct vnode *root;
	bool ending;

	while (atomic_load(&v->mounted) != NULL) {
		root = mounted_root(v, &ending);
		if (ending) {
			mutex_lock(&mounts.mutex);
			mutex_unlock(&mounts.mutex);
			continue;
		}
		if (root == NULL)
			break;
		vn_put(v);
		v = root;
	}
	return v;
}

/*
 * The place at which v is mounted, or v itself when it is not a root.
 *
 * Owns:     the reference moves from v to the result.
 */
struct vnode *
mount_above(struct vnode *v)
{
	struct vnode *covered;

	while (v == v->mnt->root) {
		names_hold();
		covered = v->mnt->covered;
		if (covered != NULL)
			vn_get(covered);
		names_drop();
		if (covered == NULL)
			break;
		vn_put(v);
		v = covered;
	}
	return v;
}

/* A mount that nobody sees yet.  NULL: no memory.  Locks: none. */
struct mount *
mount_make(const struct fstype *type, const char *source, unsigned flags)
{
	const struct name named = { source, strlen(source) };
	struct mount *m = kmem_zalloc(sizeof(*m));

	if (m == NULL)
		return NULL;
	m->quota = vmo_quota_create();
	if (m->quota == NULL)
		goto undo_alloc;
	m->source = vn_name_dup(&named);
	if (m->source == NULL)
		goto undo_quota;
	m->type = type;
	rw_init(&m->tree, LR_VNODE);
	list_node_init(&m->all);
	m->id = atomic_add(&mounts.last_id, 1);
	m->dev = dev_make(0, m->id); /* on a disk: that one's number instead */
	m->flags = mount_kept_flags(flags);
	m->root_mode = 0755;
	return m;

undo_quota:
	vmo_quota_put(m->quota);
undo_alloc:
	kmem_free(m);
	return NULL;
}

/* One that nobody sees any more.  Locks: none. */
void
mount_free(struct mount *m)
{
	vmo_quota_put(m->quota);
	kmem_free(m->source);
	kmem_free(m);
}

/*
 * Let m be seen at covered (NULL: as the first root).
 *
 * Returns:  0, -EBUSY: something is mounted there, -ENOENT: removed.
 * Owns:     takes its own reference to covered.
 */
static int
mount_attach(struct mount *m, struct vnode *covered)
{
	int r = 0;

	mutex_lock(&mounts.mutex);
	if (covered != NULL) {
		/* Who removes it looks for a mount under this lock. */
		rw_lock_write_nested(&covered->mnt->tree);
		names_hold();
		if (covered->mounted != NULL)
			r = -EBUSY;
		else if (covered->nlink == 0)
			r = -ENOENT;
		else
			atomic_store(&covered->mounted, m);
		names_drop();
		rw_unlock_write(&covered->mnt->tree);
		if (r == 0)
			vn_get(covered);
	}
	if (r == 0) {
		m->covered = covered;
		list_push_back(&mounts.all, &m->all);
	}
	mutex_unlock(&mounts.mutex);
	return r;
}

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

static int
mount_new(const struct fstype *type, struct vnode *at, const char *source,
    unsigned flags, const char *data)
{
	struct mount_opts opts = { OPT_NONE, OPT_NONE, 0755 };
	struct mount *m = mount_make(type, source, flags);
	int r;

	if (m == NULL)
		return -ENOMEM;
	if (type == &tmpfs_type)
		opts.mode = S_ISVTX | 0777;
	r = mount_opts_parse(&opts, data);
	m->root_mode = opts.mode;
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
 * mount(2): type is tmpfs, devtmpfs, proc, ext2.
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
	if (fs_cred()->euid != 0)
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

/* Rule 2.  Locks: mounts.mutex held. */
static int
umount_locked(struct mount *m)
{
	struct vnode *covered = m->covered;
	int r;

	ASSERT(mutex_is_mine(&mounts.mutex));
	names_hold();
	m->ending = true;
	names_drop();
	r = m->type->unmount(m);
	names_hold();
	m->ending = false;
	if (r == 0)
		atomic_store(&covered->mounted, NULL);
	names_drop();
	if (r != 0)
		return r;
	list_remove(&m->all);
	vn_put(covered);
	mount_free(m);
	return 0;
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
	struct mount *m;
	uint64_t dev;
	int r;

	r = walk_path(&w, at, (at->flags & AT_SYMLINK_NOFOLLOW) != 0 ?
	    WALK_NOFOLLOW : 0);
	if (r != 0)
		return r;
	if (fs_cred()->euid != 0) {
		walk_end(&w);
		return -EPERM;
	}
	dev = w.vn == w.vn->mnt->root ? w.vn->mnt->dev : 0;
	walk_end(&w);
	if (fs_cred()->euid != 0)
		return -EPERM;

	/* Our references are gone: now only those count that make it busy. */
	r = -EINVAL;
	mutex_lock(&mounts.mutex);
	LIST_FOREACH(m, &mounts.all, all)
		if (m->dev == dev) {
			r = m->covered == NULL ? -EBUSY : umount_locked(m);
			break;
		}
	mutex_unlock(&mounts.mutex);
	return r;
}

/*
 * m becomes the first root; the one before is freed, unless someone uses it.
 *
 * Locks:    none held.
 */
void
mount_set_root(struct mount *m)
{
	struct mount *old = LIST_ENTRY(mounts.all.head.next, struct mount, all);

	mutex_lock(&mounts.mutex);
	list_push_front(&mounts.all, &m->all);
	list_remove(&old->all);
	if (old->type->unmount(old) == 0)
		mount_free(old);
	mutex_unlock(&mounts.mutex);
}

/* MS_* as statfs(2) has them, with ST_VALID. */
static uint64_t
statfs_flags(unsigned ms)
{
	return (ms & (MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC)) |
	    ((ms & MS_NOATIME) != 0 ? 0x400 : 0) |
	    ((ms & MS_NODIRATIME) != 0 ? 0x800 : 0) |
	    ((ms & MS_RELATIME) != 0 ? 0x1000 : 0) |
	    ((ms & MS_NOSYMFOLLOW) != 0 ? 0x2000 : 0) | 0x20;
}

/* statfs(2) of a mount; without a limit of its own: memory is the limit. */
void
mount_statfs(struct mount *m, struct kstatfs *st)
{
	uint64_t used = 0, max = 0, files = atomic_load(&m->vnodes) + m->links;

	if (m->quota != NULL) {
		used = vmo_quota_used(m->quota);
		max = vmo_quota_max(m->quota);
	}
	if (max == QUOTA_NONE)
		max = 0;
	memset(st, 0, sizeof(*st));
	st->type = m->type->magic;
	st->bsize = PAGE_SIZE;
	st->namelen = NAME_MAX;
	st->fsid = m->dev;
	st->flags = statfs_flags(atomic_load(&m->flags));
	st->blocks = max;
	st->bfree = used < max ? max - used : 0;
	st->files = m->max_vnodes;
	st->ffree = m->max_vnodes - MIN(m->max_vnodes, files);
	st->bavail = st->bfree;
	if (m->type->statfs != NULL)
		m->type->statfs(m, st);
}

/* sync(2): all that is on a disk.  0, the first error. */
int
mounts_sync(void)
{
	struct mount *m;
	int r = 0, one;

	mutex_lock(&mounts.mutex);
	LIST_FOREACH(m, &mounts.all, all) {
		one = m->type->sync != NULL ? m->type->sync(m, NULL) : 0;
		if (r == 0)
			r = one;
	}
	mutex_unlock(&mounts.mutex);
	one = blkfiles_sync();
	return r != 0 ? r : one;
}

/* Locks: none held.  Context: thread; the caller ends the machine. */
void
fs_shutdown(void)
{
	struct mount *m;

	mutex_lock(&mounts.mutex);
	LIST_FOREACH(m, &mounts.all, all)
		if (m->type->shutdown != NULL)
			m->type->shutdown(m);
	mutex_unlock(&mounts.mutex);
	if (blkfiles_sync() != 0)
		klog("fs: not all could be written to the disks");
}

/* "rw,nosuid,…", as both texts have it. */
static void
flags_show(struct out *out, const struct mount *m)
{
	static const struct {
		unsigned flag;
		const char *text;
	} words[] = {
		{ MS_SYNCHRONOUS, ",sync" }, { MS_DIRSYNC, ",dirsync" },
		{ MS_NOSUID, ",nosuid" }, { MS_NODEV, ",nodev" },
		{ MS_NOEXEC, ",noexec" }, { MS_NOATIME, ",noatime" },
		{ MS_NODIRATIME, ",nodiratime" }, { MS_RELATIME, ",relatime" },
		{ MS_NOSYMFOLLOW, ",nosymfollow" },
	};
	unsigned i, flags = atomic_load(&m->flags);

	out_printf(out, "%s", (flags & MS_RDONLY) != 0 ? "ro" : "rw");
	for (i = 0; i < ARRAY_LEN(words); i++)
		if ((flags & words[i].flag) != 0)
			out_printf(out, "%s", words[i].text);
}

/* Text between blanks: what of it is in odd becomes \ooo. */
static void
field_show(struct out *out, const char *text, const char *odd)
{
	size_t n;

	for (; *text != '\0'; text += n) {
		for (n = 0; text[n] != '\0' && strchr(odd, text[n]) == NULL; n++)
			;
		out->put(out, text, n);
		if (text[n] != '\0')
			out_printf(out, "\\%03o", (unsigned)text[n++]);
	}
}

#define ODD_IN_PATH " \t\n\\"
#define ODD_IN_SOURCE ODD_IN_PATH "#"  /* a comment, at the begin of a line */

/* One line of /proc/mounts. */
static void
line_mounts(struct out *out, struct mount *m, const char *path)
{
	field_show(out, m->source, ODD_IN_SOURCE);
	out_printf(out, " ");
	field_show(out, path, ODD_IN_PATH);
	out_printf(out, " %s ", m->type->name);
	flags_show(out, m);
	mount_opts_show(out, m);
	out_printf(out, " 0 0\n");
}

/* One line of /proc/PID/mountinfo. */
static void
line_mountinfo(struct out *out, struct mount *m, const char *path)
{
	const struct mount *up = m->covered != NULL ? m->covered->mnt : m;

	out_printf(out, "%u %u %u:%u / ", m->id, up->id, dev_major(m->dev),
	    dev_minor(m->dev));
	field_show(out, path, ODD_IN_PATH);
	out_printf(out, " ");
	flags_show(out, m);
	out_printf(out, " - %s ", m->type->name);
	field_show(out, m->source, ODD_IN_SOURCE);
	out_printf(out, (m->flags & MS_RDONLY) != 0 ? " ro" : " rw");
	mount_opts_show(out, m);
	out_printf(out, "\n");
}

/* The first mount whose number is above at.  Locks: mounts.mutex.  NULL: none. */
static struct mount *
mount_above_id(uint64_t at)
{
	struct mount *m, *best = NULL;

	ASSERT(mutex_is_mine(&mounts.mutex));
	LIST_FOREACH(m, &mounts.all, all)
		if (m->id > at && (best == NULL || m->id < best->id))
			best = m;
	return best;
}

/*
 * The line of the mount behind number *at, which becomes its own.
 *
 * Locks:    one of LR_VNODE may be held.
 * Returns:  1, 0: there is none, -ENOMEM.
 */
static int
line_next(uint64_t *at, struct out *out,
    void (*line)(struct out *, struct mount *, const char *))
{
	char *path = kmem_alloc(PATH_MAX);
	struct mount *m;

	if (path == NULL)
		return -ENOMEM;
	mutex_lock_nested(&mounts.mutex);
	m = mount_above_id(*at);
	if (m != NULL) {
		line(out, m, vn_full_path(m->root, path, PATH_MAX) < 0 ? "?" :
		    path);
		*at = m->id;
	}
	mutex_unlock(&mounts.mutex);
	kmem_free(path);
	return m != NULL;
}

/* Text of /proc/mounts; see line_next(). */
int
mounts_next(uint64_t *at, struct out *out)
{
	return line_next(at, out, line_mounts);
}

/* Text of /proc/PID/mountinfo: there is one tree for all. */
int
mountinfo_next(uint64_t *at, struct out *out)
{
	return line_next(at, out, line_mountinfo);
}

static void
filesystems_show(struct out *out)
{
	unsigned i;

	for (i = 0; i < kinds.n; i++)
		out_printf(out, "%s\t%s\n", kinds.type[i]->sync == NULL ?
		    "nodev" : "", kinds.type[i]->name);
}
