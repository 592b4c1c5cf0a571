/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * super.c: ext2 as a whole: mount, checks, unmount
 *
 * Problem   A disk says of itself where everything is.  It may be damaged, of
 *           a newer kind, or made by someone who wants the kernel to fail.
 *
 * Picture   blk_find → superblock → features → geometry → groups → root
 *           each step checks what the next ones rely on
 *
 * Rules     1. A disk that this code does not understand is refused, and the log
 *              says why; one that can be read but not written is read-only.
 *           2. Bitmaps and inode table of a group lie within that group, or
 *              the disk is refused: layout.c relies on it.
 *           3. A disk that cannot be read whole is mounted read-only, and the
 *              log says what is missing; without superblock, descriptors and
 *              root there is no mount, and the log says that.
 *
 * Read next layout.c, meta.c, sync.c.
 */
#include "fs/ext2/ext2.h"
#include "fs/fsfn.h"
#include "lib/string.h"
#include "mem/mem.h"

static int super_check(struct ext2_fs *fs);
static int groups_load(struct ext2_fs *fs);
static void fs_free(struct ext2_fs *fs);
static int ext2_mount(struct mount *m);
static int ext2_unmount(struct mount *m);
static void ext2_statfs(struct mount *m, struct kstatfs *st);

static const struct vnode_ops ext2_ops = {
	.lookup = ext2_lookup,
	.create = ext2_create,
	.link = ext2_link,
	.remove = ext2_remove,
	.rename = ext2_rename,
	.readdir = ext2_readdir,
	.readlink = ext2_readlink,
	.resize = ext2_resize,
	.inactive = inode_inactive,
};

static const struct fstype ext2_type = {
	.name = "ext2", .takes_direct = true, .magic = EXT2_MAGIC, .vnodes = &ext2_ops,
	.flags_kept = EXT2_KEPT_FL,
	.mount = ext2_mount, .unmount = ext2_unmount, .sync = ext2_sync,
	.allocate = ext2_allocate, .place = ext2_place, .statfs = ext2_statfs,
	.remount = ext2_remount, .time_fit = inode_time_fit,
	.reap = ext2_reap, .shutdown = ext2_shutdown
};

/*
 * Known to mount(2) from here on.
 *
 * Context:  boot, after fs_init().
 */
void
ext2_init(void)
{
	fs_register(&ext2_type);
}

/* ---- what is refused ---- */

/* Refused at mount: the line that says why. */
static int
refuse(const struct ext2_fs *fs, const char *why, uint64_t n)
{
	klog("ext2: %s: not mounted: %s (%lu)", fs->dev->name, why, n);
	return -EINVAL;
}

/* ---- mount ---- */

static struct ext2_fs *
fs_alloc(struct mount *m, struct bdev *dev)
{
	struct ext2_fs *fs = kmem_zalloc(sizeof(*fs));
	unsigned i;

	if (fs == NULL)
		return NULL;
	fs->mnt = m;
	fs->dev = dev;
	fs->readonly = (m->flags & MS_RDONLY) != 0;
	list_node_init(&fs->all);
	spin_init(&fs->gate.lock, LR_LEAF);
	waitq_init(&fs->gate.wait);
	waitq_init(&fs->synced);
	mutex_init(&fs->alloc, LR_VNODE);
	mutex_init(&fs->meta_lock, LR_VNODE);
	mutex_init(&fs->ilock, LR_VNODE);
	spin_init(&fs->gone_lock, LR_LEAF);
	list_init(&fs->inodes);
	list_init(&fs->zombies);
	list_init(&fs->deaths);
	list_init(&fs->gone);
	for (i = 0; i < EXT2_HASH; i++) {
		list_init(&fs->itab[i]);
		list_init(&fs->gone_tab[i]);
	}
	return fs;
}

static void
fs_free(struct ext2_fs *fs)
{
	uint32_t g;

	deaths_forget(fs);
	meta_close(fs);
	for (g = 0; fs->groups != NULL && g < fs->ngroups; g++) {
		kmem_free(fs->groups[g].late_blocks);
		kmem_free(fs->groups[g].late_inodes);
	}
	kmem_free(fs->groups);
	kmem_free(fs);
}

/* Not writable, and why. */
static void
make_readonly(struct ext2_fs *fs, const char *why)
{
	if (!fs->readonly)
		klog("ext2: %s: mounted read-only: %s", fs->dev->name, why);
	fs->readonly = fs->stuck = true;
	fs->mnt->flags |= MS_RDONLY;
}

static int
root_load(struct ext2_fs *fs)
{
	int r = inode_get(fs, EXT2_ROOT_INO, &fs->mnt->root);

	if (r != 0)
		return r;
	if (fs->mnt->root->type == S_IFDIR)
		return 0;
	vn_put(fs->mnt->root);
	return refuse(fs, "the root is no directory", fs->mnt->root->type);
}

