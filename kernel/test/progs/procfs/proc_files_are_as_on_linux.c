/* NEEDS: MEM=64M CPUS=1,2 TIMEOUT=20 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * The files of /proc that ps, free and libc read, with the fields that
 * must be true.
 */
#include "lib/test.h"
#include <cpuid.h>
#include <grp.h>
#include <pthread.h>

#define BIG 2000 /* pages */

static char text[65536];

static const char *
slurp(const char *path)
{
	int fd = OK(open(path, O_RDONLY));
	size_t at = 0;
	long n;

	while ((n = OK(read(fd, text + at, 500 < sizeof(text) - 1 - at
	           ? 500 : sizeof(text) - 1 - at))) > 0)
		at += n;
	text[at] = '\0';
	close(fd);
	return text;
}

static void
stat_file(void)
{
	char comm[32], state;
	int pid, ppid, pgrp, session, fields = 0;
	const char *p = slurp("/proc/self/stat");
	long vsize, rss;

	EQ(sscanf(p, "%d (%31[^)]) %c %d %d %d", &pid, comm, &state, &ppid,
	       &pgrp, &session), 6);
	EQ(pid, getpid());
	EQ(strncmp(comm, "proc_files_are_as_on_linux", 15), 0);
	EQ(state, 'R');
	EQ(ppid, getppid());
	EQ(pgrp, getpgrp());
	EQ(session, getsid(0));
	for (const char *q = p; *q; q++)
		fields += *q == ' ' || *q == '\n';
	EQ(fields, 52);
	p = strchr(p, ')');
	for (int i = 2; i < 23; i++)
		p = strchr(p + 1, ' ');
	EQ(sscanf(p, " %ld %ld", &vsize, &rss), 2);
	CHECK(vsize > 4096 && vsize % PAGE == 0);
	/* Newer Linux is vague about small numbers. */
	CHECK((rss > 5 || !on_vadose()) && rss * (long)PAGE <= vsize);
	EQ(sscanf(slurp("/proc/self/statm"), "%ld %ld", &vsize, &rss), 2);
	CHECK(vsize > rss);
}

static long
field(const char *name)
{
	const char *p = strstr(text, name);

	if (p == NULL)
		FAIL("no field %s in %.60s", name, text);
	return strtol(p + strlen(name) + strspn(p + strlen(name), ": \t"),
	    NULL, 10);
}

static void
status_file(void)
{
	char *big = pages_private(BIG);
	long before;

	slurp("/proc/self/status");
	EQ(strncmp(text, "Name:\t", 6), 0);
	EQ(field("\nPid:"), getpid());
	EQ(field("\nTgid:"), getpid());
	EQ(field("\nPPid:"), getppid());
	EQ(field("\nUid:"), getuid());
	EQ(field("\nThreads:"), 1);
	CHECK(strstr(text, "State:\tR (running)") != NULL);
	before = field("\nVmRSS:");
	memset(big, 1, BIG * PAGE);
	slurp("/proc/self/status");
	/* Linux counts on each processor, and adds up late. */
	CHECK(field("\nVmRSS:") - before >= BIG * (on_vadose() ? 3 : 2));
	CHECK(field("\nVmSize:") >= field("\nVmRSS:"));
	CHECK(strstr(text, "SigCgt:\t") != NULL);
	OK(munmap(big, BIG * PAGE));
}

static void
groups_of_it(void)
{
	const gid_t some[] = { 4, 5, 70000 };
	pid_t pid = OK(fork());

	if (pid == 0) {
		OK(setgroups(3, some));
		slurp("/proc/self/status");
		CHECK(strstr(text, "\nGroups:\t4 5 70000 \n") != NULL);
		OK(setgroups(0, NULL));
		slurp("/proc/self/status");
		CHECK(strstr(text, "\nGroups:\t \n") != NULL);
		_exit(0);
	}
	REAP(pid, 0);
}

