/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fsdat.h: vnode, mount, open file: every field and its lock
 *
 * Problem   Names, files and open files are three things: a file may have many
 *           names or none, and be open many times.
 *
 * Picture   descriptor → struct file → struct vnode → struct vmo (bytes)
 *                          position      attributes
 *           path → namei.c → vnode; a directory's entries are the business of
 *           its file system (vnode_ops), reached under its mount's tree lock.
 *
 * Lock order (all sleeping ones have LR_VNODE and nest in this order only):
 *           mount->tree → vnode->lock → file->pos_lock
 *           mounts.mutex → mount->tree, in mount and umount; alone, where a
 *           lookup waits for the end of a umount.
 *           epolls.mutex → epoll->lock (of one that is watched: below that of
 *           its watcher) → pipe->lock → asyncs.sending; see event/epoll.c, async.c.
 *           Two pipes: the one at the lower address first.
 *           Alone, never with one of these: fsctx->lock.
 *           Alone also the mutex of a file's locks (flock.c); under it the
 *           spin lock of the waiting owners.
 *           Spin, LR_LEAF, never two at once: vnode->attr_lock, names_lock.
 *           Only one tree lock, and only one vnode lock, at a time.
 *
 * Tags      [c] constant after construction  [A] atomic
 *           [T] mount->tree                  [V] vnode->lock
 *           [L] vnode->attr_lock             [N] names_lock of vnode.c
 *           [Q] file->pos_lock               [K] pipe->lock
 *           [R] ready_lock of kern/ready.c
 *
 * Read next vnode.c, namei.c, file.c.
 */
#ifndef FS_FSDAT_H
#define FS_FSDAT_H

#include "fs/fscall.h"
#include "lib/list.h"

/* [own] A component: a piece of some string, not terminated. */
struct name {
	const char *s;
	size_t len;
};

struct vnode;
struct vnode_locks;            /* of flock.c */
struct async;                  /* of async.c */
struct mount;

/* [own] The new file of a create. */
struct vn_new {
	struct name name;     /* len 0: a file without a name (O_TMPFILE) */
	uint32_t mode;        /* S_IFMT and permission bits */
	uint32_t uid, gid;
	uint64_t rdev;
	const char *target;   /* of a symbolic link */
};

/* [own] One rename, both ends checked: dst is NULL or replaceable. */
struct vn_move {
	struct vnode *from_dir, *to_dir, *src, *dst;
	struct name from, to;
	bool exchange;                 /* dst gets the old name */
};

/*
 * The operations of a file system.  A NULL entry: not supported (-EPERM for changes,
 * -ENOTDIR or -EINVAL for queries).  "T" and "V": the lock held, w for writing.
 */
struct vnode_ops {
	/* T: the child with a reference, or -ENOENT. */
	int (*lookup)(struct vnode *dir, const struct name *, struct vnode **out);
	/* Tw: a new child with a reference; -EEXIST, -ENOSPC, -ENOMEM. */
	int (*create)(struct vnode *dir, const struct vn_new *, struct vnode **out);
	int (*link)(struct vnode *dir, const struct name *, struct vnode *); /* Tw */
	/* Tw: -ENOTEMPTY for a directory that is not empty. */
	int (*remove)(struct vnode *dir, const struct name *, struct vnode *);
	int (*rename)(const struct vn_move *);                        /* Tw */
	/* T: emit entries from position *pos on; advance it. */
	int (*readdir)(struct vnode *dir, uint64_t *pos, struct dirsink *);
	/* No lock: length; the text is constant. */
	ssize_t (*readlink)(struct vnode *, char *buf, size_t cap);
	/* No lock: a link that leads to a file, not to a name (/proc/self/fd/1). */
	int (*jump)(struct vnode *, struct vnode **out);
	/* Vw: change the size; reserve: how many of n bytes at off have blocks. */
	int (*resize)(struct vnode *, uint64_t bytes);
	uint64_t (*reserve)(struct vnode *, uint64_t off, uint64_t n);
	/* No lock: a file is opened; may set file->priv. */
	int (*opened)(struct vnode *, struct file *);
	/* No lock: the last reference is gone. */
	void (*inactive)(struct vnode *);
};

/* The meaning of the position of an open file. */
enum file_seek {
	SEEKS_NEVER,    /* a stream: lseek, pread give -ESPIPE */
	SEEKS_STAYS,    /* pread gives -ESPIPE, lseek 0: eventfd */
	SEEKS_IGNORED,  /* accepted, always 0: /dev/zero */
	SEEKS_POSITION  /* read and write run under pos_lock */
};

