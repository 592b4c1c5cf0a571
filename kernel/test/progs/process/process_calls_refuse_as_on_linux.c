/* NEEDS: MEM=64M CPUS=1,2 TIMEOUT=60 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * Which error comes first in calls about processes, and of calls whose matter
 * does not exist here: the errors that programs know what to do with.
 */
#include "lib/test.h"

#include <grp.h>
#include <sys/socket.h>
#include <sys/un.h>

#ifndef CLONE_PIDFD
#define CLONE_PIDFD 0x1000
#endif
#ifndef SYS_clone3
#define SYS_clone3 435
#endif
#ifndef ARCH_GET_CPUID
#define ARCH_GET_CPUID 0x1011
#define ARCH_SET_CPUID 0x1012
#endif

/* ---- who may schedule whom: by the effective user ---- */

static void
scheduling(void)
{
	pid_t root = getpid(), pid, mine;
	cpu_set_t set;

	OK(sched_getaffinity(0, sizeof(set), &set));
	pid = OK(fork());
	if (pid == 0) {
		OK(seteuid(1000)); /* real user 0: might send signals */
		OK(kill(root, 0));
		ERR(sched_setaffinity(root, sizeof(set), &set), EPERM);
		ERR(setpriority(PRIO_PROCESS, root, 5), EPERM);
		OK(sched_getaffinity(root, sizeof(set), &set));
		ERR(sched_setaffinity(0x3fffffff, sizeof(set), &set), ESRCH);
		OK(seteuid(0));
		OK(setuid(1000));
		ERR(sched_setaffinity(root, sizeof(set), &set), EPERM);
		mine = OK(fork());
		if (mine == 0) {
			pause();
			_exit(0);
		}
		OK(sched_setaffinity(mine, sizeof(set), &set));
		OK(setpriority(PRIO_PROCESS, mine, 3));
		OK(kill(mine, SIGKILL));
		REAP_SIGNAL(mine, SIGKILL);
		_exit(0);
	}
	REAP(pid, 0);
}

/* ---- groups ---- */

static void
groups(void)
{
	static gid_t many[65537];
	gid_t *wild =
	    mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pid_t pid;

	CHECK(wild != MAP_FAILED);
	ERR(setgroups(65537, many), EINVAL);
	ERR(setgroups(65537, wild), EINVAL);
	ERR(setgroups(-1, many), EINVAL);
	ERR(setgroups(65536, wild), EFAULT);
	ERR(setgroups(1, wild), EFAULT);
	ERR(setgroups(33, wild), EFAULT);
	OK(setgroups(0, wild));
	pid = OK(fork());
	if (pid == 0) {
		OK(setuid(1000));
		ERR(setgroups(1, many), EPERM);
		ERR(setgroups(65537, wild), EPERM);
		_exit(0);
	}
	REAP(pid, 0);
}

/* ---- clone3 ---- */

static int
clone3_with(uint64_t flags, uint64_t pidfd, uint64_t exit_signal)
{
	struct {
		uint64_t flags, pidfd, child_tid, parent_tid, exit_signal,
		    stack, stack_size, tls;
	} c = { flags, pidfd, 0, 0, exit_signal, 0, 0, 0 };

	return syscall(SYS_clone3, &c, sizeof(c));
}

/* Numbers that are chosen, but none of them; and a child for a tracer that is not. */
static void
clone3_rows(void)
{
	int tid = 9;
	uint64_t args[11] = { [4] = SIGCHLD, [8] = (uintptr_t)&tid };
	pid_t pid;

	ERR(syscall(SYS_clone3, args, sizeof(args)), EINVAL);
	pid = (pid_t)OK(clone3_with(CLONE_PTRACE, 0, SIGCHLD));
	if (pid == 0)
		_exit(3);
	REAP(pid, 3);
}

static void
clones(void)
{
	clone3_rows();
	ERR(clone3_with(CLONE_PIDFD, 1, SIGCHLD), EFAULT);
	ERR(clone3_with(CLONE_PIDFD, 0, SIGCHLD), EFAULT);
	ERR(clone3_with(CLONE_PIDFD, ~0UL - 8, SIGCHLD), EFAULT);
	ERR(clone3_with(CLONE_PIDFD | CLONE_THREAD, 1, 0), EINVAL);
	ERR(clone3_with(CLONE_PIDFD, 1, 100), EINVAL);
	ERR(syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, 0, 1, 0, 0), EFAULT);
	ERR(syscall(SYS_clone, CLONE_PIDFD | CLONE_PARENT_SETTID | SIGCHLD, 0,
		1, 0, 0),
	    EINVAL);
}

/* ---- arch_prctl ---- */

static void
cpuid(void)
{
	EQ(syscall(SYS_arch_prctl, ARCH_GET_CPUID, 0), 1);
	if (on_vadose()) { /* some CPUs can */
		ERR(syscall(SYS_arch_prctl, ARCH_SET_CPUID, 0), ENODEV);
		ERR(syscall(SYS_arch_prctl, ARCH_SET_CPUID, 1), ENODEV);
	}
	ERR(syscall(SYS_arch_prctl, 0x1000, 0), EINVAL);
}

/* ---- sockets ---- */

static void
sockets(void)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int file = OK(open("/proc/self/stat", O_RDONLY)), fds[2];
	int path = OK(open("/proc", O_PATH));
	char c;

	ERR(socket(9999, SOCK_STREAM, 0), EAFNOSUPPORT);
	ERR(socket(-1, SOCK_STREAM, 0), EAFNOSUPPORT);
	ERR(socket(AF_UNIX, 15, 0), EINVAL);
	ERR(socket(AF_UNIX, SOCK_STREAM | 0x100, 0), EINVAL);
	ERR(syscall(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, 1), EFAULT);
	ERR(syscall(SYS_socketpair, AF_UNIX, SOCK_STREAM | 0x100, 0, 1),
	    EINVAL);
	ERR(socketpair(9999, SOCK_STREAM, 0, fds), EAFNOSUPPORT);
	if (on_vadose()) {
		ERR(socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0),
		    EAFNOSUPPORT);
		ERR(socket(AF_INET6, SOCK_STREAM, 0), EAFNOSUPPORT);
	}
	for (int i = 0; i < 3; i++) {
		int fd = i == 0 ? file : i == 1 ? path : 999;
		int e = i == 0 ? ENOTSOCK : EBADF;
		socklen_t len = sizeof(un);

		ERR(connect(fd, (void *)&un, sizeof(un)), e);
		ERR(bind(fd, (void *)&un, sizeof(un)), e);
		ERR(listen(fd, 1), e);
		ERR(accept(fd, NULL, NULL), e);
		ERR(accept4(fd, NULL, NULL, SOCK_CLOEXEC), e);
		ERR(getsockname(fd, (void *)&un, &len), e);
		ERR(getpeername(fd, (void *)&un, &len), e);
		ERR(send(fd, &c, 1, 0), e);
		ERR(recv(fd, &c, 1, 0), e);
		ERR(shutdown(fd, SHUT_RDWR), e);
		ERR(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &len, 4), e);
		ERR(getsockopt(fd, SOL_SOCKET, SO_TYPE, &c, &len), e);
	}
	close(file);
	close(path);
}

int
main(void)
{
	if (geteuid() == 0) {
		scheduling();
		groups();
	}
	clones();
	cpuid();
	sockets();
	return test_done();
}
