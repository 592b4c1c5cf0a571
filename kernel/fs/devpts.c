/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * devpts.c: /dev/pts, the names of pseudo terminals
 *
 * Problem   A slave needs a name that others can open, an owner and a mode; it
 *           comes with the master and goes with it.
 *
 * Picture   dev/pty.c ─ made() ─→ n; pts.node[n]: the vnode "n" ─ hung(n) ─→ gone
 *                     ─ freed(n) ─→ n is free, its user may have another one
 *
 * Rules     1. There is one devpts, mounted at most once: the numbers are the
 *              machine's.  Without it pairs are made all the same.
 *           2. Nobody makes or removes a name in it by hand.
 *           3. Pairs with an open end count for the user who made them.
 *
 * Lock order: pts.mutex → mount->tree.
 *
 * Read next dev/pty.c, devfs.c.
 */
#include "fs/fsdat.h"
#include "fs/fsfn.h"
#include "lib/string.h"
#include "mem/mem.h"

#define POS_FIRST 3u        /* in a listing: the dots, ptmx, then the numbers */
#define INO_FIRST 3u        /* as on Linux */
#define MAJOR_PTS 136u
#define PTS_BLOCK 1024u     /* st_blksize: as on Linux */

struct pts_options {
	uint32_t mode, ptmx_mode, gid; /* gid UINT32_MAX: that of who makes one */
};

static struct {
	struct mutex mutex;        /* LR_VNODE */
	struct mount *mnt;         /* mutex; NULL: not mounted */
	struct vnode *ptmx;        /* tree */
	struct vnode *node[PTY_MAX]; /* tree; referenced */
	struct user *payer[PTY_MAX]; /* mutex; NULL: n is free */
	bool hung[PTY_MAX];        /* mutex */
	uint32_t uid[PTY_MAX];     /* mutex; the user who has made it */
	uint64_t n;                /* [A] made */
	struct pts_options o;      /* mutex; of the mount */
} pts = { .mutex = MUTEX_INIT(pts.mutex, LR_VNODE) };

static int pts_lookup(struct vnode *dir, const struct name *n, struct vnode **out);
static int pts_readdir(struct vnode *dir, uint64_t *pos, struct dirsink *sink);

static const struct vnode_ops dir_ops = { .lookup = pts_lookup,
	.readdir = pts_readdir };
static const struct vnode_ops node_ops = { .lookup = NULL };

/* ---- nodes ---- */

/* A device in the root of m, owned by the current process.  NULL: no memory. */
static struct vnode *
device_make(struct mount *m, const char *text, uint32_t mode, uint64_t rdev)
{
	const struct name named = { text, strlen(text) };
	struct vnode *v = vn_alloc(m, &node_ops, S_IFCHR | mode);
	char *name = vn_name_dup(&named);

	if (v == NULL || name == NULL) {
		kmem_free(name);
		vn_put(v);
		return NULL;
	}
	v->rdev = rdev;
	v->nlink = 1;
	vn_set_name(v, m->root, name);
	return v;
}

/* The node of slave n, which nobody sees yet.  Locks:    pts.mutex. */
static struct vnode *
slave_make(struct mount *m, unsigned n)
{
	char text[12];
	struct vnode *v;

	HELD(&pts.mutex);
	snprintf(text, sizeof(text), "%u", n);
	v = device_make(m, text, pts.o.mode, dev_make(MAJOR_PTS, n));
	if (v == NULL)
		return NULL;
	v->ino = INO_FIRST + n;
	v->uid = pts.uid[n];
	v->gid = pts.o.gid != UINT32_MAX ? pts.o.gid : fs_cred()->fsgid;
	return v;
}

/* The number that a name is, or PTY_MAX: none. */
static unsigned
slave_named(const struct name *name)
{
	unsigned n = 0;
	size_t i;

	if (name->len == 0 || (name->s[0] == '0' && name->len > 1))
		return PTY_MAX;
	for (i = 0; i < name->len && n < PTY_MAX; i++) {
		if (name->s[i] < '0' || name->s[i] > '9')
			return PTY_MAX;
		n = n * 10 + (unsigned)(name->s[i] - '0');
	}
	return MIN(n, PTY_MAX);
}

static int
pts_lookup(struct vnode *dir, const struct name *name, struct vnode **out)
{
	unsigned n = slave_named(name);
	struct vnode *v = n < PTY_MAX ? pts.node[n] : NULL;

	if (name_is(name, "ptmx"))
		v = pts.ptmx;
	if (v == NULL)
		return -ENOENT;
	vn_get(v);
	*out = v;
	return 0;
}

/* The entry at pos.  false: there is none. */
static bool
entry_at(struct vnode *dir, uint64_t pos, char *text, size_t cap,
    struct dirsink_entry *e)
{
	const struct vnode *v = dir;

