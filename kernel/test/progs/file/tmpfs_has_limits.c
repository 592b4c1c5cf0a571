/* NEEDS: MEM=64M CPUS=1,2 TIMEOUT=30 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * size= and nr_inodes= of a tmpfs hold for whatever makes pages and names: a
 * write, fallocate, a store into a shared mapping (SIGBUS), long symbolic links,
 * further names; what a mapping keeps counts until it goes.  statfs tells, and
 * remount does not go below what is used.  A memfd is not counted.  uid=, gid= and
 * mode= are those of its root.
 */
#include "lib/host.h"
#include "lib/trap.h"
#include <sys/mount.h>
#include <sys/vfs.h>

#define PAGES 64
#define FILES 40

static char where[64];
static char block[(PAGES + 8) * PAGE];

static struct statfs
stat_of(void)
{
	struct statfs st;

	OK(statfs(where, &st));
	return st;
}

static void
pages_used(long n)
{
	struct statfs st = stat_of();

	EQ(st.f_blocks, PAGES);
	EQ(st.f_bfree, PAGES - n);
	EQ(st.f_bavail, PAGES - n);
}

static void
files_used(long n)
{
	struct statfs st = stat_of();

	EQ(st.f_files, FILES);
	EQ(st.f_ffree, FILES - n);
}

static char *
map(int fd, long pages)
{
	char *p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED,
	    fd, 0);

	CHECK(p != MAP_FAILED);
	return p;
}

static void
by_write(void)
{
	int fd = OK(open("w", O_RDWR | O_CREAT | O_EXCL, 0600));
	struct stat st;

	EQ(write(fd, block, sizeof(block)), PAGES * PAGE);
	OK(fstat(fd, &st));
	EQ(st.st_size, PAGES * PAGE);
	ERR(write(fd, block, 1), ENOSPC);
	OK(fstat(fd, &st));
	EQ(st.st_size, PAGES * PAGE);
	EQ(pwrite(fd, "x", 1, 5), 1); /* the page is there */
	pages_used(PAGES);
	OK(ftruncate(fd, 10 * PAGE));
	pages_used(10);
	EQ(pwrite(fd, "x", 1, 500 * PAGE), 1); /* holes cost nothing */
	pages_used(11);
	OK(close(fd));
	OK(unlink("w"));
	pages_used(0);
}

static void
by_store(void)
{
	int fd = OK(open("m", O_RDWR | O_CREAT | O_EXCL, 0600));
	char *p;

	OK(ftruncate(fd, 2 * PAGES * PAGE));
	p = map(fd, 2 * PAGES);
	for (int i = 0; i < PAGES; i++)
		p[i * PAGE] = 1;
	pages_used(PAGES);
	TRAP(store(p + PAGES * PAGE, 1), SIGBUS, BUS_ADRERR, p + PAGES * PAGE);
	TRAP(load(p + PAGES * PAGE), SIGBUS, BUS_ADRERR, p + PAGES * PAGE);
	ERR(pwrite(fd, "x", 1, PAGES * PAGE), ENOSPC);
	pages_used(PAGES);
	OK(fallocate(fd, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, 0, PAGE));
	pages_used(PAGES - 1);
	store(p + PAGES * PAGE, 1);
	pages_used(PAGES);
	/* Neither the name nor the descriptor is what holds the pages. */
	OK(unlink("m"));
	OK(close(fd));
	pages_used(PAGES);
	EQ(load(p + PAGE), 1);
	OK(munmap(p, 2 * PAGES * PAGE));
	pages_used(0);
}

