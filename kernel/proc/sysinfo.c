/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sysinfo.c: the files of /proc about the whole system
 *
 * Problem   Linux's files for free, top, uptime and libc, and our own
 *           evidence under /proc/vm (book: evidence).
 *
 * Rules     1. Formats are Linux's, byte for byte; numbers that are not kept are 0.
 *           2. /proc/vm/check and inject are written by root only; a check
 *              with findings is -EIO, so a shell script notices.
 *
 * Read next vm/evidence/stat.c, kern/tracefile.c.  Book: ch22.
 */
#include "proc/proc.h"
#include "proc/procdat.h"
#include "proc/procfn.h"

#include "boot/boot.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mem/mem.h"
#include "vm/evidence/stat.h"

#define TICK_NS 10000000ul
#define HOSTNAME_MAX 64

static struct {
	struct spinlock lock;         /* LR_LEAF */
	char name[HOSTNAME_MAX + 1];  /* [lock] */
	uint64_t boot_id[2];          /* [c] */
} host = { .lock = SPIN_INIT(LR_LEAF), .name = "vadose" };

/* ---- the host's name ---- */

/* The name; a reader during a change sees either or a mixture.  No locks. */
const char *
sys_hostname(void)
{
	return host.name;
}

/* Returns 0, -EINVAL.  Locks: takes its own. */
int
sys_set_hostname(const char *name, size_t n)
{
	if (n > HOSTNAME_MAX)
		return -EINVAL;
	spin_lock(&host.lock);
	memcpy(host.name, name, n);
	host.name[n] = '\0';
	spin_unlock(&host.lock);
	return 0;
}

/* ---- Linux's files ---- */

static void
cpu_line(struct out *o, uint64_t busy_user, uint64_t busy_sys, uint64_t idle)
{
	out_printf(o, " %lu 0 %lu %lu 0 0 0 0 0 0\n", busy_user / TICK_NS,
	    busy_sys / TICK_NS, idle / TICK_NS);
}

struct cpu_sum {
	uint64_t user, sys;
};

static void
sum_proc(void *arg, struct proc *p)
{
	struct cpu_sum *s = arg;
	uint64_t ut, st;

	proc_times_locked(p, &ut, &st);
	s->user += ut + p->cutime_ns;
	s->sys += st + p->cstime_ns;
}

static void
show_stat(struct out *o)
{
	uint64_t now = md_time_ns(), idle = 0, busy;
	struct cpu_sum sum = { 0, 0 };
	unsigned ncpu = md_ncpus();

	spin_lock(&proc_lock);
	proc_walk_locked(sum_proc, &sum);
	spin_unlock(&proc_lock);
	for (unsigned i = 0; i < ncpu; i++)
		idle += sched_idle_ns(i);
	busy = now * ncpu > idle ? now * ncpu - idle : 0;
	sum.user = MIN(sum.user, busy);
	out_printf(o, "cpu ");
	cpu_line(o, sum.user, busy - sum.user, idle);
	for (unsigned i = 0; i < ncpu; i++) {
		idle = MIN(sched_idle_ns(i), now);
		out_printf(o, "cpu%u", i);
		cpu_line(o, 0, now - idle, idle);
	}
	out_printf(o, "intr 0\nctxt %lu\nbtime %lu\nprocesses %lu\n"
	    "procs_running %u\nprocs_blocked 0\n", sched_switches(),
	    rtc_boot_seconds(), ev_read(EV_fork_calls) + 1, sched_running());
}

