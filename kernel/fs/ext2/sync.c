/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sync.c: commits, the order in which the disk learns of changes
 *
 * Problem   The disk writes what it is given in any order and may lose power
 *           at any time; what is found then must be something that e2fsck -p
 *           repairs without asking, and what was fsync'ed must be there.
 *
 * Picture   e2fsck -p repairs: counts, bitmaps, sizes, names that lead to an
 *           inode without links.  It stops at: an inode with links but no name,
 *           a block with two owners, a map or directory block of old bytes.
 *           Hence one commit, with a FLUSH of the disk at each bar:
 *
 *           new blocks | maps, inodes, directories with new names |
 *           a directory that has moved, through a log (movelog.c) |
 *           new inodes get links, parents first | … |
 *           removed inodes lose them, children first | … |
 *           removed names | freed blocks and inodes become free; bitmaps
 *
 * Rules     1. Who changes metadata is inside the gate; a commit closes it,
 *              waits until all are out, and writes while nobody changes.
 *           2. Inside the gate nobody enters it again, and nobody waits for
 *              the VM to write pages of files: that may need the gate.  A
 *              write-back enters also when a commit waits, not while it runs.
 *           3. What is empty costs nothing: an append costs one FLUSH, a new
 *              file two.
 *           4. An error of a commit makes the file system read-only.
 *           5. What has entered the gate finishes, killed or not: half of a
 *              change would be written, or an error would be made of a signal.
 *           6. A commit reads before it writes: each block that it will change
 *              is held in memory first.  One that cannot be read just now puts
 *              it off, with nothing written and nothing lost.
 *
 * Read next meta.c, inode.c.
 */
#include "fs/ext2/ext2.h"
#include "fs/fsfn.h"
#include "lib/string.h"
#include "mem/mem.h"

#define FLUSH_TICK_NS 1000000000ul
#define FLUSH_TICKS 5u            /* between commits of the flusher */
#define GONE_MAX 2048u            /* hidden names before a commit is made */
#define BUFS_MIN 64u
#define RELIEVE_MAX 4u            /* commits that one change makes to find room */

static struct {
	struct mutex lock;        /* guards the rest; around each round */
	struct list all;
	bool running;
} flusher = {
	.lock = MUTEX_INIT(flusher.lock, LR_VNODE),
	.all = LIST_INIT(flusher.all),
};

static int commit_phases(struct ext2_fs *fs);
static int births(struct ext2_fs *fs);
static int deaths(struct ext2_fs *fs);

/* ---- the gate ---- */

enum gate_how {
	GATE_POLITE,              /* not while a commit waits */
	GATE_WRITEBACK            /* not while one runs */
};

/* Try to enter. */
static bool
gate_try(struct ext2_gate *g, enum gate_how how)
{
	bool in;

	spin_lock(&g->lock);
	in = !g->closed && !(how == GATE_POLITE && g->closing != 0);
	if (in)
		g->inside++;
	spin_unlock(&g->lock);
	return in;
}

static void
gate_enter(struct ext2_gate *g, enum gate_how how)
{
	struct waiter w;

	while (!gate_try(g, how)) {
		wait_prepare(&g->wait, &w);
		if (atomic_load(&g->closed) ||
		    (how == GATE_POLITE && atomic_load(&g->closing) != 0))
			(void)wait_sleep(&w, WAIT_PLAIN, WAIT_FOREVER);
		wait_finish(&w);
	}
}

static bool
gate_try_close(struct ext2_gate *g)
{
	bool done;

	spin_lock(&g->lock);
	done = !g->closed && g->inside == 0;
	if (done) {
		g->closed = true;
		g->closing--;
	}
	spin_unlock(&g->lock);
	return done;
}

static void
gate_close(struct ext2_gate *g)
{
	struct waiter w;

	spin_lock(&g->lock);
	g->closing++;
	spin_unlock(&g->lock);
	while (!gate_try_close(g)) {
		wait_prepare(&g->wait, &w);
		if (atomic_load(&g->closed) || atomic_load(&g->inside) != 0)
			(void)wait_sleep(&w, WAIT_PLAIN, WAIT_FOREVER);
		wait_finish(&w);
	}
}

static void
gate_open(struct ext2_gate *g)
{
	spin_lock(&g->lock);
	g->closed = false;
	spin_unlock(&g->lock);
	wake_all(&g->wait);
}

/* Is so much waiting that a commit should come first? */
static bool
is_full(const struct ext2_fs *fs)
{
	struct phys_stat ps;

	if (atomic_load_relaxed(&fs->nbufs) < BUFS_MIN)
		return atomic_load_relaxed(&fs->ngone) > GONE_MAX;
	phys_stat(&ps);
	return atomic_load_relaxed(&fs->nbufs) > MAX(BUFS_MIN, ps.total / 32) ||
	    atomic_load_relaxed(&fs->ngone) > GONE_MAX;
}

