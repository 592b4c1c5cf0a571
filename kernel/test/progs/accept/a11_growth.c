/* NEEDS: MEM=1G CPUS=1,4 TIMEOUT=120 MORE=1 SHORT=10 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * A11: growth never copies: a tmpfs file grows by 4 KiB at a time to 1 GiB,
 * no step takes more than 20 times the median; and page by page with data
 * to 256 MiB.  No entry of a table is copied.
 *
 * Argument: the part of these sizes, 10 is a tenth (1).
 */
#include "../lib/events.h"
#include "../lib/file.h"

#define ROUNDS 5

static uint32_t *best; /* shortest time of each step, ns */
static size_t steps = GIB / PAGE;
static long filled = 256 * MIB / PAGE;

static void
grow(void)
{
	int fd = file_stamped("a11", 0, 0);

	for (size_t i = 0; i < steps; i++) {
		uint64_t t = now_ns();

		OK(ftruncate(fd, (i + 1) * PAGE));
		t = now_ns() - t;
		if (t < best[i])
			best[i] = t;
	}
	EQ(file_byte(fd, steps * PAGE - 1), 0);
	OK(close(fd));
}

static int
by_time(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void
fill(void)
{
	static long page[PAGE / sizeof(long)];
	int fd = file_stamped("a11", 0, 0);

	snap_all(1);
	for (page[0] = 0; page[0] < filled; page[0]++)
		EQ(write(fd, page, PAGE), PAGE);
	snap_all(2);
	DELTA_EQ(1, 2, "anon.pages", filled);
	DELTA_EQ(1, 2, "anon.page_new", filled);
	for (long i = 0; i < filled; i += 17) {
		EQ(pread(fd, page, 8, i * PAGE), 8);
		EQ(page[0], i);
	}
	OK(close(fd));
}

int
main(int argc, char **argv)
{
	size_t bytes;

	if (argc > 1) {
		steps /= atoi(argv[1]);
		filled /= atoi(argv[1]);
	}
	bytes = steps * sizeof(*best);
	snap_init();
	best = (uint32_t *)pages_private(bytes / PAGE + 1);
	memset(best, 0xff, bytes);
	snap_all(1);
	for (int i = 0; i < ROUNDS; i++)
		grow();
	snap_all(2);
	DELTA_EQ(1, 2, "anon.page_new", 0);
	DELTA_EQ(1, 2, "anon.pages", 0);
	qsort(best, steps, sizeof(*best), by_time);
	LE(best[steps - 1], 20 * best[steps / 2]);
	fill();
	return test_done();
}
