/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * user.c: how much kernel memory one user has
 *
 * Problem   Pipes, messages of sockets, watches and pseudo terminals are kernel memory,
 *           which is not pageable.  Each is bounded, but with a thousand of them a user
 *           could fill all memory, and nobody else could work.
 *
 * Picture   ring, message, watch, pair ──→ struct user: so many of each use
 *
 * Rules     1. A thing counts for the user who made it, not for those who use it.
 *           2. Root has no limit except for watches, as on Linux.
 *           3. A request is counted first and compared with the limit then.
 *
 * Read next pipeuser.c, event/epoll.c, unix/message.c, devpts.c.
 */
#include "fs/fsdat.h"
#include "fs/fsfn.h"
#include "mem/mem.h"

/* Shares of memory. */
#define WATCH_SHARE 25
#define WATCH_BYTES 192
#define MESSAGE_SHARE 8
#define PIPE_SHARE 8
#define PTY_SHARE 128        /* one for so many pages */
#define PTY_MOST 256u
#define SEGMENT_SHARE 2      /* of System V: as a tmpfs has */
#define QUEUE_SHARE 32
#define IPC_MOST 1024u       /* sets, queues */

struct user {
	struct list_node node;   /* lock */
	uint32_t uid;            /* [c] */
	unsigned refs;           /* lock; things that count here */
	uint64_t has[USES];      /* [A] */
};

static struct {
	struct spinlock lock;    /* rank LR_LEAF */
	struct list all;         /* lock */
} users = { SPIN_INIT(LR_LEAF), LIST_INIT(users.all) };

uint64_t user_max[USES];         /* [A] of one */

/* Limits that fit the machine.  At fs_init(). */
void
user_init(void)
{
	struct phys_stat ps;

	phys_stat(&ps);
	user_max[USE_WATCHES] = ps.total * PAGE_SIZE / WATCH_SHARE / WATCH_BYTES;
	user_max[USE_MESSAGE_BYTES] = ps.total * PAGE_SIZE / MESSAGE_SHARE;
	user_max[USE_FLIGHTS] = UINT64_MAX;
	user_max[USE_PIPE_PAGES] = ps.total / PIPE_SHARE;
	user_max[USE_PTYS] = MIN(PTY_MOST, ps.total / PTY_SHARE);
	user_max[USE_SEGMENT_PAGES] = ps.total / SEGMENT_SHARE;
	user_max[USE_SEM_SETS] = user_max[USE_QUEUES] = IPC_MOST;
	user_max[USE_QUEUE_BYTES] = ps.total * PAGE_SIZE / QUEUE_SHARE;
}

static struct user *
find_locked(uint32_t uid)
{
	struct user *u;

	HELD(&users.lock);
	LIST_FOREACH(u, &users.all, node)
		if (u->uid == uid)
			return u;
	return NULL;
}

/*
 * The current user.
 *
 * Locks:    none of rank >= LR_LEAF.
 * Returns:  NULL: no memory.
 * Owns:     the caller, a reference: user_give().
 */
struct user *
user_get(void)
{
	struct user *fresh = kmem_zalloc(sizeof(*fresh)), *u;

	spin_lock(&users.lock);
	u = find_locked(fs_cred()->uid);
	if (u == NULL && fresh != NULL) {
		fresh->uid = fs_cred()->uid;
		list_push_back(&users.all, &fresh->node);
		u = fresh;
		fresh = NULL;
	}
	if (u != NULL)
		u->refs++;
	spin_unlock(&users.lock);
	kmem_free(fresh);
	return u;
}

/* u has n more, or fewer.  How many then.  Locks: any. */
uint64_t
user_count(struct user *u, enum user_use use, int64_t n)
{
	return atomic_add(&u->has[use], (uint64_t)n);
}

/* u has n fewer, and a reference less.  Locks: none of rank >= LR_LEAF. */
void
user_give(struct user *u, enum user_use use, uint64_t n)
{
	(void)user_count(u, use, -(int64_t)n);
	spin_lock(&users.lock);
	if (--u->refs == 0)
		list_remove(&u->node);
	else
		u = NULL;
	spin_unlock(&users.lock);
	kmem_free(u);
}

/*
 * The current user has n more.
 *
 * Locks:    none of rank >= LR_LEAF.
 * Returns:  0, -ENOSPC (too many), -ENOMEM.
 * Owns:     *out until user_give() of as many.
 */
int
user_take(enum user_use use, uint64_t n, struct user **out)
{
	bool is_free = fs_may(CAP_SYS_RESOURCE) && use != USE_WATCHES;
	struct user *u = user_get();

	if (u == NULL)
		return -ENOMEM;
	if (user_count(u, use, (int64_t)n) > atomic_load_relaxed(&user_max[use]) &&
	    !is_free) {
		user_give(u, use, n);
		return -ENOSPC;
	}
	*out = u;
	return 0;
}