static void
show_meminfo(struct out *o)
{
	struct vm_mem_info m;

	vm_mem_info(&m);
	const struct {
		const char *name;
		uint64_t bytes;
	} rows[] = {
		{ "MemTotal", m.total }, { "MemFree", m.free },
		{ "MemAvailable", m.avail }, { "Buffers", 0 },
		{ "Cached", m.cached }, { "SwapCached", m.swap_cached },
		{ "Active", 0 }, { "Inactive", 0 },
		{ "Active(anon)", 0 }, { "Inactive(anon)", 0 },
		{ "Active(file)", 0 }, { "Inactive(file)", 0 },
		{ "Unevictable", m.locked }, { "Mlocked", m.locked },
		{ "SwapTotal", m.swap_total }, { "SwapFree", m.swap_free },
		{ "Dirty", m.dirty }, { "Writeback", m.writeback }, { "AnonPages", m.anon },
		{ "Mapped", m.mapped }, { "Shmem", m.shmem },
		{ "KReclaimable", 0 }, { "Slab", m.slab },
		{ "SReclaimable", 0 }, { "SUnreclaim", m.slab },
		{ "KernelStack", 0 }, { "PageTables", m.tables },
		{ "SecPageTables", 0 }, { "NFS_Unstable", 0 }, { "Bounce", 0 },
		{ "WritebackTmp", 0 }, { "CommitLimit", m.commit_limit },
		{ "Committed_AS", m.commit_total }, { "VmallocTotal", 0 },
		{ "VmallocUsed", 0 }, { "VmallocChunk", 0 }, { "Percpu", 0 },
	};

	for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
		char label[20];

		snprintf(label, sizeof(label), "%s:", rows[i].name);
		out_printf(o, "%-16s%8lu kB\n", label, rows[i].bytes / 1024);
	}
	out_printf(o, "HugePages_Total:       0\n"
	    "Hugepagesize:       2048 kB\n");
}

static void
show_uptime(struct out *o)
{
	uint64_t now = md_time_ns(), idle = 0;

	for (unsigned i = 0; i < md_ncpus(); i++)
		idle += sched_idle_ns(i);
	out_printf(o, "%lu.%02lu %lu.%02lu\n", now / NS_PER_S,
	    now % NS_PER_S / TICK_NS, idle / NS_PER_S,
	    idle % NS_PER_S / TICK_NS);
}

static void
find_newest(void *arg, struct proc *p)
{
	*(int *)arg = p->pid;
}

static void
show_loadavg(struct out *o)
{
	unsigned threads;
	uint64_t avg[3];
	int last = 0;

	proc_loads(avg);
	(void)proc_count(&threads);
	spin_lock(&proc_lock);
	proc_walk_locked(find_newest, &last);
	spin_unlock(&proc_lock);
	for (int i = 0; i < 3; i++)
		out_printf(o, "%lu.%02lu ", avg[i] >> LOAD_SHIFT,
		    (avg[i] & ((1ul << LOAD_SHIFT) - 1)) * 100 >> LOAD_SHIFT);
	out_printf(o, "%u/%u %d\n", sched_running(), threads, last);
}

static void
show_version(struct out *o)
{
	out_printf(o, "Linux version %s %s\n", SYS_RELEASE, SYS_VERSION);
}

static void
show_cmdline(struct out *o)
{
	out_printf(o, "%s\n", boot_info()->cmdline);
}

static void
put_feature(void *arg, const char *name, size_t len)
{
	out_printf(arg, " %.*s", (int)len, name);
}

static void
show_cpuinfo(struct out *o)
{
	struct md_processor p;

	md_processor(&p);
	for (unsigned i = 0; i < md_ncpus(); i++) {
		out_printf(o, "processor\t: %u\nvendor_id\t: %s\ncpu family\t: %u\n"
		    "model\t\t: %u\nmodel name\t: %s\nstepping\t: %u\n", i, p.vendor,
		    p.family, p.model, p.name, p.stepping);
		if (p.cache_kb != 0)
			out_printf(o, "cache size\t: %u KB\n", p.cache_kb);
		out_printf(o, "cpu cores\t: 1\nflags\t\t:");
		md_features(put_feature, o);
		out_printf(o, "\n\n");
	}
}

