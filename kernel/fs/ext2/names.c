/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * names.c: lookup, create, link, remove, rename
 *
 * Problem   Each change touches a directory, an inode and free space at once,
 *           and the disk may lose power between any two of its writes.
 *
 * Picture   VFS (names.c of fs/) holds the tree for writing
 *              → reap → ext2_begin ─ entries, inodes, bitmaps ─ ext2_end
 *                           └── a commit runs before or after, never between
 *
 * Rules     1. A name is added before the inode has links, and removed after
 *              it has none: sync.c writes in that order.  So a removed name
 *              is only hidden here, unless the disk never knew its inode.
 *           2. rename() over a file exchanges the two inodes and removes the
 *              old one under the other name: within one block a power cut
 *              shows the old state or the new one.  Across blocks the old
 *              inode gets a second name first, for so long.
 *           3. A directory that moves cannot have two names, and none is no
 *              better for e2fsck: all its blocks change in one step.
 *
 * Read next dir.c, inode.c, movelog.c.
 */
#include "fs/ext2/ext2.h"
#include "fs/fsfn.h"
#include "lib/string.h"
#include "mem/mem.h"

static struct kmem_cache death_cache = KMEM_CACHE("ext2_death",
    struct ext2_death);

/* ---- lookup ---- */

/* A directory has one parent: what is found must agree. */
static int
dir_adopt(struct vnode *dir, const struct name *n, struct vnode *v)
{
	struct vnode *parent = vn_parent(v);
	char *name;

	vn_put(parent);
	if (v == dir->mnt->root || (parent != NULL && parent != dir))
		return ext2_error(ext2_fs_of(dir), "directory %lu has two names",
		    v->ino);
	if (parent != NULL)
		return 0;
	name = vn_name_dup(n);
	if (name == NULL)
		return -ENOMEM;
	vn_set_name(v, dir, name);
	return 0;
}

/* vnode_ops.lookup. */
static int
ext2_lookup(struct vnode *dir, const struct name *n, struct vnode **out)
{
	struct ext2_spot spot;
	struct vnode *v;
	int r = dir_lookup(ext2_inode_of(dir), n, &spot);

	if (r == 0)
		r = inode_get(ext2_fs_of(dir), spot.ino, &v);
	if (r != 0)
		return r;
	if (v->type == S_IFDIR)
		r = dir_adopt(dir, n, v);
	if (r != 0) {
		vn_put(v);
		return r;
	}
	*out = v;
	return 0;
}

/* ---- create ---- */

static void
zombie_add(struct ext2_inode *ip)
{
	if (!list_is_linked(&ip->zombie))
		list_push_back(&ip->fs->zombies, &ip->zombie);
}

/* The new vnode gets its name.  Locks: inside the gate. */
static int
create_name(struct vnode *dir, const struct vn_new *n, struct vnode *v)
{
	char *name = vn_name_dup(&n->name);
	int r;

	if (name == NULL)
		return -ENOMEM;
	r = dir_insert(ext2_inode_of(dir), &n->name, (uint32_t)v->ino, v->type,
	    NULL);
	if (r != 0) {
		kmem_free(name);
		return r;
	}
	v->nlink = v->type == S_IFDIR ? 2 : 1;
	if (v->type == S_IFDIR)
		dir->nlink++;
	vn_set_name(v, dir, name);
	vn_touch(dir, VN_MTIME | VN_CTIME);
	return 0;
}

static int
create_once(struct vnode *dir, const struct vn_new *n, struct vnode **out)
{
	struct vnode *v = NULL;
	int r = ext2_begin(ext2_fs_of(dir));

	if (r != 0)
		return r;
	r = inode_make(dir, n, &v);
	if (r == 0 && n->name.len != 0)
		r = create_name(dir, n, v);
	ext2_end(ext2_fs_of(dir));
	if (r == 0) {
		v->nameless = n->name.len == 0;
		*out = v;
	}
	if (v != NULL && v->nlink == 0)
		zombie_add(ext2_inode_of(v));
	if (r == 0 || v == NULL)
		return r;
	vn_put(v);
	icache_reap(ext2_fs_of(dir));
	return r;
}

