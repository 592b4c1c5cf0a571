/* NEEDS: MEM=64M CPUS=1 ICOUNT=1 TIMEOUT=120 TURN=3 KIND=exact */
/*
 * A1: 10 000 one-page mappings, every second one removed: the tree of VADs
 * stays balanced, the counters agree with the list, and a look-up among
 * many costs little more than among few.
 */
#include "../lib/vmtext.h"

#define MAPPINGS 10000
#define FEW 100
#define FAULTS 100000

static char *
make(int n)
{
	char *base = mmap(NULL, n * PAGE, PROT_NONE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	CHECK(base != MAP_FAILED);
	for (int i = 0; i < n; i++)
		CHECK(mmap(base + i * PAGE, PAGE,
		          i % 2 ? PROT_READ : PROT_READ | PROT_WRITE,
		          MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
		          0) != MAP_FAILED);
	for (int i = 1; i < n; i += 2)
		OK(munmap(base + i * PAGE, PAGE));
	return base;
}

/* Read faults in a jumping order over the n / 2 mappings that are left. */
static double
time_faults(char *base, int n)
{
	volatile char *p = base;
	uint64_t ns = 0;
	int vads = n / 2;

	for (int done = 0; done < FAULTS; done += vads) {
		uint64_t t0 = now_ns();

		for (int i = 0; i < vads; i++)
			(void)p[i * 1237L % vads * 2 * PAGE];
		ns += now_ns() - t0;
		for (int i = 0; i < vads; i++)
			OK(madvise(base + i * 2 * PAGE, PAGE, MADV_DONTNEED));
	}
	return (double)ns / FAULTS;
}

static void
check_tree(int before)
{
	const char *text = text_of(0, "vadtree");
	int n = count_lines(text), deepest = 0, log2 = 0;

	for (const char *p = text; (p = strstr(p, "depth=")) != NULL; p++)
		if (atoi(p + 6) > deepest)
			deepest = atoi(p + 6);
	while ((1 << log2) < n + 1)
		log2++;
	LE(deepest + 1, 2 * log2);
	CHECK(deepest > 0);
	EQ(n - before, MAPPINGS / 2);
	snap_self(2);
	EQ(snap_get(2, "vad.live"), n);
	snap_all(3);
	EQ(snap_delta(1, 3, "vad.alloc") - snap_delta(1, 3, "vad.free"),
	    n - before);
}

int
main(void)
{
	int before;
	double few, many;
	char *p;

	snap_init();
	text_init();
	p = make(FEW);
	few = time_faults(p, FEW);
	OK(munmap(p, FEW * PAGE));
	before = count_lines(text_of(0, "vadtree"));
	snap_all(1);
	p = make(MAPPINGS);
	check_tree(before);
	many = time_faults(p, MAPPINGS);
	if (many > 3 * few)
		FAIL("a fault among 5000 VADs: expected <= 3 x %.0f ns, seen "
		     "%.0f ns", few, many);
	OK(munmap(p, MAPPINGS * PAGE));
	EQ(count_lines(text_of(0, "vadtree")), before);
	return test_done();
}
