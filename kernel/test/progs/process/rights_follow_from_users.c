/* NEEDS: MEM=64M CPUS=1 TIMEOUT=20 KIND=exact */
/*
 * capget says what the users give: root has all, who may become root again is
 * permitted all, others have nothing.  What capset drops is refused, and comes back by
 * exec alone, if root's bounds let it.  unshare parts descriptors and places.
 */
#include "lib/test.h"
#include <grp.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define VERSION 0x20080522u
#define ALL 0x1ffffffffffull
#define CHOWN 1ull
#define DAC_OVERRIDE 2ull
#define DAC_READ_SEARCH 4ull
#define FOWNER 8ull
#define SETUID 0x80ull
#define SETPCAP 0x100ull
#define SYS_CHROOT 0x40000ull
#define TO_RAISE 2              /* what the headers call PR_CAP_AMBIENT_RAISE, … */
#define IS_SET 1

struct words {
	uint32_t effective, permitted, inheritable;
};

struct rights {
	uint64_t effective, permitted, inheritable;
};

static struct rights
rights_of(pid_t pid)
{
	uint32_t head[2] = { VERSION, (uint32_t)pid };
	struct words w[2];

	OK(syscall(SYS_capget, head, w));
	return (struct rights){ w[0].effective | (uint64_t)w[1].effective << 32,
		w[0].permitted | (uint64_t)w[1].permitted << 32,
		w[0].inheritable | (uint64_t)w[1].inheritable << 32 };
}

static int
set_all(uint64_t effective, uint64_t permitted, uint64_t inheritable)
{
	uint32_t head[2] = { VERSION, 0 };
	struct words w[2] = { { (uint32_t)effective, (uint32_t)permitted,
	    (uint32_t)inheritable }, { (uint32_t)(effective >> 32),
	    (uint32_t)(permitted >> 32), (uint32_t)(inheritable >> 32) } };

	return (int)syscall(SYS_capset, head, w);
}

static int
set_rights(uint64_t effective, uint64_t permitted)
{
	return set_all(effective, permitted, 0);
}

static void
rights(void)
{
	struct rights r = rights_of(0);
	uint32_t head[2] = { 1, 0 };

	ERR(syscall(SYS_capget, head, &r), EINVAL);
	EQ(head[0], VERSION);
	EQ(r.effective, r.permitted);
	OK(set_rights(r.effective, r.permitted));
	OK(setresuid((uid_t)-1, 1000, (uid_t)-1)); /* root, put aside */
	r = rights_of(getpid());
	EQ(r.effective, 0);
	CHECK(r.permitted != 0);
	OK(set_rights(0, r.permitted));
	OK(setresuid((uid_t)-1, 0, (uid_t)-1));
	r = rights_of(0);
	EQ(r.effective, r.permitted);
	OK(setresuid(1000, 1000, 1000));
	r = rights_of(0);
	EQ(r.effective | r.permitted | r.inheritable, 0);
	OK(set_rights(0, 0));
	ERR(set_rights(0, 1), EPERM);
	ERR(set_rights(1, 1), EPERM);
	if (on_vadose())
		EQ(rights_of(1).effective, ALL);
}

static void
has(uint64_t effective, uint64_t permitted, uint64_t inheritable)
{
	struct rights r = rights_of(0);

	EQ(r.effective, effective);
	EQ(r.permitted, permitted);
	EQ(r.inheritable, inheritable);
}

/* This program, begun anew by a child, has these. */
static void
exec_has(uint64_t effective, uint64_t permitted)
{
	char e[24], p[24];
	pid_t pid = OK(fork());

	snprintf(e, sizeof(e), "%llx", (unsigned long long)effective);
	snprintf(p, sizeof(p), "%llx", (unsigned long long)permitted);
	if (pid == 0) {
		OK(execl("/proc/self/exe", "rights", e, p, NULL));
		_exit(9);
	}
	REAP(pid, 0);
}

static int
is_begun(char **argv)
{
	struct rights r = rights_of(0);

	return r.effective == strtoull(argv[1], NULL, 16) &&
	    r.permitted == strtoull(argv[2], NULL, 16) ? 0 : 1;
}

static char file[64], folder[64];

