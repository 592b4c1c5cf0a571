/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * procstat.c: numbers about a process: stat, statm, status, limits
 *
 * Problem   ps and top read dozens of numbers; they should be of one moment.
 *
 * Picture   view_open: copy all under proc_lock, ask vm/ ─→ print ─→ view_close
 *
 * Rules     1. Numbers are copied under proc_lock, text is made without it.
 *           2. A number that this kernel does not keep is printed as 0.
 *
 * Read next proc/procinfo.c.  Book: ch22.
 */
#include "proc/proc.h"
#include "proc/procdat.h"
#include "proc/procfn.h"
#include "proc/procview.h"
#include "proc/tracee.h"

#include "lib/errno.h"
#include "lib/string.h"
#include "mem/mem.h"
#include "vm/evidence/stat.h"

#define TICK_NS 10000000ul

/*
 * What has no thread tk any more.  Z is who can be waited for, or a first thread that
 * others outlive: a process whose last thread gives its memory back still runs.
 */
static char
state_of_ended(const struct proc *p)
{
	const struct task *other;

	if (p->state == PROC_ZOMBIE)
		return 'Z';
	LIST_FOREACH(other, &p->threads, node)
		if (!other->exiting)
			return 'Z';
	return 'R';
}

/* Who was told to go on runs, though it may not have been on a CPU yet. */
static char
state_of(const struct proc *p, const struct task *tk)
{
	if (tk == NULL)
		return state_of_ended(p);
	if (task_is_held(tk))
		return 't';
	if (tk->in_stop && p->stop_sig != 0)
		return 'T';
	if (tk->thread->state != TS_SLEEP)
		return 'R';
	return tk->thread->intr_wake ? 'S' : 'D';
}

static void
view_signals(struct view *v, const struct proc *p, const struct task *tk)
{
	v->shpend = p->pending.set;
	v->nsigq = sig_queued_locked(p);
	if (tk != NULL) {
		v->pend = tk->pending.set;
		v->blocked = tk->blocked;
	}
	if (p->sighand == NULL)
		return;
	for (int i = 0; i < NSIG; i++) {
		uint64_t handler = sighand_act(p->sighand, i + 1).handler;

		if (handler == SIG_IGN)
			v->ignored |= BIT(i);
		else if (handler != SIG_DFL)
			v->caught |= BIT(i);
	}
}

/* Which of its faults were major is not kept of a thread. */
static void
view_use_locked(struct view *v, struct proc *p, struct task *tk)
{
	HELD(&proc_lock);
	proc_times_locked(p, &v->whole.ut, &v->whole.st);
	v->whole.faults = proc_faults_locked(p);
	v->whole.major = ev_read_proc(&p->events, EV_fault_major);
	if (tk == NULL)
		return;
	task_times(tk, &v->alone.ut, &v->alone.st);
	v->alone.faults = atomic_load_relaxed(&tk->thread->faults);
}

/* What texts tell of p, and of its thread tk (NULL: all have ended).  Owns: v gets
 * references. */
static void
view_fill_locked(struct view *v, struct proc *p, struct task *tk)
{
	const struct fsctx *at = NULL;

	HELD(&proc_lock);
	proc_get(v->p = p);
	memcpy(v->comm, p->comm, sizeof(v->comm));
	v->nice = p->nice;
	v->policy = p->policy;
	v->no_new_privs = p->no_new_privs;
	v->cpus = md_online_mask();
	if (tk != NULL) {
		if (p->as != NULL)
			as_get(v->as = p->as);
		v->image = p->image;
		at = tk->thread->fsctx;
		memcpy(v->comm, tk->thread->name, sizeof(v->comm));
		v->cpu = tk->thread->cpu;
		v->nice = tk->thread->nice;
		v->policy = tk->thread->policy;
		v->no_new_privs = tk->no_new_privs;
		v->cpus &= atomic_load(&tk->thread->affinity);
		memcpy(v->switches, tk->thread->switches, sizeof(v->switches));
	}
	v->umask = at != NULL ? (int)atomic_load_relaxed(&at->umask) : -1;
	v->state = state_of(p, tk);
	v->tracer = tk != NULL && task_is_traced(tk) ?
	    tk->traced->tracer->tid : 0;
	v->ppid = p->ppid;
	v->pgid = p->pgid;
	v->sid = p->sid;
	v->no_tty = p->no_tty;
	v->nthreads = proc_threads_shown_locked(p);
	view_use_locked(v, p, tk);
	v->cut = p->cutime_ns;
	v->cst = p->cstime_ns;
	v->may_look = proc_may_look_locked(p, LOOK_BY_FS);
	v->cred = p->cred;
	memcpy(v->rlim, p->limits->of, sizeof(v->rlim));
	view_signals(v, p, tk);
}

