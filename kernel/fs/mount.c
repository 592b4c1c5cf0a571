/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mount.c: which file system is mounted where
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
 *              anyone uses it.  A lookup that would enter it then waits for
 *              mounts.mutex: nobody can enter between the look and the end,
 *              and nobody misses a mount that stays.
 *
 * Read next namei.c, mountcall.c.
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
 * The visible vnode at v: v itself, or the root of the file system mounted on it.
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
 * The place at which v is mounted, or v itself when it is not a root; no further than
 * to stop (NULL: anywhere).
 *
 * Owns:     the reference moves from v to the result.
 */
struct vnode *
mount_above(struct vnode *v, const struct vnode *stop)
{
	struct vnode *covered;

	while (v == v->mnt->root && v != stop) {
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
 * Let m be seen at covered, on top of all that is mounted there (NULL: as the first
 * root).
 *
 * Returns:  0, -ENOENT: removed.
 * Owns:     takes its own reference to what m covers.
 */
int
mount_attach(struct mount *m, struct vnode *covered)
{
	int r = 0;

	mutex_lock(&mounts.mutex);
	if (covered != NULL) {
		while (covered->mounted != NULL)
			covered = covered->mounted->root;
		/* A removal of v looks for a mount under this lock. */
		rw_lock_write_nested(&covered->mnt->tree);
		names_hold();
		if (covered->nlink == 0)
			r = -ENOENT;
		else
			atomic_store(&covered->mounted, m);
		names_drop();
		rw_unlock_write(&covered->mnt->tree);
		if (r == 0)
			vn_get(covered);
	}
	if (r == 0) {
		atomic_store(&m->covered, covered);
		list_push_back(&mounts.all, &m->all);
	}
	mutex_unlock(&mounts.mutex);
	return r;
}

/* Rule 2.  Locks: mounts.mutex held. */
static int
umount_locked(struct mount *m)
{
	struct vnode *covered = m->covered;
	int r;

	HELD(&mounts.mutex);
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
 * The mount with this st_dev goes.
 *
 * Locks:    none held.
 * Returns:  0, -EINVAL (there is none), -EBUSY (in use, or the first root).
 */
int
mount_remove(uint64_t dev)
{
	struct mount *m;
	int r = -EINVAL;

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
		used = vmo_quota(m->quota, QUOTA_USED);
		max = vmo_quota(m->quota, QUOTA_MAX);
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

/* All that mounts keep on a disk is there.  0, the first error.  Locks: none held. */
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
	return r;
}

/* The machine goes down: each mount writes all, then is only read.  Locks: none held. */
void
mounts_shutdown(void)
{
	struct mount *m;

	mutex_lock(&mounts.mutex);
	LIST_FOREACH(m, &mounts.all, all)
		if (m->type->shutdown != NULL)
			m->type->shutdown(m);
	mutex_unlock(&mounts.mutex);
}

/*
 * The first mount whose number is above at.
 *
 * Locks:    one of LR_VNODE may be held; takes mounts.mutex, until mounts_drop().
 * Returns:  NULL: none.
 */
struct mount *
mounts_hold_next(uint64_t at)
{
	struct mount *m, *best = NULL;

	mutex_lock_nested(&mounts.mutex);
	LIST_FOREACH(m, &mounts.all, all)
		if (m->id > at && (best == NULL || m->id < best->id))
			best = m;
	return best;
}

void
mounts_drop(void)
{
	mutex_unlock(&mounts.mutex);
}
