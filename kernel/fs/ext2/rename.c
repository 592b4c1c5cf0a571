/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rename.c: a name changes, perhaps over another one
 *
 * Problem   Two directories, one or two inodes and a dot-dot change at once,
 *           and the disk may lose power between any two of its writes.
 *
 * Picture   settle what must be durable first ─ park ─ prepare: find, reserve
 *              → ext2_begin ─ entries, counts ─ ext2_end ─ unpark
 *
 * Rules     1. rename() over a file exchanges the two inodes and removes the
 *              old one under the other name: within one block a power cut
 *              shows the old state or the new one.  Across blocks the old
 *              inode gets a second name first, until the rename is written.
 *           2. e2fsck accepts a moving directory neither with two names nor with
 *              none: all its blocks change in one step.
 *           3. All memory and blocks are there before the first step, and all
 *              names were found: half a rename could not be undone.
 *
 * Read next movelog.c.
 */
#include "fs/ext2/ext2.h"
#include "fs/fsfn.h"
#include "lib/string.h"
#include "mem/mem.h"

#define PARK_TRIES 100u           /* names that others have already */

/* [own] One rename, looked up. */
struct move {
	const struct vn_move *m;
	struct ext2_inode *from, *to; /* directories */
	struct ext2_spot src, dst;
	struct ext2_spot up;      /* dot-dot of a directory that gets another */
	struct ext2_death *death; /* reserved; NULL: not needed, or used */
	struct ext2_gone *gone;   /* the same */
	bool done;                /* the entries are changed */
	bool parked;              /* dst has another name meanwhile, at: */
	struct ext2_spot park;
};

/* The new name over an old one: rule 1. */
static int
move_over(struct move *mv)
{
	const struct vn_move *m = mv->m;
	uint32_t src = (uint32_t)m->src->ino, dst = (uint32_t)m->dst->ino;
	int r = dir_replace(mv->to, &mv->dst, src, m->src->type);

	if (r != 0)
		return r;
	if (mv->src.blk == mv->dst.blk) {
		r = dir_replace(mv->from, &mv->src, dst, m->dst->type);
		return r != 0 ? r : name_erase(m->from_dir, m->dst, &mv->src,
		    &mv->gone);
	}
	if (m->src->type == S_IFDIR)
		return dir_erase(mv->from, &mv->src);
	return name_erase(m->from_dir, m->src, &mv->src, &mv->gone);
}

/* The new name where none was; rule 2. */
static int
move_free(struct move *mv)
{
	const struct vn_move *m = mv->m;
	uint32_t ino = (uint32_t)m->src->ino;
	int r;

	r = dir_insert(mv->to, &m->to, ino, m->src->type, NULL);
	if (r != 0)
		return r;
	if (m->src->type == S_IFDIR)
		return dir_erase(mv->from, &mv->src);
	return name_erase(m->from_dir, m->src, &mv->src, &mv->gone);
}

static bool
has_new_parent(const struct vn_move *m)
{
	return m->src->type == S_IFDIR && m->from_dir != m->to_dir;
}

/* Entries are changed: counts, dot-dot, times.  Cannot fail but by damage. */
static int
move_done(struct move *mv)
{
	const struct vn_move *m = mv->m;
	int r = 0;

	if (m->dst != NULL)
		name_dropped(m->to_dir, &m->to, m->dst, mv->death);
	mv->death = NULL;
	if (has_new_parent(m)) {
		m->from_dir->nlink -= m->from_dir->nlink > 2;
		m->to_dir->nlink++;
		r = dir_replace(ext2_inode_of(m->src), &mv->up,
		    (uint32_t)m->to_dir->ino, S_IFDIR);
	}
	vn_touch(m->src, VN_CTIME);
	vn_touch(m->from_dir, VN_MTIME | VN_CTIME);
	vn_touch(m->to_dir, VN_MTIME | VN_CTIME);
	return r;
}

/* Find both names; is the rename possible? */
static int
move_prepare(struct move *mv)
{
	const struct vn_move *m = mv->m;
	int r = 0;

	if (m->dst != NULL && m->dst->type == S_IFDIR)
		r = dir_is_empty(ext2_inode_of(m->dst));
	if (r == 0)
		r = dir_lookup(mv->from, &m->from, &mv->src);
	if (r == 0 && m->dst != NULL)
		r = dir_lookup(mv->to, &m->to, &mv->dst);
	if (r == 0 && has_new_parent(m) && m->dst == NULL &&
	    m->to_dir->nlink >= EXT2_LINK_MAX)
		r = -EMLINK;
	if (r == 0 && has_new_parent(m))
		r = dir_find_parent(ext2_inode_of(m->src), &mv->up);
	return r;
}

/*
 * All that the change will need: memory, and its blocks, which are read now.
 *
 * Locks:    inside the gate.
 * Returns:  0, -EIO, -ENOMEM.
 */
static int
move_reserve(struct move *mv)
{
	const struct vn_move *m = mv->m;
	struct ext2_fs *fs = mv->from->fs;
	int r = m->dst != NULL ? death_reserve(m->dst, &mv->death) : 0;

	mv->gone = dir_gone_alloc();
	if (r == 0 && mv->gone == NULL)
		r = -ENOMEM;
	if (r == 0)
		r = meta_hold(fs, mv->src.blk);
	if (r == 0 && m->dst != NULL)
		r = meta_hold(fs, mv->dst.blk);
	if (r == 0 && has_new_parent(m))
		r = meta_hold(fs, mv->up.blk);
	return r;
}

