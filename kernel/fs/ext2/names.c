/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * names.c: lookup, create, link, remove
 *
 * Problem   Each change touches a directory, an inode and free space at once,
 *           and the disk may lose power between any two of its writes.
 *
 * Picture   VFS (names.c of fs/) holds the tree for writing
 *              → reap → ext2_begin ─ entries, inodes, bitmaps ─ ext2_end
 *                           └── a commit runs before or after, never between
 *
 * Rules     1. A name is added before the inode has links, and removed after
 *              it has none: commit.c writes in that order.  So a removed name
 *              is only hidden here, unless the disk never knew its inode.
 *           2. All memory and blocks that a change needs are there before its
 *              first step; one that fails has changed nothing.
 *
 * Read next dir.c, inode.c, death.c, rename.c.
 */
#include "fs/ext2/ext2.h"
#include "fs/fsfn.h"
#include "lib/string.h"
#include "mem/mem.h"

/* ---- lookup ---- */

/* A directory has one parent: what is found must agree. */
static int
dir_adopt(struct vnode *dir, const struct name *n, struct vnode *v)
{
	struct vnode *parent = vn_parent(v);
	char *name;

	vn_put(parent);
	if (v == dir->mnt->root || (parent != NULL && parent != dir))
		return ext2_error(ext2_fs_of(dir), "directory %lu has two names",
		    v->ino);
	if (parent != NULL)
		return 0;
	name = vn_name_dup(n);
	if (name == NULL)
		return -ENOMEM;
	vn_set_name(v, dir, name);
	return 0;
}

/* vnode_ops.lookup. */
int
ext2_lookup(struct vnode *dir, const struct name *n, struct vnode **out)
{
	struct ext2_spot spot;
	struct vnode *v;
	int r = dir_lookup(ext2_inode_of(dir), n, &spot);

	if (r == 0)
		r = inode_get(ext2_fs_of(dir), spot.ino, &v);
	if (r != 0)
		return r;
	if (v->type == S_IFDIR)
		r = dir_adopt(dir, n, v);
	if (r != 0) {
		vn_put(v);
		return r;
	}
	*out = v;
	return 0;
}

/* ---- create ---- */

static void
zombie_add(struct ext2_inode *ip)
{
	if (!list_is_linked(&ip->zombie))
		list_push_back(&ip->fs->zombies, &ip->zombie);
}

/* The new vnode gets its name.  Locks: inside the gate. */
static int
create_name(struct vnode *dir, const struct vn_new *n, struct vnode *v)
{
	char *name = vn_name_dup(&n->name);
	int r;

	if (name == NULL)
		return -ENOMEM;
	r = dir_insert(ext2_inode_of(dir), &n->name, (uint32_t)v->ino, v->type,
	    NULL);
	if (r != 0) {
		kmem_free(name);
		return r;
	}
	v->nlink = v->type == S_IFDIR ? 2 : 1;
	if (v->type == S_IFDIR)
		dir->nlink++;
	vn_set_name(v, dir, name);
	vn_touch(dir, VN_MTIME | VN_CTIME);
	return 0;
}

static int
create_once(struct vnode *dir, const struct vn_new *n, struct vnode **out)
{
	struct vnode *v = NULL;
	int r = ext2_begin(ext2_fs_of(dir));

	if (r != 0)
		return r;
	r = inode_make(dir, n, &v);
	if (r == 0 && n->name.len != 0)
		r = create_name(dir, n, v);
	ext2_end(ext2_fs_of(dir));
	if (r == 0) {
		v->nameless = n->name.len == 0;
		*out = v;
	}
	if (v != NULL && v->nlink == 0)
		zombie_add(ext2_inode_of(v));
	if (r == 0 || v == NULL)
		return r;
	vn_put(v);
	icache_reap(ext2_fs_of(dir));
	return r;
}

/*
 * Is a name free?  A directory on the disk never has it twice: when the old
 * one is only hidden, a commit removes it first.
 *
 * Locks:    tree for writing; outside of the gate.
 * Returns:  0, -EEXIST, -EIO, -EUCLEAN, -ENOMEM.
 */
int
name_free(struct vnode *dir, const struct name *n)
{
	struct ext2_spot spot;
	int r = dir_lookup(ext2_inode_of(dir), n, &spot);

	if (r == 0)
		return -EEXIST;
	if (r == -ENOENT)
		r = spot.hidden ? ext2_commit(ext2_fs_of(dir)) : 0;
	return r;
}

