/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * inode.c: an inode on the disk and its vnode
 *
 * Problem   A directory entry is a number; behind it are attributes and blocks
 *           that may be anything: nothing on the disk may be trusted.
 *
 * Picture   inode table ─inode_get→ raw copy + vnode ─istore.c→ inode table
 *
 * Rules     1. Fields are checked when they are read; a block number, when it
 *              is followed.
 *           2. The raw copy is what the disk has, the vnode what it should.
 *           3. A number has one vnode at most, from its allocation until it is
 *              freed: a free inode is never loaded, one without links is not
 *              found, and one in use is not allocated.
 *
 * Read next istore.c, icache.c.
 */
#include "fs/ext2/ext2.h"
#include "fs/fsfn.h"
#include "lib/string.h"
#include "mem/mem.h"

static struct kmem_cache inode_cache = KMEM_CACHE("ext2_inode",
    struct ext2_inode);

static const struct vmo_client_ops inode_client = {
	.ident = vn_ident, .stored = vn_stored, .tells = vn_tells,
	.hold = vn_hold, .punch = vn_punch
};

/* Does the inode name blocks, or does block[] hold something else? */
static bool
has_blocks(const struct ext2_inode *ip)
{
	return ip->vn->type == S_IFREG || ip->vn->type == S_IFDIR ||
	    (ip->vn->type == S_IFLNK && ip->vn->link_bytes >= EXT2_FAST_LINK);
}

/* ---- times ---- */

/* Has the inode on the disk, or will it have, so many bytes?  No lock. */
static bool
has_bytes(const struct ext2_inode *ip, size_t n)
{
	return ip->bytes >= n;
}

static bool
has_btime(const struct ext2_inode *ip)
{
	return has_bytes(ip, offsetof(struct ext2_disk_inode, version_hi));
}

/*
 * fstype.time_fit.  Without the extra words there are whole seconds, of 32
 * bits; a time before or after all that can be kept becomes the first or last.
 */
void
inode_time_fit(const struct vnode *v, struct kts *t)
{
	int64_t sec = t->sec, max = INT32_MAX;

	if (has_bytes(ext2_inode_of(v), offsetof(struct ext2_disk_inode, crtime)))
		max += 3l << 32;
	else
		t->nsec = 0;
	t->sec = MAX(INT32_MIN, MIN(sec, max));
	if (t->sec != sec)
		t->nsec = 0;
}

/* Seconds have 34 bits: two more in front of the nanoseconds. */
static struct kts
time_get(uint32_t sec, uint32_t extra)
{
	struct kts t = { (int32_t)sec, extra >> 2 };

	t.sec += (int64_t)(extra & 3) << 32;
	if (t.nsec >= 1000000000)
		t.nsec = 0;
	return t;
}

/* ---- from the disk ---- */

/* An inode in memory for v, empty, new on the disk.  NULL: no memory. */
static struct ext2_inode *
inode_alloc(struct vnode *v, uint32_t ino)
{
	struct ext2_inode *ip = kmem_cache_zalloc(&inode_cache);

	if (ip == NULL)
		return NULL;
	ip->fs = ext2_fs_of(v);
	ip->vn = v;
	ip->bytes = EXT2_OLD_INODE +
	    (ip->fs->inode_size > EXT2_OLD_INODE ? EXT2_EXTRA_ISIZE : 0);
	mutex_init(&ip->bmap, LR_VNODE);
	list_node_init(&ip->all);
	list_node_init(&ip->hash);
	list_node_init(&ip->zombie);
	v->inode = ip;
	v->ino = ino;
	return ip;
}

/* Flags that a new file of that mode has from its directory. */
static uint32_t
flags_new(const struct vnode *dir, unsigned mode)
{
	uint32_t some = S_ISDIR(mode) ? EXT2_INHERITED_FL : S_ISREG(mode) ?
	    EXT2_INHERITED_FL & ~FS_DIRSYNC_FL : FS_NODUMP_FL | FS_NOATIME_FL;

	return atomic_load(&dir->fsflags) & some;
}

/* Attributes of v from the raw copy. */
static void
attrs_load(struct ext2_inode *ip)
{
	const struct ext2_disk_inode *raw = &ip->raw;
	struct vnode *v = ip->vn;

	v->uid = raw->uid | (uint32_t)raw->uid_high << 16;
	v->gid = raw->gid | (uint32_t)raw->gid_high << 16;
	v->nlink = raw->links;
	v->sectors = raw->sectors;
	v->atime = time_get(raw->atime, raw->atime_extra);
	v->mtime = time_get(raw->mtime, raw->mtime_extra);
	v->ctime = time_get(raw->ctime, raw->ctime_extra);
	v->btime = !has_btime(ip) ? (struct kts){ 0, 0 } :
	    raw->crtime == 0 ? v->ctime :
	    time_get(raw->crtime, raw->crtime_extra);
	atomic_store(&v->fsflags, raw->flags);
	memcpy(ip->block, raw->block, sizeof(ip->block));
}

