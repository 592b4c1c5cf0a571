/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * execfile.c: opening a file to execute it
 *
 * Problem   exec reads its program, yet its caller needs only the right to
 *           execute: all users may run a file of mode 0711, but not read it.
 *
 * Picture   path ─→ O_PATH (no rights) ─→ regular? x bit? noexec? ─→ file_start
 *
 * Rules     1. Only a regular file is ever started: execve of a FIFO or of a
 *              device opens nothing.
 *           2. The open file goes to the kernel; no descriptor leads to it.
 *
 * Read next open.c, proc/exec.c.  Book: ch10.
 */
#include "fs/fsdat.h"
#include "fs/fsfn.h"

/*
 * Open a program, or its interpreter, to be run.
 *
 * Locks:    none held.
 * Context:  may sleep.
 * Returns:  0 and a readable file with one reference; -EACCES (no x bit, no
 *           regular file, noexec), -ELOOP (a link that is not followed), -ENFILE,
 *           -errno of path lookup.
 */
int
file_open_exec(const struct path_at *at, struct file **out)
{
	struct file *place;
	int r = fs_open(at, O_PATH | ((at->flags & AT_SYMLINK_NOFOLLOW) != 0 ?
	    O_NOFOLLOW : 0), 0, &place);

	if (r != 0)
		return r;
	r = place->vn->type == S_IFLNK ? -ELOOP : file_check_exec(place);
	if (r == 0)
		r = file_open_vnode(place->vn, O_RDONLY, out);
	file_put(place);
	return r;
}

/* Might the current process open it for reading?  Locks: takes attr_lock. */
bool
file_may_read(struct file *f)
{
	return vn_permit(f->vn, fs_cred(), VN_R) == 0;
}

/* Is it on a mount whose programs run with their caller's rights only? */
bool
file_is_nosuid(struct file *f)
{
	return (f->vn->mnt->flags & MS_NOSUID) != 0;
}
