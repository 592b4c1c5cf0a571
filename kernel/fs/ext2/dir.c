/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dir.c: the blocks of a directory
 *
 * Problem   A directory is a file of entries of different length; names are
 *           found, added and removed in it, even if it is damaged.
 *
 * Picture   block: | ino 12 len 12 "." | ino 2 len 12 ".." | ino 13 len 1000 "a" … |
 *           an entry reaches to the next one; what it does not need is free.
 *
 * Rules     1. The head of an entry is read once, into struct entries, and that
 *              copy checked: it lies within its block and its name within it.
 *              Later steps use the copy only, for on a damaged disk the
 *              block may be another file's as well, and change at any time.
 *           2. A name that must vanish stays in its block for a while, hidden
 *              (gone.c), and is erased while others read, its number first: so
 *              a reader looks at the number once more at the end.
 *           3. An index in front of the entries (dir_index) is not kept up:
 *              its flag goes with the first change.
 *
 * Read next dirmap.c, gone.c, names.c.
 */
#include "fs/ext2/ext2.h"
#include "fs/fsfn.h"
#include "lib/string.h"
#include "mem/mem.h"

#define POS_END_SHIFT 33    /* of a listing's end, in its positions */
#define POS_BYTE (BIT(POS_END_SHIFT) - 1)

/* st_mode bits of the type byte; 0: not known. */
static const uint32_t type_modes[] = { 0, S_IFREG, S_IFDIR, S_IFCHR, S_IFBLK,
	S_IFIFO, S_IFSOCK, S_IFLNK };

/* [own] A walk over the entries of one block. */
struct entries {
	struct ext2_inode *dir;
	uint32_t blk;
	char *base;               /* its bytes */
	uint32_t off, prev;       /* this entry, the one before it (or off) */
	uint32_t ino, len;        /* of this entry, as entries_at() has read it */
	uint32_t name_len, type;
};

static struct ext2_dirent *
entry_at(const struct entries *e)
{
	return (struct ext2_dirent *)(e->base + e->off);
}

