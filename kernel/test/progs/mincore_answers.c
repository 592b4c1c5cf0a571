/* NEEDS: MEM=64M CPUS=1 TIMEOUT=20 */
/*
 * mincore tells which anonymous pages are there; wrong arguments.
 */
#include "lib/test.h"

int
main(void)
{
	char *p = pages_private(600);
	unsigned char vec[600];

	for (int i = 0; i < 600; i += 3)
		p[i * PAGE] = 1;
	OK(mincore(p, 600 * PAGE, vec));
	for (int i = 0; i < 600; i++)
		EQ(vec[i] & 1, i % 3 == 0);
	ERR(mincore(p + 1, PAGE, vec), EINVAL);
	ERR(mincore(p, PAGE, (void *)8), EFAULT);
	OK(mincore(p, 0, vec));
	OK(munmap(p + 10 * PAGE, PAGE));
	ERR(mincore(p, 20 * PAGE, vec), ENOMEM);
	ERR(mincore(p, 20 * PAGE, (void *)0xffff800000000000), EFAULT);
	ERR(mincore((void *)0xffff800000000000, PAGE, vec), ENOMEM);
	return test_done();
}
