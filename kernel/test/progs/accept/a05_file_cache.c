/* NEEDS: MEM=64M CPUS=1,4 TIMEOUT=30 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * A5: one tree of pages for each file: what read(2) brought in serves five
 * mappers without another read, and is there once.
 *
 * Two processes that map it first, and at once, read each block once, too.
 *
 * Argument: a file on a disk that nobody has read (cases/disk/ext2_cache.sh).
 */
#include "../lib/events.h"
#include "../lib/file.h"

#define MAPPERS 5
#define BLOCK_LISTS 12 /* pages of the disk that say where the file is */

static int fd;
static int pages;

static int
mapper(void *arg)
{
	volatile char *p = file_map(fd, 0, pages, PROT_READ, MAP_SHARED);
	char page[PAGE];

	for (int i = 0; i < pages; i++)
		(void)p[i * PAGE];
	for (int i = 0; i < pages; i += 61) {
		EQ(pread(fd, page, PAGE, i * PAGE), PAGE);
		EQ(memcmp(page, (const char *)p + i * PAGE, PAGE), 0);
	}
	return arg != NULL;
}

/* Forget the file, then let two processes fault in all of it. */
static void
at_once(void)
{
	pid_t first, second;

	OK(proc_write("/proc/sys/vm/drop_caches", "1"));
	snap_all(4);
	first = fork_on(mapper, NULL, shared_stack());
	second = fork_on(mapper, NULL, shared_stack());
	REAP(first, 0);
	REAP(second, 0);
	snap_all(5);
	CHECK(snap_delta(4, 5, "cache.read_pages") >= pages);
	DELTA_LE(4, 5, "cache.read_pages", pages + BLOCK_LISTS);
}

static int
body(void)
{
	static char page[PAGE];
	struct stat st;

	OK(fstat(fd, &st));
	pages = st.st_size / PAGE;
	CHECK(pages > 0);
	snap_all(1);
	for (int i = 0; i < pages; i++)
		EQ(read(fd, page, PAGE), PAGE);
	snap_all(2);
	CHECK(snap_delta(1, 2, "cache.pages") >= pages);
	DELTA_LE(1, 2, "cache.pages", pages + BLOCK_LISTS);
	DELTA_LE(1, 2, "cache.insert", pages + BLOCK_LISTS);
	DELTA_LE(1, 2, "cache.read_pages", pages + BLOCK_LISTS);
	for (int i = 0; i < MAPPERS; i++)
		REAP(fork_on(mapper, NULL, shared_stack()), 0);
	snap_all(3);
	DELTA_EQ(2, 3, "fault.major", 0);
	DELTA_EQ(2, 3, "cache.pages", 0);
	DELTA_EQ(2, 3, "cache.insert", 0);
	DELTA_EQ(2, 3, "cache.read_pages", 0);
	DELTA_EQ(2, 3, "io.reads", 0);
	at_once();
	return test_done();
}

int
main(int argc, char **argv)
{
	snap_init();
	if (argc < 2) {
		printf("skipped: needs a file on a disk\n");
		return 0;
	}
	fd = OK(open(argv[1], O_RDONLY));
	return run_on_shared_stack(body);
}
