/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * state.c: the disk's mark: in use, or clean
 *
 * Problem   The next mount, or e2fsck, must know whether all changes have been
 *           written.
 *
 * Rules     The mark is taken off at mount and put back at unmount and before
 *           power-off, when all is written and nothing is late.
 *
 * Read next super.c, sync.c.
 */
#include "fs/ext2/ext2.h"
#include "fs/fsfn.h"

#define SETTLE_TRIES 4u

/* Write the superblock with another state.  0, or an error of a commit. */
static int
state_write(struct ext2_fs *fs, uint16_t state)
{
	struct bio b;
	int r;

	fs->sb.state = state;
	fs->groups[0].dirty = true;
	r = ext2_commit(fs);
	if (r != 0)
		return r;
	bio_init(&b, fs->dev, 0, BIO_FLUSH);
	return meta_submit(fs, &b);
}

/* In use, for writing.  0, or an error of a commit. */
int
ext2_mark_used(struct ext2_fs *fs)
{
	fs->sb.mtime = (uint32_t)kts_now().sec;
	fs->sb.mnt_count++;
	return state_write(fs, fs->old_state & (uint16_t)~EXT2_VALID);
}

/*
 * All is written, nothing more will be.
 *
 * Locks:    tree for writing.
 * Returns:  0; an error: the disk is not clean, and read-only all the same.
 */
int
ext2_settle(struct ext2_fs *fs)
{
	unsigned i;
	int r = 0;

	for (i = 0; i < SETTLE_TRIES && r == 0; i++)
		r = ext2_commit(fs);
	if (r == 0 && fs->lost) {
		klog("ext2: %s: blocks have no owner; e2fsck is due",
		    fs->dev->name);
		fs->old_state |= EXT2_HAS_ERRORS;
	}
	if (r == 0)
		r = state_write(fs, fs->old_state | EXT2_VALID);
	if (r != 0)
		klog("ext2: %s: not left clean: error %d", fs->dev->name, -r);
	atomic_store(&fs->readonly, true);
	return r;
}
