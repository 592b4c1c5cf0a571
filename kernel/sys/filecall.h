/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * filecall.h: shared by sys_file.c, sys_fd.c, sys_path.c, sys_stat.c, sys_poll.c
 *
 * Offers    paths and larger arrays from user memory, descriptors with checks.
 * Needs     fs/fscall.h.
 * Sleeps?   Yes.
 * In interrupts?  Never.
 */
#ifndef SYS_FILECALL_H
#define SYS_FILECALL_H

#include "fs/fscall.h"
#include "sys/sys.h"

#define RW_MAX 0x7ffff000ul     /* bytes of one transfer */

/* A path argument, copied in. */
struct path_arg {
	struct path_at at;      /* at.dirf is referenced */
	char *buf;
};

/*
 * Copy the path at user address upath; dirfd as in the *at calls.
 *
 * Returns:  0, -EFAULT, -ENAMETOOLONG, -EBADF, -ENOMEM.
 * Owns:     path_arg_end() after success.
 */
int path_arg_begin(struct path_arg *, uint64_t dirfd, va_t upath,
    unsigned at_flags) MUST_CHECK;
void path_arg_end(struct path_arg *);

/* What `call` answers, of struct path_at *at that these arguments are; or why they are
 * none, as above. */
#define ON_PATH(dirfd, upath, at_flags, call)                                      \
	({                                                                         \
		struct path_arg p_;                                                \
		int64_t r_ = path_arg_begin(&p_, dirfd, upath, at_flags);          \
		const struct path_at *at = &p_.at;                                 \
		if (r_ == 0) {                                                     \
			r_ = (call);                                               \
			path_arg_end(&p_);                                         \
		}                                                                  \
		r_;                                                                \
	})

/* The same for open(2), which tells that no number is left before it looks anything
 * up.  Also -EMFILE. */
int sys_open_path(struct path_arg *, uint64_t dirfd, va_t upath) MUST_CHECK;

/* Flags of open(2) that are kept: what is not known is forgotten, and O_SYNC holds
 * O_DSYNC, whoever says only the half of it. */
#define OPEN_KNOWN (O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | \
    O_NONBLOCK | O_SYNC | O_ASYNC | O_DIRECT | O_LARGEFILE | O_NOFOLLOW | \
    O_NOATIME | O_CLOEXEC | O_PATH | O_TMPFILE)
unsigned sys_open_flags(unsigned flags);

/* The moment ms from now, for fs_poll(), epoll_wait(); an int, less than 0: never, and 0
 * for 0: do not wait. */
uint64_t sys_ms_deadline(uint64_t ms);

static inline enum fd_at_exec
sys_at_exec(unsigned flags)
{
	return (flags & O_CLOEXEC) != 0 ? FD_CLOSES : FD_STAYS;
}
/* A descriptor for f, or f is put.  The number, -EMFILE, -ENOMEM. */
int64_t sys_install(struct file *, int min, enum fd_at_exec);
/* The same for both or none, and both numbers go to `out`.  0, also -EFAULT. */
int64_t sys_install_two(struct file *const f[2], enum fd_at_exec, va_t out);

/* The file of a descriptor with a reference; NULL: closed, or O_PATH, which is as good. */
struct file *sys_open_file(uint64_t fd);

/* A vector of n buffers, and how many bytes they have: sys_iov_free(). */
int sys_iov_copyin(va_t uvec, int n, struct uio_vec **out, size_t *total) MUST_CHECK;
void sys_iov_free(struct uio_vec *, size_t n);

/* Of the four modes of access, three are for something: may it be used so? */
bool sys_file_can(struct file *, unsigned mode);

/* splice(2) between open files; offsets at in_addr and out_addr, or 0. */
int64_t sys_splice_ends(struct splice_call *, va_t in_addr, va_t out_addr);

/* What r is, which one of them has answered: the offsets go back where there is a place
 * for them.  Also -EFAULT. */
int64_t sys_splice_end(const struct splice_call *, int64_t r, va_t in_addr, va_t out_addr);

/* SIGXFSZ, when r is what a call answers that would pass RLIMIT_FSIZE. */
void sys_raise_fsize(int64_t r);

/* sys_owner.c: the commands of fcntl about it, -EINVAL: no such; and O_ASYNC. */
int64_t fcntl_owner(struct file *, int cmd, uint64_t arg);
int sys_set_async(struct file *, int fd, bool on) MUST_CHECK;

/* struct timespec[2] of utimensat and the like. */
struct kts abi_to_kts(const struct abi_timespec *);

#endif
