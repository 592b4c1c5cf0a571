/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tmpfs.c: a file system in memory
 *
 * Problem   The first root, /dev/shm, /tmp: names in kernel memory, bytes in
 *           anonymous objects that the VM may page out.
 *
 * Picture   directory vnode ─priv─→ struct tmpfs_dir: entries (tmpdir.c)
 *           entry ──reference──→ vnode ──vmo──→ bytes (regular files)
 *                                       └priv─→ text (short links), pipe
 *           a long text is bytes of an object, too: it can leave memory
 *
 * Rules     1. An entry holds one reference; nlink counts entries, and for a
 *              directory its own ".", and ".." of its children.
 *           2. Pages are counted when they are made (vm/object/quota.c), vnodes
 *              and further names in the mount.  Both have a limit, since names
 *              never leave memory.
 *
 * Read next tmpdir.c, vm/object/anon.c.
 */
#include "fs/tmpfs.h"
#include "fs/fsfn.h"
#include "lib/string.h"
#include "mem/mem.h"

#define TMPFS_MAGIC 0x01021994
#define TEXT_SHORT 128ul    /* a link of fewer bytes is kept beside its vnode */

static const struct vnode_ops tmpfs_ops;
static int tmpfs_remount(struct mount *, unsigned flags);

const struct fstype tmpfs_type = {
	.name = "tmpfs", .magic = TMPFS_MAGIC,
	.flags_kept = FS_FIXED_FL | FS_NODUMP_FL | FS_NOATIME_FL,
	.mount = tmpfs_mount, .unmount = tmpfs_unmount,
	.remount = tmpfs_remount
};

static int
tmpfs_lookup(struct vnode *dir, const struct name *n, struct vnode **out)
{
	struct tmpfs_ent *e = ent_find(tmpdir_of(dir), n);

	if (e == NULL)
		return -ENOENT;
	vn_get(e->v);
	*out = e->v;
	return 0;
}

/* ---- making and ending vnodes ---- */

static const struct vmo_client_ops tmpfs_client = {
	.ident = vn_ident, .stored = vn_stored, .tells = vn_tells,
	.hold = vn_hold, .punch = vn_punch
};

/* An object for v's bytes, counted in its mount.  0, -ENOMEM. */
static int
bytes_make(struct vnode *v, uint64_t bytes, const struct vmo_client_ops *ops)
{
	v->vmo = vmo_create_anon(bytes, 0, ops, v);
	if (v->vmo == NULL)
		return -ENOMEM;
	if (v->mnt->quota != NULL)
		vmo_set_quota(v->vmo, v->mnt->quota);
	return 0;
}

/* A link's text.  0, -ENOMEM, -ENOSPC. */
static int
text_make(struct vnode *v, const char *target)
{
	const struct name n = { target, strlen(target) };
	struct uio u;
	ssize_t done;
	int r;

	v->link_bytes = n.len;
	if (n.len < TEXT_SHORT) {
		v->priv = vn_name_dup(&n);
		return v->priv != NULL ? 0 : -ENOMEM;
	}
	r = bytes_make(v, n.len, NULL);
	if (r != 0)
		return r;
	uio_init_kernel(&u, (void *)(uintptr_t)target, n.len);
	done = vmo_write(v->vmo, 0, &u);
	return done < 0 ? (int)done : (size_t)done == n.len ? 0 : -ENOSPC;
}

/* The structures that the type needs besides a vnode.  0, -ENOMEM, -ENOSPC. */
static int
vnode_fill(struct vnode *v, const struct vn_new *n)
{
	v->uid = n->uid;
	v->gid = n->gid;
	v->rdev = n->rdev;
	switch (v->type) {
	case S_IFREG:
		v->sealable = true;
		v->seals = F_SEAL_SEAL;
		return bytes_make(v, 0, &tmpfs_client);
	case S_IFDIR:
		v->priv = tmpdir_alloc();
		v->link_bytes = 2 * TMPDIR_NAME_BYTES;
		return v->priv != NULL ? 0 : -ENOMEM;
	case S_IFLNK:
		return text_make(v, n->target);
	}
	return 0;
}

/* 0 and *out with a reference; -ENOSPC, -ENOMEM. */
static int
vnode_make(struct mount *m, const struct vn_new *n, struct vnode **out)
{
	struct vnode *v = vn_alloc(m, &tmpfs_ops, n->mode);
	int r;

	if (v == NULL)
		return mount_is_full(m, atomic_load(&m->vnodes) + 1) ? -ENOSPC :
		    -ENOMEM;
	r = vnode_fill(v, n);
	if (r != 0)
		vn_put(v);
	else
		*out = v;
	return r;
}

