/* NEEDS: MEM=48M CPUS=1 TIMEOUT=60 SWEEP=no KIND=exact */
/*
 * Locked pages of a file are charged as long as a mapping locks them, whatever is done
 * to parts of it: random calls on its mappings, and vm_check() adds up what they pay.
 * What a mapping call costs does not grow with the other mappings of a process that
 * has locked pages of a file.
 *
 * Arguments: a folder of a disk (without one: of tmpfs, whose pages are always charged),
 * seed.
 */
#include "lib/events.h"
#include "lib/file.h"
#include "lib/smaps.h"

#define N 48            /* pages of the file, and of the range */
#define OTHERS 1500     /* other mappings */

static uint64_t seed = 1;
static char *range;
static int fd;
static int paid;        /* for N locked pages */

static size_t
below(size_t n)
{
	return rnd(&seed) % n;
}

/* Map pages from at on: private or shared, of the file or anonymous. */
static void
map_part(size_t at, size_t n)
{
	int flags = below(2) != 0 ? MAP_SHARED : MAP_PRIVATE;
	int prot = below(2) != 0 ? PROT_READ : PROT_READ | PROT_WRITE;

	if (below(4) == 0)
		flags |= MAP_LOCKED;
	CHECK(mmap(range + at * PAGE, n * PAGE, prot, flags | MAP_FIXED |
	    (below(4) == 0 ? MAP_NORESERVE : 0) | (below(6) == 0 ? MAP_ANONYMOUS : 0),
	    fd, (off_t)(at * PAGE)) != MAP_FAILED || errno == ENOMEM);
}

/* Move or copy a part within the range, or make it longer or shorter. */
static void
remap_part(size_t at, size_t n)
{
	size_t to = below(N - n + 1);

	if (below(2) != 0)
		(void)mremap(range + at * PAGE, n * PAGE, n * PAGE, MREMAP_MAYMOVE |
		    MREMAP_FIXED, range + to * PAGE);
	else
		(void)mremap(range + at * PAGE, n * PAGE, (1 + below(N - at)) * PAGE, 0);
}

static void
fork_all(void)
{
	pid_t pid = OK(fork());

	if (pid == 0) {
		(void)mlock(range, N / 2 * PAGE);
		check_vm();
		_exit(0);
	}
	REAP(pid, 0);
}

/* One call on a part; what it answers is not asked: parts may have holes. */
static void
one_call(void)
{
	size_t at = below(N), n = 1 + below(N - at), len = n * PAGE;
	char *p = range + at * PAGE;

	switch (below(10)) {
	case 0: case 1: (void)mlock(p, len); break;
	case 2: (void)mlock2(p, len, 1); break;
	case 3: case 4: (void)munlock(p, len); break;
	case 5: (void)mprotect(p, len, (int)below(4)); break;
	case 6: (void)munmap(p, len); break;
	case 7: map_part(at, n); break;
	case 8: remap_part(at, n); break;
	default: (void)madvise(p, len, below(2) != 0 ? MADV_DONTNEED : MADV_DONTFORK);
	}
}

static void
random_calls(void)
{
	for (int i = 0; i < 600; i++) {
		one_call();
		if (i % 10 == 0)
			check_vm();
		if (i % 100 == 50)
			fork_all();
		if (i % 200 == 150)
			OK(mlockall(MCL_CURRENT | (below(2) != 0 ? MCL_FUTURE : 0)));
		if (i % 200 == 190)
			OK(munlockall());
	}
	OK(munlockall());
	printf("600 calls: what is charged is the sum over the mappings\n");
}

/* Charged: N pages while they are locked, by whatever way the lock ends. */
static void
the_charge(void)
{
	char *p = mmap(NULL, N * PAGE, PROT_READ, MAP_SHARED, fd, 0);

	CHECK(p != MAP_FAILED);
	for (int way = 0; way < 4; way++) {
		snap_all(0);
		OK(mlock(p, N * PAGE));
		snap_all(1);
		DELTA_EQ(0, 1, "commit.total", paid);
		OK(munlock(p, PAGE));
		if (way == 0)
			OK(munlock(p, N * PAGE));
		else if (way == 1)
			OK(munlockall());
		else if (way == 2)
			CHECK(mmap(p, N * PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0) == p);
		else
			OK(munmap(p, N * PAGE));
		snap_all(2);
		CHECK(snap_delta(1, 2, "commit.total") <= -paid);
	}
	printf("%d pages are charged while they are locked\n", paid);
}

static void
the_price(void)
{
	char *p = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	char *q = pages_apart(2 * OTHERS);
	long alone, locked;

	for (size_t i = 0; i < OTHERS; i++)
		OK(mprotect(q + 2 * i * PAGE, PAGE, PROT_READ));
	for (int i = 0; i < 2; i++) {
		snap_all(2 * i);
		CHECK(mmap(range, PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0) == range);
		OK(munmap(range, PAGE));
		snap_all(2 * i + 1);
		OK(mlock(p, PAGE));
	}
	alone = snap_delta(0, 1, "vad.visit");
	locked = snap_delta(2, 3, "vad.visit");
	CHECK(alone > 0);
	LE(locked, 2 * alone);
	printf("a mapping call costs as much, whatever is locked\n");
}

int
main(int argc, char **argv)
{
	file_args(argc, argv);
	if (argc > 2)
		seed = strtoul(argv[2], NULL, 0);
	snap_init();
	paid = argc > 1 ? N : 0;
	fd = file_stamped("locked", N, 1);
	range = pages_apart(N);
	the_charge();
	the_price();
	random_calls();
	check_vm();
	return test_done();
}
