/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dirmap.c: the blocks of a directory, one after the other
 *
 * Problem   A search for a missing name reads every block; and an inode may claim
 *           to have millions of blocks on a disk of ten.
 *
 * Picture   inode loaded → dir_check_map()      lookup, room → blocks_next() …
 *
 * Rules     1. A directory has no holes, so it is as long as the disk at most, and
 *              no longer than the blocks that its inode counts.
 *           2. A block that comes twice is an error.
 *           3. A fatal signal ends the walk: so there is no walk in the middle of
 *              a change.
 *
 * Read next dir.c.
 */
#include "fs/ext2/ext2.h"
#include "fs/fsfn.h"

/* How many it has.  Any context. */
uint32_t
dir_blocks(const struct ext2_inode *dir)
{
	return (uint32_t)(dir->vn->link_bytes >> dir->fs->bs_shift);
}

/*
 * Block fblk of a directory; a hole is damage.
 *
 * Locks:    as bmap_run().
 * Returns:  0, -EIO, -EUCLEAN, -ENOMEM.
 */
int
dir_block(struct ext2_inode *dir, uint32_t fblk, uint32_t *blk)
{
	uint32_t n;
	int r = bmap_run(dir, fblk, 1, blk, &n);

	if (r == 0 && *blk == 0)
		r = ext2_error(dir->fs, "directory %lu: no block %u",
		    dir->vn->ino, fblk);
	return r;
}

/* From the first one on. */
void
blocks_begin(struct ext2_blocks *b, struct ext2_inode *dir)
{
	*b = (struct ext2_blocks){ .dir = dir };
}

/*
 * On to the next block.  Each is compared with a mark, which moves to the block
 * at place 0, 1, 3, 7 …: a map that comes round again meets it.
 *
 * Returns:  1, 0: there is none, -EINTR (a fatal signal), -EIO, -EUCLEAN …
 */
int
blocks_next(struct ext2_blocks *b)
{
	int r;

	if (b->next >= dir_blocks(b->dir))
		return 0;
	r = thread_is_killed() ? -EINTR : dir_block(b->dir, b->next, &b->blk);
	if (r != 0)
		return r;
	if (b->next != 0 && b->blk == b->mark)
		return ext2_error(b->dir->fs, "directory %lu: block %u twice",
		    b->dir->vn->ino, b->blk);
	if (b->next == b->mark_at) {
		b->mark = b->blk;
		b->mark_at = 2 * b->next + 1;
	}
	b->next++;
	return 1;
}

/*
 * Can it be a directory of so many bytes?  Where it is so long that its numbers
 * need a map, its blocks are no more than it says to own.
 *
 * Returns:  0, -EINTR (a fatal signal), -EIO, -EUCLEAN, -ENOMEM.
 */
int
dir_check_map(struct ext2_inode *dir, uint64_t size)
{
	struct ext2_fs *fs = dir->fs;
	uint64_t n = size >> fs->bs_shift;
	struct ext2_blocks b;
	int r;

	if (size == 0 || (size & (fs->bs - 1)) != 0 ||
	    n > fs->sb.blocks_count || (n > EXT2_NDIRECT &&
	    n > dir->vn->sectors >> (fs->bs_shift - SECTOR_SHIFT)))
		return ext2_error(fs, "directory %lu: size %lu", dir->vn->ino,
		    size);
	dir->vn->link_bytes = size;
	if (n <= EXT2_NDIRECT)
		return 0;
	blocks_begin(&b, dir);
	while ((r = blocks_next(&b)) == 1)
		;
	return r;
}
