/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fsfn.h: functions of fs/ for fs/, one block per file in reading order
 */
#ifndef FS_FSFN_H
#define FS_FSFN_H

#include "fs/fsdat.h"

/* ---- vnode.c: life and names ---- */
struct vnode *vn_alloc(struct mount *, const struct vnode_ops *, uint32_t mode);
bool mount_is_full(const struct mount *, uint64_t n);
void vn_get(struct vnode *);
void vn_put(struct vnode *);
void vn_put_last(struct vnode *);
void vn_ident(void *client, struct vmo_ident *);
bool vn_hold(void *client);
char *vn_name_dup(const struct name *);
void vn_set_name(struct vnode *, struct vnode *parent, char *name);
void vn_note_name(struct vnode *, struct vnode *parent, const struct name *);
void vn_forget_name(struct vnode *, const struct vnode *dir, const struct name *);
struct vnode *vn_parent(struct vnode *);
bool vn_is_below(const struct vnode *, const struct vnode *top);
ssize_t vn_path_from(struct vnode *, const struct vnode *root, char *buf, size_t cap,
    bool *inside) MUST_CHECK;
ssize_t vn_full_path(struct vnode *, char *buf, size_t cap);
void names_hold(void);
void names_drop(void);

/* ---- vnattr.c ---- */
#define VN_R 4u
#define VN_W 2u
#define VN_X 1u
int vn_permit(struct vnode *, const struct cred *, unsigned want) MUST_CHECK;
bool vn_is_owner(struct vnode *, const struct cred *);
bool cred_in_group(const struct cred *, uint32_t gid);
bool vn_may_setgid(const struct cred *, uint32_t gid);
uint32_t vn_lost_setid(const struct cred *, uint32_t perm, uint32_t gid);
uint32_t vn_mode(struct vnode *);
#define VN_ATIME 1u
#define VN_MTIME 2u
#define VN_CTIME 4u
struct kts vn_time(const struct vnode *, struct kts);
void vn_touch(struct vnode *, unsigned which);
void vn_touch_terminal(struct vnode *, unsigned which);
void vn_stored(void *client); /* a vnode: its mapping was stored to */
bool vn_tells(void *client); /* may the caller know which pages are cached? */

/* ---- writers.c ---- */
int vn_write_begin(struct vnode *) MUST_CHECK;
void vn_write_end(struct vnode *);

/* ---- mount.c ---- */
struct vnode *mount_root(void);
struct vnode *mount_cross(struct vnode *);
struct vnode *mount_above(struct vnode *, const struct vnode *stop);
void mount_statfs(struct mount *, struct kstatfs *);
int mounts_sync(void) MUST_CHECK;
void mount_free(struct mount *);
struct mount *mount_make(const struct fstype *, const char *source,
    unsigned flags);
int mount_attach(struct mount *m, struct vnode *covered) MUST_CHECK;
int mount_remove(uint64_t dev) MUST_CHECK;
void mount_set_root(struct mount *);
void mounts_shutdown(void);
struct mount *mounts_hold_next(uint64_t at);
void mounts_drop(void);

/* ---- mountcall.c ---- */
#define FSTYPES_MAX 8u
void fs_register(const struct fstype *);
const struct fstype *fstype_find(const char *name);
void filesystems_show(struct out *);

/* ---- mounttext.c ---- */
int mounts_next(uint64_t *at, struct out *);
int mountinfo_next(uint64_t *at, struct out *);

/* ---- mountopts.c ---- */
/* The options in mount(2)'s data. */
struct mount_opts {
	uint64_t pages, files;   /* OPT_NONE: nothing; 0: no limit */
	uint32_t mode, uid, gid; /* of the root */
};
#define OPT_NONE UINT64_MAX
int mount_opts_parse(struct mount_opts *, const char *data) MUST_CHECK;
uint32_t octal_parse(const char *);
int mount_limits_set(struct mount *, const struct mount_opts *) MUST_CHECK;
void mount_limits_default(struct mount *);
int mount_remount_data(struct vnode *, unsigned flags, const char *data)
    MUST_CHECK;
void mount_opts_show(struct out *, struct mount *);

/* ---- remount.c ---- */
int mount_write_begin(struct mount *) MUST_CHECK;
void mount_write_end(struct mount *);
void mount_readonly_now(struct mount *);
int mount_remount(struct vnode *, unsigned flags) MUST_CHECK;
unsigned mount_kept_flags(unsigned flags);

