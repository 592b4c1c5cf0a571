/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fs.h: names and files
 *
 * Offers    path lookup, open files, the file calls that sys/ decodes, what
 *           exec needs, /proc and /dev registration.
 * Needs     vm/, dev/, kern/.
 * Sleeps?   Yes.
 * In interrupts?  Never.
 */
#ifndef FS_FS_H
#define FS_FS_H

#include "dev/dev.h"
#include "lib/errno.h"
#include "vm/objects.h"

struct vnode;
struct file;
struct path_at;
struct kstat;

/* Root's rights one by one, in Linux's numbers: those that this kernel checks. */
enum cap {
	CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER, CAP_FSETID,
	CAP_KILL, CAP_SETGID, CAP_SETUID, CAP_SETPCAP, CAP_LINUX_IMMUTABLE,
	CAP_NET_ADMIN = 12, CAP_NET_RAW, CAP_IPC_LOCK, CAP_IPC_OWNER, CAP_SYS_RAWIO = 17,
	CAP_SYS_CHROOT, CAP_SYS_PTRACE, CAP_SYS_ADMIN = 21, CAP_SYS_BOOT, CAP_SYS_NICE,
	CAP_SYS_RESOURCE, CAP_MKNOD = 27, CAP_SYSLOG = 34, CAP_WAKE_ALARM, CAP_LAST = 40
};
#define CAP_BIT(cap) (1ul << (cap))
#define CAP_ALL (2 * CAP_BIT(CAP_LAST) - 1)

/* Sets of them (capabilities(7)); without gaps, since each process has all five. */
struct caps {
	uint64_t effective : 41, permitted : 41, inheritable : 41, ambient : 41,
	    bounding : 41;
} __attribute__((packed));

/* The credentials of a caller. */
struct cred {
	uint32_t uid, euid, suid, fsuid, gid, egid, sgid, fsgid;
	struct caps caps;
	uint16_t ngroups;
	uint32_t groups[32];
};

static inline bool
cred_may(const struct cred *c, enum cap cap)
{
	return (c->caps.effective & CAP_BIT(cap)) != 0;
}

/* thread->fsctx: from where a path begins; CLONE_FS shares it. */
struct fsctx {
	_Atomic uint32_t refs;   /* [A] threads that share it */
	struct mutex lock;       /* LR_VNODE; guards the rest */
	struct vnode *root, *cwd;
	uint32_t umask;
};

struct fsctx *fsctx_create(void);                /* at the root; NULL: no memory */
struct fsctx *fsctx_copy(struct fsctx *);        /* fork; NULL: no memory */
void fsctx_get(struct fsctx *);
void fsctx_put(struct fsctx *);
/* The root or cwd of c: a directory with a reference, which the walk drops. */
enum fs_place { PLACE_CWD, PLACE_ROOT };
struct vnode *fsctx_place(struct fsctx *c, enum fs_place);
/* Registered by proc/: credentials of the current process. */
void fs_set_cred_fn(const struct cred *(*)(void));

void fs_init(void);                              /* tmpfs root, /dev, /proc */
void ext2_init(void);                            /* ext2/: after fs_init() */
void event_init(void);                           /* event/: the same */
void sock_init(void);                            /* unix/: the same */
/*
 * Make the ext2 file system of a disk ("vda", "/dev/sda1") the first root
 * instead of the initramfs, which is freed; /dev and /proc move along.  No
 * process yet.  0, or an error of mount(2).
 */
int fs_mount_root(const char *dev) MUST_CHECK;
/* The first swap area: a disk by name, no process yet.  0, or an error of swapon(2). */
int fs_swapon_disk(const char *dev) MUST_CHECK;
/* Before the power goes: all disks are written, and only read from then on. */
void fs_shutdown(void);
int initramfs_unpack(const void *cpio, size_t n) MUST_CHECK; /* newc, several in a row */

/* ---- open files (file.c); the descriptor table is proc/fdtab.c ---- */

struct file *file_get(struct file *);
void file_put(struct file *);
static inline void
file_put_any(struct file *f) /* NULL is allowed */
{
	if (f != NULL)
		file_put(f);
}
/* Kernel-side open for exec, init, console: flags O_*.  0 or -errno. */
int file_open_path(const char *path, unsigned flags, unsigned mode, struct file **out) MUST_CHECK;
/* Read at an offset into kernel memory; short at EOF; -errno. */
ssize_t file_pread_kernel(struct file *, uint64_t off, void *buf, size_t n);
struct vmo *file_vmo(struct file *);             /* to map it, no ref; NULL: not mappable */
uint64_t file_size(struct file *);
unsigned file_flags(struct file *);              /* O_* as fcntl F_GETFL */
/* Around map_mmap() of a shared mapping; see seal.c.  0, -EPERM. */
int file_map_begin(struct file *, unsigned prot, unsigned *maxprot) MUST_CHECK;
void file_map_end(struct file *);
void file_touch_mapped(struct file *);           /* mmap has succeeded: st_atime */
bool file_is_zero_device(struct file *);         /* mmap: anonymous memory */

