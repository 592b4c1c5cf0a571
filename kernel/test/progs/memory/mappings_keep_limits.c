/* NEEDS: MEM=64M CPUS=1 TIMEOUT=30 KIND=exact */
/*
 * What bounds a mapping from outside: RLIMIT_STACK as it is now, RLIMIT_DATA,
 * mounts without execution, the lowest address, rights of the mapping itself;
 * and ranges and flags that a call must refuse.
 */
#include "lib/host.h"
#include "lib/trap.h"

#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define DATA (16 * MIB)

static char alternate[64 * KIB];

static void
set(int which, long cur)
{
	struct rlimit rl;

	OK(getrlimit(which, &rl));
	rl.rlim_cur = (rlim_t)cur;
	OK(setrlimit(which, &rl));
}

static char *
map(size_t bytes, int prot, int flags, int fd)
{
	char *p = mmap(NULL, bytes, prot, flags, fd, 0);

	CHECK(p != MAP_FAILED);
	return p;
}

static int __attribute__((noinline))
deep(size_t bytes)
{
	volatile char frame[16 * KIB];

	frame[0] = 1;
	frame[sizeof(frame) - 1] = 1;
	return bytes <= sizeof(frame) ? 0 :
	    deep(bytes - sizeof(frame)) + frame[0];
}

/* Raised, then lowered, in a process that runs. */
static void
stack(void)
{
	stack_t ss = { .ss_sp = alternate, .ss_size = sizeof(alternate) };
	struct rlimit rl;
	pid_t pid = OK(fork());

	if (pid == 0) {
		OK(getrlimit(RLIMIT_STACK, &rl));
		if (rl.rlim_max < 64 * MIB && !on_vadose())
			_exit(0);
		set(RLIMIT_STACK, 64 * MIB);
		EQ(deep(20 * MIB), 20 * MIB / (16 * KIB) - 1);
		_exit(0);
	}
	REAP(pid, 0);
	pid = OK(fork());
	if (pid == 0) {
		OK(sigaltstack(&ss, NULL));
		trap_catch(SA_ONSTACK);
		set(RLIMIT_STACK, MIB);
		EQ(deep(512 * KIB), 31);
		EQ(TRAPPED(deep(4 * MIB)), SIGSEGV);
		_exit(0);
	}
	REAP(pid, 0);
}

/* Private memory that may be written to, however it became so. */
static void
data(void)
{
	pid_t pid = OK(fork());
	char *p, *q;

	if (pid != 0) {
		REAP(pid, 0);
		return;
	}
	set(RLIMIT_DATA, DATA);
	ERR(mmap(NULL, 2 * DATA, RW, ANON, -1, 0), ENOMEM);
	p = map(2 * DATA, PROT_READ, ANON, -1);
	ERR(mprotect(p, 2 * DATA, RW), ENOMEM);
	OK(mprotect(p, DATA / 4, RW));
	q = map(DATA / 4, RW, ANON, -1);
	ERR(mremap(q, DATA / 4, DATA, MREMAP_MAYMOVE), ENOMEM);
	(void)map(2 * DATA, RW, MAP_SHARED | MAP_ANONYMOUS, -1);
	OK(munmap(p, DATA));
	OK(munmap(q, DATA / 4));
	(void)map(DATA / 2, RW, ANON, -1);
	_exit(0);
}

static void
no_execution(void)
{
	char *p;
	int fd;

	own_tmp();
	enter_tmp();
	OK(mkdir("closed", 0755));
	if (mount("none", "closed", "tmpfs", MS_NOEXEC, NULL) != 0) {
		CHECK((errno == EPERM || errno == EACCES) && !on_vadose());
		OK(rmdir("closed")); /* a container may not */
		leave_tmp();
		return;
	}
	fd = OK(open("closed/f", O_RDWR | O_CREAT, 0755));
	OK(ftruncate(fd, PAGE));
	ERR(mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0), EPERM);
	p = map(PAGE, PROT_READ, MAP_PRIVATE, fd);
	ERR(mprotect(p, PAGE, PROT_READ | PROT_EXEC), EACCES);
	OK(munmap(p, PAGE));
	OK(close(fd));
	OK(umount("closed"));
	OK(rmdir("closed"));
	leave_tmp();
}

static void
places(void)
{
	char *low = map(PAGE, RW, ANON | MAP_32BIT, -1), *p;
	pid_t pid = OK(fork());

	if (pid == 0) {
		OK(setuid(1000));
		p = map(PAGE, RW, ANON, -1);
		ERR(mremap(p, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, NULL),
		    EPERM);
		store(p, 1);
		_exit(0);
	}
	REAP(pid, 0);
	CHECK((uintptr_t)low + PAGE <= 0x80000000u);
	store(low, 1);
	OK(munmap(low, PAGE));
}