/*
 * Begin to change metadata: until ext2_end() no commit runs.
 *
 * Locks:    as ext2.h says; rank 1 at most.
 * Returns:  0, -EROFS, what a commit gives that had to come first.
 */
int
ext2_begin(struct ext2_fs *fs)
{
	int r = is_full(fs) ? ext2_commit(fs) : 0;

	if (r != 0)
		return r;
	gate_enter(&fs->gate, GATE_POLITE);
	vm_finish_begin();
	if (!atomic_load(&fs->readonly))
		return 0;
	ext2_end(fs);
	return -EROFS;
}

/* The same for a page on its way to the disk: rule 2.  0, -EROFS. */
int
ext2_begin_writeback(struct ext2_fs *fs)
{
	gate_enter(&fs->gate, GATE_WRITEBACK);
	vm_finish_begin();
	if (!atomic_load(&fs->readonly))
		return 0;
	ext2_end(fs);
	return -EROFS;
}

void
ext2_end(struct ext2_fs *fs)
{
	struct ext2_gate *g = &fs->gate;
	bool last;

	vm_finish_end();
	spin_lock(&g->lock);
	ASSERT(g->inside > 0);
	last = --g->inside == 0;
	spin_unlock(&g->lock);
	if (last)
		wake_all(&g->wait);
}

/* ---- one commit ---- */

/*
 * The gate is closed: rule 5, and frames come from the reserve, for who frees
 * some by writing files may stand before the gate.
 */
static void
commit_begin(void)
{
	vm_finish_begin();
	vm_blockmap_enter();
}

static void
commit_end(void)
{
	vm_blockmap_leave();
	vm_finish_end();
}

/* Rule 6.  Locks: the gate is closed.  0, -EIO, -ENOMEM: put off. */
static int
commit_hold(struct ext2_fs *fs)
{
	struct ext2_death *d;
	int r = inode_store_all(fs);

	LIST_FOREACH(d, &fs->deaths, all)
		if (r == 0)
			r = inode_hold(fs, d->ino);
	if (r == 0)
		r = dir_hold_gone(fs);
	if (r == 0)
		r = alloc_hold(fs);
	if (r == 0 && !list_is_empty(&fs->dirty[META_MOVE]))
		r = movelog_hold(fs);
	return r;
}

/* Locks: the gate is closed. */
static int
commit_closed(struct ext2_fs *fs)
{
	int r;

	if (atomic_load(&fs->readonly))
		return -EROFS;
	r = commit_hold(fs);
	if (r != 0) {
		EVENT(ext2_commit_put_off);
		return r;
	}
	r = commit_phases(fs);
	if (r != 0)
		(void)ext2_error(fs, "commit: error %d", -r);
	return r;
}

/*
 * Write all metadata in order (the picture).  Data of files is the caller's.
 *
 * Locks:    outside of the gate; tree and vnode->lock are allowed.
 * Returns:  0, -EIO, -ENOMEM, -EUCLEAN, -EROFS.
 */
int
ext2_commit(struct ext2_fs *fs)
{
	int r;

	gate_close(&fs->gate);
	commit_begin();
	r = commit_closed(fs);
	meta_drop_held(fs);
	commit_end();
	gate_open(&fs->gate);
	return r;
}

/* Write a kind and make it durable before the next, if there is any. */
static int
write_and_wait(struct ext2_fs *fs, enum ext2_kind kind)
{
	int r;

	if (list_is_empty(&fs->dirty[kind]))
		return 0;
	r = meta_write(fs, kind);
	return r != 0 ? r : meta_barrier(fs);
}

static int
write_states(struct ext2_fs *fs)
{
	int r = meta_write(fs, META_MAP);

	if (r == 0)
		r = meta_write(fs, META_INODE);
	if (r == 0)
		r = meta_write(fs, META_DIR);
	return r != 0 ? r : meta_barrier(fs);
}

static int
commit_phases(struct ext2_fs *fs)
{
	int r = write_and_wait(fs, META_NEW);

	if (r == 0)
		r = write_states(fs);
	if (r == 0)
		r = movelog_run(fs);
	if (r == 0)
		r = births(fs);
	if (r == 0)
		r = deaths(fs);
	if (r == 0)
		r = dir_purge(fs);
	if (r == 0)
		r = write_and_wait(fs, META_DIR);
	if (r == 0)
		r = alloc_release(fs);
	if (r == 0)
		r = alloc_store(fs);
	if (r == 0)
		r = meta_write(fs, META_ALLOC);
	return r;
}

/* New inodes get their links, one level of the tree after the other. */
static int
births(struct ext2_fs *fs)
{
	unsigned n = 0;
	int r;

	do {
		r = inode_bear(fs, &n);
		if (r == 0)
			r = write_and_wait(fs, META_INODE);
	} while (r == 0 && n != 0);
	return r;
}

