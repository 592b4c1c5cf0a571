/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * alloc.c: free blocks and free inodes
 *
 * Problem   Find a free block near the one before it, a free inode near its
 *           directory; and never give out a block that on the disk still
 *           belongs to another file.
 *
 * Picture   bitmap      1 1 1 1 0 0 1 …   one bit per block of the group
 *           late_blocks     1             freed: bit still set in the bitmap
 *                       └── alloc_release(), at the end of a commit
 *
 * Rules     1. Freeing sets a late bit only.  The bitmap's bit is cleared when a
 *              commit has written the map or inode that named the block; until
 *              then the block cannot be allocated.
 *           2. A block is freed once: a late bit already set, or a bit of the
 *              bitmap already clear, is damage.
 *           3. fs->alloc guards bitmaps and counts; the group's free counts
 *              do not contain late blocks.
 *           4. A group whose bitmap cannot be read is not used until the next
 *              mount: others have room.
 *
 * Read next commit.c.
 */
#include "fs/ext2/ext2.h"
#include "fs/fsfn.h"
#include "lib/bitmap.h"
#include "lib/string.h"
#include "mem/mem.h"

static uint32_t
group_of(const struct ext2_fs *fs, uint32_t blk)
{
	return (blk - fs->sb.first_data_block) / fs->sb.blocks_per_group;
}

static uint32_t
group_first(const struct ext2_fs *fs, uint32_t g)
{
	return fs->sb.first_data_block + g * fs->sb.blocks_per_group;
}

/* Blocks of a group; the last one may be shorter. */
static uint32_t
group_blocks(const struct ext2_fs *fs, uint32_t g)
{
	return MIN(fs->sb.blocks_per_group, fs->sb.blocks_count -
	    group_first(fs, g));
}

/* A block near the inode itself.  Any context. */
uint32_t
alloc_goal(const struct ext2_fs *fs, uint32_t ino)
{
	return group_first(fs, (ino - 1) / fs->sb.inodes_per_group);
}

/* ---- blocks ---- */

/* May the caller have one of the last blocks, kept for root? */
static bool
may_allocate(const struct ext2_fs *fs)
{
	if (fs->sb.free_blocks == 0)
		return false;
	if (fs->sb.free_blocks > fs->sb.r_blocks_count)
		return true;
	return fs_may(CAP_SYS_RESOURCE) || fs_cred()->fsuid == fs->sb.def_resuid;
}

/* A clear bit at or behind from, else before it; set.  -ENOSPC: none. */
static int
bit_take(uint64_t *map, uint32_t nbits, uint32_t from, uint32_t *out)
{
	size_t i = bitmap_next_clear(map, nbits, from);

	if (i == BITMAP_NONE)
		i = bitmap_next_clear(map, nbits, 0);
	if (i == BITMAP_NONE)
		return -ENOSPC;
	bitmap_set(map, i);
	*out = (uint32_t)i;
	return 0;
}

/* Rule 4: a bitmap that could not be read is reported once.  Locks: alloc held. */
static bool
map_is_lost(struct ext2_fs *fs, uint32_t g, const char *what, int r, bool *lost)
{
	if (r != -EIO)
		return false;
	if (!*lost)
		klog("ext2: %s: group %u: its bitmap of %s cannot be read: "
		    "nothing is taken there", fs->dev->name, g, what);
	*lost = true;
	return true;
}

/* Locks: alloc held. */
static int
block_take_locked(struct ext2_fs *fs, uint32_t g, uint32_t from, uint32_t *out)
{
	struct ext2_group *gp = &fs->groups[g];
	void *map;
	int r;

	HELD(&fs->alloc);
	r = meta_edit(fs, gp->block_bitmap, META_ALLOC, &map);
	if (r != 0)
		return r;
	if (bit_take(map, group_blocks(fs, g), from, out) != 0)
		return ext2_error(fs, "group %u: no free block, %u expected", g,
		    gp->free_blocks);
	*out += group_first(fs, g);
	if (!ext2_block_ok(fs, *out))
		return ext2_error(fs, "group %u: block %u marked free", g, *out);
	gp->free_blocks--;
	gp->dirty = true;
	fs->sb.free_blocks--;
	return 0;
}

/*
 * Allocate a block, goal or the next free one behind it.
 *
 * Locks:    inside the gate; takes alloc.
 * Returns:  0, -ENOSPC, -EIO, -EUCLEAN, -ENOMEM.
 */