static int
regular_load(struct ext2_inode *ip, uint64_t size)
{
	struct vnode *v = ip->vn;

	if (size > bmap_limit(ip->fs) << ip->fs->bs_shift)
		return ext2_error(ip->fs, "inode %lu: size %lu", v->ino, size);
	v->vmo = vmo_create_file(&ext2_pager, ip, size, &inode_client, v);
	return v->vmo != NULL ? 0 : -ENOMEM;
}

/* The text of a link, from block[] or its block. */
static int
link_load(struct ext2_inode *ip, uint64_t size)
{
	struct ext2_fs *fs = ip->fs;
	struct ext2_ref ref = { .data = ip->block };
	struct name n = { NULL, size };
	int r = 0;

	if (size == 0 || size >= MIN(fs->bs, PATH_MAX))
		return ext2_error(fs, "inode %lu: link of %lu bytes",
		    ip->vn->ino, size);
	ip->vn->link_bytes = size;
	if (size >= EXT2_FAST_LINK) {
		if (!ext2_block_ok(fs, ip->block[0]))
			return ext2_error(fs, "inode %lu: block %u",
			    ip->vn->ino, ip->block[0]);
		r = meta_get(fs, ip->block[0], &ref);
	}
	if (r != 0)
		return r;
	n.s = ref.data;
	n.len = strnlen(n.s, size);
	ip->vn->link_bytes = n.len;
	ip->text = vn_name_dup(&n);
	meta_put(&ref);
	return ip->text != NULL ? 0 : -ENOMEM;
}

/* Device numbers: 8 bits each in block[0], or more of them in block[1]. */
static uint64_t
rdev_load(const struct ext2_inode *ip)
{
	uint32_t old = ip->block[0], new = ip->block[1];

	if (old != 0)
		return dev_make(old >> 8 & 0xff, old & 0xff);
	return dev_make(new >> 8 & 0xfff, (new & 0xff) | (new >> 12 & 0xfff00));
}

static int
type_load(struct ext2_inode *ip)
{
	struct vnode *v = ip->vn;
	uint64_t size = ip->raw.size;

	switch (v->type) {
	case S_IFREG:
		return regular_load(ip, size | (uint64_t)ip->raw.size_high << 32);
	case S_IFDIR:
		return dir_check_map(ip, size);
	case S_IFLNK:
		return link_load(ip, size);
	case S_IFCHR:
	case S_IFBLK:
		v->rdev = rdev_load(ip);
		return 0;
	case S_IFIFO:
	case S_IFSOCK:
		return 0;
	}
	return ext2_error(ip->fs, "inode %lu: mode %o", v->ino, ip->raw.mode);
}

/* Read the raw copy.  0, -EIO, -EUCLEAN. */
static int
raw_read(struct ext2_fs *fs, uint32_t ino, struct ext2_disk_inode *raw)
{
	uint32_t blk, off;
	struct ext2_ref ref;
	int r;

	if (ino != EXT2_ROOT_INO && (ino < fs->first_ino ||
	    ino > fs->sb.inodes_count))
		return ext2_error(fs, "inode number %u", ino);
	inode_place(fs, ino, &blk, &off);
	r = meta_get_bytes(fs, blk, off, fs->inode_size, &ref);
	if (r != 0)
		return r;
	memset(raw, 0, sizeof(*raw));
	memcpy(raw, (const char *)ref.data + off, EXT2_OLD_INODE);
	if (fs->inode_size > EXT2_OLD_INODE) {
		memcpy(&raw->extra_isize, (const char *)ref.data + off +
		    EXT2_OLD_INODE, sizeof(raw->extra_isize));
		memcpy(raw, (const char *)ref.data + off, inode_bytes(fs, raw));
	}
	meta_put(&ref);
	return 0;
}

/* Rule 3, for one that a name leads to.  0, -EUCLEAN, -EIO, -ENOMEM. */
static int
raw_check(struct ext2_fs *fs, uint32_t ino, const struct ext2_disk_inode *raw)
{
	int used;

	if (raw->links == 0)
		return ext2_error(fs, "inode %u has a name, but no links", ino);
	used = alloc_inode_is_used(fs, ino);
	if (used == 0)
		return ext2_error(fs, "inode %u has a name, but is free", ino);
	/* A read-only mount works without the bitmap. */
	if (used == -EIO && atomic_load(&fs->readonly))
		return 0;
	return used < 0 ? used : 0;
}

