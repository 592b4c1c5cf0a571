/* NEEDS: MEM=64M SWAP=128M CPUS=1,4 TIMEOUT=60 SWEEP=no TURN=3 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * Special objects, under every design: the memory of the display, by /dev/mem, is
 * mapped by SPEC words, uncached; it has no anon, no frame is taken for it, and none
 * is freed when it goes.  RAM is not to be had so, nor by anybody but root.
 */
#include "../lib/design.h"
#include "../lib/events.h"
#include "../lib/pressure.h"
#include "../lib/smaps.h"
#include "../lib/vmtext.h"

#define POPULATE_READ 22    /* MADV_, younger than some headers */
#define TEXT 0xb8000UL          /* 32 KiB of characters and colours */
#define PAGES 8                 /* of it; the last one is not on the screen */
#define LAST ((PAGES - 1) * PAGE)

#define IOAPIC 0xfec00000UL     /* far beyond all RAM; its first register can be read */

static int fd;

static volatile char *
map_at(void *where, size_t n, int prot, int flags, off_t at)
{
	return mmap(where, n, prot, MAP_SHARED | flags, fd, at);
}

static void
refusals(volatile char *p)
{
	unsigned char vec[PAGES];

	ERR((long)mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0x200000), EPERM);
	ERR((long)mmap(NULL, 2 * PAGE, PROT_READ, MAP_SHARED, fd, 0x100000 - PAGE),
	    EPERM);
	ERR((long)mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 1L << 51), EINVAL);
	ERR((long)mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, TEXT), EINVAL);
	ERR(read(fd, vec, 1), EINVAL);
	ERR(madvise((void *)p, PAGE, MADV_DONTNEED), EINVAL);
	ERR(madvise((void *)p, PAGE, MADV_PAGEOUT), EINVAL);
	ERR(madvise((void *)p, PAGE, MADV_REMOVE), ENODEV);
	ERR(madvise((void *)p, PAGE, POPULATE_READ), EINVAL);
	ERR(msync((void *)p, PAGE, MS_SYNC), EINVAL);
	ERR((long)mremap((void *)p, PAGES * PAGE, (PAGES + 1) * PAGE, MREMAP_MAYMOVE),
	    EFAULT);
	OK(mincore((void *)p, PAGES * PAGE, vec));
	EQ(vec[0] & 1, 1);
	OK(mlock((void *)p, PAGES * PAGE));
	OK(munlock((void *)p, PAGES * PAGE));
}

/* It has no page to be pinned, also when it is mapped already. */
static void
no_futex(int fd)
{
	volatile uint32_t *p = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0xfec00000);

	CHECK(p != MAP_FAILED);
	(void)*p;
	ERR(syscall(SYS_futex, p, 1 /* WAKE */, 1, NULL, NULL, 0), EFAULT);
	OK(munmap((void *)p, PAGE));
}

static void
user_is_refused(void)
{
	pid_t pid = OK(fork());

	if (pid == 0) {
		OK(chmod("/dev/mem", 0666));
		OK(setgid(1000));
		OK(setuid(1000));
		ERR(open("/dev/mem", O_RDWR), EPERM);
		_exit(0);
	}
	REAP(pid, 0);
	OK(chmod("/dev/mem", 0600));
	pid = OK(fork());
	if (pid == 0) {
		OK(setgid(1000));
		OK(setuid(1000));
		ERR(open("/dev/mem", O_RDWR), EACCES);
		_exit(0);
	}
	REAP(pid, 0);
}

/* A fork's child makes its own words for the same memory. */
static void
child_sees(volatile char *p)
{
	pid_t pid = OK(fork());

	if (pid == 0) {
		EQ(p[LAST], 'b');
		p[LAST + 1] = 'c';
		_exit(0);
	}
	REAP(pid, 0);
	EQ(p[LAST + 1], 'c');
}

static void
rights_change(volatile char *p)
{
	pid_t pid;

	OK(mprotect((void *)p, PAGES * PAGE, PROT_READ));
	EQ(p[LAST], 'b');
	pid = OK(fork());
	if (pid == 0) {
		p[LAST] = 'x';
		_exit(0);
	}
	REAP_SIGNAL(pid, SIGSEGV);
	OK(mprotect((void *)p, PAGES * PAGE, PROT_NONE));
	OK(mprotect((void *)p, PAGES * PAGE, PROT_READ | PROT_WRITE));
	p[LAST] = 'b';
	EQ(p[LAST], 'b');
}

