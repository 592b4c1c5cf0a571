/* NEEDS: MEM=64M CPUS=1 TIMEOUT=30 KIND=exact */
/*
 * Every call that takes a pointer answers EFAULT to a bad one: null page,
 * hole, kernel, non-canonical, and a structure that ends in a hole.
 */
#include "lib/futex.h"
#include "lib/test.h"
#include <sys/select.h>
#include <sys/times.h>
#include <sys/utsname.h>

static int fd[2], zero, dir;

struct row {
	const char *name;
	long nr;
	int at; /* which argument is the pointer */
	long arg[6];
};

#define BAD 0

static struct row rows[] = {
	{ "read", SYS_read, 1, { -2, BAD, 8 } },
	{ "write", SYS_write, 1, { -3, BAD, 8 } },
	{ "readv", SYS_readv, 1, { -2, BAD, 1 } },
	{ "writev", SYS_writev, 1, { -3, BAD, 1 } },
	{ "open", SYS_open, 0, { BAD, O_RDONLY } },
	{ "openat", SYS_openat, 1, { AT_FDCWD, BAD, O_RDONLY } },
	{ "stat", SYS_stat, 1, { (long)"/", BAD } },
	{ "fstat", SYS_fstat, 1, { 1, BAD } },
	{ "newfstatat", SYS_newfstatat, 2, { AT_FDCWD, (long)"/", BAD, 0 } },
	{ "access", SYS_access, 0, { BAD, 0 } },
	{ "readlink", SYS_readlink, 0, { BAD, 0, 8 } },
	{ "getcwd", SYS_getcwd, 0, { BAD, 64 } },
	{ "chdir", SYS_chdir, 0, { BAD } },
	{ "mkdir", SYS_mkdir, 0, { BAD, 0 } },
	{ "unlink", SYS_unlink, 0, { BAD } },
	{ "rename", SYS_rename, 0, { BAD, (long)"x" } },
	{ "getdents64", SYS_getdents64, 1, { -4, BAD, 1024 } },
	{ "pipe2", SYS_pipe2, 0, { BAD, 0 } },
	{ "poll", SYS_poll, 0, { BAD, 1, 0 } },
	{ "select", SYS_select, 1, { 1, BAD, 0, 0, 0 } },
	{ "rt_sigaction new", SYS_rt_sigaction, 1, { SIGUSR1, BAD, 0, 8 } },
	{ "rt_sigaction old", SYS_rt_sigaction, 2, { SIGUSR1, 0, BAD, 8 } },
	{ "rt_sigprocmask", SYS_rt_sigprocmask, 1, { 0, BAD, 0, 8 } },
	{ "rt_sigpending", SYS_rt_sigpending, 0, { BAD, 8 } },
	{ "rt_sigsuspend", SYS_rt_sigsuspend, 0, { BAD, 8 } },
	{ "sigaltstack", SYS_sigaltstack, 0, { BAD, 0 } },
	{ "sigaltstack old", SYS_sigaltstack, 1, { 0, BAD } },
	{ "futex", SYS_futex, 0, { BAD, FUTEX_WAIT, 0, 0 } },
	{ "futex shared wake", SYS_futex, 0, { BAD, FUTEX_WAKE, 1, 0 } },
	{ "nanosleep", SYS_nanosleep, 0, { BAD, 0 } },
	{ "clock_nanosleep", SYS_clock_nanosleep, 2, { 1, 0, BAD, 0 } },
	{ "clock_gettime", SYS_clock_gettime, 1, { 1, BAD } },
	{ "clock_getres", SYS_clock_getres, 1, { 1, BAD } },
	{ "gettimeofday", SYS_gettimeofday, 0, { BAD, 0 } },
	{ "time", SYS_time, 0, { BAD } },
	{ "times", SYS_times, 0, { BAD } },
	{ "uname", SYS_uname, 0, { BAD } },
	{ "getrandom", SYS_getrandom, 0, { BAD, 16, 0 } },
	{ "prlimit64 old", SYS_prlimit64, 3, { 0, RLIMIT_STACK, 0, BAD } },
	{ "prlimit64 new", SYS_prlimit64, 2, { 0, RLIMIT_STACK, BAD, 0 } },
	{ "getrlimit", SYS_getrlimit, 1, { RLIMIT_STACK, BAD } },
	{ "getrusage", SYS_getrusage, 1, { 0, BAD } },
	{ "arch_prctl", SYS_arch_prctl, 1, { 0x1003, BAD } },
	{ "prctl", SYS_prctl, 1, { PR_GET_NAME, BAD } },
	{ "execve", SYS_execve, 0, { BAD, 0, 0 } },
	{ "execve argv", SYS_execve, 1, { (long)"/proc/self/exe", BAD, 0 } },
	{ "setitimer", SYS_setitimer, 1, { 0, BAD, 0 } },
	{ "getitimer", SYS_getitimer, 1, { 0, BAD } },
	{ "sysinfo", SYS_sysinfo, 0, { BAD } },
	{ "sched_getaffinity", SYS_sched_getaffinity, 2, { 0, 128, BAD } },
	{ "get_robust_list", SYS_get_robust_list, 1, { 0, BAD, BAD } },
};

