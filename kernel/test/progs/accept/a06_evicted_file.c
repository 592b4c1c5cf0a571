/* NEEDS: MEM=64M SWAP=256M CPUS=1 TIMEOUT=120 KIND=exact */
/*
 * A6: pages of files are evicted, not swapped: a file of twice the memory
 * is read two times; its frames are taken again and again, nothing is
 * written to swap, and each byte is the file's.
 *
 * Argument: a file on a disk, of numbered words; cases/paging/paging_files.sh has
 * it made on the host, by "make FILE".
 */
#include "../lib/events.h"
#include "../lib/file.h"
#include "../lib/pressure.h"

#define PART (64 * KIB)
#define SIZE (128 * MIB)

static int fd;

static void
make_words(const char *path)
{
	static uint64_t part[PART / 8];
	uint64_t next = 0;

	fd = OK(open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644));
	while (next < SIZE / 8) {
		for (size_t i = 0; i < PART / 8; i++)
			part[i] = next++;
		EQ(write(fd, part, PART), PART);
	}
	OK(close(fd));
}

/* Word i of the file is i. */
static void
read_all(long pages)
{
	static uint64_t part[PART / 8];
	uint64_t next = 0;

	EQ(lseek(fd, 0, SEEK_SET), 0);
	for (long at = 0; at < pages * (long)PAGE; at += PART) {
		EQ(read(fd, part, PART), PART);
		for (size_t i = 0; i < PART / 8; i++, next++)
			if (part[i] != next)
				FAIL("word %ld of the file: seen %ld",
				    (long)next, (long)part[i]);
	}
}

static int
body(void)
{
	long pages, frames = meminfo("MemTotal");
	struct stat st;

	OK(fstat(fd, &st));
	pages = st.st_size / PAGE;
	CHECK(pages >= 2 * frames);
	snap_all(1);
	read_all(pages);
	read_all(pages);
	snap_all(2);
	/* All that was read, but for what the memory holds at the end. */
	LE(2 * pages - frames, snap_delta(1, 2, "page.reclaim_file"));
	LE(2 * pages - frames, snap_delta(1, 2, "cache.read_pages"));
	DELTA_EQ(1, 2, "swap.out_pages", 0);
	DELTA_EQ(1, 2, "page.reclaim_anon", 0);
	DELTA_LE(1, 2, "cache.pages", frames);
	return test_done();
}

int
main(int argc, char **argv)
{
	if (argc == 3) {
		make_words(argv[2]);
		return 0;
	}
	snap_init();
	if (argc < 2) {
		printf("skipped: needs a file on a disk\n");
		return 0;
	}
	fd = OK(open(argv[1], O_RDONLY));
	return run_on_shared_stack(body);
}
