/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * procfs.c: /proc, the tree of names
 *
 * Problem   The state of the system can be read as text files, and each room
 *           of the kernel has some; procfs knows only names.
 *
 * Picture   registered rows: "meminfo", "vm/events", "vm/pages", …
 *           /proc            = rows with prefix "",  self, every pid
 *           /proc/vm         = rows with prefix "vm/"
 *           /proc/PID/…      → procpid.c          the text → proctext.c
 *
 * Rules     1. A lookup makes a fresh vnode; nothing is kept, so a process
 *              that ends leaves nothing behind but open files, which answer
 *              -ESRCH.
 *           2. A directory is whatever has a row below it.
 *           3. Rows and tables are registered at boot and never removed.
 *
 * Read next proctext.c, procpid.c.
 */
#include "fs/procfs.h"
#include "fs/fsfn.h"
#include "lib/string.h"
#include "mem/mem.h"

#define TABLES_MAX 16
#define PROC_BLOCK 1024         /* st_blksize: as on Linux */
#define POS_SELF 0x10000ul      /* positions in /proc: dots, rows, links, pids */
#define POS_PID 0x10010ul

static struct {
	struct { const struct procfs_row *rows; unsigned n; } table[TABLES_MAX];
	unsigned n;     /* [A] tables; written at boot */
} procfs;

static const struct vnode_ops proc_dir_ops, proc_file_ops, proc_link_ops,
    proc_jump_ops;

/* More files for /proc.  Locks: boot, one thread. */
void
procfs_register(const struct procfs_row *rows, unsigned n)
{
	if (procfs.n == TABLES_MAX)
		panic("procfs: more than %d tables", TABLES_MAX);
	procfs.table[procfs.n].rows = rows;
	procfs.table[procfs.n].n = n;
	atomic_store(&procfs.n, procfs.n + 1);
}

/* The i-th of all rows, or NULL behind the last. */
static const struct procfs_row *
row_at(unsigned i)
{
	unsigned t;

	for (t = 0; t < atomic_load_relaxed(&procfs.n); t++) {
		if (i < procfs.table[t].n)
			return &procfs.table[t].rows[i];
		i -= procfs.table[t].n;
	}
	return NULL;
}

/* ---- vnodes ---- */

struct proc_node *
proc_node_of(const struct vnode *v)
{
	return v->priv;
}

/* 24 bits of a name, so that no address of the kernel shows in st_ino. */
static uint64_t
name_number(const char *s, size_t len)
{
	uint32_t h = 2166136261u;
	size_t i;

	for (i = 0; i < len; i++)
		h = (h ^ (uint8_t)s[i]) * 16777619u;
	return h >> 8;
}

/* A number that is the same whenever the file is looked up. */
uint64_t
proc_ino(const struct proc_node *pn)
{
	uint64_t detail = (uint64_t)pn->fd;

	if (pn->row != NULL)
		detail = name_number(pn->row->name, strlen(pn->row->name));
	if (pn->pid_row != NULL)
		detail = name_number(pn->pid_row->name,
		    strlen(pn->pid_row->name));
	if (pn->kind == PN_DIR)
		detail = name_number(pn->prefix, pn->prefix_len);
	return ((uint64_t)pn->in_task << 60 |
	    (uint64_t)(unsigned)pn->tid << 28 | (uint64_t)pn->kind << 24 |
	    detail) + 1;
}

static const struct vnode_ops *
ops_of(const struct proc_node *pn, uint32_t mode)
{
	if (S_ISDIR(mode))
		return &proc_dir_ops;
	if (pn->kind == PN_FD ||
	    (pn->kind == PN_PID_ROW && pn->pid_row->jump != NULL))
		return &proc_jump_ops;
	return S_ISLNK(mode) ? &proc_link_ops : &proc_file_ops;
}

/*
 * A vnode for pn, called n in dir (dir NULL: a root).
 *
 * Returns:  0, -ENOMEM.
 * Owns:     the caller gets the reference.
 */
int
proc_vnode(struct vnode *dir, const struct name *n, uint32_t mode,
    const struct proc_node *pn, struct vnode **out)
{
	struct proc_node *copy = kmem_alloc(sizeof(*copy));
	char *name = vn_name_dup(n);
	struct vnode *v = NULL;

	if (copy != NULL && name != NULL)
		v = vn_alloc(dir->mnt, ops_of(pn, mode), mode);
	if (v == NULL) {
		kmem_free(copy);
		kmem_free(name);
		return -ENOMEM;
	}
	*copy = *pn;
	v->priv = copy;
	v->ino = proc_ino(pn);
	v->nlink = S_ISDIR(mode) ? 2 : 1;
	if (S_ISREG(mode))
		v->fops = pn->kind == PN_PID_ROW && pn->pid_row->pread != NULL ?
		    &proc_bytes_ops : &proc_text_ops;
	vn_set_name(v, dir, name);
	*out = v;
	return 0;
}