/*
 * The operations of an open file; files with a vmo and directories have none.  off
 * is the position (SEEKS_POSITION), else ignored.
 */
struct file_ops {
	enum file_seek seek;
	bool writes_alone;                /* write: without lock and position */
	bool reads_alone;                 /* read: one at a time, without pos_lock */
	bool writes_nothing;              /* write(2) of 0 bytes asks write, too */
	bool reads_nothing;               /* the same of read(2) */
	bool one_way;                     /* who cannot read hears of no POLLIN, … */
	const char *name;                 /* of a file without a place: "[eventfd]" */
	ssize_t (*read)(struct file *, uint64_t *off, struct uio *);
	ssize_t (*write)(struct file *, uint64_t *off, struct uio *);
	unsigned (*poll)(struct file *, struct ready **at);
	int64_t (*ioctl)(struct file *, unsigned cmd, uint64_t arg);
	int64_t (*seek_to)(struct file *, int64_t off, int whence); /* NULL: 0 */
	uint64_t (*size)(struct file *);  /* NULL: lseek knows no end */
	int (*sync)(struct file *);       /* NULL: fsync gives -EINVAL */
	struct vmo *(*vmo)(struct file *); /* to map; NULL: the vnode's */
	void (*show)(struct file *, struct out *); /* for fdinfo; NULL: no more */
	void (*close)(struct file *);
};

/*
 * A file, directory, link, device or pipe.  Typical life: create or lookup
 * (ref 1) → named by its directory (ref 2) → opened, closed → removed →
 * vn_put of the last reference → inactive.
 */
struct vnode {
	const struct vnode_ops *ops;   /* [c] */
	const struct file_ops *fops;   /* [c] NULL: file with vmo, directory */
	struct mount *mnt;             /* [c] */
	uint64_t ino;                  /* [c] */
	uint64_t rdev;                 /* [c] devices */
	uint32_t type;                 /* [c] S_IFMT bits */
	uint32_t refs;                 /* [A] */
	int32_t writers;               /* [A] > 0 open for writing, < 0 executing */
	uint32_t nlink;                /* [T] names; 0: deleted */
	struct rwlock lock;            /* [c] guards data and size */
	struct vmo *vmo;               /* [c] bytes of a regular file; its size [V] */
	uint64_t link_bytes;           /* [c] length of a link's text; [T] of a directory */
	struct spinlock attr_lock;     /* [c] */
	uint32_t perm, uid, gid;       /* [L] */
	struct kts atime, mtime, ctime; /* [L] */
	_Atomic uint64_t rests_ns;     /* [A] relatime: until then reads leave atime */
	struct kts btime;              /* [L] all 0: not known */
	struct vnode *parent;          /* [N] referenced; NULL: root or nameless */
	char *name;                    /* [N] in parent; NULL as above */
	struct mount *mounted;         /* [N] here is another mount's root */
	void *priv;                    /* [c] of the file system, by type */
	struct ext2_inode *inode;      /* [c] ext2's half, or NULL */
	uint64_t sectors;              /* [A] of 512 bytes, on a disk */
	struct vnode_locks *locks;     /* [A] record locks and flock; NULL: never any */
	bool nameless;                 /* [T] O_TMPFILE: a first link is allowed */
	_Atomic uint32_t fsflags;      /* [A] FS_*_FL, as chattr(1) sets them */
	bool swapped_to;               /* [V] its blocks are a swap area: they stay */
	bool memfd;                    /* [c] who writes it may run it, too */
	bool sealable;                 /* [c] file of tmpfs: has seals */
	uint32_t seals;                /* [V] F_SEAL_* */
	bool marked;                   /* [T] counted by unmount */
};

/* A file system and the place where it is mounted. */
struct mount {
	const struct fstype *type;     /* [c] */
	struct rwlock tree;            /* [c] guards all names in it */
	struct vnode *root;            /* [c] referenced */
	struct vnode *covered;         /* [N] referenced; NULL: the first root */
	bool ending;                   /* [N] umount looks: nobody may enter */
	struct list_node all;          /* [N] */
	uint64_t dev;                  /* [c] st_dev */
	uint32_t id;                   /* [c] in mountinfo */
	unsigned flags;                /* [A] MS_* */
	uint32_t writers;              /* [A] regular files open for writing */
	bool settling;                 /* [A] is it to be read-only?  It is being looked */
	uint64_t next_ino;             /* [A] */
	uint64_t vnodes, max_vnodes;   /* [A] max 0: no limit */
	uint64_t links;                /* [T] read without: a file's names but one */
	struct vmo_quota *quota;       /* [c] pages of a file system in memory, or NULL */
	uint32_t root_mode;            /* [c] permission bits of the root, … */
	uint32_t root_uid, root_gid;   /* [c] … and its owner, in memory */
	uint32_t block;                /* [c] st_blksize; 0: a page */
	uint64_t max_bytes;            /* [c] of a file; 0: FILE_MAX_BYTES */
	char *source;                  /* [c] owned */
	void *fs;                      /* [c] of the file system, or NULL */
};

