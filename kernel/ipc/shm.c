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
 *           2. The object counts its mappings, which are the attachments, and calls this
 *              file when one comes or goes.  So fork, exec and exit need no call to here.
 *           3. The object is charged as a whole when it is made, like shared memory
 *              without a name; SHM_NORESERVE as on Linux.
 *           4. The pages of one user are limited like those of a tmpfs: half of memory.
 *              A small segment counts as a 1024th of that.
 *
 * Read next ipc.c; vm/calls/map.c.  Book: ch08.
 */
#include "ipc/ipc.h"

#include "lib/errno.h"
#include "lib/fmt.h"
#include "mem/mem.h"

#define SHM_DEST 01000u          /* in the mode, by Linux's numbers */
#define SHM_NORESERVE 010000
#define SHM_HUGETLB 04000
#define SEGMENTS 1024u           /* of one user, if they are small: rule 4 */

struct shm_segment {
	struct ipc ipc;          /* first: of it the tables know */
	struct vmo *vmo;         /* [c] the table's reference, until it is removed */
	int name;                /* [c] the key it was made with */
};

static void shm_ident(void *, struct vmo_ident *);
static void shm_mapped(void *, bool);
static void shm_ended(void *);

static const struct vmo_client_ops shm_ops = {
	.ident = shm_ident, .mapped = shm_mapped, .ended = shm_ended
};

static struct shm_segment *
segment_of(struct ipc *i)
{
	return CONTAINER_OF(i, struct shm_segment, ipc);
}

/* For /proc/PID/maps.  Called with locks held: takes none. */
static void
shm_ident(void *client, struct vmo_ident *id)
{
	const struct shm_segment *s = client;

	id->dev_major = 0;
	id->dev_minor = 1;
	id->ino = (uint64_t)s->ipc.id;
	snprintf(id->path, id->room, "/SYSV%08x (deleted)",
	    (unsigned)s->name);
}

/* Who attached or detached last, and when, by whatever: also by fork, exec, exit.
 * Called with locks held: takes none. */
static void
shm_mapped(void *client, bool more)
{
	struct shm_segment *s = client;
	const struct task *tk = task_current();

	atomic_store(more ? &s->ipc.shm.atime : &s->ipc.shm.dtime, ipc_now());
	if (tk != NULL)
		atomic_store(&s->ipc.shm.lpid, tk->proc->pid);
}

/* The last mapping of a removed segment is gone, or nobody ever found it.  Rule 1. */
static void
shm_ended(void *client)
{
	struct shm_segment *s = client;

	spin_lock(&ipc_lock);
	if (s->ipc.removed)
		ipc_remove_locked(&shm_ids, &s->ipc);
	spin_unlock(&ipc_lock);
	ipc_free(&shm_ids, &s->ipc);
}

/* ---- shmget ---- */

static void
segment_free(struct ipc *i)
{
	vmo_put(segment_of(i)->vmo);
}

/* A segment; its object is there before anybody finds it. */
static int
segment_make(const struct ipc_want *w, struct ipc **out)
{
	struct shm_segment *s;

	if (w->size == 0 || w->size > INT64_MAX)
		return -EINVAL;
	if (w->size > MD_USER_END || (w->flags & SHM_HUGETLB) != 0)
		return -ENOMEM;
	s = kmem_zalloc(sizeof(*s));
	if (s == NULL)
		return -ENOMEM;
	s->name = w->key;
	s->ipc.shm.cpid = proc_current()->pid;
	s->ipc.shm.size = w->size;
	s->ipc.shm.pages = PAGE_UP(w->size) >> PAGE_SHIFT;
	s->ipc.weight = MAX(s->ipc.shm.pages, user_max[USE_SEGMENT_PAGES] / SEGMENTS);
	s->vmo = map_shared_object(PAGE_UP(w->size), (w->flags & SHM_NORESERVE) == 0 ?
	    SHARED_PROMISED : SHARED_LATE, &shm_ops, s);
	if (s->vmo == NULL) {
		kmem_free(s);
		return -ENOMEM;
	}
	*out = &s->ipc;
	return 0;
}

/* ---- shmat, shmdt ---- */

/* Its object, with a reference. */
static int
object_of(int id, unsigned access, struct vmo **vmo, uint64_t *bytes)
{
	struct ipc *i;
	int r;

	spin_lock(&ipc_lock);
	i = ipc_open_locked(&shm_ids, id, access, &r);
	if (i != NULL && !vmo_try_get(segment_of(i)->vmo))
		r = -EIDRM;
	if (r == 0) {
		*vmo = segment_of(i)->vmo;
		*bytes = i->size;
	}
	spin_unlock(&ipc_lock);
	return r;
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
		.privileged = proc_may(CAP_SYS_RAWIO) };
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
	struct vmo *vmo;
	void *segment;
	int r;

	if ((at & PAGE_MASK) != 0)
		return -EINVAL;
	vmo = map_object_at(as, at, &shm_ops, &segment);
	if (vmo == NULL)
		return -EINVAL;
	r = map_unmap_object(as, at, vmo);
	vmo_put(vmo);
	return r;
}

/* ---- shmctl ---- */

static void
segment_view_locked(const struct ipc *i, struct ipc_view *v)
{
	struct vmo *vmo = ((const struct shm_segment *)i)->vmo;

	HELD(&ipc_lock);
	v->vmo = vmo_try_get(vmo) ? vmo : NULL;
}

static void
segment_look(struct ipc_view *v)
{
	if (v->vmo == NULL)
		return;
	v->is.shm.nattch = vmo_mappings(v->vmo, MAPS_ALL);
	v->is.shm.resident = vmo_pages(v->vmo);
	vmo_put(v->vmo);
}

/* Rule 1. */
static void
segment_removed_locked(struct ipc *i)
{
	HELD(&ipc_lock);
	i->mode |= SHM_DEST;
	i->key = IPC_PRIVATE;
}

static void
segment_line(const struct ipc *i, struct out *o)
{
	out_printf(o, "%21lu %5u %5u  %5lu", i->shm.size, (unsigned)i->shm.cpid,
	    (unsigned)i->shm.lpid, i->shm.nattch);
	ipc_show_owners(i, o);
	out_printf(o, "%10lu %10lu %10lu %21lu %21lu\n", i->shm.atime, i->shm.dtime,
	    i->shm.ctime, i->shm.resident << PAGE_SHIFT, 0ul);
}

static const struct ipc_ops segment_ops = { .make = segment_make, .free = segment_free,
	.removed_locked = segment_removed_locked, .view_locked = segment_view_locked,
	.look = segment_look, .line = segment_line };

struct ipc_ids shm_ids = { IPC_NO_IDS, .ops = &segment_ops, .ctime = 3,
	.use = USE_SEGMENT_PAGES,
	.head = "shmid perms                  size  cpid  lpid nattch   uid   gid  cuid  cgid"
	"      atime      dtime      ctime                   rss                  swap" };
