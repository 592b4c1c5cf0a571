/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * chdir.c: chdir and chroot: working directory and root of a thread
 *
 * Problem   The directory is named by a path that begins at the present one; other
 *           threads that share it may look up names at the same time.
 *
 * Read next fsctx.c, namei.c.
 */
#include "fs/fsdat.h"
#include "fs/fsfn.h"
#include "lib/string.h"

/* Put the thread at the directory which at names. */
static int
move_to(const struct path_at *at, enum fs_place place)
{
	struct walk w = { 0 };
	int r;

	r = walk_path(&w, at, 0);
	if (r != 0)
		return r;
	if (w.vn->type != S_IFDIR)
		r = -ENOTDIR;
	else
		r = vn_permit(w.vn, w.cred, VN_X);
	/* Errors of the path come first, for all users. */
	if (r == 0 && place == PLACE_ROOT && !cred_may(w.cred, CAP_SYS_CHROOT))
		r = -EPERM;
	if (r == 0)
		w.vn = fsctx_exchange(place, w.vn);
	walk_end(&w);
	return r;
}

/* chdir(2), and fchdir(2) with AT_EMPTY_PATH. */
int
fs_chdir(const struct path_at *at)
{
	return move_to(at, PLACE_CWD);
}

/* chroot(2), for root only: -EPERM, after what the path has to say. */
int
fs_chroot(const struct path_at *at)
{
	return move_to(at, PLACE_ROOT);
}

/*
 * getcwd(2).  A directory that does not lie below the root of the caller is marked so, as
 * on Linux: no path of the caller leads there.
 *
 * Returns:  length without NUL; -ENOENT: the directory was removed;
 *           -ENAMETOOLONG: it has not room in cap.
 */
ssize_t
fs_getcwd(char *buf, size_t cap)
{
	static const char outside[] = "(unreachable)";
	struct vnode *cwd = fsctx_cwd(), *root = fsctx_root();
	size_t said = sizeof(outside) - 1;
	bool inside = true;
	ssize_t n;

	n = cwd->nlink == 0 ? -ENOENT :
	    vn_path_from(cwd, root, buf, cap, &inside);
	vn_put(root);
	vn_put(cwd);
	if (inside || n < 0)
		return n;
	if ((size_t)n + said >= cap)
		return -ENAMETOOLONG;
	memmove(buf + said, buf, (size_t)n + 1);
	memcpy(buf, outside, said);
	return n + (ssize_t)said;
}
