/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bmap.c: from a block of a file to a block of the disk
 *
 * Problem   A file's blocks lie anywhere; the inode names the first twelve,
 *           the others are named by blocks of numbers, up to three deep.
 *
 * Picture   block[0…11] ─→ data
 *           block[12] ─→ [numbers] ─→ data
 *           block[13] ─→ [numbers] ─→ [numbers] ─→ data
 *           block[14] ─→ [numbers] ─→ [numbers] ─→ [numbers] ─→ data
 *           a number 0 is a hole, of one block or of all below it
 *
 * Rules     1. ip->bmap guards all numbers of a file.  It is taken with no lock
 *              of rank 2 or above, and inside it only disk, memory of the
 *              reserve and the locks alloc and meta are waited for (D3).
 *           2. A number from the disk is read once, and that copy checked
 *              before it is followed (meta.c, rule 7).
 *           3. A new block of numbers is written before the block or inode that
 *              names it (META_NEW); a changed one is written before inodes.
 *           4. A file is freed from its end, a few blocks of numbers in each pass
 *              through the gate: they stay in memory until a commit, which may
 *              come in between.  After a power cut there e2fsck finds a file
 *              that is longer than its size says, and repairs that.
 *
 * Read next alloc.c, pager.c.
 */
#include "fs/ext2/ext2.h"
#include "fs/fsfn.h"
#include "lib/string.h"

#define CUT_MAPS 64u              /* blocks of numbers that one stay changes */

/* [own] Which numbers lead to a block. */
struct path {
	unsigned depth;           /* blocks of numbers on the way */
	uint32_t idx[4];          /* in block[], then in each of them */
};

/* [own] The range to be freed, [from, to). */
struct cut {
	struct ext2_inode *ip;
	uint64_t from, to;
	unsigned maps;            /* blocks of numbers changed for it */
};

static int cut_tree(struct cut *c, uint32_t *slot, unsigned level,
    uint64_t base);

/* Numbers per block, as a shift. */
static unsigned
per_shift(const struct ext2_fs *fs)
{
	return fs->bs_shift - 2;
}

/* Blocks below a number at level (0: data). */
static uint64_t
span_of(const struct ext2_fs *fs, unsigned level)
{
	return 1ul << (per_shift(fs) * level);
}

/* How many blocks a file may have: by its map, and 2 TiB. */
uint64_t
bmap_limit(const struct ext2_fs *fs)
{
	uint64_t n = EXT2_NDIRECT + span_of(fs, 1) + span_of(fs, 2) +
	    span_of(fs, 3);

	return MIN(n, (1ul << 41) >> fs->bs_shift);
}

/* 0, -EFBIG. */
static int
path_find(const struct ext2_fs *fs, uint64_t fblk, struct path *p)
{
	unsigned level, i;

	if (fblk >= bmap_limit(fs))
		return -EFBIG;
	p->depth = 0;
	p->idx[0] = (uint32_t)fblk;
	if (fblk < EXT2_NDIRECT)
		return 0;
	fblk -= EXT2_NDIRECT;
	for (level = 1; fblk >= span_of(fs, level); level++)
		fblk -= span_of(fs, level);
	p->depth = level;
	p->idx[0] = EXT2_NDIRECT + level - 1;
	for (i = 1; i <= level; i++)
		p->idx[i] = (uint32_t)(fblk >> (per_shift(fs) * (level - i))) &
		    (uint32_t)(span_of(fs, 1) - 1);
	return 0;
}

/* Blocks from the one p leads to up to the end of what level i names. */
static uint64_t
span_left(const struct ext2_fs *fs, const struct path *p, unsigned i)
{
	uint64_t n = span_of(fs, p->depth - i);
	unsigned k;

	for (k = i + 1; k <= p->depth; k++)
		n -= (uint64_t)p->idx[k] << (per_shift(fs) * (p->depth - k));
	return n;
}

static int
number_check(struct ext2_inode *ip, uint32_t blk)
{
	if (blk == 0 || ext2_block_ok(ip->fs, blk))
		return 0;
	return ext2_error(ip->fs, "inode %lu: block %u does not exist",
	    ip->vn->ino, blk);
}