/* ---- namei.c ---- */
enum walk_flags {
	WALK_NOFOLLOW = 1,  /* a link as last component is the result */
	WALK_PARENT = 2,    /* the last component may be missing */
	WALK_FORGET = 4,    /* the name will go: not worth remembering */
	WALK_NAME = 8       /* NOFOLLOW, though a slash follows: it is any file; a
	                     * name that is too long is missing, too */
};
enum walk_last { LAST_NAME, LAST_DOT, LAST_DOTDOT, LAST_ROOT, LAST_JUMP };
struct walk {
	const struct cred *cred;  /* set by the caller, NULL: fs_cred() */
	struct vnode *root;       /* referenced; see bounds.c */
	struct vnode *dir;        /* referenced: where last was looked up */
	struct vnode *vn;         /* referenced: the result; NULL: missing */
	struct name last;         /* in rest's string */
	enum walk_last kind;
	bool slash;               /* the path ends in a slash */
	int missing;              /* why vn is NULL: -ENOENT, -ENAMETOOLONG */
	unsigned flags, nlinks;
	unsigned resolve;         /* RESOLVE_* */
	const char *rest;
	char *buf;                /* text of a followed link, or NULL */
};
int walk_path(struct walk *, const struct path_at *, unsigned flags) MUST_CHECK;
void walk_end(struct walk *);
bool name_is(const struct name *, const char *);
bool dir_is_removed(const struct vnode *dir);
int dir_find(struct vnode *dir, const struct name *, struct vnode **out)
    MUST_CHECK;
int dir_find_locked(struct vnode *dir, const struct name *, struct vnode **out)
    MUST_CHECK;

/* ---- bounds.c ---- */
int bounds_begin(struct walk *) MUST_CHECK;
int bounds_to_root(const struct walk *) MUST_CHECK;
int bounds_cross(const struct walk *, const struct vnode *from,
    const struct vnode *to) MUST_CHECK;
int bounds_at_root(const struct walk *) MUST_CHECK;
int bounds_went_up(const struct walk *, const struct vnode *) MUST_CHECK;
int bounds_link(const struct walk *, const struct vnode *to) MUST_CHECK;
int bounds_find(const struct walk *) MUST_CHECK;
int bounds_end(const struct walk *) MUST_CHECK;

/* ---- fsctx.c ---- */
struct vnode *fsctx_root(void);
const struct vnode *fsctx_root_seen(void);
struct vnode *fsctx_cwd(void);
struct vnode *fsctx_exchange(enum fs_place, struct vnode *);

/* ---- names.c ---- */
int names_create(struct walk *, struct vn_new *, struct vnode **out) MUST_CHECK;
int names_make_socket(const struct path_at *, uint32_t mode, struct vnode **out) MUST_CHECK;

/* ---- open.c, file.c ---- */
/* Does a call refuse to wait for bytes, or for room? */
static inline bool
file_refuses(const struct file *f, const struct uio *u)
{
	return (f->flags & O_NONBLOCK) != 0 || u->nowait;
}

static inline bool
file_can_read(const struct file *f)
{
	unsigned acc = f->flags & (O_ACCMODE | O_PATH);

	return acc == O_RDONLY || acc == O_RDWR;
}

static inline bool
file_can_write(const struct file *f)
{
	unsigned acc = f->flags & (O_ACCMODE | O_PATH);

	return acc == O_WRONLY || acc == O_RDWR;
}

extern const struct file_ops pipe_file_ops;

static inline bool
file_is_pipe(const struct file *f)
{
	return f->ops == &pipe_file_ops;
}

void file_set_position(struct file *, uint64_t);
void file_alone_begin(struct file *);
void file_alone_end(struct file *);
int file_alloc(struct file **out) MUST_CHECK;
void file_set_unwatch_fn(void (*)(struct file *));
void files_show_nr(struct out *);
uint64_t files_max(void);
int files_set_max(uint64_t) MUST_CHECK;
void tree_lock_read(struct mount *);
void tree_unlock_read(struct mount *);
int file_start(struct file *, struct vnode *, unsigned flags) MUST_CHECK;
int file_open_vnode(struct vnode *, unsigned flags, struct file **out) MUST_CHECK;
bool vn_is_limited(struct vnode *, uint64_t bytes);
int vn_resize(struct vnode *, uint64_t bytes) MUST_CHECK;
void vn_strip_setid(struct vnode *);
int vn_settle(struct vnode *) MUST_CHECK;
int file_settle(struct file *) MUST_CHECK;
uint64_t file_told_position(const struct file *);
void vn_stat(struct vnode *, struct kstat *);

