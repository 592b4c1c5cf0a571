/* NEEDS: MEM=64M CPUS=1 TIMEOUT=20 KIND=exact */
/*
 * Numbers of 64 bits for msync and mprotect: a length that is rounded up to
 * zero, rights in the upper half.
 */
#include "lib/test.h"

int
main(void)
{
	char *p = pages_private(1);

	OK(syscall(SYS_msync, p, ~0UL, MS_SYNC));
	OK(syscall(SYS_msync, p, -PAGE + 1, MS_SYNC));
	ERR(syscall(SYS_msync, p, -PAGE, MS_SYNC), ENOMEM);
	ERR(syscall(SYS_msync, p + 1, ~0UL, MS_SYNC), EINVAL);
	ERR(syscall(SYS_mprotect, p, PAGE, 1UL << 32), EINVAL);
	ERR(syscall(SYS_mprotect, p, PAGE, 1UL << 63 | PROT_READ), EINVAL);
	OK(syscall(SYS_mprotect, p, 0, 1UL << 32));
	p[0] = 1;
	return test_done();
}