static void
proc_inactive(struct vnode *v)
{
	kmem_free(v->priv);
}

/* ---- directories of registered rows ---- */

/*
 * The component of row behind dir's prefix: length, 0 when row is not below
 * dir; *is_dir: more follows.
 */
static size_t
row_component(const struct procfs_row *row, const struct proc_node *dir,
    bool *is_dir)
{
	const char *s = row->name, *slash;

	if (strncmp(s, dir->prefix, dir->prefix_len) != 0)
		return 0;
	s += dir->prefix_len;
	slash = strchr(s, '/');
	*is_dir = slash != NULL;
	return slash != NULL ? (size_t)(slash - s) : strlen(s);
}

/* What the i-th row means in dir: a node with its type and permissions. */
static struct proc_node
row_node(const struct procfs_row *row, const struct proc_node *dir, size_t len,
    bool is_dir, uint32_t *mode)
{
	if (is_dir) {
		*mode = S_IFDIR | 0555;
		return (struct proc_node){ .kind = PN_DIR, .prefix = row->name,
			.prefix_len = dir->prefix_len + len + 1 };
	}
	*mode = S_IFREG | row->mode;
	return (struct proc_node){ .kind = PN_ROW, .row = row };
}

/* Is the row called n in dir, or in a directory of it that is?  Most differ in their
 * first letter. */
static bool
row_is(const struct procfs_row *row, const struct proc_node *dir, const struct name *n)
{
	const char *s = row->name + dir->prefix_len;

	return strncmp(row->name, dir->prefix, dir->prefix_len) == 0 &&
	    *s == *n->s && strncmp(s, n->s, n->len) == 0 &&
	    (s[n->len] == '\0' || s[n->len] == '/');
}

static int
rows_lookup(struct vnode *dir, const struct name *n, struct vnode **out)
{
	const struct proc_node *pd = proc_node_of(dir);
	const struct procfs_row *row;
	struct proc_node pn;
	uint32_t mode;
	unsigned i;

	for (i = 0; (row = row_at(i)) != NULL; i++) {
		if (!row_is(row, pd, n))
			continue;
		pn = row_node(row, pd, n->len,
		    row->name[pd->prefix_len + n->len] == '/', &mode);
		return proc_vnode(dir, n, mode, &pn, out);
	}
	return -ENOENT;
}

static int
proc_lookup(struct vnode *dir, const struct name *n, struct vnode **out)
{
	const struct proc_node *pd = proc_node_of(dir);
	struct proc_node pn = { .kind = PN_SELF };

	if (pd->kind != PN_DIR)
		return procpid_lookup(dir, n, out);
	if (pd->prefix_len != 0)
		return rows_lookup(dir, n, out);
	if (*n->s >= '0' && *n->s <= '9')
		return procpid_find(dir, n, out);
	if (name_is(n, "thread-self"))
		pn.kind = PN_THREAD_SELF;
	else if (!name_is(n, "self"))
		return rows_lookup(dir, n, out);
	return proc_vnode(dir, n, S_IFLNK | 0777, &pn, out);
}

/* One entry.  Nonzero: the sink is full. */
int
proc_emit(struct dirsink *sink, const char *name, size_t len, uint32_t type,
    uint64_t ino, uint64_t next)
{
	const struct dirsink_entry de = { name, len, ino, next, type };

	return sink->emit(sink, &de);
}

/* Has an earlier row given the same directory? */
static bool
is_repeated(const struct proc_node *pd, unsigned i, size_t len)
{
	const char *name = row_at(i)->name + pd->prefix_len;
	const struct procfs_row *row;
	bool is_dir;

	while (i-- > 0) {
		row = row_at(i);
		if (row_component(row, pd, &is_dir) == len &&
		    memcmp(row->name + pd->prefix_len, name, len) == 0)
			return true;
	}
	return false;
}

/* Rows from *pos on (2 is the first).  Nonzero: the sink is full. */
static int
rows_readdir(const struct proc_node *pd, uint64_t *pos, struct dirsink *sink)
{
	const struct procfs_row *row;
	struct proc_node pn;
	uint32_t mode;
	bool is_dir;

	for (; (row = row_at((unsigned)(*pos - 2))) != NULL; (*pos)++) {
		size_t len = row_component(row, pd, &is_dir);

		if (len == 0 || is_repeated(pd, (unsigned)(*pos - 2), len))
			continue;
		pn = row_node(row, pd, len, is_dir, &mode);
		if (proc_emit(sink, row->name + pd->prefix_len, len,
		    mode & S_IFMT, proc_ino(&pn), *pos + 1) != 0)
			return 1;
	}
	return 0;
}

