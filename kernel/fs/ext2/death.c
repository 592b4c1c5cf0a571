/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * death.c: inodes without names that the next commit writes as dead
 *
 * Problem   A name is removed from the disk only after its inode has lost its links
 *           there (istore.c, rule 2): a commit must know which, and in what order.
 *
 * Rules     The note is reserved before the change, so that the change cannot fail.
 *
 * Read next gone.c, commit.c.
 */
#include "fs/ext2/ext2.h"
#include "mem/mem.h"

static struct kmem_cache death_cache = KMEM_CACHE("ext2_death",
    struct ext2_death);

/*
 * A note that v will have no names; NULL in *out: it needs none.
 *
 * Returns:  0, -ENOMEM.
 * Owns:     the caller, until death_note(); else death_free().
 */
int
death_reserve(const struct vnode *v, struct ext2_death **out)
{
	bool last = v->type == S_IFDIR || v->nlink <= 1;

	*out = NULL;
	if (!last || ext2_inode_of(v)->life != LIFE_LIVE)
		return 0;
	*out = kmem_cache_alloc(&death_cache);
	return *out != NULL ? 0 : -ENOMEM;
}

/* The counterpart, when it was not used; NULL is allowed. */
void
death_free(struct ext2_death *d)
{
	if (d != NULL)
		kmem_cache_free(&death_cache, d);
}

/*
 * ip has no names any more.
 *
 * Locks:    tree for writing, inside the gate.
 * Owns:     takes d.
 */
void
death_note(struct ext2_inode *ip, struct ext2_death *d)
{
	d->ino = (uint32_t)ip->vn->ino;
	d->level = ip->kid_level;
	list_push_back(&ip->fs->deaths, &d->all);
	ip->life = LIFE_DEAD;
}

/*
 * After a commit: the notes are on the disk.  Or an error has left them.
 *
 * Locks:    the gate is closed, or nobody is left.
 */
void
deaths_forget(struct ext2_fs *fs)
{
	ASSERT(fs->gate.closed || fs->gate.inside == 0);
	while (!list_is_empty(&fs->deaths))
		kmem_cache_free(&death_cache, LIST_ENTRY(
		    list_pop_front(&fs->deaths), struct ext2_death, all));
}
