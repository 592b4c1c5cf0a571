/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * procinfo.c: the files of /proc/PID
 *
 * Problem   Text about a process for programs such as ps, in Linux's formats
 *           (book: abi 8), while the process runs and may end.
 *
 * Picture   procfs ─→ row ─→ view_open: process and space, with references
 *                  ─→ text ─→ view_close
 *
 * Rules     1. Numbers are copied under proc_lock, text is made without it.
 *           2. The number in a path is a process or a thread (task/TID); one
 *              that has gone is -ESRCH.
 *           3. Memory of the process is read with as_read(), never by address.
 *           4. A number that this kernel does not keep is printed as 0.
 *           5. The open of a file about memory chooses the space that the process
 *              has at that moment: after an exec the descriptor still shows the
 *              old one, which is empty.
 *
 * Read next fs/procfs.c, proc/sysinfo.c.  Book: ch22.
 */
#include "proc/proc.h"
#include "proc/procdat.h"
#include "proc/procfn.h"
#include "proc/procview.h"

#include "fs/fscall.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mem/mem.h"
#include "vm/evidence/stat.h"

/* ---- strings in the memory of the process ---- */

#define MEMORY_RECORD 1024ul

/* Some bytes of [lo, hi), from *at on. */
static int
next_memory(struct view *v, va_t lo, va_t hi, uint64_t *at, struct out *o)
{
	uint8_t *buf = kmem_alloc(MEMORY_RECORD);
	ssize_t n = 0;

	if (buf != NULL && v->as != NULL && lo < hi && *at < hi - lo)
		n = as_read(v->as, lo + *at, buf,
		    MIN(hi - lo - *at, MEMORY_RECORD));
	if (n > 0) {
		o->put(o, (const char *)buf, (size_t)n);
		*at += (uint64_t)n;
	}
	(void)view_close(v);
	if (buf == NULL)
		return -ENOMEM;
	kmem_free(buf);
	return n > 0;
}

/* As on Linux, a program that has written over the end of its arguments has a title
 * instead: one string, which may go on into the environment. */
static va_t
cmdline_end(const struct view *v)
{
	va_t lo = v->image.args, end = v->image.env;
	char last = '\0', *buf;
	ssize_t n;

	if (v->as == NULL || lo >= end || as_read(v->as, end - 1, &last, 1) != 1 ||
	    last == '\0')
		return end;
	buf = kmem_alloc(PAGE_SIZE);
	if (buf == NULL)
		return end;
	n = as_read(v->as, lo, buf, MIN(v->image.env_end - lo, PAGE_SIZE));
	if (n > 0)
		end = lo + MIN(strnlen(buf, (size_t)n) + 1, (size_t)n);
	kmem_free(buf);
	return end;
}

static int
next_cmdline(int id, struct aspace *as, uint64_t *at, struct out *o)
{
	struct view *v;
	int r = view_open(id, &v);

	return r < 0 ? r :
	    next_memory(v, v->image.args, cmdline_end(v), at, o);
}

/* Where they lie is known of the space that the process has now: rule 5. */
static int
next_environ(int id, struct aspace *as, uint64_t *at, struct out *o)
{
	struct view *v;
	int r = view_open(id, &v);

	if (r < 0)
		return r;
	return v->as != as ? view_close(v) :
	    next_memory(v, v->image.env, v->image.env_end, at, o);
}

static int
next_auxv(int id, struct aspace *as, uint64_t *at, struct out *o)
{
	struct view *v;
	int r = view_open(id, &v);

	if (r < 0)
		return r;
	return v->as != as ? view_close(v) :
	    next_memory(v, v->image.auxv,
	    v->image.auxv + 16 * AUXV_PAIRS, at, o);
}

static int
show_comm(int id, struct out *o)
{
	struct view *v;
	int r = view_open(id, &v);

	if (r < 0)
		return r;
	out_printf(o, "%s\n", v->comm);
	return view_close(v);
}

static int
write_comm(int id, const char *text, size_t n)
{
	struct proc *me = proc_current();
	struct task *tk;
	char name[16];
	int r = -ESRCH;

	n = MIN(n, sizeof(name) - 1);
	memcpy(name, text, n);
	name[n] = '\0';
	spin_lock(&proc_lock);
	tk = task_find_locked(id);
	if (tk != NULL) {
		r = tk->proc == me ? 0 : -EINVAL;
		if (r == 0)
			memcpy(tk->thread->name, name, sizeof(name));
		if (r == 0 && tk->tid == me->pid)
			memcpy(me->comm, name, sizeof(name));
	}
	spin_unlock(&proc_lock);
	return r;
}

