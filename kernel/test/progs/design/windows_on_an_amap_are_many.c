/* NEEDS: MEM=96M CPUS=1 TIMEOUT=120 SWEEP=no OWN=1 KIND=exact */
/*
 * Design scalux: a child divides a mapping, whose amap it shares with its parent, into
 * more parts than a process may have mappings by itself: root says how many.  Each
 * keeps its pages.
 */
#include "../lib/design.h"

#define FILE_MAX "/proc/sys/vm/max_map_count"
#define PARTS 66001          /* 65535 windows are counted */
#define STEP 500

static char *p;

static void
look(long from)
{
	for (long i = from; i < PARTS; i += STEP)
		EQ(p[i * PAGE], i / STEP % 100 + 1);
}

/* Each other page, so all become mappings of their own. */
static void
divide(void)
{
	for (long i = 1; i < PARTS; i += 2)
		OK(mprotect(p + i * PAGE, PAGE, PROT_READ));
	look(0);
	/* Now a copy is made, and both ends are cut off. */
	p[0] = 50;
	EQ(p[0], 50);
	look(STEP);
	OK(munmap(p + 2 * PAGE, PAGE));
	OK(munmap(p, PARTS * PAGE));
}

int
main(int argc, char **argv)
{
	pid_t pid;

	(void)argc;
	under_design(DESIGN_SCALUX, argv);
	EQ(proc_write(FILE_MAX, "200000"), 0);
	p = mmap(NULL, PARTS * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE |
	    MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	CHECK(p != MAP_FAILED);
	for (long i = 0; i < PARTS; i += STEP)
		p[i * PAGE] = (char)(i / STEP % 100 + 1);
	pid = OK(fork());
	if (pid == 0) {
		divide();
		_exit(0);
	}
	REAP(pid, 0);
	look(0);
	OK(munmap(p, PARTS * PAGE));
	EQ(proc_write(FILE_MAX, "65530"), 0);
	return test_done();
}
