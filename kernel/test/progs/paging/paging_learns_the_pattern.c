/* NEEDS: MEM=176M CPUS=1 ICOUNT=1 APPEND=norandom=1:ramdisk=128M:swap=rama TIMEOUT=200 SWEEP=no TURN=3 KIND=exact */
/*
 * More pages than there are frames, touched by eight patterns.  Where there
 * is none a fault reads its own page and next to nothing else; a sequence up,
 * down or by strides is found, and read in few and long requests, also once
 * it has been written anew here and there; and the pages that go are nearly
 * those that true LRU would take.
 *
 * Where there is a memory of what is wanted often, two rounds pass before it counts:
 * which pages are in memory when the area has been filled is chance, and LRU's is not
 * ours (zipf: 1.03 to 1.04 of its misses without, 1.02 with).
 *
 * Argument: "table" prints what each pattern has cost, beside the misses of
 * LRU and of the best that is possible (OPT) with as many frames; behind it
 * the name of a pattern, to see that one beside the first.  On Linux it judges
 * nothing, and rescues are not told.
 *
 * Linux 6.1 (Debian's for clouds, as much memory free as here, no huge pages, swap on
 * a disk of 128 MiB): faults by misses of LRU, pages a fault, requests that read by
 * touches.  What is asked of us for sequences is what it does.  `make paging-linux`
 * runs this on both, and prints both tables whole.
 *
 *	         Linux           here                     Linux           here
 *	uniform  1.00 1.01 0.38  1.00 1.01 0.36  up       0.12 7.84 0.13  0.06 14.7 0.08
 *	zipf     0.99 1.00 0.10  0.99 1.01 0.07  up+down  0.13 7.84 0.10  0.07 14.5 0.06
 *	skewed   1.05 1.01 0.06  1.01 1.01 0.06  down     0.15 7.86 0.11  0.08 14.6 0.07
 *	scatt.d  1.05 1.01 0.06  1.00 1.05 0.06  strides  0.90 1.00 0.81  0.14 7.22 0.92
 *	hot+scan 0.34 3.21 0.28  0.32 3.18 0.25
 *
 * By strides each page is a request of its own, ours and theirs; we read as many as
 * LRU misses, they keep some that it would not.  From build to build the faults and the
 * requests of a sequence move by a third (down: 0.09 to 0.14 of LRU): each read ends
 * where frames become low, and which one that is depends on when the page-out thread
 * runs.  So "up", "up+down" and "down" are judged together.
 */
#include "lib/events.h"
#include "lib/trace.h"

#define STRIDE 5

static size_t touches;

/* ---- patterns: after all pages have been filled, in order ---- */

static uint32_t
uniform(struct trace *t, size_t k)
{
	(void)k;
	return rnd(&t->seed) % t->pages;
}

/* Rank r as often as 1/r, by halves: each twice as many pages as the one before. */
static uint32_t
zipf(struct trace *t, size_t k)
{
	unsigned halves = 0;
	size_t most = 1;

	(void)k;
	while (most * 2 < t->pages) {
		most *= 2;
		halves++;
	}
	most = 1UL << rnd(&t->seed) % (halves + 1);
	return (most + rnd(&t->seed) % most) * 7919 % t->pages;
}

/* Nine of ten go to the first third. */
static uint32_t
skewed(struct trace *t, size_t k)
{
	size_t third = t->pages / 3, n = rnd(&t->seed) % t->pages;

	(void)k;
	return rnd(&t->seed) % 10 != 0 ? n % third
	                               : third + n % (t->pages - third);
}

/* Nine of ten go to a third, which lies scattered. */
static uint32_t
scattered(struct trace *t, size_t k)
{
	size_t third = (t->pages + 2) / 3, n = rnd(&t->seed) % t->pages;

	(void)k;
	return rnd(&t->seed) % 10 != 0 ? n % third * 3
	                               : n % (t->pages - third) / 2 * 3 + 1 + n % 2;
}

