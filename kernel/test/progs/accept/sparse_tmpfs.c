/* NEEDS: MEM=48M SWAP=1G CPUS=1 TIMEOUT=240 ARGS=16000 MORE=all KIND=exact */
/*
 * A tmpfs file of 2 GiB of which a part has been written, a page here and a
 * page there: far more than memory, and its tables go to swap with it.  Every
 * byte is right, by read(2) and by a mapping, and all is back at the end.
 */
#include "../lib/events.h"
#include "../lib/file.h"
#include "../lib/pressure.h"
#include <sys/mount.h>

#define TOTAL (2 * GIB / PAGE)
#define TABLES (TOTAL / 512)

static uint32_t *order;
static size_t pages;
static struct hog hog;
static int fd;

/* Where the i-th of them lies: one in each piece of the file. */
static size_t
place(size_t i)
{
	size_t piece = TOTAL / pages;
	uint64_t seed = i * 7919 + 1;

	return i * piece + rnd(&seed) % piece;
}

static void
write_pages(size_t from, size_t step, int version)
{
	static char page[PAGE];

	for (size_t i = from; i < pages; i += step) {
		stamp(page, i, version);
		EQ(pwrite(fd, page, PAGE, place(i) * PAGE), PAGE);
	}
}

static void
read_pages(int odd_version)
{
	static char page[PAGE];

	for (size_t k = 0; k < pages; k++) {
		size_t i = order[k];

		EQ(pread(fd, page, PAGE, place(i) * PAGE), PAGE);
		STAMPED(page, i, i % 2 != 0 ? odd_version : 0);
	}
}

static int
body(void)
{
	uint64_t seed = 25;
	char *p;

	shuffle(order, pages, &seed);
	mkdir("/tmp", 0777);
	OK(mkdir("/tmp/sparse", 0777));
	OK(mount("none", "/tmp/sparse", "tmpfs", 0, "size=3g"));
	file_folder = "/tmp/sparse";
	fd = file_open("sparse", O_RDWR | O_CREAT);
	file_unlink("sparse");
	OK(ftruncate(fd, TOTAL * PAGE));
	snap_all(1);
	write_pages(0, 1, 0);
	snap_all(2);
	EQ(snap_delta(1, 2, "anon.pages"), pages);
	LE(TABLES * 9 / 10, snap_delta(1, 2, "anon.tables"));
	/* Where much was written those of the first pieces are asleep by now. */
	for (int i = 0; i < 8; i++) {
		snap_all(2);
		if (snap_get(2, "kpaged.pages_out") >= (long)TABLES / 4)
			break;
		hog_press(&hog, meminfo("MemTotal"));
	}
	LE(TABLES / 4, snap_get(2, "kpaged.pages_out"));
	read_pages(0);
	write_pages(1, 2, 1);
	p = file_map(fd, 0, TOTAL, PROT_READ, MAP_SHARED);
	for (size_t i = 0; i < pages; i++)
		STAMPED(p + place(i) * PAGE, i, i % 2 != 0);
	OK(munmap(p, TOTAL * PAGE));
	snap_all(3);
	LE(TABLES / 64, snap_delta(2, 3, "kpaged.pinwait"));
	hog_end(&hog);
	OK(ftruncate(fd, TOTAL * PAGE / 2));
	OK(close(fd));
	OK(umount("/tmp/sparse"));
	snap_all(4);
	DELTA_EQ(1, 4, "anon.pages", 0);
	DELTA_EQ(1, 4, "anon.tables", 0);
	DELTA_LE(1, 4, "kpaged.pages_out", 16);
	return test_done();
}

int
main(int argc, char **argv)
{
	snap_init();
	pages = argc > 1 ? strtoul(argv[1], NULL, 10) : 24000;
	order = (uint32_t *)pages_private(pages * sizeof(*order) / PAGE + 1);
	hog = hog_start(); /* not on the shared stack */
	return run_on_shared_stack(body);
}
