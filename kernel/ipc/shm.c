/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * shm.c: System V shared memory
 *
 * Problem   Programs share memory by a key; it stays when all of them have ended, until
 *           somebody removes it, and then until the last mapping goes.
 *
 * Picture   key, id ─→ segment ⇄ anonymous object ←─ mappings of any process
 *
 * Rules     1. The segment has a reference of its object until it is removed; then the
 *              mappings alone keep the object, and its end frees the segment.
 *           2. What is attached is told by the object: its mappings.  So fork, exec and
 *              exit need nothing of us.
 *           3. The object is promised as a whole when it is made, as shared memory
 *              without a name; SHM_NORESERVE as on Linux.
 *           4. The pages of one user are bounded as those of a tmpfs: half of memory.
 *
 * Read next ipc.c; vm/calls/map.c.  Book: ch08.
 */
#include "ipc/ipc.h"

#include "lib/errno.h"
#include "lib/fmt.h"
#include "lib/string.h"
#include "mem/mem.h"

struct shm_segment {
	struct ipc ipc;          /* first: of it the tables know */
	struct vmo *vmo;         /* [I] a reference until SHM_DEST; NULL: it has ended */
	uint64_t bytes;          /* [c] */
	int name;                /* [c] the key it was made with */
	uint64_t atime, dtime;   /* [I] */
	int cpid, lpid;          /* [I] */
};

static struct {
	struct ipc_ids ids;
	uint64_t pages;          /* [I] of all */
} shm = { .ids = IPC_NO_IDS };

static void shm_ident(void *, struct vmo_ident *);
static void shm_ended(void *);

static const struct vmo_client_ops shm_ops = { .ident = shm_ident, .ended = shm_ended };

static uint64_t
pages_of(const struct shm_segment *s)
{
	return PAGE_UP(s->bytes) >> PAGE_SHIFT;
}

static struct shm_segment *
segment_find_locked(int id)
{
	HELD(&ipc_lock);
	return (struct shm_segment *)ipc_find_locked(&shm.ids, id);
}

/* For /proc/PID/maps.  Called with locks held: takes none. */
static void
shm_ident(void *client, struct vmo_ident *id)
{
	const struct shm_segment *s = client;

	id->dev_major = 0;
	id->dev_minor = 1;
	id->ino = (uint64_t)s->ipc.id;
	snprintf(id->path, sizeof(id->path), "/SYSV%08x (deleted)",
	    (unsigned)s->name);
}

/* The last mapping of a removed segment is gone.  Rule 1. */
static void
shm_ended(void *client)
{
	struct shm_segment *s = client;

	spin_lock(&ipc_lock);
	shm.pages -= pages_of(s);
	ipc_remove_locked(&shm.ids, &s->ipc);
	spin_unlock(&ipc_lock);
	kmem_free(s);
}

/* ---- shmget ---- */

static uint64_t
user_pages_locked(uint32_t uid)
{
	uint64_t sum = 0;
	struct shm_segment *s;
	unsigned slot = 0;

	HELD(&ipc_lock);
	while ((s = (struct shm_segment *)ipc_nth_locked(&shm.ids, slot)) != NULL) {
		if (s->ipc.cuid == uid)
			sum += pages_of(s);
		slot = ipc_slot(s->ipc.id) + 1;
	}
	return sum;
}

/* Rule 4. */
static bool
has_room_locked(uint64_t pages)
{
	const struct cred *c = &proc_current()->cred;
	struct phys_stat st;

	HELD(&ipc_lock);
	if (c->euid == 0)
		return true;
	phys_stat(&st);
	return user_pages_locked(c->euid) + pages <= st.total / 2;
}

static int
segment_look_locked(int key, uint64_t bytes, int flags)
{
	struct ipc *i;
	int r = ipc_look_locked(&shm.ids, key, flags, &i);

	HELD(&ipc_lock);
	if (r < 0)
		return r;
	if (((struct shm_segment *)i)->bytes < bytes)
		return -EINVAL;
	return ipc_may_locked(i, (unsigned)(flags >> 6 | flags >> 3 | flags) & 7) ?
	    i->id : -EACCES;
}

static int
segment_enter_locked(struct shm_segment *s, int key, int flags)
{
	int r = segment_look_locked(key, s->bytes, flags);

	HELD(&ipc_lock);
	if (r != -ENOENT)
		return r;
	if (!has_room_locked(pages_of(s)))
		return -ENOSPC;
	r = ipc_add_locked(&shm.ids, &s->ipc, key, flags);
	if (r >= 0)
		shm.pages += pages_of(s);
	return r;
}

