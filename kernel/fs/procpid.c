/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * procpid.c: /proc/PID
 *
 * Problem   Each process, each thread and each descriptor has a place in
 *           /proc; only proc/ knows which exist.
 *
 * Picture   /proc/PID           rows of proc/, "fd", "fdinfo", "task"
 *           /proc/PID/task/TID  the same rows for a thread, "fd", "fdinfo"
 *           /proc/PID/fd/N      a link that leads to the open file itself, as
 *                               exe, cwd and root among the rows do
 *           /proc/PID/fdinfo/N  how it is open, and what its kind says of it
 *
 * Rules     1. Everything is asked of procfs_pid_ops when it is needed; a
 *              process may end between any two questions.
 *           2. A file got from next_fd is put with no lock held.
 *           3. A number may be reused: after each answer the code checks that
 *              the process is still the same.
 *
 * Read next proc/procinfo.c.
 */
#include "fs/procfs.h"
#include "fs/fsfn.h"
#include "lib/string.h"
#include "mem/mem.h"

#define PID_MAX 0x400000
#define FD_LINK_BYTES 64     /* st_size, whatever it leads to: as on Linux */

/* Names in /proc/PID besides the rows. */
enum { EXTRA_FD, EXTRA_FDINFO, EXTRA_TASK, EXTRA_COUNT };
static const struct {
	const char *name;
	enum proc_kind kind;
	uint32_t mode;
} extras[EXTRA_COUNT] = {
	{ "fd", PN_FDS, S_IFDIR | 0500 },
	{ "fdinfo", PN_FDINFOS, S_IFDIR | 0555 },
	{ "task", PN_TASKS, S_IFDIR | 0555 },
};

static const struct procfs_pid_ops *pids;   /* [c] set at boot */

static int
next_mounts(int pid, struct aspace *as, uint64_t *at, struct out *out)
{
	return mounts_next(at, out);
}

static int
next_mountinfo(int pid, struct aspace *as, uint64_t *at, struct out *out)
{
	return mountinfo_next(at, out);
}

/* Rows that fs/ itself knows; they follow those of proc/. */
static const struct procfs_pid_row own_rows[] = {
	{ .name = "mounts", .mode = 0444, .next = next_mounts },
	{ .name = "mountinfo", .mode = 0444, .next = next_mountinfo },
};

/* The i-th of all rows, or NULL behind the last. */
static const struct procfs_pid_row *
pid_row_at(unsigned i)
{
	if (i < pids->nrows)
		return &pids->rows[i];
	i -= pids->nrows;
	return i < ARRAY_LEN(own_rows) ? &own_rows[i] : NULL;
}

/* Registered once by proc/. */
void
procfs_set_pids(const struct procfs_pid_ops *ops)
{
	atomic_store(&pids, ops);
}

/* The next process, -1: none. */
int
procpid_next(int after)
{
	return pids != NULL ? pids->next(after) : -1;
}

/* The current process, -1: a kernel thread. */
int
procpid_self(void)
{
	return pids != NULL ? pids->self() : -1;
}

/* The process whose directory f is, and when it began; -1: f is something else. */
int
fs_pid_of(const struct file *f, uint64_t *born)
{
	const struct vnode *v = f->vn;
	const struct proc_node *pn;

	if (v->mnt->type != &procfs_type || v->type != S_IFDIR)
		return -1;
	pn = proc_node_of(v);
	if (pn == NULL || pn->kind != PN_PID || pn->in_task)
		return -1;
	*born = pn->born;
	return pn->pid;
}

/*
 * Does the process of pn still exist, and has pn's thread not left it?  What
 * rows have told before a true answer is about this process: nobody else had
 * its number meanwhile.
 */
bool
procpid_is_there(const struct proc_node *pn)
{
	return pids->born(pn->pid) == pn->born && (pn->tid == pn->pid ||
	    pids->next_task(pn->pid, pn->tid - 1) == pn->tid);
}

/*
 * May the caller see what a guarded row, a link of fd, or fdinfo tells?
 *
 * Returns:  0, -EACCES.
 * Owns:     *space (unless NULL): the memory that it may see, referenced;
 *           untouched where there is none, or the row is not guarded.
 */
int
procpid_may_look(const struct proc_node *pn, struct aspace **space)
{
	bool guarded = pn->kind == PN_FD || pn->kind == PN_FDINFOS ||
	    pn->kind == PN_FDINFO ||
	    (pn->kind == PN_PID_ROW && pn->pid_row->guarded);

	return guarded ? pids->may_look(pn->pid, space) : 0;
}