/*
 * Look at process or thread id.
 *
 * Locks:    takes proc_lock.
 * Owns:     *out until view_close().
 * Returns:  0, -ESRCH, -ENOMEM.
 */
int
view_open(int id, struct view **out)
{
	struct view *v = kmem_zalloc(sizeof(*v));
	struct proc *p;

	if (v == NULL)
		return -ENOMEM;
	spin_lock(&proc_lock);
	p = proc_of_id_locked(id);
	if (p != NULL)
		view_fill_locked(v, p, task_find_locked(id));
	spin_unlock(&proc_lock);
	if (p == NULL) {
		kmem_free(v);
		return -ESRCH;
	}
	*out = v;
	return 0;
}

/* One with the figures of its memory; of vm_as_stat_kinds() they cost a walk. */
static int
view_open_vm(int id, struct view **out, void (*ask)(struct aspace *, struct vm_as_stat *))
{
	int r = view_open(id, out);

	if (r == 0 && (*out)->as != NULL)
		ask((*out)->as, &(*out)->vm);
	return r;
}

/* Give back what view_open() took; 0. */
int
view_close(struct view *v)
{
	if (v->as != NULL)
		as_put(v->as);
	proc_put(v->p);
	kmem_free(v);
	return 0;
}

/* ---- stat, statm, status ---- */

/* Where things lie tells others how to attack it: to them all is 0. */
static struct proc_image
shown_image(const struct view *v)
{
	return v->may_look ? v->image : (struct proc_image){ 0 };
}

static int
print_stat(struct view *v, int id, const struct view_use *use, struct out *o)
{
	struct proc_image m = shown_image(v);
	int fg = -1;
	uint32_t tty = v->no_tty ? 0 : tty_number(v->sid, &fg);

	out_printf(o, "%d (%s) %c %d %d %d %u %d 0 ", id, v->comm, v->state,
	    v->ppid, v->pgid, v->sid, tty, fg);
	out_printf(o, "%lu %lu %lu %lu %lu %lu %lu %lu %d %d %u 0 %lu ",
	    use->faults - use->major, v->p->cminflt, use->major,
	    v->p->cmajflt, use->ut / TICK_NS, use->st / TICK_NS,
	    v->cut / TICK_NS, v->cst / TICK_NS, 20 + v->nice, v->nice, v->nthreads,
	    v->p->start_ns / TICK_NS);
	out_printf(o, "%lu %lu %lu %lu %lu %lu 0 0 %lu %lu %lu %lu 0 0 0 %d ",
	    v->vm.size << PAGE_SHIFT, v->vm.resident,
	    v->rlim[RLIMIT_RSS].cur, m.code_lo, m.code_hi, m.stack,
	    v->pend & INT32_MAX, v->blocked & INT32_MAX,
	    v->ignored & INT32_MAX, v->caught & INT32_MAX,
	    v->p->exit_signal);
	out_printf(o, "%d 0 %d 0 0 0 %lu %lu %lu %lu %lu %lu %lu %d\n", v->cpu,
	    v->policy, m.data_lo, m.data_hi, v->may_look ? v->vm.brk0 : 0, m.args,
	    m.env, m.env, m.env_end, v->may_look && v->state == 'Z' ? v->p->wait_status : 0);
	return view_close(v);
}

/* Text of /proc/PID/stat.  0, -ESRCH, -ENOMEM. */
int
proc_show_stat(int id, struct out *o)
{
	struct view *v;
	int r = view_open_vm(id, &v, vm_as_stat);

	return r < 0 ? r : print_stat(v, id, &v->whole, o);
}

/* Text of /proc/PID/task/TID/stat, with the thread's own use.  0, -ESRCH, -ENOMEM. */
int
proc_show_stat_alone(int tid, struct out *o)
{
	struct view *v;
	int r = view_open_vm(tid, &v, vm_as_stat);

	return r < 0 ? r : print_stat(v, tid, &v->alone, o);
}

