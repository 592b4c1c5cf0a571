/* NEEDS: MEM=64M CPUS=1 TIMEOUT=20 KIND=exact */
/*
 * B8: the kernel is mapped in every address space, but no user access
 * reaches it: SIGSEGV, MAPERR, for its image, direct map, paged range,
 * page database, arenas; and the same addresses are EFAULT in calls.
 */
#include "../lib/trap.h"

static const uintptr_t places[] = { 0xffffffff80000000, 0xffffffff80100000,
	0xffff800000000000, 0xffff800000001000, 0xffffc00000000000,
	0xffffd00000000000, 0xffffe00000000000, 0xfffffffffffff000,
	0xffffffffffffffff };

int
main(void)
{
	int fd[2];

	trap_catch(0);
	OK(pipe(fd));
	EQ(write(fd[1], "abc", 3), 3);
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		char *p = (char *)places[i];

		TRAP(load(p), SIGSEGV, SEGV_MAPERR, p);
		TRAP(store(p, 1), SIGSEGV, SEGV_MAPERR, p);
		TRAP(((void (*)(void))(void *)p)(), SIGSEGV, SEGV_MAPERR, p);
		ERR(write(fd[1], p, 1), EFAULT);
		ERR(read(fd[0], p, 1), EFAULT);
	}
	return test_done();
}
