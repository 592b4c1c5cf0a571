/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fscall.h: the second door of fs/: one function per kind of file call
 *
 * Offers    the calls for sys/sys_file.c, sys_path.c and sys_poll.c; exec
 *           and the rest of the kernel need fs.h only.
 * Needs     vm/, dev/, kern/.
 * Sleeps?   Yes.
 * In interrupts?  Never.
 *
 * All return 0 or a count, or the negative error number that Linux documents.
 */
#ifndef FS_FSCALL_H
#define FS_FSCALL_H

#include "fs/fs.h"
#include "fs/fsflags.h"

/* A moment, since 1970. */
struct kts {
	int64_t sec;
	uint32_t nsec;
};

struct kstat {
	uint64_t dev, ino, rdev, size, blocks; /* blocks of 512 bytes */
	uint32_t mode, nlink, uid, gid, blksize;
	uint32_t mount;      /* as in mountinfo */
	struct kts atime, mtime, ctime, btime;
	bool is_root;        /* of a mount */
	uint32_t fsflags, fsflags_kept; /* FS_*_FL, and which there can be */
};

struct kstatfs {
	uint64_t type, bsize, blocks, bfree, bavail, files, ffree, fsid;
	uint64_t namelen, flags;
};

/* A path as given to a system call. */
struct path_at {
	struct file *dirf;   /* where a relative path starts, NULL: cwd */
	const char *path;    /* kernel copy, NUL-terminated */
	unsigned flags;      /* AT_* */
	unsigned resolve;    /* RESOLVE_* */
	int error;           /* of dirf or path: told when the walk would begin; or 0 */
};

/* Which attributes to change; ATTR_NOW_*: the time is the kernel's. */
enum attr_bits {
	ATTR_MODE = 1, ATTR_UID = 2, ATTR_GID = 4, ATTR_SIZE = 8,
	ATTR_ATIME = 16, ATTR_MTIME = 32, ATTR_NOW_A = 64, ATTR_NOW_M = 128,
	ATTR_CHOWN = 256 /* of chown, whichever of the two ids it gives, or none */
};
struct kattr {
	unsigned valid;      /* ATTR_* */
	uint32_t mode, uid, gid;
	uint64_t size;
	struct kts atime, mtime;
};

/* ---- open.c ---- */
int fs_open_check(unsigned flags) MUST_CHECK;
int fs_open(const struct path_at *, unsigned flags, unsigned mode,
    struct file **out) MUST_CHECK;

/* ---- memfd.c ---- */
enum memfd_seal { MEMFD_SEALED, MEMFD_SEALABLE };
int fs_memfd(const char *name, enum memfd_seal, struct file **out) MUST_CHECK;
int file_seals(struct file *);
int file_add_seals(struct file *, unsigned seals) MUST_CHECK;

/* ---- attr.c ---- */
int fs_stat(const struct path_at *, struct kstat *) MUST_CHECK;
int file_stat(struct file *, struct kstat *) MUST_CHECK;
int fs_access(const struct path_at *, unsigned want) MUST_CHECK;
int fs_setattr(const struct path_at *, const struct kattr *) MUST_CHECK;
int file_setattr(struct file *, const struct kattr *) MUST_CHECK;
int file_fsflags(struct file *, uint32_t *flags) MUST_CHECK; /* FS_*_FL */
int file_set_fsflags(struct file *, uint32_t flags) MUST_CHECK;
int fs_statfs(const struct path_at *, struct kstatfs *) MUST_CHECK;
int file_statfs(struct file *, struct kstatfs *) MUST_CHECK;
struct kts kts_now(void);

/* ---- names.c ---- */
int fs_mknod(const struct path_at *, unsigned mode, uint64_t rdev) MUST_CHECK;
int fs_symlink(const char *target, const struct path_at *) MUST_CHECK;
int fs_unlink(const struct path_at *) MUST_CHECK;    /* AT_REMOVEDIR: rmdir */
int fs_link(const struct path_at *from, const struct path_at *to) MUST_CHECK;
int fs_rename(const struct path_at *from, const struct path_at *to,
    unsigned flags) MUST_CHECK;
ssize_t fs_readlink(const struct path_at *, char *buf, size_t cap);