/* Rule 2: a number, once. */
static uint32_t
number_at(const uint32_t *tab, uint32_t i)
{
	return atomic_load_relaxed(&tab[i]);
}

/* How many numbers from tab[0], which is first, go up by one, or are all 0. */
static int
run_count(struct ext2_inode *ip, const uint32_t *tab, uint32_t first,
    uint32_t max, uint32_t *n)
{
	uint32_t k = 1;
	int r = number_check(ip, first);

	while (r == 0 && k < max &&
	    number_at(tab, k) == (first == 0 ? 0 : first + k)) {
		r = first == 0 ? 0 : number_check(ip, first + k);
		k++;
	}
	*n = k;
	return r;
}

/*
 * The page writer comes here, too: the holder of the lock gets frames from
 * the reserve, so that the lock is released (book: deadlock D3).
 */
static void
map_lock(struct ext2_inode *ip)
{
	vm_blockmap_enter();
	mutex_lock_nested(&ip->bmap);
}

static void
map_unlock(struct ext2_inode *ip)
{
	mutex_unlock(&ip->bmap);
	vm_blockmap_leave();
}

/* bmap_run() below the lock.  Locks: bmap held. */
static int
run_locked(struct ext2_inode *ip, const struct path *p, uint32_t max,
    uint32_t *disk, uint32_t *n)
{
	const uint32_t *tab = ip->block;
	uint32_t per = (uint32_t)span_of(ip->fs, 1), end;
	struct ext2_ref ref = { .page = NULL };
	unsigned i;
	int r;

	HELD(&ip->bmap);
	for (i = 0; i < p->depth; i++) {
		*disk = number_at(tab, p->idx[i]);
		meta_put(&ref);
		if (*disk == 0) {
			*n = (uint32_t)MIN(max, span_left(ip->fs, p, i));
			return 0;
		}
		r = number_check(ip, *disk);
		if (r == 0)
			r = meta_get(ip->fs, *disk, &ref);
		if (r != 0)
			return r;
		tab = ref.data;
	}
	end = p->depth == 0 ? EXT2_NDIRECT : per;
	*disk = number_at(tab, p->idx[i]);
	r = run_count(ip, tab + p->idx[i], *disk, MIN(max, end - p->idx[i]), n);
	meta_put(&ref);
	return r;
}

/*
 * Where fblk lies, and how many blocks behind it follow on the disk too; a
 * hole (*disk 0) has a length as well.  *n is at least 1.
 *
 * Locks:    none of rank >= 2; takes bmap.
 * Returns:  0, -EFBIG, -EIO, -EUCLEAN, -ENOMEM.
 */
int
bmap_run(struct ext2_inode *ip, uint64_t fblk, uint32_t max, uint32_t *disk,
    uint32_t *n)
{
	struct path p;
	int r = path_find(ip->fs, fblk, &p);

	if (r != 0)
		return r;
	map_lock(ip);
	r = run_locked(ip, &p, max, disk, n);
	map_unlock(ip);
	return r;
}

/* ---- allocation ---- */

/* A block *out for *slot; new_map: it will hold numbers.  Locks: bmap held. */
static int
slot_fill(struct ext2_inode *ip, uint32_t *slot, bool new_map, uint32_t *out)
{
	struct ext2_fs *fs = ip->fs;
	void *data;
	uint32_t blk;
	int r;

	if (ip->goal == 0)
		ip->goal = alloc_goal(fs, (uint32_t)ip->vn->ino);
	if (ip->vn->sectors + (fs->bs >> SECTOR_SHIFT) > UINT32_MAX)
		return -EFBIG;
	r = alloc_block(fs, ip->goal, &blk);
	if (r != 0)
		return r;
	if (new_map) {
		r = meta_edit_new(fs, blk, &data);
		if (r != 0) {
			(void)alloc_return_block(fs, blk);
			return r;
		}
	}
	*slot = *out = blk;
	ip->goal = blk + 1;
	atomic_add(&ip->vn->sectors, fs->bs >> SECTOR_SHIFT);
	return 0;
}

/* A sequel lies behind the block before it.  Locks: bmap held. */
static void
goal_from_neighbour(struct ext2_inode *ip, const uint32_t *tab, uint32_t i)
{
	uint32_t before = i > 0 ? number_at(tab, i - 1) : 0;

	if (before != 0)
		ip->goal = before + 1;
}

