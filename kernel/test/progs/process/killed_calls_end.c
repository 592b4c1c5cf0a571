/* NEEDS: MEM=64M CPUS=1,2 TIMEOUT=60 LINUX=no SWEEP=no KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * SIGKILL ends a call that walks through a great deal of memory which costs
 * nothing: what is read is the page of zeros, and nothing is waited for.
 * (Not on Linux, where recvmmsg() goes on: how long that lasts is the host's.)
 */
#include "lib/test.h"
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif

#define HUGE (20ul << 30)
#define PIECES 1024

static char *
huge(int flags)
{
	return mmap(NULL, HUGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS |
	    MAP_NORESERVE | flags, -1, 0);
}

static void
populate_map(void)
{
	huge(MAP_POPULATE);
}

static void
populate_advice(void)
{
	madvise(huge(0), HUGE, MADV_POPULATE_READ);
}

static void
read_zeros(void)
{
	static struct iovec v[PIECES];
	size_t n = 2 * MIB;
	char *p = mmap(NULL, n, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd = open("/dev/zero", O_RDONLY);

	for (int i = 0; i < PIECES; i++)
		v[i] = (struct iovec){ p, n };
	for (;;)
		if (readv(fd, v, PIECES) < 0)
			_exit(1);
}

/* Messages for a thousand buffers that have no byte, told in one MiB, which is mapped
 * again and again. */
static void
receive_nothing(void)
{
	enum { MAPS = 24, N = MIB / sizeof(struct mmsghdr) };
	static struct iovec v[PIECES];
	char *at = mmap(NULL, MAPS * MIB, PROT_NONE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	struct mmsghdr *m = (struct mmsghdr *)at;
	int fd = memfd_create("messages", 0), s[2];

	ftruncate(fd, MIB);
	for (size_t i = 0; i < MAPS; i++)
		mmap(at + i * MIB, MIB, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_FIXED | MAP_POPULATE, fd, 0);
	for (size_t i = 0; i < N; i++)
		m[i].msg_hdr = (struct msghdr){ .msg_iov = v, .msg_iovlen = PIECES };
	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	write(s[1], "x", 1);
	/* Not the library's, which looks at all of them first. */
	syscall(SYS_recvmmsg, s[0], at, MAPS * N, 0, NULL);
	_exit(1);
}

static double
now(void)
{
	struct timespec t;

	OK(clock_gettime(CLOCK_MONOTONIC, &t));
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
ends_soon(void (*call)(void))
{
	double from;
	pid_t pid = OK(fork());

	if (pid == 0) {
		for (;;)
			call();
	}
	sleep_ms(300);
	from = now();
	OK(kill(pid, SIGKILL));
	REAP_SIGNAL(pid, SIGKILL);
	CHECK(now() - from < 2.0);
}

int
main(void)
{
	ends_soon(populate_map);
	ends_soon(populate_advice);
	ends_soon(read_zeros);
	ends_soon(receive_nothing);
	return test_done();
}
