/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * account.c: how many watches a user has
 *
 * Problem   A watch of an epoll is memory of the kernel that no limit of files
 *           counts, and all watches of a file are told in one step.
 *
 * Rules     1. Who pays is who has added the watch, root as well: so Linux does it.
 *           2. An account goes with its last watch.
 *
 * Read next epoll.c.
 */
#include "fs/event/event.h"
#include "lib/string.h"
#include "mem/mem.h"

#define MEMORY_SHARE 25      /* of memory: watches of one user */
#define WATCH_BYTES 192

struct account {
	struct list_node node;   /* lock */
	uint32_t uid;            /* [c] */
	uint64_t watches;        /* lock */
};

static struct {
	struct spinlock lock;    /* rank LR_LEAF */
	struct list all;         /* lock */
	uint64_t max;            /* [A] */
} accounts = {
	.lock = SPIN_INIT(LR_LEAF),
	.all = LIST_INIT(accounts.all),
};

/* At event_init(). */
void
account_init(void)
{
	struct phys_stat ps;

	phys_stat(&ps);
	accounts.max = ps.total * PAGE_SIZE / MEMORY_SHARE / WATCH_BYTES;
}

static struct account *
account_find_locked(uint32_t uid)
{
	struct account *a;

	HELD(&accounts.lock);
	LIST_FOREACH(a, &accounts.all, node)
		if (a->uid == uid)
			return a;
	return NULL;
}

/* One more for uid, whose account is fresh if he has none.  NULL: too many. */
static struct account *
take_locked(uint32_t uid, struct account *fresh)
{
	struct account *a = account_find_locked(uid);

	HELD(&accounts.lock);
	if ((a != NULL ? a->watches : 0) >= atomic_load_relaxed(&accounts.max))
		return NULL;
	if (a == NULL) {
		a = fresh;
		a->uid = uid;
		list_push_back(&accounts.all, &a->node);
	}
	a->watches++;
	return a;
}

/*
 * The current user has one watch more.
 *
 * Locks:    none of rank >= LR_LEAF.
 * Returns:  0, -ENOSPC, -ENOMEM.
 * Owns:     *out until account_give().
 */
int
account_take(struct account **out)
{
	struct account *fresh = kmem_zalloc(sizeof(*fresh));

	if (fresh == NULL)
		return -ENOMEM;
	spin_lock(&accounts.lock);
	*out = take_locked(fs_cred()->uid, fresh);
	spin_unlock(&accounts.lock);
	if (*out != fresh)
		kmem_free(fresh);
	return *out == NULL ? -ENOSPC : 0;
}

/* One watch less.  Locks: none of rank >= LR_LEAF. */
void
account_give(struct account *a)
{
	bool last;

	spin_lock(&accounts.lock);
	last = --a->watches == 0;
	if (last)
		list_remove(&a->node);
	spin_unlock(&accounts.lock);
	if (last)
		kmem_free(a);
}

/* /proc/sys/fs/epoll/max_user_watches. */
void
account_show_max(struct out *out)
{
	out_printf(out, "%lu\n", atomic_load_relaxed(&accounts.max));
}

/* 0, -EINVAL. */
int
account_write_max(const char *text, size_t n)
{
	const char *end;
	uint64_t v = str_to_u64(text, &end);

	if (end == text || v > INT64_MAX)
		return -EINVAL;
	atomic_store(&accounts.max, v);
	return 0;
}
