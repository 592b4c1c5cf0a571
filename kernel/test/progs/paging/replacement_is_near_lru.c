/* NEEDS: MEM=64M SWAP=256M CPUS=1,2 TIMEOUT=200 SWEEP=no MORE=all KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * The pages that go are the right ones: on four traces over more pages
 * than there are frames the hard faults are at most 1.15 times those of
 * true LRU with as many frames as the program had.
 *
 * Arguments: the frames that it will have (of the machine, if not given);
 * on Linux a cgroup with memory.max gives it those (cases/paging/linux_paging.sh);
 * the name of a trace, to replay that one only.
 */
#include "lib/trace.h"

#define PERCENT 115

static bool
replay(struct trace *t, char *area)
{
	size_t frames, lru;
	long hard = trace_replay(t, area, &frames);

	OK(madvise(area, t->pages * PAGE, MADV_DONTNEED));
	CHECK(frames > t->pages / 4);
	lru = lru_misses(t, frames);
	printf("%s: %zu accesses, %zu pages, %zu frames: %ld hard faults, "
	    "LRU %zu, ratio %.2f\n", t->name, t->length, t->pages, frames,
	    hard, lru, lru ? (double)hard / (double)lru : 0.0);
	/* Where LRU has none: a few that are of the program itself. */
	return (size_t)hard * 100 <= lru * PERCENT + t->pages / 2;
}

int
main(int argc, char **argv)
{
	size_t m = argc > 1 ? strtoul(argv[1], NULL, 0)
	                    : (size_t)meminfo("MemTotal");
	struct trace traces[] = {
		{ "sequential", trace_in_order, m * 3 / 2, m * 9 / 2,
		    m * 3 / 2, 1, 1, NULL },
		{ "looping", trace_in_order, m * 11 / 10, m * 11 / 2,
		    m * 11 / 10, 1, 1, NULL },
		{ "zipf", trace_zipf, m * 3 / 2, m * 6, 0, 1, 1, NULL },
		{ "phases", trace_phases, m * 3 / 2, m * 27 / 2, m / 2, 1, 1,
		    NULL },
	};
	bool good = true;
	char *area;

	setvbuf(stdout, NULL, _IONBF, 0);
	need_swap();
	area = pages_private(m * 3 / 2);
	for (size_t i = 0; i < sizeof(traces) / sizeof(traces[0]); i++)
		if (argc < 3 || strcmp(argv[2], traces[i].name) == 0)
			good &= replay(&traces[i], area);
	if (!good)
		FAIL("hard faults: expected <= %d %% of LRU's", PERCENT);
	return test_done();
}
