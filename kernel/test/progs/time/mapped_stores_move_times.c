/* NEEDS: MEM=64M CPUS=1,2 TIMEOUT=20 SWEEP=disk KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * A store through a shared mapping moves the file's mtime and ctime, at the
 * latest until msync returns; reading and private stores do not.  On a disk
 * this begins anew after each msync; tmpfs, which has none, sees only the
 * first store to a page.  Argument: the folder.
 */
#include <sys/vfs.h>

#include "lib/file.h"

#define PAGES 8
#define LONG_AGO 1000
#define TMPFS 0x01021994

static int fd;
static time_t aged;

static void
age(void)
{
	struct timespec t[2] = { { LONG_AGO, 0 }, { LONG_AGO, 0 } };

	OK(futimens(fd, t));
	aged = time(NULL);
}

static void
sync_range(char *p, int n)
{
	OK(msync(p, n * PAGE, MS_SYNC));
}

/* Since age(): mtime is now, ctime is not before it. */
static bool
has_moved(void)
{
	struct timespec now;
	struct stat st;

	OK(fstat(fd, &st));
	OK(clock_gettime(CLOCK_REALTIME, &now));
	if (st.st_mtim.tv_sec == LONG_AGO)
		return false;
	CHECK(st.st_mtim.tv_sec <= now.tv_sec);
	CHECK(st.st_mtim.tv_sec >= aged - 1); /* by a clock of ticks */
	CHECK(st.st_ctim.tv_sec >= st.st_mtim.tv_sec);
	return true;
}

static void
stores(char *p, bool is_disk)
{
	age();
	p[4 * PAGE] = 'a';
	sync_range(p, PAGES);
	EQ(has_moved(), 1);
	EQ(file_byte(fd, 4 * PAGE), 'a');
	age();
	sync_range(p, PAGES);
	EQ(has_moved(), 0);
	p[5 * PAGE] = 'b';
	OK(msync(p, PAGES * PAGE, MS_ASYNC));
	EQ(has_moved(), 1);
	sync_range(p, PAGES);
	age();
	EQ(p[0], 1);
	EQ(p[PAGE], 2);
	sync_range(p, PAGES);
	EQ(has_moved(), 0);
	if (!is_disk)
		return;
	/* Mapped for reading before; written and synced before. */
	for (int i = 0; i < 2; i++) {
		age();
		p[0] = 'c';
		p[4 * PAGE + 1] = 'd';
		sync_range(p, PAGES);
		EQ(has_moved(), 1);
	}
}

static void
private_stores(void)
{
	char *p = file_map(fd, 0, PAGES, RW, MAP_PRIVATE);

	age();
	for (int i = 0; i < PAGES; i++)
		p[i * PAGE] = 'p';
	sync_range(p, PAGES);
	EQ(has_moved(), 0);
	OK(munmap(p, PAGES * PAGE));
}

/* Two mappings: each one's first store counts. */
static void
second_mapping(void)
{
	char *p = file_map(fd, 0, PAGES, RW, MAP_SHARED);
	char *q = file_map(fd, 0, PAGES, RW, MAP_SHARED);

	p[7 * PAGE] = 'p';
	age();
	q[7 * PAGE] = 'q';
	sync_range(p, PAGES);
	EQ(has_moved(), 1);
	OK(munmap(p, PAGES * PAGE));
	OK(munmap(q, PAGES * PAGE));
}

int
main(int argc, char **argv)
{
	struct statfs fs;
	char *p;

	file_args(argc, argv);
	fd = file_stamped("times", PAGES, 1);
	OK(fstatfs(fd, &fs));
	OK(fsync(fd));
	p = file_map(fd, 0, PAGES, RW, MAP_SHARED);
	stores(p, fs.f_type != TMPFS);
	OK(munmap(p, PAGES * PAGE));
	private_stores();
	second_mapping();
	OK(close(fd));
	return test_done();
}