/* "123" → 123; -1: not a number without leading zero. */
static int
number_of(const struct name *n)
{
	size_t i;
	int v = 0;

	if (n->len == 0 || n->len > 9 || (n->len > 1 && n->s[0] == '0'))
		return -1;
	for (i = 0; i < n->len; i++) {
		if (n->s[i] < '0' || n->s[i] > '9')
			return -1;
		v = v * 10 + (n->s[i] - '0');
	}
	return v;
}

/* A vnode in dir that belongs to the owner of its process. */
static int
owned_vnode(struct vnode *dir, const struct name *n, uint32_t mode,
    const struct proc_node *pn, struct vnode **out)
{
	uint32_t uid, gid;
	int r;

	if (pids->owner(pn->pid, mode, &uid, &gid) != 0 || !procpid_is_there(pn))
		return -ENOENT;
	/* Its own descriptors are open to a process whatever it has become. */
	if (pn->kind == PN_FDS && pn->pid == pids->self())
		uid = fs_cred()->fsuid;
	r = proc_vnode(dir, n, mode, pn, out);
	if (r == 0) {
		(*out)->uid = uid;
		(*out)->gid = gid;
	}
	return r;
}

/*
 * /proc/PID from its name, and /proc/TID of any thread, which no list shows; root
 * is /proc.  0, -ENOENT, -ENOMEM.
 */
int
procpid_find(struct vnode *root, const struct name *n, struct vnode **out)
{
	struct proc_node pn = { .kind = PN_PID };

	pn.pid = pn.tid = number_of(n);
	if (pids == NULL || pn.pid <= 0)
		return -ENOENT;
	if (pids->next(pn.pid - 1) != pn.pid)
		pn.pid = pids->leader(pn.tid);
	if (pn.pid <= 0)
		return -ENOENT;
	pn.born = pids->born(pn.pid);
	return owned_vnode(root, n, S_IFDIR | 0555, &pn, out);
}

static const struct procfs_pid_row *
row_find(const struct name *n)
{
	const struct procfs_pid_row *row;
	unsigned i;

	for (i = 0; (row = pid_row_at(i)) != NULL; i++)
		if (strlen(row->name) == n->len &&
		    memcmp(row->name, n->s, n->len) == 0)
			break;
	return row;
}

static uint32_t
row_mode(const struct procfs_pid_row *row)
{
	return row->readlink != NULL ? S_IFLNK | 0777 : S_IFREG | row->mode;
}

/* How many of extras a directory has: what lies in "task" has no "task". */
static unsigned
extras_of(const struct proc_node *pd)
{
	return pd->in_task ? EXTRA_TASK : EXTRA_COUNT;
}

/* In /proc/PID. */
static int
pid_lookup(struct vnode *dir, const struct name *n, struct vnode **out)
{
	struct proc_node pn = *proc_node_of(dir);
	unsigned i;

	for (i = 0; i < extras_of(proc_node_of(dir)); i++) {
		if (strlen(extras[i].name) != n->len ||
		    memcmp(extras[i].name, n->s, n->len) != 0)
			continue;
		pn.kind = extras[i].kind;
		return owned_vnode(dir, n, extras[i].mode, &pn, out);
	}
	pn.kind = PN_PID_ROW;
	pn.pid_row = row_find(n);
	if (pn.pid_row == NULL)
		return -ENOENT;
	return owned_vnode(dir, n, row_mode(pn.pid_row), &pn, out);
}

/* In /proc/PID/task. */
static int
task_lookup(struct vnode *dir, const struct name *n, struct vnode **out)
{
	struct proc_node pn = *proc_node_of(dir);

	pn.kind = PN_PID;
	pn.in_task = true;
	pn.tid = number_of(n);
	if (pn.tid <= 0 || pids->next_task(pn.pid, pn.tid - 1) != pn.tid)
		return -ENOENT;
	return owned_vnode(dir, n, S_IFDIR | 0555, &pn, out);
}

/* The file open as pn->fd, with a reference.  0, -ENOENT. */
static int
fd_file(const struct proc_node *pn, struct file **out)
{
	struct file *f = NULL;
	int found = pids->next_fd(pn->tid, pn->fd, &f);

	if (found == pn->fd && procpid_is_there(pn)) {
		*out = f;
		return 0;
	}
	if (found >= 0)
		file_put(f);
	return -ENOENT;
}

