/* NEEDS: MEM=256M CPUS=1,4 TIMEOUT=60 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * T15: two threads truncate a file between 0 and 64 pages while four read
 * and write its mapping: a value is zero or the page's own stamp, never
 * another file's, and the end is orderly.
 *
 * Arguments: folder (/tmp), seconds (2).
 */
#include "lib/file.h"
#include <pthread.h>

#define PAGES 64
#define USERS 4
#define CUTTERS 2
#define WORDS (PAGE / sizeof(uint64_t))

static volatile uint64_t *map;
static volatile bool stop;
static int fd;
static long hits, faults;
static _Thread_local sigjmp_buf back;

static void
on_bus(int signo)
{
	siglongjmp(back, signo);
}

static uint64_t
stamp(int page)
{
	return 0x7431350000000000UL | (unsigned)page;
}

/* Reads and writes stamps anywhere; SIGBUS is the only other answer. */
static void *
user(void *arg)
{
	uint64_t seed = 77 + (uintptr_t)arg;

	while (!stop) {
		int page = rnd(&seed) % PAGES;
		size_t at = page * WORDS + rnd(&seed) % WORDS;

		if (sigsetjmp(back, 1) != 0) {
			__atomic_add_fetch(&faults, 1, __ATOMIC_RELAXED);
			continue;
		}
		uint64_t v = map[at];
		if (v != 0 && v != stamp(page))
			FAIL("page %d: seen %#lx", page, (unsigned long)v);
		if (page % 3 == 0)
			map[at] = stamp(page);
		__atomic_add_fetch(&hits, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

static void *
cutter(void *arg)
{
	uint64_t seed = 991 + (uintptr_t)arg;
	uint64_t page[WORDS];

	while (!stop) {
		int n = rnd(&seed) % (PAGES + 1), i = rnd(&seed) % PAGES;

		OK(ftruncate(fd, n * PAGE));
		for (size_t w = 0; w < WORDS; w++)
			page[w] = stamp(i);
		EQ(pwrite(fd, page, PAGE, i * PAGE), PAGE);
		sched_yield();
	}
	return NULL;
}

/* Another file, written all the time: its pages are what must not leak. */
static void *
stranger(void *arg)
{
	char page[PAGE];

	memset(page, 0xee, PAGE);
	while (!stop) {
		int other = file_stamped("t15x", 4, 0xe0);

		for (int i = 0; i < PAGES; i++)
			EQ(pwrite(other, page, PAGE, i * PAGE), PAGE);
		close(other);
	}
	return arg;
}

int
main(int argc, char **argv)
{
	pthread_t t[USERS + CUTTERS + 1];
	struct sigaction sa = { .sa_handler = on_bus };

	file_args(argc, argv);
	fd = file_stamped("t15", 0, 0);
	map = (uint64_t *)file_map(fd, 0, PAGES, RW, MAP_SHARED);
	OK(sigaction(SIGBUS, &sa, NULL));
	for (long i = 0; i < USERS + CUTTERS + 1; i++)
		EQ(pthread_create(&t[i], NULL, i < USERS ? user :
		    i < USERS + CUTTERS ? cutter : stranger, (void *)i), 0);
	sleep_ms(rounds(1000 * (argc > 2 ? atoi(argv[2]) : 2)));
	stop = true;
	for (int i = 0; i < USERS + CUTTERS + 1; i++)
		EQ(pthread_join(t[i], NULL), 0);
	CHECK(hits > 0 && faults > 0);
	printf("only zeros, stamps and SIGBUS were seen\n");
	OK(ftruncate(fd, 0));
	OK(ftruncate(fd, PAGES * PAGE));
	for (size_t i = 0; i < PAGES * WORDS; i += 64)
		EQ(map[i], 0);
	map[5 * WORDS] = stamp(5);
	EQ(pread(fd, (void *)map, 8, 5 * PAGE), 8);
	EQ(map[0], stamp(5));
	printf("afterwards it is an ordinary file of zeros\n");
	return test_done();
}
