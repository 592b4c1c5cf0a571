/* NEEDS: MEM=64M CPUS=2,4 TIMEOUT=30 KIND=bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * The word of an ending thread is zero at once: who looks at it never sees
 * some bytes of the old value.  It is a lock to musl: one that is taken while
 * its last bytes are still cleared belongs to nobody, and all wait for ever.
 */
#include "lib/test.h"

#define VALUE 0x7f7f7f7fu

static char stack[16 * KIB] __attribute__((aligned(16)));
static volatile uint32_t word;

static int
child(void *arg)
{
	word = VALUE;
	syscall(SYS_exit, arg != NULL);
	return 0;
}

int
main(void)
{
	for (long i = rounds(rounds(2000)); i > 0; i--) {
		uint32_t v;
		pid_t pid;

		word = VALUE;
		pid = OK(clone(child, stack + sizeof(stack), CLONE_VM |
		    CLONE_CHILD_CLEARTID | SIGCHLD, NULL, NULL, NULL, &word));
		while ((v = word) != 0)
			EQ(v, VALUE);
		REAP(pid, 0);
	}
	return test_done();
}