static int
super_load(struct ext2_fs *fs)
{
	ssize_t n = blk_rw_bytes(fs->dev, EXT2_SB_OFFSET, &fs->sb,
	    sizeof(fs->sb), BIO_READ);

	if (n < 0)
		return (int)n;
	if ((size_t)n < sizeof(fs->sb))
		return refuse(fs, "bytes of a superblock", (uint64_t)n);
	return super_check(fs);
}

/*
 * A step of the picture.  Once the geometry is known, what cannot be read may be
 * beside what it needs: rule 3.
 */
static int
step(struct ext2_fs *fs, int (*load)(struct ext2_fs *), const char *what)
{
	int r = load(fs);

	if (r == -EIO && !fs->readonly && fs->bs != 0) {
		klog("ext2: %s: %s: a sector nearby cannot be read",
		    fs->dev->name, what);
		make_readonly(fs, "it has sectors that cannot be read");
		r = load(fs);
	}
	if (r != 0 && r != -EINVAL)
		klog("ext2: %s: not mounted: %s: error %d", fs->dev->name, what,
		    -r);
	return r;
}

/* All steps of the picture behind the device. */
static int
fs_open_disk(struct ext2_fs *fs)
{
	int r;

	meta_open(fs);
	r = step(fs, super_load, "the superblock");
	if (r == 0)
		r = step(fs, groups_load, "the group descriptors");
	if (r == 0)
		r = step(fs, root_load, "the root's inode");
	return r;
}

/* The disk can be read; can it be written?  Rule 3. */
static void
begin_writing(struct ext2_fs *fs)
{
	int r = fs->readonly ? 0 : ext2_mark_used(fs);

	if (r == -EIO && !fs->readonly)
		make_readonly(fs, "its superblock cannot be written");
	else if (r != 0)
		klog("ext2: %s: the superblock is not written: error %d",
		    fs->dev->name, -r);
}

/* fstype.mount: source names a disk.  0, -ENOENT, -EBUSY, -EINVAL, -EIO … */
static int
ext2_mount(struct mount *m)
{
	struct bdev *dev;
	struct ext2_fs *fs;
	int r = blkfile_named(m->source, &dev);

	if (r != 0)
		return r;
	if (ext2_flusher_has(dev))
		return -EBUSY;
	r = blkfile_claim(dev);
	if (r != 0)
		return r;
	r = -ENOMEM;
	fs = fs_alloc(m, dev);
	if (fs == NULL)
		goto undo_claim;
	m->fs = fs;
	m->dev = dev_make(dev->major, dev->minor);
	r = fs_open_disk(fs);
	if (r != 0)
		goto undo_fs;
	m->block = fs->bs;
	m->max_bytes = bmap_limit(fs) << fs->bs_shift;
	begin_writing(fs);
	ext2_flusher_add(fs);
	return 0;

undo_fs:
	rw_lock_write_nested(&m->tree);
	icache_drop_all(fs);
	rw_unlock_write(&m->tree);
	fs_free(fs);
	m->fs = NULL;
undo_claim:
	blkfile_release(dev);
	return r;
}

/* ---- the superblock ---- */

/* The first feature in bits, by name. */
static const char *
feature_name(uint32_t bits, const char *const *names)
{
	unsigned i;

	for (i = 0; i < 32; i++)
		if ((bits & (1u << i)) != 0)
			return names[i] != NULL ? names[i] : "unknown";
	return "none";
}

/* A feature that we lack refuses the mount (incompat), or writing (ro_compat). */
static int
features_check(struct ext2_fs *fs)
{
	static const char *const incompat[32] = { "compression", "filetype",
		"needs_recovery", "journal_dev", "meta_bg", NULL, "extents",
		"64bit", "mmp", "flex_bg", "ea_inode", NULL, "dirdata",
		"metadata_csum_seed", "large_dir", "inline_data", "encrypt",
		"casefold" };
	static const char *const ro[32] = { "sparse_super", "large_file",
		"btree_dir", "huge_file", "uninit_bg", "dir_nlink",
		"extra_isize", NULL, "quota", "bigalloc", "metadata_csum",
		NULL, "read-only", "project", NULL, "verity" };
	uint32_t bits;

	if (fs->sb.rev_level == 0) {
		fs->sb.compat = fs->sb.incompat = fs->sb.ro_compat = 0;
		return 0;
	}
	bits = fs->sb.incompat & ~EXT2_INCOMPAT_FILETYPE;
	if (bits != 0) {
		klog("ext2: %s: not mounted: feature %s (%x)", fs->dev->name,
		    feature_name(bits, incompat), bits);
		return -EINVAL;
	}
	bits = fs->sb.ro_compat & ~(EXT2_RO_SPARSE | EXT2_RO_LARGE);
	if (bits != 0)
		make_readonly(fs, feature_name(bits, ro));
	return 0;
}

