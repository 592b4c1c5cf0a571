/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ipc.c: the common part of segments, semaphores and queues
 *
 * Problem   Unrelated programs find a common object by a number, the key; the object
 *           has an owner, permission bits and an id.
 *
 * Picture   key ─→ ipc ←─ id = turn << 15 | slot
 *
 * Rules     1. An id is not used again before its slot has had all turns: a call with
 *              an old id fails, for its object is gone.
 *           2. A key is searched along the table, which has 4096 slots at most.
 *           3. A sleeper holds a reference: a removed object is freed by the last.
 *
 * Source    System V; answers where the manual leaves a choice: Linux 6.1.
 *
 * Read next shm.c, sem.c, msg.c.
 */
#include "ipc/ipc.h"

#include "dev/dev.h"
#include "lib/errno.h"
#include "lib/fmt.h"
#include "mem/mem.h"

#define TURNS 65536u
#define SLOT RB_NUMBER(struct ipc, node, slot)

struct spinlock ipc_lock = SPIN_INIT(LR_LEAF);

/* Seconds since 1970.  Locks: none. */
uint64_t
ipc_now(void)
{
	return rtc_boot_seconds() + md_time_ns() / 1000000000;
}

/* Of an id. */
static unsigned
slot_of(int id)
{
	return (unsigned)id % IPC_SLOTS;
}

static struct ipc *
ipc_of(struct rb_node *n)
{
	return n == NULL ? NULL : CONTAINER_OF(n, struct ipc, node);
}

/* That of a slot, or the next behind it; NULL: none.  Locks: ipc_lock held. */
static struct ipc *
nth_locked(struct ipc_ids *ids, unsigned slot)
{
	HELD(&ipc_lock);
	return ipc_of(rb_from(&ids->all, SLOT, slot));
}

/* NULL: there is none (any more).  Locks: ipc_lock held. */
struct ipc *
ipc_find_locked(struct ipc_ids *ids, int id)
{
	struct ipc *i = id < 0 ? NULL : nth_locked(ids, slot_of(id));

	HELD(&ipc_lock);
	return i != NULL && i->id == id ? i : NULL;
}

static bool
in_group(const struct cred *c, uint32_t gid)
{
	bool found = c->egid == gid;

	for (uint32_t i = 0; i < c->ngroups && !found; i++)
		found = c->groups[i] == gid;
	return found;
}

/* May the current process do all of that?  access: bits as of "others".
 * Locks: ipc_lock held. */
bool
ipc_may_locked(const struct ipc *i, unsigned access)
{
	const struct cred *c = &proc_current()->cred;
	unsigned bits = i->mode;

	HELD(&ipc_lock);
	if (c->euid == i->cuid || c->euid == i->uid)
		bits >>= 6;
	else if (in_group(c, i->cgid) || in_group(c, i->gid))
		bits >>= 3;
	return (access & ~bits & 7) == 0 || cred_may(c, CAP_IPC_OWNER);
}

/*
 * The one of that id, if the current process may do that with it.
 *
 * Locks:    ipc_lock held.
 * Returns:  NULL, with *r: -EINVAL, -EACCES; else *r is 0.
 */
struct ipc *
ipc_open_locked(struct ipc_ids *ids, int id, unsigned access, int *r)
{
	struct ipc *i = ipc_find_locked(ids, id);

	HELD(&ipc_lock);
	*r = i == NULL ? -EINVAL : !ipc_may_locked(i, access) ? -EACCES : 0;
	return *r == 0 ? i : NULL;
}

/* The same, if it may be changed or removed; *r: -EINVAL, -EPERM. */
static struct ipc *
owned_locked(struct ipc_ids *ids, int id, int *r)
{
	const struct cred *c = &proc_current()->cred;
	struct ipc *i = ipc_find_locked(ids, id);

	HELD(&ipc_lock);
	*r = i == NULL ? -EINVAL : c->euid == i->cuid || c->euid == i->uid ||
	    cred_may(c, CAP_SYS_ADMIN) ? 0 : -EPERM;
	return *r == 0 ? i : NULL;
}

/* ---- …get ---- */

/*
 * The one of this key.
 *
 * Locks:    ipc_lock held.
 * Returns:  its id; -ENOENT: one is to be made (no error with IPC_CREAT); -EEXIST,
 *           -EINVAL (it is smaller than is wanted), -EACCES.
 */
