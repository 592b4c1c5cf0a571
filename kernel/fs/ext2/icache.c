/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * icache.c: which inodes are in memory, and until when
 *
 * Problem   A file that is read twice must be read from the disk only once, also if
 *           nobody holds it in between; and a file without names must give
 *           back its blocks when its last user is done.
 *
 * Picture   fs->itab:    by number        fs->inodes: longest unused first
 *           fs->zombies: nlink 0, still open, mapped or just removed
 *
 * Rules     1. The cache holds one reference to each vnode in it, so a vnode
 *              never ends by itself: only icache_remove() ends it.
 *           2. It is called with the tree locked for writing, when the cache's
 *              reference is the only one and no mapping has the object: then
 *              nobody can find a way to it.
 *           3. An inode leaves when it and its pages are clean, or when it has
 *              no names; then its pages go before its blocks.  One whose map
 *              cannot be read just now stays for the next round; so does one
 *              with blocks behind its end (pager.c, rule 5), or names that are
 *              still to be erased (gone.c, rule 3).
 *           4. A sync of all files holds each one for a moment, but is not a user:
 *              an inode without names still drops its pages and frees its blocks.
 *              Else a full disk could stay full after a file was removed.  The inode
 *              leaves the cache, as any other, when the sync has let it go.
 *
 * Read next sync.c, whose thread calls the reaper.
 */
#include "fs/ext2/ext2.h"
#include "fs/fsfn.h"
#include "lib/string.h"
#include "mem/mem.h"

#define CACHE_MIN 256u

/* Put a new inode in.  Owns: takes over the caller's reference.  Locks: ilock. */
void
icache_insert(struct ext2_inode *ip)
{
	struct ext2_fs *fs = ip->fs;

	HELD(&fs->ilock);
	list_push_back(&fs->inodes, &ip->all);
	list_push_back(&fs->itab[ip->vn->ino % EXT2_HASH], &ip->hash);
	fs->ninodes++;
}

/* Rules 2 and 4: ip is gone after this.  Locks: tree for writing. */
void
icache_remove(struct ext2_inode *ip)
{
	struct ext2_fs *fs = ip->fs;

	mutex_lock_nested(&fs->ilock);
	while (ip->syncing != 0) {
		mutex_unlock(&fs->ilock);
		(void)wait_until(&fs->synced, WAIT_PLAIN, WAIT_FOREVER,
		    atomic_load(&ip->syncing) == 0);
		mutex_lock_nested(&fs->ilock);
	}
	list_remove(&ip->all);
	list_remove(&ip->hash);
	list_remove(&ip->zombie);
	fs->ninodes--;
	mutex_unlock(&fs->ilock);
	vn_put(ip->vn);
}

/* Does nobody but the cache use it (rule 4)?  Locks: tree for writing, so that nobody
 * becomes a user. */
static bool
is_unused(struct ext2_inode *ip)
{
	const struct vnode *v = ip->vn;
	bool unused;

	mutex_lock_nested(&ip->fs->ilock);
	unused = atomic_load(&v->refs) == 1 + ip->syncing &&
	    (v->vmo == NULL || vmo_refs(v->vmo) == 1);
	mutex_unlock(&ip->fs->ilock);
	return unused;
}

/* All that it has goes back; commits may come between.  0, or an error. */
static int
zombie_free(struct ext2_inode *ip)
{
	int r;

	do {
		r = ext2_begin(ip->fs);
		if (r != 0)
			return r;
		r = inode_forget(ip);
		ext2_end(ip->fs);
	} while (r == -EAGAIN);
	return r;
}

/* The end of an inode without names.  Locks: tree for writing. */
static void
zombie_end(struct ext2_inode *ip)
{
	struct ext2_fs *fs = ip->fs;
	int r;

	if (ip->vn->vmo != NULL && vmo_resize(ip->vn->vmo, 0) != 0)
		return;
	r = zombie_free(ip);
	if (r == 0 || atomic_load(&fs->readonly))
		icache_remove(ip);
}

static void
reap_round(struct ext2_fs *fs)
{
	struct list_node *next;
	struct ext2_inode *ip;

	LIST_FOREACH_SAFE(ip, next, &fs->zombies, zombie)
		if (ip->vn->nlink == 0 && is_unused(ip))
			zombie_end(ip);
}

/*
 * Free the blocks of inodes without names and users; a directory only after its
 * contents, hence again and again until nothing changes.
 *
 * Locks:    tree for writing; outside of the gate.
 */
void
icache_reap(struct ext2_fs *fs)
{
	unsigned before;

	HELD(&fs->mnt->tree);
	do {
		before = fs->ninodes;
		reap_round(fs);
	} while (fs->ninodes != before);
}

/* The machine is going down: zombies free all blocks, even if they are in use.
 * Locks: tree for writing. */
void
icache_end_zombies(struct ext2_fs *fs)
{
	struct ext2_inode *ip;

	HELD(&fs->mnt->tree);
	while (!list_is_empty(&fs->zombies)) {
		ip = LIST_ENTRY(list_first(&fs->zombies), struct ext2_inode,
		    zombie);
		list_remove(&ip->zombie);
		if (ip->vn->vmo != NULL && vmo_resize(ip->vn->vmo, 0) != 0)
			continue;
		fs->lost |= zombie_free(ip) != 0;
	}
}

/* ---- less memory ---- */

/* How many inodes may stay: at most an eighth of memory's pages. */
static unsigned
cache_limit(void)
{
	struct phys_stat ps;

	phys_stat(&ps);
	return (unsigned)MAX(CACHE_MIN, ps.total / 8);
}