bool file_is_noexec(struct file *);              /* exec, mmap: its mount forbids */
/* exec: is it a regular file with x permission?  0, -EACCES … */
int file_check_exec(struct file *) MUST_CHECK;
/* The same by path, opened to be run: x is needed, r is not (execfile.c). */
int file_open_exec(const struct path_at *, struct file **out) MUST_CHECK;
bool file_may_read(struct file *);               /* exec: by the caller, as it is now */
bool file_is_nosuid(struct file *);              /* exec: its mount ignores set-id bits */
/* While an executable runs: -ETXTBSY for writers.  0 or -ETXTBSY (open for write). */
int file_deny_write(struct file *) MUST_CHECK;
void file_deny_again(struct file *);             /* fork: it is denied */
void file_allow_write(struct file *);
uint32_t file_mode(struct file *);               /* st_mode */
uint32_t file_uid(struct file *);
/* Mode and owner for exec, all three read at one moment. */
struct file_rights {
	uint32_t mode, uid, gid;
};
struct file_rights file_rights(struct file *);
struct vnode *file_vnode(struct file *);         /* what is open, with a reference */
/* Absolute path as the opener's root sees it; " (deleted)" appended.  Length or -ENAMETOOLONG. */
ssize_t file_path(struct file *, char *buf, size_t cap);
ssize_t vnode_path(struct vnode *, char *buf, size_t cap);

/* ---- the descriptor table (proc/fdtab.c) is opaque here ---- */

/* ---- /proc (procfs.c knows names only; others give the text) ---- */

/*
 * A text of a few lines is made as a whole, by show.  One that may be long is made
 * record by record, by next: it prints the record at *at (0: the first) and moves *at
 * behind it.  Returns 1; 0: there is no more record; -errno.
 * If one number cannot say the place, more words follow *at.
 */
struct procfs_row {
	const char *name;                         /* "meminfo", "vm/events" */
	uint32_t mode;                            /* permission bits */
	void (*show)(struct out *);
	int (*write)(const char *text, size_t n); /* NULL: read-only; 0 or -errno */
	int (*next)(uint64_t *at, struct out *);  /* instead of show */
	const char *text;                         /* the same: it never changes */
	/* Instead of show and write: a number, [A] there or returned by get.  set: 0 or
	 * -errno; NULL: it is stored. */
	uint64_t *number;
	uint64_t (*get)(void);
	int (*set)(uint64_t);
	size_t place;                             /* bytes from at on; 0: one number */
};
void procfs_register(const struct procfs_row *rows, unsigned n);

/* Per-process files, registered once by proc/.  A row's pid may be a thread's. */
struct procfs_pid_row {
	const char *name;                         /* "stat", "maps" */
	uint32_t mode;
	bool guarded;                             /* only for whom may_look() lets */
	/* Instead of show: as in a procfs_row.  For a guarded row with the space that pid
	 * had when the file was opened, which may have no user any more; else without a
	 * space. */
	int (*next)(int pid, struct aspace *, uint64_t *at, struct out *);
	/* pid is alive when called or the result is -ESRCH; text goes to out. */
	int (*show)(int pid, struct out *);
	int (*show_alone)(int tid, struct out *);          /* in task; NULL: show */
	int (*readlink)(int pid, char *buf, size_t cap);   /* length; NULL: a file */
	/* Of a link: the vnode itself, with a reference; no name is looked up. */
	int (*jump)(int pid, struct vnode **out);
	int (*write)(int pid, const char *text, size_t n); /* NULL: read-only */
	/* Instead of show: a binary file.  Bytes at off, 0 at the end; -errno.  by_root:
	 * root has opened the file. */
	ssize_t (*pread)(struct aspace *, bool by_root, uint64_t off, struct uio *);
	ssize_t (*pwrite)(struct aspace *, bool by_root, uint64_t off,
	    struct uio *); /* NULL: read-only */
};
struct procfs_pid_ops {
	int (*next)(int after);                   /* next pid > after, or -1 */
	int (*self)(void);
	/* Of a file or directory of that mode. */
	int (*owner)(int pid, uint32_t mode, uint32_t *uid, uint32_t *gid);
	/* when it started: no later process of its number has that; 0: none */
	uint64_t (*born)(int pid);
	/* May the current process see its memory, places, files?  0, -EACCES;
	 * *space (unless NULL): with a reference, or untouched: it has none. */
	int (*may_look)(int pid, struct aspace **space);
	int (*next_task)(int pid, int after);     /* threads; of a zombie, pid */
	unsigned (*count_tasks)(int pid);         /* the same; 0: there is no pid */
	int (*leader)(int tid);                   /* pid of a thread's process; -1: none */
	/* of a thread (its process's leader: pid): next open descriptor >= fd, or -1;
	 * its file with a reference */
	int (*next_fd)(int tid, int fd, struct file **out);
	bool (*closes)(int tid, int fd);          /* a descriptor, at exec */
	const struct procfs_pid_row *rows;
	unsigned nrows;
};
void procfs_set_pids(const struct procfs_pid_ops *);

/* ---- user.c: how much of the kernel's memory a user has ---- */
enum user_use { USE_WATCHES, USE_MESSAGE_BYTES, USE_FLIGHTS, USE_PIPE_PAGES, USE_PTYS,
	USE_SEGMENT_PAGES, USE_SEM_SETS, USE_QUEUES, USE_QUEUE_BYTES, USES };
struct user;
extern uint64_t user_max[USES];
uint64_t user_count(struct user *, enum user_use, int64_t n);
int user_take(enum user_use, uint64_t n, struct user **out) MUST_CHECK;
void user_give(struct user *, enum user_use, uint64_t n);

#endif
