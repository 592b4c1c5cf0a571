/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sync.c: dirty data go to the disk: on demand, every few seconds, at the end
 *
 * Problem   Data of files first, then the commit of the metadata that leads to them;
 *           inodes that nobody uses give their memory back from time to time.
 *
 * Picture   fsync, sync ─→ ext2_sync ─→ pages ─→ ext2_commit
 *           flusher_main, each second: that, and icache_reap, icache_trim
 *
 * Read next commit.c, icache.c.
 */
#include "fs/ext2/ext2.h"
#include "fs/fsfn.h"

#define FLUSH_TICK_NS 1000000000ul
#define FLUSH_TICKS 5u            /* between commits of the flusher */

static struct {
	struct mutex lock;        /* guards the rest; around each round */
	struct list all;
	bool running;
} flusher = {
	.lock = MUTEX_INIT(flusher.lock, LR_VNODE),
	.all = LIST_INIT(flusher.all),
};

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

/* fstype.reap: unused zombies free their blocks. */
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
