/* NEEDS: MEM=64M SWAP=64M CPUS=1 TIMEOUT=60 SWEEP=no KIND=exact */
/*
 * scalux: parent and child use one amap, and both have unmapped the same part of
 * it, whose pages are on swap.  swapoff ends all the same, and the rest is there.
 */
#include "lib/design.h"
#include "lib/pressure.h"

#include <sys/swap.h>

#ifndef MADV_PAGEOUT
#define MADV_PAGEOUT 21
#endif

#define AREA swap_disk()
#define N 64                 /* pages; the upper half goes */

static void
verify(const unsigned char *p)
{
	for (int i = 0; i < N / 2; i++)
		EQ(p[i * PAGE], i + 1);
}

int
main(int argc, char **argv)
{
	int ready[2], go[2], off;
	unsigned char *p;
	char byte;
	pid_t pid;

	under_design(DESIGN_SCALUX, argv);
	p = (unsigned char *)pages_private(N);
	for (int i = 0; i < N; i++)
		p[i * PAGE] = i + 1;
	OK(madvise(p, N * PAGE, MADV_PAGEOUT));
	OK(pipe(ready));
	OK(pipe(go));
	pid = OK(fork());
	OK(munmap(p + N / 2 * PAGE, N / 2 * PAGE));
	if (pid == 0) {
		EQ(write(ready[1], "", 1), 1);
		EQ(read(go[0], &byte, 1), 1);
		verify(p);
		_exit(0);
	}
	EQ(read(ready[0], &byte, 1), 1);
	off = OK(fork());
	if (off == 0) {
		alarm(20);
		OK(swapoff(AREA));
		_exit(0);
	}
	REAP(off, 0);
	verify(p);
	EQ(write(go[1], "", 1), 1);
	REAP(pid, 0);
	return test_done();
}
