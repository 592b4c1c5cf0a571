/* NEEDS: MEM=64M CPUS=1 TIMEOUT=20 KIND=exact */
/*
 * smaps has all rows of Linux in their order, also those that are always 0 here; and
 * smaps_rollup has their sums, of all mappings from the first to the last.
 */
#include "lib/smaps.h"

#define N 16UL
#define ROLLUP "/proc/self/smaps_rollup"

static const char *const size[] = { "Size", "KernelPageSize", "MMUPageSize" };
static const char *const share[] = { "Rss", "Pss", "Pss_Dirty" };
static const char *const shares[] = { "Pss_Anon", "Pss_File", "Pss_Shmem" };
static const char *const rest[] = { "Shared_Clean", "Shared_Dirty", "Private_Clean",
	"Private_Dirty", "Referenced", "Anonymous", "LazyFree", "AnonHugePages",
	"ShmemPmdMapped", "FilePmdMapped", "Shared_Hugetlb", "Private_Hugetlb", "Swap",
	"SwapPss", "Locked" };
static const char *const flags[] = { "THPeligible", "VmFlags" };

/* The next rows, one of which begins each line.  Other Linux has more between. */
static const char *
rows(const char *line, const char *const *row, size_t n)
{
	for (size_t i = 0; i < n; i++, line = text_next(line)) {
		while (line != NULL && !text_is(line, row[i]) && !on_vadose())
			line = text_next(line);
		if (line == NULL || !text_is(line, row[i]))
			FAIL("no %s in: %.40s", row[i], line);
	}
	return line;
}

#define ROWS(line, row) rows(line, row, sizeof(row) / sizeof(row[0]))

static void
of_each(void)
{
	const char *line = text_read("/proc/self/smaps");
	unsigned long lo, hi;
	int n = 0;

	for (; line != NULL; n++) {
		EQ(sscanf(line, "%lx-%lx ", &lo, &hi), 2);
		line = ROWS(text_next(line), size);
		line = ROWS(line, share);
		line = ROWS(line, rest);
		line = ROWS(line, flags);
	}
	CHECK(n > 3);
}

/* From where to where anything is mapped; what Linux maps for all is beyond. */
static void
bounds(unsigned long *lo, unsigned long *hi)
{
	const char *line = text_read("/proc/self/maps");
	unsigned long a, b;

	*lo = *hi = 0;
	for (; line != NULL; line = text_next(line)) {
		EQ(sscanf(line, "%lx-%lx ", &a, &b), 2);
		if ((long)a < 0)
			break;
		*lo = *lo == 0 ? a : *lo;
		*hi = b;
	}
}

static long
sum(const char *key)
{
	long kb = line_number(ROLLUP, key);

	CHECK(kb >= 0);
	return kb;
}

static void
of_all(void)
{
	unsigned long lo, hi, a, b;
	const char *line;
	char name[32];

	bounds(&lo, &hi);
	line = text_read(ROLLUP);
	EQ(sscanf(line, "%lx-%lx ---p 00000000 00:00 0 %31s", &a, &b, name), 3);
	EQ(a, lo);
	EQ(b, hi);
	EQ(strcmp(name, "[rollup]"), 0);
	EQ(line[73], '[');
	line = ROWS(text_next(line), share);
	line = ROWS(line, shares);
	line = ROWS(line, rest);
	CHECK(line == NULL);
}

/* What is locked stays where it is, so it is in the sums. */
static void
sums(void)
{
	char *p = pages_apart(N), *s = pages_shared(N);

	memset(p, 'p', N * PAGE);
	memset(s, 's', N * PAGE);
	OK(mlock(p, N * PAGE));
	OK(mlock(s, N * PAGE));
	EQ(sum("Locked"), 2 * N * 4);
	LE(N * 4, sum("Pss_Anon"));
	LE(N * 4, sum("Pss_Shmem"));
	LE(2 * N * 4, sum("Pss_Dirty"));
	LE(sum("Pss_Dirty"), sum("Rss"));
	EQ(smaps_kb(p, N, "Pss_Dirty"), N * 4);
	OK(mprotect(p, N * PAGE, PROT_READ));
	EQ(smaps_kb(p, N, "Pss_Dirty"), N * 4);
	OK(munlockall());
	EQ(sum("Locked"), 0);
	OK(munmap(p, N * PAGE));
	OK(munmap(s, N * PAGE));
}

int
main(void)
{
	of_each();
	of_all();
	sums();
	return test_done();
}
