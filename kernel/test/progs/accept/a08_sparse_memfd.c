/* NEEDS: MEM=64M CPUS=1,4 TIMEOUT=60 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * A8: a sparse object pays for what is touched: 1000 random pages of a
 * 1 TiB memfd are 1000 pages and at most 2500 tables; reading its holes
 * allocates nothing.
 *
 * Argument: how many pages (1000).
 */
#include "../lib/events.h"
#include "../lib/file.h"

#define SIZE (1024 * GIB)
#define PAGES 1000
#define TABLES(n) ((n) * 5 / 2)

static off_t at[PAGES];
static int pages = PAGES;

static int
body(void)
{
	int fd = OK(syscall(SYS_memfd_create, "a08", 0));
	uint64_t seed = 8;

	OK(ftruncate(fd, SIZE));
	snap_all(1);
	for (int i = 0; i < pages; i++) {
		at[i] = rnd(&seed) % (SIZE / PAGE) * PAGE;
		EQ(pwrite(fd, &at[i], 8, at[i]), 8);
	}
	snap_all(2);
	DELTA_LE(1, 2, "anon.pages", pages);
	DELTA_LE(1, 2, "anon.tables", TABLES(pages));
	DELTA_LE(1, 2, "anon.page_new", pages);
	for (int i = 0; i < pages; i++) {
		off_t v;

		EQ(pread(fd, &v, 8, at[i]), 8);
		EQ(v, at[i]);
		EQ(file_byte(fd, at[i] ^ 1L << 39 ^ 1L << 30), 0);
	}
	snap_all(3);
	DELTA_EQ(2, 3, "anon.pages", 0);
	DELTA_EQ(2, 3, "anon.tables", 0);
	OK(close(fd));
	snap_all(4);
	DELTA_EQ(1, 4, "anon.pages", 0);
	return test_done();
}

int
main(int argc, char **argv)
{
	if (argc > 1)
		pages = atoi(argv[1]);
	CHECK(pages > 0 && pages <= PAGES);
	snap_init();
	return run_on_shared_stack(body);
}
