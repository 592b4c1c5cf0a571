/* NEEDS: MEM=64M CPUS=1 TIMEOUT=20 SWEEP=no KIND=exact */
/*
 * What is stored through a shared mapping while msync writes goes to the disk by
 * itself some seconds later.  Argument: a folder on a disk (cases/disk/ext2_msync.sh);
 * elsewhere nothing is written.
 */
#include "lib/file.h"
#include "lib/smaps.h"
#include <pthread.h>
#include <stdatomic.h>

#define N 1024UL
#define OLD_S 60 /* and no page gets as old as that */

static _Atomic bool ends;

static void *
stores(void *last)
{
	while (!ends)
		(*(volatile char *)last)++;
	return NULL;
}

static long
dirty_kb(char *s)
{
	return smaps_kb(s, N, "Shared_Dirty") + smaps_kb(s, N, "Private_Dirty");
}

int
main(int argc, char **argv)
{
	pthread_t t;
	char *s;
	int fd;

	file_args(argc, argv);
	if (argc < 2)
		return test_done();
	fd = file_open("aged", O_RDWR | O_CREAT | O_TRUNC);
	file_unlink("aged");
	OK(ftruncate(fd, N * PAGE));
	s = file_map(fd, 0, N, RW, MAP_SHARED);
	memset(s, 'd', N * PAGE);
	EQ(pthread_create(&t, NULL, stores, s + (N - 1) * PAGE), 0);
	OK(msync(s, N * PAGE, MS_SYNC));
	ends = true;
	EQ(pthread_join(t, NULL), 0);
	for (int i = 0; i < OLD_S && dirty_kb(s) != 0; i++)
		sleep(1);
	EQ(dirty_kb(s), 0);
	OK(munmap(s, N * PAGE));
	close(fd);
	return test_done();
}