/* Sizes, one after the other: none is used before it is checked. */
static int
geometry_check(struct ext2_fs *fs)
{
	const struct ext2_sb *sb = &fs->sb;
	uint64_t bytes;

	if (sb->log_block_size > 2)
		return refuse(fs, "block size of 1024 <<", sb->log_block_size);
	fs->bs_shift = 10 + sb->log_block_size;
	fs->bs = 1u << fs->bs_shift;
	if (sb->first_data_block != (fs->bs == 1024))
		return refuse(fs, "first data block", sb->first_data_block);
	bytes = (uint64_t)sb->blocks_count << fs->bs_shift;
	if (bytes >> SECTOR_SHIFT > fs->dev->sectors || sb->blocks_count < 8)
		return refuse(fs, "blocks, more than the device has",
		    sb->blocks_count);
	if (sb->blocks_per_group < 8 || sb->blocks_per_group > 8 * fs->bs)
		return refuse(fs, "blocks per group", sb->blocks_per_group);
	fs->inode_size = sb->rev_level == 0 ? EXT2_OLD_INODE : sb->inode_size;
	fs->first_ino = sb->rev_level == 0 ? EXT2_OLD_FIRST_INO : sb->first_ino;
	if (fs->inode_size < EXT2_OLD_INODE || fs->inode_size > fs->bs ||
	    (fs->inode_size & (fs->inode_size - 1)) != 0)
		return refuse(fs, "inode size", fs->inode_size);
	if (sb->inodes_per_group == 0 || sb->inodes_per_group > 8 * fs->bs)
		return refuse(fs, "inodes per group", sb->inodes_per_group);
	return 0;
}

/* Do the counts fit each other?  Later code divides by them and makes indices of them. */
static int
counts_check(struct ext2_fs *fs)
{
	struct ext2_sb *sb = &fs->sb;
	uint64_t inodes;

	fs->ngroups = (sb->blocks_count - sb->first_data_block +
	    sb->blocks_per_group - 1) / sb->blocks_per_group;
	inodes = (uint64_t)fs->ngroups * sb->inodes_per_group;
	if (sb->inodes_count != inodes)
		return refuse(fs, "inodes", sb->inodes_count);
	if (fs->first_ino < EXT2_OLD_FIRST_INO || fs->first_ino > sb->inodes_count ||
	    fs->first_ino > sb->inodes_per_group)
		return refuse(fs, "first inode", fs->first_ino);
	fs->itable_blocks = (uint32_t)(((uint64_t)sb->inodes_per_group *
	    fs->inode_size + fs->bs - 1) >> fs->bs_shift);
	fs->gd_blocks = (uint32_t)(((uint64_t)fs->ngroups *
	    sizeof(struct ext2_gd) + fs->bs - 1) >> fs->bs_shift);
	if (fs->gd_blocks + 1 >= sb->blocks_per_group ||
	    fs->gd_blocks + 2 >= sb->blocks_count)
		return refuse(fs, "descriptor blocks", fs->gd_blocks);
	sb->r_blocks_count = MIN(sb->r_blocks_count, sb->blocks_count);
	return 0;
}

/* Is it a file system that we can mount, and may it be written?  0, -EINVAL. */
static int
super_check(struct ext2_fs *fs)
{
	const struct ext2_sb *sb = &fs->sb;
	int r;

	if (sb->magic != EXT2_MAGIC)
		return refuse(fs, "no ext2: magic number", sb->magic);
	if (sb->rev_level > 1)
		return refuse(fs, "revision", sb->rev_level);
	r = features_check(fs);
	if (r == 0)
		r = geometry_check(fs);
	if (r == 0)
		r = counts_check(fs);
	if (r != 0)
		return r;
	fs->old_state = sb->state;
	if ((sb->state & EXT2_HAS_ERRORS) != 0)
		make_readonly(fs, "it has errors, run e2fsck");
	if (sb->rev_level != 0 && sb->last_orphan != 0)
		make_readonly(fs, "it has orphans, run e2fsck");
	if (fs->dev->readonly)
		make_readonly(fs, "so is the device");
	if ((sb->state & EXT2_VALID) == 0)
		klog("ext2: %s: was not unmounted; e2fsck is due",
		    fs->dev->name);
	return 0;
}

/* ---- groups ---- */