/* A segment; its object is there before anybody finds it. */
static int
segment_create(int key, uint64_t bytes, int flags)
{
	struct shm_segment *s;
	bool entered;
	int r;

	if (bytes == 0 || bytes > INT64_MAX)
		return -EINVAL;
	if (bytes > MD_USER_END || (flags & SHM_HUGETLB) != 0)
		return -ENOMEM;
	s = kmem_zalloc(sizeof(*s));
	if (s == NULL)
		return -ENOMEM;
	s->bytes = bytes;
	s->name = key;
	s->cpid = proc_current()->pid;
	s->vmo = map_shared_object(PAGE_UP(bytes), (flags & SHM_NORESERVE) == 0 ?
	    SHARED_PROMISED : SHARED_LATE, &shm_ops, s);
	if (s->vmo == NULL) {
		kmem_free(s);
		return -ENOMEM;
	}
	spin_lock(&ipc_lock);
	r = segment_enter_locked(s, key, flags);
	entered = r >= 0 && segment_find_locked(r) == s;
	spin_unlock(&ipc_lock);
	if (!entered) {
		vmo_forget_client(s->vmo);
		vmo_put(s->vmo);
		kmem_free(s);
	}
	return r;
}

/*
 * shmget(2).
 *
 * Returns:  the id, or -errno.
 */
int
shm_get(int key, uint64_t bytes, int flags)
{
	int r;

	spin_lock(&ipc_lock);
	r = segment_look_locked(key, bytes, flags);
	spin_unlock(&ipc_lock);
	if (r != -ENOENT)
		return r;
	return key == IPC_PRIVATE || (flags & IPC_CREAT) != 0 ?
	    segment_create(key, bytes, flags) : -ENOENT;
}

/* ---- shmat, shmdt ---- */

/* Its object, with a reference. */
static int
object_of(int id, unsigned access, struct vmo **vmo, uint64_t *bytes)
{
	struct shm_segment *s;
	int r = 0;

	spin_lock(&ipc_lock);
	s = segment_find_locked(id);
	if (s == NULL)
		r = -EINVAL;
	else if (!ipc_may_locked(&s->ipc, access))
		r = -EACCES;
	else if (!vmo_try_get(s->vmo))
		r = -EIDRM;
	else {
		*vmo = s->vmo;
		*bytes = s->bytes;
	}
	spin_unlock(&ipc_lock);
	return r;
}

static void
attached(int id, bool on)
{
	struct shm_segment *s;

	spin_lock(&ipc_lock);
	s = segment_find_locked(id);
	if (s != NULL) {
		*(on ? &s->atime : &s->dtime) = ipc_now();
		s->lpid = proc_current()->pid;
	}
	spin_unlock(&ipc_lock);
}

/* The address: 0, -EINVAL. */
static int
place(va_t *at, int flags, unsigned *how)
{
	if (*at == 0)
		return (flags & SHM_REMAP) != 0 ? -EINVAL : 0;
	if ((*at & PAGE_MASK) != 0) {
		if ((flags & SHM_RND) == 0)
			return -EINVAL;
		*at &= ~(va_t)PAGE_MASK;
		if (*at == 0 && (flags & SHM_REMAP) != 0)
			return -EINVAL;
	}
	*how |= (flags & SHM_REMAP) != 0 ? MAP_FIXED : MAP_FIXED_NOREPLACE;
	return 0;
}

/*
 * shmat(2).
 *
 * Returns:  0, with where; -EINVAL, -EACCES, -EIDRM, -ENOMEM …
 */
int
shm_attach(int id, va_t at, int flags, va_t *out)
{
	struct map_limits lim;
	unsigned prot = PROT_R, access = IPC_R;
	struct map_args m = { .flags = MAP_SHARED, .lim = &lim,
		.privileged = proc_is_root() };
	int r = place(&at, flags, &m.flags);

	if (r < 0)
		return r;
	if ((flags & SHM_RDONLY) == 0) {
		prot |= PROT_W;
		access |= IPC_W;
	}
	m.maxprot = prot | PROT_X;
	if ((flags & SHM_EXEC) != 0) {
		prot |= PROT_X;
		access |= IPC_X;
	}
	r = object_of(id, access, &m.vmo, &m.len);
	if (r < 0)
		return r;
	m.addr = at;
	m.prot = prot;
	proc_map_limits(&lim);
	r = map_mmap(proc_current()->as, &m, out);
	if (r == 0)
		attached(id, true);
	vmo_put(m.vmo);
	return r == -EEXIST ? -EINVAL : r;
}

/*
 * shmdt(2).
 *
 * Returns:  0, -EINVAL: there is none.
 */
int
shm_detach(va_t at)
{
	struct aspace *as = proc_current()->as;
	const struct shm_segment *s;
	struct vmo *vmo;
	int r, id;

	if ((at & PAGE_MASK) != 0)
		return -EINVAL;
	vmo = map_object_at(as, at, &shm_ops, (void **)&s);
	if (vmo == NULL)
		return -EINVAL;
	id = s->ipc.id;
	r = map_unmap_object(as, at, vmo);
	if (r == 0)
		attached(id, false);
	vmo_put(vmo);
	return r;
}

/* ---- shmctl ---- */