/* Rule 1.  0, -EUCLEAN. */
static int
entry_read(struct entries *e)
{
	const struct ext2_fs *fs = e->dir->fs;
	const uint32_t *head = (const uint32_t *)(e->base + e->off);
	uint32_t word;

	if (e->off + EXT2_DIRENT_HEAD <= fs->bs) {
		e->ino = atomic_load_relaxed(&head[0]);
		word = atomic_load_relaxed(&head[1]);
		e->len = word & 0xffff;
		e->name_len = word >> 16 & 0xff;
		e->type = word >> 24;
		if (e->len >= EXT2_DIRENT_LEN(1) && e->len % 4 == 0 &&
		    e->off + e->len <= fs->bs &&
		    e->len >= EXT2_DIRENT_LEN(e->name_len) &&
		    e->ino <= fs->sb.inodes_count)
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

/* 1: at an entry, which is read; 0: behind the last one; -EUCLEAN. */
static int
entries_at(struct entries *e)
{
	return e->off >= e->dir->fs->bs ? 0 :
	    entry_read(e) == 0 ? 1 : -EUCLEAN;
}

static void
entries_next(struct entries *e)
{
	e->prev = e->off;
	e->off += e->len;
}

/* Does the entry name something now?  Rule 2. */
static bool
entry_is_live(const struct entries *e)
{
	struct ext2_dirent *d = entry_at(e);

	return e->ino != 0 && !gone_has(e->dir->fs, e->blk, e->off) &&
	    atomic_load(&d->ino) != 0;
}

/* ---- finding ---- */

static bool
entry_is_named(const struct entries *e, const struct name *n)
{
	return e->name_len == n->len &&
	    memcmp(entry_at(e)->name, n->s, n->len) == 0;
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
		bool named = e.ino != 0 && entry_is_named(&e, n);

		if (named && entry_is_live(&e)) {
			spot->blk = blk;
			spot->off = e.off;
			spot->ino = e.ino;
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
 * Returns:  0, -ENOENT, -EIO, -EUCLEAN, -ENOMEM, -EINTR (a fatal signal).
 */
int
dir_lookup(struct ext2_inode *dir, const struct name *n, struct ext2_spot *spot)
{
	struct ext2_blocks b;
	int r;

	spot->hidden = false;
	blocks_begin(&b, dir);
	while ((r = blocks_next(&b)) == 1) {
		r = block_lookup(dir, b.blk, n, spot);
		if (r != -ENOENT)
			return r;
	}
	return r == 0 ? -ENOENT : r;
}

/* Dot-dot of a directory that is going to move: in its first block. */
int
dir_find_parent(struct ext2_inode *dir, struct ext2_spot *spot)
{
	const struct name dotdot = { "..", 2 };
	uint32_t blk;
	int r = dir_block(dir, 0, &blk);

	spot->hidden = false;
	if (r == 0)
		r = block_lookup(dir, blk, &dotdot, spot);
	if (r == -ENOENT)
		r = ext2_error(dir->fs, "directory %lu: no dot-dot",
		    dir->vn->ino);
	return r;
}

static bool
is_dot(const struct entries *e)
{
	const char *name = entry_at(e)->name;

	return name[0] == '.' && (e->name_len == 1 ||
	    (e->name_len == 2 && name[1] == '.'));
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
		if (!is_dot(&e) && entry_is_live(&e))
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
	struct ext2_blocks b;
	int r;

	blocks_begin(&b, dir);
	while ((r = blocks_next(&b)) == 1) {
		r = block_is_empty(dir, b.blk);
		if (r != 0)
			break;
	}
	return r;
}

/* ---- changing ---- */

/* The type byte of an entry, where the file system has one. */
static uint8_t
type_byte(const struct ext2_fs *fs, uint32_t mode)
{
	uint8_t t = ARRAY_LEN(type_modes) - 1;

	if ((fs->sb.incompat & EXT2_INCOMPAT_FILETYPE) == 0)
		return 0;
	while (t != 0 && type_modes[t] != (mode & S_IFMT))
		t--;
	return t;
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

/* Bytes that the entry itself needs; the rest of its length is free. */
static uint32_t
entry_used(const struct entries *e)
{
	return e->ino == 0 ? 0 : EXT2_DIRENT_LEN(e->name_len);
}

/* Make room behind what the entry needs itself; false: there is too little. */
static bool
entry_split(struct entries *e, uint32_t need)
{
	uint32_t used = entry_used(e);

	if (e->len - used < need)
		return false;
	if (used == 0)
		return true;
	entry_at(e)->rec_len = (uint16_t)used;
	e->off += used;
	entry_at(e)->ino = 0;
	entry_at(e)->rec_len = (uint16_t)(e->len - used);
	return true;
}

/* 1: *e is the first entry of the block with room for need bytes; 0: it has none;
 * -errno. */
static int
block_room(struct ext2_inode *dir, uint32_t blk, uint32_t need,
    struct entries *e)
{
	struct ext2_ref ref;
	int r = meta_get(dir->fs, blk, &ref);

	if (r != 0)
		return r;
	entries_begin(e, dir, blk, ref.data);
	while ((r = entries_at(e)) == 1 && e->len - entry_used(e) < need)
		entries_next(e);
	meta_put(&ref);
	return r;
}

/* One more block, a single free entry; or none, also behind the end. */
static int
dir_grow(struct ext2_inode *dir, struct entries *e)
{
	struct ext2_fs *fs = dir->fs;
	uint32_t end = dir_blocks(dir), blk;
	void *data;
	int r = bmap_alloc(dir, end, &blk);

	if (r != 0)
		return r;
	r = meta_edit_new(fs, blk, &data);
	if (r != 0 && bmap_free(dir, end, end + 1ul) != 0)
		r = ext2_error(fs, "directory %lu: a block behind its end",
		    dir->vn->ino);
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
	struct ext2_blocks b;
	void *data;
	int r, found = 0;

	blocks_begin(&b, dir);
	while (found == 0 && (r = blocks_next(&b)) == 1)
		found = block_room(dir, b.blk, need, e);
	if (found == 0)
		return r == 0 ? dir_grow(dir, e) : r;
	r = found < 0 ? found : meta_edit(dir->fs, e->blk, META_DIR, &data);
	if (r == 0)
		e->base = data;
	return r;
}

/* It has changed without us.  -EUCLEAN. */
static int
block_is_shared(const struct ext2_inode *dir, uint32_t blk)
{
	return ext2_error(dir->fs, "directory %lu: block %u has another owner",
	    dir->vn->ino, blk);
}

/*
 * Add a name, which is not there.  *where, unless NULL: its place.
 *
 * Locks:    tree for writing, inside the gate.
 * Returns:  0, -ENOSPC, -EIO, -EUCLEAN, -ENOMEM, -EINTR (a fatal signal).
 */
int
dir_insert(struct ext2_inode *dir, const struct name *n, uint32_t ino,
    uint32_t mode, struct ext2_spot *where)
{
	uint32_t need = EXT2_DIRENT_LEN((uint32_t)n->len);
	struct entries e;
	int r = dir_room(dir, need, &e);

	if (r != 0)
		return r;
	if (entries_at(&e) != 1 || !entry_split(&e, need))
		return block_is_shared(dir, e.blk);
	entry_write(dir->fs, entry_at(&e), n, ino, mode);
	atomic_and(&dir->vn->fsflags, ~EXT2_INDEX_FL);
	if (where != NULL)
		*where = (struct ext2_spot){ e.blk, e.off, ino, false };
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
	if (atomic_load_relaxed(&d->ino) != spot->ino)
		return block_is_shared(dir, spot->blk);
	d->ino = ino;
	d->type = type_byte(dir->fs, mode);
	atomic_and(&dir->vn->fsflags, ~EXT2_INDEX_FL);
	return 0;
}

/* Give the room of the entry at off to the one before it.  Rule 2. */
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
		return r < 0 ? r : block_is_shared(dir, blk);
	atomic_store(&entry_at(&e)->ino, 0);
	if (e.prev != e.off)
		((struct ext2_dirent *)(e.base + e.prev))->rec_len =
		    (uint16_t)(e.off - e.prev + e.len);
	return 0;
}

/* Take a name away at once.  Locks as dir_insert().  0 or an error. */
int
dir_erase(struct ext2_inode *dir, const struct ext2_spot *spot)
{
	atomic_and(&dir->vn->fsflags, ~EXT2_INDEX_FL);
	return block_erase(dir, spot->blk, spot->off);
}

/* A block with room for a name; locks and results as dir_insert(). */
int
dir_make_room(struct ext2_inode *dir, const struct name *n)
{
	struct entries e;

	return dir_room(dir, EXT2_DIRENT_LEN((uint32_t)n->len), &e);
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
	e.off = EXT2_DIRENT_LEN(1);
	entry_at(&e)->rec_len = (uint16_t)(dir->fs->bs - e.off);
	entry_write(dir->fs, entry_at(&e), &dotdot, parent, S_IFDIR);
	return 0;
}

/* st_mode bits of a type byte; 0: not known. */
static uint32_t
type_mode(const struct ext2_fs *fs, uint8_t type)
{
	if ((fs->sb.incompat & EXT2_INCOMPAT_FILETYPE) == 0 ||
	    type >= ARRAY_LEN(type_modes))
		return 0;
	return type_modes[type];
}

/*
 * Emit one entry, unless it is free or gone.  A malformed name (with a slash) would
 * lead a program to another place.
 *
 * Returns:  1: the sink is full, 0, -EIO.
 */
static int
entry_emit(const struct entries *e, uint64_t next, struct dirsink *sink)
{
	struct ext2_fs *fs = e->dir->fs;
	char name[NAME_MAX];
	const struct dirsink_entry de = { name, e->name_len, e->ino, next,
		type_mode(fs, (uint8_t)e->type) };

	memcpy(name, entry_at(e)->name, e->name_len);
	if (e->name_len == 0 || !entry_is_live(e))
		return 0;
	if (memchr(name, '/', e->name_len) != NULL ||
	    memchr(name, '\0', e->name_len) != NULL) {
		(void)ext2_error(fs, "directory %lu: a name with a slash or NUL",
		    e->dir->vn->ino);
		return -EIO;
	}
	return sink->emit(sink, &de) != 0;
}

/*
 * Entries of one block at or behind *pos, which lies in it.  1: the sink is full,
 * 0, -errno.
 */
static int
block_readdir(struct ext2_inode *dir, uint32_t blk, uint64_t *pos,
    struct dirsink *sink)
{
	uint64_t base = *pos & ~(uint64_t)(dir->fs->bs - 1);
	struct ext2_ref ref;
	struct entries e;
	int r = meta_get(dir->fs, blk, &ref), end = 0;

	if (r != 0)
		return r;
	entries_begin(&e, dir, blk, ref.data);
	while ((r = entries_at(&e)) == 1) {
		if (base + e.off >= *pos)
			end = entry_emit(&e, base + e.off + e.len, sink);
		if (end != 0)
			break;
		entries_next(&e);
	}
	*pos = MAX(*pos, base + e.off);
	meta_put(&ref);
	return end != 0 ? end : r;
}

/*
 * vnode_ops.readdir: a position is a byte of the directory and, above it, the
 * block where the listing ends.  That is told at its begin: else who renames
 * what he reads would come upon it again, at the end, for ever.
 */
int
ext2_readdir(struct vnode *v, uint64_t *pos, struct dirsink *sink)
{
	struct ext2_inode *dir = ext2_inode_of(v);
	uint64_t end = *pos >> POS_END_SHIFT, fblk;
	uint32_t blk;
	int r = 0;

	if (end == 0)
		end = dir_blocks(dir);
	*pos = (*pos & POS_BYTE) | end << POS_END_SHIFT;
	end = MIN(end, dir_blocks(dir));
	while (r == 0 && (fblk = (*pos & POS_BYTE) >> dir->fs->bs_shift) < end) {
		r = thread_is_killed() ? -EINTR :
		    dir_block(dir, (uint32_t)fblk, &blk);
		if (r == 0)
			r = block_readdir(dir, blk, pos, sink);
	}
	return r < 0 ? r : 0;
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
		const struct ext2_spot at = { .blk = g->blk, .off = g->off };

		r = dir_erase(g->dir, &at);
		if (r == 0)
			gone_drop(fs, g);
	}
	return r;
}
