/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * istore.c: inodes on their way to the disk
 *
 * Problem   A vnode's attributes change in many places that know nothing of a
 *           disk; the disk must get them, in an order that e2fsck can repair.
 *
 * Picture   UNBORN ──name is on the disk──→ LIVE ──last name removed──→ DEAD
 *                      inode_bear()              inode_store_dead()
 *
 * Rules     1. The vnode is the truth.  A commit compares what it would write
 *              with the raw copy; nobody else marks an inode dirty.
 *           2. A new inode is written with links only after its name, and one
 *              without links before its name is removed: e2fsck -p deletes a
 *              name that leads nowhere, but stops at an inode without a name.
 *           3. Bytes behind the fields that we know (attributes) stay as they are.
 *
 * Read next commit.c.
 */
#include "fs/ext2/ext2.h"
#include "fs/fsfn.h"
#include "lib/string.h"

/* Two bits of the seconds in front of the nanoseconds; time_get() in inode.c. */
static uint32_t
time_extra(const struct kts *t)
{
	uint32_t epoch = (uint32_t)((t->sec - (int32_t)t->sec) >> 32) & 3;

	return t->nsec << 2 | epoch;
}

static void
attrs_encode(struct ext2_inode *ip, struct ext2_disk_inode *raw)
{
	struct vnode *v = ip->vn;

	spin_lock(&v->attr_lock);
	raw->mode = (uint16_t)(v->type | v->perm);
	raw->uid = (uint16_t)v->uid;
	raw->uid_high = (uint16_t)(v->uid >> 16);
	raw->gid = (uint16_t)v->gid;
	raw->gid_high = (uint16_t)(v->gid >> 16);
	raw->atime = (uint32_t)v->atime.sec;
	raw->mtime = (uint32_t)v->mtime.sec;
	raw->ctime = (uint32_t)v->ctime.sec;
	raw->atime_extra = time_extra(&v->atime);
	raw->mtime_extra = time_extra(&v->mtime);
	raw->ctime_extra = time_extra(&v->ctime);
	raw->crtime = (uint32_t)v->btime.sec;
	raw->crtime_extra = time_extra(&v->btime);
	spin_unlock(&v->attr_lock);
}

/* The inode that the disk should have. */
static void
inode_encode(struct ext2_inode *ip, struct ext2_disk_inode *raw)
{
	struct vnode *v = ip->vn;
	uint64_t size = v->vmo != NULL ? vmo_size(v->vmo) : v->link_bytes;

	*raw = ip->raw;
	attrs_encode(ip, raw);
	raw->links = (uint16_t)atomic_load(&v->nlink);
	raw->dtime = 0;
	raw->size = (uint32_t)size;
	if (v->type == S_IFREG)
		raw->size_high = (uint32_t)(size >> 32);
	raw->sectors = (uint32_t)atomic_load(&v->sectors);
	raw->flags = atomic_load(&v->fsflags);
	memcpy(raw->block, ip->block, sizeof(raw->block));
	if (ip->raw.links == 0) /* it is new: nobody else's fields stand there */
		raw->extra_isize = EXT2_EXTRA_ISIZE;
}

/*
 * The first file that needs 32 bits and more for its size: the superblock says so,
 * and one of revision 0, where nothing can be said, becomes one of revision 1.
 */
static void
large_mark(struct ext2_fs *fs)
{
	struct ext2_sb *sb = &fs->sb;

	if (sb->rev_level == 0) {
		sb->rev_level = 1;
		sb->first_ino = fs->first_ino;
		sb->inode_size = (uint16_t)fs->inode_size;
	}
	sb->ro_compat |= EXT2_RO_LARGE;
	fs->groups[0].dirty = true; /* so alloc_store() writes the superblock */
}

/* Bring the inode table up to date with an inode.  Locks: the gate is closed. */
static int
inode_store(struct ext2_inode *ip)
{
	struct ext2_fs *fs = ip->fs;
	struct ext2_disk_inode raw;
	uint32_t blk, off;
	void *data;
	int r;

	if (ip->life != LIFE_LIVE)
		return 0;
	inode_encode(ip, &raw);
	if (memcmp(&raw, &ip->raw, inode_bytes(fs, &raw)) == 0)
		return 0;
	if (ip->vn->type == S_IFREG && (raw.size_high != 0 ||
	    raw.size > INT32_MAX) && (fs->sb.ro_compat & EXT2_RO_LARGE) == 0)
		large_mark(fs);
	inode_place(fs, (uint32_t)ip->vn->ino, &blk, &off);
	r = meta_edit(fs, blk, META_INODE, &data);
	if (r != 0)
		return r;
	/* The first time: nothing of the old inode with this number stays. */
	if (ip->raw.links == 0)
		memset((char *)data + off, 0, fs->inode_size);
	memcpy((char *)data + off, &raw, inode_bytes(fs, &raw));
	ip->raw = raw;
	return 0;
}

