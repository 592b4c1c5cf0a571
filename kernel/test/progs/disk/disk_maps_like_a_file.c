/* NEEDS: MEM=64M CPUS=1,2 TIMEOUT=30 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * A disk that is mapped is like a file of the disk's size: shared and private
 * mappings, read and write see the same page, msync and fsync write it, and
 * behind the end is SIGBUS.  Opened O_DIRECT it moves whole sectors, at once.
 *
 * Argument: the disk (cases/disk/blkfiles.sh), which loses what it has; without one
 * a file of a size that no page divides.
 */
#include "lib/file.h"
#include "lib/trap.h"
#include <sys/ioctl.h>
#include <sys/mount.h>

#define PAGES 8

static uint64_t
open_disk(int argc, char **argv, int *fd)
{
	if (argc > 1) {
		*fd = OK(open(argv[1], O_RDWR));
	} else {
		*fd = file_open("disk", O_RDWR | O_CREAT);
		file_unlink("disk");
		OK(ftruncate(*fd, 20 * PAGE + 1536));
	}
	return (uint64_t)OK(lseek(*fd, 0, SEEK_END));
}

/* What one way of access stores, all others see; but not a private store. */
static void
views(int fd, char *s, char *p)
{
	char c;
	int i;

	for (i = 0; i < PAGES; i++) {
		c = 'a' + i;
		EQ(pwrite(fd, &c, 1, i * PAGE + 7), 1);
		EQ(s[i * PAGE + 7], c);
		EQ(p[i * PAGE + 7], c);
		s[i * PAGE + 7] = 'A' + i;
		EQ(pread(fd, &c, 1, i * PAGE + 7), 1);
		EQ(c, 'A' + i);
		EQ(p[i * PAGE + 7], c);
		p[i * PAGE + 7] = '!';
		EQ(pread(fd, &c, 1, i * PAGE + 7), 1);
		EQ(c, 'A' + i);
		EQ(s[i * PAGE + 7], c);
	}
	OK(msync(s, PAGES * PAGE, MS_SYNC));
}

static void
child_stores(char *s)
{
	pid_t pid = OK(fork());

	if (pid == 0) {
		s[100] = 'c';
		_exit(0);
	}
	REAP(pid, 0);
	EQ(s[100], 'c');
}

/* The last page is there as far as the disk goes; none follows. */
static void
end_of_disk(int fd, uint64_t size)
{
	uint64_t last = (size - 1) & ~(PAGE - 1);
	char *e = file_map(fd, last / PAGE, 2, RW, MAP_SHARED);
	char c;

	e[size - 1 - last] = 'z';
	EQ(pread(fd, &c, 1, size - 1), 1);
	EQ(c, 'z');
	EQ(pread(fd, &c, 1, size), 0);
	TRAP(load(e + PAGE), SIGBUS, BUS_ADRERR, e + PAGE);
	OK(munmap(e, 2 * PAGE));
}

/* Pages that come along with one that is read end where the mapping ends. */
static void
end_of_mapping(int fd)
{
	char *hole = file_map(fd, 0, 48, PROT_READ, MAP_SHARED), *m;

	for (int i = 0; i < 16; i++)
		(void)load(hole + i * PAGE);
	OK(munmap(hole, 48 * PAGE));
	m = (char *)(((uintptr_t)hole + 16 * PAGE) & ~(16 * PAGE - 1));
	EQ((uintptr_t)mmap(m, 3 * PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0),
	    (uintptr_t)m);
	(void)load(m);
	TRAP(load(m + 3 * PAGE), SIGSEGV, SEGV_MAPERR, m + 3 * PAGE);
	OK(munmap(m, 3 * PAGE));
}

static void
refusals(const char *path)
{
	int fd = OK(open(path, O_RDONLY));
	void *p;

	ERR(mmap(NULL, PAGE, RW, MAP_SHARED, fd, 0), EACCES);
	p = file_map(fd, 0, 1, RW, MAP_PRIVATE);
	OK(munmap(p, PAGE));
	p = file_map(fd, 0, 1, PROT_READ, MAP_SHARED);
	ERR(mprotect(p, PAGE, RW), EACCES);
	OK(munmap(p, PAGE));
	OK(close(fd));
}

/* What a disk is asked for; its node's name is in a map of who maps it. */
static void
questions(const char *path, uint64_t size)
{
	static char maps[65536];
	int fd = OK(open(path, O_RDWR)), v = 7;
	unsigned long sectors = 0;
	char *p, block[1024] = "";
	pid_t pid;

	OK(ioctl(fd, BLKGETSIZE, &sectors));
	EQ(sectors, size / 512);
	OK(ioctl(fd, BLKROGET, &v));
	EQ(v, 0);
	OK(ioctl(fd, BLKBSZGET, &v));
	CHECK(v >= 512 && v <= (int)PAGE);
	ERR(ioctl(fd, BLKGETSIZE, 8), EFAULT);
	block[511] = 'z'; /* as end_of_disk() left it */
	EQ(pwrite(fd, block, sizeof(block), (off_t)size - 512), 512);
	ERR(pwrite(fd, block, sizeof(block), (off_t)size), ENOSPC);
	pid = OK(fork());
	if (pid == 0) {
		OK(setuid(1000));
		ERR(ioctl(fd, BLKFLSBUF, 0), EACCES);
		_exit(0);
	}
	REAP(pid, 0);
	OK(ioctl(fd, BLKFLSBUF, 0));
	p = file_map(fd, 0, 1, PROT_READ, MAP_SHARED);
	v = OK(open("/proc/self/maps", O_RDONLY));
	CHECK(read(v, maps, sizeof(maps) - 1) > 0);
	CHECK(strstr(maps, path) != NULL);
	OK(close(v));
	OK(munmap(p, PAGE));
	OK(close(fd));
}

