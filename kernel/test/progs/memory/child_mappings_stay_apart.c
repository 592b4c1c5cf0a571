/* NEEDS: MEM=64M CPUS=1 TIMEOUT=60 KIND=exact */
/*
 * Anonymous memory that a process maps is one mapping with its neighbour; what
 * a child maps is not one with what it has from its parent and the parent had
 * touched.  And RLIMIT_AS is a limit of the stack, too.
 */
#include "lib/trap.h"

#define RW (PROT_READ | PROT_WRITE)

/* Where the line of /proc/self/maps that holds p begins and ends. */
static void
line_of(const void *p, uintptr_t *lo, uintptr_t *hi)
{
	FILE *f = fopen("/proc/self/maps", "r");
	char line[512];

	CHECK(f != NULL);
	while (fgets(line, sizeof(line), f) != NULL) {
		CHECK(sscanf(line, "%lx-%lx", lo, hi) == 2);
		if (*lo <= (uintptr_t)p && (uintptr_t)p < *hi) {
			fclose(f);
			return;
		}
	}
	FAIL("%p is in no line", p);
}

static void
ends_are(const char *p, const char *lo, const char *hi)
{
	uintptr_t a, b;

	line_of(p, &a, &b);
	EQ(a, (uintptr_t)lo);
	EQ(b, (uintptr_t)hi);
}

static void
map_at(char *p, size_t pages)
{
	CHECK(mmap(p, pages * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
		  -1, 0) == p);
}

/* A hole with PROT_NONE around, in which a mapping of 10 pages lies at 20. */
static char *
carve(void)
{
	char *p = mmap(
	    NULL, 60 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(p != MAP_FAILED);
	OK(munmap(p + PAGE, 58 * PAGE));
	map_at(p + 20 * PAGE, 10);
	return p;
}

static void
child(char *touched, char *untouched)
{
	char *t = touched + 20 * PAGE, *u = untouched + 20 * PAGE;

	map_at(t + 10 * PAGE, 5);
	ends_are(t, t, t + 10 * PAGE);
	ends_are(t + 12 * PAGE, t + 10 * PAGE, t + 15 * PAGE);
	map_at(t - 5 * PAGE, 5);
	ends_are(t - PAGE, t - 5 * PAGE, t);
	/* What it maps itself is one with what it has mapped itself. */
	map_at(t + 15 * PAGE, 5);
	ends_are(t + 12 * PAGE, t + 10 * PAGE, t + 20 * PAGE);
	/* Its own copies of the pages do not change the origin. */
	memset(t, 'c', 10 * PAGE);
	map_at(t - 8 * PAGE, 3);
	ends_are(t - PAGE, t - 8 * PAGE, t);
	ends_are(t, t, t + 10 * PAGE);
	/* An inherited one that is divided becomes one again. */
	OK(mprotect(t + 2 * PAGE, PAGE, PROT_READ));
	ends_are(t, t, t + 2 * PAGE);
	OK(mprotect(t + 2 * PAGE, PAGE, RW));
	ends_are(t, t, t + 10 * PAGE);
	/* No page: no origin. */
	map_at(u + 10 * PAGE, 5);
	ends_are(u, u, u + 15 * PAGE);
	_exit(0);
}

static void
origins(void)
{
	char *a = carve(), *b = carve();
	pid_t pid;

	a[20 * PAGE] = 'a';
	map_at(a + 30 * PAGE, 2); /* here they are joined */
	ends_are(a + 20 * PAGE, a + 20 * PAGE, a + 32 * PAGE);
	OK(munmap(a + 30 * PAGE, 2 * PAGE));
	pid = OK(fork());
	if (pid == 0)
		child(a, b);
	REAP(pid, 0);
	/* The parent's are joined as ever. */
	map_at(a + 30 * PAGE, 2);
	ends_are(a + 20 * PAGE, a + 20 * PAGE, a + 32 * PAGE);
	OK(munmap(a, 60 * PAGE));
	OK(munmap(b, 60 * PAGE));
}

static size_t
size_now(void)
{
	int fd = OK(open("/proc/self/statm", O_RDONLY));
	char text[128] = "";

	CHECK(read(fd, text, sizeof(text) - 1) > 0);
	close(fd);
	return strtoul(text, NULL, 10) * PAGE;
}

static void __attribute__((noinline)) use_stack(size_t n)
{
	volatile char buf[16 * 1024];

	buf[0] = (char)n;
	if (n > sizeof(buf))
		use_stack(n - sizeof(buf));
	buf[1] = buf[0];
}

static void
stack_heeds_the_limit(void)
{
	char *grows = mmap(NULL, 3 * MIB, RW,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	struct rlimit rl;
	pid_t pid;

	CHECK(grows != MAP_FAILED);
	for (int fits = 0; fits < 2; fits++) {
		pid = OK(fork());
		if (pid == 0) {
			rl.rlim_cur = size_now() + (fits ? 3 * MIB : 64 * KIB);
			rl.rlim_max = RLIM_INFINITY;
			OK(setrlimit(RLIMIT_AS, &rl));
			use_stack(MIB);
			_exit(0);
		}
		if (fits)
			REAP(pid, 0);
		else
			REAP_SIGNAL(pid, SIGSEGV);
	}
	/* A limit that is set later holds for the old stack and for a MAP_GROWSDOWN. */
	pid = OK(fork());
	if (pid == 0) {
		char *p = mmap(NULL, PAGE, RW,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN, -1, 0);

		CHECK(p != MAP_FAILED);
		/* Room below it, wherever it was put. */
		OK(munmap(p, PAGE));
		CHECK(
		    mmap(grows + 2 * MIB, PAGE, RW,
			MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS | MAP_GROWSDOWN,
			-1, 0) == grows + 2 * MIB);
		OK(munmap(grows, 2 * MIB));
		trap_catch(0);
		p = grows + 2 * MIB;
		rl.rlim_cur = size_now() + 4 * PAGE;
		rl.rlim_max = RLIM_INFINITY;
		OK(setrlimit(RLIMIT_AS, &rl));
		EQ(TRAPPED(store(p - 4 * PAGE, 1)), 0);
		EQ(TRAPPED(store(p - 5 * PAGE, 1)), SIGSEGV);
		_exit(0);
	}
	REAP(pid, 0);
	OK(munmap(grows, 3 * MIB));
}

int
main(void)
{
	origins();
	stack_heeds_the_limit();
	return test_done();
}