/* Read an inode that is not in memory.  Locks: ilock held. */
static int
inode_load_locked(struct ext2_fs *fs, uint32_t ino, struct vnode **out)
{
	struct ext2_disk_inode raw;
	struct ext2_inode *ip;
	struct vnode *v;
	int r = raw_read(fs, ino, &raw);

	HELD(&fs->ilock);
	if (r == 0)
		r = raw_check(fs, ino, &raw);
	if (r != 0)
		return r;
	v = vn_alloc(fs->mnt, fs->mnt->type->vnodes, raw.mode);
	if (v == NULL)
		return -ENOMEM;
	ip = inode_alloc(v, ino);
	if (ip == NULL) {
		vn_put(v);
		return -ENOMEM;
	}
	ip->raw = raw;
	ip->bytes = (uint32_t)inode_bytes(fs, &raw);
	ip->life = LIFE_LIVE;
	attrs_load(ip);
	r = type_load(ip);
	if (r != 0) {
		vn_put(v);
		return r;
	}
	icache_insert(ip);
	*out = v;
	return 0;
}

/* In memory?  Locks: ilock held. */
struct ext2_inode *
inode_find(struct ext2_fs *fs, uint32_t ino)
{
	struct ext2_inode *ip;

	HELD(&fs->ilock);
	LIST_FOREACH(ip, &fs->itab[ino % EXT2_HASH], hash)
		if (ip->vn->ino == ino)
			return ip;
	return NULL;
}

/*
 * The vnode of an inode.
 *
 * Locks:    tree; takes ilock.
 * Returns:  0 with a reference, -EIO, -EUCLEAN, -ENOMEM.
 */
int
inode_get(struct ext2_fs *fs, uint32_t ino, struct vnode **out)
{
	struct ext2_inode *ip;
	int r = 0;

	mutex_lock_nested(&fs->ilock);
	ip = inode_find(fs, ino);
	if (ip != NULL && ip->vn->nlink == 0) {
		r = ext2_error(fs, "inode %u has a name, but no links", ino);
	} else if (ip != NULL) {
		list_remove(&ip->all);
		list_push_back(&fs->inodes, &ip->all);
		*out = ip->vn;
	} else {
		r = inode_load_locked(fs, ino, out);
	}
	if (r == 0)
		vn_get(*out);
	mutex_unlock(&fs->ilock);
	return r;
}

/* ---- new ones ---- */

/* The text of a new symbolic link: a short one in the inode, where pointers to blocks
 * would be. */
static int
link_make(struct ext2_inode *ip, const char *target)
{
	struct name n = { target, strlen(target) };
	uint32_t blk;
	void *data;
	int r;

	if (n.len >= ip->fs->bs)
		return -ENAMETOOLONG;
	ip->vn->link_bytes = n.len;
	ip->text = vn_name_dup(&n);
	if (ip->text == NULL)
		return -ENOMEM;
	if (n.len < EXT2_FAST_LINK) {
		memcpy(ip->block, target, n.len);
		return 0;
	}
	r = bmap_alloc(ip, 0, &blk);
	if (r == 0)
		r = meta_edit_new(ip->fs, blk, &data);
	if (r == 0)
		memcpy(data, target, n.len);
	return r;
}

static void
rdev_make(struct ext2_inode *ip, uint64_t rdev)
{
	uint32_t maj = dev_major(rdev), min = dev_minor(rdev);

	ip->vn->rdev = rdev;
	if (maj < 256 && min < 256)
		ip->block[0] = maj << 8 | min;
	else
		ip->block[1] = (min & 0xff) | maj << 8 | (min & ~0xffu) << 12;
}

static int
type_make(struct ext2_inode *ip, const struct vnode *dir,
    const struct vn_new *n)
{
	switch (ip->vn->type) {
	case S_IFREG:
		return regular_load(ip, 0);
	case S_IFDIR:
		return dir_init(ip, (uint32_t)dir->ino);
	case S_IFLNK:
		return link_make(ip, n->target);
	case S_IFCHR:
	case S_IFBLK:
		rdev_make(ip, n->rdev);
		return 0;
	}
	return 0;
}

/* Rule 3, for a number that the bitmap calls free.  0, -EUCLEAN, -EIO … */
static int
number_is_new(struct ext2_fs *fs, uint32_t ino)
{
	struct ext2_disk_inode raw;
	bool cached;
	int r = raw_read(fs, ino, &raw);

	if (r != 0)
		return r;
	mutex_lock_nested(&fs->ilock);
	cached = inode_find(fs, ino) != NULL;
	mutex_unlock(&fs->ilock);
	if (!cached && (raw.links == 0 || raw.dtime != 0))
		return 0;
	return ext2_error(fs, "inode %u is called free, but has links", ino);
}

