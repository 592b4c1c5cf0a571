/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sys_ioctl.c: ioctl: requests to any open file
 *
 * Problem   One call with a number for the request: some requests are for any
 *           descriptor, some for any file, the rest for one kind of device.
 *
 * Picture   fd, number ─→ of the descriptor or file: here
 *                      └→ all others: file_ioctl(), the device's
 *
 * Rules     A number that nobody here understands is -ENOTTY.
 *
 * Read next dev/ttyctl.c.
 */
#include "sys/filecall.h"

#include "fs/sockcall.h"
#include "lib/errno.h"

/* FIONBIO: O_NONBLOCK from an int in user memory. */
static int64_t
ioctl_nonblock(struct file *f, va_t arg)
{
	unsigned flags = file_flags(f);
	int32_t on;

	if (copyin(&on, arg, sizeof(on)) != 0)
		return -EFAULT;
	file_set_flags(f, on != 0 ? flags | O_NONBLOCK :
	    flags & ~(unsigned)O_NONBLOCK);
	return 0;
}

/* FIONREAD of a regular file: what is left of it. */
static int64_t
ioctl_left(struct file *f, va_t arg)
{
	int64_t left = (int64_t)file_size(f) - file_lseek(f, 0, SEEK_CUR);
	int32_t n = (int32_t)left;

	return copyout(arg, &n, sizeof(n));
}

/* FIGETBSZ: of the file system. */
static int64_t
ioctl_block_size(struct file *f, uint64_t arg)
{
	struct kstat st;
	int r = file_stat(f, &st);
	int n = (int)st.blksize;

	return r != 0 ? r : copyout(arg, &n, sizeof(n));
}

/* What generic checks of Linux say before it asks the file system. */
static int64_t
clone_check(struct file *in, struct file *out)
{
	unsigned from = file_flags(in), to = file_flags(out) & O_ACCMODE;
	struct kstat si, so;

	if ((from & O_PATH) != 0)
		return -EBADF;
	if (file_stat(in, &si) != 0 || file_stat(out, &so) != 0)
		return -EIO;
	if (si.dev != so.dev)
		return -EXDEV;
	if (S_ISDIR(si.mode) || S_ISDIR(so.mode))
		return -EISDIR;
	if (!S_ISREG(si.mode) || !S_ISREG(so.mode))
		return -EINVAL;
	if ((from & O_ACCMODE) == O_WRONLY || to == O_RDONLY ||
	    (file_flags(out) & O_APPEND) != 0)
		return -EBADF;
	return -EOPNOTSUPP; /* no file system here shares blocks between files */
}

/* FICLONE and FICLONERANGE: the blocks of another file, shared. */
static int64_t
ioctl_clone(struct file *out, uint64_t in_fd)
{
	struct file *in = sys_file(in_fd);
	int64_t r;

	if (in == NULL)
		return -EBADF;
	r = clone_check(in, out);
	file_put(in);
	return r;
}

static int64_t
ioctl_clone_range(struct file *out, va_t arg)
{
	uint64_t range[4];  /* descriptor, from, length, to */

	return copyin(range, arg, sizeof(range)) != 0 ? -EFAULT :
	    ioctl_clone(out, (uint32_t)range[0]);
}

/* FIDEDUPERANGE: what is equal already, shared. */
static int64_t
ioctl_dedupe(struct file *f, va_t arg)
{
	uint64_t head[3];   /* from, length, count and what must be 0 */

	if (copyin(head, arg, sizeof(head)) != 0)
		return -EFAULT;
	if ((file_flags(f) & O_ACCMODE) == O_WRONLY || head[2] >> 16 != 0)
		return -EINVAL;
	if (S_ISDIR(file_mode(f)))
		return -EISDIR;
	return S_ISREG(file_mode(f)) ? -EOPNOTSUPP : -EINVAL;
}

/* FIOASYNC: O_ASYNC from an int. */
static int64_t
ioctl_async(struct file *f, int fd, va_t arg)
{
	int32_t on;

	if (copyin(&on, arg, sizeof(on)) != 0)
		return -EFAULT;
	return sys_set_async(f, fd, on != 0);
}

