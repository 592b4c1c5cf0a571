/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sys_misc.c: identity, limits, usage, the machine
 *
 * Problem   Small queries and settings that belong to no larger family.
 *
 * Rules     1. Limits are enforced where the resource is taken; here they are
 *              only checked against each other.
 *           2. A raw getpriority() returns 20 - nice, so it is never negative.
 *
 * Read next proc/procinfo.c.
 */
#include "sys/sys.h"

#include "lib/errno.h"
#include "lib/string.h"
#include "mem/mem.h"
#include "vm/evidence/stat.h"

#define PERSONALITY_QUERY UINT32_MAX
#define ADDR_NO_RANDOMIZE 0x0040000u
#define READ_IMPLIES_EXEC 0x0400000u
#define NICE_BEST (-20)
#define NICE_WORST 19
#define NOFILE_MAX 1048576
#define RANDOM_CHUNK 256

/* ---- names ---- */

int64_t
sys_uname(const uint64_t a[6])
{
	struct abi_utsname u;
	const char *text[6] = { "Linux", sys_hostname(), SYS_RELEASE,
		SYS_VERSION, "x86_64", "(none)" };
	char *field = u.sysname;

	memset(&u, 0, sizeof(u));
	for (int i = 0; i < 6; i++, field += sizeof(u.sysname))
		str_copy(field, text[i], sizeof(u.sysname));
	return copyout(a[0], &u, sizeof(u));
}

int64_t
sys_sethostname(const uint64_t a[6])
{
	char name[65] = "";
	int len = (int)a[1];

	if (!proc_may(CAP_SYS_ADMIN))
		return -EPERM;
	if (len < 0 || len > 64)
		return -EINVAL;
	if (copyin(name, a[0], (size_t)len) < 0)
		return -EFAULT;
	return sys_set_hostname(name, (size_t)len);
}

int64_t
sys_personality(const uint64_t a[6])
{
	/* There is PER_LINUX alone; debuggers ask for it without random addresses, old
	 * Lisps for memory that can be run if it can be read.  That is the space's:
	 * all threads have it, and a program begins without. */
	struct task *tk = task_current();
	struct aspace *as = tk->proc->as;
	uint32_t want = (uint32_t)a[0];
	int64_t was = map_read_is_run(as) ? READ_IMPLIES_EXEC : 0;

	if (want != PERSONALITY_QUERY &&
	    (want & ~(ADDR_NO_RANDOMIZE | READ_IMPLIES_EXEC)) != 0)
		return -EINVAL;
	spin_lock(&proc_lock);
	was |= tk->no_random ? ADDR_NO_RANDOMIZE : 0;
	if (want != PERSONALITY_QUERY)
		tk->no_random = (want & ADDR_NO_RANDOMIZE) != 0;
	spin_unlock(&proc_lock);
	if (want != PERSONALITY_QUERY)
		map_set_read_is_run(as, (want & READ_IMPLIES_EXEC) != 0);
	return was;
}

/* ---- limits ---- */

static int
limit_check(enum rlimit_id id, const struct rlimit *new,
    const struct rlimit *old)
{
	if (new->cur > new->max)
		return -EINVAL;
	if (id == RLIMIT_NOFILE && new->max > NOFILE_MAX)
		return -EPERM;
	if (new->max > old->max && !proc_may(CAP_SYS_RESOURCE))
		return -EPERM;
	return 0;
}

static int
limit_set_locked(struct proc *p, enum rlimit_id id, const struct rlimit *new)
{
	int r = limit_check(id, new, &p->limits->of[id]);

	HELD(&proc_lock);
	if (r == 0)
		r = limits_set_locked(p, id, new);
	if (r < 0)
		return r;
	limits_to_space_locked(p);
	proc_watch_cpu_locked(p);
	return 0;
}

/* Read, then perhaps change, a limit of pid (0: the caller), which may be a zombie. */
static int
limit_access(int pid, uint64_t id, const struct rlimit *new,
    struct rlimit *old)
{
	struct proc *p;
	int r = 0;

