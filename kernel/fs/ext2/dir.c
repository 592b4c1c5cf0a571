/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dir.c: the blocks of a directory
 *
 * Problem   A directory is a file of entries of different length; names are
 *           found, added and taken away in it, also in one that is damaged.
 *
 * Picture   block: | ino 12 len 12 "." | ino 2 len 12 ".." | ino 13 len 1000 "a" … |
 *           an entry reaches to the next one; what it does not need is free.
 *
 * Rules     1. An entry is looked at only after entry_check(): it lies within
 *              its block and its name within it.
 *           2. A name that must vanish stays in its block until the commit
 *              has written its inode as dead (inode.c, rule 2): fs->gone
 *              remembers it, and lookups do not see it.
 *           3. dir_purge() removes it for good, under readers: it first makes
 *              the number 0, then forgets.  So readers look at the number
 *              once more after they asked.
 *           4. An index in front of the entries (dir_index) is not kept up:
 *              its flag goes with the first change.
 *
 * Read next names.c.
 */
#include "fs/ext2/ext2.h"
#include "fs/fsfn.h"
#include "lib/string.h"
#include "mem/mem.h"

static struct kmem_cache gone_cache = KMEM_CACHE("ext2_gone", struct ext2_gone);

/* [own] A walk over the entries of one block. */
struct entries {
	struct ext2_inode *dir;
	uint32_t blk;
	char *base;               /* its bytes */
	uint32_t off, prev;       /* this entry, the one before it (or off) */
};

static bool is_gone(struct ext2_inode *dir, uint32_t blk, uint32_t off);

static struct ext2_dirent *
entry_at(const struct entries *e)
{
	return (struct ext2_dirent *)(e->base + e->off);
}

/* Rule 1.  0, -EUCLEAN. */
static int
entry_check(const struct entries *e)
{
	const struct ext2_fs *fs = e->dir->fs;
	const struct ext2_dirent *d = entry_at(e);
	uint32_t len;

	if (e->off + EXT2_DIRENT_HEAD <= fs->bs) {
		len = d->rec_len;
		if (len >= EXT2_DIRENT_LEN(1) && len % 4 == 0 &&
		    e->off + len <= fs->bs &&
		    len >= EXT2_DIRENT_LEN((uint32_t)d->name_len) &&
		    d->ino <= fs->sb.inodes_count)
			return 0;
	}
	return ext2_error(e->dir->fs, "directory %lu: bad entry at %u of block %u",
	    e->dir->vn->ino, e->off, e->blk);
}

static void
entries_begin(struct entries *e, struct ext2_inode *dir, uint32_t blk,
    const void *base)
{
	e->dir = dir;
	e->blk = blk;
	e->base = (char *)(uintptr_t)base;
	e->off = e->prev = 0;
}

/* 1: at an entry, 0: behind the last one, -EUCLEAN. */
static int
entries_at(const struct entries *e)
{
	return e->off >= e->dir->fs->bs ? 0 :
	    entry_check(e) == 0 ? 1 : -EUCLEAN;
}

static void
entries_next(struct entries *e)
{
	e->prev = e->off;
	e->off += entry_at(e)->rec_len;
}

/* Does the entry name something now?  Rule 3. */
static bool
entry_is_live(const struct entries *e)
{
	struct ext2_dirent *d = entry_at(e);

	return atomic_load(&d->ino) != 0 &&
	    !is_gone(e->dir, e->blk, e->off) && atomic_load(&d->ino) != 0;
}

static uint32_t
dir_blocks(const struct ext2_inode *dir)
{
	return (uint32_t)(dir->vn->link_bytes >> dir->fs->bs_shift);
}

/* Block fblk of a directory.  0, or an error; a hole is damage. */
static int
dir_block(struct ext2_inode *dir, uint32_t fblk, uint32_t *blk)
{
	uint32_t n;
	int r = bmap_run(dir, fblk, 1, blk, &n);

	if (r == 0 && *blk == 0)
		r = ext2_error(dir->fs, "directory %lu: no block %u",
		    dir->vn->ino, fblk);
	return r;
}

