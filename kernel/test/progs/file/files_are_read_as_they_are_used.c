/* NEEDS: MEM=64M CPUS=1 ICOUNT=1 APPEND=norandom=1:ramdisk=16M TIMEOUT=60 SWEEP=no KIND=exact */
/*
 * The pages of a disk are touched in a mapping of it, and read by calls, by six
 * patterns.  Where there is none each reads its page and next to nothing else; a
 * sequence, up or down, is read in few and long requests, also two at a time.  A call
 * for sixteen pages reads them at once, and those behind them only if calls go on.
 * TABLE=1 prints what each has cost.
 */
#include "lib/events.h"
#include "lib/file.h"

#define PAGES 1024

#define WIDE 16     /* pages of a long call */

static int fd;

/* ---- patterns: the page of touch k ---- */

static size_t
up(size_t k)
{
	return k;
}

static size_t
down(size_t k)
{
	return PAGES - 1 - k;
}

/* Two sequences, one of each way, in turn. */
static size_t
both(size_t k)
{
	return k % 2 == 0 ? k / 2 : PAGES - 1 - k / 2;
}

/* Two that go up, as of two programs, in turn. */
static size_t
two(size_t k)
{
	return k % 2 * (PAGES / 2) + k / 2;
}

static size_t
strides(size_t k)
{
	return k * 7 % PAGES;
}

/* Far from each other, and at no distance twice in turn. */
static size_t
apart(size_t k)
{
	return (k + 1) * (k + 2) * 317 % PAGES;
}

static size_t
wide_up(size_t k)
{
	return k * WIDE;
}

static size_t
wide_down(size_t k)
{
	return PAGES - (k + 1) * WIDE;
}

static size_t
wide_apart(size_t k)
{
	return (k + 1) * (k + 2) * 5 % (PAGES / WIDE) * WIDE + 3;
}

/* ---- what each costs ---- */

struct pattern {
	const char *name;
	size_t (*page)(size_t k);
	size_t touches;
	long reads, pages;   /* at most: requests; pages that they bring */
	size_t call;         /* pages of a call; 0: of loads, too, one each */
};

static const struct pattern patterns[] = {
	{ "up", up, PAGES, 34, PAGES + 32, 0 },
	{ "down", down, PAGES, 36, PAGES + 32, 0 },
	{ "both", both, PAGES, 60, PAGES + 32, 0 },
	{ "two", two, PAGES, 40, PAGES + 32, 0 },
	{ "strides", strides, PAGES / 7, PAGES / 7 + 1,
	    PAGES / 7 * 11 / 10, 0 },
	{ "apart", apart, PAGES / 16, PAGES / 16,
	    PAGES / 16 * 11 / 10, 0 },
	{ "wide up", wide_up, PAGES / WIDE, PAGES / WIDE / 2 + 2, PAGES, WIDE },
	{ "wide down", wide_down, PAGES / WIDE, PAGES / WIDE, PAGES, WIDE },
	{ "wide", wide_apart, 8, 8, 8 * WIDE, WIDE },
};

/* The disk's pages leave memory. */
static void
drop_caches(void)
{
	int to = OK(open("/proc/sys/vm/drop_caches", O_WRONLY));

	OK(fsync(fd));
	EQ(write(to, "1", 1), 1);
	OK(close(to));
}

/* Page k of the disk, by a load or by a call for n pages, or a word. */
static uint64_t
first_word(volatile const uint64_t *mapped, size_t k, size_t n)
{
	static uint64_t got[WIDE * PAGE / sizeof(uint64_t)];
	size_t bytes = n == 0 ? sizeof(*got) : n * PAGE;

	if (mapped != NULL)
		return mapped[k * PAGE / sizeof(*got)];
	EQ(pread(fd, got, bytes, (off_t)(k * PAGE)), bytes);
	return *got;
}

static void
replay(const struct pattern *t, bool by_calls)
{
	void *map = by_calls ? NULL : file_map(fd, 0, PAGES, PROT_READ, MAP_SHARED);
	long reads;

	drop_caches();
	snap_all(1);
	for (size_t k = 0; k < t->touches; k++)
		EQ(first_word(map, t->page(k), t->call), t->page(k) + 1);
	snap_all(2);
	if (!by_calls)
		OK(munmap(map, PAGES * PAGE));
	reads = snap_delta(1, 2, "cache.read_pages") -
	    snap_delta(1, 2, "cache.ra_pages");
	if (getenv("TABLE") != NULL)
		printf("%-9s %-5s %5ld reads %5ld pages %5ld hits\n", t->name,
		    by_calls ? "calls" : "loads", reads,
		    snap_delta(1, 2, "cache.read_pages"),
		    snap_delta(1, 2, "cache.ra_hits"));
	test_le(__FILE__, __LINE__, t->name, reads, t->reads);
	test_le(__FILE__, __LINE__, t->name, snap_delta(1, 2, "cache.read_pages"),
	    t->pages);
}

int
main(void)
{
	static uint64_t page[PAGE / sizeof(uint64_t)];

	setvbuf(stdout, NULL, _IONBF, 0);
	snap_init();
	fd = OK(open("/dev/rama", O_RDWR));
	for (size_t i = 0; i < PAGES; i++) {
		page[0] = i + 1;
		EQ(pwrite(fd, page, PAGE, (off_t)(i * PAGE)), PAGE);
	}
	for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++)
		for (int by_calls = patterns[i].call != 0; by_calls < 2; by_calls++)
			replay(&patterns[i], by_calls != 0);
	OK(close(fd));
	return test_done();
}