static bool
may_leave(struct ext2_inode *ip)
{
	if (!is_unused(ip) || ip->vn->nlink == 0 || ip->vn == ip->fs->mnt->root ||
	    atomic_load_relaxed(&ip->hidden) != 0)
		return false;
	if (ip->vn->vmo != NULL && (ext2_cut_tail(ip) != 0 ||
	    vmo_sync(ip->vn->vmo, 0, UINT64_MAX) != 0))
		return false;
	return inode_is_clean(ip);
}

/*
 * Let the longest unused go, when there are too many.
 *
 * Locks:    tree for writing, so that nobody looks one up.
 */
void
icache_trim(struct ext2_fs *fs)
{
	unsigned limit = cache_limit(), left = fs->ninodes;
	struct list_node *n = fs->inodes.head.next, *next;

	HELD(&fs->mnt->tree);
	for (; left > limit && n != &fs->inodes.head; n = next, left--) {
		struct ext2_inode *ip = LIST_ENTRY(n, struct ext2_inode, all);

		next = n->next;
		if (may_leave(ip))
			icache_remove(ip);
	}
}

/* ---- unmount ---- */

/* References that an inode has from the cache, its children and the mount. */
static void
kids_count(struct ext2_fs *fs)
{
	struct ext2_inode *ip;

	LIST_FOREACH(ip, &fs->inodes, all)
		ip->kids = ip->vn == fs->mnt->root ? 2 : 1;
	LIST_FOREACH(ip, &fs->inodes, all)
		if (ip->vn->parent != NULL)
			ext2_inode_of(ip->vn->parent)->kids++;
}

/* Does anyone use an inode?  Locks: tree for writing, nobody may enter. */
bool
icache_is_busy(struct ext2_fs *fs)
{
	struct ext2_inode *ip;

	HELD(&fs->mnt->tree);
	kids_count(fs);
	LIST_FOREACH(ip, &fs->inodes, all)
		if (atomic_load(&ip->vn->refs) != ip->kids ||
		    ip->vn->mounted != NULL ||
		    (ip->vn->vmo != NULL && vmo_refs(ip->vn->vmo) != 1))
			return true;
	return false;
}

/* Drop all; dirty data are lost.  Locks: tree for writing. */
void
icache_drop_all(struct ext2_fs *fs)
{
	struct ext2_inode *ip;

	HELD(&fs->mnt->tree);
	dir_forget_gone(fs, NULL);
	while (!list_is_empty(&fs->inodes)) {
		ip = LIST_ENTRY(list_first(&fs->inodes), struct ext2_inode, all);
		if (fs->failed && ip->vn->vmo != NULL &&
		    vmo_resize(ip->vn->vmo, 0) != 0)
			klog("ext2: %s: inode %lu: data was lost",
			    fs->dev->name, ip->vn->ino);
		icache_remove(ip);
	}
}

/*
 * The disk is left: no file has blocks behind its end any more.
 *
 * Locks:    tree for writing, outside of the gate; takes vnode->lock.
 * Returns:  0, the first error.
 */
int
icache_cut_tails(struct ext2_fs *fs)
{
	struct ext2_inode *ip;
	int r = 0, one;

	HELD(&fs->mnt->tree);
	LIST_FOREACH(ip, &fs->inodes, all) {
		if (!atomic_load(&ip->tail) || ip->vn->nlink == 0)
			continue;
		rw_lock_write_nested(&ip->vn->lock);
		one = ext2_cut_tail(ip);
		rw_unlock_write(&ip->vn->lock);
		if (r == 0)
			r = one;
	}
	return r;
}

/* ---- pages of all files ---- */

/*
 * The file of a bucket that has the lowest number above *last; NULL: none.  By number:
 * the list of all changes its order while others use files.
 *
 * Owns:     a reference, until file_done().
 */
static struct ext2_inode *
file_next(struct ext2_fs *fs, unsigned bucket, uint64_t *last)
{
	struct ext2_inode *ip, *next = NULL;

	mutex_lock_nested(&fs->ilock);
	LIST_FOREACH(ip, &fs->itab[bucket], hash)
		if (ip->vn->ino > *last && ip->vn->vmo != NULL && ip->vn->nlink != 0 &&
		    (next == NULL || ip->vn->ino < next->vn->ino))
			next = ip;
	if (next != NULL) {
		*last = next->vn->ino;
		vn_get(next->vn);
		atomic_store(&next->syncing, next->syncing + 1);
	}
	mutex_unlock(&fs->ilock);
	return next;
}

static void
file_done(struct ext2_fs *fs, struct ext2_inode *ip)
{
	mutex_lock_nested(&fs->ilock);
	vn_put(ip->vn);            /* the cache has one more */
	atomic_store(&ip->syncing, ip->syncing - 1);
	mutex_unlock(&fs->ilock);
	wake_all(&fs->synced);
}

/*
 * Write the dirty pages of all files.
 *
 * Locks:    none, or tree for writing.
 * Returns:  0, the first error.
 */
int
icache_sync_files(struct ext2_fs *fs)
{
	struct ext2_inode *ip;
	uint64_t last;
	unsigned i;
	int r = 0, one;

	for (i = 0; i < EXT2_HASH; i++) {
		last = 0;
		while ((ip = file_next(fs, i, &last)) != NULL) {
			one = vmo_sync(ip->vn->vmo, 0, UINT64_MAX);
			if (r == 0)
				r = one;
			file_done(fs, ip);
		}
	}
	return r;
}