/* The file does without blk, which it has just got.  Locks: bmap held. */
static void
slot_return(struct ext2_inode *ip, uint32_t *slot, uint32_t blk)
{
	meta_forget(ip->fs, blk);
	(void)alloc_return_block(ip->fs, blk);
	*slot = 0;
	atomic_sub(&ip->vn->sectors, ip->fs->bs >> SECTOR_SHIFT);
}

/* [own] Blocks that a file has just got, and where their numbers stand. */
struct gift {
	uint32_t *slot[4 * PAGE_SIZE / EXT2_MIN_BLOCK];
	uint32_t blk[4 * PAGE_SIZE / EXT2_MIN_BLOCK];
	unsigned n;
};

/* The last one first: it may stand in one before it.  Locks: bmap held. */
static void
gift_return(struct ext2_inode *ip, struct gift *got)
{
	for (; got->n > 0; got->n--)
		slot_return(ip, got->slot[got->n - 1], got->blk[got->n - 1]);
}

/* The number at step i of the way, of a new block if there was none. */
static int
step_down(struct ext2_inode *ip, const struct path *p, unsigned i,
    uint32_t *tab, struct gift *got, uint32_t *blk)
{
	uint32_t *slot = &tab[p->idx[i]];
	int r;

	*blk = number_at(slot, 0);
	if (*blk != 0)
		return number_check(ip, *blk);
	if (i == p->depth)
		goal_from_neighbour(ip, tab, p->idx[i]);
	r = slot_fill(ip, slot, i < p->depth, blk);
	if (r != 0)
		return r;
	got->slot[got->n] = slot;
	got->blk[got->n++] = *blk;
	return 0;
}

/* The block that p leads to; new blocks are in *got, also after an error. */
static int
alloc_locked(struct ext2_inode *ip, const struct path *p, uint32_t *disk,
    struct gift *got)
{
	uint32_t *tab = ip->block;
	void *data;
	unsigned i;
	int r;

	HELD(&ip->bmap);
	for (i = 0; ; i++) {
		r = step_down(ip, p, i, tab, got, disk);
		if (r != 0 || i == p->depth)
			return r;
		r = meta_edit(ip->fs, *disk, META_MAP, &data);
		if (r != 0)
			return r;
		tab = data;
	}
}

/*
 * Where fblk lies; a hole gets a block, whose contents are not defined.
 *
 * Locks:    inside the gate; takes bmap.
 * Returns:  0, -ENOSPC, -EFBIG, -EIO, -EUCLEAN, -ENOMEM.
 */
int
bmap_alloc(struct ext2_inode *ip, uint64_t fblk, uint32_t *disk)
{
	struct gift got = { .n = 0 };
	struct path p;
	int r = path_find(ip->fs, fblk, &p);

	if (r != 0)
		return r;
	map_lock(ip);
	r = alloc_locked(ip, &p, disk, &got);
	if (r != 0)
		gift_return(ip, &got);
	map_unlock(ip);
	return r;
}

/* The blocks [from, to) of one page, all or none.  Locks: bmap held. */
static int
alloc_all_locked(struct ext2_inode *ip, uint64_t from, uint64_t to)
{
	struct gift got = { .n = 0 };
	uint32_t disk;
	struct path p;
	int r = 0;

	HELD(&ip->bmap);
	for (; from < to && r == 0; from++) {
		r = path_find(ip->fs, from, &p);
		if (r == 0)
			r = alloc_locked(ip, &p, &disk, &got);
	}
	if (r != 0)
		gift_return(ip, &got);
	return r;
}

/*
 * As bmap_alloc() for the blocks below the size of page idx, which pg is,
 * unless the file has been cut before it.  A cut sets the size, takes the
 * pages, and frees blocks at last: under bmap one of both sees the other, and
 * no block with old bytes stays without a page that will be written.  So an
 * error leaves no new block: the page stays clean.
 *
 * Locks:    inside the gate; takes bmap.
 * Returns:  0 (also after a cut), -ENOSPC, -EFBIG, -EIO, -EUCLEAN, -ENOMEM.
 */
