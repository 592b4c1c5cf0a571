/* NEEDS: MEM=48M SWAP=256M CPUS=1,4 TIMEOUT=90 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * T16: mlock: limits, ranges, what comes later, and that locked pages stay
 * in memory whatever else is wanted.
 */
#include "lib/file.h"
#include "lib/smaps.h"
#include "lib/trap.h"

#define N 16UL
#define NOBODY 65534
#define ONFAULT 1u /* MLOCK_ONFAULT */

static long
lck(void)
{
	return status_kb("VmLck");
}

static void
limit(rlim_t bytes)
{
	struct rlimit rl;

	OK(getrlimit(RLIMIT_MEMLOCK, &rl));
	rl.rlim_cur = bytes;
	OK(setrlimit(RLIMIT_MEMLOCK, &rl));
}

static void
ranges(void)
{
	char *p = pages_apart(N);

	OK(mlock(p, N * PAGE));
	EQ(resident(p, N), N);
	EQ(smaps_kb(p, N, "Locked"), N * 4);
	EQ(lck(), N * 4);
	OK(mlock(p + PAGE, PAGE)); /* once is as good as twice */
	EQ(lck(), N * 4);
	OK(munlock(p + 4 * PAGE, 4 * PAGE));
	EQ(smaps_kb(p, N, NULL), 3);
	EQ(smaps_kb(p, N, "Locked"), (N - 4) * 4);
	EQ(lck(), (N - 4) * 4);
	OK(munlock(p, N * PAGE));
	EQ(smaps_kb(p, N, NULL), 1);
	EQ(lck(), 0);
	printf("lock, unlock: parts of a mapping, and together again\n");
	OK(mlock(p + 5, 1));
	EQ(lck(), 4);
	OK(mlock(p + PAGE - 1, 2));
	EQ(lck(), 8);
	OK(munlock(p + PAGE + 9, 1));
	EQ(lck(), 4);
	OK(mlock(p, 0));
	OK(munlock(p + 77, 0));
	OK(munlock(p, PAGE));
	printf("unaligned: all pages touched by the range; 0: none\n");
	OK(munmap(p + 6 * PAGE, PAGE));
	ERR(mlock(p, N * PAGE), ENOMEM);
	OK(munlock(p, 6 * PAGE));
	ERR(munlock(p, N * PAGE), ENOMEM);
	ERR(mlock((void *)~0xfffUL, 2 * PAGE), EINVAL);
	ERR(munlock((void *)~0xfffUL, 2 * PAGE), EINVAL);
	ERR(mlock((void *)0xffff800000000000, PAGE), ENOMEM);
	ERR(syscall(SYS_mlock2, p, PAGE, 2), EINVAL);
	OK(munlockall());
	OK(munmap(p, N * PAGE));
	EQ(lck(), 0);
	printf("hole: ENOMEM; wrong flag, wrapping: EINVAL\n");
}

/* What else may be done with locked memory. */
static void
other_calls(void)
{
	char *p = pages_apart(N), *q;

	memset(p, 'k', N * PAGE);
	OK(mlock(p, N * PAGE));
	ERR(madvise(p, PAGE, MADV_DONTNEED), EINVAL);
	ERR(madvise(p, PAGE, MADV_FREE), EINVAL);
	ERR(madvise(p, PAGE, MADV_PAGEOUT), EINVAL);
	ERR(madvise(p, PAGE, MADV_COLD), EINVAL);
	ERR(msync(p, PAGE, MS_INVALIDATE), EBUSY);
	OK(msync(p, PAGE, MS_SYNC));
	printf("DONTNEED, FREE, COLD, PAGEOUT: EINVAL; INVALIDATE: EBUSY\n");
	OK(mprotect(p, N * PAGE, PROT_NONE));
	TRAP(load(p), SIGSEGV, SEGV_ACCERR, p);
	TRAP(store(p + PAGE, 'x'), SIGSEGV, SEGV_ACCERR, p + PAGE);
	ERR(write(1, p + 9, 1), EFAULT);
	ERR(nanosleep((void *)(p + 64), NULL), EFAULT);
	EQ(smaps_kb(p, N, "Locked"), N * 4);
	OK(mprotect(p, 4 * PAGE, PROT_READ));
	EQ(load(p + 3 * PAGE), 'k');
	TRAP(store(p, 'x'), SIGSEGV, SEGV_ACCERR, p);
	OK(mprotect(p, N * PAGE, RW));
	for (size_t i = 0; i < N; i++)
		EQ(load(p + i * PAGE + 7), 'k');
	store(p + 2 * PAGE, 'l');
	EQ(load(p + 2 * PAGE), 'l');
	OK(mprotect(p, N * PAGE, PROT_NONE));
	OK(munlock(p, N * PAGE));
	OK(mprotect(p, N * PAGE, RW));
	EQ(load(p + 2 * PAGE), 'l');
	EQ(load(p + 5 * PAGE), 'k');
	printf("no rights: out of reach, not out of memory\n");
	OK(mprotect(p, N * PAGE, PROT_NONE));
	ERR(mlock(p, PAGE), ENOMEM);
	OK(munlock(p, PAGE));
	OK(mprotect(p, N * PAGE, RW));
	OK(mlock(p, N * PAGE));
	q = mremap(p, N * PAGE, 2 * N * PAGE, MREMAP_MAYMOVE);
	CHECK(q != MAP_FAILED);
	EQ(lck(), 2 * N * 4);
	EQ(resident(q, 2 * N), 2 * N);
	EQ(smaps_kb(q, 2 * N, "Locked"), 2 * N * 4);
	EQ(load(q + 5 * PAGE), 'k');
	printf("mremap keeps the lock, also for what is new\n");
	OK(munmap(q, 2 * N * PAGE));
	EQ(lck(), 0);
}

