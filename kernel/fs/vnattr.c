/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vnattr.c: rights and times of a vnode
 *
 * Problem   Each use of a file checks rights and changes times; other threads read
 *           them at the same moment.
 *
 * Rules     Attributes are read and written under attr_lock, never across a call.
 *
 * Read next attr.c, vnode.c.
 */
#include "fs/fsdat.h"
#include "fs/fsfn.h"

#define ATIME_REST_NS NS_PER_S

/* Is gid one of the groups that cred acts with? */
bool
cred_in_group(const struct cred *c, uint32_t gid)
{
	uint32_t i;

	if (c->fsgid == gid)
		return true;
	for (i = 0; i < c->ngroups; i++)
		if (c->groups[i] == gid)
			return true;
	return false;
}

/* Type and permission bits, st_mode. */
uint32_t
vn_mode(struct vnode *v)
{
	return v->type | atomic_load_relaxed(&v->perm);
}

/*
 * May cred use v for want (VN_R | VN_W | VN_X)?
 *
 * Locks:    takes attr_lock.
 * Returns:  0, -EACCES, -EROFS, -EPERM (nobody may).
 */
int
vn_permit(struct vnode *v, const struct cred *c, unsigned want)
{
	uint32_t perm, uid, gid;
	bool any_x;

	spin_lock(&v->attr_lock);
	perm = v->perm;
	uid = v->uid;
	gid = v->gid;
	spin_unlock(&v->attr_lock);
	if ((want & VN_W) != 0 && (v->mnt->flags & MS_RDONLY) != 0 &&
	    (v->type == S_IFREG || v->type == S_IFDIR))
		return -EROFS;
	if ((want & VN_W) != 0 && (v->fsflags & FS_IMMUTABLE_FL) != 0)
		return -EPERM;
	any_x = v->type == S_IFDIR || (perm & 0111) != 0;
	if (c->fsuid == uid)
		perm >>= 6;
	else if (cred_in_group(c, gid))
		perm >>= 3;
	if ((perm & want) == want ||
	    (cred_may(c, CAP_DAC_OVERRIDE) && ((want & VN_X) == 0 || any_x)))
		return 0;
	return cred_may(c, CAP_DAC_READ_SEARCH) && (want & VN_W) == 0 &&
	    ((want & VN_X) == 0 || v->type == S_IFDIR) ? 0 : -EACCES;
}

/* May cred change v's mode and the like? */
bool
vn_is_owner(struct vnode *v, const struct cred *c)
{
	return c->fsuid == atomic_load_relaxed(&v->uid) || cred_may(c, CAP_FOWNER);
}

/*
 * vmo_client_ops.tells of files: its owner, and who could write it.  Others would see
 * what is read by whom.
 *
 * Locks:    [O] of its object; takes attr_lock.
 */
bool
vn_tells(void *client)
{
	struct vnode *v = client;
	const struct cred *c = fs_cred();

	return vn_is_owner(v, c) || vn_permit(v, c, VN_W) == 0;
}

/*
 * May c give gid's rights to a file by S_ISGID?  Locks: none.
 */
bool
vn_may_setgid(const struct cred *c, uint32_t gid)
{
	return cred_may(c, CAP_FSETID) || cred_in_group(c, gid);
}

/*
 * S_ISUID and S_ISGID as far as they go when c writes a file of that mode and
 * group, or changes its owner.  Without the right to execute S_ISGID gives
 * nobody a right; it stays for who could set it.
 */
uint32_t
vn_lost_setid(const struct cred *c, uint32_t perm, uint32_t gid)
{
	uint32_t lost = perm & S_ISUID;

	if ((perm & 010) != 0 || !vn_may_setgid(c, gid))
		lost |= perm & S_ISGID;
	return lost;
}

static bool
kts_before(const struct kts *a, const struct kts *b)
{
	return a->sec < b->sec || (a->sec == b->sec && a->nsec <= b->nsec);
}

/*
 * Does an access move the access time?  With RELATIME only when it is older
 * than the last change or a day, so that reading does not write all the time.
 *
 * Locks:    attr_lock held.
 */
static bool
moves_atime(const struct vnode *v, const struct kts *now)
{
	unsigned flags = atomic_load_relaxed(&v->mnt->flags);

	HELD(&v->attr_lock);
	if ((flags & MS_NOATIME) != 0 || (v->fsflags & FS_NOATIME_FL) != 0 ||
	    ((flags & MS_NODIRATIME) != 0 && v->type == S_IFDIR))
		return false;
	return (flags & MS_RELATIME) == 0 || kts_before(&v->atime, &v->mtime) ||
	    kts_before(&v->atime, &v->ctime) ||
	    now->sec - v->atime.sec >= 86400;
}

/* t as v can keep it: what stat shows must be so after the next mount.  No lock, does
 * not sleep. */
struct kts
vn_time(const struct vnode *v, struct kts t)
{
	if (v->mnt->type->time_fit != NULL)
		v->mnt->type->time_fit(v, &t);
	return t;
}

/*
 * Set times to now; the access time as the mount has it.  Who reads again and again
 * is not asked more than once a second.
 *
 * Locks:    takes attr_lock.
 */
void
vn_touch(struct vnode *v, unsigned which)
{
	unsigned flags = atomic_load_relaxed(&v->mnt->flags);
	struct kts now;

	if ((flags & MS_RDONLY) != 0 || (which == VN_ATIME &&
	    (flags & MS_RELATIME) != 0 &&
	    md_time_ns() < atomic_load_relaxed(&v->rests_ns)))
		return;
	now = vn_time(v, kts_now());
	spin_lock(&v->attr_lock);
	if ((which & VN_ATIME) != 0 && moves_atime(v, &now))
		v->atime = now;
	atomic_store(&v->rests_ns, which == VN_ATIME ? md_time_ns() + ATIME_REST_NS : 0);
	if ((which & VN_MTIME) != 0)
		v->mtime = now;
	if ((which & VN_CTIME) != 0)
		v->ctime = now;
	spin_unlock(&v->attr_lock);
}

/*
 * A terminal was read (VN_ATIME), or written (VN_MTIME): known to eight seconds only,
 * as on Linux, for the moments of keys tell what is typed.  No mount leaves it out.
 *
 * Locks:    takes attr_lock.
 */
void
vn_touch_terminal(struct vnode *v, unsigned which)
{
	struct kts *t = which == VN_ATIME ? &v->atime : &v->mtime;
	int64_t now = kts_now().sec;

	spin_lock(&v->attr_lock);
	if (((now ^ t->sec) & ~7l) != 0)
		t->sec = now;
	spin_unlock(&v->attr_lock);
}

/*
 * vmo_client_ops.stored of files: by a mapping, POSIX lets the times move until
 * the next msync.
 *
 * Locks:    [O] of its object; takes attr_lock.
 */
void
vn_stored(void *client)
{
	vn_touch(client, VN_MTIME | VN_CTIME);
}

/* The wall clock. */
struct kts
kts_now(void)
{
	uint64_t ns = md_time_ns();

	return (struct kts){ (int64_t)(rtc_boot_seconds() + ns / NS_PER_S),
		(uint32_t)(ns % NS_PER_S) };
}