static long
argument(long v)
{
	return v == -2 ? zero : v == -3 ? fd[1] : v == -4 ? dir : v;
}

static void
try_row(struct row *r, uintptr_t bad)
{
	long a[6], seen;

	for (int i = 0; i < 6; i++)
		a[i] = argument(r->arg[i]);
	if (r->nr == SYS_futex)
		bad &= -4UL; /* else it is EINVAL first */
	a[r->at] = bad;
	errno = 0;
	seen = syscall(r->nr, a[0], a[1], a[2], a[3], a[4], a[5]);
	if (seen != -1 || errno != EFAULT)
		FAIL("%s with pointer %#lx: expected EFAULT, seen %ld, errno "
		     "%d (%s)", r->name, bad, seen, errno, strerror(errno));
}

/* A mapping whose last bytes only are there: the structure is cut. */
static void
try_cut(const char *name, long nr, int at, long a0, long a1, char *end)
{
	long a[2] = { a0, a1 };

	a[at] = (long)(end - 4);
	errno = 0;
	if (syscall(nr, a[0], a[1], 0, 0) != -1 || errno != EFAULT)
		FAIL("%s with a structure that ends in a hole: expected "
		     "EFAULT, seen errno %d", name, errno);
}

int
main(void)
{
	char *hole = pages_private(2), *end = hole + PAGE;
	uintptr_t bad[] = { 5, 64, (uintptr_t)hole + PAGE, 0xffff800000000000,
		0xffffffff80001000, 0x0000800000000000, 0xdeadbeefdeadbeef,
		0xfffffffffffffff0, 0x7ffffffff000 };

	OK(munmap(hole + PAGE, PAGE));
	OK(chdir("/")); /* shorter than what getcwd has room for */
	OK(pipe(fd));
	zero = OK(open("/dev/zero", O_RDONLY));
	dir = OK(open("/", O_RDONLY | O_DIRECTORY));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (size_t k = 0; k < sizeof(bad) / sizeof(bad[0]); k++)
			try_row(&rows[i], bad[k]);
	try_cut("uname", SYS_uname, 0, 0, 0, end);
	try_cut("fstat", SYS_fstat, 1, 1, 0, end);
	try_cut("clock_gettime", SYS_clock_gettime, 1, 1, 0, end);
	try_cut("nanosleep", SYS_nanosleep, 0, 0, 0, end);
	try_cut("getrlimit", SYS_getrlimit, 1, RLIMIT_STACK, 0, end);
	try_cut("times", SYS_times, 0, 0, 0, end);
	/* A path that ends at the end of memory is read up to its end. */
	strcpy(end - 2, "/");
	OK(access(end - 2, F_OK));
	end[-2] = end[-1] = '/';
	ERR(access(end - 2, F_OK), EFAULT);
	/* What was moved before the hole counts. */
	EQ(read(zero, end - 100, 200), 100);
	ERR(write(fd[1], end - 100, 200), EFAULT);
	EQ(write(fd[1], end - 100, 100), 100);
	EQ(read(zero, NULL, 0), 0);
	ERR(write(fd[1], hole, -1L) + 0, EFAULT);
	return test_done();
}
