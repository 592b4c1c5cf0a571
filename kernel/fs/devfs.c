/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * devfs.c: devices by name
 *
 * Problem   A device node is a file with two numbers; opening it must reach
 *           the driver, and bytes must get from the user to a driver that
 *           knows only kernel buffers.
 *
 * Picture   user ⇄ uio ⇄ one page at most ⇄ chr_ops
 *
 * Rules     1. A devtmpfs is a tmpfs of its own, filled from the drivers when it
 *              is mounted; nodes made elsewhere by mknod work the same.
 *           2. /dev/null, zero and full never look at what is written; /dev/zero
 *              reads without a buffer.
 *           3. /dev/mem is mapped, by one object for all; it has no read and write.
 *           4. A stream (terminal) gives what one read of the driver gives.
 *           5. A signal ends a long read or write after a piece: a terminal is
 *              slow, and ^C and ^Z are meant for what it shows.
 *           6. The times of a terminal's node say when it was used; the nodes of
 *              other devices do not record that.
 *
 * Read next dev/dev.h.
 */
#include "fs/fsdat.h"
#include "fs/fsfn.h"
#include "lib/string.h"
#include "mem/mem.h"

#define CHR_PIECE 4096ul
#define MAJOR_MEM 1u            /* null, zero, full, random: a position is
                                   accepted and means nothing */
#define DEVICES_MAX 64
#define PHYSICAL_BYTES (1ul << 32) /* where a PC has its devices */

const struct fstype devfs_type = {
	.name = "devtmpfs", .magic = 0x01021994,
	.mount = tmpfs_mount, .unmount = tmpfs_unmount
};

static const struct file_ops mem_file_ops, stream_file_ops;

/* ---- filling /dev ---- */

struct device_list {
	struct chr_dev *dev[DEVICES_MAX];
	unsigned n;
};

static void
device_collect(void *arg, struct chr_dev *d)
{
	struct device_list *l = arg;

	if (d->name != NULL && l->n < DEVICES_MAX)
		l->dev[l->n++] = d;
}

/* Where the nodes go; the first failure ends it. */
struct filling {
	struct file *dir;
	int r;
};

/* With exactly this mode: the umask would be that of the mounting process. */
static void
make_node(struct filling *f, const char *name, unsigned mode, uint64_t rdev)
{
	const struct path_at at = { .dirf = f->dir, .path = name };
	const struct kattr attr = { .valid = ATTR_MODE, .mode = mode & S_PERM };

	if (f->r == 0)
		f->r = fs_mknod(&at, mode, rdev);
	if (f->r == 0)
		f->r = fs_setattr(&at, &attr);
}

static void
make_link(struct filling *f, const char *target, const char *name)
{
	const struct path_at at = { .dirf = f->dir, .path = name };

	if (f->r == 0)
		f->r = fs_symlink(target, &at);
}

static void
disk_node(void *arg, struct bdev *d)
{
	make_node(arg, d->name, S_IFBLK | 0660, dev_make(d->major, d->minor));
}

/*
 * Nodes for all drivers, and what programs expect besides, in the devtmpfs that
 * is mounted at.  Each mount has nodes of its own; they mean the same.
 *
 * Locks:    none held.
 * Returns:  0, -ENOMEM, and what opening and creating say.
 */
int
devfs_populate(const struct path_at *at)
{
	struct device_list l = { .n = 0 };
	struct filling f;
	unsigned i;

	f.r = fs_open(at, O_RDONLY | O_DIRECTORY, 0, &f.dir);
	if (f.r != 0)
		return f.r;
	chr_walk(device_collect, &l);
	for (i = 0; i < l.n; i++)
		make_node(&f, l.dev[i]->name, S_IFCHR | l.dev[i]->mode,
		    dev_make(l.dev[i]->major, l.dev[i]->minor));
	blk_walk(disk_node, &f);
	make_node(&f, "shm", S_IFDIR | S_ISVTX | 0777, 0);
	make_node(&f, "pts", S_IFDIR | 0755, 0);
	make_link(&f, "/proc/self/fd", "fd");
	make_link(&f, "/proc/self/fd/0", "stdin");
	make_link(&f, "/proc/self/fd/1", "stdout");
	make_link(&f, "/proc/self/fd/2", "stderr");
	file_put(f.dir);
	return f.r;
}