/* [c] One kind of file system. */
struct fstype {
	const char *name;
	bool takes_direct;             /* its files: direct.c */
	bool on_demand;                /* lookup makes vnodes: no tree lock */
	uint64_t magic;                /* statfs f_type */
	uint32_t flags_kept;           /* FS_*_FL that programs may set; 0: it has none */
	const struct vnode_ops *vnodes; /* NULL: not one and the same for all */
	/* No lock: how many links v has; NULL: nlink. */
	uint32_t (*links)(const struct vnode *v);
	/* NULL: the words of mountopts.c.  mount(2)'s data.  0, -EINVAL. */
	int (*options)(struct mount *, const char *data);
	/* Make root; the mount is private yet.  0, -errno. */
	int (*mount)(struct mount *);
	/* Drop all names; -EBUSY when something is in use. */
	int (*unmount)(struct mount *);
	/* This and those that follow: NULL without a disk.  No lock: write the dirty
	 * data of v, or of all files (v NULL), to the disk.  0, -EIO. */
	int (*sync)(struct mount *, struct vnode *v);
	/* Vw: give all of v's page idx blocks on the disk.  0, -ENOSPC … */
	int (*allocate)(struct vnode *, uint64_t idx);
	void (*statfs)(struct mount *, struct kstatfs *);
	/* No lock: MS_RDONLY will be as in flags.  0, -EBUSY, -EROFS … */
	int (*remount)(struct mount *, unsigned flags);
	/* No lock: where v's pages from idx on lie on the disk, at most max of
	 * them.  0, -EINVAL (a hole), -EAGAIN (page idx is in pieces), -EIO … */
	int (*place)(struct vnode *, uint64_t idx, uint64_t max,
	    struct swap_run *);
	/* No lock, does not sleep: *t becomes a time that v can keep. */
	void (*time_fit)(const struct vnode *v, struct kts *t);
	/* No lock: a file without names may have lost its last user. */
	void (*reap)(struct mount *);
	/* The machine goes down: write all, then only read. */
	void (*shutdown)(struct mount *);
};

#define MS_RDONLY 1u
#define MS_NOSUID 2u
#define MS_NODEV 4u
#define MS_NOEXEC 8u
#define MS_SYNCHRONOUS 16u
#define MS_REMOUNT 32u
#define MS_DIRSYNC 128u
#define MS_NOSYMFOLLOW 256u
#define MS_NOATIME 1024u
#define MS_NODIRATIME 2048u
#define MS_BIND 4096u
#define MS_MOVE 8192u
#define MS_REC 0x4000u
#define MS_SILENT 0x8000u
#define MS_UNBINDABLE 0x20000u
#define MS_PRIVATE 0x40000u
#define MS_SLAVE 0x80000u
#define MS_SHARED 0x100000u
#define MS_PROPAGATION (MS_UNBINDABLE | MS_PRIVATE | MS_SLAVE | MS_SHARED)
#define MS_MAGIC 0xc0ed0000u       /* what old programs put above 16 flags */
#define MS_MAGIC_MASK 0xffff0000u
#define MS_RELATIME 0x200000u      /* neither this nor NOATIME: strictly */
#define MS_STRICTATIME 0x1000000u  /* asked for, never kept */

/* An open file. */
struct file {
	uint32_t refs;                 /* [A] */
	uint32_t flags;                /* [A] O_*; access mode is constant */
	const struct file_ops *ops;    /* [c] NULL: regular, directory, O_PATH */
	struct vnode *vn;              /* [c] referenced */
	struct mutex pos_lock;         /* [c] */
	uint64_t pos;                  /* [Q] */
	struct async *async;           /* [A] whom it signals; NULL: never asked */
	enum file_knows knows;         /* [c] of the flags of one call */
	bool alone;                    /* [A] see file_alone_begin() */
	void *priv;                    /* [c] text of /proc, device, pipe */
	struct list items;             /* [R] of epolls that watch it */
};

/* The largest offset of a file: an object has no page behind it. */
#define FILE_MAX_BYTES (VMO_MAX_PAGES << PAGE_SHIFT)

#endif
