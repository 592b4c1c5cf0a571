/* NEEDS: MEM=64M CPUS=1,2 TIMEOUT=20 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * memfd_create and its seals: what each forbids, what comes too late, and
 * files that have none.
 */
#include "lib/host.h"

#define MFD_CLOEXEC_ 1u
#define MFD_ALLOW_SEALING_ 2u
#define ADD_SEALS 1033
#define GET_SEALS 1034
enum { SEAL = 1, SHRINK = 2, GROW = 4, WRITE = 8, FUTURE = 16 };

static int
memfd(const char *name, unsigned flags)
{
	return (int)syscall(SYS_memfd_create, name, flags);
}

static void
made(void)
{
	char name[252], link[64], path[64];
	int fd = memfd("first", MFD_CLOEXEC_);
	struct stat st;
	ssize_t n;

	CHECK(fd >= 0);
	EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	EQ(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDWR);
	OK(fstat(fd, &st));
	EQ(st.st_mode, S_IFREG | 0777);
	EQ(st.st_size, 0);
	EQ(st.st_nlink, 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = readlink(path, link, sizeof(link) - 1);
	CHECK(n > 0);
	link[n] = '\0';
	EQ(strcmp(link, "/memfd:first (deleted)"), 0);
	EQ(fcntl(fd, GET_SEALS), SEAL);
	ERR(fcntl(fd, ADD_SEALS, WRITE), EPERM);
	close(fd);

	ERR(memfd("x", 0x80u), EINVAL);
	ERR(memfd((char *)8, 0), EFAULT);
	memset(name, 'a', sizeof(name));
	name[250] = '\0';
	ERR(memfd(name, 0), EINVAL);
	name[249] = '\0';
	fd = memfd(name, 0);
	CHECK(fd >= 0);
	close(fd);
}

static void
sizes(void)
{
	static char block[3 * PAGE];
	int fd = memfd("s", MFD_ALLOW_SEALING_);

	EQ(fcntl(fd, GET_SEALS), 0);
	OK(ftruncate(fd, 2 * PAGE));
	OK(fcntl(fd, ADD_SEALS, SHRINK));
	ERR(ftruncate(fd, PAGE), EPERM);
	OK(ftruncate(fd, 2 * PAGE + 100));
	OK(fcntl(fd, ADD_SEALS, GROW));
	EQ(fcntl(fd, GET_SEALS), SHRINK | GROW);
	ERR(ftruncate(fd, 3 * PAGE), EPERM);
	EQ(pwrite(fd, block, 50, 2 * PAGE), 50);
	ERR(pwrite(fd, block, 1, 2 * PAGE + 100), EPERM);
	EQ(pwrite(fd, block, 3 * PAGE, 0), 2 * PAGE);
	ERR(fallocate(fd, 0, 0, 3 * PAGE), EPERM);
	OK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE));
	close(fd);
}

static void
writes(void)
{
	int fd = memfd("w", MFD_ALLOW_SEALING_);
	char *p, *q;

	OK(ftruncate(fd, PAGE));
	p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(p != MAP_FAILED);
	p[7] = 7;
	ERR(fcntl(fd, ADD_SEALS, WRITE), EBUSY);
	EQ(fcntl(fd, GET_SEALS), 0);
	munmap(p, PAGE);
	p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	OK(fcntl(fd, ADD_SEALS, WRITE));
	p[8] = 8;
	ERR(write(fd, "x", 1), EPERM);
	ERR(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE),
	    EPERM);
	EQ(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) ==
	    MAP_FAILED && errno == EPERM, 1);
	/* What is wrong with the place is said first. */
	EQ(mmap(p + 1, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd,
	    0) == MAP_FAILED && errno == EINVAL, 1);
	q = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	CHECK(q != MAP_FAILED);
	EQ(q[7], 7);
	EQ(q[8], 0);
	q[7] = 1;
	EQ(p[7], 7);
	OK(fcntl(fd, ADD_SEALS, SEAL));
	ERR(fcntl(fd, ADD_SEALS, GROW), EPERM);
	EQ(fcntl(fd, GET_SEALS), WRITE | SEAL);
	close(fd);
	munmap(p, PAGE);
	munmap(q, PAGE);
}

/* What is mapped stays writable, what comes later is not. */
static void
future(void)
{
	int fd = memfd("f", MFD_ALLOW_SEALING_);
	char *p, *q;

	OK(ftruncate(fd, PAGE));
	p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	OK(fcntl(fd, ADD_SEALS, FUTURE));
	p[0] = 5;
	ERR(write(fd, "x", 1), EPERM);
	EQ(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) ==
	    MAP_FAILED && errno == EPERM, 1);
	q = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	CHECK(q != MAP_FAILED);
	EQ(q[0], 5);
	ERR(mprotect(q, PAGE, PROT_READ | PROT_WRITE), EACCES);
	munmap(p, PAGE);
	munmap(q, PAGE);
	close(fd);
}

/* A seal holds for a mapping when the last descriptor is gone, too. */
static void
seals_outlive_descriptors(void)
{
	for (int seal = 0; seal < 2; seal++) {
		int fd = memfd("m", MFD_ALLOW_SEALING_);
		char *p;

		OK(ftruncate(fd, PAGE));
		p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		CHECK(p != MAP_FAILED);
		p[0] = 5;
		if (seal != 0)
			OK(fcntl(fd, ADD_SEALS, FUTURE));
		close(fd);
		if (seal != 0)
			ERR(madvise(p, PAGE, MADV_REMOVE), EPERM);
		else
			OK(madvise(p, PAGE, MADV_REMOVE));
		EQ(p[0], seal != 0 ? 5 : 0);
		munmap(p, PAGE);
	}
}

/* B9: a shared mapping of a file that is open for reading stays read-only. */
static void
others(void)
{
	int fd = open("/dev/shm/seal_test", O_RDWR | O_CREAT, 0600), rd, p[2];
	char *m;

	CHECK(fd >= 0);
	OK(ftruncate(fd, PAGE));
	EQ(fcntl(fd, GET_SEALS), SEAL);
	ERR(fcntl(fd, ADD_SEALS, WRITE), EPERM);
	rd = open("/dev/shm/seal_test", O_RDONLY);
	ERR(fcntl(rd, ADD_SEALS, WRITE), EPERM);
	m = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, rd, 0);
	ERR(mprotect(m, PAGE, PROT_READ | PROT_WRITE), EACCES);
	EQ(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, rd, 0) ==
	    MAP_FAILED && errno == EACCES, 1);
	OK(pipe(p));
	ERR(fcntl(p[1], GET_SEALS), EINVAL);
	ERR(fcntl(p[1], ADD_SEALS, WRITE), EINVAL);
	unlink("/dev/shm/seal_test");
}

int
main(void)
{
	if (memfds_are_not_run()) {
		printf("skipped: each memfd has a seal from the start\n");
		return 0;
	}
	made();
	sizes();
	writes();
	future();
	seals_outlive_descriptors();
	others();
	return 0;
}