/* ---- fsctx.c, chdir.c: where the current thread stands ---- */
int fs_chdir(const struct path_at *) MUST_CHECK;
int fs_chroot(const struct path_at *) MUST_CHECK;
ssize_t fs_getcwd(char *buf, size_t cap);            /* length without NUL */
unsigned fs_umask(unsigned mask);                    /* returns the old one */
const struct cred *fs_cred(void);
bool fs_may(enum cap);                               /* its rights allow that */

/* ---- mountcall.c ---- */
int fs_mount(const char *source, const struct path_at *, const char *type,
    unsigned flags, const char *data) MUST_CHECK;
int fs_umount(const struct path_at *) MUST_CHECK;

/* ---- swapfile.c ---- */
int fs_swapon(const struct path_at *, unsigned flags) MUST_CHECK; /* SWAP_FLAG_* */
int fs_swapoff(const struct path_at *) MUST_CHECK;

/* ---- file.c: fmode of each was checked; -EBADF else ---- */
/* Which flags of preadv2 and pwritev2 a file obeys: Linux's files differ in that. */
enum file_knows {
	KNOWS_FLAGS,         /* those of syncing and appending */
	KNOWS_NOWAIT,        /* these and RWF_NOWAIT */
	KNOWS_READ_NOWAIT,   /* as NOWAIT, in reads; writes take no vector and no flag */
	KNOWS_READ_FLAGS,    /* as FLAGS, in reads */
	KNOWS_HINTS          /* none, and no vector: each buffer is a call of its own */
};
ssize_t file_read(struct file *, struct uio *);      /* at the position */
ssize_t file_write(struct file *, struct uio *);
ssize_t file_pread(struct file *, uint64_t off, struct uio *);
ssize_t file_pwrite(struct file *, uint64_t off, struct uio *);
/* At *off, NULL: the position; flags: O_APPEND, O_DSYNC for this call alone. */
ssize_t file_write_as(struct file *, const uint64_t *off, struct uio *, unsigned flags);
int64_t file_lseek(struct file *, int64_t off, int whence);
uint64_t file_position(const struct file *); /* just now */
int64_t file_ioctl(struct file *, unsigned cmd, uint64_t arg);
/* POLL* that hold; *at: the list of their watches, NULL: they never change. */
unsigned file_poll(struct file *, struct ready **at);
bool file_can_wait(const struct file *);             /* is it ever not ready? */
void file_set_flags(struct file *, unsigned flags);  /* F_SETFL */
bool file_takes_direct(const struct file *);         /* direct.c */
int file_sync(struct file *) MUST_CHECK;
int fs_sync(struct file *);               /* NULL: all; else its mount */
int file_fallocate(struct file *, unsigned mode, uint64_t off, uint64_t len)
    MUST_CHECK;
bool file_is_path(struct file *);                    /* opened O_PATH */
bool file_is_seekable(struct file *);
enum file_knows file_knows(const struct file *);
bool file_has_read(const struct file *);
bool file_has_write(const struct file *);
bool file_same_mount(const struct file *, const struct file *);

/* ---- async.c: a signal when a file becomes ready ---- */
enum file_owner_kind { OWNER_THREAD, OWNER_PROCESS, OWNER_GROUP };
struct file_owner {
	enum file_owner_kind kind;
	int id;              /* 0: nobody */
	uint64_t who;        /* had the number then, as proc/ knows it */
	uint32_t uid, euid;  /* of who made him that */
	int signo;           /* 0: SIGIO */
	int fd;              /* as the file is told to him */
};
typedef void async_send_fn(const struct file_owner *, unsigned told);
void fs_set_async_fn(async_send_fn *);
void file_owner(struct file *, struct file_owner *out);
int file_set_owner(struct file *, const struct file_owner *) MUST_CHECK;
int file_set_signal(struct file *, int signo) MUST_CHECK;
int file_set_async(struct file *, int fd, bool on) MUST_CHECK; /* fileinfo.c */

/* ---- splice.c, pipesplice.c ---- */
/* splice(2), with a pipe at one end; sendfile(2), copy_file_range(2). */
struct splice_call {
	struct file *in, *out;
	uint64_t *in_off, *out_off; /* NULL: the position */
	size_t n;
	bool nowait;                /* for bytes or room in a pipe */
	bool sends;                 /* sendfile(2): bytes of a pipe are not sent */
	int end;                    /* the error that ended it, also behind some bytes; 0 */
};
ssize_t file_splice_pipes(struct splice_call *);
ssize_t file_splice(struct splice_call *); /* fileinfo.c: without a pipe */
enum pipe_way { PIPE_MOVES, PIPE_COPIES };
ssize_t pipe_move(struct file *in, struct file *out, size_t n, bool nowait,
    enum pipe_way);