/* Limits of the whole system, and a guess of the process: numbers, a line each. */
static void
single_numbers(void)
{
	static const struct {
		const char *path;
		long least;
	} of[] = {
		{ "/proc/sys/kernel/ngroups_max", 32 }, { "/proc/sys/kernel/pid_max", 301 },
		{ "/proc/sys/kernel/threads-max", 20 }, { "/proc/self/oom_score", 0 },
	};

	for (size_t i = 0; i < sizeof(of) / sizeof(*of); i++) {
		long n = -1;
		char end = 0;

		EQ(sscanf(slurp(of[i].path), "%ld%c", &n, &end), 2);
		CHECK(n >= of[i].least && end == '\n');
	}
}

/* Root's rights as capget tells them, and what is given up for good. */
static void
rights_of_it(void)
{
	uint32_t head[2] = { 0x20080522, 0 }, words[6];
	char want[64];

	slurp("/proc/self/status");
	OK(syscall(SYS_capget, head, words));
	snprintf(want, sizeof(want), "\nCapPrm:\t%08x%08x\nCapEff:\t%08x%08x\n", words[4],
	    words[1], words[3], words[0]);
	CHECK(strstr(text, want) != NULL);
	snprintf(want, sizeof(want), "\nNoNewPrivs:\t%d\nSeccomp:\t",
	    prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	CHECK(strstr(text, want) != NULL);
}

static void *
gives_up(void *arg)
{
	OK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	EQ(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 1);
	slurp("/proc/thread-self/status");
	EQ(field("\nNoNewPrivs:"), 1);
	return arg;
}

/* Another to files: root's rights to them are put aside, and no others. */
static void
files_aside(void)
{
	uint32_t head[2] = { 0x20080522, 0 }, before[6], words[6];

	OK(syscall(SYS_capget, head, before));
	OK(syscall(SYS_setfsuid, 1000));
	OK(syscall(SYS_capget, head, words));
	EQ(words[0], before[0] & ~0x800021fU);
	EQ(words[3], before[3] & ~1U);
	EQ(words[1], before[1]);
	rights_of_it();
	EQ(syscall(SYS_setfsuid, 0), 1000);
	OK(syscall(SYS_capget, head, words));
	EQ(words[0], before[0]);
}

static void
rights(void)
{
	pid_t pid = OK(fork());
	pthread_t t;

	if (pid != 0) {
		REAP(pid, 0);
		return;
	}
	rights_of_it();
	EQ(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 0);
	EQ(pthread_create(&t, NULL, gives_up, NULL), 0);
	EQ(pthread_join(t, NULL), 0);
	EQ(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0), 0); /* a thread's alone */
	slurp("/proc/self/status");
	EQ(field("\nNoNewPrivs:"), 0);
	if (getuid() == 0) {
		files_aside();
		OK(setresuid(1000, 1000, 1000));
		rights_of_it();
		EQ(field("\nCapEff:"), 0);
	}
	gives_up(NULL);
	pid = OK(fork());
	if (pid == 0)
		_exit(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	REAP(pid, 1);
	_exit(0);
}

/* Where it may run, of each thread. */
static void
processors(void)
{
	cpu_set_t all, one;
	int cpu, last = 0;
	char want[32];

	OK(sched_getaffinity(0, sizeof(all), &all));
	for (cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &all))
			last = cpu;
	CPU_ZERO(&one);
	CPU_SET(last, &one);
	OK(sched_setaffinity(0, sizeof(one), &one));
	slurp("/proc/self/status");
	snprintf(want, sizeof(want), "\nCpus_allowed_list:\t%d\n", last);
	CHECK(strstr(text, want) != NULL);
	OK(sched_setaffinity(0, sizeof(all), &all));
	slurp("/proc/self/status");
	CHECK(strstr(text, "\nCpus_allowed_list:\t0") != NULL || !CPU_ISSET(0, &all));
	CHECK(CPU_COUNT(&all) == 1 || strstr(text, want) == NULL);
}

static long
code_pages(void)
{
	long pages;

	EQ(sscanf(slurp("/proc/self/statm"), "%*d %*d %*d %ld", &pages), 1);
	return pages;
}

