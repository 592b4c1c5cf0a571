/* NEEDS: MEM=64M CPUS=1,4 TIMEOUT=30 SWEEP=no KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * Design uvm: a private mapping of a file shows the pages of the file itself until
 * they are written to; a written page is an anon, of which the file knows nothing,
 * and which no later change of the file reaches.
 */
#include "../lib/design.h"
#include "../lib/events.h"

#define PFN(w) ((w) & ((1ul << 55) - 1))

static uint64_t
frame_of(const void *at)
{
	uint64_t w = 0;
	int fd = OK(open("/proc/self/pagemap", O_RDONLY));

	EQ(pread(fd, &w, 8, (uintptr_t)at / PAGE * 8), 8);
	OK(close(fd));
	return PFN(w);
}

static char *
map(int fd, int flags)
{
	char *p = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, flags, fd, 0);

	CHECK(p != MAP_FAILED);
	return p;
}

/* B13 to B15. */
static int
private_and_shared(void)
{
	static char c;
	int fd = OK(open("/tmp/u03", O_RDWR | O_CREAT | O_TRUNC, 0600));
	char *shared, *private;

	OK(ftruncate(fd, 8 * PAGE));
	shared = map(fd, MAP_SHARED);
	private = map(fd, MAP_PRIVATE);
	for (int i = 0; i < 8; i++)
		shared[i * PAGE] = 'a' + i;
	c = 0;
	snap_all(1);
	EQ(private[0], 'a');
	EQ(private[PAGE], 'b');
	snap_all(2);
	DELTA_EQ(1, 2, "uvm.anon_live", 0);
	DELTA_EQ(1, 2, "page.copy", 0);
	EQ(frame_of(private), frame_of(shared));

	snap_all(1);
	private[0] = 'P';
	snap_all(2);
	DELTA_EQ(1, 2, "uvm.anon_live", 1);
	DELTA_EQ(1, 2, "uvm.promote", 1);
	DELTA_EQ(1, 2, "page.copy", 1);
	CHECK(frame_of(private) != frame_of(shared));
	EQ(pread(fd, &c, 1, 0), 1);
	EQ(c, 'a');

	shared[0] = 'S';
	shared[PAGE] = 'T';
	EQ(private[0], 'P');
	EQ(private[PAGE], 'T');
	c = 'U';
	EQ(pwrite(fd, &c, 1, 2 * PAGE), 1);
	EQ(private[2 * PAGE], 'U');

	OK(ftruncate(fd, PAGE));
	snap_all(2);
	DELTA_EQ(1, 2, "uvm.anon_live", 1);
	OK(ftruncate(fd, 0));
	snap_all(2);
	DELTA_EQ(1, 2, "uvm.anon_live", 0);
	OK(munmap(shared, 8 * PAGE));
	OK(munmap(private, 8 * PAGE));
	OK(close(fd));
	OK(unlink("/tmp/u03"));
	return 0;
}

int
main(int argc, char **argv)
{
	under_design(DESIGN_UVM, argv);
	snap_init();
	EQ(run_on_shared_stack(private_and_shared), 0);
	EQ(run_on_shared_stack(private_and_shared), 0);
	return test_done();
}
