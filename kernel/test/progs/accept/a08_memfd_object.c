/* NEEDS: MEM=64M CPUS=1,4 TIMEOUT=30 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * A8: a memfd is one anonymous object: passed over fork and mapped twice,
 * all mappings of both processes show the same pages, of which there are
 * as many as were touched.
 */
#include "../lib/events.h"
#include "../lib/file.h"

#define PAGES 64
#define TOUCHED 20

static int fd;
static char *first, *second;

static int
child(void *arg)
{
	char *third = file_map(fd, 0, PAGES, RW, MAP_SHARED);

	for (int i = 0; i < TOUCHED; i++)
		EQ(first[i * PAGE] + second[i * PAGE] + third[i * PAGE],
		    3 * i);
	third[0] = 99;
	return arg != NULL;
}

static int
body(void)
{
	snap_all(1);
	fd = OK(syscall(SYS_memfd_create, "a08", 0));
	OK(ftruncate(fd, PAGES * PAGE));
	first = file_map(fd, 0, PAGES, RW, MAP_SHARED);
	second = file_map(fd, 0, PAGES, RW, MAP_SHARED);
	for (int i = 0; i < TOUCHED; i++) {
		first[i * PAGE] = i;
		EQ(second[i * PAGE], i);
	}
	snap_all(2);
	DELTA_EQ(1, 2, "anon.create", 1);
	DELTA_EQ(1, 2, "anon.pages", TOUCHED);
	/* The child's stack is shared memory: made after the snapshot. */
	REAP(fork_on(child, NULL, shared_stack()), 0);
	EQ(first[0], 99);
	snap_all(3);
	DELTA_EQ(2, 3, "anon.pages", SHARED_STACK / PAGE);
	return test_done();
}

int
main(void)
{
	snap_init();
	return run_on_shared_stack(body);
}