/* The owner of a socket, as fcntl knows him: two names for each question. */
static int64_t
ioctl_owner(struct file *f, unsigned cmd, va_t arg)
{
	int32_t pid;

	if (!file_is_socket(f))
		return file_ioctl(f, cmd, arg);
	if (cmd == FIOGETOWN || cmd == SIOCGPGRP) {
		pid = (int32_t)fcntl_owner(f, F_GETOWN, 0);
		return copyout(arg, &pid, sizeof(pid));
	}
	return copyin(&pid, arg, sizeof(pid)) != 0 ? -EFAULT :
	    fcntl_owner(f, F_SETOWN, (uint32_t)pid);
}

/* FIOQSIZE: what its blocks hold. */
static int64_t
ioctl_size(struct file *f, va_t arg)
{
	struct kstat st;
	int r = file_stat(f, &st);

	if (r != 0 || (!S_ISREG(st.mode) && !S_ISDIR(st.mode)))
		return -ENOTTY;
	st.blocks *= SECTOR_SIZE;
	return copyout(arg, &st.blocks, sizeof(st.blocks));
}

/* FIBMAP: where a block lies is not told. */
static int64_t
ioctl_block(struct file *f, va_t arg)
{
	int32_t block;

	if (!S_ISREG(file_mode(f)))
		return -ENOTTY;
	if (!proc_may(CAP_SYS_RAWIO))
		return -EPERM;
	return copyin(&block, arg, sizeof(block)) != 0 ? -EFAULT : -EINVAL;
}

/* TIOCGPTPEER: the other end of a pseudo terminal's master. */
static int64_t
ioctl_peer(struct file *master, uint64_t flags)
{
	struct file *peer;
	int r = fs_pty_number(master);

	if (r >= 0)
		r = fdtab_has_room(fdtab_current()) ? 0 : -EMFILE;
	if (r == 0)
		r = fs_pty_peer(master, (unsigned)flags & ~(unsigned)O_CREAT, &peer);
	if (r != 0)
		return r;
	return sys_install(peer, 0, sys_at_exec(flags));
}

static int64_t
ioctl_any(struct file *f, int fd, unsigned cmd, uint64_t arg)
{
	uint32_t marks;
	int r;

	if (file_is_path(f))
		return -EBADF;
	switch (cmd) {
	case FIOCLEX:
	case FIONCLEX:
		return fdtab_set_cloexec(fdtab_current(), fd,
		    cmd == FIOCLEX ? FD_CLOSES : FD_STAYS);
	case FIONBIO:
		return ioctl_nonblock(f, arg);
	case FS_IOC_GETFLAGS:
		r = file_fsflags(f, &marks);
		return r == 0 ? copyout(arg, &marks, sizeof(marks)) : r;
	case FS_IOC_SETFLAGS:
		r = copyin(&marks, arg, sizeof(marks));
		return r == 0 ? file_set_fsflags(f, marks) : r;
	case FIGETBSZ:
		return ioctl_block_size(f, arg);
	case FICLONE:
		return ioctl_clone(f, arg);
	case FICLONERANGE:
		return ioctl_clone_range(f, arg);
	case FIDEDUPERANGE:
		return ioctl_dedupe(f, arg);
	case FIOASYNC:
		return ioctl_async(f, fd, arg);
	case FIOSETOWN:
	case SIOCSPGRP:
	case FIOGETOWN:
	case SIOCGPGRP:
		return ioctl_owner(f, cmd, arg);
	case FIOQSIZE:
		return ioctl_size(f, arg);
	case TIOCGPTPEER:
		return ioctl_peer(f, arg);
	case FIBMAP:
		return ioctl_block(f, arg);
	case FS_IOC_FIEMAP:
		return -EOPNOTSUPP; /* as FIBMAP */
	case FIFREEZE:
	case FITHAW:
		return !proc_may(CAP_SYS_ADMIN) ? -EPERM :
		    cmd == FITHAW ? -EINVAL : -EOPNOTSUPP; /* nothing freezes */
	case FIONREAD:
		if (S_ISREG(file_mode(f)))
			return ioctl_left(f, arg);
		break;
	}
	return file_ioctl(f, cmd, arg);
}

int64_t
sys_ioctl(struct file *f, const uint64_t a[6])
{
	return ioctl_any(f, (int)a[0], (unsigned)a[1], a[2]);
}
