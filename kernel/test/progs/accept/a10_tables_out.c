/* NEEDS: MEM=64M SWAP=512M CPUS=1,2,4 TIMEOUT=240 MORE=1,2 TURN=3 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * A10: an anonymous object is paged as part of the kernel's working set: a
 * memfd with 64 MiB of data, a page in each of 2 MiB so that it has as many
 * tables; all goes to swap, then the tables themselves, and comes back right.
 */
#include "../lib/events.h"
#include "../lib/pressure.h"
#include <sys/mman.h>

#define TABLES 2000
#define DENSE (32 * MIB / PAGE)
#define BLOCK (2 * MIB)

static struct hog hog;
static int fd;

static void
write_page(size_t at, uint64_t who, int version)
{
	static char page[PAGE];

	stamp(page, who, version);
	EQ(pwrite(fd, page, PAGE, at), PAGE);
}

static void
read_page(size_t at, uint64_t who, int version)
{
	static char page[PAGE];

	EQ(pread(fd, page, PAGE, at), PAGE);
	STAMPED(page, who, version);
}

static int
body(void)
{
	size_t dense = TABLES * BLOCK;

	fd = OK(memfd_create("a10", 0));
	OK(ftruncate(fd, dense + DENSE * PAGE));
	snap_all(1);
	for (size_t i = 0; i < TABLES; i++)
		write_page(i * BLOCK, i, 0);
	for (size_t i = 0; i < DENSE; i++)
		write_page(dense + i * PAGE, i, 0);
	snap_all(2);
	LE(TABLES, snap_delta(1, 2, "anon.tables"));
	for (int i = 0; i < 12; i++) {
		hog_press(&hog, meminfo("MemTotal"));
		sleep_ms(300);
		snap_all(3);
		if (snap_get(3, "kpaged.pages_out") >= TABLES * 9 / 10)
			break;
	}
	LE(TABLES * 9 / 10, snap_get(3, "kpaged.pages_out"));
	for (size_t i = 0; i < TABLES; i += 2) {
		read_page(i * BLOCK, i, 0);
		write_page(i * BLOCK, i, 1);
	}
	for (size_t i = 0; i < DENSE; i++)
		read_page(dense + i * PAGE, i, 0);
	for (size_t i = 0; i < TABLES; i++)
		read_page(i * BLOCK, i, i % 2 == 0);
	snap_all(4);
	/* A read brings those beside it. */
	LE(TABLES / 20, snap_delta(3, 4, "kpaged.pinwait"));
	OK(ftruncate(fd, 100 * BLOCK));
	OK(close(fd));
	snap_all(5);
	DELTA_EQ(1, 5, "anon.tables", 0);
	DELTA_EQ(1, 5, "anon.pages", 0);
	hog_end(&hog);
	return test_done();
}

int
main(void)
{
	snap_init();
	hog = hog_start();
	return run_on_shared_stack(body);
}
