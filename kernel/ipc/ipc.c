/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ipc.c: what segments, semaphores and queues have in common
 *
 * Problem   Programs that are no relatives meet at a number, the key; what they find
 *           there has an owner, permission bits and an id.
 *
 * Picture   key ─→ ipc ←─ id = turn << 15 | slot
 *
 * Rules     1. An id is not given again before its slot has had all turns: who holds
 *              an old one is told that it is gone.
 *           2. A key is looked for along the table: that is 4096 at most.
 *
 * Source    System V; answers where the manual leaves a choice: Linux 6.1.
 *
 * Read next shm.c, sem.c, msg.c.
 */
#include "ipc/ipc.h"

#include "dev/dev.h"
#include "lib/errno.h"

#define TURNS 65536u

struct spinlock ipc_lock = SPIN_INIT(LR_LEAF);

/* Boot. */
void
ipc_init(void)
{
	shm_init();
	sem_init();
	msg_init();
}

/* Seconds since 1970.  Locks: none. */
uint64_t
ipc_now(void)
{
	return rtc_boot_seconds() + md_time_ns() / 1000000000;
}

/* Of an id. */
unsigned
ipc_slot(int id)
{
	return (unsigned)id % IPC_SLOTS;
}

static struct ipc *
ipc_of(struct rb_node *n)
{
	return n == NULL ? NULL : CONTAINER_OF(n, struct ipc, node);
}

/* That of a slot, or the next behind it; NULL: none.  Locks: ipc_lock held. */
struct ipc *
ipc_nth_locked(struct ipc_ids *ids, unsigned slot)
{
	struct ipc *i = ipc_of(ids->all.node), *best = NULL;

	HELD(&ipc_lock);
	while (i != NULL) {
		if (ipc_slot(i->id) >= slot)
			best = i;
		i = ipc_of(ipc_slot(i->id) < slot ? i->node.right : i->node.left);
	}
	return best;
}

/* NULL: there is none (any more).  Locks: ipc_lock held. */
struct ipc *
ipc_find_locked(struct ipc_ids *ids, int id)
{
	struct ipc *i = id < 0 ? NULL : ipc_nth_locked(ids, ipc_slot(id));

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
	return (access & ~bits & 7) == 0 || c->euid == 0;
}

/* May it be changed or removed?  Locks: ipc_lock held. */
bool
ipc_owns_locked(const struct ipc *i)
{
	const struct cred *c = &proc_current()->cred;

	HELD(&ipc_lock);
	return c->euid == i->cuid || c->euid == i->uid || c->euid == 0;
}

/*
 * Is there one of this key, for …get(2)?
 *
 * Locks:    ipc_lock held.
 * Returns:  0, with it; -ENOENT: one is to be made (no error with IPC_CREAT);
 *           -EEXIST, -EACCES.
 */
int
ipc_look_locked(struct ipc_ids *ids, int key, int flags, struct ipc **out)
{
	struct rb_node *n;
	struct ipc *i;

	HELD(&ipc_lock);
	for (n = rb_first(&ids->all); n != NULL && key != IPC_PRIVATE; n = rb_next(n)) {
		i = ipc_of(n);
		if (i->key != key)
			continue;
		*out = i;
		if ((flags & IPC_CREAT) != 0 && (flags & IPC_EXCL) != 0)
			return -EEXIST;
		return 0;
	}
	return -ENOENT;
}

static unsigned
count_of(struct ipc_ids *ids, uint32_t uid)
{
	struct rb_node *n;
	unsigned sum = 0;

	for (n = rb_first(&ids->all); n != NULL; n = rb_next(n))
		sum += ipc_of(n)->cuid == uid;
	return sum;
}

static void
insert_locked(struct ipc_ids *ids, struct ipc *new)
{
	struct rb_node **link = &ids->all.node, *parent = NULL;

	HELD(&ipc_lock);
	while (*link != NULL) {
		parent = *link;
		link = ipc_slot(new->id) < ipc_slot(ipc_of(parent)->id) ?
		    &parent->left : &parent->right;
	}
	rb_insert(&ids->all, &new->node, parent, link, NULL);
	ids->n++;
}

