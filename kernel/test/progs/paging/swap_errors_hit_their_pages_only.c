/* NEEDS: MEM=64M SWAP=256M CPUS=1,4 TIMEOUT=120 SWEEP=no MORE=1 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * Errors of the swap disk.  What cannot be read is SIGBUS to those who
 * share that page, each time, and to nobody else; what cannot be written
 * is kept in memory and written elsewhere; slots with an error are not used
 * again; all other bytes are right.
 */
#include "lib/pressure.h"
#include "lib/trap.h"
#include "lib/vmtext.h"

#define PAGES 1600
#define ERRORS 40 /* in a row: a cluster, and its pages one by one */
#define WORDS 512 /* of a page of the kernel's, at most */

static char *area;
static uint8_t *lost; /* shared: pages that cannot be read */

static void
arm(const char *spec)
{
	EQ(proc_write("/proc/vm/inject", spec), 0);
}

static void
fill(int version)
{
	for (size_t i = 0; i < PAGES; i++)
		stamp(area + i * PAGE, i, version);
}

/* Look at each page; which are lost is written down, or compared. */
static int
look(bool first, int version)
{
	int n = 0;

	for (size_t i = 0; i < PAGES; i++) {
		int signo = TRAPPED(load(area + i * PAGE));

		if (first)
			lost[i] = signo != 0;
		if ((signo != 0) != lost[i])
			FAIL("page %zu: expected it to be %s", i,
			    lost[i] ? "lost" : "there");
		if (signo == 0) {
			STAMPED(area + i * PAGE, i, version);
			continue;
		}
		n++;
		EQ(signo, SIGBUS);
		EQ(trap_info.code, BUS_ADRERR);
		EQ(trap_info.addr, (uintptr_t)area + i * PAGE);
	}
	return n;
}

/* Slots that are never to be used again. */
static long
retired(void)
{
	return sum_key(text_vm("swap"), "total", " bad=");
}

/* Two processes share the pages, some of which cannot be read. */
static void
lose_some(const struct hog *hog)
{
	long bad = retired(), words;
	pid_t pid;
	int n;

	fill(1);
	pid = OK(fork());
	if (pid == 0) {
		while (!lost[PAGES])
			sleep_ms(20);
		look(false, 1);
		_exit(0);
	}
	push_out(hog, area, PAGES, PAGES - 32);
	snap_all(1);
	arm("FI_SWAPIN:20:1:40");
	n = look(true, 1);
	EQ(proc_write("/proc/vm/inject", "off"), 0);
	snap_all(2);
	/* With a page of words, which is tried three times, goes what they name. */
	words = snap_delta(1, 2, "swap.read_again") / 2 * WORDS;
	LE(1, n);
	LE(n, ERRORS + words);
	LE(n, snap_delta(1, 2, "swap.read_errors") + words);
	LE(bad + 1, retired());
	LE(retired(), bad + snap_delta(1, 2, "swap.read_errors"));
	DELTA_EQ(1, 2, "fault.sigbus", n);
	EQ(look(false, 1), n);
	lost[PAGES] = 1;
	REAP(pid, 0);
	check_vm();
	/* A lost page that is given back is a new one. */
	OK(madvise(area, PAGES * PAGE, MADV_DONTNEED));
	for (size_t i = 0; i < PAGES; i++)
		CHECK(is_zero_page(area + i * PAGE));
}

/* Writes fail: all is there, and in other slots in the end. */
static void
write_elsewhere(const struct hog *hog)
{
	long bad = retired();

	fill(2);
	snap_all(3);
	arm("FI_SWAPOUT:3:1:40");
	/* Ours come first: nobody looks at those of the hog. */
	OK(madvise(area, PAGES * PAGE, MADV_PAGEOUT));
	push_out(hog, area, PAGES, PAGES - 32);
	EQ(proc_write("/proc/vm/inject", "off"), 0);
	snap_all(4);
	LE(1, snap_delta(3, 4, "swap.write_errors"));
	LE(bad + 1, retired());
	memset(lost, 0, PAGES);
	EQ(look(false, 2), 0);
	check_vm();
}

/* The slots that were retired stay so, whoever comes and goes. */
static void
stay_retired(const struct hog *hog)
{
	long bad = retired();

	snap_all(5);
	for (int v = 3; v < 5; v++) {
		fill(v);
		push_out(hog, area, PAGES, PAGES - 32);
		EQ(look(false, v), 0);
	}
	snap_all(6);
	DELTA_EQ(5, 6, "swap.read_errors", 0);
	DELTA_EQ(5, 6, "swap.write_errors", 0);
	EQ(retired(), bad);
}

int
main(void)
{
	struct hog hog;

	snap_init();
	text_init();
	trap_catch(0);
	hog = hog_start();
	area = pages_private(PAGES);
	lost = (uint8_t *)pages_shared(PAGES / PAGE + 1);
	lose_some(&hog);
	write_elsewhere(&hog);
	stay_retired(&hog);
	hog_end(&hog);
	return test_done();
}
