/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * writers.c: who writes a file, and who runs it
 *
 * Problem   The file of a running program must not change, and a mount that becomes
 *           read-only must know who may still write.
 *
 * Rules     vnode->writers counts writers above 0, those who run it below: it is
 *           never both.  A memfd is not counted: nobody else has it.
 *
 * Read next remount.c, execfile.c.
 */
#include "fs/fsdat.h"
#include "fs/fsfn.h"

/* Add d to the writers count unless its sign forbids. */
static int
writers_change(struct vnode *v, int32_t d)
{
	int32_t n = atomic_load(&v->writers);

	do {
		if ((d > 0 && n < 0) || (d < 0 && n > 0))
			return -ETXTBSY;
	} while (!atomic_cas(&v->writers, &n, n + d));
	return 0;
}

/* Someone opens v for writing, or truncates it.  0, -EROFS, -ETXTBSY. */
int
vn_write_begin(struct vnode *v)
{
	int r;

	if (v->type != S_IFREG || v->memfd)
		return 0;
	r = mount_write_begin(v->mnt);
	if (r != 0)
		return r;
	r = writers_change(v, 1);
	if (r != 0)
		mount_write_end(v->mnt);
	return r;
}

void
vn_write_end(struct vnode *v)
{
	if (v->type != S_IFREG || v->memfd)
		return;
	CHECK(atomic_sub(&v->writers, 1) >= 0);
	mount_write_end(v->mnt);
}

/*
 * A program runs from the file: nobody may have it open for writing meanwhile,
 * neither by a descriptor nor by a mapping that has outlived one.  A new mapping
 * of that kind needs a descriptor, so it is enough to look once those are
 * excluded.
 * A memfd may be run by who writes it, as on Linux: nobody else has it.
 *
 * Locks:    takes [X].
 * Returns:  0, -ETXTBSY: somebody writes it now, or can.
 */
int
file_deny_write(struct file *f)
{
	int r = writers_change(f->vn, -1);

	if (r == 0 && f->vn->vmo != NULL && !f->vn->memfd &&
	    vmo_mappings(f->vn->vmo, MAPS_OF_WRITERS) != 0) {
		file_allow_write(f);
		r = -ETXTBSY;
	}
	return r;
}

/* One more program runs from a file from which one runs: the caller's. */
void
file_deny_again(struct file *f)
{
	CHECK(atomic_sub(&f->vn->writers, 1) < -1);
}

/* The counterpart of both. */
void
file_allow_write(struct file *f)
{
	CHECK(atomic_add(&f->vn->writers, 1) <= 0);
}
