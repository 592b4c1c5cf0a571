/* NEEDS: MEM=64M SWAP=96M CPUS=1,2 TIMEOUT=60 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * /proc/PID/pagemap: touched pages are present, untouched ones not; a shared
 * page is the same frame in both processes, a copied one is not; a page of a
 * file is marked so; frames and places on swap are shown to root only.
 */
#include "lib/pressure.h"
#include <stdint.h>
#include <sys/mman.h>

#define PRESENT (1ul << 63)
#define FILE_PAGE (1ul << 61)
#define PFN(w) ((w) & ((1ul << 55) - 1))

static uint64_t
word_of(pid_t pid, const void *p)
{
	char path[40];
	uint64_t w = 0;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/pagemap", (int)pid);
	fd = OK(open(path, O_RDONLY));
	EQ(pread(fd, &w, 8, (uintptr_t)p / PAGE * 8), 8);
	OK(close(fd));
	return w;
}

static void
own_pages(void)
{
	char *p = mmap(NULL, 200 * PAGE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	static uint64_t w[200];
	int fd, i;

	small_pages(p, 200);
	for (i = 0; i < 200; i += 3)
		p[i * PAGE] = 1;
	fd = OK(open("/proc/self/pagemap", O_RDONLY));
	EQ(lseek(fd, (uintptr_t)p / PAGE * 8, SEEK_SET), (uintptr_t)p / PAGE * 8);
	EQ(read(fd, w, sizeof(w)), sizeof(w));
	for (i = 0; i < 200; i++) {
		EQ((w[i] & PRESENT) != 0, i % 3 == 0);
		EQ((w[i] & FILE_PAGE) != 0, 0);
	}
	ERR(pread(fd, w, 12, 0), EINVAL);
	ERR(pread(fd, w, 8, 4), EINVAL);
	EQ(pread(fd, w, 8, 1ul << 60), 0);
	OK(close(fd));
	EQ(munmap(p, 200 * PAGE), 0);
}

/* Both map the object and the private page; the child writes to both. */
static void
two_processes(void)
{
	char *shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	char *private = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int to[2], from[2], status;
	char c;
	pid_t pid;

	shared[0] = private[0] = 1;
	OK(pipe(to));
	OK(pipe(from));
	pid = OK(fork());
	if (pid == 0) {
		shared[0] = private[0] = 2;
		EQ(write(from[1], "x", 1), 1);
		EQ(read(to[0], &c, 1), 1);
		_exit(0);
	}
	EQ(read(from[0], &c, 1), 1);
	EQ(shared[0], 2);
	EQ(private[0], 1);
	EQ((word_of(pid, shared) & PRESENT) != 0, 1);
	EQ((word_of(pid, shared) & FILE_PAGE) != 0, 1);
	EQ((word_of(pid, private) & PRESENT) != 0, 1);
	EQ((word_of(getpid(), private) & PRESENT) != 0, 1);
	EQ(PFN(word_of(pid, shared)), PFN(word_of(getpid(), shared)));
	if (geteuid() == 0 && PFN(word_of(pid, private)) != 0)
		EQ(PFN(word_of(pid, private)) ==
		    PFN(word_of(getpid(), private)), 0);
	EQ(write(to[1], "x", 1), 1);
	EQ(waitpid(pid, &status, 0), pid);
	EQ(status, 0);
}

static volatile int ticks;

static void
tick(int signo)
{
	(void)signo;
	ticks++;
}

/* A signal that a handler takes neither ends a read nor shortens it. */
static void
signals_wait(void)
{
	const struct itimerval often = { { 0, 1000 }, { 0, 1000 } }, none = { 0 };
	static uint64_t w[4096];
	int fd = OK(open("/proc/self/pagemap", O_RDONLY));
	uint64_t t0 = now_ns();

	signal(SIGALRM, tick);
	OK(setitimer(ITIMER_REAL, &often, NULL));
	while (ticks < rounds(100) && now_ns() - t0 < 5000000000)
		EQ(pread(fd, w, sizeof(w), 0), sizeof(w));
	OK(setitimer(ITIMER_REAL, &none, NULL));
	CHECK(ticks > 0);
	OK(close(fd));
}

/* Who opened it counts, not who reads. */
static void
opened_by(int id)
{
	char *p = pages_private(1);
	uint64_t w = 0;
	int fd;

	if (geteuid() != 0 || PFN(word_of(getpid(), &w)) == 0)
		return; /* a container's root */
	*p = 1;
	OK(seteuid(id));
	OK(prctl(PR_SET_DUMPABLE, 1));
	fd = OK(open("/proc/self/pagemap", O_RDONLY));
	OK(seteuid(1000 - id));
	EQ(pread(fd, &w, 8, (uintptr_t)p / PAGE * 8), 8);
	OK(seteuid(0));
	EQ((w & PRESENT) != 0, 1);
	EQ(PFN(w) != 0, id == 0);
	OK(close(fd));
	OK(munmap(p, PAGE));
}

/* Does a word say where one of the pages is? */
static bool
tells_where(const char *p, size_t n, uint64_t bit)
{
	uint64_t words[64];
	bool tells = false;

	pagemap_read(p, n, words);
	for (size_t i = 0; i < n; i++)
		if ((words[i] & bit) != 0)
			tells |= PFN(words[i]) != 0;
	return tells;
}

static void
roots_only(void)
{
	size_t n = 64;
	char *p = pages_private(n);
	pid_t pid;
	struct hog h;

	if (geteuid() != 0 || !on_vadose() || meminfo("SwapTotal") == 0)
		return;
	h = hog_start();
	memset(p, 1, n * PAGE);
	CHECK(tells_where(p, n, PRESENT));
	push_out(&h, p, n, n / 2);
	CHECK(tells_where(p, n, PM_SWAPPED));
	pid = OK(fork());
	if (pid == 0) {
		OK(setuid(1000));
		OK(prctl(PR_SET_DUMPABLE, 1));
		p = pages_private(n);
		memset(p, 1, n * PAGE);
		CHECK(!tells_where(p, n, PRESENT));
		push_out(&h, p, n, n / 2);
		CHECK(!tells_where(p, n, PM_SWAPPED));
		_exit(0);
	}
	REAP(pid, 0);
	hog_end(&h);
	OK(munmap(p, n * PAGE));
}

int
main(void)
{
	own_pages();
	two_processes();
	signals_wait();
	roots_only();
	opened_by(0);
	opened_by(1000);
	return test_done();
}