static void
show_vmstat(struct out *o)
{
	const struct {
		const char *name;
		uint64_t value;
	} rows[] = {
		{ "nr_free_pages", ev_read(EV_page_q_free) +
		    ev_read(EV_page_q_zeroed) },
		{ "pgpgin", ev_read(EV_cache_read_pages) * 4 },
		{ "pgpgout", ev_read(EV_cache_writeback) * 4 },
		{ "pswpin", ev_read(EV_swap_in_pages) },
		{ "pswpout", ev_read(EV_swap_out_pages) },
		{ "pgalloc_normal", ev_read(EV_page_alloc) },
		{ "pgfree", ev_read(EV_page_free) },
		{ "pgfault", ev_read(EV_fault_total) },
		{ "pgmajfault", ev_read(EV_fault_major) },
		{ "pgsteal_kswapd", ev_read(EV_page_reclaim_anon) +
		    ev_read(EV_page_reclaim_file) },
		{ "oom_kill", 0 },
	};

	for (unsigned i = 0; i < ARRAY_LEN(rows); i++)
		out_printf(o, "%s %lu\n", rows[i].name, rows[i].value);
}

/* ---- sys/kernel, sys/vm, sys/fs ---- */

static void
show_hostname(struct out *o)
{
	out_printf(o, "%s\n", host.name);
}

static int
write_hostname(const char *text, size_t n)
{
	size_t len = 0;

	while (len < MIN(n, (size_t)HOSTNAME_MAX) && text[len] != '\0' && text[len] != '\n')
		len++;
	return sys_set_hostname(text, len);
}

static void
show_ngroups_max(struct out *o)
{
	out_printf(o, "%zu\n", ARRAY_LEN(((struct cred *)NULL)->groups));
}

/* A number like no other. */
static void
put_uuid(uint64_t a, uint64_t b, struct out *o)
{
	out_printf(o, "%08lx-%04lx-4%03lx-8%03lx-%012lx\n", a >> 32,
	    a >> 16 & 0xffff, a & 0xfff, b >> 48 & 0xfff, b & 0xffffffffffff);
}

static void
show_boot_id(struct out *o)
{
	put_uuid(host.boot_id[0], host.boot_id[1], o);
}

static void
show_uuid(struct out *o)
{
	put_uuid(md_entropy(), md_entropy(), o);
}

/* Clean pages are dropped, dirty ones stay, as on Linux. */
static int
drop_caches(uint64_t what)
{
	if (what < 1 || what > 4)
		return -EINVAL;
	if ((what & 1) != 0)
		vmo_drop_clean_all();
	return 0;
}

/* ---- /proc/vm ---- */

static bool
word_is(const char *text, size_t n, const char *word)
{
	if (n > 0 && text[n - 1] == '\n')
		n--;
	return n == strlen(word) && memcmp(text, word, n) == 0;
}

/* "1" "2" "3": walk the invariants; "mark", "diff": leak accounting. */
static int
write_check(const char *text, size_t n)
{
	const char *end;
	uint64_t level;

	if (!proc_may(CAP_SYS_ADMIN))
		return -EPERM;
	if (word_is(text, n, "mark")) {
		vm_leak_begin();
		return 0;
	}
	if (word_is(text, n, "diff"))
		return vm_leak_end() == 0 ? 0 : -EIO;
	level = str_to_u64(text, &end);
	if (end == text || level < 1 || level > 3)
		return -EINVAL;
	return vm_check((int)level) == 0 ? 0 : -EIO;
}

static int
write_inject(const char *text, size_t n)
{
	char spec[64];

	if (!proc_may(CAP_SYS_ADMIN))
		return -EPERM;
	if (n > 0 && text[n - 1] == '\n')
		n--;
	if (n >= sizeof(spec))
		return -EINVAL;
	memcpy(spec, text, n);
	spec[n] = '\0';
	return inject_set(spec);
}