/*
 * Is a name free?  A directory on the disk never has it twice: when the old
 * one is only hidden, a commit removes it first.
 *
 * Locks:    tree for writing; outside of the gate.
 * Returns:  0, -EEXIST, -EIO, -EUCLEAN, -ENOMEM.
 */
static int
name_free(struct vnode *dir, const struct name *n)
{
	struct ext2_spot spot;
	int r = dir_lookup(ext2_inode_of(dir), n, &spot);

	if (r == 0)
		return -EEXIST;
	if (r == -ENOENT)
		r = spot.hidden ? ext2_commit(ext2_fs_of(dir)) : 0;
	return r;
}

/* vnode_ops.create. */
static int
ext2_create(struct vnode *dir, const struct vn_new *n, struct vnode **out)
{
	struct ext2_fs *fs = ext2_fs_of(dir);
	unsigned tries = 0;
	int r = 0;

	icache_reap(fs);
	if (n->name.len != 0)
		r = name_free(dir, &n->name);
	if (r != 0)
		return r;
	if (S_ISDIR(n->mode) && dir->nlink >= EXT2_LINK_MAX)
		return -EMLINK;
	do
		r = create_once(dir, n, out);
	while (ext2_relieve(fs, r, &tries));
	return r;
}

static int
link_once(struct vnode *dir, const struct name *n, struct vnode *v)
{
	struct ext2_inode *ip = ext2_inode_of(v);
	struct ext2_fs *fs = ip->fs;
	int r = ext2_begin(fs);

	if (r != 0)
		return r;
	r = dir_insert(ext2_inode_of(dir), n, (uint32_t)v->ino, v->type, NULL);
	if (r == 0) {
		v->nlink++;
		v->nameless = false;
		list_remove(&ip->zombie);
	}
	ext2_end(fs);
	return r;
}

/* vnode_ops.link. */
static int
ext2_link(struct vnode *dir, const struct name *n, struct vnode *v)
{
	unsigned tries = 0;
	int r;

	icache_reap(ext2_fs_of(dir));
	r = name_free(dir, n);
	if (r != 0)
		return r;
	if (v->nlink >= EXT2_LINK_MAX)
		return -EMLINK;
	do
		r = link_once(dir, n, v);
	while (ext2_relieve(ext2_fs_of(dir), r, &tries));
	if (r != 0)
		return r;
	vn_note_name(v, dir, n);
	vn_touch(dir, VN_MTIME | VN_CTIME);
	vn_touch(v, VN_CTIME);
	return 0;
}

/* ---- remove ---- */

/* A note that v will have no names; NULL in *out: it needs none. */
static int
death_reserve(const struct vnode *v, struct ext2_death **out)
{
	bool last = v->type == S_IFDIR || v->nlink <= 1;

	*out = NULL;
	if (!last || ext2_inode_of(v)->life != LIFE_LIVE)
		return 0;
	*out = kmem_cache_alloc(&death_cache);
	return *out != NULL ? 0 : -ENOMEM;
}

/* Name n of v in dir is gone: counts, times, and perhaps its end. */
static void
name_dropped(struct vnode *dir, const struct name *n, struct vnode *v,
    struct ext2_death *death)
{
	struct ext2_inode *ip = ext2_inode_of(v), *dip = ext2_inode_of(dir);

	if (v->type == S_IFDIR) {
		v->nlink = 0;
		dir->nlink -= dir->nlink > 2;
		dir_forget_gone(ip->fs, (uint32_t)v->ino);
	} else {
		v->nlink -= v->nlink > 0;
	}
	if (v->nlink != 0) {
		vn_forget_name(v, dir, n);
	} else {
		dip->kid_level = MAX(dip->kid_level, ip->kid_level + 1);
		if (death != NULL) {
			death->ino = (uint32_t)v->ino;
			death->level = ip->kid_level;
			list_push_back(&ip->fs->deaths, &death->all);
			ip->life = LIFE_DEAD;
		}
		zombie_add(ip);
	}
	vn_touch(v, VN_CTIME);
	vn_touch(dir, VN_MTIME | VN_CTIME);
}

