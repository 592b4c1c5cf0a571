/* NEEDS: MEM=64M SWAP=64M CPUS=1,4 TIMEOUT=60 SWEEP=no */
/*
 * Design uvm: each mapping of a page has its record, of whatever process, and none
 * is left when it goes.  An anon stays in memory when its page does not: one for
 * all that share it, on swap as in memory.
 */
#include "../lib/design.h"
#include "../lib/events.h"
#include "../lib/pressure.h"

#define PROCESSES 8
#define N 100
#define OUT 2048 /* pages that go to swap */

static char *file, *warm;
static volatile int *turn, *done;

static int
touch(const char *p)
{
	int sum = 0;

	for (int i = 0; i < N; i++)
		sum += *(volatile const char *)(p + i * PAGE);
	return sum;
}

static void
wait_for(int n)
{
	turn_wait(done, n);
}

/* B3: its code is mapped by what it does to `warm`. */
static int
mapper(void *unused)
{
	EQ(touch(warm), 0);
	OK(munmap(warm, N * PAGE));
	__atomic_add_fetch(done, 1, __ATOMIC_ACQ_REL);
	turn_wait(turn, 1);
	EQ(touch(file), 0);
	__atomic_add_fetch(done, 1, __ATOMIC_ACQ_REL);
	turn_wait(turn, 2);
	OK(munmap(file, N * PAGE));
	__atomic_add_fetch(done, 1, __ATOMIC_ACQ_REL);
	turn_wait(turn, 3);
	return 0;
}

static char *
map(int fd)
{
	char *p = mmap(NULL, N * PAGE, PROT_READ, MAP_SHARED, fd, 0);

	CHECK(p != MAP_FAILED);
	return p;
}

static int
pages_of_a_file(void)
{
	int fd = OK(open("/tmp/u04", O_RDWR | O_CREAT | O_TRUNC, 0600));
	pid_t pid[PROCESSES];

	OK(ftruncate(fd, N * PAGE));
	file = map(fd);
	warm = map(fd);
	wait_for(0);
	for (int i = 0; i < PROCESSES; i++)
		pid[i] = fork_on(mapper, NULL, shared_stack());
	wait_for(PROCESSES);
	snap_all(1);
	snap_all(1);
	turn_give(turn, 1);
	wait_for(2 * PROCESSES);
	snap_all(2);
	DELTA_EQ(1, 2, "page.pv_live", PROCESSES * N);
	turn_give(turn, 2);
	wait_for(3 * PROCESSES);
	snap_all(2);
	DELTA_EQ(1, 2, "page.pv_live", 0);
	turn_give(turn, 3);
	for (int i = 0; i < PROCESSES; i++)
		REAP(pid[i], 0);
	OK(munmap(file, N * PAGE));
	OK(munmap(warm, N * PAGE));
	OK(close(fd));
	OK(unlink("/tmp/u04"));
	return 0;
}

/* B5, and one read for all who share a page. */
static void
pages_on_swap(void)
{
	char *p = pages_private(OUT);
	pid_t pid;

	snap_all(1);
	for (size_t i = 0; i < OUT; i++)
		stamp(p + i * PAGE, i, 1);
	OK(madvise(p, OUT * PAGE, MADV_PAGEOUT));
	snap_all(2);
	DELTA_LE(2, 1, "swap.out_uvm", -(long)OUT / 2);
	DELTA_LE(2, 1, "uvm.anon_live", -(long)OUT);
	DELTA_LE(2, 1, "uvm.anon_bytes", -(long)(OUT * 24));
	pid = OK(fork());
	for (size_t i = 0; i < OUT; i++)
		STAMPED(p + i * PAGE, i, 1);
	if (pid == 0)
		_exit(0);
	REAP(pid, 0);
	snap_all(3);
	DELTA_LE(2, 3, "swap.in_uvm", OUT);
	OK(munmap(p, OUT * PAGE));
}

int
main(int argc, char **argv)
{
	under_design(DESIGN_UVM, argv);
	snap_init();
	turn = (void *)pages_shared(1);
	done = (void *)pages_shared(1);
	*turn = *done = 0;
	EQ(run_on_shared_stack(pages_of_a_file), 0);
	pages_on_swap();
	return test_done();
}
