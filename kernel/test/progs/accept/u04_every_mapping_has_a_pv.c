/* NEEDS: MEM=48M SWAP=64M CPUS=1,4 TIMEOUT=60 SWEEP=no TURN=3 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * Design uvm: each mapping of a page has its record, of whatever process, and none
 * is left when it goes, nor when the page leaves memory: the page daemon finds them
 * all.  An anon stays in memory when its page does not: one for
 * all that share it, on swap as in memory.
 */
#include "../lib/design.h"
#include "../lib/events.h"
#include "../lib/pressure.h"

#define PROCESSES 8
#define N 100
#define OUT 2048 /* pages that go to swap */

static char *file, *warm;
static int fd;
static volatile int *turn, *done;
static struct hog hog;

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
	sched_yield(); /* the code of the wait, before it is counted */
	__atomic_add_fetch(done, 1, __ATOMIC_ACQ_REL);
	turn_wait(turn, 1);
	EQ(touch(file), 0);
	__atomic_add_fetch(done, 1, __ATOMIC_ACQ_REL);
	turn_wait(turn, 2);
	OK(munmap(file, N * PAGE));
	__atomic_add_fetch(done, 1, __ATOMIC_ACQ_REL);
	turn_wait(turn, 3);
	EQ((uintptr_t)mmap(file, N * PAGE, PROT_READ, MAP_SHARED | MAP_FIXED,
	    fd, 0), (uintptr_t)file);
	EQ(touch(file), 0);
	__atomic_add_fetch(done, 1, __ATOMIC_ACQ_REL);
	turn_wait(turn, 4);
	return 0;
}

/* How many of the file's pages the process has words for. */
static long
words_of(pid_t pid)
{
	uint64_t word[N];
	char path[40];
	long n = 0;
	int map;

	snprintf(path, sizeof(path), "/proc/%d/pagemap", (int)pid);
	map = OK(open(path, O_RDONLY));
	EQ(pread(map, word, sizeof(word), (uintptr_t)file / PAGE * 8),
	    (long)sizeof(word));
	OK(close(map));
	for (int i = 0; i < N; i++)
		n += (word[i] & PM_PRESENT) != 0;
	return n;
}

static long
words_of_all(const pid_t *pid)
{
	long n = 0;

	for (int i = 0; i < PROCESSES; i++)
		n += words_of(pid[i]);
	return n;
}

/* B3: the page daemon takes a page from all that map it. */
static void
evicted_pages(const pid_t *pid)
{
	long left = words_of_all(pid);

	EQ(left, PROCESSES * N);
	for (int i = 0; i < 8 && left > 0; i++) {
		hog_press(&hog, meminfo("MemTotal"));
		left = words_of_all(pid);
	}
	EQ(left, 0);
}

static char *
map(void)
{
	char *p = mmap(NULL, N * PAGE, PROT_READ, MAP_SHARED, fd, 0);

	CHECK(p != MAP_FAILED);
	return p;
}

static int
pages_of_a_file(void)
{
	pid_t pid[PROCESSES];

	fd = OK(open("/tmp/u04", O_RDWR | O_CREAT | O_TRUNC, 0600));
	OK(ftruncate(fd, N * PAGE));
	OK(mlockall(MCL_CURRENT)); /* and all that runs here has its pvs */
	file = map();
	warm = map();
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
	wait_for(4 * PROCESSES);
	OK(munlockall());
	evicted_pages(pid);
	check_vm(); /* B1: and each frame is of one state */
	turn_give(turn, 4);
	for (int i = 0; i < PROCESSES; i++)
		REAP(pid[i], 0);
	OK(munmap(file, N * PAGE));
	OK(munmap(warm, N * PAGE));
	OK(close(fd));
	OK(unlink("/tmp/u04"));
	return 0;
}

/* B4, B5, and one read for all who share a page. */
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
	hog = hog_start();
	EQ(run_on_shared_stack(pages_of_a_file), 0);
	hog_end(&hog);
	pages_on_swap();
	return test_done();
}
