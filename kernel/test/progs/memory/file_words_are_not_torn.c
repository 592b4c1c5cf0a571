/* NEEDS: MEM=64M CPUS=1,2 TIMEOUT=30 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * While pwrite replaces bytes of a file, many or few, who looks at a mapping
 * sees each aligned word as it was or as it will be, never a part of both.
 */
#include "lib/file.h"
#include <pthread.h>

#define WORDS (PAGE / sizeof(uint64_t))

static uint64_t *map;
static volatile bool stop;

static void *
reader(void *arg)
{
	while (!stop)
		for (size_t i = 0; i < WORDS; i++) {
			uint64_t v = *(volatile uint64_t *)&map[i];

			if (v != 0 && v != UINT64_MAX)
				FAIL("word %zu: seen %#lx", i, (long)v);
		}
	return NULL;
}

int
main(int argc, char **argv)
{
	static uint64_t page[WORDS];
	pthread_t t;
	int fd;

	file_args(argc, argv);
	fd = file_stamped("torn", 1, 0);
	map = (uint64_t *)file_map(fd, 0, 1, PROT_READ, MAP_SHARED);
	EQ(pthread_create(&t, NULL, reader, NULL), 0);
	for (long i = rounds(10000); i > 0; i--) {
		memset(page, i & 1 ? 0xff : 0, PAGE);
		for (size_t n = PAGE / 32; n <= PAGE; n *= 2)
			EQ(pwrite(fd, page, n, 0), n);
	}
	stop = true;
	EQ(pthread_join(t, NULL), 0);
	return test_done();
}