/* ---- scores ---- */

static int
show_oom_score(int id, struct out *o)
{
	out_printf(o, "0\n");
	return 0;
}

static int
show_oom_adj(int id, struct out *o)
{
	struct view *v;
	int r = view_open(id, &v);

	if (r < 0)
		return r;
	out_printf(o, "%d\n", v->p->oom_adj);
	return view_close(v);
}

/*
 * Kept for programs that set it; nobody is killed for memory here.  As on Linux
 * a process may lower it to what root has allowed, and no further.
 */
static int
set_oom_adj(struct proc *p, int v)
{
	bool is_root = proc_may(CAP_SYS_RESOURCE);
	int r = 0;

	spin_lock(&proc_lock);
	if (v < p->oom_min && !is_root)
		r = -EACCES;
	else
		p->oom_adj = v;
	if (is_root)
		p->oom_min = v;
	spin_unlock(&proc_lock);
	return r;
}

/* An int, and nothing else, but for spaces around it.  0, -EINVAL, -ERANGE: no int. */
static int
int_of(const char *text, int64_t *v)
{
	const char *s = str_skip_spaces(text), *end;
	bool negative = *s == '-';
	uint64_t n;

	s += *s == '-' || *s == '+';
	n = str_to_number(s, &end);
	if (end == s || *str_skip_spaces(end) != '\0')
		return -EINVAL;
	if (n > (uint64_t)INT32_MAX + negative)
		return -ERANGE;
	*v = negative ? -(int64_t)n : (int64_t)n;
	return 0;
}

static int
write_oom_adj(int id, const char *text, size_t n)
{
	struct proc *p = proc_lookup(id);
	int64_t v = 0;
	int r;

	if (p == NULL)
		return -ESRCH;
	r = int_of(text, &v);
	if (r == 0)
		r = v < -1000 || v > 1000 ? -EINVAL : set_oom_adj(p, (int)v);
	proc_put(p);
	return r;
}

/* ---- text that vm/ makes ---- */

static int
next_maps(int id, struct aspace *as, uint64_t *at, struct out *o)
{
	return stat_maps(as, at, o);
}

static int
next_smaps(int id, struct aspace *as, uint64_t *at, struct out *o)
{
	return stat_smaps(as, at, o);
}

static int
next_rollup(int id, struct aspace *as, uint64_t *at, struct out *o)
{
	return stat_smaps_rollup(as, at, o);
}

static int
next_vadtree(int id, struct aspace *as, uint64_t *at, struct out *o)
{
	return stat_vadtree(as, at, o);
}

static int
next_ws(int id, struct aspace *as, uint64_t *at, struct out *o)
{
	if (*at != 0)
		return 0;
	stat_ws(as, o);
	*at = 1;
	return 1;
}

static int
next_shared(int id, struct aspace *as, uint64_t *at, struct out *o)
{
	return stat_shared_of(as, at, o);
}

static int
next_vmstat(int id, struct aspace *as, uint64_t *at, struct out *o)
{
	return stat_vmstat(as, at, o);
}

/* Gauges of one space, beside the counters of the process. */
static const struct {
	enum ev_id id;
	const char *name;
} gauges[] = {
	{ EV_ws_pages, "ws.pages" }, { EV_ws_peak, "ws.peak" },
	{ EV_table_live, "table.live" },
	{ EV_table_live_out, "table.live_out" },
	{ EV_table_n_priv, "table.n_priv" },
	{ EV_table_n_fork, "table.n_fork" },
	{ EV_table_n_swap, "table.n_swap" }, { EV_vad_live, "vad.live" },
};

static int
show_events(int id, struct out *o)
{
	struct view *v;
	int r = view_open(id, &v);

	if (r < 0)
		return r;
	ev_show_proc(o, &v->p->events);
	out_printf(o, "fault.total %lu\n", v->whole.faults);
	for (unsigned i = 0; v->as != NULL && i < ARRAY_LEN(gauges); i++)
		out_printf(o, "%s %lu\n", gauges[i].name,
		    vm_as_gauge(v->as, gauges[i].id));
	return view_close(v);
}

/* ---- links ---- */

/* The program that is run, with a reference.  0, -ESRCH, -ENOENT: none. */
static int
exe_of(int id, struct file **out)
{
	struct proc *p = proc_lookup(id);
	int r = -ENOENT;

	if (p == NULL)
		return -ESRCH;
	spin_lock(&proc_lock);
	if (p->exe != NULL) {
		file_get(*out = p->exe);
		r = 0;
	}
	spin_unlock(&proc_lock);
	proc_put(p);
	return r;
}

