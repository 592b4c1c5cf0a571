/* NEEDS: MEM=64M CPUS=1,4 TIMEOUT=120 SWEEP=few,disk MORE=1 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * Eight threads fault in a mapping while another cuts and extends the file:
 * only data of that page or SIGBUS is ever seen.
 *
 * Arguments: folder (/tmp), seconds (5; an eighth of them in the sweep).
 */
#include "lib/test.h"
#include <pthread.h>

#define THREADS 8
#define PAGES 64UL

static uint64_t *map;
static volatile bool stop;
static _Thread_local sigjmp_buf escape;
static unsigned long seen, bus;

static void
on_bus(int signo)
{
	siglongjmp(escape, 1);
}

/* 0 (the file was extended) or the number of the page, nothing else. */
static void *
reader(void *arg)
{
	uint64_t x = (uintptr_t)arg, i, value;

	while (!stop) {
		x = x * 6364136223846793005ULL + 1442695040888963407ULL;
		i = (x >> 40) % PAGES;
		if (sigsetjmp(escape, 1) != 0) {
			__atomic_add_fetch(&bus, 1, __ATOMIC_RELAXED);
			continue;
		}
		value = *(volatile uint64_t *)(map + i * PAGE / 8 + 3);
		if (value != 0 && value != i + 1000)
			FAIL("page %lu: seen %#lx", (unsigned long)i,
			    (unsigned long)value);
		if ((x & 0x700) == 0)
			*(volatile uint64_t *)(map + i * PAGE / 8 + 5) = i;
		__atomic_add_fetch(&seen, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

int
main(int argc, char **argv)
{
	struct sigaction sa = { .sa_handler = on_bus };
	pthread_t t[THREADS];
	uint64_t page[PAGE / 8] = { 0 }, i, cuts = 0, x = 7, end;
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/cut.%d", argc > 1 ? argv[1] : "/tmp",
	    (int)getpid());
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	CHECK(fd >= 0);
	map = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(map != MAP_FAILED);
	OK(sigaction(SIGBUS, &sa, NULL));
	for (i = 0; i < THREADS; i++)
		EQ(pthread_create(&t[i], NULL, reader, (void *)(i + 1)), 0);
	end = now_ns() +
	    1000000 * (uint64_t)rounds(1000 * (argc > 2 ? atoi(argv[2]) : 5));
	for (; now_ns() < end; cuts++) {
		x = x * 6364136223846793005ULL + 1442695040888963407ULL;
		OK(ftruncate(fd, (off_t)((x >> 40) % PAGES * PAGE + 100)));
		for (i = (x >> 50) % PAGES; i < PAGES; i += 1 + (x >> 30) % 5) {
			page[3] = i + 1000;
			EQ(pwrite(fd, page, PAGE, (off_t)(i * PAGE)), PAGE);
		}
		if (cuts % 16 == 0)
			OK(fsync(fd));
	}
	stop = true;
	for (i = 0; i < THREADS; i++)
		EQ(pthread_join(t[i], NULL), 0);
	CHECK(seen > 0 && bus > 0 && cuts > 0);
	unlink(path);
	return test_done();
}