/* Its code is what the file says; what else may be executed is a library. */
static void
code_and_libraries(void)
{
	long exe, lib, pages = code_pages();
	char *p;

	slurp("/proc/self/status");
	exe = field("\nVmExe:");
	lib = field("\nVmLib:");
	EQ(exe, pages * 4);
	p = mmap(NULL, 16 * PAGE, PROT_READ | PROT_EXEC,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(p != MAP_FAILED);
	slurp("/proc/self/status");
	EQ(field("\nVmExe:"), exe);
	EQ(field("\nVmLib:"), lib + 64);
	EQ(code_pages(), pages);
	OK(munmap(p, 16 * PAGE));
}

/* Where its data lies, and where the heap begins. */
static void
places(void)
{
	const char *p = strrchr(slurp("/proc/self/stat"), ')');
	unsigned long lo, hi, heap;
	static volatile int some = 1;

	for (int i = 2; i < 45; i++)
		p = strchr(p + 1, ' ');
	EQ(sscanf(p, " %lu %lu %lu", &lo, &hi, &heap), 3);
	CHECK(lo <= (uintptr_t)&some && (uintptr_t)&some < hi);
	CHECK(hi - lo < 256 * KIB);
	CHECK(hi <= heap && heap <= (unsigned long)syscall(SYS_brk, 0));
}

/* The mask, and for how many descriptors there is room. */
static void
files_of_it(void)
{
	umask(027);
	OK(dup2(0, 200));
	slurp("/proc/self/status");
	EQ(field("\nUmask:"), 27);
	LE(201, field("\nFDSize:"));
	umask(0);
	OK(dup2(0, 900));
	slurp("/proc/self/status");
	CHECK(strstr(text, "\nUmask:\t0000\n") != NULL);
	LE(901, field("\nFDSize:"));
	OK(close(200));
	OK(close(900));
	umask(022);
}

static const char *const status_rows[] = { "Name", "Umask", "State", "Tgid", "Ngid",
	"Pid", "PPid", "TracerPid", "Uid", "Gid", "FDSize", "Groups", "VmPeak", "VmSize",
	"VmLck", "VmPin", "VmHWM", "VmRSS", "RssAnon", "RssFile", "RssShmem", "VmData",
	"VmStk", "VmExe", "VmLib", "VmPTE", "VmSwap", "CoreDumping", "THP_enabled",
	"Threads", "SigQ", "SigPnd", "ShdPnd", "SigBlk", "SigIgn", "SigCgt", "CapInh",
	"CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Cpus_allowed",
	"Cpus_allowed_list", "voluntary_ctxt_switches", "nonvoluntary_ctxt_switches",
	NULL };
static const char *const meminfo_rows[] = { "MemTotal", "MemFree", "MemAvailable",
	"Buffers", "Cached", "SwapCached", "Active", "Inactive", "Active(anon)",
	"Inactive(anon)", "Active(file)", "Inactive(file)", "Unevictable", "Mlocked",
	"SwapTotal", "SwapFree", "Dirty", "Writeback", "AnonPages", "Mapped", "Shmem",
	"KReclaimable", "Slab", "SReclaimable", "SUnreclaim", "KernelStack", "PageTables",
	"SecPageTables", "NFS_Unstable", "Bounce", "WritebackTmp", "CommitLimit",
	"Committed_AS", "VmallocTotal", "VmallocUsed", "VmallocChunk", "Percpu", NULL };

/* Those rows that no Linux is without, in their order. */
static void
rows_of(const char *path, const char *const *row)
{
	const char *p = slurp(path);
	char name[32];

	for (; *row != NULL; row++) {
		snprintf(name, sizeof(name), "%s:", *row);
		while (strncmp(p, name, strlen(name)) != 0) {
			p = strchr(p, '\n');
			if (p == NULL)
				FAIL("%s: no %s", path, name);
			p++;
		}
	}
}

static long
own_switches(void)
{
	const char *at;

	slurp("/proc/self/status");
	at = strstr(text, "\nvoluntary_ctxt_switches:\t");
	CHECK(at != NULL);
	return atol(strchr(at, '\t'));
}

/* Who sleeps leaves the processor to others of its own will; not where the host let the
 * time pass before. */
static void
switches_are_counted(void)
{
	long before = own_switches();

	for (int i = 0; i < 100 && own_switches() == before; i++)
		OK(usleep(1000));
	LE(before + 1, own_switches());
}

/* A name makes no lines in status; elsewhere it is shown as it is. */
static void
odd_name(void)
{
	char old[16];

	OK(prctl(PR_GET_NAME, old));
	OK(prctl(PR_SET_NAME, "a\nUid:\t7\\"));
	CHECK(strncmp(slurp("/proc/self/status"), "Name:\ta\\nUid:\t7\\\\\n",
	          18) == 0);
	EQ(field("\nUid:"), getuid());
	EQ(strcmp(slurp("/proc/self/comm"), "a\nUid:\t7\\\n"), 0);
	CHECK(strstr(slurp("/proc/self/stat"), "(a\nUid:\t7\\)") != NULL);
	OK(prctl(PR_SET_NAME, old));
}

static void
maps_file(void)
{
	unsigned long start, end, last = 0;
	bool stack = false, code = false;
	char perm[8];

	slurp("/proc/self/maps");
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		EQ(sscanf(line, "%lx-%lx %7s", &start, &end, perm), 3);
		CHECK(start >= last && start < end);
		last = end;
		if (strstr(line, "[stack]"))
			stack = start <= (uintptr_t)&stack &&
			    (uintptr_t)&stack < end;
		if (start <= (uintptr_t)maps_file && (uintptr_t)maps_file < end)
			code = strcmp(perm, "r-xp") == 0;
	}
	CHECK(stack && code);
}