static int
link_exe(int id, char *buf, size_t cap)
{
	struct file *f;
	ssize_t n = exe_of(id, &f);

	if (n == 0) {
		n = file_path(f, buf, cap);
		file_put(f);
	}
	return (int)n;
}

static int
jump_exe(int id, struct vnode **out)
{
	struct file *f;
	int r = exe_of(id, &f);

	if (r == 0) {
		*out = file_vnode(f);
		file_put(f);
	}
	return r;
}

/* Where the thread stands, with a reference; NULL: nowhere any more. */
static struct fsctx *
fsctx_of(int id)
{
	struct fsctx *ctx;
	struct task *tk;

	spin_lock(&proc_lock);
	tk = task_find_locked(id);
	ctx = tk != NULL ? tk->thread->fsctx : NULL;
	if (ctx != NULL)
		fsctx_get(ctx);
	spin_unlock(&proc_lock);
	return ctx;
}

/* A private copy of where the thread stands, or NULL. */
static struct fsctx *
place_of(int id)
{
	struct fsctx *ctx = fsctx_of(id), *copy;

	if (ctx == NULL)
		return NULL;
	copy = fsctx_copy(ctx);
	fsctx_put(ctx);
	return copy;
}

static int
link_cwd(int id, char *buf, size_t cap)
{
	struct fsctx *ctx = place_of(id);
	ssize_t n;

	if (ctx == NULL)
		return -ENOENT;
	n = vnode_path(ctx->cwd, buf, cap);
	fsctx_put(ctx);
	return (int)n;
}

static int
link_root(int id, char *buf, size_t cap)
{
	struct fsctx *ctx = place_of(id);
	ssize_t n;

	if (ctx == NULL)
		return -ENOENT;
	n = vnode_path(ctx->root, buf, cap);
	fsctx_put(ctx);
	return (int)n;
}

static int
jump_place(int id, enum fs_place place, struct vnode **out)
{
	struct fsctx *ctx = fsctx_of(id);

	if (ctx == NULL)
		return -ENOENT;
	*out = fsctx_place(ctx, place);
	fsctx_put(ctx);
	return 0;
}

static int
jump_cwd(int id, struct vnode **out)
{
	return jump_place(id, PLACE_CWD, out);
}

static int
jump_root(int id, struct vnode **out)
{
	return jump_place(id, PLACE_ROOT, out);
}

/* ---- who there is ---- */

#define NEAR 64 /* numbers: with more than 512 processes there is one among so many */

struct find_next {
	int after, best;
};

static void
find_next(void *arg, struct proc *p)
{
	struct find_next *f = arg;

	if (p->pid > f->after && (f->best < 0 || p->pid < f->best))
		f->best = p->pid;
}

/* Where there are many, the next one is near; else there are few to ask. */
static int
next_pid(int after)
{
	struct find_next f = { after, -1 };
	int n;

	spin_lock(&proc_lock);
	for (n = after < PID_MAX ? after + 1 : PID_MAX;
	    n < PID_MAX && n <= after + NEAR && f.best < 0; n++)
		if (proc_find_locked(n) != NULL)
			f.best = n;
	if (f.best < 0)
		proc_walk_locked(find_next, &f);
	spin_unlock(&proc_lock);
	return f.best;
}

static int
self_pid(void)
{
	struct task *tk = thread_current()->proc;

	return tk != NULL ? tk->proc->pid : -1;
}

/* A directory that all may look into is always its user's: by it ps tells whose the
 * process is.  Other files are root's where they, or the process, are not to be seen. */
static int
owner_of(int id, uint32_t mode, uint32_t *uid, uint32_t *gid)
{
	struct proc *p;
	bool own;

	spin_lock(&proc_lock);
	p = proc_find_locked(id);
	if (p != NULL) {
		own = mode == (S_IFDIR | 0555) || (p->dumpable && p->as != NULL);
		*uid = own ? p->cred.euid : 0;
		*gid = own ? p->cred.egid : 0;
	}
	spin_unlock(&proc_lock);
	return p != NULL ? 0 : -ESRCH;
}

/* Two of one number live one after the other, so their starts differ. */
static uint64_t
born_at(int pid)
{
	struct proc *p;
	uint64_t ns;

	spin_lock(&proc_lock);
	p = proc_find_locked(pid);
	ns = p != NULL ? p->start_ns : 0;
	spin_unlock(&proc_lock);
	return ns;
}

/* The space and the right to look at it are of one moment. */
static int
may_look(int pid, struct aspace **space)
{
	struct proc *p;
	bool may;

	spin_lock(&proc_lock);
	p = proc_find_locked(pid);
	may = p != NULL && proc_may_look_locked(p, LOOK_BY_FS);
	if (may && space != NULL && p->as != NULL)
		as_get(*space = p->as);
	spin_unlock(&proc_lock);
	return may ? 0 : -EACCES;
}