	if (pos < 2)
		snprintf(text, cap, "%s", pos == 0 ? "." : "..");
	else if (pos < POS_FIRST)
		snprintf(text, cap, "ptmx");
	else
		snprintf(text, cap, "%u", (unsigned)(pos - POS_FIRST));
	if (pos >= 2)
		v = pos < POS_FIRST ? pts.ptmx : pts.node[pos - POS_FIRST];
	if (v == NULL)
		return false;
	*e = (struct dirsink_entry){ text, strlen(text), v->ino, pos + 1, v->type };
	return true;
}

static int
pts_readdir(struct vnode *dir, uint64_t *pos, struct dirsink *sink)
{
	struct dirsink_entry e;
	char text[12];

	for (; *pos < POS_FIRST + PTY_MAX; (*pos)++)
		if (entry_at(dir, *pos, text, sizeof(text), &e) &&
		    sink->emit(sink, &e) != 0)
			break;
	return 0;
}

/* ---- what dev/pty.c tells ---- */

/* v, or nothing, is what the name n leads to.  Locks:    pts.mutex; mounted. */
static void
node_set(unsigned n, struct vnode *v)
{
	struct vnode *old = pts.node[n];

	HELD(&pts.mutex);
	rw_lock_write_nested(&pts.mnt->tree);
	pts.node[n] = v;
	if (old != NULL)
		old->nlink = 0;
	rw_unlock_write(&pts.mnt->tree);
	vn_put(old);
}

static void
payer_drop(unsigned n)
{
	HELD(&pts.mutex);
	user_give(pts.payer[n], USE_PTYS, 1);
	pts.payer[n] = NULL;
}

/* The lowest free number is taken; -ENOSPC, -ENOMEM. */
static int
pts_made(void)
{
	struct vnode *v = NULL;
	int r = -ENOSPC;
	unsigned n;

	mutex_lock(&pts.mutex);
	for (n = 0; n < PTY_MAX && pts.payer[n] != NULL; n++)
		;
	if (n < PTY_MAX) {
		pts.uid[n] = fs_cred()->fsuid;
		r = user_take(USE_PTYS, 1, &pts.payer[n]);
	}
	if (r == 0 && pts.mnt != NULL) {
		v = slave_make(pts.mnt, n);
		r = v != NULL ? 0 : -ENOMEM;
		if (v != NULL)
			node_set(n, v);
		else
			payer_drop(n);
	}
	if (r == 0) {
		pts.hung[n] = false;
		atomic_add(&pts.n, 1);
	}
	mutex_unlock(&pts.mutex);
	return r != 0 ? r : (int)n;
}

static void
pts_hung(unsigned n)
{
	mutex_lock(&pts.mutex);
	pts.hung[n] = true;
	if (pts.mnt != NULL)
		node_set(n, NULL);
	mutex_unlock(&pts.mutex);
}

static void
pts_freed(unsigned n)
{
	mutex_lock(&pts.mutex);
	payer_drop(n);
	atomic_sub(&pts.n, 1);
	mutex_unlock(&pts.mutex);
}

/* The number of the pair whose master f is.  -ENOTTY, -EIO: another terminal. */
int
fs_pty_number(struct file *f)
{
	struct chr_dev *d = devfs_device(f);

	return d != NULL ? pty_of_master(d) : -ENOTTY;
}

/* The job in front of the terminal f; 0: there is none.  -ENOTTY. */
int
fs_tty_front(struct file *f)
{
	struct chr_dev *d = devfs_device(f);

	return d != NULL ? tty_front(d) : -ENOTTY;
}

/*
 * TIOCGPTPEER: the slave of the master f, opened without its name.
 *
 * Locks:    none held.
 * Returns:  0, -ENOTTY, -EIO (no master, or locked), -ENODEV (not mounted), …
 * Owns:     the caller gets the reference.
 */
int
fs_pty_peer(struct file *f, unsigned flags, struct file **out)
{
	int n = fs_pty_number(f), r;
	struct vnode *v = NULL;

	if (n < 0)
		return n;
	mutex_lock(&pts.mutex);
	/* A mount that has no place yet may not find one, and must not be in use then. */
	if (pts.mnt != NULL && atomic_load(&pts.mnt->covered) != NULL)
		v = pts.node[n];
	if (v != NULL)
		vn_get(v);
	mutex_unlock(&pts.mutex);
	if (v == NULL)
		return -ENODEV;
	r = file_open_vnode(v, flags, out);
	vn_put(v);
	return r;
}

/* ---- the mount ---- */

