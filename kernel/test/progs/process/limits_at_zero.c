/* NEEDS: MEM=64M CPUS=1 TIMEOUT=20 KIND=exact */
/*
 * Limits of memory that are 0, or less than what there is: RLIMIT_DATA of 0 stands
 * for the hard limit, but for the break; RLIMIT_AS is asked where a space grows,
 * not where a mapping moves; RLIMIT_MEMLOCK before a range that wraps.
 */
#include "lib/test.h"

#define RW (PROT_READ | PROT_WRITE)

static void
set(int which, rlim_t cur)
{
	struct rlimit rl = { cur, RLIM_INFINITY };

	OK(setrlimit(which, &rl));
}

static bool
heap_grows(void)
{
	long brk = syscall(SYS_brk, 0);

	return syscall(SYS_brk, brk + PAGE) != brk;
}

static void
data(char *p)
{
	struct rlimit rl = { 0, 0 };
	pid_t pid;

	set(RLIMIT_DATA, 0);
	pages_private(1);
	OK(mprotect(p, PAGE, PROT_READ));
	OK(mprotect(p, PAGE, RW));
	CHECK(!heap_grows());
	pid = OK(fork());
	if (pid == 0) {
		OK(setrlimit(RLIMIT_DATA, &rl));
		CHECK(mmap(NULL, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
		    MAP_FAILED && errno == ENOMEM);
		_exit(0);
	}
	REAP(pid, 0);
	set(RLIMIT_DATA, RLIM_INFINITY);
	CHECK(heap_grows());
}

static void
space(char *p)
{
	set(RLIMIT_AS, 0);
	CHECK(mmap(NULL, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
	    MAP_FAILED && errno == ENOMEM);
	CHECK(mremap(p, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
	          p + 8 * PAGE) == p + 8 * PAGE);
	EQ(p[8 * PAGE], 'a');
	CHECK(mremap(p + 8 * PAGE, PAGE, 2 * PAGE, MREMAP_MAYMOVE) ==
	    MAP_FAILED && errno == ENOMEM);
	set(RLIMIT_AS, RLIM_INFINITY);
}

static void
locked(char *p)
{
	struct rlimit rl = { 16 * PAGE, 16 * PAGE };

	if (on_vadose()) /* on Linux not each root may lock without a limit */
		ERR(mlock(p, -PAGE), EINVAL);
	OK(setrlimit(RLIMIT_MEMLOCK, &rl));
	if (getuid() == 0)
		OK(setuid(1000));
	ERR(mlock(p, -PAGE), ENOMEM);
	ERR(munlock(p, -PAGE), EINVAL);
	OK(mlock(p, 0));
	_exit(0);
}

int
main(void)
{
	char *p = pages_private(16);
	pid_t pid;

	p[0] = 'a';
	data(p);
	space(p);
	pid = OK(fork());
	if (pid == 0)
		locked(p + PAGE);
	REAP(pid, 0);
	return test_done();
}
