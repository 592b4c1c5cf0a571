/* NEEDS: MEM=64M CPUS=1,2 TIMEOUT=20 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * There is no local descriptor table: after a reset a processor has one of
 * 64 KiB at address 0, and whoever maps memory there could write a gate into it
 * that leads to the kernel's level.  Only root may map so low.
 */
#include "lib/trap.h"

#define LOW 0x1000ul
#define SELECTOR (LOW | 7) /* its descriptor; of the local table; level 3 */

#define CODE_READABLE 0x00affb000000fffful

/* Does the processor find a descriptor that this level may read? */
static bool
is_found(unsigned selector)
{
	bool found;

	__asm__ volatile("verr %w1" : "=@ccz"(found) : "r"(selector));
	return found;
}

static void
load_it(void)
{
	__asm__ volatile("movl %0, %%es" : : "r"((unsigned)SELECTOR));
}

int
main(void)
{
	uint64_t *low;

	if (geteuid() != 0)
		return test_done();
	low = mmap((void *)LOW, PAGE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	if (low == MAP_FAILED && (errno == EPERM || errno == EACCES) &&
	    !on_vadose())
		return test_done(); /* a container's root */
	CHECK(low == (void *)LOW);
	low[0] = CODE_READABLE;
	alarm(5);
	CHECK(!is_found(SELECTOR));
	trap_catch(0);
	EQ(TRAPPED(load_it()), SIGSEGV);
	return test_done();
}
