/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memfd.c: files of memory without a name
 *
 * Problem   Two programs that do not trust each other share memory, under no name.
 *
 * Picture   memfd_create ─→ vnode of tmpfs, in no directory ─→ descriptor
 *
 * Read next seal.c, tmpfs.c.
 */
#include "fs/fsdat.h"
#include "fs/fsfn.h"
#include "lib/string.h"

#define NAME_BYTES 249

static struct mount memfs = { .type = &tmpfs_type };  /* never mounted */

/* At fs_init(). */
void
memfd_init(void)
{
	rw_init(&memfs.tree, LR_VNODE);
	memfs.dev = dev_make(0, 254);
}

/*
 * memfd_create(2): a file that only its descriptors and mappings keep.
 *
 * Returns:  0, -EINVAL (name too long), -ENFILE, -ENOMEM.
 * Owns:     the caller gets the reference.
 */
int
fs_memfd(const char *text, enum memfd_seal seal, struct file **out)
{
	char buf[NAME_BYTES + 8];
	struct vnode *v;
	int r;

	if (strlen(text) > NAME_BYTES)
		return -EINVAL;
	snprintf(buf, sizeof(buf), "memfd:%s", text);
	v = tmpfs_nameless(&memfs, buf);
	if (v == NULL)
		return -ENOMEM;
	v->memfd = true;
	if (seal == MEMFD_SEALABLE)
		v->seals = 0;
	r = file_open_vnode(v, O_RDWR | O_LARGEFILE, out);
	vn_put(v);
	return r;
}
