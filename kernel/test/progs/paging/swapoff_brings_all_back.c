/* NEEDS: MEM=64M SWAP=128M CPUS=1,2,4 TIMEOUT=120 APPEND=locks=1 SWEEP=no MORE=1,2 TURN=3 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * swapoff of an area with pages of all kinds: private, forked, shared by a
 * mapping, of a file in memory.  Each process finds its bytes, while it is
 * swapped off and afterwards.  What has no place in memory is refused, and a
 * signal ends it.
 */
#include "lib/events.h"
#include "lib/pressure.h"

#include <sys/swap.h>

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21
#endif

#define AREA swap_disk()
#define N 2000               /* pages of each kind */
#define MUCH (80 * MIB)      /* more than the memory */

static unsigned char *private, *forked, *shared, *file;

static uint64_t
stamp_of(uint64_t kind, uint64_t i)
{
	return (kind << 56 | i) * 0x9e3779b97f4a7c15u + 1;
}

static void
fill(unsigned char *p, uint64_t kind, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		*(uint64_t *)(p + i * PAGE) = stamp_of(kind, i);
		*(uint64_t *)(p + i * PAGE + 4088) = ~stamp_of(kind, i);
	}
}

static void
verify(const unsigned char *p, uint64_t kind, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		EQ(*(const uint64_t *)(p + i * PAGE), stamp_of(kind, i));
		EQ(*(const uint64_t *)(p + i * PAGE + 4088), ~stamp_of(kind, i));
	}
}

static void
verify_all(uint64_t mine)
{
	verify(private, mine, N);
	verify(forked, 2, N);
	verify(shared, 3, N);
	verify(file, 4, N);
}

/* Our pages go out, and something else takes the memory for a moment. */
static void
push_area(size_t bytes)
{
	unsigned char *all[] = { private, forked, shared, file }, *p;

	for (int i = 0; i < 4; i++)
		if (all[i] != NULL)
			OK(madvise(all[i], N * PAGE, MADV_PAGEOUT));
	p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(p != MAP_FAILED);
	for (size_t i = 0; i < bytes; i += PAGE)
		p[i] = 1;
	OK(munmap(p, bytes));
}

static void *
map(size_t n, int flags, int fd)
{
	void *p = mmap(NULL, n * PAGE, PROT_READ | PROT_WRITE, flags, fd, 0);

	CHECK(p != MAP_FAILED);
	return p;
}

/* A child has its own private pages, shares the others, reads all the time. */
static void
child(int start)
{
	char c;

	fill(private, 10, N);
	push_area(PAGE);
	EQ(read(start, &c, 1), 0);
	for (int i = 0; i < 3; i++)
		verify_all(10);
	_exit(0);
}

static void
all_comes_back(void)
{
	int fd = OK(open("/dev/shm/file", O_RDWR | O_CREAT, 0600)), go[2];
	pid_t pid;

	OK(ftruncate(fd, N * PAGE));
	private = map(N, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	forked = map(N, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	shared = map(N, MAP_SHARED | MAP_ANONYMOUS, -1);
	file = map(N, MAP_SHARED, fd);
	fill(private, 1, N);
	fill(forked, 2, N);
	fill(shared, 3, N);
	fill(file, 4, N);
	OK(pipe(go));
	pid = OK(fork());
	if (pid == 0) {
		close(go[1]);
		child(go[0]);
	}
	push_area(40 * MIB);
	snap_all(0);
	CHECK(snap_get(0, "swap.slots_used") > N);
	close(go[1]);
	OK(swapoff(AREA));
	snap_all(0);
	EQ(snap_get(0, "swap.slots_used"), 0);
	verify_all(1);
	REAP(pid, 0);
	check_vm();
	OK(swapon(AREA, 0));
	push_area(40 * MIB);
	verify_all(1);
	OK(munmap(private, N * PAGE));
	OK(munmap(forked, N * PAGE));
	OK(munmap(shared, N * PAGE));
	OK(munmap(file, N * PAGE));
	private = forked = shared = file = NULL;
	close(fd);
	close(go[0]);
	OK(unlink("/dev/shm/file"));
}

static void
no_place(void)
{
	unsigned char *p = map(MUCH / PAGE, MAP_PRIVATE | MAP_ANONYMOUS, -1);

	fill(p, 5, MUCH / PAGE);
	ERR(swapoff(AREA), ENOMEM);
	verify(p, 5, MUCH / PAGE);
	ERR(swapoff(AREA), ENOMEM);
	OK(munmap(p, MUCH));
	OK(swapoff(AREA));
	OK(swapon(AREA, 0));
}

/* Killed in the middle: it is swapped to as before. */
static void
killed(void)
{
	unsigned char *p = map(N * 4, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	struct timespec ms = { 0, 20000000 };
	char line[256];
	pid_t pid;
	FILE *f;

	fill(p, 6, N * 4);
	OK(madvise(p, N * 4 * PAGE, MADV_PAGEOUT));
	push_area(40 * MIB);
	pid = OK(fork());
	if (pid == 0)
		_exit(swapoff(AREA) == 0 ? 1 : 2);
	nanosleep(&ms, NULL);
	kill(pid, SIGKILL);
	OK(waitpid(pid, NULL, 0));
	f = fopen("/proc/vm/swap", "r");
	CHECK(f != NULL && fgets(line, sizeof(line), f) != NULL);
	if (strstr(line, "area=0") == NULL) /* it was faster */
		OK(swapon(AREA, 0));
	else
		CHECK(strstr(line, "closing=0") != NULL);
	fclose(f);
	verify(p, 6, N * 4);
	OK(munmap(p, N * 4 * PAGE));
}

static volatile int handled;

static void
handler(int signo)
{
	(void)signo;
	handled++;
}

/* As on Linux it does not go on behind a handler; the area is as before. */
static void
interrupted(void)
{
	const struct itimerval often = { { 0, 1000 }, { 0, 1000 } }, none = { 0 };
	unsigned char *p = map(N * 4, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	struct sigaction sa = { .sa_handler = handler };

	fill(p, 7, N * 4);
	OK(madvise(p, N * 4 * PAGE, MADV_PAGEOUT));
	push_area(40 * MIB);
	OK(sigaction(SIGALRM, &sa, NULL));
	OK(setitimer(ITIMER_REAL, &often, NULL));
	ERR(swapoff(AREA), EINTR);
	OK(setitimer(ITIMER_REAL, &none, NULL));
	CHECK(handled > 0);
	verify(p, 7, N * 4);
	push_area(40 * MIB);
	snap_all(0);
	CHECK(snap_get(0, "swap.slots_used") > N);
	OK(swapoff(AREA));
	verify(p, 7, N * 4);
	OK(swapon(AREA, 0));
	OK(munmap(p, N * 4 * PAGE));
}

int
main(void)
{
	if (!on_vadose() || geteuid() != 0)
		test_done();
	snap_init();
	all_comes_back();
	no_place();
	killed();
	interrupted();
	test_done();
}