/* ---- finding ---- */

static bool
entry_is_named(const struct ext2_dirent *d, const struct name *n)
{
	return d->name_len == n->len && memcmp(d->name, n->s, n->len) == 0;
}

static int
block_lookup(struct ext2_inode *dir, uint32_t blk, const struct name *n,
    struct ext2_spot *spot)
{
	struct ext2_ref ref;
	struct entries e;
	int r = meta_get(dir->fs, blk, &ref);

	if (r != 0)
		return r;
	entries_begin(&e, dir, blk, ref.data);
	while ((r = entries_at(&e)) == 1) {
		const struct ext2_dirent *d = entry_at(&e);
		bool named = d->ino != 0 && entry_is_named(d, n);

		if (named && entry_is_live(&e)) {
			spot->blk = blk;
			spot->off = e.off;
			spot->ino = d->ino;
			break;
		}
		spot->hidden |= named;
		entries_next(&e);
	}
	meta_put(&ref);
	return r == 1 ? 0 : r == 0 ? -ENOENT : r;
}

/*
 * Find a name.  Not found, spot->hidden tells whether the disk has it still.
 *
 * Locks:    tree.
 * Returns:  0, -ENOENT, -EIO, -EUCLEAN, -ENOMEM.
 */
int
dir_lookup(struct ext2_inode *dir, const struct name *n, struct ext2_spot *spot)
{
	uint32_t fblk, blk;
	int r = -ENOENT;

	spot->hidden = false;
	for (fblk = 0; fblk < dir_blocks(dir) && r == -ENOENT; fblk++) {
		r = dir_block(dir, fblk, &blk);
		if (r == 0)
			r = block_lookup(dir, blk, n, spot);
	}
	return r;
}

static bool
is_dot(const struct ext2_dirent *d)
{
	return d->name[0] == '.' && (d->name_len == 1 ||
	    (d->name_len == 2 && d->name[1] == '.'));
}

/* 0: nothing but dots, -ENOTEMPTY, or an error. */
static int
block_is_empty(struct ext2_inode *dir, uint32_t blk)
{
	struct ext2_ref ref;
	struct entries e;
	int r = meta_get(dir->fs, blk, &ref);

	if (r != 0)
		return r;
	entries_begin(&e, dir, blk, ref.data);
	while ((r = entries_at(&e)) == 1) {
		if (!is_dot(entry_at(&e)) && entry_is_live(&e))
			break;
		entries_next(&e);
	}
	meta_put(&ref);
	return r == 1 ? -ENOTEMPTY : r;
}

/* May the directory be removed?  Locks: tree for writing.  0, -ENOTEMPTY … */
int
dir_is_empty(struct ext2_inode *dir)
{
	uint32_t fblk, blk;
	int r = 0;

	for (fblk = 0; fblk < dir_blocks(dir) && r == 0; fblk++) {
		r = dir_block(dir, fblk, &blk);
		if (r == 0)
			r = block_is_empty(dir, blk);
	}
	return r;
}

/* ---- changing ---- */

/* The type byte of an entry, where the file system has one. */
static uint8_t
type_byte(const struct ext2_fs *fs, uint32_t mode)
{
	static const uint8_t by_type[16] = { [S_IFREG >> 12] = 1,
		[S_IFDIR >> 12] = 2, [S_IFCHR >> 12] = 3, [S_IFBLK >> 12] = 4,
		[S_IFIFO >> 12] = 5, [S_IFSOCK >> 12] = 6, [S_IFLNK >> 12] = 7 };

	if ((fs->sb.incompat & EXT2_INCOMPAT_FILETYPE) == 0)
		return 0;
	return by_type[(mode & S_IFMT) >> 12];
}

static void
entry_write(const struct ext2_fs *fs, struct ext2_dirent *d,
    const struct name *n, uint32_t ino, uint32_t mode)
{
	d->name_len = (uint8_t)n->len;
	d->type = type_byte(fs, mode);
	memcpy(d->name, n->s, n->len);
	d->ino = ino;
}

