/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * remount.c: a mount changes its flags, above all between "ro" and "rw"
 *
 * Problem   A file system that becomes read-only must have nobody who can
 *           write it, and nobody may slip in while one looks.
 *
 * Picture   writer:   mount->writers++   ─→ look at mount->settling
 *           remount:  mount->settling    ─→ look at mount->writers
 *           The second of the two sees the other: the remount gives up; the writer
 *           waits for the result, and then looks at MS_RDONLY.
 *
 * Rules     1. A regular file that is open for writing counts in its mount.
 *              A mapping may be all that has kept it open: of files in memory
 *              the quota finds those.
 *           2. The file system itself has the last word (fstype.remount): one
 *              on a disk knows its mapped files and those without names, and it
 *              writes what is dirty before it says yes.
 *           3. MS_RDONLY is set only when the remount cannot fail any more, so that
 *              a refused remount has no effect.  A file system with a tree lock
 *              sets it under that (mount_readonly_now()).
 *
 * Read next mount.c, ext2/remount.c.
 */
#include "fs/fsdat.h"
#include "fs/fsfn.h"

#define MS_TIMES (MS_NOATIME | MS_NODIRATIME | MS_RELATIME)
#define MS_PLAIN (MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | \
	MS_NOSYMFOLLOW | MS_NOATIME | MS_NODIRATIME | MS_SYNCHRONOUS | \
	MS_DIRSYNC)
#define MS_KNOWN (MS_PLAIN | MS_TIMES)

static struct mutex remount_mutex = MUTEX_INIT(remount_mutex, LR_VNODE);

/*
 * What a mount keeps of mount(2)'s flags: access times move as with RELATIME
 * unless something else is asked for.
 */
unsigned
mount_kept_flags(unsigned flags)
{
	unsigned kept = flags & MS_PLAIN;

	if ((flags & MS_NOATIME) == 0)
		kept |= MS_RELATIME;
	if ((flags & MS_STRICTATIME) != 0)
		kept &= ~(MS_RELATIME | MS_NOATIME);
	return kept;
}

/* A remount that says nothing of access times leaves them as they were. */
static unsigned
remount_flags(const struct mount *m, unsigned flags)
{
	unsigned kept = mount_kept_flags(flags);

	if ((flags & (MS_TIMES | MS_STRICTATIME)) == 0)
		kept = (kept & ~MS_TIMES) | (atomic_load(&m->flags) & MS_TIMES);
	return kept;
}

/* Change those bits of the flags that are in mask. */
static void
flags_set(struct mount *m, unsigned mask, unsigned bits)
{
	unsigned old = atomic_load(&m->flags);

	while (!atomic_cas(&m->flags, &old, (old & ~mask) | (bits & mask)))
		;
}

/* Rule 1, as seen by a writer.  Locks: none that a remount takes.  0, -EROFS. */
int
mount_write_begin(struct mount *m)
{
	atomic_add(&m->writers, 1);
	while (atomic_load(&m->settling)) {
		mount_write_end(m);
		mutex_lock_nested(&remount_mutex);
		mutex_unlock(&remount_mutex);
		atomic_add(&m->writers, 1);
	}
	if ((atomic_load(&m->flags) & MS_RDONLY) == 0)
		return 0;
	mount_write_end(m);
	return -EROFS;
}

/* Rule 3.  Locks: any. */
void
mount_readonly_now(struct mount *m)
{
	flags_set(m, MS_RDONLY, MS_RDONLY);
}

void
mount_write_end(struct mount *m)
{
	CHECK(atomic_sub(&m->writers, 1) != UINT32_MAX);
}

static int
fs_agrees(struct mount *m, unsigned flags)
{
	return m->type->remount == NULL ? 0 : m->type->remount(m, flags);
}

/* Nobody begins to write until it is known; does anyone still? */
static int
become_readonly(struct mount *m, unsigned flags)
{
	int r = -EBUSY;

	atomic_store(&m->settling, true);
	if (atomic_load(&m->writers) == 0 && !vmo_quota_has_writer(m->quota))
		r = fs_agrees(m, flags);
	flags_set(m, MS_RDONLY, r == 0 ? MS_RDONLY : 0);
	atomic_store(&m->settling, false);
	return r;
}

/*
 * mount(2) with MS_REMOUNT at the root v of a mount.
 *
 * Locks:    none held.
 * Returns:  0, -EINVAL (no root), -EBUSY, -EROFS, -EACCES (the disk), -EIO.
 */
int
mount_remount(struct vnode *v, unsigned flags)
{
	struct mount *m = v->mnt;
	unsigned was;
	int r = 0;

	if (v != m->root)
		return -EINVAL;
	mutex_lock(&remount_mutex);
	was = atomic_load(&m->flags);
	if (((was ^ flags) & MS_RDONLY) != 0)
		r = (flags & MS_RDONLY) != 0 ? become_readonly(m, flags) :
		    fs_agrees(m, flags);
	if (r == 0)
		flags_set(m, MS_KNOWN, remount_flags(m, flags));
	mutex_unlock(&remount_mutex);
	return r;
}