/* The block of an inode that a commit will change.  As meta_hold(). */
int
inode_hold(struct ext2_fs *fs, uint32_t ino)
{
	uint32_t blk, off;

	inode_place(fs, ino, &blk, &off);
	return meta_hold(fs, blk);
}

/*
 * All live inodes, and those that are to be born are held; a commit begins.
 *
 * Locks:    the gate is closed; takes ilock.
 * Returns:  0, -EIO, -ENOMEM: nothing is written yet, it can begin once more.
 */
int
inode_store_all(struct ext2_fs *fs)
{
	struct ext2_inode *ip;
	int r = 0;

	ASSERT(fs->gate.closed);
	mutex_lock_nested(&fs->ilock);
	LIST_FOREACH(ip, &fs->inodes, all) {
		if (r != 0)
			break;
		if (ip->life == LIFE_UNBORN && ip->vn->nlink != 0)
			r = inode_hold(fs, (uint32_t)ip->vn->ino);
		else
			r = inode_store(ip);
	}
	mutex_unlock(&fs->ilock);
	return r;
}

/* All deaths are written.  Locks: the gate is closed; takes ilock. */
void
inode_reset_levels(struct ext2_fs *fs)
{
	struct ext2_inode *ip;

	ASSERT(fs->gate.closed);
	mutex_lock_nested(&fs->ilock);
	LIST_FOREACH(ip, &fs->inodes, all)
		ip->kid_level = 0;
	mutex_unlock(&fs->ilock);
}

/*
 * Does the disk have the directory in which ip's name is?  One without links never
 * will: ip has another name by now.
 */
static bool
is_ripe(struct ext2_inode *ip)
{
	struct vnode *parent;
	bool ripe;

	if (ip->life != LIFE_UNBORN || ip->vn->nlink == 0)
		return false;
	parent = vn_parent(ip->vn);
	ripe = parent == NULL || atomic_load(&parent->nlink) == 0 ||
	    ext2_inode_of(parent)->life == LIFE_LIVE;
	vn_put(parent);
	return ripe;
}

/*
 * Give links to the unborn whose parents have them; *n: how many there were.
 *
 * Locks:    the gate is closed; takes ilock.
 * Returns:  0, -EIO, -ENOMEM.
 */
int
inode_bear(struct ext2_fs *fs, unsigned *n)
{
	struct ext2_inode *ip;
	int r = 0;

	ASSERT(fs->gate.closed);
	*n = 0;
	mutex_lock_nested(&fs->ilock);
	LIST_FOREACH(ip, &fs->inodes, all)
		if (is_ripe(ip))
			ip->life = LIFE_BIRTH;
	LIST_FOREACH(ip, &fs->inodes, all)
		if (ip->life == LIFE_BIRTH && r == 0) {
			ip->life = LIFE_LIVE;
			r = inode_store(ip);
			(*n)++;
		}
	mutex_unlock(&fs->ilock);
	return r;
}

/* Would a commit write it?  For the cache, which drops only what is clean. */
bool
inode_is_clean(struct ext2_inode *ip)
{
	struct ext2_disk_inode raw;

	if (ip->life != LIFE_LIVE)
		return false;
	inode_encode(ip, &raw);
	return memcmp(&raw, &ip->raw, inode_bytes(ip->fs, &raw)) == 0;
}

/* The disk's inode has no links any more.  Locks: the gate is closed. */
int
inode_store_dead(struct ext2_fs *fs, uint32_t ino)
{
	struct ext2_disk_inode *raw;
	uint32_t blk, off;
	void *data;
	int r;

	inode_place(fs, ino, &blk, &off);
	r = meta_edit(fs, blk, META_INODE, &data);
	if (r != 0)
		return r;
	raw = (struct ext2_disk_inode *)((char *)data + off);
	raw->links = 0;
	raw->dtime = (uint32_t)kts_now().sec;
	return 0;
}