/* Make room behind what the entry needs itself; false: there is too little. */
static bool
entry_split(struct entries *e, uint32_t need)
{
	struct ext2_dirent *d = entry_at(e);
	uint32_t used = d->ino == 0 ? 0 : EXT2_DIRENT_LEN((uint32_t)d->name_len);
	uint32_t len = d->rec_len;

	if (len - used < need)
		return false;
	if (used == 0)
		return true;
	d->rec_len = (uint16_t)used;
	e->off += used;
	entry_at(e)->ino = 0;
	entry_at(e)->rec_len = (uint16_t)(len - used);
	return true;
}

/* An entry with room for need bytes; -ENOENT: the block has none. */
static int
block_room(struct ext2_inode *dir, uint32_t blk, uint32_t need,
    struct entries *e)
{
	struct ext2_ref ref;
	uint32_t used;
	int r = meta_get(dir->fs, blk, &ref);

	if (r != 0)
		return r;
	entries_begin(e, dir, blk, ref.data);
	while ((r = entries_at(e)) == 1) {
		const struct ext2_dirent *d = entry_at(e);

		used = d->ino == 0 ? 0 : EXT2_DIRENT_LEN((uint32_t)d->name_len);
		if (d->rec_len - used >= need)
			break;
		entries_next(e);
	}
	meta_put(&ref);
	return r == 1 ? 0 : r == 0 ? -ENOENT : r;
}

/* One more block, a single free entry. */
static int
dir_grow(struct ext2_inode *dir, struct entries *e)
{
	struct ext2_fs *fs = dir->fs;
	uint32_t blk;
	void *data;
	int r = bmap_alloc(dir, dir_blocks(dir), &blk);

	if (r == 0)
		r = meta_edit_new(fs, blk, &data);
	if (r != 0)
		return r;
	entries_begin(e, dir, blk, data);
	entry_at(e)->rec_len = (uint16_t)fs->bs;
	dir->vn->link_bytes += fs->bs;
	return 0;
}

/* A place for need bytes, in a block that is being edited. */
static int
dir_room(struct ext2_inode *dir, uint32_t need, struct entries *e)
{
	uint32_t fblk, blk;
	void *data;
	int r = -ENOENT;

	for (fblk = 0; fblk < dir_blocks(dir) && r == -ENOENT; fblk++) {
		r = dir_block(dir, fblk, &blk);
		if (r == 0)
			r = block_room(dir, blk, need, e);
	}
	if (r == -ENOENT)
		return dir_grow(dir, e);
	if (r == 0)
		r = meta_edit(dir->fs, e->blk, META_DIR, &data);
	if (r == 0)
		e->base = data;
	return r;
}

/* A block with room for a name; locks and results as dir_insert(). */
int
dir_make_room(struct ext2_inode *dir, const struct name *n)
{
	struct entries e;

	return dir_room(dir, EXT2_DIRENT_LEN((uint32_t)n->len), &e);
}

/*
 * Add a name, which is not there.
 *
 * Locks:    tree for writing, inside the gate.
 * Returns:  0, -ENOSPC, -EIO, -EUCLEAN, -ENOMEM.
 */
int
dir_insert(struct ext2_inode *dir, const struct name *n, uint32_t ino,
    uint32_t mode)
{
	uint32_t need = EXT2_DIRENT_LEN((uint32_t)n->len);
	struct entries e;
	int r = dir_room(dir, need, &e);

	if (r != 0)
		return r;
	CHECK(entry_split(&e, need));
	entry_write(dir->fs, entry_at(&e), n, ino, mode);
	dir->flags &= ~EXT2_INDEX_FL;
	return 0;
}