static int
look_locked(struct ipc_ids *ids, const struct ipc_want *w)
{
	unsigned access = (unsigned)(w->flags >> 6 | w->flags >> 3 | w->flags) & 7;
	struct rb_node *n = w->key == IPC_PRIVATE ? NULL : rb_first(&ids->all);

	HELD(&ipc_lock);
	while (n != NULL && ipc_of(n)->key != w->key)
		n = rb_next(n);
	if (n == NULL)
		return -ENOENT;
	if ((w->flags & IPC_CREAT) != 0 && (w->flags & IPC_EXCL) != 0)
		return -EEXIST;
	if (ipc_of(n)->size < w->size)
		return -EINVAL;
	return ipc_may_locked(ipc_of(n), access) ? ipc_of(n)->id : -EACCES;
}

/*
 * A new one enters the table.
 *
 * Locks:    ipc_lock held.
 * Returns:  its id; -ENOSPC: too many.
 */
static int
add_locked(struct ipc_ids *ids, struct ipc *new, const struct ipc_want *w)
{
	const struct cred *c = &proc_current()->cred;
	struct ipc *at;

	HELD(&ipc_lock);
	if (ids->n >= IPC_MAX)
		return -ENOSPC;
	do { /* find the first free slot behind the one that was given last */
		ids->slot = (ids->slot + 1) % IPC_SLOTS;
		ids->turn = (ids->turn + (ids->slot == 0)) % TURNS;
		at = nth_locked(ids, ids->slot);
	} while (at != NULL && at->slot == ids->slot);
	new->slot = ids->slot;
	new->id = (int)(ids->turn * IPC_SLOTS + ids->slot);
	new->key = w->key;
	new->uid = new->cuid = c->euid;
	new->gid = new->cgid = c->egid;
	new->mode = (uint32_t)w->flags & 0777;
	new->n[ids->ctime] = ipc_now();
	new->refs = 1;
	rb_add(&ids->all, &new->node, SLOT);
	ids->n++;
	return new->id;
}

/*
 * shmget(2), semget(2), msgget(2).
 *
 * Locks:    none held.
 * Returns:  the id; -ENOENT, -EEXIST, -EACCES, -EINVAL, -ENOSPC, -ENOMEM.
 */
int
ipc_get(struct ipc_ids *ids, const struct ipc_want *w)
{
	int r = UNDER(&ipc_lock, look_locked(ids, w)), made;
	struct ipc *new;

	if (r != -ENOENT || (w->key != IPC_PRIVATE && (w->flags & IPC_CREAT) == 0))
		return r;
	made = ids->ops->make(w, &new);
	if (made < 0)
		return made;
	new->size = w->size;
	made = user_take(ids->use, new->weight, &new->payer);
	spin_lock(&ipc_lock);
	r = look_locked(ids, w);
	if (made == 0)
		made = r == -ENOENT ? add_locked(ids, new, w) : -EEXIST;
	spin_unlock(&ipc_lock);
	if (made < 0)
		ids->ops->free(new);
	return r == -ENOENT ? made : r;
}

/* ---- …ctl ---- */

/* The end of one that nobody finds, whose parts are freed.  Locks: none held. */
void
ipc_free(struct ipc_ids *ids, struct ipc *i)
{
	if (i->payer != NULL)
		user_give(i->payer, ids->use, i->weight);
	kmem_free(i);
}

/* Nobody finds it any more.  Locks: ipc_lock held. */
void
ipc_remove_locked(struct ipc_ids *ids, struct ipc *i)
{
	HELD(&ipc_lock);
	rb_remove(&ids->all, &i->node, NULL);
	ids->n--;
}

/* Rule 3.  Locks: none held. */
void
ipc_put(struct ipc_ids *ids, struct ipc *i)
{
	if (UNDER(&ipc_lock, --i->refs == 0))
		ids->ops->free(i);
}

/* IPC_RMID.  0, -EINVAL, -EPERM. */
int
ipc_remove(struct ipc_ids *ids, int id)
{
	struct ipc *i;
	int r;

	spin_lock(&ipc_lock);
	i = owned_locked(ids, id, &r);
	if (i != NULL && i->removed)
		i = NULL;
	if (i != NULL) {
		i->removed = true;
		ids->ops->removed_locked(i);
	}
	spin_unlock(&ipc_lock);
	if (i != NULL)
		ipc_put(ids, i);
	return r;
}

/* IPC_SET.  0, -EINVAL, -EPERM. */
int
ipc_set(struct ipc_ids *ids, int id, const struct ipc_set *set)
{
	struct ipc *i;
	int r;

	spin_lock(&ipc_lock);
	i = owned_locked(ids, id, &r);
	if (i != NULL && (set->uid == UINT32_MAX || set->gid == UINT32_MAX))
		r = -EINVAL;
	else if (i != NULL && ids->ops->set_locked != NULL)
		r = ids->ops->set_locked(i, set);
	if (r == 0) {
		i->uid = set->uid;
		i->gid = set->gid;
		i->mode = (i->mode & ~0777u) | (set->mode & 0777);
		i->n[ids->ctime] = ipc_now();
	}
	spin_unlock(&ipc_lock);
	return r;
}

