/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tmpfs.h: directories of tmpfs, shared by tmpfs.c and tmpdir.c only
 *
 * Tags as in fsdat.h.
 */
#ifndef FS_TMPFS_H
#define FS_TMPFS_H

#include "fs/fsdat.h"
#include "lib/tree.h"

#define TMPDIR_COOKIES (1ul << 62)   /* how many a directory can give */
#define TMPDIR_NAME_BYTES 20u        /* st_size: as many for each name, dots too */

struct tmpfs_ent {
	struct rb_node rb;       /* [T] in dir->tree */
	struct list_node all;    /* [T] in dir->all */
	struct vnode *v;         /* [T] referenced */
	uint64_t cookie;         /* [c] its position in a listing */
	uint32_t hash;           /* [c] of the name */
	uint32_t len;            /* [c] */
	char name[];             /* [c] not terminated */
};

struct tmpfs_dir {
	struct rb_root tree;     /* [T] */
	struct list all;         /* [T] */
	uint64_t next_cookie;    /* [T] the last one given; 0 is ".", 1 is ".." */
};

/* tmpdir.c; all under the tree lock, for writing where something changes. */
struct tmpfs_dir *tmpdir_alloc(void);
struct tmpfs_dir *tmpdir_of(const struct vnode *);
bool tmpdir_is_full(const struct vnode *);
struct tmpfs_ent *ent_find(struct tmpfs_dir *, const struct name *);
struct tmpfs_ent *ent_alloc(const struct name *);
void ent_insert(struct vnode *dir, struct tmpfs_ent *, struct vnode *);
struct vnode *ent_remove(struct vnode *dir, struct tmpfs_ent *);
bool tmpdir_is_busy(struct mount *);
bool tmpdir_has_nameless(struct mount *);
void tmpdir_drop_all(struct vnode *root);

#endif