static const struct procfs_row rows[] = {
	{ "stat", 0444, .show = show_stat },
	{ "meminfo", 0444, .show = show_meminfo },
	{ "uptime", 0444, .show = show_uptime },
	{ "loadavg", 0444, .show = show_loadavg },
	{ "version", 0444, .show = show_version },
	{ "cmdline", 0444, .show = show_cmdline },
	{ "cpuinfo", 0444, .show = show_cpuinfo },
	{ "vmstat", 0444, .show = show_vmstat },
	{ "swaps", 0444, .show = stat_swaps },
	{ "sys/kernel/ostype", 0444, .text = "Linux" },
	{ "sys/kernel/osrelease", 0444, .text = SYS_RELEASE },
	{ "sys/kernel/hostname", 0644, .show = show_hostname,
	  .write = write_hostname },
	{ "sys/kernel/pid_max", 0644, .get = pid_max, .set = pid_set_max },
	{ "sys/kernel/threads-max", 0444, .get = pid_max },
	{ "sys/kernel/ngroups_max", 0444, .show = show_ngroups_max },
	{ "sys/kernel/cap_last_cap", 0444, .text = "40" },
	{ "sys/kernel/tainted", 0444, .text = "0" },
	{ "sys/kernel/overflowuid", 0444, .text = "65534" },
	{ "sys/kernel/overflowgid", 0444, .text = "65534" },
	{ "sys/kernel/random/boot_id", 0444, .show = show_boot_id },
	{ "sys/kernel/random/uuid", 0444, .show = show_uuid },
	{ "sys/vm/overcommit_memory", 0644, .number = &overcommit_memory,
	  .set = commit_set_mode },
	{ "sys/vm/overcommit_ratio", 0644, .number = &overcommit_ratio,
	  .set = commit_set_ratio },
	{ "sys/vm/admin_reserve_kbytes", 0644, .number = &admin_reserve_kbytes,
	  .set = commit_set_reserve },
	{ "sys/vm/drop_caches", 0200, .set = drop_caches },
	{ "sys/vm/swappiness", 0444, .text = "60" },
	{ "sys/vm/max_map_count", 0644, .get = vad_max, .set = vad_set_max },
	{ "sys/vm/mmap_min_addr", 0444, .text = "65536" },
	{ "vm/events", 0444, .next = ev_show_next,
	  .place = EV_SHOW_PLACE * sizeof(uint64_t) },
	{ "vm/marks", 0444, .show = ev_show_marks },
	{ "vm/pages", 0444, .show = stat_pages },
	{ "vm/queues", 0444, .show = stat_queues },
	{ "vm/commit", 0444, .show = stat_commit },
	{ "vm/fmo", 0400, .next = stat_shared },
	{ "vm/shadow", 0400, .next = stat_shadow,
	  .place = 2 * sizeof(uint64_t) },
	{ "vm/owners", 0400, .show = stat_owners },
	{ "vm/swap", 0444, .show = stat_swap },
	{ "vm/vmos", 0444, .next = stat_vmos },
	{ "vm/slabs", 0444, .show = stat_slabs },
	{ "vm/frames", 0444, .show = stat_frames },
	{ "vm/framestates", 0400, .show = stat_frame_states },
	{ "vm/stacks", 0400, .show = stat_stacks },
	{ "vm/check", 0600, .show = stat_check, .write = write_check },
	{ "vm/inject", 0600, .show = inject_show, .write = write_inject },
	{ "vm/trace", 0400, .next = ev_trace_next,
	  .place = sizeof(struct ev_trace_place) },
	{ "vm/locks", 0444, .show = lockstat_show },
	{ "vm/options", 0444, .show = options_show },
};

/* Locks: none; boot. */
void
sysinfo_init(void)
{
	host.boot_id[0] = md_entropy();
	host.boot_id[1] = md_entropy();
	procfs_register(rows, ARRAY_LEN(rows));
}