static void
on_fault(void)
{
	char *p = pages_apart(N);

	store(p, 1);
	OK(syscall(SYS_mlock2, p, N * PAGE, ONFAULT));
	EQ(lck(), N * 4);
	EQ(resident(p, N), 1);
	EQ(smaps_kb(p, N, "Locked"), 4);
	store(p + 3 * PAGE, 1);
	EQ(smaps_kb(p, N, "Locked"), 8);
	OK(mlock(p, 8 * PAGE));
	EQ(resident(p, N), 8);
	EQ(smaps_kb(p, N, "Locked"), 32);
	OK(munmap(p, N * PAGE));
	printf("ONFAULT: counted at once, locked when touched\n");
}

/* By four locked pages, of which so many are resident at once. */
static void
heap_grows(int at_once)
{
	char *b = (char *)syscall(SYS_brk, 0), *end = b + 4 * PAGE;
	char *page = (char *)(((uintptr_t)b + PAGE - 1) & ~(PAGE - 1));
	long before = lck();

	EQ(syscall(SYS_brk, end), (long)end);
	EQ(lck(), before + 16);
	EQ(resident(page, 4), at_once);
	store(end - 1, 1);
	EQ(syscall(SYS_brk, b), (long)b);
	EQ(lck(), before);
}

static void
whole_space(void)
{
	char *p = pages_apart(N), *q, *b;

	ERR(mlockall(0), EINVAL);
	ERR(mlockall(8), EINVAL);
	ERR(mlockall(4), EINVAL); /* MCL_ONFAULT alone */
	OK(mlockall(MCL_CURRENT));
	EQ(resident(p, N), N);
	q = pages_private(N);
	EQ(resident(q, N), 0);
	printf("CURRENT: what there is\n");
	OK(munlockall());
	EQ(lck(), 0);
	EQ(smaps_kb(p, N, "Locked"), 0);
	OK(munmap(q, N * PAGE));
	OK(mlockall(MCL_FUTURE));
	EQ(lck(), 0);
	q = pages_private(N);
	EQ(resident(q, N), N);
	EQ(lck(), N * 4);
	heap_grows(4);
	OK(munmap(q, N * PAGE));
	OK(mlockall(MCL_FUTURE | 4));
	heap_grows(0);
	q = pages_private(N);
	EQ(resident(q, N), 0);
	EQ(lck(), N * 4);
	store(q, 1);
	EQ(smaps_kb(q, N, "Locked"), 4);
	OK(munlockall());
	b = pages_private(N);
	EQ(resident(b, N), 0);
	EQ(lck(), 0);
	printf("FUTURE: what comes, until munlockall\n");
	OK(munmap(b, N * PAGE));
	b = mmap(NULL, N * PAGE, RW,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0);
	EQ(resident(b, N), N);
	EQ(smaps_kb(b, N, "Locked"), N * 4);
	OK(munmap(b, N * PAGE));
	OK(munmap(q, N * PAGE));
	OK(munmap(p, N * PAGE));
	EQ(lck(), 0);
	printf("MAP_LOCKED\n");
}

static void
after_fork(void)
{
	char *p = pages_apart(N);
	pid_t pid;

	memset(p, 'p', N * PAGE);
	OK(mlock(p, N * PAGE));
	OK(mlockall(MCL_FUTURE));
	pid = OK(fork());
	if (pid == 0) {
		char *q;

		EQ(lck(), 0);
		EQ(smaps_kb(p, N, "Locked"), 0);
		q = pages_apart(N);
		EQ(resident(q, N), 0);
		EQ(load(p), 'p');
		store(p, 'c');
		OK(madvise(p, PAGE, MADV_DONTNEED));
		_exit(0);
	}
	REAP(pid, 0);
	OK(munlockall());
	OK(mlock(p, N * PAGE));
	memset(p, 'q', N * PAGE);
	EQ(smaps_kb(p, N, "Locked"), N * 4);
	EQ(load(p), 'q');
	OK(munmap(p, N * PAGE));
	printf("a child locks nothing\n");
}

