/* NEEDS: MEM=64M CPUS=1,4 TIMEOUT=60 KIND=exact,bounded ARGS=300 */
/* BOUNDED: several CPUs run in any order */
/*
 * Two pipes that are spliced into each other, while readers are killed in their calls,
 * the rings change their size, and offsets and vectors are changed by others: every call
 * answers as it may, bytes are neither lost nor made, and all memory comes back.
 */
#include "lib/test.h"
#include <sys/ioctl.h>
#include <sys/uio.h>

/* Seen by all. */
struct args {
	struct iovec vec[4];
	loff_t off;
	int ends;                /* 1: everybody goes */
};

static struct args *args;
static int p[2], q[2];

/* An answer of splice and its kin that is none of a wrong kernel's. */
static void
fair(long r)
{
	if (r < 0)
		CHECK(errno == EAGAIN || errno == EINVAL || errno == EFAULT ||
		    errno == EPIPE || errno == EBUSY || errno == EPERM);
}

static pid_t
start(void (*fn)(long), long n)
{
	pid_t pid = OK(fork());

	if (pid != 0)
		return pid;
	fn(n);
	_exit(0);
}

/* From one to the other, by parts of any size. */
static void
circle(long way)
{
	uint64_t seed = (uint64_t)way + 1;

	while (__atomic_load_n(&args->ends, __ATOMIC_RELAXED) == 0)
		fair(splice(way ? q[0] : p[0], NULL, way ? p[1] : q[1], NULL,
		    1 + rnd(&seed) % 9000, SPLICE_F_NONBLOCK));
}

/* Vectors and offsets that change while the calls look at them. */
static void
changer(long unused)
{
	uint64_t seed = 7;

	while (__atomic_load_n(&args->ends, __ATOMIC_RELAXED) == 0) {
		args->vec[rnd(&seed) % 4] = (struct iovec){
			(void *)(uintptr_t)(rnd(&seed) % 3 == 0 ? 1 : (uintptr_t)args),
			rnd(&seed) % 5 == 0 ? SIZE_MAX : rnd(&seed) % 100 };
		args->off = rnd(&seed) % 4 == 0 ? -1 :
		    (loff_t)(rnd(&seed) % 5000);
		fcntl(p[1], F_SETPIPE_SZ, PAGE << rnd(&seed) % 5);
		fcntl(q[1], F_SETPIPE_SZ, PAGE << rnd(&seed) % 5);
	}
}

/* Sleeps in a splice out of its own pipe until it is killed. */
static void
sleeper(long unused)
{
	int own[2], fd = OK(open("/dev/null", O_WRONLY));

	OK(pipe(own));
	splice(own[0], NULL, fd, NULL, 10, 0);
}

static int
holds(int fd)
{
	int n;

	OK(ioctl(fd, FIONREAD, &n));
	return n;
}

/* Bytes in both pipes change by what others put in only. */
static void
nothing_is_lost(void)
{
	static char block[3000];
	pid_t pid[3];

	EQ(write(p[1], block, sizeof(block)), (long)sizeof(block));
	pid[0] = start(circle, 0);
	pid[1] = start(circle, 1);
	pid[2] = start(circle, 0);
	sleep_ms(30);
	__atomic_store_n(&args->ends, 1, __ATOMIC_RELAXED);
	for (int i = 0; i < 3; i++)
		REAP(pid[i], 0);
	EQ(holds(p[0]) + holds(q[0]), (long)sizeof(block));
	args->ends = 0;
}

int
main(int argc, char **argv)
{
	long n = argc > 1 ? atol(argv[1]) : 300;
	int fd;
	pid_t pid[4], victim;
	uint64_t seed = 3;

	signal(SIGPIPE, SIG_IGN);
	args = (struct args *)pages_shared(1);
	args->ends = 0;
	leak_mark();
	fd = OK((int)syscall(SYS_memfd_create, "f", 0));
	OK(pipe2(p, O_NONBLOCK));
	OK(pipe2(q, O_NONBLOCK));
	OK(ftruncate(fd, 5 * PAGE));
	nothing_is_lost();
	pid[0] = start(circle, 0);
	pid[1] = start(circle, 1);
	pid[2] = start(changer, 0);
	for (long i = 0; i < n; i++) {
		fair(vmsplice(p[1], args->vec, 4, SPLICE_F_NONBLOCK));
		fair(splice(fd, &args->off, q[1], NULL, 6000, SPLICE_F_NONBLOCK));
		fair(splice(q[0], NULL, fd, &args->off, rnd(&seed) % 6000,
		    SPLICE_F_NONBLOCK));
		fair(tee(p[0], q[1], 5000, SPLICE_F_NONBLOCK));
		if (i % 50 != 0)
			continue;
		victim = start(sleeper, 0);
		pid[3] = start(circle, i & 1);
		OK(kill(pid[3], SIGKILL));
		REAP_SIGNAL(pid[3], SIGKILL);
		OK(kill(victim, SIGKILL));
		REAP_SIGNAL(victim, SIGKILL);
	}
	__atomic_store_n(&args->ends, 1, __ATOMIC_RELAXED);
	for (int i = 0; i < 3; i++)
		REAP(pid[i], 0);
	for (int i = 0; i < 2; i++) {
		OK(close(p[i]));
		OK(close(q[i]));
	}
	OK(close(fd));
	leak_diff();
	return test_done();
}