/* Pages of the program's own code, as its file says: the same as long as it runs,
 * whatever becomes of the mappings. */
static uint64_t
code_pages(const struct view *v)
{
	const struct proc_image *m = &v->image;

	return v->as == NULL || m->code_lo >= m->code_hi ? 0 :
	    (PAGE_UP(m->code_hi) - PAGE_DOWN(m->code_lo)) >> PAGE_SHIFT;
}

/* Text of /proc/PID/statm.  0, -ESRCH, -ENOMEM. */
int
proc_show_statm(int id, struct out *o)
{
	struct view *v;
	int r = view_open_vm(id, &v, vm_as_stat_kinds);

	if (r < 0)
		return r;
	out_printf(o, "%lu %lu %lu %lu 0 %lu 0\n", v->vm.size, v->vm.resident,
	    v->vm.rss_file + v->vm.rss_shmem, code_pages(v),
	    v->vm.data + v->vm.stack);
	return view_close(v);
}

static const char *
state_name(char c)
{
	switch (c) {
	case 'R': return "R (running)";
	case 'S': return "S (sleeping)";
	case 'D': return "D (disk sleep)";
	case 'T': return "T (stopped)";
	case 't': return "t (tracing stop)";
	}
	return "Z (zombie)";
}

static void
show_status_vm(const struct view *v, struct out *o)
{
	uint64_t own = MIN(code_pages(v), v->vm.text);
	const struct {
		const char *name;
		uint64_t pages;
	} rows[] = {
		{ "VmPeak", v->vm.size_peak },
		{ "VmSize", v->vm.size }, { "VmLck", v->vm.locked },
		{ "VmPin", 0 }, { "VmHWM", v->vm.peak },
		{ "VmRSS", v->vm.resident }, { "RssAnon", v->vm.rss_anon },
		{ "RssFile", v->vm.rss_file }, { "RssShmem", v->vm.rss_shmem },
		{ "VmData", v->vm.data }, { "VmStk", v->vm.stack },
		{ "VmExe", own }, { "VmLib", v->vm.text - own },
		{ "VmPTE", v->vm.tables }, { "VmSwap", v->vm.swap },
	};

	for (unsigned i = 0; i < ARRAY_LEN(rows); i++)
		out_printf(o, "%s:\t%8lu kB\n", rows[i].name,
		    rows[i].pages * 4);
	out_printf(o, "VmDesign:\t%s\nCoreDumping:\t0\nTHP_enabled:\t0\n",
	    v->vm.design);
}

/* A program gives itself any name: no line that looks like ours comes of it. */
static void
show_name(const char *name, struct out *o)
{
	for (; *name != '\0'; name++)
		if (*name == '\n' || *name == '\\')
			out_printf(o, "\\%c", *name == '\n' ? 'n' : '\\');
		else
			out_printf(o, "%c", *name);
}

/* Its table has room for so many descriptors; 0: it has none any more. */
static unsigned
fd_size(int id)
{
	struct fdtab *t = NULL;
	struct task *tk;
	unsigned n = 0;

	spin_lock(&proc_lock);
	tk = task_find_locked(id);
	if (tk != NULL && tk->fdtab != NULL)
		t = fdtab_look(tk->fdtab);
	spin_unlock(&proc_lock);
	if (t != NULL) {
		n = fdtab_size(t);
		fdtab_look_end(t);
	}
	return n;
}

/* Root's rights one by one; no filters of calls. */
static void
show_rights(const struct view *v, struct out *o)
{
	const struct caps *c = &v->cred.caps;

	out_printf(o, "CapInh:\t%016lx\nCapPrm:\t%016lx\nCapEff:\t%016lx\n"
	    "CapBnd:\t%016lx\nCapAmb:\t%016lx\n", (uint64_t)c->inheritable,
	    (uint64_t)c->permitted, (uint64_t)c->effective, (uint64_t)c->bounding,
	    (uint64_t)c->ambient);
	out_printf(o, "NoNewPrivs:\t%d\nSeccomp:\t0\nSeccomp_filters:\t0\n",
	    v->no_new_privs);
}