static void
others(void)
{
	char path[64], buf[256];
	double up, idle;
	int fd;
	long n;

	EQ(strncmp(slurp("/proc/self/comm"), "proc_files_are_", 15), 0);
	slurp("/proc/self/cmdline");
	CHECK(strstr(text, "proc_files_are_as_on_linux") != NULL);
	n = OK(readlink("/proc/self/exe", buf, 255));
	buf[n] = '\0';
	CHECK(strstr(buf, "proc_files_are_as_on_linux") != NULL);
	n = OK(readlink("/proc/self", buf, 255));
	buf[n] = '\0';
	EQ(atoi(buf), getpid());
	slurp("/proc/meminfo");
	CHECK(field("MemTotal") > field("MemFree"));
	CHECK(field("MemFree") > 1000);
	slurp("/proc/stat");
	EQ(strncmp(text, "cpu  ", 5), 0);
	CHECK(field("\nprocesses") >= 1);
	CHECK(strstr(text, "\nbtime ") && strstr(text, "\nctxt "));
	EQ(sscanf(slurp("/proc/uptime"), "%lf %lf", &up, &idle), 2);
	CHECK(up > 0);
	CHECK(strncmp(slurp("/proc/version"), "Linux version ", 14) == 0);
	slurp("/proc/mounts");
	CHECK(strstr(text, "/proc proc") != NULL);
	fd = OK(open("/dev/null", O_RDONLY));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = OK(readlink(path, buf, 255));
	EQ(n, 9);
	EQ(memcmp(buf, "/dev/null", 9), 0);
	ERR(open("/proc/1073741823/stat", O_RDONLY), ENOENT);
	ERR(open("/proc/self/nothing", O_RDONLY), ENOENT);
}

/* Lines of a text that begin so. */
static long
lines_of(const char *p, const char *begin)
{
	long n = 0;

	for (; (p = strstr(p, begin)) != NULL; p++)
		n++;
	return n;
}

