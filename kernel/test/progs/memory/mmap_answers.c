/* NEEDS: MEM=64M CPUS=1,2 TIMEOUT=20 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * The answers of mmap for anonymous memory, row by row (book: abi 3).
 */
#include "lib/host.h"
#include "lib/trap.h"

#define PA (MAP_PRIVATE | MAP_ANONYMOUS)
#define RW (PROT_READ | PROT_WRITE)
#define TOP 0x7ffffffff000UL

static long
raw(uintptr_t at, size_t len, int prot, int flags, int fd, long off)
{
	return syscall(SYS_mmap, at, len, prot, flags, fd, off);
}

static void
arguments(void)
{
	int fd[2], dir = OK(open("/", O_RDONLY));
	char *p;

	ERR(raw(0, PAGE, RW, MAP_ANONYMOUS, -1, 0), EINVAL);
	ERR(raw(0, PAGE, RW, MAP_ANONYMOUS | 3, -1, 0), EINVAL);
	ERR(raw(0, 0, RW, PA, -1, 0), EINVAL);
	ERR(raw(0, -1UL, RW, PA, -1, 0), ENOMEM);
	ERR(raw(0, 1UL << 47, RW, PA | MAP_NORESERVE, -1, 0), ENOMEM);
	ERR(raw(0, PAGE, RW, PA, -1, 1), EINVAL);
	ERR(raw(0, PAGE, RW, MAP_PRIVATE, -1, 0), EBADF);
	ERR(raw(0, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS | MAP_GROWSDOWN, -1,
	        0), EINVAL);
	OK(raw(0, PAGE, RW | 0x100, PA | 0x40000000, 99, 0));
	OK(pipe(fd));
	ERR(raw(0, PAGE, PROT_READ, MAP_PRIVATE, fd[0], 0), ENODEV);
	ERR(raw(0, PAGE, PROT_READ, MAP_PRIVATE, dir, 0), ENODEV);
	p = (char *)OK(raw(0, 1, RW, PA, -1, 0)); /* rounds up */
	store(p + PAGE - 1, 1);
	OK(munmap(p, 1));
	TRAP(load(p + PAGE - 1), SIGSEGV, SEGV_MAPERR, p + PAGE - 1);
	close(fd[0]);
	close(fd[1]);
	close(dir);
}

static void
fixed(void)
{
	char *p = pages_private(8);
	uintptr_t a = (uintptr_t)p;

	ERR(raw(a + 1, PAGE, RW, PA | MAP_FIXED, -1, 0), EINVAL);
	if (!has_five_levels()) {
		ERR(raw(TOP, PAGE, RW, PA | MAP_FIXED, -1, 0), ENOMEM);
		ERR(raw(TOP - PAGE, 2 * PAGE, RW, PA | MAP_FIXED, -1, 0),
		    ENOMEM);
		ERR(raw(1UL << 47, PAGE, RW, PA | MAP_FIXED, -1, 0), ENOMEM);
	}
	ERR(raw(0xffff800000000000, PAGE, RW, PA | MAP_FIXED, -1, 0), ENOMEM);
	OK(raw(0xffff800000000000, PAGE, RW, PA, -1, 0)); /* only a hint */
	ERR(raw(a + PAGE, PAGE, RW, PA | MAP_FIXED_NOREPLACE, -1, 0), EEXIST);
	memset(p, 'k', 8 * PAGE);
	EQ(raw(a + 2 * PAGE, 2 * PAGE, RW, PA | MAP_FIXED, -1, 0),
	    a + 2 * PAGE);
	EQ(load(p + 2 * PAGE - 1), 'k');
	EQ(load(p + 2 * PAGE), 0);
	EQ(load(p + 4 * PAGE - 1), 0);
	EQ(load(p + 4 * PAGE), 'k');
	OK(munmap(p + 5 * PAGE, PAGE));
	EQ(raw(a + 5 * PAGE, PAGE, RW, PA | MAP_FIXED_NOREPLACE, -1, 0),
	    a + 5 * PAGE);
	OK(munmap(p + 5 * PAGE, PAGE));
	EQ(raw(a + 5 * PAGE + 5, PAGE, RW, PA, -1, 0), a + 5 * PAGE);
	CHECK((uintptr_t)raw(a, PAGE, RW, PA, -1, 0) != a); /* taken hint */
	OK(munmap(p, 8 * PAGE));
	/* Root may map page 0; then a null pointer is an address. */
	if (raw(0, PAGE, RW, PA | MAP_FIXED, -1, 0) == 0) {
		store((char *)8, 1);
		OK(munmap(NULL, PAGE));
	} else {
		EQ(errno, EPERM);
	}
	TRAP(load((char *)8), SIGSEGV, SEGV_MAPERR, 8);
}

/* Top-down, first fit; neighbours merge; a hole is used again. */
static void
placement(void)
{
	char *p = pages_private(4), *q = pages_private(4);

	CHECK(q + 4 * PAGE <= p || q > p);
	OK(munmap(p + PAGE, 2 * PAGE));
	CHECK(mmap(p + PAGE, 2 * PAGE, RW, PA, -1, 0) == p + PAGE);
	OK(munmap(p, 4 * PAGE));
	OK(munmap(q, 4 * PAGE));
}