/* ---- /dev/mem ---- */

static struct vmo *physical;    /* [c] */

static void
physical_ident(void *client, struct vmo_ident *id)
{
	(void)snprintf(id->path, id->room, "/dev/mem");
}

/*
 * The object of /dev/mem.
 *
 * Context:  boot, at fs_init(); panics without memory.
 */
void
devfs_init(void)
{
	static const struct vmo_client_ops ops = { .ident = physical_ident };

	physical = vmo_create_device(0, PHYSICAL_BYTES, &ops, NULL);
	if (physical == NULL)
		panic("devfs: no memory");
}

/* ---- open device files ---- */

static struct chr_dev *
dev_of(const struct file *f)
{
	return f->priv;
}

/*
 * Opening a character device.
 *
 * Returns:  0, -ENXIO (no driver), -EPERM (/dev/mem, and the text of /dev/kmsg, are
 *           root's, whatever the mode of the node), and what the driver says.
 */
int
devfs_opened(struct vnode *v, struct file *f, unsigned flags)
{
	uint32_t major = dev_major(v->rdev);
	struct chr_dev *d = chr_find(major, dev_minor(v->rdev));
	int r = 0;

	if (d == NULL)
		return -ENXIO;
	if (d->is_physical && !fs_may(CAP_SYS_RAWIO))
		return -EPERM;
	if (d->ops->open != NULL)
		r = d->ops->open(&d, dev_minor(v->rdev), flags);
	if (r != 0)
		return r;
	f->priv = d;
	if (d->is_log)
		return kmsg_opened(f, flags);
	f->ops = major == MAJOR_MEM ? &mem_file_ops : &stream_file_ops;
	if (d->takes == TAKES_NOTHING)
		f->knows = KNOWS_READ_FLAGS;
	else if (d->takes == TAKES_ALL || d->is_endless)
		f->knows = KNOWS_NOWAIT;
	return 0;
}

static void
chr_close(struct file *f)
{
	struct chr_dev *d = dev_of(f);

	if (d->ops->close != NULL)
		d->ops->close(d->dev);
}

/* n bytes were moved, or an error: rule 6. */
static ssize_t
was_used(struct file *f, unsigned which, ssize_t n)
{
	if (n > 0 && f->ops == &stream_file_ops)
		vn_touch_terminal(f->vn, which);
	return n;
}

/* One piece from the driver to the user.  Bytes, 0, -errno. */
static ssize_t
read_piece(struct file *f, void *buf, struct uio *u)
{
	struct chr_dev *d = dev_of(f);
	ssize_t n;

	n = d->ops->read(d->dev, buf, MIN(u->left, CHR_PIECE),
	    (f->flags & O_NONBLOCK) != 0);
	return n > 0 ? uio_put(u, buf, (size_t)n) : n;
}

/* /dev/zero, a page at a time: rules 2 and 5. */
static ssize_t
read_zeros(struct uio *u)
{
	ssize_t done = 0, n, want;

	do {
		want = (ssize_t)MIN(u->left, PAGE_SIZE);
		n = uio_zero(u, (size_t)want);
		done += MAX(n, 0);
	} while (n == want && u->left > 0 && thread_current()->pending == 0);
	return done > 0 ? done : n;
}

static ssize_t
chr_read(struct file *f, uint64_t *off, struct uio *u)
{
	struct chr_dev *d = dev_of(f);
	ssize_t done = 0, n, want;
	void *buf;

	if (d->is_zero)
		return read_zeros(u);
	if (d->ops->read == NULL)
		return -EINVAL;
	buf = kmem_alloc(MIN(u->left, CHR_PIECE));
	if (buf == NULL)
		return -ENOMEM;
	do {
		want = (ssize_t)MIN(u->left, CHR_PIECE);
		n = read_piece(f, buf, u);
		done += n > 0 ? n : 0;
	} while (f->ops == &mem_file_ops && n == want && u->left > 0 &&
	    thread_current()->pending == 0);
	kmem_free(buf);
	return was_used(f, VN_ATIME, done > 0 ? done : n);
}

