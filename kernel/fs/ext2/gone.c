/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gone.c: removed names that are still on the disk
 *
 * Problem   The disk must lose an inode's links before it loses its last name
 *           (istore.c, rule 2), but nobody may see the name from now on.
 *
 * Picture   dir_erase_later → fs->gone, looked up by block and byte
 *           commit: inode is dead on the disk → dir_purge → entry's number 0
 *
 * Rules     1. dir_purge() removes a name under readers: it first makes the
 *              number 0, then forgets.
 *           2. Hidden names of a removed directory are forgotten with it: nobody
 *              looks a name up in it any more (namei.c, rule 4), and its
 *              blocks may soon be another's.
 *           3. Any other directory stays in memory until its hidden names are gone
 *              from the disk (icache.c), even if its inode is clean.
 *
 * Read next names.c, commit.c.
 */
#include "fs/ext2/ext2.h"
#include "lib/string.h"
#include "mem/mem.h"

static struct kmem_cache gone_cache = KMEM_CACHE("ext2_gone", struct ext2_gone);

static struct list *
gone_bucket(struct ext2_fs *fs, uint32_t blk, uint32_t off)
{
	return &fs->gone_tab[(blk * 31 + off / 4) % EXT2_HASH];
}

/* Is the entry at off of block blk hidden?  Locks: takes gone_lock. */
bool
gone_has(struct ext2_fs *fs, uint32_t blk, uint32_t off)
{
	struct ext2_gone *g;
	bool found = false;

	spin_lock(&fs->gone_lock);
	LIST_FOREACH(g, gone_bucket(fs, blk, off), hash)
		if (g->blk == blk && g->off == off) {
			found = true;
			break;
		}
	spin_unlock(&fs->gone_lock);
	return found;
}

/* The record that dir_erase_later() needs.  NULL: no memory. */
struct ext2_gone *
dir_gone_alloc(void)
{
	return kmem_cache_zalloc(&gone_cache);
}

/* The counterpart, when it was not needed; NULL is allowed. */
void
dir_gone_free(struct ext2_gone *g)
{
	if (g != NULL)
		kmem_cache_free(&gone_cache, g);
}

/*
 * Take a name away: from now on nobody sees it; the next commit removes it.
 *
 * Locks:    tree for writing, inside the gate.
 * Owns:     takes g, of dir_gone_alloc().
 */
void
dir_erase_later(struct ext2_inode *dir, const struct ext2_spot *spot,
    struct ext2_gone *g)
{
	struct ext2_fs *fs = dir->fs;

	g->dir = dir;
	g->blk = spot->blk;
	g->off = spot->off;
	atomic_and(&dir->vn->fsflags, ~EXT2_INDEX_FL);
	spin_lock(&fs->gone_lock);
	list_push_back(&fs->gone, &g->all);
	list_push_back(gone_bucket(fs, g->blk, g->off), &g->hash);
	fs->ngone++;
	dir->hidden++;
	spin_unlock(&fs->gone_lock);
}

/* It is no more on the disk.  Owns: takes g.  Locks: the gate is closed, or tree. */
void
gone_drop(struct ext2_fs *fs, struct ext2_gone *g)
{
	spin_lock(&fs->gone_lock);
	list_remove(&g->all);
	list_remove(&g->hash);
	fs->ngone--;
	g->dir->hidden--;
	spin_unlock(&fs->gone_lock);
	kmem_cache_free(&gone_cache, g);
}

/* The directory is removed; NULL: all are, and nobody is left.  Locks: tree, gate. */
void
dir_forget_gone(struct ext2_fs *fs, const struct ext2_inode *dir)
{
	struct list_node *next;
	struct ext2_gone *g;

	LIST_FOREACH_SAFE(g, next, &fs->gone, all)
		if (dir == NULL || g->dir == dir)
			gone_drop(fs, g);
}

/* The blocks that dir_purge() will change.  As meta_hold(). */
int
dir_hold_gone(struct ext2_fs *fs)
{
	struct ext2_gone *g;
	int r = 0;

	ASSERT(fs->gate.closed);
	LIST_FOREACH(g, &fs->gone, all)
		if (r == 0)
			r = meta_hold(fs, g->blk);
	return r;
}