/* Let the name at spot lead to another inode.  Locks as dir_insert(). */
int
dir_replace(struct ext2_inode *dir, const struct ext2_spot *spot, uint32_t ino,
    uint32_t mode)
{
	struct ext2_dirent *d;
	void *data;
	int r = meta_edit(dir->fs, spot->blk, META_DIR, &data);

	if (r != 0)
		return r;
	d = (struct ext2_dirent *)((char *)data + spot->off);
	d->ino = ino;
	d->type = type_byte(dir->fs, mode);
	dir->flags &= ~EXT2_INDEX_FL;
	return 0;
}

/* Give the room of the entry at off to the one before it.  Rule 3. */
static int
block_erase(struct ext2_inode *dir, uint32_t blk, uint32_t off)
{
	struct entries e;
	void *data;
	int r = meta_edit(dir->fs, blk, META_DIR, &data);

	if (r != 0)
		return r;
	entries_begin(&e, dir, blk, data);
	while ((r = entries_at(&e)) == 1 && e.off < off)
		entries_next(&e);
	if (r <= 0 || e.off != off)
		return r < 0 ? r : ext2_error(dir->fs, "directory %lu: entry %u has moved",
		    dir->vn->ino, off);
	atomic_store(&entry_at(&e)->ino, 0);
	if (e.prev != e.off)
		((struct ext2_dirent *)(e.base + e.prev))->rec_len =
		    (uint16_t)(e.off - e.prev + entry_at(&e)->rec_len);
	return 0;
}

/* Take a name away at once.  Locks as dir_insert().  0 or an error. */
int
dir_erase(struct ext2_inode *dir, const struct ext2_spot *spot)
{
	dir->flags &= ~EXT2_INDEX_FL;
	return block_erase(dir, spot->blk, spot->off);
}

/* ---- names that are gone, but not yet from the disk ---- */

static struct list *
gone_bucket(struct ext2_fs *fs, uint32_t blk, uint32_t off)
{
	return &fs->gone_tab[(blk * 31 + off / 4) % EXT2_HASH];
}

