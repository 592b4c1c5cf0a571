/* NEEDS: MEM=64M SWAP=128M CPUS=1,4 TIMEOUT=60 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * MADV_PAGEOUT sends pages to swap: private ones, those shared by a fork, and
 * those of objects; mincore, smaps, status and pagemap say so.  WILLNEED
 * brings them back before they are touched; FREE and DONTNEED free slots.
 */
#include "../lib/smaps.h"
#include "../lib/vmtext.h"

#define N 64UL
#define SWAPPED (1UL << 62)
#define PRESENT (1UL << 63)

/* Pages of [p, p + N pages) that pagemap calls swapped; places all differ. */
static long
map_swapped(const char *p)
{
	int fd = OK(open("/proc/self/pagemap", O_RDONLY));
	uint64_t w[N];
	long n = 0;

	EQ(pread(fd, w, sizeof(w), (uintptr_t)p / PAGE * 8), sizeof(w));
	close(fd);
	for (size_t i = 0; i < N; i++) {
		CHECK((w[i] & (SWAPPED | PRESENT)) != (SWAPPED | PRESENT));
		n += (w[i] & SWAPPED) != 0;
		for (size_t k = 0; k < i && (w[i] & SWAPPED) != 0; k++)
			CHECK(w[k] != w[i]);
	}
	return n;
}

static void
look(const char *p, long out, long pss_kb)
{
	EQ(resident(p, N), N - out);
	EQ(map_swapped(p), out);
	EQ(smaps_kb(p, N, "Swap"), out * 4);
	if (pss_kb >= 0)
		EQ(smaps_kb(p, N, "SwapPss"), pss_kb);
}

static void
wait_in_core(const char *p)
{
	for (int i = 0; i < 500 && resident(p, N) < (int)N; i++)
		sleep_ms(10);
	EQ(resident(p, N), N);
}

static void
private_pages(void)
{
	char *p = pages_apart(N);

	memset(p, 'p', N * PAGE);
	OK(madvise(p, N * PAGE, MADV_PAGEOUT));
	look(p, N, N * 4);
	EQ(smaps_kb(p, N, "Rss"), 0);
	EQ(status_kb("VmSwap"), N * 4);
	snap_self(1);
	OK(madvise(p, N * PAGE, MADV_WILLNEED));
	wait_in_core(p);
	EQ(status_kb("VmSwap"), 0);
	for (size_t i = 0; i < N; i++)
		EQ(*(volatile char *)(p + i * PAGE + 99), 'p');
	snap_self(2);
	DELTA_EQ(1, 2, "fault.swapin", 0);
	/* Clean pages keep their slots: nothing is written again. */
	snap_all(1);
	OK(madvise(p, N * PAGE, MADV_PAGEOUT));
	snap_all(2);
	DELTA_EQ(1, 2, "swap.out_pages", 0);
	look(p, N, N * 4);
	OK(madvise(p, N / 4 * PAGE, MADV_FREE));
	OK(madvise(p + N / 4 * PAGE, N / 4 * PAGE, MADV_DONTNEED));
	snap_all(3);
	EQ(snap_get(2, "swap.slots_used") - snap_get(3, "swap.slots_used"),
	    N / 2);
	EQ(smaps_kb(p, N, "Swap"), N / 2 * 4);
	for (size_t i = 0; i < N; i++)
		EQ(p[i * PAGE], i < N / 2 ? 0 : 'p');
	OK(munmap(p, N * PAGE));
}

static void
lazily_freed(int flags)
{
	char *p = mmap(NULL, N * PAGE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);

	CHECK(p != MAP_FAILED);
	memset(p, 'l', N * PAGE);
	OK(madvise(p, N * PAGE, MADV_FREE));
	if (flags != 0) /* alone: nothing has merged with it */
		EQ(smaps_kb(p, N, "LazyFree"), N * 4);
	for (size_t i = 0; i < N; i += 2)
		p[i * PAGE] = 'm';
	if (flags != 0)
		EQ(smaps_kb(p, N, "LazyFree"), N / 2 * 4);
	OK(madvise(p, N * PAGE, MADV_PAGEOUT));
	for (size_t i = 0; i < N; i++)
		EQ(p[i * PAGE], i % 2 ? 0 : 'm');
	check_vm(); /* the charges of what went */
	OK(munmap(p, N * PAGE));
}