/* One "key=value".  0, -EINVAL. */
static int
option_set(struct pts_options *to, const char *o)
{
	const char *end, *value = strchr(o, '=');
	uint64_t n;

	/* On Linux 6.1 the option has no effect: each mount is a new instance. */
	if (strncmp(o, "newinstance", 11) == 0)
		return 0;
	if (value == NULL)
		return -EINVAL;
	n = str_to_u64(value + 1, &end);
	if (strncmp(o, "gid=", 4) == 0 && end != value + 1 && n < UINT32_MAX) {
		to->gid = (uint32_t)n;
	} else if (strncmp(o, "mode=", 5) == 0) {
		to->mode = octal_parse(o + 5);
	} else if (strncmp(o, "ptmxmode=", 9) == 0) {
		to->ptmx_mode = octal_parse(o + 9);
	} else {
		return -EINVAL;
	}
	return 0;
}

/* data of mount(2), at a new mount.  0, -EINVAL, -EBUSY: it is mounted. */
static int
pts_options(struct mount *m, const char *data)
{
	struct pts_options o = { .mode = 0600, .gid = UINT32_MAX };
	int r = 0;

	while (r == 0 && data != NULL && *data != '\0') {
		r = option_set(&o, data);
		data = strchr(data, ',');
		data = data == NULL ? NULL : data + 1;
	}
	mutex_lock(&pts.mutex);
	if (r == 0 && pts.mnt != NULL)
		r = -EBUSY;
	if (r == 0)
		pts.o = o;
	mutex_unlock(&pts.mutex);
	return r;
}

/* Drop all nodes and the root.  Locks:    pts.mutex. */
static void
nodes_drop(struct mount *m)
{
	unsigned i;

	HELD(&pts.mutex);
	for (i = 0; i < PTY_MAX; i++) {
		vn_put(pts.node[i]);
		pts.node[i] = NULL;
	}
	vn_put(pts.ptmx);
	pts.ptmx = NULL;
	vn_put(m->root);
	m->root = NULL;
	pts.mnt = NULL;
}

/* Root, ptmx, and the slaves that there are.  Locks:    pts.mutex. */
static int
nodes_make(struct mount *m)
{
	bool failed = false;
	unsigned i;

	HELD(&pts.mutex);
	m->root = vn_alloc(m, &dir_ops, S_IFDIR | 0755);
	if (m->root == NULL)
		return -ENOMEM;
	m->root->nlink = 2;
	m->root->ino = 1;
	m->block = PTS_BLOCK;
	pts.ptmx = device_make(m, "ptmx", pts.o.ptmx_mode, dev_make(5, 2));
	failed = pts.ptmx == NULL;
	for (i = 0; i < PTY_MAX && !failed; i++)
		if (pts.payer[i] != NULL && !pts.hung[i]) {
			pts.node[i] = slave_make(m, i);
			failed = pts.node[i] == NULL;
		}
	return failed ? -ENOMEM : 0;
}

static int
pts_mount(struct mount *m)
{
	int r = -EBUSY;

	mutex_lock(&pts.mutex);
	if (pts.mnt == NULL)
		r = nodes_make(m);
	if (r == 0)
		pts.mnt = m;
	else if (pts.mnt == NULL)
		nodes_drop(m);
	mutex_unlock(&pts.mutex);
	return r;
}

/* Is a node open, or stands somebody in the root?  Locks:    pts.mutex. */
static bool
is_busy(const struct mount *m)
{
	unsigned i, n = 1;

	HELD(&pts.mutex);
	for (i = 0; i < PTY_MAX; i++) {
		if (pts.node[i] == NULL)
			continue;
		n++;
		if (atomic_load(&pts.node[i]->refs) != 1)
			return true;
	}
	return atomic_load(&pts.ptmx->refs) != 1 ||
	    atomic_load(&m->vnodes) != n + 1 ||
	    atomic_load(&m->root->refs) != n + 1;
}

static int
pts_unmount(struct mount *m)
{
	int r = -EBUSY;

	mutex_lock_nested(&pts.mutex);
	if (!is_busy(m)) {
		nodes_drop(m);
		r = 0;
	}
	mutex_unlock(&pts.mutex);
	return r;
}

const struct fstype devpts_type = {
	.name = "devpts", .magic = 0x1cd1, .options = pts_options,
	.mount = pts_mount, .unmount = pts_unmount
};

/* ---- /proc/sys/kernel/pty ---- */

/* At fs_init(). */
void
devpts_init(void)
{
	static const struct pty_ops ops = { .made = pts_made, .hung = pts_hung,
		.freed = pts_freed };
	static uint64_t max = PTY_MAX;
	static const struct procfs_row rows[] = {
		{ "sys/kernel/pty/max", 0444, .number = &max },
		{ "sys/kernel/pty/nr", 0444, .number = &pts.n },
	};

	pty_set_ops(&ops);
	procfs_register(rows, ARRAY_LEN(rows));
}