	spin_lock(&proc_lock);
	p = pid == 0 ? proc_current() : proc_of_id_locked(pid);
	if (p == NULL) {
		r = -ESRCH;
	} else if (!proc_may_limit_locked(p)) {
		r = -EPERM;
	} else if (id >= RLIMIT_COUNT) {
		r = -EINVAL;
	} else {
		*old = p->limits->of[id];
		if (new != NULL)
			r = limit_set_locked(p, (enum rlimit_id)id, new);
	}
	spin_unlock(&proc_lock);
	return r;
}

static int64_t
limit_call(int pid, uint64_t id, va_t new_at, va_t old_at)
{
	struct rlimit new, old;
	int r;

	if (new_at != 0 && copyin(&new, new_at, sizeof(new)) < 0)
		return -EFAULT;
	r = limit_access(pid, id, new_at != 0 ? &new : NULL, &old);
	if (r == 0 && old_at != 0 && copyout(old_at, &old, sizeof(old)) < 0)
		r = -EFAULT;
	return r;
}

int64_t
sys_getrlimit(const uint64_t a[6])
{
	int64_t r = limit_call(0, (uint32_t)a[0], 0, a[1]);

	return r == 0 && a[1] == 0 ? -EFAULT : r;
}

int64_t
sys_setrlimit(const uint64_t a[6])
{
	return a[1] == 0 ? -EFAULT : limit_call(0, (uint32_t)a[0], a[1], 0);
}

int64_t
sys_prlimit64(const uint64_t a[6])
{
	return limit_call((int)a[0], (uint32_t)a[1], a[2], a[3]);
}

/* ---- usage ---- */

static void
usage_of(int who, struct abi_rusage *ru)
{
	struct task *tk = task_current();
	struct proc *p = tk->proc;
	uint64_t ut, st, major;
	uint32_t n[2];

	major = ev_read_proc(&p->events, EV_fault_major);
	spin_lock(&proc_lock);
	ru->maxrss = (int64_t)p->maxrss * 4;
	ru->minflt = (int64_t)(proc_faults_locked(p) - major);
	ru->majflt = (int64_t)major;
	if (who == RUSAGE_CHILDREN) {
		ut = p->cutime_ns;
		st = p->cstime_ns;
		memcpy(n, p->cswitches, sizeof(n));
		ru->maxrss = (int64_t)p->cmaxrss * 4;
		ru->minflt = (int64_t)p->cminflt;
		ru->majflt = (int64_t)p->cmajflt;
	} else if (who == RUSAGE_THREAD) {
		/* A thread counts its faults, but not which of them were major. */
		task_times(tk, &ut, &st);
		memcpy(n, tk->thread->switches, sizeof(n));
		ru->minflt = (int64_t)atomic_load_relaxed(&tk->thread->faults);
		ru->majflt = 0;
	} else {
		proc_times_locked(p, &ut, &st);
		proc_switches_locked(p, n);
	}
	spin_unlock(&proc_lock);
	ru->nvcsw = n[1];
	ru->nivcsw = n[0];
	ru->utime = sys_timeval(ut);
	ru->stime = sys_timeval(st);
}

int64_t
sys_getrusage(const uint64_t a[6])
{
	struct abi_rusage ru = { .maxrss = 0 };
	int64_t peak;
	int who = (int)a[0];

	if (who != RUSAGE_SELF && who != RUSAGE_CHILDREN &&
	    who != RUSAGE_THREAD)
		return -EINVAL;
	usage_of(who, &ru);
	if (who != RUSAGE_CHILDREN) {
		peak = (int64_t)vm_as_gauge(proc_current()->as, EV_ws_peak) * 4;
		ru.maxrss = MAX(ru.maxrss, peak);
	}
	return copyout(a[1], &ru, sizeof(ru));
}