/* Root without rights is a user whose number is 0. */
static void
root_drops(uint64_t all)
{
	struct stat st;

	OK(set_rights(CHOWN, CHOWN | SETUID));
	has(CHOWN, CHOWN | SETUID, 0);
	ERR(setuid(1000), EPERM);
	ERR(setgid(1000), EPERM);
	ERR(chroot("/"), EPERM);
	ERR(sethostname("a", 1), EPERM);
	ERR(open(file, O_RDONLY), EACCES);
	ERR(access(file, R_OK), EACCES);
	ERR(chmod(file, 0700), EPERM);
	OK(chown(file, 1000, 7));
	OK(chown(file, 1000, 1000));
	ERR(set_rights(FOWNER, FOWNER), EPERM);
	ERR(set_rights(CHOWN | SETUID, CHOWN), EPERM);
	ERR(prctl(PR_CAPBSET_DROP, 0, 0, 0, 0), EPERM);
	has(CHOWN, CHOWN | SETUID, 0);
	exec_has(all, all);
	OK(set_rights(SETUID, SETUID));
	ERR(chown(file, 0, 0), EPERM);
	OK(setresuid((uid_t)-1, 1000, (uid_t)-1));
	has(0, SETUID, 0);
	OK(stat(file, &st));
	OK(access(file, F_OK));
	ERR(access(file, R_OK), EACCES);
	OK(chmod(file, 0));
	OK(setresuid((uid_t)-1, 0, (uid_t)-1));
	has(SETUID, SETUID, 0);
	OK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	exec_has(SETUID, SETUID);
}

/* Reading and searching alone. */
static void
root_reads(void)
{
	OK(set_rights(DAC_READ_SEARCH, DAC_READ_SEARCH));
	OK(close(OK(open(file, O_RDONLY))));
	ERR(open(file, O_WRONLY), EACCES);
	ERR(access(file, X_OK), EACCES);
	OK(set_rights(0, DAC_READ_SEARCH));
	OK(access(file, R_OK)); /* root's real number: by what is permitted */
	OK(set_rights(0, 0));
	ERR(access(file, R_OK), EACCES);
}

static void *
waits(void *arg)
{
	pause();
	return arg;
}

/* Of several threads: libc lets all of them call. */
static void
thread_keeps(uint64_t all)
{
	pthread_t t;

	EQ(pthread_create(&t, NULL, waits, NULL), 0);
	OK(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0));
	OK(setresuid(1000, 1000, 1000));
	has(0, all, 0);
}

/* As daemons and setpriv do it: a user who keeps some. */
static void
user_keeps(uint64_t all)
{
	OK(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0));
	EQ(prctl(PR_GET_SECUREBITS, 0, 0, 0, 0), 0x10);
	OK(setresuid(1000, 1000, 1000));
	has(0, all, 0);
	ERR(open(folder, O_RDONLY), EACCES);
	OK(set_all(DAC_OVERRIDE, DAC_OVERRIDE | CHOWN, 0));
	OK(close(OK(open(folder, O_RDONLY))));
	ERR(chown(folder, 1000, 1000), EPERM);
	ERR(setuid(0), EPERM);
	exec_has(0, 0);
	ERR(prctl(PR_CAP_AMBIENT, TO_RAISE, 0, 0, 0), EPERM);
	OK(set_all(0, DAC_OVERRIDE | CHOWN, CHOWN));
	OK(prctl(PR_CAP_AMBIENT, TO_RAISE, 0, 0, 0));
	ERR(prctl(PR_CAP_AMBIENT, TO_RAISE, 1, 0, 0), EPERM);
	EQ(prctl(PR_CAP_AMBIENT, IS_SET, 0, 0, 0), 1);
	EQ(prctl(PR_CAP_AMBIENT, IS_SET, 1, 0, 0), 0);
	exec_has(CHOWN, CHOWN);
	OK(set_all(0, DAC_OVERRIDE, CHOWN));
	EQ(prctl(PR_CAP_AMBIENT, IS_SET, 0, 0, 0), 0);
	exec_has(0, 0);
}

static void
bounds(uint64_t all)
{
	OK(prctl(PR_CAPBSET_DROP, 18, 0, 0, 0));
	EQ(prctl(PR_CAPBSET_READ, 18, 0, 0, 0), 0);
	EQ(prctl(PR_CAPBSET_READ, 17, 0, 0, 0), 1);
	has(all, all, 0);
	OK(chroot("/"));
	exec_has(all & ~SYS_CHROOT, all & ~SYS_CHROOT);
	ERR(set_all(all, all, SYS_CHROOT), EPERM);
	OK(set_all(all, all, CHOWN));
	OK(set_all(all & ~SETPCAP, all & ~SETPCAP, CHOWN | SETUID));
	ERR(set_all(0, all & ~SETPCAP, SETPCAP), EPERM);
}

static int
asks_chown(void)
{
	return chown(file, 5, 5);
}

static int
asks_write(void)
{
	return open(file, O_WRONLY);
}

static int
asks_chmod(void)
{
	return chmod(file, 0);
}

static int
asks_kill(void)
{
	pid_t pid = OK(fork());
	siginfo_t si;

	if (pid == 0) {
		syscall(SYS_setresuid, 2000, 2000, 2000);
		_exit(0);
	}
	OK(waitid(P_PID, (id_t)pid, &si, WEXITED | WNOWAIT));
	return kill(pid, 0);
}

