/* NEEDS: MEM=64M SWAP=128M CPUS=1,4 TIMEOUT=120 MORE=all KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * A37: who reads a file of more than the memory once, by mapping or by read(2),
 * does not push out the pages that another process uses.
 */
#include "../lib/events.h"
#include "../lib/pressure.h"

#define HOT_PAGES (16 * MIB / PAGE)
#define FILE_PAGES (long)(80 * MIB / PAGE)
#define DISK swap_disk()

static volatile int *stop;

/* Uses its pages in random order; its reads meanwhile. */
static int
worker(void *arg)
{
	volatile char *p = pages_private(HOT_PAGES);
	struct rusage before, after;
	uint64_t seed = 1;

	for (size_t i = 0; i < HOT_PAGES; i++)
		p[i * PAGE] = 1;
	getrusage(RUSAGE_SELF, &before);
	turn_give(stop, 1);
	while (*stop < 2)
		p[rnd(&seed) % HOT_PAGES * PAGE]++;
	getrusage(RUSAGE_SELF, &after);
	LE(after.ru_majflt - before.ru_majflt, HOT_PAGES / 64);
	return arg != NULL;
}

static void
scan(int fd, bool map)
{
	static char page[PAGE];
	volatile char *p;
	pid_t pid;

	*stop = 0;
	pid = fork_on(worker, NULL, shared_stack());
	turn_wait(stop, 1);
	p = mmap(NULL, FILE_PAGES * PAGE, PROT_READ, MAP_SHARED, fd, 0);
	CHECK(p != MAP_FAILED);
	for (long i = 0; i < FILE_PAGES; i++) {
		if (map)
			(void)p[i * PAGE];
		else
			EQ(pread(fd, page, PAGE, i * PAGE), PAGE);
	}
	turn_give(stop, 2);
	REAP(pid, 0);
	OK(munmap((void *)p, FILE_PAGES * PAGE));
}

int
main(void)
{
	int fd;

	snap_init();
	stop = (void *)pages_shared(1);
	fd = OK(open(DISK, O_RDONLY));
	snap_all(1);
	scan(fd, false);
	snap_all(2);
	scan(fd, true);
	snap_all(3);
	CHECK(snap_delta(1, 2, "page.reclaim_file") >= FILE_PAGES / 3);
	CHECK(snap_delta(2, 3, "page.reclaim_file") >= FILE_PAGES / 3);
	return test_done();
}