int
alloc_block(struct ext2_fs *fs, uint32_t goal, uint32_t *out)
{
	uint32_t g, i, from;
	int r = -ENOSPC;

	if (goal < fs->sb.first_data_block || goal >= fs->sb.blocks_count)
		goal = fs->sb.first_data_block;
	mutex_lock_nested(&fs->alloc);
	g = group_of(fs, goal);
	from = goal - group_first(fs, g);
	for (i = 0; i < fs->ngroups && may_allocate(fs); i++) {
		struct ext2_group *gp = &fs->groups[g];

		if (gp->blocks_lost)
			r = -EIO;
		else if (gp->free_blocks != 0) {
			r = block_take_locked(fs, g, from, out);
			if (!map_is_lost(fs, g, "blocks", r, &gp->blocks_lost))
				break;
		}
		g = (g + 1) % fs->ngroups;
		from = 0;
	}
	mutex_unlock(&fs->alloc);
	return r;
}

/*
 * Give back what alloc_block() has given in this stay inside the gate: no
 * commit has seen it, so it is free at once.
 *
 * Locks:    inside the gate; takes alloc.
 * Returns:  0, -EUCLEAN, -EIO, -ENOMEM (the block is lost until e2fsck).
 */
int
alloc_return_block(struct ext2_fs *fs, uint32_t blk)
{
	uint32_t g = group_of(fs, blk);
	struct ext2_group *gp = &fs->groups[g];
	void *map;
	int r;

	mutex_lock_nested(&fs->alloc);
	r = meta_edit(fs, gp->block_bitmap, META_ALLOC, &map);
	if (r == 0) {
		bitmap_clear(map, blk - group_first(fs, g));
		gp->free_blocks++;
		gp->dirty = true;
		fs->sb.free_blocks++;
	}
	mutex_unlock(&fs->alloc);
	return r;
}

/* Set the late bit of what map says is in use.  Locks: alloc held. */
static int
late_set_locked(struct ext2_fs *fs, uint32_t bitmap, uint64_t **late, uint32_t bit)
{
	struct ext2_ref ref;
	bool used;
	int r;

	HELD(&fs->alloc);
	if (*late == NULL)
		*late = kmem_zalloc(fs->bs);
	if (*late == NULL)
		return -ENOMEM;
	r = meta_get(fs, bitmap, &ref);
	if (r != 0)
		return r;
	used = bitmap_test(ref.data, bit) && !bitmap_test(*late, bit);
	meta_put(&ref);
	if (!used)
		return ext2_error(fs, "bit %u of bitmap %u freed twice", bit,
		    bitmap);
	bitmap_set(*late, bit);
	return 0;
}

/*
 * Give a block back, with effect after the next commit.
 *
 * Locks:    inside the gate; takes alloc and meta_lock.
 * Returns:  0, -EUCLEAN, -EIO, -ENOMEM: nothing has changed.
 */
int
alloc_free_block(struct ext2_fs *fs, uint32_t blk)
{
	uint32_t g;
	int r;

	if (!ext2_block_ok(fs, blk))
		return ext2_error(fs, "freed block %u is no data block", blk);
	g = group_of(fs, blk);
	mutex_lock_nested(&fs->alloc);
	r = late_set_locked(fs, fs->groups[g].block_bitmap,
	    &fs->groups[g].late_blocks, blk - group_first(fs, g));
	if (r == 0)
		fs->late_blocks++;
	mutex_unlock(&fs->alloc);
	if (r == 0)
		meta_forget(fs, blk);
	return r;
}

/* ---- inodes ---- */

/* Directories go where much is free, so that their files find room. */
static uint32_t
group_for_dir_locked(const struct ext2_fs *fs, uint32_t near)
{
	uint32_t average = fs->sb.free_inodes / fs->ngroups, i, g, best = near;
	uint32_t most = 0;

	HELD(&fs->alloc);
	for (i = 0; i < fs->ngroups; i++) {
		const struct ext2_group *gp;

		g = (near + i) % fs->ngroups;
		gp = &fs->groups[g];
		if (gp->free_inodes != 0 && gp->free_inodes >= average &&
		    gp->free_blocks > most) {
			best = g;
			most = gp->free_blocks;
		}
	}
	return best;
}

/* Locks: alloc held. */
static int
inode_take_locked(struct ext2_fs *fs, uint32_t g, bool is_dir, uint32_t *out)
{
	struct ext2_group *gp = &fs->groups[g];
	uint32_t from = g == 0 ? fs->first_ino - 1 : 0, bit;
	void *map;
	int r;

	HELD(&fs->alloc);
	r = meta_edit(fs, gp->inode_bitmap, META_ALLOC, &map);
	if (r != 0)
		return r;
	r = bit_take(map, fs->sb.inodes_per_group, from, &bit);
	if (r != 0 || (g == 0 && bit < from))
		return ext2_error(fs, "group %u: no free inode, %u expected", g,
		    gp->free_inodes);
	*out = g * fs->sb.inodes_per_group + bit + 1;
	gp->free_inodes--;
	gp->used_dirs += is_dir;
	gp->dirty = true;
	fs->sb.free_inodes--;
	return 0;
}