/* See fsfn.h: for memfd.c. */
struct vnode *
tmpfs_nameless(struct mount *m, const char *name)
{
	const struct name text = { name, strlen(name) };
	const struct vn_new n = { .mode = S_IFREG | 0777,
		.uid = fs_cred()->fsuid, .gid = fs_cred()->fsgid };
	struct vnode *v;

	if (vnode_make(m, &n, &v) != 0)
		return NULL;
	v->name = vn_name_dup(&text);
	if (v->name != NULL)
		return v;
	vn_put(v);
	return NULL;
}

/* vnode_ops.create; a name of length 0 makes a file without one (O_TMPFILE). */
static int
tmpfs_create(struct vnode *dir, const struct vn_new *n, struct vnode **out)
{
	struct tmpfs_ent *e;
	struct vnode *v;
	char *name;
	int r;

	if (n->name.len != 0 && ent_find(tmpdir_of(dir), &n->name) != NULL)
		return -EEXIST;

	/* reserve */
	r = vnode_make(dir->mnt, n, &v);
	if (r != 0)
		return r;
	v->fsflags = atomic_load(&dir->fsflags) & (FS_NODUMP_FL | FS_NOATIME_FL);
	*out = v;
	if (n->name.len == 0) {
		v->nameless = true;
		return 0;
	}
	e = ent_alloc(&n->name);
	name = vn_name_dup(&n->name);
	if (e == NULL || name == NULL)
		goto undo_vnode;

	/* perform */
	v->nlink = v->type == S_IFDIR ? 2 : 1;
	if (v->type == S_IFDIR)
		dir->nlink++;
	vn_set_name(v, dir, name);
	vn_get(v);
	ent_insert(dir, e, v);
	vn_touch(dir, VN_MTIME | VN_CTIME);
	return 0;

undo_vnode:
	kmem_free(e);
	kmem_free(name);
	vn_put(v);
	return -ENOMEM;
}

/* ---- a file that only mappings have still ---- */

/* What it was: /proc/PID/maps goes on to say so.  Of its object, which ends it. */
struct past {
	uint64_t dev;
	uint64_t ino;
	char path[];
};

static void
past_ident(void *client, struct vmo_ident *id)
{
	const struct past *p = client;

	id->dev_major = dev_major(p->dev);
	id->dev_minor = dev_minor(p->dev);
	id->ino = p->ino;
	id->is_short = strlen(p->path) >= id->room;
	str_copy(id->path, id->is_short ? "..." : p->path, id->room);
}

static const struct vmo_client_ops past_client = {
	.ident = past_ident, .ended = kmem_free
};

/* NULL: no memory, it is forgotten. */
static struct past *
past_of(struct vnode *v)
{
	char *path = kmem_alloc(PATH_MAX);
	ssize_t n = path == NULL ? -ENOMEM : vn_full_path(v, path, PATH_MAX);
	struct past *p = n < 0 ? NULL : kmem_alloc(sizeof(*p) + (size_t)n + 1);

	if (p != NULL) {
		p->dev = v->mnt->dev;
		p->ino = v->ino;
		memcpy(p->path, path, (size_t)n + 1);
	}
	kmem_free(path);
	return p;
}

static void
bytes_end(struct vnode *v)
{
	struct past *p = vmo_refs(v->vmo) > 1 ? past_of(v) : NULL;

	vmo_change_client(v->vmo, p == NULL ? NULL : &past_client, p);
	vmo_put(v->vmo);
}

static void
tmpfs_inactive(struct vnode *v)
{
	switch (v->type) {
	case S_IFREG:
	case S_IFLNK:
	case S_IFDIR:
		if (v->vmo != NULL)
			bytes_end(v);
		kmem_free(v->priv);
		return;
	case S_IFIFO:
		pipe_inactive(v);
		return;
	}
}

/* ---- names ---- */

/* vnode_ops.link; v may have had no name (O_TMPFILE). */
static int
tmpfs_link(struct vnode *dir, const struct name *n, struct vnode *v)
{
	struct tmpfs_ent *e;
	char *name;

	if (ent_find(tmpdir_of(dir), n) != NULL)
		return -EEXIST;
	if (v->nlink != 0 &&
	    mount_is_full(v->mnt, atomic_load(&v->mnt->vnodes) + 1))
		return -ENOSPC;
	e = ent_alloc(n);
	name = vn_name_dup(n);
	if (e == NULL || name == NULL) {
		kmem_free(e);
		kmem_free(name);
		return -ENOMEM;
	}
	v->mnt->links += v->nlink != 0;
	v->nlink++;
	v->nameless = false;
	vn_set_name(v, dir, name);
	vn_get(v);
	ent_insert(dir, e, v);
	vn_touch(dir, VN_MTIME | VN_CTIME);
	vn_touch(v, VN_CTIME);
	return 0;
}