int64_t
sys_sysinfo(const uint64_t a[6])
{
	struct abi_sysinfo si;
	struct vm_mem_info mi;
	unsigned threads;

	vm_mem_info(&mi);
	memset(&si, 0, sizeof(si));
	(void)proc_count(&threads);
	si.uptime = (int64_t)(md_time_ns() / 1000000000);
	proc_loads(si.loads);
	for (int i = 0; i < 3; i++)
		si.loads[i] <<= 16 - LOAD_SHIFT;
	si.totalram = mi.total;
	si.freeram = mi.free;
	si.sharedram = mi.shmem;
	si.totalswap = mi.swap_total;
	si.freeswap = mi.swap_free;
	si.procs = (uint16_t)MIN(threads, UINT16_MAX);
	si.mem_unit = 1;
	return copyout(a[0], &si, sizeof(si));
}

/* ---- priorities ---- */

static void
threads_of(void *arg, struct proc *p)
{
	struct sys_threads *w = arg;
	struct task *tk;

	if ((w->which == PRIO_PGRP ? (uint32_t)p->pgid : p->cred.uid) != w->who)
		return;
	LIST_FOREACH(tk, &p->threads, node)
		w->fn_locked(w, p, tk);
	if (task_find_locked(p->pid) == NULL)
		w->fn_locked(w, p, NULL);
}

/* See sys.h. */
int
sys_each_thread(struct sys_threads *w)
{
	struct task *tk;
	struct proc *p;

	w->result = -ESRCH;
	if (w->which > PRIO_USER)
		return -EINVAL;
	spin_lock(&proc_lock);
	if (w->which == PRIO_PROCESS) {
		tk = w->who == 0 ? task_current() : task_of_id_locked((int)w->who);
		p = tk == NULL ? proc_find_locked((int)w->who) : tk->proc;
		if (p != NULL)
			w->fn_locked(w, p, tk);
	} else {
		if (w->who == 0)
			w->who = w->which == PRIO_PGRP ?
			    (uint32_t)proc_current()->pgid : w->own;
		proc_walk_locked(threads_of, w);
	}
	spin_unlock(&proc_lock);
	return w->result;
}

/* The best niceness of all. */
static void
nice_get_locked(struct sys_threads *w, struct proc *p, struct task *tk)
{
	int nice = tk == NULL ? p->nice : tk->thread->nice;

	HELD(&proc_lock);
	w->value = w->result == 0 ? MIN(w->value, nice) : nice;
	w->result = 0;
}

static void
nice_set_locked(struct sys_threads *w, struct proc *p, struct task *tk)
{
	int8_t *nice = tk == NULL ? &p->nice : &tk->thread->nice;

	HELD(&proc_lock);
	if (!proc_may_tune_locked(p)) {
		w->result = -EPERM;
	} else if (w->value < *nice && !proc_may(CAP_SYS_NICE) &&
	    20 - w->value > (int64_t)MIN(p->limits->of[RLIMIT_NICE].cur, 40)) {
		w->result = -EACCES;
	} else {
		*nice = (int8_t)w->value;
		if (w->result == -ESRCH)
			w->result = 0;
	}
}

int64_t
sys_getpriority(const uint64_t a[6])
{
	struct sys_threads w = { .which = (unsigned)a[0], .who = (uint32_t)a[1],
		.own = proc_current()->cred.uid, .fn_locked = nice_get_locked };
	int r = sys_each_thread(&w);

	return r < 0 ? r : 20 - w.value;
}

int64_t
sys_setpriority(const uint64_t a[6])
{
	struct sys_threads w = { .which = (unsigned)a[0], .who = (uint32_t)a[1],
		.own = proc_current()->cred.uid, .fn_locked = nice_set_locked };

	w.value = MAX(NICE_BEST, MIN(NICE_WORST, (int)a[2]));
	return sys_each_thread(&w);
}

/* ---- the machine ---- */