static void
by_fallocate(void)
{
	int fd = OK(open("f", O_RDWR | O_CREAT | O_EXCL, 0600));
	struct stat st;

	ERR(fallocate(fd, 0, 0, (PAGES + 1) * PAGE), ENOSPC);
	OK(fstat(fd, &st));
	EQ(st.st_size, 0);
	pages_used(0);
	OK(fallocate(fd, 0, 0, (PAGES - 4) * PAGE));
	pages_used(PAGES - 4);
	ERR(fallocate(fd, 0, (PAGES - 4) * PAGE, 5 * PAGE), ENOSPC);
	ERR(fallocate(fd, FALLOC_FL_KEEP_SIZE, PAGES * PAGE, 5 * PAGE), ENOSPC);
	pages_used(PAGES - 4);
	OK(fallocate(fd, FALLOC_FL_KEEP_SIZE, PAGES * PAGE, 4 * PAGE));
	pages_used(PAGES);
	OK(close(fd));
	OK(unlink("f"));
	pages_used(0);
}

/* By a child, so that its end gives all back. */
static void
by_a_process_that_dies(void)
{
	pid_t pid = OK(fork());
	int fd;
	char *p;

	if (pid == 0) {
		fd = OK(open("d", O_RDWR | O_CREAT | O_EXCL, 0600));
		OK(ftruncate(fd, 2 * PAGES * PAGE));
		p = map(fd, 2 * PAGES);
		OK(unlink("d"));
		OK(close(fd));
		for (int i = 0;; i++)
			p[i * PAGE] = 1;
	}
	REAP_SIGNAL(pid, SIGBUS);
	pages_used(0);
	files_used(1);
}

static void
links(void)
{
	static char text[4001], seen[4096];
	char name[16];

	memset(text, 't', 4000);
	OK(symlink("short", "s"));
	pages_used(0);
	files_used(2);
	for (int i = 0; i < 3; i++) {
		snprintf(name, sizeof(name), "l%d", i);
		OK(symlink(text, name));
	}
	pages_used(3);
	files_used(5);
	EQ(readlink("l1", seen, sizeof(seen)), 4000);
	EQ(memcmp(seen, text, 4000), 0);
	EQ(readlink("l1", seen, 7), 7);
	EQ(readlink("s", seen, sizeof(seen)), 5);
	ERR(open("l1", O_RDONLY), ENAMETOOLONG);
	OK(mkdir("dir", 0700));
	memset(text, '/', 4000);
	memcpy(text + 3990, "dir/../dir", 11);
	memcpy(text, ".", 1);
	OK(symlink(text, "there"));
	OK(close(OK(open("there", O_RDONLY | O_DIRECTORY))));
	make_file("full", block, (PAGES - 4) * PAGE, 0600);
	ERR(symlink(text, "none"), ENOSPC);
	OK(symlink("short", "s2"));
	for (int i = 0; i < 3; i++) {
		snprintf(name, sizeof(name), "l%d", i);
		OK(unlink(name));
	}
	OK(unlink("there"));
	OK(unlink("full"));
	OK(unlink("s"));
	OK(unlink("s2"));
	OK(rmdir("dir"));
	pages_used(0);
	files_used(1);
}

/* Names in all, of whatever kind; a second name of a file is one, too. */
static void
names(void)
{
	char name[16];
	int fd;

	make_file("first", "", 0, 0600);
	for (int i = 0; i < FILES - 2; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		OK(link("first", name));
	}
	files_used(FILES);
	ERR(link("first", "more"), ENOSPC);
	ERR(open("more", O_WRONLY | O_CREAT, 0600), ENOSPC);
	ERR(mkdir("more", 0700), ENOSPC);
	ERR(symlink("x", "more"), ENOSPC);
	ERR(mkfifo("more", 0600), ENOSPC);
	ERR(open(".", O_WRONLY | O_TMPFILE, 0600), ENOSPC);
	OK(rename("n0", "n1")); /* the same file: nothing happens */
	OK(unlink("n0"));
	files_used(FILES - 1);
	OK(rename("n1", "moved"));
	files_used(FILES - 1);
	make_file("other", "", 0, 0600);
	OK(rename("other", "moved"));
	files_used(FILES - 1);
	OK(unlink("moved"));
	for (int i = 2; i < FILES - 2; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		OK(unlink(name));
	}
	files_used(2);
	OK(unlink("first"));
	files_used(1);
	fd = OK(open(".", O_WRONLY | O_TMPFILE, 0600));
	files_used(2);
	snprintf(name, sizeof(name), "%d", fd);
	OK(linkat(AT_FDCWD, strcat(strcpy(block, "/proc/self/fd/"), name),
	    AT_FDCWD, "t", AT_SYMLINK_FOLLOW));
	files_used(2); /* its first name */
	OK(close(fd));
	OK(unlink("t"));
	files_used(1);
}