static unsigned
count_tasks(int pid)
{
	struct proc *p;
	unsigned n;

	spin_lock(&proc_lock);
	p = proc_find_locked(pid);
	n = p != NULL ? proc_threads_shown_locked(p) : 0;
	spin_unlock(&proc_lock);
	return n;
}

static int
next_task(int pid, int after)
{
	struct proc *p;
	struct task *tk;
	int best = -1;

	spin_lock(&proc_lock);
	p = proc_find_locked(pid);
	if (p != NULL && task_find_locked(p->pid) == NULL && p->pid > after)
		best = p->pid;
	tk = task_find_locked(after + 1);
	if (p != NULL && tk != NULL && tk->proc == p)
		best = tk->tid;
	else if (p != NULL)
		LIST_FOREACH(tk, &p->threads, node)
			if (tk->tid > after && (best < 0 || tk->tid < best))
				best = tk->tid;
	spin_unlock(&proc_lock);
	return best;
}

/* Pid of the process of a thread; -1: it has gone. */
static int
leader_of(int tid)
{
	struct task *tk;
	int pid;

	spin_lock(&proc_lock);
	tk = task_find_locked(tid);
	pid = tk != NULL ? tk->proc->pid : -1;
	spin_unlock(&proc_lock);
	return pid;
}

/* fdtab_next() of thread id; -1, too: it has gone. */
static int
next_fd(int id, int fd, struct file **out)
{
	struct fdtab *t;
	struct task *tk;
	int r = -1;

	spin_lock(&proc_lock);
	tk = task_find_locked(id);
	t = tk != NULL ? tk->fdtab : NULL;
	if (t != NULL)
		fdtab_look(t);
	spin_unlock(&proc_lock);
	if (t != NULL) {
		r = fdtab_next(t, fd, out);
		fdtab_look_end(t);
	}
	return r;
}

/* Does exec close descriptor fd of thread id? */
static bool
closes(int id, int fd)
{
	struct fdtab *t = NULL;
	struct task *tk;
	bool r;

	spin_lock(&proc_lock);
	tk = task_find_locked(id);
	if (tk != NULL && tk->fdtab != NULL)
		t = fdtab_look(tk->fdtab);
	spin_unlock(&proc_lock);
	if (t == NULL)
		return false;
	r = fdtab_cloexec(t, fd) > 0;
	fdtab_look_end(t);
	return r;
}

/* ---- pagemap ---- */

#define PAGEMAP_WORDS 64u     /* in one hold of the locks; each has 8 bytes */

/* Words of pages from file offset off on.  Only a signal that kills ends it early; one
 * with a handler waits for the end of the call, as on Linux. */
static ssize_t
pagemap_put(struct aspace *as, enum pagemap_pfn pfn, uint64_t off, struct uio *u)
{
	uint64_t words[PAGEMAP_WORDS], vpn = off / 8;
	uint64_t end = MD_USER_END >> PAGE_SHIFT;
	ssize_t n = 0, done = 0;
	unsigned want;

	while (u->left > 0 && vpn < end) {
		if (thread_is_killed())
			return done > 0 ? done : -EINTR;
		want = (unsigned)MIN(u->left / 8, (uint64_t)PAGEMAP_WORDS);
		want = (unsigned)MIN(want, end - vpn);
		stat_pagemap(as, vpn, words, want, pfn);
		n = uio_put(u, words, want * 8);
		if (n <= 0)
			break;
		done += n;
		vpn += (uint64_t)n / 8;
	}
	return done > 0 ? done : n;
}

/* A word of 8 bytes for each page.  Frame numbers only if root has opened the file: else
 * a root program could reveal them to a user who gave it the file as its input.
 * -EINVAL: not whole words. */
static ssize_t
read_pagemap(struct aspace *as, bool by_root, uint64_t off, struct uio *u)
{
	if (off % 8 != 0 || u->left % 8 != 0)
		return -EINVAL;
	return pagemap_put(as, by_root ? PAGEMAP_PFN : PAGEMAP_NO_PFN, off, u);
}

/* Between the space and u, by way of a page: each may be out of reach.  As on Linux a
 * buffer that ends early is -EFAULT whatever went before. */