/* In /proc/PID/fd: the link's permission bits say how the file is open. */
static int
fd_lookup(struct vnode *dir, const struct name *n, struct vnode **out)
{
	static const uint32_t bits[] = { 0500, 0300, 0700, 0100 };
	struct proc_node pn = *proc_node_of(dir);
	struct file *f;
	uint32_t mode;
	int r;

	pn.kind = PN_FD;
	pn.fd = number_of(n);
	if (pn.fd < 0 || fd_file(&pn, &f) != 0)
		return -ENOENT;
	mode = S_IFLNK | bits[file_flags(f) & O_ACCMODE];
	file_put(f);
	r = owned_vnode(dir, n, mode, &pn, out);
	if (r == 0)
		(*out)->link_bytes = FD_LINK_BYTES;
	return r;
}

/* In /proc/PID/fdinfo. */
static int
fdinfo_lookup(struct vnode *dir, const struct name *n, struct vnode **out)
{
	struct proc_node pn = *proc_node_of(dir);
	struct file *f;
	int r = procpid_may_look(&pn, NULL);

	if (r != 0)
		return r;
	pn.kind = PN_FDINFO;
	pn.fd = number_of(n);
	if (pn.fd < 0 || fd_file(&pn, &f) != 0)
		return -ENOENT;
	file_put(f);
	return owned_vnode(dir, n, S_IFREG | 0444, &pn, out);
}

/*
 * The text of /proc/PID/fdinfo/N.
 *
 * Returns:  1, -ENOENT: it is closed.
 */
int
procpid_fdinfo(const struct proc_node *pn, struct out *out)
{
	struct file *f;
	unsigned flags;

	if (fd_file(pn, &f) != 0)
		return -ENOENT;
	flags = file_flags(f) | (pids->closes(pn->tid, pn->fd) ? O_CLOEXEC : 0);
	out_printf(out, "pos:\t%lu\nflags:\t0%o\nmnt_id:\t%u\nino:\t%lu\n",
	    file_told_position(f), flags, f->vn->mnt->id, f->vn->ino);
	if (f->ops != NULL && f->ops->show != NULL)
		f->ops->show(f, out);
	file_put(f);
	return 1;
}

/* lookup below /proc/PID. */
int
procpid_lookup(struct vnode *dir, const struct name *n, struct vnode **out)
{
	switch (proc_node_of(dir)->kind) {
	case PN_PID:
		return pid_lookup(dir, n, out);
	case PN_TASKS:
		return task_lookup(dir, n, out);
	case PN_FDS:
		return fd_lookup(dir, n, out);
	case PN_FDINFOS:
		return fdinfo_lookup(dir, n, out);
	case PN_DIR:
	case PN_ROW:
	case PN_SELF:
	case PN_THREAD_SELF:
	case PN_PID_ROW:
	case PN_FD:
	case PN_FDINFO:
		break;
	}
	return -ENOENT;
}

/* Emit pn as a number; *pos becomes next.  Nonzero: the sink is full. */
static int
emit_number(struct dirsink *sink, int v, uint32_t type,
    const struct proc_node *pn, uint64_t *pos)
{
	uint64_t next = (uint64_t)v + 3;
	char text[16];

	snprintf(text, sizeof(text), "%d", v);
	if (proc_emit(sink, text, strlen(text), type, proc_ino(pn), next) != 0)
		return 1;
	*pos = next;
	return 0;
}

static int
pid_readdir(const struct proc_node *pd, uint64_t *pos, struct dirsink *sink)
{
	unsigned more = extras_of(pd);

	for (; *pos - 2 < more || pid_row_at((unsigned)(*pos - 2) - more) != NULL;
	    (*pos)++) {
		unsigned i = (unsigned)(*pos - 2);
		struct proc_node pn = *pd;
		const char *name;
		uint32_t type = S_IFDIR;

		if (i < more) {
			pn.kind = extras[i].kind;
			name = extras[i].name;
		} else {
			pn.kind = PN_PID_ROW;
			pn.pid_row = pid_row_at(i - more);
			name = pn.pid_row->name;
			type = row_mode(pn.pid_row) & S_IFMT;
		}
		if (proc_emit(sink, name, strlen(name), type, proc_ino(&pn),
		    *pos + 1) != 0)
			return 0;
	}
	return 0;
}

/* Each thread has a directory in "task", whose links count them, as on Linux. */
uint32_t
procpid_links(const struct vnode *v)
{
	const struct proc_node *pn = proc_node_of(v);

	return pn->kind == PN_TASKS && procpid_is_there(pn) ?
	    2 + pids->count_tasks(pn->pid) : v->nlink;
}

