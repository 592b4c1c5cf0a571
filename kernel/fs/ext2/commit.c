/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * commit.c: the order in which the disk learns of changes
 *
 * Problem   The disk writes what it is given in any order and may lose power
 *           at any time; what is found then must be something that e2fsck -p
 *           repairs without asking, and what was fsync'ed must be there.
 *
 * Picture   e2fsck -p repairs: counts, bitmaps, sizes, names that lead to an
 *           inode without links.  It stops at: an inode with links but no name,
 *           a block with two owners, a map or directory block of old bytes.
 *           Hence one commit, with a FLUSH of the disk at each bar:
 *
 *           new blocks | maps, inodes, directories with new names |
 *           a directory that has moved, through a log (movelog.c) |
 *           new inodes get links, parents first | … |
 *           removed inodes lose them, children first | … |
 *           removed names | freed blocks and inodes become free; bitmaps
 *
 * Rules     1. A commit closes the gate (gate.c) and writes while nobody changes.
 *           2. A step with nothing to write costs nothing: an append costs one
 *              FLUSH, a new file two.
 *           3. An error of a commit makes the file system read-only.
 *           4. A commit reads before it writes: each block that it will change
 *              is held in memory first.  If one cannot be read just now the commit
 *              is put off, with nothing written and nothing lost.
 *
 * Read next gate.c, meta.c, istore.c.
 */
#include "fs/ext2/ext2.h"
#include "fs/fsfn.h"
#include "lib/string.h"
#include "mem/mem.h"

#define GONE_MAX 2048u            /* hidden names before a commit is made */
#define BUFS_MIN 64u
#define RELIEVE_MAX 4u            /* commits that one change makes to find room */

static int commit_phases(struct ext2_fs *fs);
static int births(struct ext2_fs *fs);
static int deaths(struct ext2_fs *fs);

/* Is so much waiting that a commit should come first? */
static bool
is_full(const struct ext2_fs *fs)
{
	struct phys_stat ps;

	if (atomic_load_relaxed(&fs->nbufs) < BUFS_MIN)
		return atomic_load_relaxed(&fs->ngone) > GONE_MAX;
	phys_stat(&ps);
	return atomic_load_relaxed(&fs->nbufs) > MAX(BUFS_MIN, ps.total / 32) ||
	    atomic_load_relaxed(&fs->ngone) > GONE_MAX;
}

/*
 * gate_begin(), after a commit if too much is waiting.
 *
 * Locks:    as ext2.h says; rank 1 at most.
 * Returns:  0, -EROFS, what a commit gives that had to come first.
 */
int
ext2_begin(struct ext2_fs *fs)
{
	int r = is_full(fs) ? ext2_commit(fs) : 0;

	return r != 0 ? r : gate_begin(fs, GATE_POLITE);
}

/* ---- one commit ---- */

/*
 * The gate is closed: changes under way end, and frames come from the reserve, for the
 * threads that free some by writing files may wait at the gate.
 */
static void
commit_begin(void)
{
	vm_finish_begin();
	vm_blockmap_enter();
}

static void
commit_end(void)
{
	vm_blockmap_leave();
	vm_finish_end();
}

/* Rule 4.  Locks: the gate is closed.  0, -EIO, -ENOMEM: put off. */
static int
commit_hold(struct ext2_fs *fs)
{
	struct ext2_death *d;
	int r = inode_store_all(fs);

	LIST_FOREACH(d, &fs->deaths, all)
		if (r == 0)
			r = inode_hold(fs, d->ino);
	if (r == 0)
		r = dir_hold_gone(fs);
	if (r == 0)
		r = alloc_hold(fs);
	if (r == 0 && !list_is_empty(&fs->dirty[META_MOVE]))
		r = movelog_hold(fs);
	return r;
}

