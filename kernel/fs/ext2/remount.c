/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * remount.c: from writing to reading and back, while files are open
 *
 * Problem   A disk that is only read from now on must be as clean as after an
 *           unmount: it may be removed, or lose power, without damage.
 *
 * Picture   rw ── nobody can write? ─ write all ─ mark "clean" ──→ ro
 *           ro ── may it be written? ─ mark "in use" ────────────→ rw
 *
 * Rules     1. Read-only is refused while a mapping keeps a file open for
 *              writing, or one is open without a name: its blocks would stay
 *              allocated for ever.
 *           2. The user cannot make a disk writable that is read-only for another
 *              reason (a feature, an error, the device).
 *
 * Read next state.c, commit.c, remount.c of fs/.
 */
#include "fs/ext2/ext2.h"
#include "fs/fsfn.h"

/* Rule 1.  Locks: tree for writing. */
static bool
is_needed(struct ext2_fs *fs)
{
	struct ext2_inode *ip;

	HELD(&fs->mnt->tree);
	if (!list_is_empty(&fs->zombies))
		return true;
	LIST_FOREACH(ip, &fs->inodes, all)
		if (ip->vn->vmo != NULL &&
		    vmo_mappings(ip->vn->vmo, MAPS_OF_WRITERS) != 0)
			return true;
	return false;
}

static int
to_readonly(struct ext2_fs *fs)
{
	int r;

	icache_reap(fs);
	if (is_needed(fs))
		return -EBUSY;
	mount_readonly_now(fs->mnt);
	r = icache_sync_files(fs);
	if (r == 0)
		r = icache_cut_tails(fs);
	return r != 0 ? r : ext2_settle(fs);
}

static int
to_writable(struct ext2_fs *fs)
{
	int r;

	if (fs->dev->readonly)
		return -EACCES;
	if (fs->stuck || atomic_load(&fs->failed))
		return -EROFS;
	atomic_store(&fs->readonly, false);
	r = ext2_mark_used(fs);
	if (r != 0)
		atomic_store(&fs->readonly, true);
	return r;
}

/*
 * fstype.remount: MS_RDONLY of flags differs from before.
 *
 * Locks:    none; takes tree for writing.
 * Returns:  0, -EBUSY, -EROFS, -EACCES, -EIO.
 */
int
ext2_remount(struct mount *m, unsigned flags)
{
	struct ext2_fs *fs = m->fs;
	int r;

	rw_lock_write_nested(&m->tree);
	if ((flags & MS_RDONLY) == 0)
		r = to_writable(fs);
	else
		r = atomic_load(&fs->readonly) ? 0 : to_readonly(fs);
	rw_unlock_write(&m->tree);
	return r;
}