/* Position of thread or descriptor v is v + 2, so that 0 and 1 are the dots. */
static int
task_readdir(const struct proc_node *pd, uint64_t *pos, struct dirsink *sink)
{
	struct proc_node pn = *pd;

	pn.kind = PN_PID;
	pn.in_task = true;
	for (;;) {
		pn.tid = pids->next_task(pd->pid, (int)*pos - 3);
		if (pn.tid < 0 || emit_number(sink, pn.tid, S_IFDIR, &pn, pos))
			return 0;
	}
}

/* Of fd, or of fdinfo. */
static int
fd_readdir(const struct proc_node *pd, uint64_t *pos, struct dirsink *sink)
{
	bool links = pd->kind == PN_FDS;
	struct proc_node pn = *pd;
	struct file *f;
	int r = procpid_may_look(pd, NULL);

	if (r != 0)
		return r;
	pn.kind = links ? PN_FD : PN_FDINFO;
	for (;;) {
		pn.fd = pids->next_fd(pd->tid, (int)*pos - 2, &f);
		if (pn.fd < 0)
			return 0;
		file_put(f);
		if (emit_number(sink, pn.fd, links ? S_IFLNK : S_IFREG, &pn, pos) != 0)
			return 0;
	}
}

/* readdir below /proc/PID, which is there; the dots are done. */
int
procpid_readdir(struct vnode *dir, uint64_t *pos, struct dirsink *sink)
{
	const struct proc_node *pd = proc_node_of(dir);

	if (*pos > PID_MAX)
		return 0;
	switch (pd->kind) {
	case PN_PID:
		return pid_readdir(pd, pos, sink);
	case PN_TASKS:
		return task_readdir(pd, pos, sink);
	case PN_FDS:
	case PN_FDINFOS:
		return fd_readdir(pd, pos, sink);
	case PN_DIR:
	case PN_ROW:
	case PN_SELF:
	case PN_THREAD_SELF:
	case PN_PID_ROW:
	case PN_FD:
	case PN_FDINFO:
		break;
	}
	return -ENOTDIR;
}

/* The whole path, of PATH_MAX bytes at most.  Length; -ENOENT, -ESRCH, -ENAMETOOLONG. */
static ssize_t
whole_link(const struct proc_node *pn, char *path)
{
	struct file *f;
	ssize_t n;

	if (pn->kind == PN_PID_ROW) {
		n = pn->pid_row->readlink(pn->tid, path, PATH_MAX);
		return procpid_is_there(pn) ? n : -ESRCH;
	}
	if (fd_file(pn, &f) != 0)
		return -ENOENT;
	n = file_path(f, path, PATH_MAX);
	file_put(f);
	return n;
}

/* cwd, exe, root, fd/N.  Length, cut at cap; -EACCES, -ENOMEM, or as whole_link(). */
ssize_t
procpid_readlink(const struct proc_node *pn, char *buf, size_t cap)
{
	ssize_t n = procpid_may_look(pn, NULL);
	char *path;

	if (n != 0)
		return n;
	path = kmem_alloc(PATH_MAX);
	n = path == NULL ? -ENOMEM : whole_link(pn, path);
	if (n > 0) {
		n = (ssize_t)MIN((size_t)n, cap);
		memcpy(buf, path, (size_t)n);
	}
	kmem_free(path);
	return n;
}

/* The file open as fd/N, with a reference.  0, -ENOENT. */
static int
fd_vnode(const struct proc_node *pn, struct vnode **out)
{
	struct file *f;
	int r = fd_file(pn, &f);

	if (r == 0) {
		*out = file_vnode(f);
		file_put(f);
	}
	return r;
}

/*
 * cwd, exe, root and fd/N lead to the file itself, whatever its name is now.
 *
 * Returns:  0, -EACCES, -ENOENT, and what the row answers.
 * Owns:     the caller gets the reference.
 */
int
procpid_jump(const struct proc_node *pn, struct vnode **out)
{
	int r = procpid_may_look(pn, NULL);

	if (r == 0)
		r = pn->kind == PN_FD ? fd_vnode(pn, out) :
		    pn->pid_row->jump(pn->tid, out);
	if (r != 0)
		return r;
	/* An exec may have come between: whose file is it? */
	r = procpid_may_look(pn, NULL);
	if (r == 0 && !procpid_is_there(pn))
		r = -ENOENT;
	if (r != 0)
		vn_put(*out);
	return r;
}