ssize_t pipe_put_pages(struct file *, struct uio *); /* vmsplice(2): -EBADF: no pipe */
ssize_t pipe_get_pages(struct file *, struct uio *);

/* Registered by sys/: RLIMIT_FSIZE of the current process. */
void fs_set_fsize_fn(uint64_t (*)(void));
/* Registered by sys/: a write has found a pipe without readers, SIGPIPE. */
void fs_set_no_reader_fn(void (*)(void));

/* Directory entries, one call each; nonzero from emit ends the walk. */
struct dirsink_entry {
	const char *name;
	size_t len;
	uint64_t ino, next;  /* position behind this entry */
	uint32_t mode;       /* S_IFMT bits */
};
struct dirsink {
	int (*emit)(struct dirsink *, const struct dirsink_entry *);
};
int file_readdir(struct file *, struct dirsink *) MUST_CHECK;

/* ---- procpid.c ---- */
int fs_pid_of(const struct file *, uint64_t *born);  /* of a directory /proc/PID; -1 */

/* ---- devpts.c ---- */
int fs_pty_number(struct file *);
int fs_tty_front(struct file *);
int fs_pty_peer(struct file *master, unsigned flags, struct file **out) MUST_CHECK;

/* ---- pipe.c ---- */
int pipe_create(unsigned flags, struct file **rd, struct file **wr) MUST_CHECK;
int64_t pipe_size(struct file *);                    /* -EBADF: no pipe */
int64_t pipe_set_size(struct file *, uint64_t bytes);

/* ---- flock.c: locks on files ---- */
struct krange {              /* a record lock, [start, end) */
	uint64_t start, end; /* end UINT64_MAX: to the end of the file */
	bool exclusive;
	int pid;             /* of the holder, for F_GETLK */
};
enum lock_wait { LOCK_NOWAIT, LOCK_WAIT };
/* owner: the file for flock and OFD locks, the descriptor table for POSIX. */
int file_lock_range(struct file *, const void *owner, const struct krange *,
    enum lock_wait) MUST_CHECK;
int file_unlock_range(struct file *, const void *owner, uint64_t start,
    uint64_t end) MUST_CHECK;
/* The first lock in the way, true; *k is changed only then. */
bool file_test_range(struct file *, const void *owner, struct krange *k);
bool flock_is_op(int op);
int file_flock(struct file *, int op) MUST_CHECK;
void file_unlock_owner(struct file *, const void *owner); /* at close */

/* ---- poll.c ---- */
struct poll_req {
	struct file *file;   /* NULL: answers nothing */
	unsigned events, revents;
};
/* How many answered, 0 at the deadline, -EINTR, -ENOMEM. */
int fs_poll(struct poll_req *, unsigned n, uint64_t deadline_ns) MUST_CHECK;

/* ---- event/: files that say that something has happened; flags: O_NONBLOCK ---- */
/* As programs lay it out. */
struct epoll_event {
	uint32_t events;     /* POLL*, EPOLL* */
	uint64_t data;
} __attribute__((packed));
enum epoll_op { EPOLL_CTL_ADD = 1, EPOLL_CTL_DEL, EPOLL_CTL_MOD };
int epoll_create(struct file **out) MUST_CHECK;
bool file_is_epoll(const struct file *);
int epoll_ctl(struct file *epoll, int op, struct file *f, int fd,
    const struct epoll_event *) MUST_CHECK;
int epoll_wait(struct file *epoll, va_t to, int max, uint64_t deadline) MUST_CHECK;

enum eventfd_kind { EVENTFD_COUNTER, EVENTFD_SEMAPHORE };
int eventfd_create(uint64_t count, enum eventfd_kind, unsigned flags,
    struct file **out) MUST_CHECK;

/* Moments of md_time_ns(). */
int timerfd_create(int clock, unsigned flags, struct file **out) MUST_CHECK;
int timerfd_clock(const struct file *); /* -EINVAL: it is none */
void timerfd_set(struct file *, const struct itimer *new, unsigned how,
    struct itimer *left);

#endif
