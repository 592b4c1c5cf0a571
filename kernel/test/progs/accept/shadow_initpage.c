/* NEEDS: MEM=64M CPUS=1 TIMEOUT=60 SWEEP=no KIND=exact */
/*
 * Design shadow, d05 and d06: initpage makes what no pager has, and nothing else: each page
 * of zeros that is stored to is one, and no page of a file, whether it is in memory or not.
 */
#include "../lib/design.h"
#include "../lib/events.h"

#define K 20

int
main(int argc, char **argv)
{
	char *p, *q;
	int fd;

	under_design(DESIGN_SHADOW, argv);
	snap_init();
	p = pages_private(K);
	fd = nameless_file("/tmp");
	OK(ftruncate(fd, K * PAGE));
	for (unsigned i = 0; i < K; i++)
		EQ(pwrite(fd, "x", 1, i * PAGE), 1);
	q = mmap(NULL, K * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	CHECK(q != MAP_FAILED);
	snap_all(1);
	for (unsigned i = 0; i < K; i++)
		EQ(*(volatile char *)(p + i * PAGE), 0);
	snap_all(2);
	DELTA_EQ(1, 2, "shadow.initpage", 0);
	snap_all(1);
	for (unsigned i = 0; i < K; i++)
		p[i * PAGE] = 1;
	snap_all(2);
	LE(K, snap_delta(1, 2, "shadow.initpage"));
	EQ(snap_delta(1, 2, "shadow.initpage"), snap_delta(1, 2, "fault.zerofill"));
	snap_all(1);
	for (unsigned i = 0; i < K; i++)
		EQ(*(volatile char *)(q + i * PAGE), 'x');
	for (unsigned i = 0; i < K; i++)
		q[i * PAGE] = 'y';
	snap_all(2);
	DELTA_EQ(1, 2, "shadow.initpage", 0);
	DELTA_EQ(1, 2, "fault.private_copy", K);
	return test_done();
}
