/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tmpdir.c: directories of tmpfs
 *
 * Problem   Find a name among thousands, list them in an order that survives
 *           changes, and walk over a whole tree without recursion.
 *
 * Picture   tree:  entries by (hash, length, bytes)      to find one
 *           all:   entries by cookie, newest first       to list them
 *
 * Rules     1. The mount's tree lock guards everything here.
 *           2. A cookie is never given twice in a directory and each is less
 *              than all before, so changes during a listing neither repeat nor
 *              hide other names; and a name that is made meanwhile goes where the
 *              listing has already been, so that it ends.
 *           3. The walk goes up by vnode->parent, which for directories is
 *              always true.
 *
 * Read next tmpfs.c.
 */
#include "fs/tmpfs.h"
#include "fs/fsfn.h"
#include "lib/string.h"
#include "mem/mem.h"

/* Of a vnode that is a directory. */
struct tmpfs_dir *
tmpdir_of(const struct vnode *v)
{
	ASSERT(v->type == S_IFDIR);
	return v->priv;
}

/* An empty directory.  NULL: no memory. */
struct tmpfs_dir *
tmpdir_alloc(void)
{
	struct tmpfs_dir *d = kmem_zalloc(sizeof(*d));

	if (d != NULL) {
		list_init(&d->all);
		d->next_cookie = TMPDIR_COOKIES;
	}
	return d;
}

/* Is it a directory with entries? */
bool
tmpdir_is_full(const struct vnode *v)
{
	return v->type == S_IFDIR && !list_is_empty(&tmpdir_of(v)->all);
}

static uint32_t
name_hash(const struct name *n)
{
	uint32_t h = 2166136261u;
	size_t i;

	for (i = 0; i < n->len; i++)
		h = (h ^ (uint8_t)n->s[i]) * 16777619u;
	return h;
}

/* Order of entries in the tree: hash, length, bytes. */
static int
ent_compare(const struct tmpfs_ent *e, uint32_t hash, const struct name *n)
{
	if (e->hash != hash)
		return hash < e->hash ? -1 : 1;
	if (e->len != n->len)
		return n->len < e->len ? -1 : 1;
	return memcmp(n->s, e->name, n->len);
}

/* The entry called n, or NULL. */
struct tmpfs_ent *
ent_find(struct tmpfs_dir *d, const struct name *n)
{
	struct rb_node *rb = d->tree.node;
	uint32_t hash = name_hash(n);

	while (rb != NULL) {
		struct tmpfs_ent *e = CONTAINER_OF(rb, struct tmpfs_ent, rb);
		int c = ent_compare(e, hash, n);

		if (c == 0)
			return e;
		rb = c < 0 ? rb->left : rb->right;
	}
	return NULL;
}

/* An entry not yet in a directory.  NULL: no memory. */
struct tmpfs_ent *
ent_alloc(const struct name *n)
{
	struct tmpfs_ent *e = kmem_zalloc(sizeof(*e) + n->len);

	if (e == NULL)
		return NULL;
	e->hash = name_hash(n);
	e->len = (uint32_t)n->len;
	memcpy(e->name, n->s, n->len);
	return e;
}

/* Put e, which leads to v, into dir.  Owns: takes v's reference. */
void
ent_insert(struct vnode *dir, struct tmpfs_ent *e, struct vnode *v)
{
	const struct name n = { e->name, e->len };
	struct tmpfs_dir *d = tmpdir_of(dir);
	struct rb_node **link = &d->tree.node, *parent = NULL;

	while (*link != NULL) {
		parent = *link;
		link = ent_compare(CONTAINER_OF(parent, struct tmpfs_ent, rb),
		    e->hash, &n) < 0 ? &parent->left : &parent->right;
	}
	e->v = v;
	e->cookie = --d->next_cookie;
	rb_insert(&d->tree, &e->rb, parent, link, NULL);
	list_push_front(&d->all, &e->all);
	dir->link_bytes += TMPDIR_NAME_BYTES;
}