/* n bytes of buf to the driver, all of them unless it fails. */
static ssize_t
write_piece(struct file *f, const char *buf, size_t n)
{
	struct chr_dev *d = dev_of(f);
	size_t done = 0;
	ssize_t r = 0;

	do {
		r = d->ops->write(d->dev, buf + done, n - done,
		    (f->flags & O_NONBLOCK) != 0);
		done += (size_t)MAX(r, 0);
	} while (r > 0 && done < n);
	return done > 0 ? (ssize_t)done : r;
}

/* /dev/null: rule 2. */
static ssize_t
swallow(struct uio *u)
{
	size_t n = u->left;

	u->done += n;
	u->left = 0;
	return (ssize_t)n;
}

/*
 * The user's bytes go to the driver, a piece at a time: rule 2.
 *
 * Returns:  bytes, -ENOMEM, -ENOSPC, -EINVAL: it takes none, -EFAULT.
 */
ssize_t
chr_write(struct file *f, uint64_t *off, struct uio *u)
{
	struct chr_dev *d = dev_of(f);
	ssize_t done = 0, want, got, n = 0;
	void *buf;

	if (d->takes == TAKES_ALL)
		return swallow(u);
	if (d->takes == TAKES_NOTHING)
		return -ENOSPC;
	if (d->ops->write == NULL)
		return u->left == 0 ? 0 : -EINVAL;
	buf = kmem_alloc(MIN(u->left + 1, CHR_PIECE));
	if (buf == NULL)
		return -ENOMEM;
	do {
		want = (ssize_t)MIN(u->left, CHR_PIECE);
		got = uio_get(u, buf, (size_t)want);
		if (got < want && f->ops != &mem_file_ops)
			got = -EFAULT; /* a terminal, a log take a piece, or nothing */
		/* A write of 0 bytes also gets the error of a hung-up terminal. */
		n = write_piece(f, buf, (size_t)MAX(got, 0));
		n = n == 0 ? got : n;
		done += n > 0 ? n : 0;
	} while (n == got && n > 0 && u->left > 0 && thread_current()->pending == 0);
	kmem_free(buf);
	return was_used(f, VN_MTIME, done > 0 ? done : n);
}

static unsigned
chr_poll(struct file *f, struct ready **at)
{
	struct chr_dev *d = dev_of(f);

	return d->ops->poll != NULL ? d->ops->poll(d->dev, at) :
	    POLL_RD | POLL_WR;
}

static int64_t
chr_ioctl(struct file *f, unsigned cmd, uint64_t arg)
{
	struct chr_dev *d = dev_of(f);

	return d->ops->ioctl != NULL ? d->ops->ioctl(d->dev, cmd, arg) : -ENOTTY;
}

static struct vmo *
chr_vmo(struct file *f)
{
	struct chr_dev *d = dev_of(f);

	return d->is_physical ? physical : NULL;
}

static const struct file_ops mem_file_ops = {
	.seek = SEEKS_IGNORED,
	.writes_nothing = true,
	.read = chr_read,
	.write = chr_write,
	.poll = chr_poll,
	.ioctl = chr_ioctl,
	.vmo = chr_vmo,
	.close = chr_close,
};

/* The character device of f; NULL: it is none. */
struct chr_dev *
devfs_device(const struct file *f)
{
	return f->ops == &stream_file_ops || f->ops == &mem_file_ops ||
	       f->ops == &kmsg_file_ops ? dev_of(f) : NULL;
}

static const struct file_ops stream_file_ops = {
	.seek = SEEKS_NEVER,
	.writes_nothing = true,
	.read = chr_read,
	.write = chr_write,
	.poll = chr_poll,
	.ioctl = chr_ioctl,
	.close = chr_close,
};