/* Processors as a mask and as a list: 0-2,5. */
static void
show_cpus(uint64_t cpus, struct out *o)
{
	const char *before = "";
	unsigned first, last;

	out_printf(o, "Cpus_allowed:\t%0*lx\nCpus_allowed_list:\t",
	    (int)(md_ncpus() + 3) / 4, cpus);
	for (; cpus != 0; cpus &= -(2ul << last)) {
		first = last = (unsigned)__builtin_ctzl(cpus);
		while ((cpus & 2ul << last) != 0)
			last++;
		out_printf(o, "%s%u", before, first);
		if (last > first)
			out_printf(o, "-%u", last);
		before = ",";
	}
	out_printf(o, "\n");
}

/* Text of /proc/PID/status.  0, -ESRCH, -ENOMEM. */
int
proc_show_status(int id, struct out *o)
{
	struct view *v;
	const struct cred *c;
	int r = view_open_vm(id, &v, vm_as_stat_kinds);

	if (r < 0)
		return r;
	c = &v->cred;
	out_printf(o, "Name:\t");
	show_name(v->comm, o);
	if (v->umask >= 0)
		out_printf(o, "\nUmask:\t%04o", v->umask);
	out_printf(o, "\nState:\t%s\nTgid:\t%d\n"
	    "Ngid:\t0\nPid:\t%d\nPPid:\t%d\nTracerPid:\t%d\n",
	    state_name(v->state), v->p->pid, id, v->ppid, v->tracer);
	out_printf(o, "Uid:\t%u\t%u\t%u\t%u\nGid:\t%u\t%u\t%u\t%u\n", c->uid,
	    c->euid, c->suid, c->fsuid, c->gid, c->egid, c->sgid, c->fsgid);
	out_printf(o, "FDSize:\t%u\nGroups:\t", fd_size(id));
	for (unsigned i = 0; i < c->ngroups; i++)
		out_printf(o, i > 0 ? " %u" : "%u", c->groups[i]);
	out_printf(o, " \n"); /* the space of Linux, behind none, too */
	if (v->as != NULL)
		show_status_vm(v, o);
	out_printf(o, "Threads:\t%u\nSigQ:\t%lu/%lu\n", v->nthreads, v->nsigq,
	    v->rlim[RLIMIT_SIGPENDING].cur);
	out_printf(o, "SigPnd:\t%016lx\nShdPnd:\t%016lx\nSigBlk:\t%016lx\n"
	    "SigIgn:\t%016lx\nSigCgt:\t%016lx\n", v->pend, v->shpend,
	    v->blocked, v->ignored, v->caught);
	show_rights(v, o);
	show_cpus(v->cpus, o);
	out_printf(o, "voluntary_ctxt_switches:\t%u\nnonvoluntary_ctxt_switches:\t%u\n",
	    v->switches[1], v->switches[0]);
	return view_close(v);
}

/* ---- limits ---- */

static const struct {
	const char *name, *unit;
} limit_names[RLIMIT_COUNT] = {
	{ "Max cpu time", "seconds" }, { "Max file size", "bytes" },
	{ "Max data size", "bytes" }, { "Max stack size", "bytes" },
	{ "Max core file size", "bytes" }, { "Max resident set", "bytes" },
	{ "Max processes", "processes" }, { "Max open files", "files" },
	{ "Max locked memory", "bytes" }, { "Max address space", "bytes" },
	{ "Max file locks", "locks" }, { "Max pending signals", "signals" },
	{ "Max msgqueue size", "bytes" }, { "Max nice priority", "" },
	{ "Max realtime priority", "" }, { "Max realtime timeout", "us" },
};

static void
show_limit(struct out *o, uint64_t v)
{
	if (v == RLIM_INFINITY)
		out_printf(o, "%-20s ", "unlimited");
	else
		out_printf(o, "%-20lu ", v);
}

/* Text of /proc/PID/limits.  0, -ESRCH, -ENOMEM. */
int
proc_show_limits(int id, struct out *o)
{
	struct view *v;
	int r = view_open(id, &v);

	if (r < 0)
		return r;
	out_printf(o, "%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit",
	    "Hard Limit", "Units");
	for (int i = 0; i < RLIMIT_COUNT; i++) {
		out_printf(o, "%-25s ", limit_names[i].name);
		show_limit(o, v->rlim[i].cur);
		show_limit(o, v->rlim[i].max);
		out_printf(o, "%-*s\n", limit_names[i].unit[0] != '\0' ? 10 : 0,
		    limit_names[i].unit);
	}
	return view_close(v);
}