/* Rule 1.  Locks: inside the gate.  Owns: takes *gone, if it needs it. */
static int
name_erase(struct vnode *dir, struct vnode *v, const struct ext2_spot *spot,
    struct ext2_gone **gone)
{
	if (ext2_inode_of(v)->life == LIFE_UNBORN)
		return dir_erase(ext2_inode_of(dir), spot);
	dir_erase_later(ext2_inode_of(dir), spot, *gone);
	*gone = NULL;
	return 0;
}

/* vnode_ops.remove. */
static int
ext2_remove(struct vnode *dir, const struct name *n, struct vnode *v)
{
	struct ext2_fs *fs = ext2_fs_of(dir);
	struct ext2_gone *gone;
	struct ext2_death *death;
	struct ext2_spot spot;
	int r = 0;

	icache_reap(fs);
	if (v->type == S_IFDIR)
		r = dir_is_empty(ext2_inode_of(v));
	if (r == 0)
		r = dir_lookup(ext2_inode_of(dir), n, &spot);
	if (r == 0)
		r = ext2_begin(fs);
	if (r != 0)
		return r;

	/* reserve */
	r = death_reserve(v, &death);
	gone = dir_gone_alloc();
	if (gone == NULL)
		r = -ENOMEM;
	if (r == 0)
		r = name_erase(dir, v, &spot, &gone);
	dir_gone_free(gone);

	/* perform */
	if (r == 0)
		name_dropped(dir, n, v, death);
	else if (death != NULL)
		kmem_cache_free(&death_cache, death);
	ext2_end(fs);
	return r;
}

/*
 * After a commit: the notes are on the disk.  Or an error has left them.
 *
 * Locks:    the gate is closed, or nobody is left.
 */
void
names_forget_deaths(struct ext2_fs *fs)
{
	ASSERT(fs->gate.closed || fs->gate.inside == 0);
	while (!list_is_empty(&fs->deaths))
		kmem_cache_free(&death_cache, LIST_ENTRY(
		    list_pop_front(&fs->deaths), struct ext2_death, all));
}

/* ---- rename ---- */

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

/* The new name over an old one: rule 2. */
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

/* The new name where none was; rule 3. */
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
	if (r == 0 && has_new_parent(m) && m->to_dir->nlink >= EXT2_LINK_MAX)
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
	if (mv->death != NULL)
		kmem_cache_free(&death_cache, mv->death);
	dir_gone_free(mv->gone);
	ext2_end(fs);
	return r;
}

/*
 * What must not be lost is on the disk first: the new contents before the old
 * name leads to them, the new directory before what moves into it.
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

/* Rule 3, for one that the disk has. */
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

/* vnode_ops.rename. */
static int
ext2_rename(const struct vn_move *m)
{
	int r;

	icache_reap(ext2_fs_of(m->src));
	r = rename_settle(m);
	if (r != 0)
		return r;
	if (has_new_parent(m) && ext2_inode_of(m->src)->life == LIFE_LIVE)
		return rename_logged(m);
	return rename_any(m);
}

/* vnode_ops.readlink. */
static ssize_t
ext2_readlink(struct vnode *v, char *buf, size_t cap)
{
	size_t n = MIN(cap, v->link_bytes);

	memcpy(buf, ext2_inode_of(v)->text, n);
	return (ssize_t)n;
}

const struct vnode_ops ext2_ops = {
	.lookup = ext2_lookup,
	.create = ext2_create,
	.link = ext2_link,
	.remove = ext2_remove,
	.rename = ext2_rename,
	.readdir = ext2_readdir,
	.readlink = ext2_readlink,
	.resize = ext2_resize,
	.reserve = ext2_reserve,
	.inactive = inode_inactive,
};