/* Every other one goes to the first third, the others run over the rest. */
static uint32_t
hot_and_scan(struct trace *t, size_t k)
{
	size_t third = t->pages / 3;

	return k % 2 == 0 ? rnd(&t->seed) % third
	                  : third + k / 2 % (t->pages - third);
}

static uint32_t
up(struct trace *t, size_t k)
{
	return k % t->pages;
}

static uint32_t
up_and_down(struct trace *t, size_t k)
{
	size_t at = k % (2 * t->pages);

	return at < t->pages ? at : 2 * t->pages - 1 - at;
}

static uint32_t
down(struct trace *t, size_t k)
{
	return t->pages - 1 - k % t->pages;
}

static uint32_t
strides(struct trace *t, size_t k)
{
	size_t row = t->pages / STRIDE, at = k % (row * STRIDE);

	return at % row * STRIDE + at / row;
}

/* ---- what it should cost ---- */

#define IN_ORDER 13         /* faults of a sequence, by misses of LRU: what Linux needs */

/* At most so many per cent; 0: no matter. */
struct pattern {
	struct trace t;
	unsigned before;    /* rounds of as many touches as pages, before it counts */
	unsigned lru;       /* faults, of the misses of LRU */
	unsigned ahead;     /* pages that come unasked, of those that are asked for */
	unsigned request;   /* requests that read, of touches: what Linux needs */
};

#define PATTERN(n, fn) { .name = n, .next = fn, .seed = 5, .start = 5 }

static struct pattern patterns[] = {
	{ PATTERN("uniform", uniform), 0, 0, 10, 0 },
	{ PATTERN("zipf", zipf), 2, 104, 10, 0 },
	{ PATTERN("skewed", skewed), 2, 104, 10, 0 },
	{ PATTERN("scattered", scattered), 2, 104, 10, 0 },
	{ PATTERN("hot+scan", hot_and_scan), 0, 0, 0, 0 },
	{ PATTERN("up", up), 0, IN_ORDER, 0, 13 },
	{ PATTERN("up+down", up_and_down), 0, IN_ORDER, 0, 10 },
	{ PATTERN("down", down), 0, IN_ORDER, 0, 11 },
	{ PATTERN("strides", strides), 0, 25, 0, 0 },
};

/* Patterns in order are judged by their sum: see above. */
static struct {
	long faults, lru, reads;
	unsigned request;
} in_order;

/* ---- the best that is possible ---- */

/* A bit for each access to come at which a page in memory is used next. */
struct opt {
	uint64_t *next;          /* of the access: when the same page is used again */
	uint64_t *bit;
	uint8_t *in;
	size_t used, top;
};

/* String of all accesses from the filling on. */
static uint32_t
access_to(struct trace *t, size_t k)
{
	return k < t->pages ? k : t->next(t, k - t->pages);
}

static void
opt_next(struct opt *o, struct trace *t, size_t n)
{
	uint32_t *page = malloc(n * sizeof(*page));
	uint64_t *last = malloc(t->pages * sizeof(*last));

	trace_rewind(t);
	for (size_t k = 0; k < n; k++)
		page[k] = access_to(t, k);
	for (size_t p = 0; p < t->pages; p++)
		last[p] = n + p;
	for (size_t k = n; k-- > 0;) {
		o->next[k] = last[page[k]];
		last[page[k]] = k;
	}
	free(page);
	free(last);
}