static void
files(void)
{
	int fd = file_stamped("t16", N, 'a');
	char *s = mmap(NULL, N * PAGE, RW, MAP_SHARED, fd, 0);
	char *p = mmap(NULL, N * PAGE, RW, MAP_PRIVATE, fd, 0);
	char *e = mmap(NULL, 2 * N * PAGE, RW, MAP_SHARED, fd, 0);

	OK(mlock(s, N * PAGE));
	OK(mlock(p, N * PAGE));
	EQ(smaps_kb(p, N, "Anonymous"), N * 4);
	EQ(smaps_kb(p, N, "Locked"), N * 4);
	for (size_t i = 0; i < N; i++)
		EQ(load(s + i * PAGE), 'a' + i);
	store(s, 'S');
	EQ(load(p), 'a');
	ERR(mlock(e, 2 * N * PAGE), ENOMEM);
	OK(munlock(e, 2 * N * PAGE));
	OK(ftruncate(fd, PAGE));
	TRAP(load(s + PAGE), SIGBUS, BUS_ADRERR, s + PAGE);
	OK(munmap(s, N * PAGE));
	OK(munmap(p, N * PAGE));
	OK(munmap(e, 2 * N * PAGE));
	EQ(lck(), 0);
	close(fd);
	printf("files: shared pages, private copies, not behind the end\n");
}

/* The limit binds whom it does not know as root. */
static void
limits(void)
{
	char *p;

	if (geteuid() == 0)
		OK(setresuid(NOBODY, NOBODY, NOBODY));
	limit(8 * PAGE);
	p = pages_apart(N);
	OK(mlock(p, 8 * PAGE));
	OK(mlock(p, 8 * PAGE));
	ERR(mlock(p + 8 * PAGE, PAGE), ENOMEM);
	ERR(mlock(p, N * PAGE), ENOMEM);
	EQ(lck(), 32);
	OK(munlock(p + 2 * PAGE, PAGE));
	OK(mlock(p + 9 * PAGE, PAGE));
	ERR(mlock(p + 2 * PAGE, PAGE), ENOMEM);
	EQ(mmap(NULL, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED,
	    -1, 0), MAP_FAILED);
	EQ(errno, EAGAIN);
	EQ(mremap(p + 9 * PAGE, PAGE, 2 * PAGE, MREMAP_MAYMOVE), MAP_FAILED);
	EQ(errno, EAGAIN);
	ERR(mlockall(MCL_CURRENT), ENOMEM);
	OK(munlockall());
	printf("limit: ENOMEM, for mmap and mremap EAGAIN\n");
	OK(mlockall(MCL_FUTURE));
	EQ(mmap(NULL, 9 * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
	    MAP_FAILED);
	EQ(errno, EAGAIN);
	OK(munlockall());
	OK(mlock(p, 4 * PAGE));
	limit(2 * PAGE); /* lowered: what is locked is not locked again */
	ERR(mlock(p, PAGE), ENOMEM);
	OK(mlockall(MCL_FUTURE));
	OK(munlockall());
	limit(0);
	ERR(mlock(p, PAGE), EPERM);
	ERR(mlock(p, 0), EPERM);
	ERR(mlockall(MCL_CURRENT), EPERM);
	ERR(mlockall(0), EINVAL);
	/* Not by mmap(), which makes ENOMEM of it. */
	ERR(syscall(SYS_mmap, NULL, PAGE, RW,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0L), EPERM);
	OK(munlock(p, PAGE));
	OK(munlockall());
	printf("limit 0: EPERM\n");
}

/* Memory is wanted, more than there is: the secrets stay. */
static void
secrets(void)
{
	long total = meminfo_kb("MemTotal") * KIB / PAGE;
	long n = total + total / 2 < 24576 ? total + total / 2 : 24576;
	char *p = pages_apart(N), *q;

	for (size_t i = 0; i < N; i++)
		memset(p + i * PAGE, 'A' + i, PAGE);
	OK(mlock(p, N * PAGE));
	while ((q = mmap(NULL, n * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1,
	    0)) == MAP_FAILED) /* no swap: what may be had */
		n -= n / 8;
	for (int round = 0; round < 2; round++)
		for (long i = 0; i < n; i++) {
			q[i * PAGE] = i;
			if (i % 512 == 0)
				EQ(smaps_kb(p, N, "Locked"), N * 4);
		}
	EQ(resident(p, N), N);
	EQ(smaps_kb(p, N, "Locked"), N * 4);
	EQ(smaps_kb(p, N, "Swap"), 0);
	for (size_t i = 0; i < N; i++)
		EQ(load(p + i * PAGE + PAGE - 1), 'A' + i);
	for (long i = 0; i < n; i++)
		EQ(q[i * PAGE], (char)i);
	OK(munmap(q, n * PAGE));
	OK(munmap(p, N * PAGE));
	printf("secrets stay in memory\n");
}

int
main(int argc, char **argv)
{
	pid_t pid;

	file_args(argc, argv);
	trap_catch(0);
	ranges();
	other_calls();
	on_fault();
	whole_space();
	after_fork();
	files();
	secrets();
	fflush(stdout);
	pid = OK(fork());
	if (pid == 0) {
		limits();
		_exit(0);
	}
	REAP(pid, 0);
	return test_done();
}
