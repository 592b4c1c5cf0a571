/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sys_openat2.c: openat2: a path is looked up within bounds
 *
 * Problem   openat(2) ignores flags that it does not know, and follows all links of
 *           a path.  openat2(2) takes a structure that may grow, refuses flags
 *           that it does not know, and stays below a directory if asked to.
 *
 * Rules     A structure that is larger than ours is accepted if the rest is zeros:
 *           then its caller asks for nothing that we do not know.
 *
 * Read next fs/bounds.c.
 */
#include "sys/filecall.h"

#include "lib/errno.h"
#include "lib/string.h"

#define OPEN_OF_PATH (O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define OPEN_INSIDE 0x4000000u   /* Linux's own: forgotten */
#define OPEN_NAMELESS (O_TMPFILE & ~O_DIRECTORY)

/* struct open_how. */
struct open_how {
	uint64_t flags, mode, resolve;
};

static int
how_copyin(struct open_how *how, va_t at, uint64_t size)
{
	if (size < sizeof(*how))
		return -EINVAL;
	return size > PAGE_SIZE ? -E2BIG : sys_struct_copyin(how, sizeof(*how), at, size);
}

/* Does it ask for what there is, and for what goes together?  0, -EINVAL, -EAGAIN. */
static int
how_check(const struct open_how *how)
{
	bool makes = (how->flags & (O_CREAT | OPEN_NAMELESS)) != 0;

	if ((how->flags & ~(uint64_t)(OPEN_KNOWN | OPEN_INSIDE)) != 0 ||
	    (how->resolve & ~(uint64_t)RESOLVE_ALL) != 0)
		return -EINVAL;
	if ((how->resolve & RESOLVE_BENEATH) != 0 &&
	    (how->resolve & RESOLVE_IN_ROOT) != 0)
		return -EINVAL;
	if ((how->mode & ~(uint64_t)(makes ? S_PERM : 0)) != 0)
		return -EINVAL;
	if ((how->flags & O_PATH) != 0 &&
	    (how->flags & ~(uint64_t)(OPEN_OF_PATH | OPEN_INSIDE)) != 0)
		return -EINVAL;
	if (fs_open_check((unsigned)how->flags) != 0)
		return -EINVAL;
	if ((how->resolve & RESOLVE_CACHED) != 0 &&
	    (makes || (how->flags & O_TRUNC) != 0))
		return -EAGAIN;
	return 0;
}

/* Where an absolute path begins at dirfd, that is wanted too. */
static void
absolute_from(struct path_arg *p, uint64_t dirfd)
{
	if (p->at.path[0] != '/' || (int)dirfd == AT_FDCWD ||
	    (p->at.resolve & RESOLVE_IN_ROOT) == 0)
		return;
	p->at.dirf = sys_file(dirfd);
	if (p->at.dirf == NULL)
		p->at.error = -EBADF;
}

int64_t
sys_openat2(const uint64_t a[6])
{
	struct open_how how;
	struct path_arg p;
	struct file *f;
	unsigned flags;
	int r = how_copyin(&how, a[2], a[3]);

	if (r == 0)
		r = how_check(&how);
	if (r != 0)
		return r;
	flags = sys_open_flags((unsigned)how.flags);
	r = sys_open_path(&p, a[0], a[1]);
	if (r != 0)
		return r;
	p.at.resolve = (unsigned)how.resolve;
	absolute_from(&p, a[0]);
	r = fs_open(&p.at, flags, (unsigned)how.mode, &f);
	path_arg_end(&p);
	return r != 0 ? r : sys_install(f, 0, sys_at_exec(flags));
}