/* Name n of v in dir is gone: counts and times; others do not hold dir. */
static void
name_dropped(struct vnode *dir, const struct name *n, struct vnode *v)
{
	if (v->type == S_IFDIR) {
		v->nlink = 0;
		dir->nlink--;
	} else {
		v->nlink--;
		if (v->nlink != 0) {
			v->mnt->links--;
			vn_forget_name(v, dir, n);
		}
	}
	vn_touch(v, VN_CTIME);
	vn_touch(dir, VN_MTIME | VN_CTIME);
}

static int
tmpfs_remove(struct vnode *dir, const struct name *n, struct vnode *v)
{
	struct tmpfs_ent *e = ent_find(tmpdir_of(dir), n);

	if (tmpdir_is_full(v))
		return -ENOTEMPTY;
	ASSERT(e != NULL && e->v == v);
	name_dropped(dir, n, v);
	vn_put(ent_remove(dir, e));
	return 0;
}

static void
move_touch(const struct vn_move *m)
{
	vn_touch(m->src, VN_CTIME);
	vn_touch(m->from_dir, VN_MTIME | VN_CTIME);
	vn_touch(m->to_dir, VN_MTIME | VN_CTIME);
}

/* v leaves one directory for the other: ".." of a directory is a link. */
static void
parent_changes(struct vnode *v, struct vnode *from, struct vnode *to)
{
	if (v->type == S_IFDIR) {
		from->nlink--;
		to->nlink++;
	}
}

/* Both entries stay; each leads to the other's vnode.  0, -ENOMEM. */
static int
tmpfs_exchange(const struct vn_move *m)
{
	struct tmpfs_ent *a = ent_find(tmpdir_of(m->from_dir), &m->from);
	struct tmpfs_ent *b = ent_find(tmpdir_of(m->to_dir), &m->to);
	char *to = vn_name_dup(&m->to), *from = vn_name_dup(&m->from);

	if (to == NULL || from == NULL) {
		kmem_free(to);
		kmem_free(from);
		return -ENOMEM;
	}

	/* perform */
	a->v = m->dst;
	b->v = m->src;
	parent_changes(m->src, m->from_dir, m->to_dir);
	parent_changes(m->dst, m->to_dir, m->from_dir);
	vn_set_name(m->src, m->to_dir, to);
	vn_set_name(m->dst, m->from_dir, from);
	vn_touch(m->dst, VN_CTIME);
	move_touch(m);
	return 0;
}

/* vnode_ops.rename: behind the allocations nothing fails, so no name is lost. */
static int
tmpfs_rename(const struct vn_move *m)
{
	struct tmpfs_dir *from = tmpdir_of(m->from_dir), *to = tmpdir_of(m->to_dir);
	struct tmpfs_ent *e;
	char *name;

	if (m->exchange)
		return tmpfs_exchange(m);
	if (m->dst != NULL && tmpdir_is_full(m->dst))
		return -ENOTEMPTY;

	/* reserve */
	e = ent_alloc(&m->to);
	name = vn_name_dup(&m->to);
	if (e == NULL || name == NULL) {
		kmem_free(e);
		kmem_free(name);
		return -ENOMEM;
	}

	/* perform */
	if (m->dst != NULL) {
		name_dropped(m->to_dir, &m->to, m->dst);
		vn_put(ent_remove(m->to_dir, ent_find(to, &m->to)));
	}
	ent_insert(m->to_dir, e, ent_remove(m->from_dir, ent_find(from, &m->from)));
	parent_changes(m->src, m->from_dir, m->to_dir);
	vn_set_name(m->src, m->to_dir, name);
	move_touch(m);
	return 0;
}

/* "." (pos 0) or ".." (pos 1), of any kind of directory.  Nonzero: the sink is full. */
int
dir_emit_dot(struct vnode *dir, uint64_t pos, struct dirsink *sink)
{
	struct dirsink_entry de = { "..", pos + 1, dir->ino, pos + 1, S_IFDIR };
	struct vnode *parent;

	if (pos == 1) {
		vn_get(dir);
		parent = mount_above(dir, NULL);
		if (parent != dir || dir->parent != NULL) {
			struct vnode *up = vn_parent(parent);

			de.ino = up != NULL ? up->ino : parent->ino;
			vn_put(up);
		}
		vn_put(parent);
	}
	return sink->emit(sink, &de);
}

