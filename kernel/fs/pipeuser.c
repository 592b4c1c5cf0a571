/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pipeuser.c: how much kernel memory the pipes of one user may take
 *
 * Problem   A pipe holds bytes in frames that never leave memory: a user with many gets
 *           small ones, and at last none.
 *
 * Picture   struct pipe ──→ user.c: slots in the rings of all of them, full or not
 *           pipe(), F_SETPIPE_SZ:  0 ······ soft ······ hard
 *                                  16 places │ 2 places │ ENFILE, EPERM
 *
 * Rules     1. The size of a ring is counted when it is made: a write is never
 *              refused.
 *           2. 0 stands for no limit, as on Linux.
 *
 * Read next user.c, pipe.c.
 */
#include "fs/fsdat.h"
#include "fs/fsfn.h"
#include "fs/pipe.h"
#include "mem/mem.h"

#define SOFT_SHARE 16    /* of memory: full pipes of one user */
#define SOFT_MOST 16384ul

uint64_t pipe_soft;              /* [A] places of one user; 0: no limit */
uint64_t pipe_max_bytes = 1ul << 20; /* [A] of one pipe that a user makes larger */

/* Limits that fit the machine.  At fs_init(). */
void
pipe_user_init(void)
{
	struct phys_stat ps;

	phys_stat(&ps);
	pipe_soft = MIN(SOFT_MOST, ps.total / SOFT_SHARE);
}

static bool
is_free_of_limits(void)
{
	return fs_may(CAP_SYS_RESOURCE) || fs_may(CAP_SYS_ADMIN);
}

static bool
is_above(uint64_t places, const uint64_t *limit)
{
	uint64_t most = atomic_load_relaxed(limit);

	return most != 0 && places > most && !is_free_of_limits();
}

/*
 * A ring is going to be made for the current user: with *places, or fewer
 * where he has many already.
 *
 * Locks:    none of rank LR_LEAF or above.
 * Returns:  0, -ENFILE (too many), -ENOMEM.
 * Owns:     *out until user_give() of as many places.
 */
int
pipe_user_take(unsigned *places, struct user **out)
{
	uint64_t most = atomic_load_relaxed(&pipe_max_bytes) >> PAGE_SHIFT, has;
	struct user *u = user_get();

	if (u == NULL)
		return -ENOMEM;
	if (*places > most && !is_free_of_limits())
		*places = (unsigned)most;
	has = user_count(u, USE_PIPE_PAGES, *places);
	if (*places > PIPE_SLOTS_FEW && is_above(has, &pipe_soft)) {
		has = user_count(u, USE_PIPE_PAGES, (int)PIPE_SLOTS_FEW - (int)*places);
		*places = PIPE_SLOTS_FEW;
	}
	if (is_above(has, &user_max[USE_PIPE_PAGES])) {
		user_give(u, USE_PIPE_PAGES, *places);
		return -ENFILE;
	}
	*out = u;
	return 0;
}

/* May the current user make a pipe as large as that? */
bool
pipe_user_may_have(unsigned places)
{
	return places * PAGE_SIZE <= atomic_load_relaxed(&pipe_max_bytes) ||
	    is_free_of_limits();
}

/*
 * A ring of u is going to have `now` places instead of `was`.
 *
 * Returns:  0, -EPERM: more than the current user may add; never where it
 *           becomes smaller.
 */
int
pipe_user_change(struct user *u, unsigned was, unsigned now)
{
	int64_t more = (int64_t)now - was;
	uint64_t has = user_count(u, USE_PIPE_PAGES, more);

	if (more <= 0 ||
	    !(is_above(has, &pipe_soft) || is_above(has, &user_max[USE_PIPE_PAGES])))
		return 0;
	(void)user_count(u, USE_PIPE_PAGES, -more);
	return -EPERM;
}

/* Rounded up to a power of two of pages.  0, -EINVAL. */
int
pipe_set_max_bytes(uint64_t v)
{
	uint64_t size = PAGE_SIZE;

	if (v > PIPE_BYTES_MAX)
		return -EINVAL;
	while (size < v)
		size *= 2;
	atomic_store(&pipe_max_bytes, size);
	return 0;
}