static int
rename_once(struct move *mv)
{
	const struct vn_move *m = mv->m;
	struct ext2_fs *fs = mv->from->fs;
	int r = move_prepare(mv);

	if (r == 0)
		r = ext2_begin(fs);
	if (r != 0)
		return r;
	mv->death = NULL;
	r = move_reserve(mv);
	if (r == 0)
		r = m->dst != NULL ? move_over(mv) : move_free(mv);
	mv->done = r == 0;
	if (mv->done)
		r = move_done(mv);
	death_free(mv->death);
	dir_gone_free(mv->gone);
	ext2_end(fs);
	return r;
}

/*
 * Write first what must not be lost: the new contents before the old
 * name leads to them, the new directory before the names that move into it.
 */
static int
rename_settle(const struct vn_move *m)
{
	if ((m->dst != NULL && ext2_inode_of(m->src)->life == LIFE_UNBORN) ||
	    ext2_inode_of(m->to_dir)->life == LIFE_UNBORN)
		return ext2_commit(ext2_fs_of(m->src));
	return m->dst != NULL ? 0 : name_free(m->to_dir, &m->to);
}

/* Will dst die, and is its name in another block than that of src? */
static int
needs_parking(struct move *mv, bool *yes)
{
	const struct vn_move *m = mv->m;
	int r;

	*yes = false;
	if (m->dst == NULL || ext2_inode_of(m->dst)->life != LIFE_LIVE ||
	    (m->dst->type != S_IFDIR && m->dst->nlink > 1))
		return 0;
	r = move_prepare(mv);
	*yes = mv->src.blk != mv->dst.blk;
	return r;
}

/* An empty directory in the way is removed first. */
static int
dst_remove(struct vn_move *m)
{
	int r = ext2_remove(m->to_dir, &m->to, m->dst);

	m->dst = NULL;
	return r != 0 ? r : ext2_commit(ext2_fs_of(m->src));
}

/* A name that nobody has, in text.  0, -EEXIST, what name_free() gives. */
static int
park_name(struct vnode *dir, uint64_t ino, char *text, size_t cap,
    struct name *out)
{
	uint32_t nr = (uint32_t)md_time_ns();
	unsigned tries;
	int r = -EEXIST;

	for (tries = 0; r == -EEXIST && tries < PARK_TRIES; tries++) {
		out->s = text;
		out->len = (size_t)snprintf(text, cap, ".gone-%lu-%x", ino,
		    nr + tries);
		r = name_free(dir, out);
	}
	return r;
}

/* A second name for dst, on the disk. */
static int
park_file(struct move *mv)
{
	const struct vnode *dst = mv->m->dst;
	struct ext2_fs *fs = mv->to->fs;
	unsigned tries = 0;
	struct name n;
	char text[48];
	int r = park_name(mv->m->to_dir, dst->ino, text, sizeof(text), &n);

	if (r != 0)
		return r;
	do {
		r = ext2_begin(fs);
		if (r != 0)
			return r;
		r = dir_insert(mv->to, &n, (uint32_t)dst->ino, dst->type,
		    &mv->park);
		ext2_end(fs);
	} while (ext2_relieve(fs, r, &tries));
	mv->parked = r == 0;
	return r != 0 ? r : ext2_commit(fs);
}

/* The counterpart, when dst has lost its own name. */
static int
unpark(struct move *mv)
{
	struct ext2_fs *fs = mv->to->fs;
	struct ext2_gone *gone;
	int r = ext2_begin(fs);

	if (r != 0)
		return r;
	gone = dir_gone_alloc();
	if (gone == NULL)
		r = dir_erase(mv->to, &mv->park);
	else
		dir_erase_later(mv->to, &mv->park, gone);
	ext2_end(fs);
	return r;
}

/* What is settled is done. */
static int
rename_any(const struct vn_move *m)
{
	struct ext2_fs *fs = ext2_fs_of(m->src);
	struct vn_move free_move = *m;
	struct move mv = { .m = &free_move, .from = ext2_inode_of(m->from_dir),
		.to = ext2_inode_of(m->to_dir) };
	bool park = false;
	unsigned tries = 0;
	char *name;
	int r;

	r = needs_parking(&mv, &park);
	if (r != 0)
		return r;
	name = vn_name_dup(&m->to);
	if (name == NULL)
		return -ENOMEM;
	if (park)
		r = m->dst->type == S_IFDIR ? dst_remove(&free_move) :
		    park_file(&mv);
	if (r == 0) {
		fs->log.moving = fs->log.ready;
		do
			r = rename_once(&mv);
		while (ext2_relieve(fs, r, &tries));
		fs->log.moving = false;
	}
	if (mv.done)
		vn_set_name(m->src, m->to_dir, name);
	else
		kmem_free(name);
	if (mv.parked && unpark(&mv) != 0)
		r = -EUCLEAN;
	return r;
}

/* Rule 2, for one that the disk has. */
static int
rename_logged(const struct vn_move *m)
{
	struct ext2_fs *fs = ext2_fs_of(m->src);
	int r = movelog_open(m->to_dir, &m->to), done;

	if (r == 0)
		r = rename_any(m);
	done = fs->log.ready ? ext2_commit(fs) : 0;
	movelog_close(fs);
	return r != 0 ? r : done;
}

/* vnode_ops.rename.  Two names do not change places, as on Linux' ext2. */
int
ext2_rename(const struct vn_move *m)
{
	int r;

	if (m->exchange)
		return -EINVAL;
	icache_reap(ext2_fs_of(m->src));
	r = rename_settle(m);
	if (r != 0)
		return r;
	if (has_new_parent(m) && ext2_inode_of(m->src)->life == LIFE_LIVE)
		return rename_logged(m);
	return rename_any(m);
}