static int
tmpfs_readdir(struct vnode *dir, uint64_t *pos, struct dirsink *sink)
{
	const struct tmpfs_dir *d = tmpdir_of(dir);
	struct tmpfs_ent *e;

	for (; *pos < 2; (*pos)++)
		if (dir_emit_dot(dir, *pos, sink) != 0)
			return 0;
	if (*pos > 2 && *pos < d->next_cookie)
		return 0; /* no listing has said this position */
	LIST_FOREACH(e, &d->all, all) {
		const struct dirsink_entry de = { e->name, e->len, e->v->ino,
			e->cookie + 1, e->v->type };

		if (e->cookie < *pos)
			continue;
		if (sink->emit(sink, &de) != 0)
			return 0;
		*pos = e->cookie + 1;
	}
	return 0;
}

static ssize_t
tmpfs_readlink(struct vnode *v, char *buf, size_t cap)
{
	size_t n = MIN(cap, v->link_bytes);
	struct uio u;

	if (v->vmo != NULL) {
		uio_init_kernel(&u, buf, n);
		return vmo_read(v->vmo, 0, &u);
	}
	memcpy(buf, v->priv, n);
	return (ssize_t)n;
}

/* ---- bytes ---- */

static int
tmpfs_resize(struct vnode *v, uint64_t bytes)
{
	return v->vmo == NULL ? -EINVAL : vmo_resize(v->vmo, bytes);
}

/* Bytes from off on, at most n, that need no more than avail new pages. */
static uint64_t
bytes_within(struct vnode *v, uint64_t off, uint64_t n, uint64_t avail)
{
	uint64_t pg = off >> PAGE_SHIFT, end = (off + n + PAGE_MASK) >> PAGE_SHIFT;
	uint64_t next, holes;

	while (pg < end) {
		next = MIN(vmo_next_page(v->vmo, pg), end);
		holes = next - pg;
		if (holes > avail) {
			pg += avail;
			break;
		}
		avail -= holes;
		pg = next < end ? next + 1 : end;
	}
	return pg >= end ? n : (pg << PAGE_SHIFT) - MIN(off, pg << PAGE_SHIFT);
}

/*
 * Pages that exist already cost nothing, but to find them takes a walk; it is
 * made only where the limit is near.
 */
static uint64_t
tmpfs_reserve(struct vnode *v, uint64_t off, uint64_t n)
{
	struct vmo_quota *q = v->mnt->quota;
	uint64_t avail;

	if (q == NULL)
		return n;
	avail = vmo_quota(q, QUOTA_MAX);
	avail -= MIN(avail, vmo_quota(q, QUOTA_USED));
	if ((n >> PAGE_SHIFT) + 2 <= avail)
		return n;
	return bytes_within(v, off, n, avail);
}

static const struct vnode_ops tmpfs_ops = {
	.lookup = tmpfs_lookup,
	.create = tmpfs_create,
	.link = tmpfs_link,
	.remove = tmpfs_remove,
	.rename = tmpfs_rename,
	.readdir = tmpfs_readdir,
	.readlink = tmpfs_readlink,
	.resize = tmpfs_resize,
	.reserve = tmpfs_reserve,
	.inactive = tmpfs_inactive,
};

/* ---- the whole ---- */

/*
 * Make an empty tree.
 *
 * Returns:  0, -ENOMEM, -ENOSPC (no inode for the root).
 */
int
tmpfs_mount(struct mount *m)
{
	const struct vn_new n = { .mode = S_IFDIR | m->root_mode,
		.uid = m->root_uid, .gid = m->root_gid };
	int r = vnode_make(m, &n, &m->root);

	if (r != 0)
		return r;
	m->root->nlink = 2;
	return 0;
}

/* 0: all is freed; -EBUSY: nothing changed. */
int
tmpfs_unmount(struct mount *m)
{
	rw_lock_write_nested(&m->tree); /* under mounts.mutex */
	if (tmpdir_is_busy(m)) {
		rw_unlock_write(&m->tree);
		return -EBUSY;
	}
	tmpdir_drop_all(m->root);
	rw_unlock_write(&m->tree);
	vn_put(m->root);
	return 0;
}

/*
 * fstype.remount.  As on any file system, what is open without a name is in the
 * way: it is gone with its last user, and that is a change.
 *
 * Returns:  0, -EBUSY.
 */
static int
tmpfs_remount(struct mount *m, unsigned flags)
{
	bool busy;

	rw_lock_write_nested(&m->tree);
	busy = (flags & MS_RDONLY) != 0 && tmpdir_has_nameless(m);
	if ((flags & MS_RDONLY) != 0 && !busy)
		mount_readonly_now(m);
	rw_unlock_write(&m->tree);
	return busy ? -EBUSY : 0;
}