static ssize_t
move_mem(struct aspace *as, uint64_t off, struct uio *u, bool write)
{
	char *buf = kmem_alloc(PAGE_SIZE);
	ssize_t n, done = 0;
	size_t want;

	if (buf == NULL)
		return -ENOMEM;
	for (; u->left > 0 && !thread_is_killed(); done += n) {
		want = MIN(u->left, PAGE_SIZE);
		if (write && uio_get(u, buf, want) != (ssize_t)want) {
			done = -EFAULT;
			break;
		}
		n = as_force(as, off + (uint64_t)done, buf, want,
		    write ? ACCESS_WRITE : ACCESS_READ);
		if (n <= 0) {
			if (done == 0)
				done = n == -EFAULT ? -EIO : n;
			break;
		}
		if (!write && uio_put(u, buf, (size_t)n) != n) {
			done = -EFAULT;
			break;
		}
	}
	kmem_free(buf);
	return done;
}

static ssize_t
read_mem(struct aspace *as, bool by_root, uint64_t off, struct uio *u)
{
	return move_mem(as, off, u, false);
}

static ssize_t
write_mem(struct aspace *as, bool by_root, uint64_t off, struct uio *u)
{
	return move_mem(as, off, u, true);
}

/* ---- clear_refs ---- */

static int
show_clear_refs(int id, struct out *o)
{
	return -EINVAL;
}

/* A number says what is forgotten (vm.h); of a zombie nothing. */
static int
write_clear_refs(int id, const char *text, size_t n)
{
	int64_t what = 0;
	struct view *v;
	int r = int_of(text, &what);

	if (r == 0 && (what < FORGET_ALL || what > FORGET_PEAK))
		r = -EINVAL;
	if (r == 0)
		r = view_open(id, &v);
	if (r < 0)
		return r;
	if (v->as != NULL)
		map_forget(v->as, (enum forget)what);
	return view_close(v);
}

static const struct procfs_pid_row rows[] = {
	{ .name = "stat", .mode = 0444, .show = proc_show_stat,
	  .show_alone = proc_show_stat_alone },
	{ .name = "statm", .mode = 0444, .show = proc_show_statm },
	{ .name = "status", .mode = 0444, .show = proc_show_status },
	{ .name = "cmdline", .mode = 0444, .next = next_cmdline },
	{ .name = "environ", .mode = 0400, .guarded = true,
	  .next = next_environ },
	{ .name = "auxv", .mode = 0400, .guarded = true, .next = next_auxv },
	{ .name = "comm", .mode = 0644, .show = show_comm,
	  .write = write_comm },
	{ .name = "timers", .mode = 0444, .next = ptimer_next_text },
	{ .name = "limits", .mode = 0444, .show = proc_show_limits },
	{ .name = "oom_score", .mode = 0444, .show = show_oom_score },
	{ .name = "oom_score_adj", .mode = 0644, .show = show_oom_adj,
	  .write = write_oom_adj },
	{ .name = "maps", .mode = 0444, .guarded = true, .next = next_maps },
	{ .name = "smaps", .mode = 0444, .guarded = true, .next = next_smaps },
	{ .name = "smaps_rollup", .mode = 0444, .guarded = true,
	  .next = next_rollup },
	{ .name = "vadtree", .mode = 0444, .guarded = true,
	  .next = next_vadtree },
	{ .name = "vmstat", .mode = 0444, .guarded = true, .next = next_vmstat },
	{ .name = "ws", .mode = 0444, .guarded = true, .next = next_ws },
	{ .name = "fmo", .mode = 0444, .guarded = true, .next = next_shared },
	{ .name = "events", .mode = 0444, .show = show_events },
	{ .name = "pagemap", .mode = 0400, .guarded = true,
	  .pread = read_pagemap },
	{ .name = "clear_refs", .mode = 0200, .show = show_clear_refs,
	  .write = write_clear_refs },
	{ .name = "mem", .mode = 0600, .guarded = true, .pread = read_mem,
	  .pwrite = write_mem },
	{ .name = "exe", .mode = 0777, .guarded = true, .readlink = link_exe,
	  .jump = jump_exe },
	{ .name = "cwd", .mode = 0777, .guarded = true, .readlink = link_cwd,
	  .jump = jump_cwd },
	{ .name = "root", .mode = 0777, .guarded = true,
	  .readlink = link_root, .jump = jump_root },
};

static const struct procfs_pid_ops pid_ops = {
	.next = next_pid,
	.self = self_pid,
	.owner = owner_of,
	.born = born_at,
	.may_look = may_look,
	.next_task = next_task,
	.count_tasks = count_tasks,
	.leader = leader_of,
	.next_fd = next_fd,
	.closes = closes,
	.rows = rows,
	.nrows = ARRAY_LEN(rows),
};

/* Locks: none; boot. */
void
procinfo_init(void)
{
	procfs_set_pids(&pid_ops);
}
