/* NEEDS: MEM=192M SWAP=256M CPUS=1,4 TIMEOUT=150 SWEEP=no MORE=all KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * swapoff with 100 MiB in use brings everything back and succeeds when the
 * memory suffices; else it answers ENOMEM and nothing has changed.  The
 * programs whose pages move notice nothing.
 */
#include "lib/pressure.h"
#include <sys/swap.h>

#define PAGES (100 * MIB / PAGE)
#define SHARED (8 * MIB / PAGE) /* of these: pages of an object, and forked */

static char device[64];
static char *area, *shared, *forked;
static volatile int *go_on;

/* The first area of /proc/swaps. */
static void
find_device(void)
{
	char text[4096], *line;
	int fd = OK(open("/proc/swaps", O_RDONLY));
	long n = OK(read(fd, text, sizeof(text) - 1));

	close(fd);
	text[n] = '\0';
	line = strchr(text, '\n');
	CHECK(line != NULL && sscanf(line + 1, "%63s", device) == 1);
}

static void
verify(void)
{
	for (size_t i = 0; i < PAGES; i++)
		STAMPED(area + i * PAGE, i, 0);
	for (size_t i = 0; i < SHARED; i++) {
		STAMPED(shared + i * PAGE, i, 1);
		STAMPED(forked + i * PAGE, i, 2);
	}
}

/* Another program that uses its memory all the time. */
static void __attribute__((noreturn))
worker(void)
{
	size_t n = 4 * MIB / PAGE;
	char *p = pages_private(n);
	uint64_t seed = 7;
	long version = 0;

	OK(munmap(area, PAGES * PAGE)); /* of the other one alone */
	for (size_t i = 0; i < n; i++)
		stamp(p + i * PAGE, i, version);
	while (*go_on) {
		for (size_t i = 0; i < n; i++) {
			STAMPED(p + i * PAGE, i, version);
			stamp(p + i * PAGE, i, version + 1);
		}
		version++;
		for (int k = 0; k < 100; k++) {
			size_t i = rnd(&seed) % SHARED;

			STAMPED(shared + i * PAGE, i, 1);
			STAMPED(forked + i * PAGE, i, 2);
		}
	}
	_exit(0);
}

static void
make_all(void)
{
	area = pages_private(PAGES);
	shared = pages_shared(SHARED);
	forked = pages_private(SHARED);
	go_on = (volatile int *)pages_shared(1);
	*go_on = 1;
	for (size_t i = 0; i < SHARED; i++) {
		stamp(shared + i * PAGE, i, 1);
		stamp(forked + i * PAGE, i, 2);
	}
}

/* 100 MiB and more in swap, half of it touched again. */
static void
fill_swap(const struct hog *hog)
{
	for (size_t i = 0; i < PAGES; i++)
		stamp(area + i * PAGE, i, 0);
	push_out(hog, area, PAGES, PAGES - 64);
}

static void
refuse(void)
{
	size_t n = memory_part(3, 4, 1UL << 40);
	char *more = pages_private(n);

	for (size_t i = 0; i < n; i++)
		stamp(more + i * PAGE, i, 3);
	ERR(swapoff(device), ENOMEM);
	EQ(meminfo("SwapTotal") > 0, 1);
	for (size_t i = 0; i < n; i++)
		STAMPED(more + i * PAGE, i, 3);
	verify();
	OK(munmap(more, n * PAGE));
}

int
main(void)
{
	struct hog hog;
	pid_t pid;

	need_swap();
	find_device();
	hog = hog_start();
	make_all();
	pid = OK(fork());
	if (pid == 0)
		worker();
	fill_swap(&hog);
	refuse();
	fill_swap(&hog);
	OK(swapoff(device));
	EQ(meminfo("SwapTotal"), 0);
	EQ(pagemap_count(area, PAGES, PM_SWAPPED), 0);
	verify();
	check_vm();
	ERR(swapoff(device), EINVAL);
	OK(swapon(device, 0));
	fill_swap(&hog);
	*go_on = 0;
	REAP(pid, 0);
	verify();
	hog_end(&hog);
	return test_done();
}
