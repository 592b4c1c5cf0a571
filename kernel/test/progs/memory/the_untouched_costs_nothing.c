/* NEEDS: MEM=128M CPUS=1 ICOUNT=1 TIMEOUT=60 SWEEP=no KIND=exact */
/*
 * What a call costs does not depend on what it does not touch: fork, exit and
 * wait on the other processes, be they children, in a group, or of the same
 * program; mmap and munmap on the size of what was never touched; /proc/PID/stat, which
 * ps asks of each process, on what the process has.
 *
 * In ticks of the processor's counter, which are instructions here; on Linux,
 * whose clock is the host's, nothing is measured.
 */
#include "lib/test.h"

#define OTHERS 400
#define TIMES 16

static uint64_t
ticks(void)
{
	uint32_t lo, hi;

	__asm__ volatile("lfence; rdtsc" : "=a"(lo), "=d"(hi));
	return (uint64_t)hi << 32 | lo;
}

/* The least of some rounds. */
static uint64_t
least(void (*round)(void))
{
	uint64_t best = UINT64_MAX, from, n;

	for (int i = 0; i < TIMES; i++) {
		from = ticks();
		round();
		n = ticks() - from;
		best = n < best ? n : best;
	}
	return best;
}

static void
named_child(void)
{
	pid_t pid = OK(fork());

	if (pid == 0)
		_exit(0);
	EQ(waitpid(pid, NULL, 0), pid);
}

static void
any_child(void)
{
	pid_t pid = OK(fork());

	if (pid == 0)
		_exit(0);
	EQ(waitpid(-1, NULL, 0), pid);
}

/* A job: a group of its own, which ends with it. */
static void
job(void)
{
	pid_t pid = OK(fork());

	if (pid == 0) {
		setpgid(0, 0);
		_exit(0);
	}
	EQ(waitpid(pid, NULL, 0), pid);
}

static void (*const forks[])(void) = { named_child, any_child, job };

#define FORKS (sizeof(forks) / sizeof(forks[0]))

static void
forks_beside_others(void)
{
	uint64_t alone[FORKS];
	static pid_t other[OTHERS];
	int wake[2], ready[2];
	char c = 0;

	for (size_t i = 0; i < FORKS; i++)
		alone[i] = least(forks[i]);
	OK(pipe(wake));
	OK(pipe(ready));
	for (int i = 0; i < OTHERS; i++) {
		other[i] = OK(fork());
		if (other[i] == 0) {
			close(wake[1]);
			CHECK(write(ready[1], &c, 1) == 1);
			_exit(read(wake[0], &c, 1) == 0 ? 0 : 1);
		}
		EQ(read(ready[0], &c, 1), 1);
	}
	for (size_t i = 0; i < FORKS; i++)
		LE(100 * least(forks[i]) / alone[i], 115);
	close(wake[1]);
	for (int i = 0; i < OTHERS; i++)
		REAP(other[i], 0);
}

static void
map_bytes(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	CHECK(p != MAP_FAILED);
	OK(munmap(p, bytes));
}

static void
map_page(void)
{
	map_bytes(PAGE);
}

static void
map_tebibyte(void)
{
	map_bytes(1130 * GIB);
}

static void
read_stat(void)
{
	char text[512];
	int fd = OK(open("/proc/self/stat", O_RDONLY));

	CHECK(read(fd, text, sizeof(text)) > 0);
	close(fd);
}

static void
stat_of_a_large_process(void)
{
	const size_t pages = 4000;
	uint64_t small = least(read_stat);
	char *p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(p != MAP_FAILED);
	for (size_t i = 0; i < pages; i++)
		p[i * PAGE] = 1;
	for (size_t i = 0; i < pages; i += 2)
		OK(mprotect(p + i * PAGE, PAGE, PROT_READ));
	LE(100 * least(read_stat) / small, 115);
	OK(munmap(p, pages * PAGE));
}

int
main(void)
{
	if (!on_vadose())
		return 0;
	forks_beside_others();
	/* Of a user's limit only those are counted who can reach it. */
	struct rlimit few = { 1000, 1000 };
	OK(setrlimit(RLIMIT_NPROC, &few));
	OK(setresuid(1000, 1000, 0));
	forks_beside_others();
	OK(setresuid(0, 0, 0));
	/* A word for 2 MiB, or for 1 GiB: a thousand are looked at, and little else. */
	LE(least(map_tebibyte) - least(map_page), 5000);
	stat_of_a_large_process();
	return test_done();
}
