/* NEEDS: MEM=64M CPUS=1,2 TIMEOUT=60 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * What a mapping may do and what it leaves behind: rights come from how the
 * file or device was opened, advice asks for the very right, a mapping is a
 * read of the file, MADV_REMOVE heeds seals and steps over holes.
 */
#include "lib/file.h"
#include "lib/trap.h"

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#define MADV_POPULATE_WRITE 23
#endif

#define RW (PROT_READ | PROT_WRITE)

static char *
map_fd(int fd, size_t pages, int prot, int flags)
{
	char *p = mmap(NULL, pages * PAGE, prot, flags, fd, 0);

	if (p == MAP_FAILED)
		FAIL("mmap(prot %d, flags %d): errno %d", prot, flags, errno);
	return p;
}

/* Of a file or device that was opened to read, nobody gets the right to write. */
static void
rights_come_from_open(const char *path)
{
	int ro = OK(open(path, O_RDONLY)), rw = OK(open(path, O_RDWR));
	char *p;

	CHECK(mmap(NULL, PAGE, RW, MAP_SHARED, ro, 0) == MAP_FAILED);
	EQ(errno, EACCES);
	p = map_fd(ro, 3, PROT_READ, MAP_SHARED);
	ERR(mprotect(p, PAGE, RW), EACCES);
	ERR(mprotect(p + PAGE, PAGE, PROT_WRITE), EACCES);
	OK(mprotect(p, 3 * PAGE, PROT_NONE));
	OK(mprotect(p, 3 * PAGE, PROT_READ));
	OK(munmap(p, 3 * PAGE));
	p = map_fd(ro, 2, PROT_READ, MAP_PRIVATE);
	OK(mprotect(p, 2 * PAGE, RW));
	store(p, 'x');
	EQ(load(p), 'x');
	OK(munmap(p, 2 * PAGE));
	p = map_fd(rw, 2, PROT_READ, MAP_SHARED);
	OK(mprotect(p, 2 * PAGE, RW));
	store(p, 'y');
	EQ(load(p), 'y');
	OK(munmap(p, 2 * PAGE));
	close(ro);
	close(rw);
}

static void
populate_asks_for_the_right(void)
{
	static const struct {
		int prot, read, write;
	} rows[] = {
		{ PROT_NONE, EINVAL, EINVAL },
		{ PROT_READ, 0, EINVAL },
		{ PROT_WRITE, EINVAL, 0 },
		{ RW, 0, 0 },
		{ PROT_READ | PROT_EXEC, 0, EINVAL },
	};
	char *p = pages_private(4);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		OK(mprotect(p + PAGE, PAGE, rows[i].prot));
		errno = 0;
		madvise(p, 4 * PAGE, MADV_POPULATE_READ);
		EQ(errno, rows[i].read);
		errno = 0;
		madvise(p, 4 * PAGE, MADV_POPULATE_WRITE);
		EQ(errno, rows[i].write);
	}
	OK(munmap(p + PAGE, PAGE));
	ERR(madvise(p, 4 * PAGE, MADV_POPULATE_READ), ENOMEM);
	ERR(madvise(p, 4 * PAGE, MADV_POPULATE_WRITE), ENOMEM);
}

/* Where there is no such mechanism, the advice is refused. */
static void
merging_needs_ksm(void)
{
	bool ksm = access("/sys/kernel/mm/ksm/run", F_OK) == 0;
	char *p = pages_private(1);
	int r = madvise(p, PAGE, MADV_MERGEABLE);

	EQ(r, ksm ? 0 : -1);
	if (r != 0)
		EQ(errno, EINVAL);
	r = madvise(p, PAGE, MADV_UNMERGEABLE);
	EQ(r, ksm ? 0 : -1);
	r = madvise(p, 0, MADV_MERGEABLE);
	EQ(r, ksm ? 0 : -1);
}

static long
atime_after_map(int fd, int flags)
{
	static const struct timespec old[2] = { { 100, 0 }, { 200, 0 } };
	struct stat st;
	char *p;

	OK(futimens(fd, old));
	p = map_fd(fd, 1, PROT_READ, flags);
	OK(fstat(fd, &st));
	OK(munmap(p, PAGE));
	EQ(st.st_mtime, 200);
	return st.st_atime;
}