/* Locks: takes gone_lock. */
static bool
is_gone(struct ext2_inode *dir, uint32_t blk, uint32_t off)
{
	struct ext2_fs *fs = dir->fs;
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

/*
 * Take a name away: from now on nobody sees it; the next commit removes it.
 *
 * Locks:    tree for writing, inside the gate.
 * Returns:  0, -ENOMEM.
 */
int
dir_erase_later(struct ext2_inode *dir, const struct ext2_spot *spot)
{
	struct ext2_gone *g = kmem_cache_alloc(&gone_cache);
	struct ext2_fs *fs = dir->fs;

	if (g == NULL)
		return -ENOMEM;
	g->dir = (uint32_t)dir->vn->ino;
	g->blk = spot->blk;
	g->off = spot->off;
	dir->flags &= ~EXT2_INDEX_FL;
	spin_lock(&fs->gone_lock);
	list_push_back(&fs->gone, &g->all);
	list_push_back(gone_bucket(fs, g->blk, g->off), &g->hash);
	fs->ngone++;
	spin_unlock(&fs->gone_lock);
	return 0;
}

static void
gone_drop(struct ext2_fs *fs, struct ext2_gone *g)
{
	spin_lock(&fs->gone_lock);
	list_remove(&g->all);
	list_remove(&g->hash);
	fs->ngone--;
	spin_unlock(&fs->gone_lock);
	kmem_cache_free(&gone_cache, g);
}

/* The directory is removed; 0: all are, and nobody is left.  Locks: tree, gate. */
void
dir_forget_gone(struct ext2_fs *fs, uint32_t dir)
{
	struct list_node *n, *next;

	for (n = fs->gone.head.next; n != &fs->gone.head; n = next) {
		struct ext2_gone *g = LIST_ENTRY(n, struct ext2_gone, all);

		next = n->next;
		if (dir == 0 || g->dir == dir)
			gone_drop(fs, g);
	}
}

/* Remove all that is gone from its blocks.  Locks: the gate is closed. */
int
dir_purge(struct ext2_fs *fs)
{
	int r = 0;

	ASSERT(fs->gate.closed);
	while (r == 0 && !list_is_empty(&fs->gone)) {
		struct ext2_gone *g = LIST_ENTRY(list_first(&fs->gone),
		    struct ext2_gone, all);
		struct ext2_inode *dir;

		mutex_lock_nested(&fs->ilock);
		dir = inode_find(fs, g->dir);
		mutex_unlock(&fs->ilock);
		if (dir != NULL)
			r = block_erase(dir, g->blk, g->off);
		if (r == 0)
			gone_drop(fs, g);
	}
	return r;
}

/* ---- directories as a whole ---- */

/* The first block of a new directory.  Locks: inside the gate. */
int
dir_init(struct ext2_inode *dir, uint32_t parent)
{
	const struct name dot = { ".", 1 }, dotdot = { "..", 2 };
	struct entries e;
	int r = dir_grow(dir, &e);

	if (r != 0)
		return r;
	entry_at(&e)->rec_len = (uint16_t)EXT2_DIRENT_LEN(1);
	entry_write(dir->fs, entry_at(&e), &dot, (uint32_t)dir->vn->ino, S_IFDIR);
	entries_next(&e);
	entry_at(&e)->rec_len = (uint16_t)(dir->fs->bs - e.off);
	entry_write(dir->fs, entry_at(&e), &dotdot, parent, S_IFDIR);
	return 0;
}

/* Dot-dot of a directory that moves.  Locks as dir_insert(). */
int
dir_set_parent(struct ext2_inode *dir, uint32_t parent)
{
	const struct name dotdot = { "..", 2 };
	struct ext2_spot spot;
	int r = dir_lookup(dir, &dotdot, &spot);

	if (r == -ENOENT)
		return ext2_error(dir->fs, "directory %lu: no dot-dot",
		    dir->vn->ino);
	return r != 0 ? r : dir_replace(dir, &spot, parent, S_IFDIR);
}

/* st_mode bits of a type byte; 0: not known. */
static uint32_t
type_mode(const struct ext2_fs *fs, uint8_t type)
{
	static const uint32_t modes[] = { 0, S_IFREG, S_IFDIR, S_IFCHR, S_IFBLK,
		S_IFIFO, S_IFSOCK, S_IFLNK };

	if ((fs->sb.incompat & EXT2_INCOMPAT_FILETYPE) == 0 ||
	    type >= ARRAY_LEN(modes))
		return 0;
	return modes[type];
}

/* Entries of one block at or behind *pos.  1: the sink is full, 0, -errno. */
static int
block_readdir(struct ext2_inode *dir, uint32_t blk, uint64_t *pos,
    struct dirsink *sink)
{
	uint64_t base = *pos & ~(uint64_t)(dir->fs->bs - 1);
	struct ext2_ref ref;
	struct entries e;
	int r = meta_get(dir->fs, blk, &ref), full = 0;

	if (r != 0)
		return r;
	entries_begin(&e, dir, blk, ref.data);
	while ((r = entries_at(&e)) == 1 && !full) {
		const struct ext2_dirent *d = entry_at(&e);
		const struct dirsink_entry de = { d->name, d->name_len, d->ino,
			base + e.off + d->rec_len, type_mode(dir->fs, d->type) };

		if (base + e.off >= *pos && d->name_len != 0 &&
		    entry_is_live(&e))
			full = sink->emit(sink, &de);
		if (!full)
			entries_next(&e);
	}
	*pos = MAX(*pos, base + e.off);
	meta_put(&ref);
	return full ? 1 : r;
}

/* vnode_ops.readdir: a position is a byte of the directory. */
int
ext2_readdir(struct vnode *v, uint64_t *pos, struct dirsink *sink)
{
	struct ext2_inode *dir = ext2_inode_of(v);
	uint32_t blk;
	int r = 0;

	while (r == 0 && *pos < v->link_bytes) {
		r = dir_block(dir, (uint32_t)(*pos >> dir->fs->bs_shift), &blk);
		if (r == 0)
			r = block_readdir(dir, blk, pos, sink);
	}
	return r < 0 ? r : 0;
}
