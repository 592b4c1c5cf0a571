/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * movefile.c: the log of a directory move is made before it and removed after
 *
 * Problem   The log of a move (movelog.c) needs 1,024 blocks: the disk has a
 *           journal already, or a file without a name gets them for that time.
 *
 * Rules     1. e2fsck wants 1,024 blocks, of which we use the first few: those
 *              of a file without a name, lent to inode 8 on the disk.  Is
 *              there no room for it, or are there no features (revision 0),
 *              the blocks are written at the same time, without a log.
 *           2. Before the move all else is written, and the new directory has
 *              room for the name: so the log has these three blocks only.  That
 *              room comes first; the log takes what is left, if it is enough.
 *           3. A disk that has a journal (e2fsck leaves it after a cut) keeps
 *              it; ours is the only use that we make of it.
 *
 * Read next movelog.c, rename.c (rename_logged).
 */
#include "fs/ext2/ext2.h"
#include "fs/fsfn.h"
#include "lib/string.h"
#include "mem/mem.h"

#define LOG_LEN 1024u             /* the shortest that e2fsck takes */

/* The first blocks of inode 8 or our file, when they are good. */
static bool
blocks_take(struct ext2_fs *fs, const uint32_t *block)
{
	unsigned i;

	for (i = 0; i < EXT2_LOG_BLOCKS; i++) {
		if (!ext2_block_ok(fs, block[i]))
			return false;
		fs->log.blk[i] = block[i];
	}
	return true;
}

/* Rule 3: the disk's own journal; false: that is none for us. */
static bool
own_take(struct ext2_fs *fs, const struct ext2_disk_inode *raw)
{
	fs->log.len = raw->size >> fs->bs_shift;
	return fs->sb.journal_inum == EXT2_LOG_INO && raw->links == 1 &&
	    (raw->mode & S_IFMT) == S_IFREG && raw->size_high == 0 &&
	    fs->log.len >= LOG_LEN && blocks_take(fs, raw->block);
}

static int
file_fill(struct vnode *v)
{
	struct ext2_inode *ip = ext2_inode_of(v);
	uint32_t i, disk;
	int r = ext2_begin(ip->fs);

	if (r != 0)
		return r;
	for (i = 0; i < LOG_LEN && r == 0; i++)
		r = bmap_alloc(ip, i, &disk);
	ext2_end(ip->fs);
	return r;
}

/* The file is not needed any more, or others need its blocks. */
static void
file_drop(struct ext2_fs *fs)
{
	vn_put(fs->log.file);
	fs->log.file = NULL;
	icache_reap(fs);
}

/* Rule 1: a file of our own.  -ENOSPC: no room. */
static int
file_take(struct vnode *dir)
{
	const struct vn_new n = { .mode = S_IFREG | 0600 };
	struct ext2_fs *fs = ext2_fs_of(dir);
	unsigned tries = 0;
	int r = ext2_create(dir, &n, &fs->log.file);

	if (r != 0)
		return r;
	do
		r = file_fill(fs->log.file);
	while (ext2_relieve(fs, r, &tries));
	fs->log.len = LOG_LEN;
	if (r == 0 && !blocks_take(fs, ext2_inode_of(fs->log.file)->block))
		r = -EUCLEAN;
	if (r != 0)
		file_drop(fs);
	return r;
}

static int
log_take(struct vnode *dir)
{
	struct ext2_fs *fs = ext2_fs_of(dir);
	struct ext2_disk_inode raw;
	struct ext2_ref ref;
	uint32_t blk, off;
	int r;

	inode_place(fs, EXT2_LOG_INO, &blk, &off);
	r = meta_get(fs, blk, &ref);
	if (r != 0)
		return r;
	memcpy(&raw, (const char *)ref.data + off, EXT2_OLD_INODE);
	meta_put(&ref);
	if ((fs->sb.compat & EXT2_COMPAT_JOURNAL) != 0)
		return own_take(fs, &raw) ? 0 : -ENOSPC;
	return raw.links != 0 ? -ENOSPC : file_take(dir);
}

/*
 * A directory is going to be moved into dir under that name: rules 1 and 2.
 *
 * Locks:    tree for writing, outside of the gate.
 * Returns:  0, log.ready tells whether there is one; -ENOSPC, -EIO, -ENOMEM.
 * Owns:     the log: movelog_close(), also after an error.
 */
int
movelog_open(struct vnode *dir, const struct name *n)
{
	struct ext2_fs *fs = ext2_fs_of(dir);
	unsigned tries = 0;
	int r;

	fs->log.page = phys_alloc(PHYS_KERNEL, PHYS_ANY);
	if (fs->log.page == NULL)
		return -ENOMEM;
	do {
		r = ext2_begin(fs);
		if (r != 0)
			return r;
		r = dir_make_room(ext2_inode_of(dir), n);
		ext2_end(fs);
	} while (ext2_relieve(fs, r, &tries));
	if (r != 0)
		return r;
	r = fs->sb.rev_level == 0 ? -ENOSPC : log_take(dir);
	if (r != 0 && r != -ENOSPC)
		return r;
	fs->log.ready = r == 0;
	return ext2_commit(fs);
}

/* The counterpart, when a commit has written the move. */
void
movelog_close(struct ext2_fs *fs)
{
	file_drop(fs);
	if (fs->log.page != NULL)
		phys_free(fs->log.page);
	fs->log.page = NULL;
	fs->log.ready = false;
}