static void
promises(void)
{
	size_t huge = 64 * GIB * 16;
	char *p;

	if (overcommit_mode() != 1)
		ERR(raw(0, huge, RW, PA, -1, 0), ENOMEM);
	if (overcommit_mode() != 2) {
		p = (char *)OK(raw(0, huge, RW, PA | MAP_NORESERVE, -1, 0));
		store(p + huge / 2, 1);
		OK(munmap(p, huge));
	}
	p = (char *)OK(raw(0, huge, PROT_NONE, PA | MAP_NORESERVE, -1, 0));
	TRAP(load(p), SIGSEGV, SEGV_ACCERR, p);
	OK(munmap(p, huge));
	if (!has_huge_pages())
		ERR(raw(0, 2 * MIB, RW, PA | MAP_HUGETLB, -1, 0), ENOMEM);
}

/* What lies before the end of the user half is changed, as before any hole. */
static void
beyond_the_end(void)
{
	char *p = (char *)OK(raw(0, 3 * PAGE, RW, PA, -1, 0));

	OK(munmap(p + PAGE, PAGE));
	ERR(mprotect(p, 1UL << 62, PROT_NONE), ENOMEM);
	TRAP(store(p, 1), SIGSEGV, SEGV_ACCERR, p);
	store(p + 2 * PAGE, 1);
	OK(munmap(p, 3 * PAGE));
}

/* A mapping that grows down does so where it has been moved to. */
static void
growing_moves(void)
{
	char *room = (char *)OK(raw(0, 400 * PAGE, RW, PA, -1, 0));
	char *p = (char *)OK(raw(0, 4 * PAGE, RW, PA | MAP_GROWSDOWN, -1, 0));

	OK(munmap(room, 400 * PAGE));
	EQ((long)mremap(p, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
	    room + 390 * PAGE), (long)(room + 390 * PAGE));
	store(room + 389 * PAGE, 1);
	OK(munmap(room, 400 * PAGE));
}

/* Above the highest mapping is room, too; and when all below the stack is taken, all that
 * is left above it. */
static void
whole_space(void)
{
	uintptr_t top = 0, last = TOP - PAGE;
	size_t size;
	long at;

	if (!has_five_levels()) {
		EQ(raw(last, PAGE, PROT_NONE, PA, -1, 0), (long)last);
		OK(munmap((void *)last, PAGE));
	}
	OK(raw(MIB, PAGE, PROT_NONE, PA | MAP_FIXED | MAP_GROWSDOWN, -1, 0));
	for (size = 1UL << 46; size >= PAGE; size /= 2)
		while ((at = raw(0, size, PROT_NONE, PA | MAP_NORESERVE, -1, 0)) !=
		    -1)
			top = (uintptr_t)at > top ? (uintptr_t)at : top;
	EQ(errno, ENOMEM);
	CHECK(top > (uintptr_t)&size);
	ERR(raw(0, PAGE, PROT_NONE, PA | MAP_32BIT, -1, 0), ENOMEM);
	_exit(0);
}

static void
limits(void)
{
	struct rlimit rl, old;
	char *p;

	OK(getrlimit(RLIMIT_AS, &old));
	rl = old;
	rl.rlim_cur = 64 * MIB;
	OK(setrlimit(RLIMIT_AS, &rl));
	ERR(raw(0, 64 * MIB, RW, PA | MAP_NORESERVE, -1, 0), ENOMEM);
	p = (char *)OK(raw(0, 8 * MIB, RW, PA, -1, 0));
	OK(munmap(p, 8 * MIB));
	OK(setrlimit(RLIMIT_AS, &old));
}

static void
zero_device(void)
{
	int fd = OK(open("/dev/zero", O_RDWR));
	char *p, *q;
	pid_t pid;

	p = (char *)OK(raw(0, 2 * PAGE, RW, MAP_PRIVATE, fd, 0));
	q = (char *)OK(raw(0, 2 * PAGE, RW, MAP_SHARED, fd, 0));
	ERR(raw(0, PAGE, RW, MAP_PRIVATE | MAP_GROWSDOWN, fd, 0), EINVAL);
	EQ(load(p) + load(q + PAGE), 0);
	pid = OK(fork());
	if (pid == 0) {
		store(p, 1);
		store(q, 2);
		_exit(0);
	}
	REAP(pid, 0);
	EQ(load(p), 0);
	EQ(load(q), 2);
	close(fd);
	fd = OK(open("/dev/null", O_RDWR));
	ERR(raw(0, PAGE, RW, MAP_PRIVATE, fd, 0), ENODEV);
	close(fd);
}

int
main(void)
{
	pid_t pid;

	trap_catch(0);
	pid = OK(fork());
	if (pid == 0)
		whole_space();
	REAP(pid, 0);
	arguments();
	fixed();
	placement();
	promises();
	beyond_the_end();
	growing_moves();
	limits();
	zero_device();
	return test_done();
}
