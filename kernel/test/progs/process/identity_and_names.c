/* NEEDS: MEM=64M CPUS=1 TIMEOUT=20 KIND=exact */
/*
 * uname, ids, getcwd and chdir, umask, prctl, arch_prctl, getrandom,
 * process groups and sessions.
 */
#include "lib/test.h"
#include <limits.h>
#include <sys/utsname.h>

static void
system_names(void)
{
	struct utsname u;
	int major, minor;

	OK(uname(&u));
	EQ(strcmp(u.sysname, "Linux"), 0);
	EQ(strcmp(u.machine, "x86_64"), 0);
	EQ(sscanf(u.release, "%d.%d", &major, &minor), 2);
	CHECK(major >= 6);
}

/* What is written to the file is the name up to the first end of a line, as much as fits. */
static void
name_is(const char *written, const char *name)
{
	struct utsname u;
	char text[80] = "";
	int fd;

	if (written != NULL)
		EQ(proc_write("/proc/sys/kernel/hostname", written), 0);
	OK(uname(&u));
	EQ(strcmp(u.nodename, name), 0);
	fd = OK(open("/proc/sys/kernel/hostname", O_RDONLY));
	EQ(read(fd, text, sizeof(text)), (long)strlen(name) + 1);
	EQ(strncmp(text, name, strlen(name)), 0);
	EQ(text[strlen(name)], '\n');
	OK(close(fd));
}

static void
host_name(void)
{
	static const char long_name[] =
	    "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-.tail";
	char cut[65] = "";
	struct utsname u;
	pid_t pid = OK(fork());

	if (pid != 0) {
		REAP(pid, 0);
		return;
	}
	if (!on_vadose())
		OK(unshare(CLONE_NEWUTS));
	OK(uname(&u));
	OK(sethostname("made", 4));
	name_is(NULL, "made");
	ERR(sethostname(long_name, 65), EINVAL);
	ERR(sethostname("x", (size_t)-1), EINVAL);
	ERR(sethostname((char *)8, 4), EFAULT);
	memcpy(cut, long_name, 64);
	OK(sethostname(long_name, 64));
	name_is(NULL, cut);
	name_is("written\n", "written");
	name_is("one\ntwo", "one");
	name_is("no-end", "no-end");
	name_is(long_name, cut);
	OK(sethostname(u.nodename, strlen(u.nodename)));
	_exit(0);
}

/* A signal that there is not, for a group: only if it has a member. */
static void
no_signal(void)
{
	ERR(kill(-getpgrp(), 65), EINVAL);
	ERR(kill(-getpgrp(), -1), EINVAL);
	ERR(kill(-0x3ffffffe, 65), ESRCH);
	ERR(kill(getpid(), 65), EINVAL);
	ERR(kill(0x3ffffffe, 65), ESRCH);
}

static void
directories(void)
{
	char cwd[PATH_MAX];

	OK(mkdir("a", 0755));
	OK(mkdir("a/b", 0755));
	OK(chdir("a/b/../b/."));
	CHECK(getcwd(cwd, sizeof(cwd)) != NULL);
	CHECK(strcmp(cwd + strlen(cwd) - 4, "/a/b") == 0);
	EQ(syscall(SYS_getcwd, cwd, sizeof(cwd)), (long)strlen(cwd) + 1);
	OK(chdir("../.."));
	int fd = OK(open("a", O_RDONLY | O_DIRECTORY));
	OK(fchdir(fd));
	OK(access("b", F_OK));
	OK(close(fd));
	OK(chdir(".."));
	OK(rmdir("a/b"));
	OK(rmdir("a"));
	OK(chdir("/../.."));
	CHECK(getcwd(cwd, sizeof(cwd)) && strcmp(cwd, "/") == 0);
	umask(027);
	EQ(umask(022), 027);
}

static void
controls(void)
{
	char name[20] = "", *end = pages_private(2) + PAGE;
	unsigned long fs, gs = 0;

	OK(prctl(PR_SET_NAME, "a name that is too long"));
	OK(prctl(PR_GET_NAME, name));
	EQ(strcmp(name, "a name that is "), 0);
	/* As much as it keeps is read, and no more. */
	OK(mprotect(end, PAGE, PROT_NONE));
	memset(end - 15, 'n', 15);
	OK(prctl(PR_SET_NAME, end - 15));
	OK(prctl(PR_GET_NAME, name));
	EQ(strcmp(name, "nnnnnnnnnnnnnnn"), 0);
	ERR(prctl(PR_SET_NAME, end - 14), EFAULT);
	ERR(prctl(0x12345, 0), EINVAL);
	OK(syscall(SYS_arch_prctl, 0x1003, &fs));
	CHECK(fs != 0);
	OK(syscall(SYS_arch_prctl, 0x1001, 0x12345678));
	OK(syscall(SYS_arch_prctl, 0x1004, &gs));
	EQ(gs, 0x12345678);
	sched_yield();
	OK(syscall(SYS_arch_prctl, 0x1004, &gs));
	EQ(gs, 0x12345678);
	ERR(syscall(SYS_arch_prctl, 0x1001, 0xffff800000000000), EPERM);
	ERR(syscall(SYS_arch_prctl, 0x1234, 0), EINVAL);
}

static void
randomness(void)
{
	unsigned char a[256], b[256];

	EQ(syscall(SYS_getrandom, a, 256, 0), 256);
	EQ(syscall(SYS_getrandom, b, 256, 1), 256);
	CHECK(memcmp(a, b, 256) != 0);
	EQ(syscall(SYS_getrandom, a, 0, 0), 0);
	ERR(syscall(SYS_getrandom, a, 1, 0x100), EINVAL);
}

static void
groups_and_sessions(void)
{
	pid_t pid = OK(fork());

	if (pid == 0) {
		pid_t me = getpid();

		CHECK(getpgrp() != me);
		EQ(setsid(), me);
		EQ(getpgrp(), me);
		EQ(getsid(0), me);
		ERR(setsid(), EPERM);
		ERR(setpgid(0, 0), EPERM);
		_exit(0);
	}
	REAP(pid, 0);
	EQ(getpid(), syscall(SYS_gettid));
	EQ(getpgid(0), getpgrp());
	ERR(getpgid(0x3fffffff), ESRCH);
	pid = OK(fork());
	if (pid == 0) {
		OK(setgid(5));
		OK(setuid(6));
		EQ(getuid() + geteuid() + getgid() + getegid(), 22);
		ERR(setuid(0), EPERM);
		ERR(kill(getppid(), 0), EPERM);
		_exit(0);
	}
	REAP(pid, 0);
}

int
main(void)
{
	enter_tmp();
	system_names();
	if (geteuid() == 0)
		host_name();
	no_signal();
	directories();
	leave_tmp();
	controls();
	randomness();
	groups_and_sessions();
	return test_done();
}