static void
remounts(void)
{
	make_file("r", block, 10 * PAGE, 0600);
	ERR(mount("none", where, "tmpfs", MS_REMOUNT, "size=36k"), EINVAL);
	ERR(mount("none", where, "tmpfs", MS_REMOUNT, "nr_inodes=1"), EINVAL);
	ERR(mount("none", where, "tmpfs", MS_REMOUNT, "nonsense=1"), EINVAL);
	EQ(stat_of().f_blocks, PAGES);
	EQ(stat_of().f_files, FILES);
	OK(mount("none", where, "tmpfs", MS_REMOUNT, "size=40k,nr_inodes=2"));
	EQ(stat_of().f_blocks, 10);
	EQ(stat_of().f_bfree, 0);
	EQ(stat_of().f_ffree, 0);
	OK(mount("none", where, "tmpfs", MS_REMOUNT, "size=0,nr_inodes=0"));
	EQ(stat_of().f_blocks, 0);
	EQ(stat_of().f_files, 0);
	make_file("r", block, sizeof(block), 0600);
	ERR(mount("none", where, "tmpfs", MS_REMOUNT, "size=1g"), EINVAL);
	ERR(mount("none", where, "tmpfs", MS_REMOUNT, "nr_inodes=9k"), EINVAL);
	OK(unlink("r"));
}

/* What is mapped is in use. */
static void
unmounts(void)
{
	int fd = OK(open("u", O_RDWR | O_CREAT, 0600));
	char *p;

	OK(ftruncate(fd, PAGE));
	p = map(fd, 1);
	OK(close(fd));
	OK(chdir("/"));
	ERR(umount(where), EBUSY);
	OK(chdir(where));
	OK(unlink("u"));
	OK(chdir("/"));
	ERR(umount(where), EBUSY);
	p[0] = 1;
	OK(munmap(p, PAGE));
	OK(umount(where));
}

static void
roots(void)
{
	struct stat st;

	OK(mount("none", where, "tmpfs", 0, "uid=1000,size=64k,gid=1001,mode=750"));
	OK(stat(where, &st));
	EQ(st.st_uid, 1000);
	EQ(st.st_gid, 1001);
	EQ(st.st_mode, S_IFDIR | 0750);
	OK(mount("none", where, "tmpfs", MS_REMOUNT, "uid=0"));
	OK(stat(where, &st));
	EQ(st.st_uid, 1000);
	OK(umount(where));
	ERR(mount("none", where, "tmpfs", 0, "uid=me"), EINVAL);
	ERR(mount("none", where, "tmpfs", 0, "gid=-1"), EINVAL);
}

static void
memfd(void)
{
	int fd = OK(memfd_create("m", 0));

	EQ(write(fd, block, sizeof(block)), sizeof(block));
	pages_used(0);
	files_used(1);
	OK(close(fd));
}

int
main(void)
{
	trap_catch(0);
	if (getuid() != 0)
		return 0;
	mkdir("/tmp", 0777);
	snprintf(where, sizeof(where), "/tmp/limits.%d", (int)getpid());
	OK(mkdir(where, 0700));
	(void)own_mounts();
	if (mount("none", where, "tmpfs", 0, "size=256k,nr_inodes=40") != 0 &&
	    errno == EPERM)
		return rmdir(where); /* a container may not */
	OK(chdir(where));
	pages_used(0);
	files_used(1);
	by_write();
	by_store();
	by_fallocate();
	by_a_process_that_dies();
	links();
	names();
	memfd();
	remounts();
	unmounts();
	roots();
	OK(rmdir(where));
	return test_done();
}
