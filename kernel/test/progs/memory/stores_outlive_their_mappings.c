/* NEEDS: MEM=48M SWAP=128M CPUS=1,2 TIMEOUT=120 SWEEP=no MORE=2 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * What was stored through a mapping of an object stays when that mapping goes: by
 * DONTNEED, munmap, mremap, or because its rights do.  The pages have been in
 * swap before and were mapped for reading first, so that nothing but the mapping
 * itself knows of the store.
 */
#include "lib/pressure.h"
#include <sys/syscall.h>

#define N 200

static struct hog hog;
static int fd;

static char *
map_all(int prot)
{
	char *p = mmap(NULL, N * PAGE, prot, MAP_SHARED, fd, 0);

	CHECK(p != MAP_FAILED);
	return p;
}

/* Out of the mapping, to swap, and out of memory. */
static void
send_out(char *p)
{
	OK(madvise(p, N * PAGE, MADV_PAGEOUT));
	hog_press(&hog, meminfo("MemTotal"));
}

static void
expect_all(const char *p, int who)
{
	for (int i = 0; i < N; i++)
		STAMPED(p + i * PAGE, i, who);
}

/* Pages that are in swap, read first, then stored to. */
static void
store_all(char *p, int before, int who)
{
	expect_all(p, before);
	for (int i = 0; i < N; i++)
		stamp(p + i * PAGE, i, who);
}

/* The mapping at p loses its words in one of four ways.  Where it is then. */
static char *
lose(char *p, int how)
{
	char *to;

	switch (how) {
	case 0:
		OK(madvise(p, N * PAGE, MADV_DONTNEED));
		return p;
	case 1:
		OK(munmap(p, N * PAGE));
		return map_all(PROT_READ | PROT_WRITE);
	case 2:
		to = mremap(p, N * PAGE, 2 * N * PAGE, MREMAP_MAYMOVE);
		CHECK(to != MAP_FAILED);
		OK(munmap(to + N * PAGE, N * PAGE));
		return to;
	}
	OK(mprotect(p, N * PAGE, PROT_NONE));
	OK(mprotect(p, N * PAGE, PROT_READ | PROT_WRITE));
	return p;
}

int
main(void)
{
	char *p, *other;

	need_swap();
	hog = hog_start();
	fd = OK(syscall(SYS_memfd_create, "stores", 0));
	OK(ftruncate(fd, N * PAGE));
	p = map_all(PROT_READ | PROT_WRITE);
	for (int i = 0; i < N; i++)
		stamp(p + i * PAGE, i, 0);
	for (int how = 0; how < 4; how++) {
		send_out(p);
		store_all(p, how, how + 1);
		p = lose(p, how);
		send_out(p);
		expect_all(p, how + 1);
	}
	other = map_all(PROT_READ);
	expect_all(other, 4);
	hog_end(&hog);
	return test_done();
}
