/* NEEDS: MEM=256M CPUS=1,4 TIMEOUT=120 MORE=1 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * d02: truncating 64 MiB that eight processes map costs each one flush for
 * a leaf table, not for a page, and leaves nothing behind.  (That it does not wait
 * for pins, whose page is freed later, t_cache shows: no call of a program keeps a
 * page of a file pinned while it sleeps.)
 */
#include "../lib/events.h"
#include "../lib/file.h"

#define SIZE (64 * MIB)
#define PAGES (int)(SIZE / PAGE)
#define CHILDREN 7 /* and this process, eight in all */
#define TABLES 33  /* leaf tables of a mapping, whatever its start */

static volatile int *turn;
static char *map, *stack[CHILDREN];
static int fd;

static int
mapper(void *arg)
{
	for (int i = 0; i < PAGES; i++)
		EQ(((volatile char *)map)[i * PAGE], 1);
	__atomic_fetch_add(turn, 1, __ATOMIC_ACQ_REL);
	while (*turn < 100)
		sleep_ms(10);
	return arg != NULL;
}

static void
cut_under_mappers(void)
{
	pid_t pid[CHILDREN];

	*turn = 0;
	for (int i = 0; i < CHILDREN; i++)
		pid[i] = fork_on(mapper, NULL, stack[i]);
	while (*turn < CHILDREN)
		sleep_ms(10);
	snap_all(1);
	OK(ftruncate(fd, 0));
	snap_all(2);
	/* One more: the counters' text has more than a page, whose range goes. */
	DELTA_LE(1, 2, "tlb.flush", (CHILDREN + 1) * TABLES + 1);
	turn_give(turn, 100);
	for (int i = 0; i < CHILDREN; i++)
		REAP(pid[i], 0);
}

static void
fill(void)
{
	OK(ftruncate(fd, SIZE));
	for (int i = 0; i < PAGES; i++)
		map[i * PAGE] = 1;
}

/* The first fork makes what stays: forked pages of this process. */
static int
body(void)
{
	for (int i = 0; i < CHILDREN; i++)
		stack[i] = shared_stack();
	fill();
	cut_under_mappers();
	leak_mark();
	fill();
	cut_under_mappers();
	leak_diff();
	OK(munmap(map, SIZE));
	return test_done();
}

int
main(int argc, char **argv)
{
	snap_init();
	file_args(argc, argv);
	turn = (int *)pages_shared(1);
	fd = file_stamped("d02", 0, 0);
	map = file_map(fd, 0, PAGES, RW, MAP_SHARED);
	return run_on_shared_stack(body);
}