/* What the processor says of itself, once for each. */
static void
cpuinfo_file(void)
{
	static const char *const names[] = { "vendor_id", "cpu family", "model",
		"model name", "stepping", "cpu cores", "flags" };
	const char *p = slurp("/proc/cpuinfo"), *s = p;
	unsigned b, c, d, none;
	char line[64];
	long n = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(line, sizeof(line), "\n%s\t", names[i]);
		CHECK(strstr(p, line) != NULL);
	}
	while ((s = strstr(s, "processor\t: ")) != NULL)
		EQ(atol(s += strlen("processor\t: ")), n++);
	__cpuid(0, none, b, c, d);
	snprintf(line, sizeof(line), "\nvendor_id\t: %.4s%.4s%.4s\n", (char *)&b,
	    (char *)&d, (char *)&c);
	CHECK(strstr(p, line) != NULL);
	__cpuid(1, none, b, c, d);
	EQ(strstr(p, " ssse3 ") != NULL, (c & bit_SSSE3) != 0);
	EQ(strstr(p, " popcnt ") != NULL, (c & bit_POPCNT) != 0);
	EQ(strstr(p, " sse2 ") != NULL, (d & bit_SSE2) != 0);
	EQ(strstr(p, " pni ") != NULL, (c & bit_SSE3) != 0);
	/* Also those on which this program may not run. */
	EQ(lines_of(slurp("/proc/stat"), "\ncpu"), n);
}

/* A zombie and its files. */
static void
zombie(void)
{
	char path[64];
	pid_t pid = OK(fork());

	if (pid == 0)
		_exit(0);
	siginfo_t si;
	OK(waitid(P_PID, pid, &si, WEXITED | WNOWAIT));
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	CHECK(strstr(slurp(path), ") Z ") != NULL);
	REAP(pid, 0);
	ERR(open(path, O_RDONLY), ENOENT);
}

/* It has no size, so none is refused. */
static void
cut_file(void)
{
	int fd = OK(open("/proc/self/comm", O_RDWR));

	OK(truncate("/proc/self/comm", 100));
	OK(ftruncate(fd, 0));
	OK(close(fd));
}

/* What is written is the name, with its newline. */
static void
written_name(void)
{
	int fd = OK(open("/proc/self/comm", O_WRONLY));
	char was[32];

	snprintf(was, sizeof(was), "%s", slurp("/proc/self/comm"));
	EQ(write(fd, "name\n", 5), 5);
	EQ(strcmp(slurp("/proc/self/comm"), "name\n\n"), 0);
	EQ(write(fd, was, strlen(was) - 1), strlen(was) - 1);
	EQ(strcmp(slurp("/proc/self/comm"), was), 0);
	OK(close(fd));
}

/* A title that is written over the arguments may go on where the environment was. */
static void
title(char *args)
{
	pid_t pid = OK(fork());

	if (pid != 0) {
		REAP(pid, 0);
		return;
	}
	if (environ[0] == NULL)
		_exit(0);
	memset(args, 't', environ[0] - args);
	slurp("/proc/self/cmdline");
	EQ(strlen(text), strlen(args));
	CHECK(args + strlen(args) > environ[0]);
	args[2] = '\0';
	memset(text, 'x', 8);
	slurp("/proc/self/cmdline");
	EQ(memcmp(text, "tt\0", 4), 0);
	_exit(0);
}

/* Two of these are one, or two. */
static void
numbers(const char *path, bool again)
{
	char first[64];
	int n = 0;

	snprintf(first, sizeof(first), "%s", slurp(path));
	EQ(sscanf(first, "%*8[0-9a-f]-%*4[0-9a-f]-4%*3[0-9a-f]-%*1[89ab]%*3[0-9a-f]-"
	    "%*12[0-9a-f]%n", &n), 0);
	EQ(n, 36);
	EQ(strlen(first), 37);
	EQ(strcmp(first, slurp(path)) == 0, again);
}

int
main(int argc, char **argv)
{
	stat_file();
	status_file();
	if (geteuid() == 0)
		groups_of_it();
	single_numbers();
	rights();
	processors();
	code_and_libraries();
	places();
	rows_of("/proc/self/status", status_rows);
	rows_of("/proc/meminfo", meminfo_rows);
	files_of_it();
	switches_are_counted();
	odd_name();
	cut_file();
	written_name();
	title(argv[0]);
	slurp("/proc/self/limits");
	CHECK(strstr(text, "  us        \n") != NULL);
	EQ(strchr(strstr(text, "Max nice"), '\n') - strstr(text, "Max nice"), 26 + 42);
	maps_file();
	others();
	cpuinfo_file();
	zombie();
	numbers("/proc/sys/kernel/random/boot_id", true);
	numbers("/proc/sys/kernel/random/uuid", false);
	return test_done();
}