/* An inode that no commit has seen is free at once.  Locks: inside the gate. */
static void
undo_number(struct ext2_fs *fs, uint32_t ino, bool is_dir)
{
	if (alloc_return_inode(fs, ino, is_dir) != 0)
		klog("ext2: %s: inode %u is lost until e2fsck", fs->dev->name,
		    ino);
}

/*
 * A new inode, unborn, nlink 0; in the cache.
 *
 * Locks:    tree for writing, inside the gate.
 * Returns:  0 with a reference, -ENOSPC, -ENOMEM, -EIO, -EUCLEAN: nothing is
 *           changed then.
 */
int
inode_make(struct vnode *dir, const struct vn_new *n, struct vnode **out)
{
	struct ext2_fs *fs = ext2_fs_of(dir);
	bool is_dir = S_ISDIR(n->mode);
	struct ext2_inode *ip;
	struct vnode *v;
	uint32_t ino;
	int r;

	v = vn_alloc(dir->mnt, fs->mnt->type->vnodes, n->mode);
	if (v == NULL)
		return -ENOMEM;
	r = alloc_inode(fs, (uint32_t)dir->ino, is_dir, &ino);
	if (r != 0)
		goto undo_vnode;
	r = number_is_new(fs, ino);
	if (r == -EUCLEAN)
		goto undo_vnode;
	if (r != 0)
		goto undo_ino;
	r = -ENOMEM;
	ip = inode_alloc(v, ino);
	if (ip == NULL)
		goto undo_ino;
	v->fsflags = flags_new(dir, n->mode);
	v->uid = n->uid;
	v->gid = n->gid;
	v->atime = v->mtime = v->ctime = vn_time(v, v->ctime);
	v->btime = has_btime(ip) ? v->ctime : (struct kts){ 0, 0 };
	ip->raw.generation = (uint32_t)md_time_ns();
	r = type_make(ip, dir, n);
	if (r != 0)
		goto undo_inode;
	mutex_lock_nested(&fs->ilock);
	icache_insert(ip);
	mutex_unlock(&fs->ilock);
	vn_get(v);
	*out = v;
	return 0;

undo_inode:
	if (has_blocks(ip) && bmap_free(ip, 0, UINT64_MAX) != 0)
		klog("ext2: %s: blocks are lost until e2fsck", fs->dev->name);
undo_ino:
	undo_number(fs, ino, is_dir);
undo_vnode:
	vn_put(v);
	return r;
}

/*
 * Attributes have a block of their own, which several inodes may share.  0; -ENOMEM,
 * -EIO: try again later.  A block that cannot be is left to e2fsck.
 */
static int
xattr_free(struct ext2_inode *ip)
{
	uint32_t blk = ip->raw.file_acl, *refs;
	void *data;
	int r = 0;

	if (blk == 0 || !ext2_block_ok(ip->fs, blk))
		return 0;
	r = meta_edit(ip->fs, blk, META_MAP, &data);
	if (r != 0)
		return r;
	refs = (uint32_t *)data + 1;
	if (*refs > 1)
		(*refs)--;
	else
		r = alloc_free_block(ip->fs, blk);
	if (r == 0)
		ip->raw.file_acl = 0;
	return r;
}

static bool
may_pass(int r)
{
	return r == -EIO || r == -ENOMEM || r == -EAGAIN;
}

/*
 * Give back all blocks and the number of an inode without names.
 *
 * Locks:    inside the gate; nobody else uses the inode.
 * Returns:  0; -EIO, -ENOMEM: try again later, it keeps what it has left; so
 *           with -EAGAIN, but at once, in another stay.
 */
int
inode_forget(struct ext2_inode *ip)
{
	int r = has_blocks(ip) ? bmap_free(ip, 0, UINT64_MAX) : 0;

	if (!may_pass(r))
		r = xattr_free(ip);
	if (!may_pass(r))
		r = alloc_free_inode(ip->fs, (uint32_t)ip->vn->ino,
		    ip->vn->type == S_IFDIR);
	return may_pass(r) ? r : 0;
}

/* vnode_ops.inactive: the cache has let go of it. */
void
inode_inactive(struct vnode *v)
{
	struct ext2_inode *ip = v->inode;

	if (v->type == S_IFIFO)
		pipe_inactive(v);
	if (v->vmo != NULL) {
		vmo_forget_client(v->vmo);
		vmo_put(v->vmo);
	}
	if (ip == NULL)
		return;
	kmem_free(ip->text);
	kmem_cache_free(&inode_cache, ip);
}