/* All that is mapped stays when the old length is beyond all bounds. */
static void
lengths(void)
{
	char *p = map(2 * PAGE, RW, ANON, -1);

	store(p, 1);
	ERR(mremap(p, (size_t)-2 * PAGE, PAGE, 0), EINVAL);
	ERR(mremap(p, (size_t)-2 * PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
	    p - 64 * PAGE), EINVAL);
	store(p + PAGE, 1);
	OK(munmap(p, 2 * PAGE));
}

static void
growing(void)
{
	int fd = OK(open("grows", O_RDWR | O_CREAT, 0600));
	char here, *p = map(PAGE, RW, ANON, -1);
	char *page = (char *)((uintptr_t)&here & ~(uintptr_t)(PAGE - 1));

	OK(ftruncate(fd, PAGE));
	ERR(mmap(NULL, PAGE, RW, MAP_PRIVATE | MAP_GROWSDOWN, fd, 0), EINVAL);
	OK(mprotect(page, PAGE, RW | PROT_GROWSDOWN));
	ERR(mprotect(p, PAGE, RW | PROT_GROWSDOWN), EINVAL);
	ERR(mprotect(page, PAGE, RW | PROT_GROWSDOWN | PROT_GROWSUP), EINVAL);
	OK(munmap(p, PAGE));
	OK(close(fd));
	OK(unlink("grows"));
	/* What has grown down moves as any other memory. */
	p = map(64 * PAGE, RW, ANON, -1);
	OK(munmap(p, 63 * PAGE));
	CHECK(mmap(p + 63 * PAGE, PAGE, RW, ANON | MAP_FIXED | MAP_GROWSDOWN, -1,
	    0) != MAP_FAILED);
	for (long i = 63; i >= 54; i--)
		p[i * PAGE] = (char)i;
	page = mremap(p + 54 * PAGE, PAGE, 2 * PAGE, MREMAP_MAYMOVE);
	CHECK(page != MAP_FAILED);
	EQ(*page, 54);
	OK(munmap(page, 2 * PAGE));
	OK(munmap(p + 55 * PAGE, 9 * PAGE));
}

/* MADV_REMOVE writes, and so does fallocate(). */
static void
holes(void)
{
	int fd = OK(open("/dev/shm/holes", O_RDWR | O_CREAT, 0600));
	int reader = OK(open("/dev/shm/holes", O_RDONLY));
	char c = 'x', *p;
	pid_t pid;

	EQ(write(fd, &c, 1), 1);
	p = map(PAGE, PROT_READ, MAP_SHARED, reader);
	ERR(madvise(p, PAGE, MADV_REMOVE), EACCES);
	EQ(*p, 'x');
	OK(munmap(p, PAGE));
	OK(close(reader));
	p = map(PAGE, RW, MAP_PRIVATE, fd);
	ERR(madvise(p, PAGE, MADV_REMOVE), EACCES);
	OK(munmap(p, PAGE));
	p = map(PAGE, RW, MAP_SHARED, fd);
	OK(madvise(p, PAGE, MADV_REMOVE));
	EQ(*p, 0);
	pid = OK(fork());
	if (pid == 0) {
		set(RLIMIT_FSIZE, PAGE);
		OK(fallocate(fd, 0, 0, PAGE));
		signal(SIGXFSZ, SIG_IGN);
		ERR(fallocate(fd, 0, 0, 2 * PAGE), EFBIG);
		signal(SIGXFSZ, SIG_DFL);
		(void)fallocate(fd, 0, 0, 2 * PAGE);
		_exit(0);
	}
	REAP_SIGNAL(pid, SIGXFSZ);
	OK(munmap(p, PAGE));
	OK(close(fd));
	OK(unlink("/dev/shm/holes"));
}

static long
peak(void)
{
	char line[200];
	long kib = 0;
	FILE *f = fopen("/proc/self/status", "r");

	CHECK(f != NULL);
	while (fgets(line, sizeof(line), f) != NULL)
		sscanf(line, "VmPeak: %ld", &kib);
	fclose(f);
	return kib;
}

static void
peaks(void)
{
	size_t bytes = 512 * MIB;
	char *p = map(bytes, PROT_READ, ANON, -1);
	long high;

	OK(munmap(p, bytes));
	high = peak();
	CHECK(high >= (long)(bytes / KIB));
	/* A move has both for a moment, and is none. */
	p = map(bytes, PROT_READ, ANON, -1);
	p = mremap(p, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED,
	    p - 2 * bytes);
	CHECK(p != MAP_FAILED);
	LE(peak(), high + (long)(MIB / KIB));
	OK(munmap(p, bytes));
}

int
main(void)
{
	stack();
	data();
	no_execution();
	places();
	lengths();
	growing();
	holes();
	peaks();
	return test_done();
}
