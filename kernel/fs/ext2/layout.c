/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * layout.c: where structures lie on the disk, and reports of damage
 *
 * Problem   Every other file asks where an inode is and which blocks may be a
 *           file's, and the numbers on the disk cannot be trusted.
 *
 * Rules     1. Bitmaps and inode table of a group lie within that group (super.c):
 *              so one look at the group tells whether a block may belong to a
 *              file (ext2_block_ok).
 *           2. An error while running makes the file system read-only; the
 *              disk keeps its mark "not clean", so e2fsck looks at all.
 *           3. This file calls nothing of this room.
 *
 * Read next meta.c.
 */
#include "fs/ext2/ext2.h"
#include "fs/fsfn.h"

/*
 * The disk is not as it should be: say so, and write no more.
 *
 * Locks:    any sleeping ones.
 * Returns:  -EUCLEAN, for the caller to return.
 */
int
ext2_error(struct ext2_fs *fs, const char *fmt, ...)
{
	char text[120];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (!atomic_xchg(&fs->failed, true)) {
		klog("ext2: %s: %s; read-only from now on", fs->dev->name, text);
		atomic_store(&fs->readonly, true);
		atomic_store(&fs->mnt->flags, fs->mnt->flags | MS_RDONLY);
	}
	return -EUCLEAN;
}

static bool
is_power_of(uint32_t n, uint32_t base)
{
	while (n % base == 0)
		n /= base;
	return n == 1;
}

/* Does the group begin with a copy of the superblock and the descriptors? */
bool
layout_has_super(const struct ext2_fs *fs, uint32_t g)
{
	if ((fs->sb.ro_compat & EXT2_RO_SPARSE) == 0 || g <= 1)
		return true;
	return is_power_of(g, 3) || is_power_of(g, 5) || is_power_of(g, 7);
}

/* Is a block one of the inode table of a group? */
bool
layout_in_table(const struct ext2_fs *fs, const struct ext2_group *gp, uint32_t blk)
{
	return blk >= gp->inode_table &&
	    blk - gp->inode_table < fs->itable_blocks;
}

/*
 * May a file own this block?  It exists and is none of the file system's own.
 *
 * Context:  any thread, does not sleep.
 */
bool
ext2_block_ok(const struct ext2_fs *fs, uint32_t blk)
{
	const struct ext2_group *gp;
	uint32_t g, off;

	if (blk <= fs->sb.first_data_block || blk >= fs->sb.blocks_count)
		return false;
	g = (blk - fs->sb.first_data_block) / fs->sb.blocks_per_group;
	off = (blk - fs->sb.first_data_block) % fs->sb.blocks_per_group;
	gp = &fs->groups[g];
	if (layout_has_super(fs, g) && off <= fs->gd_blocks)
		return false;
	return blk != gp->block_bitmap && blk != gp->inode_bitmap &&
	    !layout_in_table(fs, gp, blk);
}

/* Where an inode lies: block and byte in it.  Any context. */
void
inode_place(const struct ext2_fs *fs, uint32_t ino, uint32_t *blk,
    uint32_t *off)
{
	uint32_t g = (ino - 1) / fs->sb.inodes_per_group;
	uint64_t at = (uint64_t)((ino - 1) % fs->sb.inodes_per_group) *
	    fs->inode_size;

	*blk = fs->groups[g].inode_table + (uint32_t)(at >> fs->bs_shift);
	*off = (uint32_t)at & (fs->bs - 1);
}

/* Bytes of an inode that are ours to read and write.  Any context. */
size_t
inode_bytes(const struct ext2_fs *fs, const struct ext2_disk_inode *raw)
{
	size_t n = EXT2_OLD_INODE;

	if (fs->inode_size > EXT2_OLD_INODE)
		n += MIN(raw->extra_isize, EXT2_EXTRA_ISIZE) & ~3u;
	return n;
}