/* After each page a signal ends it: the program asks again for the rest. */
static bool
random_enough(uint64_t done)
{
	return done > 0 && done % PAGE_SIZE == 0 &&
	    atomic_load(&thread_current()->pending) != 0;
}

int64_t
sys_getrandom(const uint64_t a[6])
{
	unsigned flags = (unsigned)a[2];
	uint64_t n = MIN(a[1], INT32_MAX), done = 0, k;
	uint64_t buf[RANDOM_CHUNK / 8];
	ssize_t r;

	if ((flags & ~(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE)) != 0 ||
	    (flags & (GRND_RANDOM | GRND_INSECURE)) ==
	    (GRND_RANDOM | GRND_INSECURE))
		return -EINVAL;
	for (; done < n && !random_enough(done); done += k) {
		k = MIN(n - done, RANDOM_CHUNK);
		for (unsigned i = 0; i < ARRAY_LEN(buf); i++)
			buf[i] = md_entropy();
		/* as_write() writes up to the first byte that is not writable. */
		r = as_write(as_current(), a[0] + done, buf, k);
		if (r < (ssize_t)k)
			return done + (uint64_t)MAX(r, 0) > 0 ?
			    (int64_t)done + MAX(r, 0) : -EFAULT;
	}
	return (int64_t)done;
}

#define LOG_CLOSE 0
#define LOG_OPEN 1
#define LOG_READ_ALL 3
#define LOG_SIZE_UNREAD 9
#define LOG_SIZE_BUFFER 10

/* The end of the kernel's log, as dmesg asks for it. */
static int64_t
log_read_all(va_t at, int len)
{
	struct out_buf all, none;
	char *text, nothing[1];
	size_t n;
	int64_t r;

	if (len < 0 || at == 0)
		return -EINVAL;
	if (len == 0)
		return 0;
	out_buf_init(&none, nothing, sizeof(nothing));
	klog_read(&none.out);
	text = kmem_alloc(none.len + 1);
	if (text == NULL)
		return -ENOMEM;
	out_buf_init(&all, text, none.len + 1);
	klog_read(&all.out);
	n = MIN(MIN(all.len, none.len), (size_t)len);
	r = as_write(proc_current()->as, at,
	    text + MIN(all.len, none.len) - n, n);
	kmem_free(text);
	return r;
}

static int64_t
log_size(void)
{
	struct out_buf none;
	char nothing[1];

	out_buf_init(&none, nothing, sizeof(nothing));
	klog_read(&none.out);
	return (int64_t)none.len;
}

int64_t
sys_syslog(const uint64_t a[6])
{
	if (!proc_may(CAP_SYSLOG))
		return -EPERM;
	switch ((int)a[0]) {
	case LOG_CLOSE:
	case LOG_OPEN:
		return 0;
	case LOG_READ_ALL:
		return log_read_all(a[1], (int)a[2]);
	case LOG_SIZE_UNREAD:
	case LOG_SIZE_BUFFER:
		return log_size();
	}
	return -EINVAL;
}

int64_t
sys_reboot(const uint64_t a[6])
{
	uint32_t magic2 = (uint32_t)a[1];

	if (!proc_may(CAP_SYS_BOOT))
		return -EPERM;
	if ((uint32_t)a[0] != REBOOT_MAGIC1 || (magic2 != REBOOT_MAGIC2 &&
	    magic2 != REBOOT_MAGIC2A && magic2 != REBOOT_MAGIC2B &&
	    magic2 != REBOOT_MAGIC2C))
		return -EINVAL;
	switch ((uint32_t)a[2]) {
	case REBOOT_CAD_OFF:
		return 0;
	case REBOOT_RESTART:
		klog("reboot: restarting");
		fs_shutdown();
		power_end(POWER_REBOOT);
	case REBOOT_HALT:
	case REBOOT_POWER_OFF:
		klog("reboot: power off");
		fs_shutdown();
		power_end(POWER_OFF);
	}
	return -EINVAL;
}
