/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pipeuser.c: how much of the kernel's memory the pipes of one user may take
 *
 * Problem   A pipe holds bytes in frames that never leave memory.  With a
 *           thousand descriptors a user fills it with pipes, and nobody else
 *           can do anything.
 *
 * Picture   struct pipe ──→ account of a user: places in the rings of all his
 *                           pipes, full or not
 *           pipe(), F_SETPIPE_SZ:  0 ······ soft ······ hard
 *                                  16 places │ 2 places │ ENFILE, EPERM
 *
 * Rules     1. Counted is what a ring may hold, when it is made: a write is
 *              never refused.
 *           2. Who pays is who made the ring, whoever uses it afterwards.
 *           3. Root has no limit.  0 stands for none, as on Linux.
 *
 * Read next pipe.c.
 */
#include "fs/fsdat.h"
#include "fs/fsfn.h"
#include "fs/pipe.h"
#include "lib/string.h"
#include "mem/mem.h"

#define SOFT_SHARE 16    /* of memory: full pipes of one user */
#define SOFT_MOST 16384ul
#define HARD_SHARE 8     /* … and all of them */

struct pipe_user {
	struct list_node node;   /* lock */
	uint32_t uid;            /* [c] */
	unsigned refs;           /* lock; rings */
	uint64_t places;         /* lock */
};

static struct {
	struct spinlock lock;    /* rank LR_LEAF */
	struct list all;         /* lock; users with pipes */
	uint64_t soft, hard;     /* [A] places; 0: no limit */
	uint64_t max_bytes;      /* [A] of one pipe that a user makes larger */
} users = {
	.lock = SPIN_INIT(LR_LEAF),
	.all = LIST_INIT(users.all),
	.max_bytes = 1ul << 20,
};

/* Limits that fit the machine.  At fs_init(). */
void
pipe_user_init(void)
{
	struct phys_stat ps;

	phys_stat(&ps);
	users.soft = MIN(SOFT_MOST, ps.total / SOFT_SHARE);
	users.hard = ps.total / HARD_SHARE;
}

static bool
is_free_of_limits(void)
{
	return fs_cred()->euid == 0;
}

static bool
is_above(uint64_t places, const uint64_t *limit)
{
	uint64_t most = atomic_load_relaxed(limit);

	return most != 0 && places > most && !is_free_of_limits();
}

static struct pipe_user *
find_locked(uint32_t uid)
{
	struct pipe_user *u;

	HELD(&users.lock);
	LIST_FOREACH(u, &users.all, node)
		if (u->uid == uid)
			return u;
	return NULL;
}

/* The account of uid with a reference; fresh is used, or freed. */
static struct pipe_user *
account_of(uint32_t uid, struct pipe_user *fresh)
{
	struct pipe_user *u;

	spin_lock(&users.lock);
	u = find_locked(uid);
	if (u == NULL && fresh != NULL) {
		u = fresh;
		fresh = NULL;
		u->uid = uid;
		list_push_back(&users.all, &u->node);
	}
	if (u != NULL)
		u->refs++;
	spin_unlock(&users.lock);
	kmem_free(fresh);
	return u;
}

/*
 * A ring is going to be made for the current user: with *places, or fewer
 * where he has many already.
 *
 * Locks:    none of rank LR_LEAF or above.
 * Returns:  0, -ENFILE (too many), -ENOMEM.
 * Owns:     *out until pipe_user_give() of as many places.
 */
int
pipe_user_take(unsigned *places, struct pipe_user **out)
{
	struct pipe_user *u = account_of(fs_cred()->uid,
	    kmem_zalloc(sizeof(*u)));
	uint64_t most = atomic_load_relaxed(&users.max_bytes) >> PAGE_SHIFT;
	int r = 0;

	if (u == NULL)
		return -ENOMEM;
	if (*places > most && !is_free_of_limits())
		*places = (unsigned)most;
	spin_lock(&users.lock);
	if (is_above(u->places + *places, &users.soft))
		*places = MIN(*places, PIPE_SLOTS_FEW);
	if (is_above(u->places + *places, &users.hard))
		r = -ENFILE;
	else
		u->places += *places;
	spin_unlock(&users.lock);
	if (r == 0)
		*out = u;
	else
		pipe_user_give(u, 0);
	return r;
}

/* The ring with so many places is gone.  Locks: none of LR_LEAF or above. */
void
pipe_user_give(struct pipe_user *u, unsigned places)
{
	spin_lock(&users.lock);
	u->places -= places;
	if (--u->refs == 0)
		list_remove(&u->node);
	else
		u = NULL;
	spin_unlock(&users.lock);
	kmem_free(u);
}

/* May the current user make a pipe as large as that? */
bool
pipe_user_may_have(unsigned places)
{
	return places * PAGE_SIZE <= atomic_load_relaxed(&users.max_bytes) ||
	    is_free_of_limits();
}

/*
 * A ring of u is going to have `now` places instead of `was`.
 *
 * Returns:  0, -EPERM: more than the current user may add; never where it
 *           becomes smaller.
 */
int
pipe_user_change(struct pipe_user *u, unsigned was, unsigned now)
{
	bool grows = now > was;
	int r = 0;

	spin_lock(&users.lock);
	u->places = u->places - was + now;
	if (grows && (is_above(u->places, &users.soft) ||
	    is_above(u->places, &users.hard))) {
		u->places = u->places - now + was;
		r = -EPERM;
	}
	spin_unlock(&users.lock);
	return r;
}

/* ---- /proc/sys/fs ---- */

static int
number_write(const char *text, uint64_t *to)
{
	const char *end;
	uint64_t v = str_to_u64(text, &end);

	if (end == text || v > INT64_MAX)
		return -EINVAL;
	atomic_store(to, v);
	return 0;
}

void
pipe_show_soft(struct out *out)
{
	out_printf(out, "%lu\n", atomic_load(&users.soft));
}

int
pipe_write_soft(const char *text, size_t n)
{
	return number_write(text, &users.soft);
}

void
pipe_show_hard(struct out *out)
{
	out_printf(out, "%lu\n", atomic_load(&users.hard));
}

int
pipe_write_hard(const char *text, size_t n)
{
	return number_write(text, &users.hard);
}

void
pipe_show_max(struct out *out)
{
	out_printf(out, "%lu\n", atomic_load(&users.max_bytes));
}

/* Rounded up to a power of two of pages.  0, -EINVAL. */
int
pipe_write_max(const char *text, size_t n)
{
	uint64_t v, size = PAGE_SIZE;
	int r = number_write(text, &v);

	if (r != 0 || v > PIPE_BYTES_MAX)
		return -EINVAL;
	while (size < v)
		size *= 2;
	atomic_store(&users.max_bytes, size);
	return 0;
}