/* The kernel copies by the address; a copy to the end of a pipe and back. */
static void
kernel_copies(volatile char *p)
{
	char got = 0;
	int end[2];

	OK(pipe(end));
	EQ(write(end[1], (const char *)p + LAST, 1), 1);
	EQ(read(end[0], &got, 1), 1);
	EQ(got, 'b');
	EQ(write(end[1], "d", 1), 1);
	EQ(read(end[0], (char *)p + LAST + 2, 1), 1);
	EQ(p[LAST + 2], 'd');
	OK(close(end[0]));
	OK(close(end[1]));
}

/* What no descriptor stands for is shown as well, and is nobody's memory. */
static void
far_away(void)
{
	volatile uint32_t *far = (void *)map_at(NULL, PAGE, PROT_READ, 0, IOAPIC);
	uint64_t word = 0;
	long before = status_kb("RssShmem");
	int map;

	CHECK((void *)far != MAP_FAILED);
	(void)far[0];
	EQ(status_kb("RssShmem"), before);
	EQ(vmstat_pages(text_of(0, "vmstat"), (void *)far, 1, "src=SPEC"), 1);
	map = OK(open("/proc/self/pagemap", O_RDONLY));
	EQ(pread(map, &word, sizeof(word), (uintptr_t)far / PAGE * 8), 8);
	EQ(word >> 63, 1);
	OK(close(map));
	check_vm();
	OK(munmap((void *)far, PAGE));
}

static int
all(void)
{
	volatile char *p, *q;

	p = map_at(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, 0, TEXT);
	CHECK((void *)p != MAP_FAILED);
	q = map_at(NULL, PAGE, PROT_READ | PROT_WRITE, 0, TEXT + LAST);
	CHECK((void *)q != MAP_FAILED);

	snap_all(3);
	snap_self(1);
	for (int i = 0; i < PAGES; i++)
		(void)p[i * PAGE];
	p[LAST] = 'a';
	EQ(q[0], 'a');
	q[0] = 'b';
	EQ(p[LAST], 'b');
	snap_self(2);
	snap_all(4);
	DELTA_EQ(1, 2, "fault.device", PAGES + 1);
	DELTA_EQ(1, 2, "fault.zerofill", 0);
	DELTA_EQ(1, 2, "fault.aobj", 0);
	DELTA_EQ(3, 4, "uvm.anon_alloc", 0);
	DELTA_EQ(3, 4, "scalux.anon_live", 0);
	EQ(vmstat_pages(text_of(0, "vmstat"), (void *)p, PAGES, "src=SPEC"), PAGES);

	refusals(p);
	child_sees(p);
	rights_change(p);
	kernel_copies(p);
	far_away();

	/* A move keeps what is shown; a part that goes leaves the rest. */
	p = mremap((void *)p, PAGES * PAGE, PAGES * PAGE,
	    MREMAP_MAYMOVE | MREMAP_FIXED, (char *)pages_private(PAGES));
	CHECK((void *)p != MAP_FAILED);
	EQ(p[LAST], 'b');
	OK(munmap((void *)p, PAGE));
	EQ(p[LAST], 'b');
	OK(munmap((void *)q, PAGE));
	OK(munmap((void *)(p + PAGE), (PAGES - 1) * PAGE));

	/* It was the device that kept it. */
	q = map_at(NULL, PAGE, PROT_READ, MAP_POPULATE | MAP_LOCKED, TEXT + LAST);
	CHECK((void *)q != MAP_FAILED);
	EQ(q[0], 'b');
	OK(munmap((void *)q, PAGE));
	return 0;
}

/* Memory is short: tables and words go and come again, the bytes stay. */
static void
pressed(void)
{
	volatile char *p = map_at(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, 0, TEXT);
	struct hog hog = hog_start();

	CHECK((void *)p != MAP_FAILED);
	p[LAST] = 'e';
	hog_press(&hog, 20000);
	hog_press(&hog, 20000);
	EQ(p[LAST], 'e');
	hog_end(&hog);
	OK(munmap((void *)p, PAGES * PAGE));
}

int
main(int argc, char **argv)
{
	static const int designs[] = { DESIGN_FMO, DESIGN_EAGER, DESIGN_UVM,
	    DESIGN_SCALUX };
	pid_t pid;

	if (strcmp(argv[0], "again") == 0) {
		snap_init();
		text_init();
		fd = OK(open("/dev/mem", O_RDWR));
		(void)all();     /* what it leaves in caches is there the second time */
		leak_mark();
		(void)all();
		leak_diff();
		pressed();
		return test_done();
	}
	no_futex((int)OK(open("/dev/mem", O_RDWR | O_CLOEXEC)));
	user_is_refused();
	for (int i = 0; i < 4; i++) {
		pid = OK(fork());
		if (pid == 0)
			under_design(designs[i], argv);
		REAP(pid, 0);
	}
	return test_done();
}