/* The one that a …_STAT names.  NULL, with *r: -EINVAL, -EACCES; else *r is 0, or the id
 * of a slot.  Locks: ipc_lock held. */
static struct ipc *
named_locked(struct ipc_ids *ids, int id, enum ipc_stat_by by, int *r)
{
	struct ipc *i = id < 0 ? NULL : nth_locked(ids, slot_of(id));

	HELD(&ipc_lock);
	if (i != NULL && (by == BY_ID ? i->id != id : i->slot != slot_of(id)))
		i = NULL;
	*r = i == NULL ? -EINVAL : by != BY_SLOT_ANY && !ipc_may_locked(i, IPC_R) ?
	    -EACCES : by == BY_ID ? 0 : i->id;
	return *r < 0 ? NULL : i;
}

/*
 * IPC_STAT, …_STAT, …_STAT_ANY.
 *
 * Locks:    none held.
 * Returns:  0, or the id of a slot; -EINVAL, -EACCES.
 */
int
ipc_stat(struct ipc_ids *ids, int id, enum ipc_stat_by by, struct ipc_view *v)
{
	struct ipc *i;
	int r;

	spin_lock(&ipc_lock);
	i = named_locked(ids, id, by, &r);
	if (i != NULL) {
		*v = (struct ipc_view){ .is = *i };
		if (ids->ops->view_locked != NULL)
			ids->ops->view_locked(i, v);
	}
	spin_unlock(&ipc_lock);
	if (i != NULL && ids->ops->look != NULL)
		ids->ops->look(v);
	return r;
}

/* The next one, whose slot is *at or behind it; *at is then behind.  false: none. */
static bool
next_view(struct ipc_ids *ids, uint64_t *at, struct ipc_view *v)
{
	struct ipc *i;

	do {
		spin_lock(&ipc_lock);
		i = nth_locked(ids, (unsigned)*at);
		if (i != NULL)
			*at = i->slot + 1;
		spin_unlock(&ipc_lock);
	} while (i != NULL && ipc_stat(ids, (int)*at - 1, BY_SLOT_ANY, v) < 0);
	return i != NULL;
}

/* …_INFO: those of all.  Locks: none held. */
void
ipc_sum(struct ipc_ids *ids, struct ipc_sums *sum)
{
	struct ipc_view v;
	uint64_t at = 0;
	unsigned i;

	*sum = (struct ipc_sums){ .n = 0 };
	while (next_view(ids, &at, &v)) {
		sum->n++;
		sum->last = (int)at - 1;
		for (i = 0; i < IPC_WORDS; i++)
			sum->of.n[i] += v.is.n[i];
	}
}

/* ---- /proc/sysvipc ---- */

/* A line; the first is there where there is nothing, too. */
static int
next_line(struct ipc_ids *ids, uint64_t *at, struct out *o)
{
	uint64_t slot = *at - 1;
	struct ipc_view v;

	if (*at == 0) {
		out_printf(o, "       key      %s\n", ids->head);
		*at = 1;
		return 1;
	}
	if (!next_view(ids, &slot, &v))
		return 0;
	*at = slot + 1;
	out_printf(o, "%10d %10d  %4o ", v.is.key, v.is.id, v.is.mode);
	ids->ops->line(&v.is, o);
	return 1;
}

/* Owners stand between what each kind has. */
void
ipc_show_owners(const struct ipc *i, struct out *o)
{
	out_printf(o, " %5u %5u %5u %5u ", i->uid, i->gid, i->cuid, i->cgid);
}

static int
shm_next(uint64_t *at, struct out *o)
{
	return next_line(&shm_ids, at, o);
}

static int
sem_next(uint64_t *at, struct out *o)
{
	return next_line(&sem_ids, at, o);
}

static int
msg_next(uint64_t *at, struct out *o)
{
	return next_line(&msg_ids, at, o);
}

/* Boot. */
void
ipc_init(void)
{
	static const struct procfs_row rows[] = {
		{ "sysvipc/shm", 0444, .next = shm_next },
		{ "sysvipc/sem", 0444, .next = sem_next },
		{ "sysvipc/msg", 0444, .next = msg_next },
	};

	sem_init();
	procfs_register(rows, ARRAY_LEN(rows));
}