/* ---- direct.c ---- */
bool vn_takes_direct(const struct vnode *);
int direct_check(uint64_t off, const struct uio *) MUST_CHECK;
ssize_t direct_read(struct vnode *, uint64_t off, struct uio *);
int direct_written(struct vnode *, uint64_t off, ssize_t n) MUST_CHECK;

/* ---- async.c ---- */
extern uint32_t async_due;
void async_init(void);
void async_drop(struct file *);
int async_switch(struct file *, int fd, struct ready *, bool on) MUST_CHECK;
void async_send(void);

/* After a ready_tell(): the signals that are due are sent when it returns.  Locks: none
 * but of rank LR_VNODE.  Context: thread; may sleep. */
static inline void
async_send_due(void)
{
	if (atomic_load_relaxed(&async_due) != 0)
		async_send();
}

/* ---- ranges.c ---- */
int vn_punch(void *client, uint64_t off, uint64_t len) MUST_CHECK;

/* ---- tmpfs.c ---- */
extern const struct fstype tmpfs_type;
int tmpfs_mount(struct mount *) MUST_CHECK;
int tmpfs_unmount(struct mount *) MUST_CHECK;
int dir_emit_dot(struct vnode *dir, uint64_t pos, struct dirsink *) MUST_CHECK;

/* A regular file of m in no directory, which is called name; NULL: no memory. */
struct vnode *tmpfs_nameless(struct mount *m, const char *name);

/* ---- memfd.c ---- */
void memfd_init(void);

/* ---- seal.c; vnode->lock held ---- */
int seal_resize(const struct vnode *, uint64_t bytes) MUST_CHECK;
ssize_t seal_write(const struct vnode *, uint64_t off, uint64_t n) MUST_CHECK;
int seal_change(const struct vnode *) MUST_CHECK;

/* ---- devfs.c ---- */
extern const struct fstype devfs_type;
void devfs_init(void);
int devfs_opened(struct vnode *, struct file *, unsigned flags) MUST_CHECK;
int devfs_populate(const struct path_at *) MUST_CHECK;

struct chr_dev *devfs_device(const struct file *);
ssize_t chr_write(struct file *, uint64_t *off, struct uio *);

/* ---- kmsg.c ---- */
extern const struct file_ops kmsg_file_ops;
void kmsg_init(void);
int kmsg_opened(struct file *, unsigned flags) MUST_CHECK;

/* ---- devpts.c ---- */
extern const struct fstype devpts_type;
void devpts_init(void);

/* ---- blkfile.c: disks as files ---- */
void blkfile_add(void *, struct bdev *);  /* as blk_walk() calls it */
int blkfile_opened(struct vnode *, struct file *) MUST_CHECK;
int blkfile_named(const char *source, struct bdev **) MUST_CHECK;
int blkfile_claim(struct bdev *) MUST_CHECK;
void blkfile_release(struct bdev *);
struct vmo *blkfile_vmo(const struct bdev *);
void blkfile_wrote(const struct bio *);
int blkfiles_sync(void);
void partitions_show(struct out *);

/* ---- procfs.c, procpid.c ---- */
extern const struct fstype procfs_type;
int procpid_self(void);

/* ---- pipe.c ---- */
int pipe_opened(struct vnode *, struct file *) MUST_CHECK;
void pipe_inactive(struct vnode *);
void pipe_init(void);
void fs_signal_no_reader(void);

/* ---- splice.c ---- */
bool file_takes_splice(const struct file *);
ssize_t file_put_at(struct file *, uint64_t *off, void *from, size_t n);
bool splice_is_ended(size_t done, size_t last);

/* ---- pipesplice.c ---- */
int pipe_lend(struct file *, bool nowait, uint8_t **at, size_t *n) MUST_CHECK;
void pipe_give_back(struct file *, size_t n);
int pipe_promise(struct file *, bool nowait, unsigned want) MUST_CHECK;
void pipe_fill(struct file *, uint8_t *page, size_t n);
void pipe_break_promise(struct file *, unsigned n);

/* ---- pipeuser.c: limits of pipes, for /proc/sys/fs ---- */
extern uint64_t pipe_soft, pipe_max_bytes;
int pipe_set_max_bytes(uint64_t) MUST_CHECK;

/* ---- user.c; more is in fs.h ---- */
void user_init(void);
struct user *user_get(void);

/* ---- flock.c ---- */
void flock_init(void);
void flock_vnode_gone(struct vnode *);

#endif
