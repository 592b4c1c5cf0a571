/* NEEDS: MEM=64M CPUS=1 TIMEOUT=30 SWEEP=no KIND=exact */
/*
 * overcommit_ratio: how many of a hundred frames are promised in mode 2, and in that
 * alone; never more than there are.
 */
#include "lib/pressure.h"

#define RATIO "/proc/sys/vm/overcommit_ratio"
#define MODE "/proc/sys/vm/overcommit_memory"

static long
ratio(void)
{
	char text[32];
	int fd = OK(open(RATIO, O_RDONLY)), n;

	n = (int)OK(read(fd, text, sizeof(text) - 1));
	text[n] = '\0';
	OK(close(fd));
	return strtol(text, NULL, 10);
}

/* Can that part of memory, in percent, be mapped? */
static bool
can_map(size_t percent)
{
	size_t n = meminfo("MemTotal") * percent / 100 * PAGE;
	void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED) {
		EQ(errno, ENOMEM);
		return false;
	}
	OK(munmap(p, n));
	return true;
}

int
main(void)
{
	if (!on_vadose()) {
		printf("skipped\n");
		return 0;
	}
	EQ(ratio(), 100);
	CHECK(can_map(60));
	EQ(proc_write(RATIO, "50"), 0);
	EQ(ratio(), 50);
	CHECK(!can_map(60));
	CHECK(can_map(30));
	EQ(proc_write(MODE, "1"), 0);
	CHECK(can_map(60));
	EQ(proc_write(MODE, "0"), 0);
	CHECK(can_map(60));
	EQ(proc_write(MODE, "2"), 0);
	CHECK(!can_map(60));
	EQ(proc_write(RATIO, "0"), 0);
	CHECK(!can_map(5));
	EQ(proc_write(RATIO, "101"), -EINVAL);
	EQ(proc_write(RATIO, "x"), -EINVAL);
	EQ(proc_write(RATIO, "100"), 0);
	CHECK(can_map(60));
	return test_done();
}