/* What is no disk, none that there is, or none on that mount. */
static void
no_disks(const char *path)
{
	struct stat st;

	OK(stat(path, &st));
	OK(mkdir("/tmp/nodes", 0700));
	OK(mount("none", "/tmp/nodes", "tmpfs", 0, NULL));
	OK(mknod("/tmp/nodes/none", S_IFBLK | 0600, 0xfa01));
	OK(mknod("/tmp/nodes/disk", S_IFBLK | 0600, st.st_rdev));
	ERR(mount("/dev/null", "/tmp", "ext2", 0, NULL), ENOTBLK);
	ERR(mount("/tmp/nodes/none", "/tmp", "ext2", 0, NULL), ENXIO);
	ERR(open("/tmp/nodes/none", O_RDONLY), ENXIO);
	OK(close(OK(open("/tmp/nodes/disk", O_RDONLY))));
	OK(mount("none", "/tmp/nodes", NULL, MS_REMOUNT | MS_NODEV, NULL));
	ERR(mount("/tmp/nodes/disk", "/tmp", "ext2", 0, NULL), EACCES);
	ERR(open("/tmp/nodes/disk", O_RDONLY), EACCES);
	OK(umount("/tmp/nodes"));
	OK(rmdir("/tmp/nodes"));
}

/* Sectors of the disk that were written. */
static long
written(const char *path)
{
	FILE *f = fopen("/proc/diskstats", "r");
	char line[256], name[32];
	long n, found = -1;

	CHECK(f != NULL);
	while (fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "%*d %*d %31s %*d %*d %*d %*d %*d %*d %ld",
		    name, &n) == 2 && strcmp(name, path + 5) == 0)
			found = n;
	fclose(f);
	CHECK(found >= 0);
	return found;
}

static void
direct(const char *path, uint64_t size)
{
	int plain = OK(open(path, O_RDWR));
	int fd = OK(open(path, O_RDWR | O_DIRECT));
	char *buf = pages_private(1), text[512];
	long before;

	ERR(pwrite(fd, buf, 512, 1124), EINVAL);
	ERR(pwrite(fd, buf, 100, 1024), EINVAL);
	ERR(pread(fd, buf, 512, 1124), EINVAL);
	ERR(pread(fd, buf, 100, 1024), EINVAL);
	EQ(pwrite(plain, "plain", 5, 1024), 5);
	EQ(pread(fd, buf, 512, 1024), 512);
	EQ(memcmp(buf, "plain", 5), 0);
	OK(fsync(plain));
	memset(buf, 'd', 512);
	before = written(path);
	EQ(pwrite(fd, buf, 512, 1536), 512);
	CHECK(written(path) > before);
	EQ(pread(plain, text, 512, 1536), 512);
	EQ(memcmp(text, buf, 512), 0);
	EQ(pread(fd, buf, PAGE, size - 512), 512);
	EQ(pread(fd, buf, 100, size), 0);
	EQ(pread(fd, buf, PAGE, size), 0);
	OK(fcntl(fd, F_SETFL, O_DIRECT | O_APPEND));
	EQ(fcntl(fd, F_GETFL) & (O_DIRECT | O_APPEND), O_DIRECT | O_APPEND);
	OK(fcntl(fd, F_SETFL, 0));
	EQ(fcntl(fd, F_GETFL) & O_DIRECT, 0);
	EQ(pread(fd, buf, 100, 1124), 100);
	OK(fcntl(plain, F_SETFL, O_DIRECT));
	ERR(pread(plain, buf, 100, 1024), EINVAL);
	EQ(close(fd) | close(plain), 0);
	OK(munmap(buf, PAGE));
}

/* Ours: who may write a disk, be it by a mapping only, keeps it from mount. */
static void
mapped_is_busy(const char *path)
{
	if (!on_vadose())
		return;
	ERR(mount(path, "/mnt", "ext2", 0, NULL), EBUSY);
}

int
main(int argc, char **argv)
{
	char *s, *p;
	uint64_t size;
	int fd;

	trap_catch(0);
	size = open_disk(argc, argv, &fd);
	s = file_map(fd, 0, PAGES, RW, MAP_SHARED);
	p = file_map(fd, 0, PAGES, RW, MAP_PRIVATE);
	views(fd, s, p);
	child_stores(s);
	end_of_disk(fd, size);
	end_of_mapping(fd);
	memcpy(s + 200, "mapped", 6);
	OK(fsync(fd));
	OK(close(fd));
	memcpy(s + 300, "closed", 6);
	if (argc > 1) {
		refusals(argv[1]);
		questions(argv[1], size);
		no_disks(argv[1]);
		mapped_is_busy(argv[1]);
	}
	OK(munmap(s, PAGES * PAGE));
	OK(munmap(p, PAGES * PAGE));
	if (argc > 1)
		direct(argv[1], size);
	test_done();
	return 0;
}