/*
 * Allocate an inode number; files near the inode of their directory.
 *
 * Locks:    inside the gate; takes alloc.
 * Returns:  0, -ENOSPC, -EIO, -EUCLEAN, -ENOMEM.
 */
int
alloc_inode(struct ext2_fs *fs, uint32_t near, bool is_dir, uint32_t *out)
{
	uint32_t g = (near - 1) / fs->sb.inodes_per_group, i;
	int r = -ENOSPC;

	mutex_lock_nested(&fs->alloc);
	if (is_dir)
		g = group_for_dir_locked(fs, g);
	for (i = 0; i < fs->ngroups && fs->sb.free_inodes != 0; i++) {
		struct ext2_group *gp = &fs->groups[g];

		if (gp->inodes_lost)
			r = -EIO;
		else if (gp->free_inodes != 0) {
			r = inode_take_locked(fs, g, is_dir, out);
			if (!map_is_lost(fs, g, "inodes", r, &gp->inodes_lost))
				break;
		}
		g = (g + 1) % fs->ngroups;
	}
	mutex_unlock(&fs->alloc);
	return r;
}

/*
 * The same as alloc_return_block() for an inode number.
 *
 * Locks:    inside the gate; takes alloc.
 * Returns:  0, -EUCLEAN, -EIO, -ENOMEM (the number is lost until e2fsck).
 */
int
alloc_return_inode(struct ext2_fs *fs, uint32_t ino, bool is_dir)
{
	struct ext2_group *gp = &fs->groups[(ino - 1) / fs->sb.inodes_per_group];
	void *map;
	int r;

	mutex_lock_nested(&fs->alloc);
	r = meta_edit(fs, gp->inode_bitmap, META_ALLOC, &map);
	if (r == 0) {
		bitmap_clear(map, (ino - 1) % fs->sb.inodes_per_group);
		gp->free_inodes++;
		gp->used_dirs -= is_dir && gp->used_dirs != 0;
		gp->dirty = true;
		fs->sb.free_inodes++;
	}
	mutex_unlock(&fs->alloc);
	return r;
}

/*
 * Is an inode number given away, and not given back?
 *
 * Locks:    takes alloc.
 * Returns:  1, 0, -EIO, -ENOMEM.
 */
int
alloc_inode_is_used(struct ext2_fs *fs, uint32_t ino)
{
	struct ext2_group *gp = &fs->groups[(ino - 1) / fs->sb.inodes_per_group];
	uint32_t bit = (ino - 1) % fs->sb.inodes_per_group;
	struct ext2_ref ref;
	int r;

	mutex_lock_nested(&fs->alloc);
	r = meta_get(fs, gp->inode_bitmap, &ref);
	if (r == 0) {
		r = bitmap_test(ref.data, bit) &&
		    (gp->late_inodes == NULL ||
		    !bitmap_test(gp->late_inodes, bit));
		meta_put(&ref);
	}
	mutex_unlock(&fs->alloc);
	return r;
}

/* The same as alloc_free_block() for an inode number. */
int
alloc_free_inode(struct ext2_fs *fs, uint32_t ino, bool is_dir)
{
	uint32_t g = (ino - 1) / fs->sb.inodes_per_group;
	struct ext2_group *gp = &fs->groups[g];
	int r;

	mutex_lock_nested(&fs->alloc);
	r = late_set_locked(fs, gp->inode_bitmap, &gp->late_inodes,
	    (ino - 1) % fs->sb.inodes_per_group);
	if (r == 0) {
		fs->late_inodes++;
		if (is_dir && gp->used_dirs != 0)
			gp->used_dirs--;
		gp->dirty = true;
	}
	mutex_unlock(&fs->alloc);
	return r;
}

/* ---- in a commit ---- */

/*
 * A commit will change these blocks: they stay in memory until it ends.
 *
 * Locks:    the gate is closed; takes alloc.
 * Returns:  0, -EIO, -ENOMEM.
 */
