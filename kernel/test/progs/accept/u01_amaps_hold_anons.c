/* NEEDS: MEM=64M CPUS=1,4 TIMEOUT=30 SWEEP=no KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * Design uvm: each page touched is one anon, each 32 pages of addresses one chunk
 * of an amap; a fork copies amaps and no page; a look-up of the same entry turns
 * no edge of the splay tree; and what the seed takes for granted: the kernel's
 * addresses are not the user's, and a mapping has a maximum protection.
 */
#include "../lib/design.h"
#include "../lib/events.h"
#include "../lib/trap.h"
#include <sys/syscall.h>

#define ENTRIES 5000

static char *
mapped(size_t pages)
{
	char *p = mmap(NULL, (pages + 32) * PAGE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(p != MAP_FAILED);
	return (char *)(((uintptr_t)p + 32 * PAGE - 1) & ~(32 * PAGE - 1));
}

/* B2, B6. */
static void
touched_pages(void)
{
	char *p = mapped(1024);

	snap_all(1);
	p[0] = p[31 * PAGE] = p[32 * PAGE] = p[1000 * PAGE] = 1;
	snap_all(2);
	DELTA_EQ(1, 2, "uvm.anon_live", 4);
	DELTA_EQ(1, 2, "uvm.chunks", 3);
	DELTA_EQ(1, 2, "uvm.amap_live", 1);
	OK(munmap(p, 1024 * PAGE));
	snap_all(2);
	DELTA_EQ(1, 2, "uvm.anon_live", 0);
	DELTA_EQ(1, 2, "uvm.chunks", 0);
}

/* A hole cut inside a chunk: both sides keep what they had. */
static void
cut_in_a_chunk(void)
{
	char *p = mapped(32);

	for (int i = 0; i < 32; i++)
		p[i * PAGE] = i + 1;
	OK(munmap(p + 11 * PAGE, 3 * PAGE));
	for (int i = 0; i < 32; i++)
		if (i < 11 || i >= 14)
			EQ(p[i * PAGE], i + 1);
	OK(mprotect(p + 20 * PAGE, PAGE, PROT_READ));
	OK(mprotect(p + 20 * PAGE, PAGE, PROT_READ | PROT_WRITE));
	OK(madvise(p, 11 * PAGE, MADV_PAGEOUT)); /* from their anons again */
	OK(madvise(p + 14 * PAGE, 18 * PAGE, MADV_PAGEOUT));
	for (int i = 0; i < 32; i++)
		if (i < 11 || i >= 14)
			EQ(p[i * PAGE], i + 1);
	OK(munmap(p, 32 * PAGE));
}

/* B12: in the child, before it has done anything but read counters. */
static int
sees_copied_amaps(void *unused)
{
	snap_all(2);
	DELTA_EQ(1, 2, "uvm.amap_live", snap_get(1, "uvm.amap_live"));
	DELTA_EQ(1, 2, "uvm.chunks", snap_get(1, "uvm.chunks"));
	DELTA_EQ(1, 2, "uvm.anon_refs_fork", snap_get(1, "uvm.anon_live"));
	DELTA_EQ(1, 2, "uvm.anon_live", 0);
	DELTA_EQ(1, 2, "page.copy", 0);
	DELTA_EQ(1, 2, "fork.entries", 0);
	DELTA_EQ(1, 2, "fmo.live", 0);
	return 0;
}

static void
fork_copies_amaps(void)
{
	char *stack = shared_stack();
	pid_t pid;

	snap_all(1);
	pid = fork_on(sees_copied_amaps, NULL, stack);
	REAP(pid, 0);
}

/* B7. */
static void
same_entry_again(void)
{
	char *p = mapped(ENTRIES);

	for (int i = 0; i < ENTRIES; i += 2)
		OK(mprotect(p + i * PAGE, PAGE, PROT_READ));
	p[2001 * PAGE] = 1;
	snap_all(1);
	for (int i = 0; i < 100; i++) {
		OK(syscall(SYS_madvise, p + 2001 * PAGE, PAGE, MADV_DONTNEED));
		p[2001 * PAGE] = 1;
	}
	snap_all(2);
	DELTA_LE(1, 2, "uvm.splay_rotations", 3 * 100);
	OK(munmap(p, ENTRIES * PAGE));
}

/* B8, B9. */
static void
taken_for_granted(void)
{
	char *kernel = (char *)0xffffffff80000000ul, *p;
	int fd;

	trap_catch(0);
	TRAP(load(kernel), SIGSEGV, SEGV_MAPERR, kernel);
	fd = OK(open("/tmp/u01", O_RDWR | O_CREAT | O_TRUNC, 0600));
	OK(ftruncate(fd, PAGE));
	OK(close(fd));
	fd = OK(open("/tmp/u01", O_RDONLY));
	p = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	CHECK(p != MAP_FAILED);
	ERR(mprotect(p, PAGE, PROT_READ | PROT_WRITE), EACCES);
	OK(munmap(p, PAGE));
	OK(close(fd));
	OK(unlink("/tmp/u01"));
}

static int
on_shared_stack(void)
{
	touched_pages(); /* the paths are mapped from now on */
	touched_pages();
	cut_in_a_chunk();
	fork_copies_amaps();
	same_entry_again();
	return 0;
}

int
main(int argc, char **argv)
{
	under_design(DESIGN_UVM, argv);
	snap_init();
	EQ(run_on_shared_stack(on_shared_stack), 0);
	taken_for_granted();
	return test_done();
}