static size_t
opt_misses(struct trace *t, size_t frames, size_t first, size_t n)
{
	size_t misses = 0, words = (n + t->pages) / 64 + 1;
	struct opt o = { .next = malloc(n * 8), .bit = calloc(words, 8) };

	CHECK(o.next != NULL && o.bit != NULL);
	opt_next(&o, t, n);
	for (size_t k = 0; k < n; k++) {
		bool in = k >= t->pages && (o.bit[k / 64] >> k % 64 & 1) != 0;

		o.bit[k / 64] &= ~(1UL << k % 64);
		if (!in && o.used == frames) {
			while (o.bit[o.top] == 0)
				o.top--;
			o.bit[o.top] &=
			    ~(1UL << (63 - __builtin_clzl(o.bit[o.top])));
		} else if (!in) {
			o.used++;
		}
		misses += !in && k >= first;
		o.bit[o.next[k] / 64] |= 1UL << o.next[k] % 64;
		if (o.next[k] / 64 > o.top)
			o.top = o.next[k] / 64;
	}
	free(o.next);
	free(o.bit);
	return misses;
}

/* ---- a pattern on memory ---- */

/* One in three writes. */
static void
touch(char *area, uint32_t page, size_t k)
{
	volatile uint64_t *w = (uint64_t *)(area + page * PAGE);

	if (w[0] != page + 1UL)
		FAIL("page %u: seen %#lx", page, (long)w[0]);
	if (k % 3 == 0)
		w[1] = k;
}

/* The same string once more, for the faults of true LRU. */
static uint32_t
whole(struct trace *t, size_t k)
{
	return access_to(t->inner, k);
}

/* What the kernel has done meanwhile. */
struct swapped {
	long in, reads;          /* pages, and requests that bring them */
	long asked, hits;        /* of them: not read ahead; read ahead and wanted */
	long out, writes, rescues;
};

/* Figure n of the file, counted from 0, behind the word if there is one. */
static long
figure(const char *path, const char *word, unsigned n)
{
	static char text[64 * KIB];
	char *at = text;

	snap_read(path, text, sizeof(text));
	if (word != NULL)
		return snap_find(text, word);
	while (n-- > 0)
		(void)strtol(at, &at, 10);
	return strtol(at, NULL, 10);
}

static struct swapped
swapped_on_linux(void)
{
	struct swapped s = {
		.in = figure("/proc/vmstat", "pswpin", 0),
		.out = figure("/proc/vmstat", "pswpout", 0),
		.hits = figure("/proc/vmstat", "swap_ra_hit", 0),
	};
	char path[128];

	s.asked = s.in - figure("/proc/vmstat", "swap_ra", 0);
	snprintf(path, sizeof(path), "/sys/block/%s/stat",
	    strrchr(swap_disk(), '/') + 1);
	s.reads = figure(path, NULL, 0);
	s.writes = figure(path, NULL, 4);
	return s;
}

static struct swapped
swapped_so_far(void)
{
	if (!on_vadose())
		return swapped_on_linux();
	snap_all(1);
	return (struct swapped){
		.in = snap_get(1, "swap.in_pages"),
		.reads = snap_get(1, "swap.in_bios"),
		.asked = snap_get(1, "swap.in_pages") -
		    snap_get(1, "swap.ra_pages"),
		.hits = snap_get(1, "swap.ra_hits"),
		.out = snap_get(1, "swap.out_pages"),
		.writes = snap_get(1, "swap.out_bios"),
		.rescues = snap_get(1, "fault.rescue"),
	};
}

static struct swapped
swapped_since(const struct swapped *b)
{
	struct swapped s = swapped_so_far();

	return (struct swapped){
		s.in - b->in, s.reads - b->reads, s.asked - b->asked,
		s.hits - b->hits, s.out - b->out, s.writes - b->writes,
		s.rescues - b->rescues,
	};
}

static bool
at_most(const char *name, const char *what, long is, long of, unsigned percent)
{
	if (percent == 0 || is * 100 <= of * (long)percent)
		return true;
	printf("%s: %s: expected <= %u %%, seen %ld of %ld\n", name, what,
	    percent, is, of);
	return false;
}