/* self, thread-self, and all pids. */
static int
root_readdir(uint64_t *pos, struct dirsink *sink)
{
	static const char *const links[] = { "self", "thread-self" };
	static const enum proc_kind kinds[] = { PN_SELF, PN_THREAD_SELF };
	char text[16];
	int pid;

	*pos = MAX(*pos, POS_SELF);
	for (; *pos < POS_SELF + ARRAY_LEN(links); (*pos)++) {
		const char *s = links[*pos - POS_SELF];
		const struct proc_node pn = { .kind = kinds[*pos - POS_SELF] };

		if (proc_emit(sink, s, strlen(s), S_IFLNK, proc_ino(&pn),
		    *pos + 1) != 0)
			return 0;
	}
	*pos = MAX(*pos, POS_PID);
	for (;;) {
		struct proc_node pn = { .kind = PN_PID };

		pid = procpid_next((int)(*pos - POS_PID));
		if (pid < 0)
			return 0;
		pn.pid = pn.tid = pid;
		snprintf(text, sizeof(text), "%d", pid);
		if (proc_emit(sink, text, strlen(text), S_IFDIR, proc_ino(&pn),
		    POS_PID + (uint64_t)pid) != 0)
			return 0;
		*pos = POS_PID + (uint64_t)pid;
	}
}

static int
proc_readdir(struct vnode *dir, uint64_t *pos, struct dirsink *sink)
{
	const struct proc_node *pd = proc_node_of(dir);

	/* The directory of a process that has gone is empty, even without the dots. */
	if (pd->kind != PN_DIR && !procpid_is_there(pd))
		return -ENOENT;
	for (; *pos < 2; (*pos)++)
		if (dir_emit_dot(dir, *pos, sink) != 0)
			return 0;
	if (pd->kind != PN_DIR)
		return procpid_readdir(dir, pos, sink);
	if (*pos < POS_SELF && rows_readdir(pd, pos, sink) != 0)
		return 0;
	return pd->prefix_len == 0 ? root_readdir(pos, sink) : 0;
}

static ssize_t
proc_readlink(struct vnode *v, char *buf, size_t cap)
{
	const struct proc_node *pn = proc_node_of(v);
	char text[48];
	size_t n;

	if (pn->kind != PN_SELF && pn->kind != PN_THREAD_SELF)
		return procpid_readlink(pn, buf, cap);
	if (procpid_self() < 0)
		return -ENOENT;
	if (pn->kind == PN_SELF)
		snprintf(text, sizeof(text), "%d", procpid_self());
	else
		snprintf(text, sizeof(text), "%d/task/%u", procpid_self(),
		    thread_current()->id);
	n = MIN(strlen(text), cap);
	memcpy(buf, text, n);
	return (ssize_t)n;
}

static int
proc_jump(struct vnode *v, struct vnode **out)
{
	return procpid_jump(proc_node_of(v), out);
}

static const struct vnode_ops proc_dir_ops = {
	.lookup = proc_lookup,
	.readdir = proc_readdir,
	.inactive = proc_inactive,
};

static const struct vnode_ops proc_file_ops = {
	.opened = proc_text_opened,
	.inactive = proc_inactive,
};

static const struct vnode_ops proc_link_ops = {
	.readlink = proc_readlink,
	.inactive = proc_inactive,
};

static const struct vnode_ops proc_jump_ops = {
	.readlink = proc_readlink,
	.jump = proc_jump,
	.inactive = proc_inactive,
};

/* ---- the whole ---- */

static int
procfs_mount(struct mount *m)
{
	struct proc_node *pn = kmem_zalloc(sizeof(*pn));

	if (pn == NULL)
		return -ENOMEM;
	pn->prefix = "";
	m->root = vn_alloc(m, &proc_dir_ops, S_IFDIR | 0555);
	if (m->root == NULL) {
		kmem_free(pn);
		return -ENOMEM;
	}
	m->block = PROC_BLOCK;
	m->root->priv = pn;
	m->root->nlink = 2;
	return 0;
}

static int
procfs_unmount(struct mount *m)
{
	if (atomic_load(&m->vnodes) != 1 || atomic_load(&m->root->refs) != 1)
		return -EBUSY;
	vn_put(m->root);
	return 0;
}

const struct fstype procfs_type = {
	.name = "proc", .on_demand = true, .magic = 0x9fa0, .links = procpid_links,
	.mount = procfs_mount, .unmount = procfs_unmount
};