/*
 * A new one enters the table.
 *
 * Locks:    ipc_lock held.
 * Returns:  its id; -ENOSPC: too many, or too many of this user.
 */
int
ipc_add_locked(struct ipc_ids *ids, struct ipc *new, int key, int flags)
{
	const struct cred *c = &proc_current()->cred;
	struct ipc *at;

	HELD(&ipc_lock);
	if (ids->n >= IPC_MAX ||
	    (c->euid != 0 && count_of(ids, c->euid) >= IPC_USER_MAX))
		return -ENOSPC;
	do { /* the first free slot behind the last */
		ids->slot = (ids->slot + 1) % IPC_SLOTS;
		ids->turn = (ids->turn + (ids->slot == 0)) % TURNS;
		at = ipc_nth_locked(ids, ids->slot);
	} while (at != NULL && ipc_slot(at->id) == ids->slot);
	new->id = (int)(ids->turn * IPC_SLOTS + ids->slot);
	new->key = key;
	new->uid = new->cuid = c->euid;
	new->gid = new->cgid = c->egid;
	new->mode = (uint32_t)flags & 0777;
	new->ctime = ipc_now();
	insert_locked(ids, new);
	return new->id;
}

/* Nobody finds it any more.  Locks: ipc_lock held. */
void
ipc_remove_locked(struct ipc_ids *ids, struct ipc *i)
{
	HELD(&ipc_lock);
	rb_remove(&ids->all, &i->node, NULL);
	ids->n--;
}

/* IPC_SET.  Locks: ipc_lock held. */
void
ipc_set_locked(struct ipc *i, const struct ipc_set *set)
{
	HELD(&ipc_lock);
	i->uid = set->uid;
	i->gid = set->gid;
	i->mode = (i->mode & ~0777u) | (set->mode & 0777);
	i->ctime = ipc_now();
}

/*
 * The one that a …_STAT names.
 *
 * Locks:    ipc_lock held.
 * Returns:  NULL with *r: -EINVAL, -EACCES; else *r is 0, or the id of a slot.
 */
struct ipc *
ipc_stat_locked(struct ipc_ids *ids, int id, enum ipc_stat_by by, int *r)
{
	struct ipc *i;

	HELD(&ipc_lock);
	if (by == BY_ID) {
		i = ipc_find_locked(ids, id);
	} else {
		i = id < 0 ? NULL : ipc_nth_locked(ids, ipc_slot(id));
		if (i != NULL && ipc_slot(i->id) != ipc_slot(id))
			i = NULL;
	}
	if (i == NULL) {
		*r = -EINVAL;
		return NULL;
	}
	if (by != BY_SLOT_ANY && !ipc_may_locked(i, IPC_R)) {
		*r = -EACCES;
		return NULL;
	}
	*r = by == BY_ID ? 0 : i->id;
	return i;
}

/* IPC_SET of a kind that has nothing more to be set.  0, -EINVAL, -EPERM. */
int
ipc_set(struct ipc_ids *ids, int id, const struct ipc_set *set)
{
	struct ipc *i;
	int r;

	spin_lock(&ipc_lock);
	i = ipc_find_locked(ids, id);
	r = i == NULL ? -EINVAL : !ipc_owns_locked(i) ? -EPERM : 0;
	if (r == 0)
		ipc_set_locked(i, set);
	spin_unlock(&ipc_lock);
	return r;
}

/* The highest slot in use; 0: none, too.  Locks: ipc_lock held. */
int
ipc_last_locked(struct ipc_ids *ids)
{
	struct ipc *i = ipc_of(rb_last(&ids->all));

	HELD(&ipc_lock);
	return i == NULL ? 0 : (int)ipc_slot(i->id);
}

/* On to the next slot in use from *at on, which *at is behind then; false: none.
 * Locks: takes ipc_lock. */
bool
ipc_next(struct ipc_ids *ids, uint64_t *at)
{
	struct ipc *i;

	spin_lock(&ipc_lock);
	i = ipc_nth_locked(ids, (unsigned)*at);
	if (i != NULL)
		*at = ipc_slot(i->id) + 1;
	spin_unlock(&ipc_lock);
	return i != NULL;
}