int
bmap_alloc_page(struct ext2_inode *ip, uint64_t idx, const struct vm_page *pg)
{
	unsigned shift = PAGE_SHIFT - ip->fs->bs_shift;
	struct vmo *vmo = ip->vn->vmo;
	uint64_t end;
	int r = 0;

	map_lock(ip);
	end = (vmo_size(vmo) + ip->fs->bs - 1) >> ip->fs->bs_shift;
	if (cache_is_page(vmo, idx, pg))
		r = alloc_all_locked(ip, idx << shift,
		    MIN(end, (idx + 1) << shift));
	map_unlock(ip);
	return r;
}

/* ---- freeing ---- */

/* The block of a slot, which is blk; an error leaves it there.  Locks: bmap held. */
static int
slot_free(struct ext2_inode *ip, uint32_t *slot, uint32_t blk)
{
	uint32_t sectors = ip->fs->bs >> SECTOR_SHIFT;
	int r = alloc_free_block(ip->fs, blk);

	if (r != 0)
		return r;
	*slot = 0;
	atomic_sub(&ip->vn->sectors, MIN(sectors, ip->vn->sectors));
	return 0;
}

static bool
all_zero(const uint32_t *tab, uint32_t n)
{
	while (n-- != 0)
		if (number_at(tab, n) != 0)
			return false;
	return true;
}

/* All numbers of one block of numbers; level: of what they name. */
static int
cut_numbers(struct cut *c, uint32_t *tab, unsigned level, uint64_t base)
{
	uint32_t i = (uint32_t)span_of(c->ip->fs, 1);
	uint64_t span = span_of(c->ip->fs, level), at;
	int r = 0;

	while (r == 0 && i-- != 0) {
		at = base + i * span;
		if (number_at(tab, i) == 0 || at + span <= c->from ||
		    at >= c->to)
			continue;
		r = cut_tree(c, &tab[i], level, at);
	}
	return r;
}

/*
 * Free the blocks that slot names at level, as far as they are in the range.  Depth of
 * the recursion: level, at most 3.
 *
 * Locks:    bmap held.
 */
static int
cut_tree(struct cut *c, uint32_t *slot, unsigned level, uint64_t base)
{
	struct ext2_fs *fs = c->ip->fs;
	uint32_t blk = number_at(slot, 0);
	void *data;
	int r = number_check(c->ip, blk);

	if (r != 0 || blk == 0)
		return r;
	if (level != 0) {
		if (c->maps++ == CUT_MAPS)
			return -EAGAIN;
		r = meta_edit(fs, blk, META_MAP, &data);
		if (r == 0)
			r = cut_numbers(c, data, level - 1, base);
		if (r != 0 || !all_zero(data, (uint32_t)span_of(fs, 1)))
			return r;
	}
	return slot_free(c->ip, slot, blk);
}

/* The blocks below the inode's number for that level.  Locks: bmap held. */
static int
cut_level(struct cut *c, unsigned level)
{
	struct ext2_inode *ip = c->ip;
	uint64_t base = EXT2_NDIRECT;
	unsigned i;

	for (i = 1; i < level; i++)
		base += span_of(ip->fs, i);
	if (base + span_of(ip->fs, level) <= c->from || base >= c->to)
		return 0;
	return cut_tree(c, &ip->block[EXT2_NDIRECT + level - 1], level, base);
}

/*
 * Free the blocks [from, to) of a file: rule 4.
 *
 * Locks:    inside the gate; takes bmap.
 * Returns:  0; -EAGAIN: go on in another stay, not of a range with CUT_MAPS
 *           blocks of numbers at most; -EIO, -EUCLEAN, -ENOMEM.
 */
int
bmap_free(struct ext2_inode *ip, uint64_t from, uint64_t to)
{
	struct cut c = { ip, from, MIN(to, bmap_limit(ip->fs)), 0 };
	unsigned i, level;
	int r = 0;

	map_lock(ip);
	for (level = 3; level != 0 && r == 0; level--)
		r = cut_level(&c, level);
	for (i = EXT2_NDIRECT; r == 0 && i-- != 0;)
		if (i >= c.from && i < c.to)
			r = cut_tree(&c, &ip->block[i], 0, i);
	ip->goal = 0;
	map_unlock(ip);
	return r;
}