int
alloc_hold(struct ext2_fs *fs)
{
	uint32_t g, per = fs->bs / sizeof(struct ext2_gd);
	int r = meta_hold(fs, EXT2_SB_OFFSET >> fs->bs_shift);

	ASSERT(fs->gate.closed);
	mutex_lock_nested(&fs->alloc);
	for (g = 0; g < fs->ngroups && r == 0; g++) {
		const struct ext2_group *gp = &fs->groups[g];

		if (gp->late_blocks != NULL)
			r = meta_hold(fs, gp->block_bitmap);
		if (r == 0 && gp->late_inodes != NULL)
			r = meta_hold(fs, gp->inode_bitmap);
		if (r == 0 && (gp->dirty || gp->late_blocks != NULL ||
		    gp->late_inodes != NULL))
			r = meta_hold(fs, fs->sb.first_data_block + 1 + g / per);
	}
	mutex_unlock(&fs->alloc);
	return r;
}

/* Clear the bits in the bitmap that are set in late; *n: how many. */
static int
late_release(struct ext2_fs *fs, uint32_t bitmap, uint64_t **late, uint32_t *n)
{
	size_t words = fs->bs / sizeof(uint64_t), i;
	uint64_t *map;
	void *data;
	int r;

	*n = 0;
	if (*late == NULL)
		return 0;
	r = meta_edit(fs, bitmap, META_ALLOC, &data);
	if (r != 0)
		return r;
	map = data;
	*n = (uint32_t)bitmap_count(*late, fs->bs * 8ul);
	for (i = 0; i < words; i++)
		map[i] &= ~(*late)[i];
	kmem_free(*late);
	*late = NULL;
	return 0;
}

static int
group_release(struct ext2_fs *fs, struct ext2_group *gp)
{
	uint32_t n;
	int r;

	r = late_release(fs, gp->block_bitmap, &gp->late_blocks, &n);
	if (r != 0)
		return r;
	gp->free_blocks += n;
	fs->sb.free_blocks += n;
	fs->late_blocks -= n;
	gp->dirty |= n != 0;
	r = late_release(fs, gp->inode_bitmap, &gp->late_inodes, &n);
	if (r != 0)
		return r;
	gp->free_inodes += n;
	fs->sb.free_inodes += n;
	fs->late_inodes -= n;
	gp->dirty |= n != 0;
	return 0;
}

/* Blocks and inodes freed before this commit become free.  Locks: the gate is closed. */
int
alloc_release(struct ext2_fs *fs)
{
	uint32_t g;
	int r = 0;

	ASSERT(fs->gate.closed);
	mutex_lock_nested(&fs->alloc);
	for (g = 0; g < fs->ngroups && r == 0; g++)
		r = group_release(fs, &fs->groups[g]);
	mutex_unlock(&fs->alloc);
	return r;
}

static int
group_store(struct ext2_fs *fs, uint32_t g)
{
	struct ext2_group *gp = &fs->groups[g];
	uint32_t per = fs->bs / sizeof(struct ext2_gd);
	struct ext2_gd *gd;
	void *data;
	int r;

	r = meta_edit(fs, fs->sb.first_data_block + 1 + g / per, META_ALLOC,
	    &data);
	if (r != 0)
		return r;
	gd = (struct ext2_gd *)data + g % per;
	gd->free_blocks = (uint16_t)gp->free_blocks;
	gd->free_inodes = (uint16_t)gp->free_inodes;
	gd->used_dirs = (uint16_t)gp->used_dirs;
	gp->dirty = false;
	return 0;
}

/*
 * The superblock into its block.
 *
 * Locks:    the gate is closed.
 * Returns:  0, -EIO, -ENOMEM.
 */
int
ext2_super_store(struct ext2_fs *fs)
{
	void *data;
	int r;

	fs->sb.wtime = (uint32_t)kts_now().sec;
	r = meta_edit(fs, EXT2_SB_OFFSET >> fs->bs_shift, META_ALLOC, &data);
	if (r == 0)
		memcpy((char *)data + (EXT2_SB_OFFSET & (fs->bs - 1)), &fs->sb,
		    sizeof(fs->sb));
	return r;
}

/* Counts into the descriptors and the superblock.  Locks: gate closed. */
int
alloc_store(struct ext2_fs *fs)
{
	bool any = false;
	uint32_t g;
	int r = 0;

	ASSERT(fs->gate.closed);
	mutex_lock_nested(&fs->alloc);
	for (g = 0; g < fs->ngroups && r == 0; g++)
		if (fs->groups[g].dirty) {
			any = true;
			r = group_store(fs, g);
		}
	if (r == 0 && any)
		r = ext2_super_store(fs);
	mutex_unlock(&fs->alloc);
	return r;
}