static int
asks_groups(void)
{
	return setgroups(0, NULL);
}

static int
asks_user(void)
{
	return (int)syscall(SYS_setresuid, -1, 5, -1);
}

static int
asks_bits(void)
{
	return prctl(PR_SET_SECUREBITS, 0, 0, 0, 0);
}

static int
asks_priority(void)
{
	int fd = OK(socket(AF_UNIX, SOCK_DGRAM, 0)), n = 7;

	return setsockopt(fd, SOL_SOCKET, SO_PRIORITY, &n, sizeof(n));
}

static int
asks_buffer(void)
{
	int fd = OK(socket(AF_UNIX, SOCK_DGRAM, 0)), n = 7;

	return setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &n, sizeof(n));
}

static int
asks_chroot(void)
{
	return chroot("/");
}

static int
asks_name(void)
{
	return sethostname("", (size_t)-1); /* EINVAL for who may */
}

static int
asks_nice(void)
{
	return setpriority(PRIO_PROCESS, 0, -1);
}

static int
asks_device(void)
{
	int r = mknod("/tmp/rights.null", S_IFCHR | 0600, 0x103);

	return r == 0 ? unlink("/tmp/rights.null") : r;
}

/* What each of root's rights alone lets root do, and all others together do not. */
static void
one_by_one(uint64_t all)
{
	const struct {
		int cap, (*asks)(void);
	} rows[] = { { 0, asks_chown }, { 1, asks_write }, { 3, asks_chmod },
		{ 5, asks_kill }, { 6, asks_groups }, { 7, asks_user },
		{ 8, asks_bits }, { 12, asks_buffer }, { 13, asks_priority },
		{ 18, asks_chroot }, { 21, asks_name }, { 23, asks_nice },
		{ 27, asks_device } };

	for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t cap = 1ull << rows[i / 2].cap;
		bool other = i % 2 == 0;
		pid_t pid = OK(fork());

		if (pid == 0) {
			uint64_t has = other ? all & ~cap : cap;

			if (rows[i / 2].cap == 13) /* NET_ADMIN does as well */
				has &= ~(1ull << 12);
			if (rows[i / 2].cap == 5)  /* the child becomes another */
				has |= SETUID;
			OK(set_rights(has, has));
			errno = 0;
			(void)!rows[i / 2].asks();
			_exit(errno == EPERM || errno == EACCES);
		}
		if (WEXITSTATUS(reap(pid)) != other)
			FAIL("right %d, %s", rows[i / 2].cap, other ? "all others" : "alone");
	}
}

static void
given_up(void)
{
	void (*const f[])(uint64_t) = { root_drops, user_keeps, thread_keeps, bounds,
		one_by_one };
	uint64_t all = rights_of(0).permitted;
	pid_t pid;

	snprintf(file, sizeof(file), "/tmp/rights-%d", getpid());
	snprintf(folder, sizeof(folder), "/tmp/rights.d-%d", getpid());
	OK(mkdir(folder, 0));
	OK(close(OK(open(file, O_CREAT | O_WRONLY, 0))));
	OK(chown(file, 1000, 1000));
	for (size_t i = 0; i <= 5; i++) {
		pid = OK(fork());
		if (pid == 0) {
			if (i < 5)
				f[i](all);
			else
				root_reads();
			_exit(0);
		}
		REAP(pid, 0);
	}
	OK(unlink(file));
	OK(rmdir(folder));
}

static int fd_of_thread = -1;
static char place[256];

static void *
parts(void *arg)
{
	ERR(syscall(SYS_unshare, CLONE_THREAD), EINVAL);
	ERR(syscall(SYS_unshare, CLONE_VM), EINVAL);
	OK(syscall(SYS_unshare, CLONE_FILES | CLONE_FS));
	fd_of_thread = OK(dup(0));
	OK(chdir("/proc"));
	umask(0);
	return NULL;
}

static void
places(void)
{
	char now[256];
	pthread_t t;

	CHECK(getcwd(place, sizeof(place)) != NULL);
	umask(022);
	EQ(pthread_create(&t, NULL, parts, NULL), 0);
	EQ(pthread_join(t, NULL), 0);
	ERR(fcntl(fd_of_thread, F_GETFD), EBADF);
	CHECK(getcwd(now, sizeof(now)) != NULL);
	EQ(strcmp(now, place), 0);
	EQ(umask(022), 022);
}

int
main(int argc, char **argv)
{
	if (argc == 3)
		return is_begun(argv);
	places();
	if (getuid() == 0)
		given_up();
	pid_t pid = getuid() == 0 ? OK(fork()) : -1;

	if (pid == 0) {
		rights();
		_exit(0);
	}
	if (pid > 0)
		REAP(pid, 0);
	return test_done();
}