/* vnode_ops.create. */
int
ext2_create(struct vnode *dir, const struct vn_new *n, struct vnode **out)
{
	struct ext2_fs *fs = ext2_fs_of(dir);
	unsigned tries = 0;
	int r = 0;

	icache_reap(fs);
	if (n->name.len != 0)
		r = name_free(dir, &n->name);
	if (r != 0)
		return r;
	if (S_ISDIR(n->mode) && dir->nlink >= EXT2_LINK_MAX)
		return -EMLINK;
	do
		r = create_once(dir, n, out);
	while (ext2_relieve(fs, r, &tries));
	return r;
}

static int
link_once(struct vnode *dir, const struct name *n, struct vnode *v)
{
	struct ext2_inode *ip = ext2_inode_of(v);
	struct ext2_fs *fs = ip->fs;
	int r = ext2_begin(fs);

	if (r != 0)
		return r;
	r = dir_insert(ext2_inode_of(dir), n, (uint32_t)v->ino, v->type, NULL);
	if (r == 0) {
		v->nlink++;
		v->nameless = false;
		list_remove(&ip->zombie);
	}
	ext2_end(fs);
	return r;
}

/* vnode_ops.link. */
int
ext2_link(struct vnode *dir, const struct name *n, struct vnode *v)
{
	unsigned tries = 0;
	int r;

	icache_reap(ext2_fs_of(dir));
	r = name_free(dir, n);
	if (r != 0)
		return r;
	if (v->nlink >= EXT2_LINK_MAX)
		return -EMLINK;
	do
		r = link_once(dir, n, v);
	while (ext2_relieve(ext2_fs_of(dir), r, &tries));
	if (r != 0)
		return r;
	vn_note_name(v, dir, n);
	vn_touch(dir, VN_MTIME | VN_CTIME);
	vn_touch(v, VN_CTIME);
	return 0;
}

/* ---- remove ---- */

/*
 * Name n of v in dir is gone: counts, times, and perhaps its end.
 *
 * Locks:    tree for writing, inside the gate.
 * Owns:     takes death.
 */
void
name_dropped(struct vnode *dir, const struct name *n, struct vnode *v,
    struct ext2_death *death)
{
	struct ext2_inode *ip = ext2_inode_of(v), *dip = ext2_inode_of(dir);

	if (v->type == S_IFDIR) {
		v->nlink = 0;
		dir->nlink -= dir->nlink > 2;
		dir_forget_gone(ip->fs, ip);
	} else {
		v->nlink -= v->nlink > 0;
	}
	if (v->nlink != 0) {
		vn_forget_name(v, dir, n);
	} else {
		dip->kid_level = MAX(dip->kid_level, ip->kid_level + 1);
		if (death != NULL)
			death_note(ip, death);
		zombie_add(ip);
	}
	vn_touch(v, VN_CTIME);
	vn_touch(dir, VN_MTIME | VN_CTIME);
}

/* Rule 1.  Locks: inside the gate.  Owns: takes *gone, if it needs it. */
int
name_erase(struct vnode *dir, struct vnode *v, const struct ext2_spot *spot,
    struct ext2_gone **gone)
{
	if (ext2_inode_of(v)->life == LIFE_UNBORN)
		return dir_erase(ext2_inode_of(dir), spot);
	dir_erase_later(ext2_inode_of(dir), spot, *gone);
	*gone = NULL;
	return 0;
}

/* vnode_ops.remove. */
int
ext2_remove(struct vnode *dir, const struct name *n, struct vnode *v)
{
	struct ext2_fs *fs = ext2_fs_of(dir);
	struct ext2_gone *gone;
	struct ext2_death *death;
	struct ext2_spot spot;
	int r = 0;

	icache_reap(fs);
	if (v->type == S_IFDIR)
		r = dir_is_empty(ext2_inode_of(v));
	if (r == 0)
		r = dir_lookup(ext2_inode_of(dir), n, &spot);
	if (r == 0)
		r = ext2_begin(fs);
	if (r != 0)
		return r;

	/* reserve */
	r = death_reserve(v, &death);
	gone = dir_gone_alloc();
	if (gone == NULL)
		r = -ENOMEM;
	if (r == 0)
		r = name_erase(dir, v, &spot, &gone);
	dir_gone_free(gone);

	/* perform */
	if (r == 0)
		name_dropped(dir, n, v, death);
	else
		death_free(death);
	ext2_end(fs);
	return r;
}

/* vnode_ops.readlink. */
ssize_t
ext2_readlink(struct vnode *v, char *buf, size_t cap)
{
	size_t n = MIN(cap, v->link_bytes);

	memcpy(buf, ext2_inode_of(v)->text, n);
	return (ssize_t)n;
}