/* Locks: the gate is closed. */
static int
commit_closed(struct ext2_fs *fs)
{
	int r;

	if (atomic_load(&fs->readonly))
		return -EROFS;
	r = commit_hold(fs);
	if (r != 0) {
		EVENT(ext2_commit_put_off);
		return r;
	}
	r = commit_phases(fs);
	if (r != 0)
		(void)ext2_error(fs, "commit: error %d", -r);
	return r;
}

/*
 * Write all metadata in order (the picture).  Data of files is the caller's.
 *
 * Locks:    outside of the gate; tree and vnode->lock are allowed.
 * Returns:  0, -EIO, -ENOMEM, -EUCLEAN, -EROFS.
 */
int
ext2_commit(struct ext2_fs *fs)
{
	int r;

	gate_close(&fs->gate);
	commit_begin();
	r = commit_closed(fs);
	meta_drop_held(fs);
	commit_end();
	gate_open(&fs->gate);
	return r;
}

/* Write a kind and make it durable before the next, if there is any. */
static int
write_and_wait(struct ext2_fs *fs, enum ext2_kind kind)
{
	int r;

	if (list_is_empty(&fs->dirty[kind]))
		return 0;
	r = meta_write(fs, kind);
	return r != 0 ? r : meta_barrier(fs);
}

static int
write_states(struct ext2_fs *fs)
{
	int r = meta_write(fs, META_MAP);

	if (r == 0)
		r = meta_write(fs, META_INODE);
	if (r == 0)
		r = meta_write(fs, META_DIR);
	return r != 0 ? r : meta_barrier(fs);
}

/* The picture's order: what is pointed at is on the disk before what points there. */
static int
commit_phases(struct ext2_fs *fs)
{
	int r = write_and_wait(fs, META_NEW);

	if (r == 0)
		r = write_states(fs);
	if (r == 0)
		r = movelog_run(fs);
	if (r == 0)
		r = births(fs);
	if (r == 0)
		r = deaths(fs);
	if (r == 0)
		r = dir_purge(fs);
	if (r == 0)
		r = write_and_wait(fs, META_DIR);
	if (r == 0)
		r = alloc_release(fs);
	if (r == 0)
		r = alloc_store(fs);
	if (r == 0)
		r = meta_write(fs, META_ALLOC);
	return r;
}

/* New inodes get their links, one level of the tree after the other. */
static int
births(struct ext2_fs *fs)
{
	unsigned n = 0;
	int r;

	do {
		r = inode_bear(fs, &n);
		if (r == 0)
			r = write_and_wait(fs, META_INODE);
	} while (r == 0 && n != 0);
	return r;
}

/* Removed inodes lose their links; a directory after its contents. */
static int
deaths(struct ext2_fs *fs)
{
	struct ext2_death *d;
	uint32_t level, top = 0;
	int r = 0;

	LIST_FOREACH(d, &fs->deaths, all)
		top = MAX(top, d->level);
	for (level = 0; level <= top && r == 0; level++) {
		LIST_FOREACH(d, &fs->deaths, all)
			if (r == 0 && d->level == level)
				r = inode_store_dead(fs, d->ino);
		if (r == 0)
			r = write_and_wait(fs, META_INODE);
	}
	if (r != 0 || list_is_empty(&fs->deaths))
		return r;
	deaths_forget(fs);
	inode_reset_levels(fs);
	return 0;
}

/*
 * A change has ended with r, and has undone what it did: if that is -ENOSPC,
 * and what was freed is waiting for a commit, then make one, and true: try
 * again.  Not without end, for others take what is free as well.
 *
 * Locks:    as ext2_commit().  *tries: 0 at first.
 */
bool
ext2_relieve(struct ext2_fs *fs, int r, unsigned *tries)
{
	if (r != -ENOSPC || ++*tries > RELIEVE_MAX || thread_is_killed())
		return false;
	if (atomic_load(&fs->late_blocks) == 0 &&
	    atomic_load(&fs->late_inodes) == 0)
		return false;
	EVENT(ext2_relieve);
	return ext2_commit(fs) == 0;
}