/* Removed inodes lose them; a directory behind what was in it. */
static int
deaths(struct ext2_fs *fs)
{
	struct ext2_death *d;
	uint32_t level, top = 0;
	int r = 0;

	LIST_FOREACH(d, &fs->deaths, all)
		top = MAX(top, d->level);
	for (level = 0; level <= top && r == 0; level++) {
		LIST_FOREACH(d, &fs->deaths, all)
			if (r == 0 && d->level == level)
				r = inode_store_dead(fs, d->ino);
		if (r == 0)
			r = write_and_wait(fs, META_INODE);
	}
	if (r != 0 || list_is_empty(&fs->deaths))
		return r;
	names_forget_deaths(fs);
	inode_reset_levels(fs);
	return 0;
}

/*
 * A change has ended with r, and has undone what it did: if that is -ENOSPC,
 * and what was freed is waiting for a commit, then make one, and true: try
 * again.  Not without end, for others take what is free as well.
 *
 * Locks:    as ext2_commit().  *tries: 0 at first.
 */
bool
ext2_relieve(struct ext2_fs *fs, int r, unsigned *tries)
{
	if (r != -ENOSPC || ++*tries > RELIEVE_MAX || thread_is_killed())
		return false;
	if (atomic_load(&fs->late_blocks) == 0 &&
	    atomic_load(&fs->late_inodes) == 0)
		return false;
	EVENT(ext2_relieve);
	return ext2_commit(fs) == 0;
}

/* ---- on demand ---- */

/*
 * fstype.sync: one file (fsync), or with v NULL the whole file system.
 *
 * Locks:    none held.
 * Returns:  0, -EIO, -EUCLEAN, -ENOMEM.  Read-only: there is nothing to do.
 */
int
ext2_sync(struct mount *m, struct vnode *v)
{
	struct ext2_fs *fs = m->fs;
	int r, done;

	if (atomic_load(&fs->readonly))
		return atomic_load(&fs->failed) ? -EIO : 0;
	if (v == NULL)
		r = icache_sync_files(fs);
	else
		r = v->vmo != NULL ? vmo_sync(v->vmo, 0, UINT64_MAX) : 0;
	done = ext2_commit(fs);
	return r != 0 ? r : done;
}

/* fstype.reap: zombies that nobody uses give back what they have. */
void
ext2_reap(struct mount *m)
{
	struct ext2_fs *fs = m->fs;

	rw_lock_write(&m->tree);
	icache_reap(fs);
	rw_unlock_write(&m->tree);
}

/*
 * fstype.shutdown: the machine goes down; users keep what they have open, but
 * change nothing any more.
 */
void
ext2_shutdown(struct mount *m)
{
	struct ext2_fs *fs = m->fs;

	ext2_flusher_remove(fs);
	rw_lock_write_nested(&m->tree);
	icache_reap(fs);
	if (!atomic_load(&fs->readonly)) {
		(void)icache_sync_files(fs);
		fs->lost |= icache_cut_tails(fs) != 0;
		(void)ext2_commit(fs);
		icache_end_zombies(fs);
		(void)ext2_settle(fs);
	}
	fs->stuck = true;
	rw_unlock_write(&m->tree);
}

/* ---- the thread ---- */

static void
flush_tick(struct ext2_fs *fs, bool commit)
{
	int r = 0;

	if (commit && !atomic_load(&fs->readonly))
		r = ext2_sync(fs->mnt, NULL);
	if (r != 0)
		klog("ext2: %s: write-back: error %d", fs->dev->name, -r);
	rw_lock_write_nested(&fs->mnt->tree);
	icache_reap(fs);
	icache_trim(fs);
	rw_unlock_write(&fs->mnt->tree);
}

static void
flusher_main(void *unused)
{
	struct ext2_fs *fs;
	unsigned tick = 0;

	for (;;) {
		(void)sleep_until(md_time_ns() + FLUSH_TICK_NS, WAIT_PLAIN);
		mutex_lock(&flusher.lock);
		tick = (tick + 1) % FLUSH_TICKS;
		LIST_FOREACH(fs, &flusher.all, all)
			flush_tick(fs, tick == 0);
		mutex_unlock(&flusher.lock);
	}
}

/* From now on fs is written every few seconds. */
void
ext2_flusher_add(struct ext2_fs *fs)
{
	mutex_lock_nested(&flusher.lock);
	if (!flusher.running)
		flusher.running = thread_spawn("ext2", flusher_main, NULL) !=
		    NULL;
	list_push_back(&flusher.all, &fs->all);
	mutex_unlock(&flusher.lock);
}

/* The counterpart; the thread is not in fs afterwards. */
void
ext2_flusher_remove(struct ext2_fs *fs)
{
	mutex_lock_nested(&flusher.lock);
	list_remove(&fs->all);
	mutex_unlock(&flusher.lock);
}

/* Is the disk mounted already? */
bool
ext2_flusher_has(const struct bdev *dev)
{
	struct ext2_fs *fs;
	bool found = false;

	mutex_lock_nested(&flusher.lock);
	LIST_FOREACH(fs, &flusher.all, all)
		found |= fs->dev == dev;
	mutex_unlock(&flusher.lock);
	return found;
}