/* Rule 2; and they do not overlap. */
static int
group_check(struct ext2_fs *fs, uint32_t g)
{
	const struct ext2_group *gp = &fs->groups[g];
	uint64_t first = fs->sb.first_data_block +
	    (uint64_t)g * fs->sb.blocks_per_group;
	uint64_t end = MIN(first + fs->sb.blocks_per_group,
	    fs->sb.blocks_count);

	if (layout_has_super(fs, g))
		first += 1 + fs->gd_blocks;
	if (gp->block_bitmap < first || gp->block_bitmap >= end ||
	    gp->inode_bitmap < first || gp->inode_bitmap >= end ||
	    gp->inode_table < first || gp->inode_table >= end ||
	    fs->itable_blocks > end - gp->inode_table ||
	    gp->block_bitmap == gp->inode_bitmap ||
	    layout_in_table(fs, gp, gp->block_bitmap) ||
	    layout_in_table(fs, gp, gp->inode_bitmap))
		return refuse(fs, "damaged group", g);
	if (gp->free_blocks > end - first ||
	    gp->free_inodes > fs->sb.inodes_per_group)
		return refuse(fs, "counts of group", g);
	return 0;
}

static int
group_load(struct ext2_fs *fs, uint32_t g)
{
	uint32_t per = fs->bs / sizeof(struct ext2_gd);
	struct ext2_group *gp = &fs->groups[g];
	const struct ext2_gd *gd;
	struct ext2_ref ref;
	int r = meta_get(fs, fs->sb.first_data_block + 1 + g / per, &ref);

	if (r != 0)
		return r;
	gd = (const struct ext2_gd *)ref.data + g % per;
	gp->block_bitmap = gd->block_bitmap;
	gp->inode_bitmap = gd->inode_bitmap;
	gp->inode_table = gd->inode_table;
	gp->free_blocks = gd->free_blocks;
	gp->free_inodes = gd->free_inodes;
	gp->used_dirs = gd->used_dirs;
	meta_put(&ref);
	return group_check(fs, g);
}

/* The counts of the groups are the truth, the superblock's their sum. */
static int
groups_load(struct ext2_fs *fs)
{
	uint32_t g;
	int r = 0;

	if (fs->groups == NULL)
		fs->groups = kmem_zalloc(fs->ngroups * sizeof(*fs->groups));
	if (fs->groups == NULL)
		return -ENOMEM;
	fs->sb.free_blocks = fs->sb.free_inodes = 0;
	for (g = 0; g < fs->ngroups && r == 0; g++) {
		r = group_load(fs, g);
		fs->sb.free_blocks += fs->groups[g].free_blocks;
		fs->sb.free_inodes += fs->groups[g].free_inodes;
	}
	return r;
}

/* fstype.unmount: 0; -EBUSY: someone uses it, nothing changed. */
static int
ext2_unmount(struct mount *m)
{
	struct ext2_fs *fs = m->fs;
	struct bdev *dev;

	ext2_flusher_remove(fs);
	rw_lock_write_nested(&m->tree);
	icache_reap(fs);
	if (icache_is_busy(fs)) {
		rw_unlock_write(&m->tree);
		ext2_flusher_add(fs);
		return -EBUSY;
	}
	if (!fs->readonly) {
		if (icache_sync_files(fs) != 0)
			klog("ext2: %s: data was lost", fs->dev->name);
		fs->lost |= icache_cut_tails(fs) != 0;
		fs->lost |= !list_is_empty(&fs->zombies);
		(void)ext2_settle(fs);
	}
	icache_drop_all(fs);
	rw_unlock_write(&m->tree);
	vn_put(m->root);
	dev = fs->dev;
	fs_free(fs);
	blkfile_release(dev);
	return 0;
}

/* ---- statfs ---- */

/* fstype.statfs.  Late blocks count as free: a commit makes them so. */
static void
ext2_statfs(struct mount *m, struct kstatfs *st)
{
	struct ext2_fs *fs = m->fs;
	uint64_t own;
	uint32_t g;

	rw_lock_write(&m->tree);
	icache_reap(fs);
	rw_unlock_write(&m->tree);
	own = fs->sb.first_data_block;
	for (g = 0; g < fs->ngroups; g++)
		own += 2 + fs->itable_blocks +
		    (layout_has_super(fs, g) ? 1 + fs->gd_blocks : 0);
	mutex_lock(&fs->alloc);
	st->bsize = fs->bs;
	st->blocks = fs->sb.blocks_count - own;
	st->bfree = fs->sb.free_blocks + fs->late_blocks;
	st->bavail = st->bfree - MIN(st->bfree, fs->sb.r_blocks_count);
	st->files = fs->sb.inodes_count;
	st->ffree = fs->sb.free_inodes + fs->late_inodes;
	mutex_unlock(&fs->alloc);
}