static void
view_locked(const struct shm_segment *s, struct ipc_view *v)
{
	HELD(&ipc_lock);
	*v = (struct ipc_view){ .is = s->ipc };
	v->n[SHM_SIZE] = s->bytes;
	v->n[SHM_ATIME] = s->atime;
	v->n[SHM_DTIME] = s->dtime;
	v->n[SHM_CPID] = (uint64_t)s->cpid;
	v->n[SHM_LPID] = (uint64_t)s->lpid;
}

/* What is told of it, and its object with a reference (or NULL). */
static int
look_at(int id, enum ipc_stat_by by, struct ipc_view *v, struct vmo **vmo)
{
	struct shm_segment *s;
	int r;

	*vmo = NULL;
	spin_lock(&ipc_lock);
	s = (struct shm_segment *)ipc_stat_locked(&shm.ids, id, by, &r);
	if (s != NULL) {
		view_locked(s, v);
		if (vmo_try_get(s->vmo))
			*vmo = s->vmo;
	}
	spin_unlock(&ipc_lock);
	return r;
}

/*
 * IPC_STAT, SHM_STAT, SHM_STAT_ANY.
 *
 * Returns:  0, or the id of a slot; -EINVAL, -EACCES.
 */
int
shm_stat(int id, enum ipc_stat_by by, struct ipc_view *v)
{
	struct vmo *vmo;
	int r = look_at(id, by, v, &vmo);

	if (vmo != NULL) {
		v->n[SHM_NATTCH] = vmo_mappings(vmo);
		vmo_put(vmo);
	}
	return r;
}

/* IPC_SET.  0, -EINVAL, -EPERM. */
int
shm_set(int id, const struct ipc_set *set)
{
	return ipc_set(&shm.ids, id, set);
}

/* IPC_RMID.  Rule 1.  0, -EINVAL, -EPERM. */
int
shm_remove(int id)
{
	struct vmo *vmo = NULL;
	struct shm_segment *s;
	int r;

	spin_lock(&ipc_lock);
	s = segment_find_locked(id);
	r = s == NULL ? -EINVAL : !ipc_owns_locked(&s->ipc) ? -EPERM : 0;
	if (r == 0 && (s->ipc.mode & SHM_DEST) == 0) {
		s->ipc.mode |= SHM_DEST;
		s->ipc.key = IPC_PRIVATE;
		vmo = s->vmo;
	}
	spin_unlock(&ipc_lock);
	if (vmo != NULL)
		vmo_put(vmo);
	return r;
}

/* SHM_INFO: those of all. */
void
shm_sum(struct shm_sums *sum)
{
	struct ipc_view v;
	struct vmo *vmo;
	uint64_t at = 0;

	*sum = (struct shm_sums){ .n = 0 };
	while (ipc_next(&shm.ids, &at)) {
		if (look_at((int)at - 1, BY_SLOT_ANY, &v, &vmo) < 0)
			continue;
		sum->n++;
		sum->last = (int)at - 1;
		sum->pages += PAGE_UP(v.n[SHM_SIZE]) >> PAGE_SHIFT;
		if (vmo != NULL) {
			sum->resident += vmo_pages(vmo);
			vmo_put(vmo);
		}
	}
}

/* A line of /proc/sysvipc/shm; the first is there without a segment, too. */
static int
segment_next_line(uint64_t *at, struct out *o)
{
	uint64_t rss = 0, attached_now = 0, slot;
	struct ipc_view v;
	struct vmo *vmo;

	if (*at == 0) {
		out_printf(o, "       key      shmid perms                  size  cpid  "
		    "lpid nattch   uid   gid  cuid  cgid      atime      dtime"
		    "      ctime                   rss                  swap\n");
		*at = 1;
		return 1;
	}
	slot = *at - 1;
	if (!ipc_next(&shm.ids, &slot) ||
	    look_at((int)slot - 1, BY_SLOT_ANY, &v, &vmo) < 0)
		return 0;
	*at = slot + 1;
	if (vmo != NULL) {
		rss = vmo_pages(vmo) << PAGE_SHIFT;
		attached_now = vmo_mappings(vmo);
		vmo_put(vmo);
	}
	out_printf(o, "%10d %10d  %4o %21lu %5lu %5lu  %5lu %5u %5u %5u %5u %10lu "
	    "%10lu %10lu %21lu %21lu\n", v.is.key, v.is.id, v.is.mode,
	    v.n[SHM_SIZE], v.n[SHM_CPID], v.n[SHM_LPID], attached_now, v.is.uid,
	    v.is.gid, v.is.cuid, v.is.cgid, v.n[SHM_ATIME], v.n[SHM_DTIME],
	    v.is.ctime, rss, 0ul);
	return 1;
}

/* Boot. */
void
shm_init(void)
{
	static const struct procfs_row rows[] = {
		{ "sysvipc/shm", 0444, .next = segment_next_line },
	};

	procfs_register(rows, ARRAY_LEN(rows));
}
