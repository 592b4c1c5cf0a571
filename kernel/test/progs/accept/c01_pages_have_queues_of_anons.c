/* NEEDS: MEM=64M SWAP=64M CPUS=1,4 TIMEOUT=60 SWEEP=no TURN=3 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * Design scalux: the page of a file has a queue of the anons of all its private
 * views; an anon says who its pager is and has two words of that; put back, it has
 * only these, and the pager brings the page again: from a file in memory, or on a disk.
 */
#include "../lib/design.h"
#include "../lib/entries.h"
#include "../lib/pressure.h"

#define ON_DISK "/mnt/words" /* cases/paging/scalux_files.sh has it there */

static int fd;
static bool disk;

static char *
view(void)
{
	char *p = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd,
	    PAGE);

	CHECK(p != MAP_FAILED);
	return p;
}

/* C1. */
static void
three_views(void)
{
	char *p[3];

	for (int i = 0; i < 3; i++) {
		p[i] = view();
		EQ(p[i][2 * PAGE], 'd');
	}
	for (int i = 0; i < 3; i++) {
		EQ(entry_of(0, p[i] + 2 * PAGE, "queue="), 3);
		EQ(entry_of(0, p[i] + 2 * PAGE, "refs="), 1);
		EQ(entry_of(0, p[i] + 2 * PAGE, "nmapped="), 1);
		/* C2: the object, the page of it. */
		CHECK(entry_is(0, p[i] + 2 * PAGE, disk ? "pager=vnode" : "pager=aobj"));
		CHECK(entry_of(0, p[i] + 2 * PAGE, "w0=0x") != 0);
		EQ(entry_of(0, p[i] + 2 * PAGE, "w1=0x"), 3);
	}
	/* A store takes its view off the queue. */
	p[0][2 * PAGE] = 'D';
	CHECK(entry_is(0, p[0] + 2 * PAGE, "pager=swap"));
	EQ(entry_of(0, p[1] + 2 * PAGE, "queue="), 2);
	EQ(p[1][2 * PAGE], 'd');
	for (int i = 0; i < 3; i++)
		OK(munmap(p[i], 4 * PAGE));
}

/* C2. */
static void
two_words(void)
{
	char *p = pages_private(2);

	p[0] = 'x';
	CHECK(entry_is(0, p, "pager=swap"));
	EQ(entry_of(0, p, "resident="), 1);
	OK(madvise(p, PAGE, MADV_PAGEOUT));
	EQ(entry_of(0, p, "resident="), 0);
	CHECK(entry_of(0, p, "w0=0x") != 0);
	EQ(p[0], 'x');
	EQ(entry_of(0, p, "resident="), 1);
	OK(munmap(p, 2 * PAGE));
}

/* C8: nobody maps it, it is put back; its frame goes; the pager reads it again. */
static void
put_back(void)
{
	char *p = view(), *q = view();
	struct hog h = hog_start();

	EQ(p[PAGE], 'c');
	EQ(q[PAGE], 'c');
	EQ(entry_of(0, p + PAGE, "queue="), 2);
	OK(fsync(fd));
	snap_all(1);
	for (int i = 0; i < 8; i++) {
		OK(madvise(p, 4 * PAGE, MADV_PAGEOUT));
		OK(madvise(q, 4 * PAGE, MADV_PAGEOUT));
		hog_press(&h, meminfo("MemTotal"));
		snap_all(2);
	}
	LE(1, snap_delta(1, 2, disk ? "page.reclaim_file" : "swap.out_anon"));
	CHECK(entry_is(0, p + PAGE, disk ? "pager=vnode" : "pager=aobj"));
	EQ(entry_of(0, p + PAGE, "resident="), 0);
	EQ(entry_of(0, p + PAGE, "nmapped="), 0);
	EQ(p[PAGE], 'c');
	EQ(q[2 * PAGE], 'd');
	EQ(entry_of(0, p + PAGE, "resident="), 1);
	hog_end(&h);
	OK(munmap(p, 4 * PAGE));
	OK(munmap(q, 4 * PAGE));
}

int
main(int argc, char **argv)
{
	static char c;

	under_design(DESIGN_SCALUX, argv);
	need_swap();
	snap_init();
	text_init();
	disk = access(ON_DISK, W_OK) == 0;
	fd = OK(open(disk ? ON_DISK : "/tmp/c01", O_RDWR | O_CREAT | O_TRUNC, 0600));
	for (int i = 0; i < 5; i++) {
		c = (char)('a' + i);
		EQ(pwrite(fd, &c, 1, (off_t)(i * PAGE)), 1);
	}
	three_views();
	two_words();
	put_back();
	OK(close(fd));
	if (!disk)
		OK(unlink("/tmp/c01"));
	return test_done();
}