/* What it has cost, behind so many touches; the faults. */
static long
replay(struct trace *t, char *area, size_t before_it, struct swapped *cost)
{
	struct swapped before;
	long faults;

	for (size_t i = 0; i < t->pages; i++)
		*(volatile uint64_t *)(area + i * PAGE) = i + 1;
	trace_rewind(t);
	for (size_t k = 0; k < before_it; k++)
		touch(area, t->next(t, k), k);
	before = swapped_so_far();
	faults = hard_faults();
	for (size_t k = before_it; k < before_it + touches; k++)
		touch(area, t->next(t, k), k);
	faults = hard_faults() - faults;
	*cost = swapped_since(&before);
	OK(madvise(area, t->pages * PAGE, MADV_DONTNEED));
	return faults;
}

/*
 * Where each page is as likely to be next as any other, all ways to choose a
 * victim are equal: the faults tell how many frames there were.
 */
static size_t
frames_of(const struct trace *t, long faults)
{
	return t->pages * (touches - (size_t)faults) / touches;
}

/* Misses of LRU in the first n touches, those that fill the area included. */
static long
lru_so_far(struct trace *t, size_t frames, size_t n)
{
	struct trace all = { .next = whole, .inner = t, .pages = t->pages, .length = n };

	trace_rewind(t);
	return (long)lru_misses(&all, frames);
}

static void
print_row(struct trace *t, size_t frames, size_t first, long faults, long lru,
    const struct swapped *c)
{
	printf("%-9s %6ld %6ld %5.2f %6zu %6ld %5.2f %6ld %5.2f %6ld %6ld "
	    "%6ld %6ld\n", t->name, faults, lru,
	    lru != 0 ? (double)faults / (double)lru : 0.0,
	    opt_misses(t, frames, first, first + touches), c->in,
	    faults != 0 ? (double)c->in / (double)faults : 0.0, c->reads,
	    (double)c->reads / (double)touches, c->hits, c->out, c->writes,
	    c->rescues);
}

static bool
is_good(struct pattern *p, char *area, size_t *frames, bool table)
{
	size_t first = p->t.pages * (1 + p->before);
	struct swapped c;
	long faults = replay(&p->t, area, first - p->t.pages, &c), lru;

	if (*frames == 0)
		*frames = frames_of(&p->t, faults);
	lru = lru_so_far(&p->t, *frames, first + touches) -
	    lru_so_far(&p->t, *frames, first);
	if (table)
		print_row(&p->t, *frames, first, faults, lru, &c);
	if (!on_vadose())
		return true;
	if (p->request != 0) {
		in_order.faults += faults;
		in_order.lru += lru;
		in_order.reads += c.reads;
		in_order.request += p->request;
		return true;
	}
	return at_most(p->t.name, "faults by misses of LRU", faults, lru,
	        p->lru) &
	    at_most(p->t.name, "pages read ahead, by those read", c.in - c.asked,
	        c.asked, p->ahead);
}

int
main(int argc, char **argv)
{
	bool table = argc > 1 && strcmp(argv[1], "table") == 0, good = true;
	size_t frames = 0, pages;
	char *area;

	setvbuf(stdout, NULL, _IONBF, 0);
	need_swap();
	if (on_vadose())
		snap_init();
	pages = (size_t)meminfo("MemFree") * 8 / 5;
	touches = pages * 2;
	area = pages_private(pages);
	if (table)
		printf("%zu pages, %zu touches\npattern   faults    LRU     x    "
		    "OPT  pages /fault  reads /touch   hits    out writes "
		    "rescue\n", pages, touches);
	for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
		patterns[i].t.pages = pages;
		if (i == 0 || argc < 3 ||
		    strcmp(argv[2], patterns[i].t.name) == 0)
			good &= is_good(&patterns[i], area, &frames, table);
	}
	good &= at_most("in order", "faults by misses of LRU", in_order.faults,
	        in_order.lru, IN_ORDER) &
	    at_most("in order", "requests that read, by touches", in_order.reads,
	        (long)touches, in_order.request);
	if (!good)
		FAIL("patterns: see above");
	return test_done();
}