static void
mapping_is_a_read(void)
{
	int fd = OK(open("/dev/shm/atime", O_RDWR | O_CREAT, 0600));
	int m = OK(memfd_create("m", 0)), quiet;

	OK(ftruncate(fd, PAGE));
	OK(ftruncate(m, PAGE));
	CHECK(atime_after_map(fd, MAP_SHARED) > 1000);
	CHECK(atime_after_map(fd, MAP_PRIVATE) > 1000);
	CHECK(atime_after_map(m, MAP_SHARED) > 1000);
	quiet = OK(open("/dev/shm/atime", O_RDWR | O_NOATIME));
	EQ(atime_after_map(quiet, MAP_SHARED), 100);
	/* A mapping that is refused reads nothing. */
	CHECK(mmap(NULL, 0, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED);
	close(quiet);
	close(fd);
	close(m);
	OK(unlink("/dev/shm/atime"));
}

static int
memfd_of(size_t pages)
{
	int fd = OK(memfd_create("holes", MFD_ALLOW_SEALING));
	char c = 'd';

	for (size_t i = 0; i < pages; i++)
		EQ(pwrite(fd, &c, 1, i * PAGE), 1);
	return fd;
}

static void
remove_heeds_seals(void)
{
	int fd = memfd_of(4);
	char *p = map_fd(fd, 4, RW, MAP_SHARED);

	OK(madvise(p, PAGE, MADV_REMOVE));
	EQ(load(p), 0);
	OK(fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE));
	ERR(madvise(p + PAGE, PAGE, MADV_REMOVE), EPERM);
	EQ(load(p + PAGE), 'd');
	/* The mapping itself was there before: it goes on writing. */
	store(p + PAGE, 'e');
	ERR(fallocate(fd, 3, 0, PAGE), EPERM);
	OK(munmap(p, 4 * PAGE));
	close(fd);
}

static void
remove_steps_over_holes(void)
{
	int fd = memfd_of(6);
	char *p = map_fd(fd, 6, RW, MAP_SHARED), *q;
	struct stat before, after;

	OK(munmap(p + 2 * PAGE, PAGE));
	OK(fstat(fd, &before));
	ERR(madvise(p + PAGE, 4 * PAGE, MADV_REMOVE), ENOMEM);
	OK(fstat(fd, &after));
	EQ(before.st_blocks - after.st_blocks, 3 * PAGE / 512);
	q = map_fd(fd, 6, PROT_READ, MAP_SHARED);
	EQ(load(q), 'd');
	EQ(load(q + PAGE), 0);
	EQ(load(q + 2 * PAGE), 'd');
	EQ(load(q + 3 * PAGE), 0);
	EQ(load(q + 4 * PAGE), 0);
	EQ(load(q + 5 * PAGE), 'd');
	OK(munmap(p, 6 * PAGE));
	OK(munmap(q, 6 * PAGE));
	close(fd);
}

/* Nobody sees a hole while another changes the file's size. */
static void
remove_and_truncate(void)
{
	int fd = memfd_of(64);
	char *p = map_fd(fd, 64, RW, MAP_SHARED);
	pid_t pid = OK(fork());

	if (pid == 0) {
		for (int i = 0; i < 300; i++) {
			OK(ftruncate(fd, (8 + i % 56) * PAGE));
			OK(ftruncate(fd, 64 * PAGE));
		}
		_exit(0);
	}
	for (int i = 0; i < 300; i++) {
		OK(madvise(p + i % 32 * PAGE, 32 * PAGE, MADV_REMOVE));
		if (TRAPPED(store(p + i % 64 * PAGE, 1)) != 0)
			EQ(trap_info.signo, SIGBUS);
	}
	REAP(pid, 0);
	OK(munmap(p, 64 * PAGE));
	close(fd);
	check_vm();
}

int
main(void)
{
	make_file("/dev/shm/rights", "abc", 3, 0644);
	OK(truncate("/dev/shm/rights", 3 * PAGE));
	trap_catch(0);
	rights_come_from_open("/dev/zero");
	rights_come_from_open("/dev/shm/rights");
	OK(unlink("/dev/shm/rights"));
	populate_asks_for_the_right();
	merging_needs_ksm();
	mapping_is_a_read();
	remove_heeds_seals();
	remove_steps_over_holes();
	remove_and_truncate();
	return test_done();
}