/* Take e out and free it; returns its vnode with the entry's reference. */
struct vnode *
ent_remove(struct vnode *dir, struct tmpfs_ent *e)
{
	struct vnode *v = e->v;

	dir->link_bytes -= TMPDIR_NAME_BYTES;
	rb_remove(&tmpdir_of(dir)->tree, &e->rb, NULL);
	list_remove(&e->all);
	kmem_free(e);
	return v;
}

/* The entry behind e in a walk over all names, parents first; NULL: end. */
static struct tmpfs_ent *
ent_next(struct vnode *root, struct vnode **dir, struct tmpfs_ent *e)
{
	struct list_node *n = &e->all;

	if (e->v->type == S_IFDIR && tmpdir_is_full(e->v)) {
		*dir = e->v;
		n = &tmpdir_of(*dir)->all.head;
	}
	while (n->next == &tmpdir_of(*dir)->all.head) {
		struct name name;

		if (*dir == root)
			return NULL;
		name = (struct name){ (*dir)->name, strlen((*dir)->name) };
		*dir = (*dir)->parent;
		n = &ent_find(tmpdir_of(*dir), &name)->all;
	}
	return LIST_ENTRY(n->next, struct tmpfs_ent, all);
}

static struct tmpfs_ent *
ent_first(struct vnode *root)
{
	struct list_node *n = list_first(&tmpdir_of(root)->all);

	return n == NULL ? NULL : LIST_ENTRY(n, struct tmpfs_ent, all);
}

/*
 * Does anyone hold a vnode besides the names?  A file may have as many
 * references as names; all directories together one each, and one for each
 * vnode that knows its parent; and there may be no vnode without a name.  Nor
 * may anybody map a file, with a name or without.
 */
bool
tmpdir_is_busy(struct mount *m)
{
	uint64_t dirs = 1, files = 0, kids = 0, dir_refs = m->root->refs;
	uint64_t objects = 0;
	struct vnode *dir = m->root;
	struct tmpfs_ent *e;
	bool busy = false;

	for (e = ent_first(dir); e != NULL; e = ent_next(m->root, &dir, e)) {
		struct vnode *v = e->v;

		if (v->type == S_IFDIR) {
			dirs++;
			kids++;
			dir_refs += v->refs;
			busy |= v->mounted != NULL;
		} else if (!v->marked) {
			files++;
			kids += v->parent != NULL;
			v->marked = true;
			busy |= v->refs != v->nlink;
			objects += v->vmo != NULL;
			busy |= v->vmo != NULL && vmo_refs(v->vmo) != 1;
		}
	}
	dir = m->root;
	for (e = ent_first(dir); e != NULL; e = ent_next(m->root, &dir, e))
		e->v->marked = false;
	return busy || dirs + files != m->vnodes || dir_refs != dirs + kids ||
	    vmo_quota(m->quota, QUOTA_REFS) != 1 + objects;
}

/* Is there a vnode without a name?  mount->links are further names of others. */
bool
tmpdir_has_nameless(struct mount *m)
{
	struct vnode *dir = m->root;
	struct tmpfs_ent *e;
	uint64_t names = 1;

	for (e = ent_first(dir); e != NULL; e = ent_next(m->root, &dir, e))
		names++;
	return names - m->links != m->vnodes;
}

/* Remove all names, deepest first: always the first entry on the way down. */
void
tmpdir_drop_all(struct vnode *root)
{
	struct vnode *dir = root;
	struct tmpfs_ent *e;

	for (;;) {
		e = ent_first(dir);
		if (e == NULL && dir == root)
			return;
		if (e == NULL) {
			dir = dir->parent;
			e = ent_first(dir);
		} else if (e->v->type == S_IFDIR && tmpdir_is_full(e->v)) {
			dir = e->v;
			continue;
		}
		vn_put(ent_remove(dir, e));
	}
}
