/* NEEDS: MEM=64M CPUS=1 TIMEOUT=20 KIND=exact */
/*
 * What msync(MS_SYNC) returned for is in the file: bytes, size, times,
 * whichever mapping they were stored through.
 * Arguments: the folder, and "wait": then it stays, so that the machine can
 * be cut off (cases/disk/ext2_msync.sh looks at the disk).
 */
#include "lib/file.h"

#define PAGES 100
#define LONG_AGO 1000

int
main(int argc, char **argv)
{
	struct timespec old[2] = { { LONG_AGO, 0 }, { LONG_AGO, 0 } };
	int fd, folder;
	char path[256], *p, *q;
	struct stat st;

	file_args(argc, argv);
	snprintf(path, sizeof(path), argc > 1 ? "%s/synced" : "%s/synced.%d",
	    file_folder, (int)getpid());
	fd = OK(open(path, O_RDWR | O_CREAT | O_TRUNC, 0644));
	folder = OK(open(file_folder, O_RDONLY | O_DIRECTORY));
	EQ(write(fd, "x", 1), 1);
	OK(futimens(fd, old));
	OK(fsync(fd));
	OK(fsync(folder));
	/* On the disk are now a name, one byte, an old time. */
	OK(ftruncate(fd, PAGES * PAGE));
	p = file_map(fd, 0, PAGES, RW, MAP_SHARED);
	q = file_map(fd, 0, PAGES, RW, MAP_SHARED);
	OK(futimens(fd, old));
	/* A second time, after a write-back: it must be noticed again. */
	for (int round = 1; round >= 0; round--) {
		for (int i = 0; i < PAGES; i += 3)
			memset((i % 2 ? p : q) + i * PAGE, 'a' + round + i % 26,
			    PAGE);
		OK(msync(p, PAGES * PAGE, MS_SYNC));
	}
	if (argc > 2) {
		puts("synced");
		pause();
	}
	OK(fstat(fd, &st));
	CHECK(st.st_mtim.tv_sec > LONG_AGO);
	for (int i = 0; i < PAGES; i++)
		EQ(file_byte(fd, i * PAGE + 7), i % 3 == 0 ? 'a' + i % 26 : 0);
	OK(munmap(p, PAGES * PAGE));
	OK(munmap(q, PAGES * PAGE));
	OK(close(fd));
	OK(close(folder));
	OK(unlink(path));
	return test_done();
}