static void
forked_pages(void)
{
	char *p = pages_apart(N), c;
	int up[2], down[2];
	pid_t pid;

	OK(pipe(up));
	OK(pipe(down));
	memset(p, 'f', N * PAGE);
	pid = OK(fork());
	if (pid == 0) {
		EQ(read(down[0], &c, 1), 1);
		look(p, N, N * 2);
		EQ(status_kb("VmSwap") >= (long)N * 4, 1);
		for (size_t i = 0; i < N; i++)
			EQ(p[i * PAGE], 'f');
		EQ(write(up[1], "x", 1), 1);
		EQ(read(down[0], &c, 1), 1);
		_exit(0);
	}
	OK(madvise(p, N * PAGE, MADV_PAGEOUT));
	look(p, N, N * 2);
	EQ(vmstat_pages(text_of(0, "vmstat"), p, N,
	    "kind=FORK state=- refs=2"), N);
	EQ(write(down[1], "x", 1), 1);
	EQ(read(up[0], &c, 1), 1);
	/* The child has read them: in memory for us, too. */
	look(p, 0, 0);
	/* It maps them: they leave our working set only. */
	OK(madvise(p, N * PAGE, MADV_PAGEOUT));
	look(p, 0, 0);
	EQ(write(down[1], "x", 1), 1);
	REAP(pid, 0);
	OK(madvise(p, N * PAGE, MADV_PAGEOUT));
	look(p, N, N * 4);
	OK(madvise(p, N * PAGE, MADV_WILLNEED));
	wait_in_core(p);
	for (size_t i = 0; i < N; i++)
		EQ(p[i * PAGE + 7], 'f');
	OK(munmap(p, N * PAGE));
	for (int i = 0; i < 2; i++) {
		close(up[i]);
		close(down[i]);
	}
}

static void
shared_pages(void)
{
	char *s = pages_shared(N);

	memset(s, 's', N * PAGE);
	OK(madvise(s, N * PAGE, MADV_PAGEOUT));
	look(s, N, -1);
	EQ(smaps_kb(s, N, "Rss"), 0);
	OK(madvise(s, N * PAGE, MADV_WILLNEED));
	wait_in_core(s);
	look(s, 0, 0);
	for (size_t i = 0; i < N; i++)
		EQ(s[i * PAGE + 3], 's');
	OK(munmap(s, N * PAGE));
}

/* Copies of a file's pages are on swap, the pages themselves in memory. */
static void
copied_pages(void)
{
	char path[] = "/tmp/copied.XXXXXX", block[PAGE], *p;
	int fd = OK(mkstemp(path));

	OK(unlink(path));
	OK(ftruncate(fd, N * PAGE));
	p = mmap(NULL, N * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	CHECK(p != MAP_FAILED);
	memset(p, 'c', N * PAGE);
	OK(madvise(p, N * PAGE, MADV_PAGEOUT));
	for (size_t i = 0; i < N; i++)
		EQ(pread(fd, block, PAGE, i * PAGE), PAGE);
	look(p, N, N * 4);
	for (size_t i = 0; i < N; i++)
		EQ(p[i * PAGE], 'c');
	look(p, 0, 0);
	OK(munmap(p, N * PAGE));
	close(fd);
}

int
main(void)
{
	snap_init();
	text_init();
	private_pages();
	lazily_freed(0);
	lazily_freed(MAP_NORESERVE);
	forked_pages();
	shared_pages();
	copied_pages();
	return test_done();
}
