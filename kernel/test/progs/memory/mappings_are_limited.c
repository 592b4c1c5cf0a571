/* NEEDS: MEM=96M CPUS=1,2 TIMEOUT=120 SWEEP=few KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * A process has at most 65530 mappings: then mmap and the calls that
 * split are ENOMEM, and nothing is changed; munmap makes room again.
 */
#include "lib/trap.h"

#define MANY 70000

int
main(void)
{
	char *p = mmap(NULL, MANY * PAGE, PROT_NONE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	long limit = 65530, n, k;
	FILE *f = fopen("/proc/sys/vm/max_map_count", "r");

	if (f != NULL) {
		EQ(fscanf(f, "%ld", &limit), 1);
		fclose(f);
	}
	if (limit > 66000)
		return 0; /* this Linux allows more */
	trap_catch(0);
	CHECK(p != MAP_FAILED);
	for (n = 0; n < MANY; n += 2)
		if (mprotect(p + n * PAGE, PAGE, PROT_READ) != 0)
			break;
	EQ(errno, ENOMEM);
	CHECK(n > limit - 100 && n <= limit);
	TRAP(load(p + n * PAGE), SIGSEGV, SEGV_ACCERR, p + n * PAGE);
	EQ(load(p), 0);
	/* Mappings that cannot be merged, until one is refused. */
	for (k = 0; k < 8; k++)
		if (mmap(NULL, PAGE, k % 2 ? PROT_EXEC : PROT_WRITE,
		        MAP_SHARED | MAP_ANONYMOUS, -1, 0) == MAP_FAILED)
			break;
	EQ(errno, ENOMEM);
	CHECK(k < 8);
	/* A hole in the last one, which is large, would be one more; an end is none. */
	for (k = 0; k < 8 && munmap(p + (MANY - 3 - 2 * k) * PAGE, PAGE) == 0; k++)
		;
	EQ(errno, ENOMEM);
	CHECK(k < 8);
	/* To madvise ENOMEM would be a hole. */
	ERR(madvise(p + (MANY - 40) * PAGE, PAGE, MADV_DONTFORK), EAGAIN);
	/* So would one that mremap leaves: what it cuts off, or where it goes to. */
	ERR((long)mremap(p + (MANY - 40) * PAGE, 2 * PAGE, PAGE, 0), ENOMEM);
	ERR((long)mremap(p, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
	    p + (MANY - 40) * PAGE), ENOMEM);
	ERR(munmap(p + (MANY - 40) * PAGE, PAGE), ENOMEM);
	OK(munmap(p + (MANY - 1) * PAGE, PAGE));
	OK(munmap(p, 100 * PAGE));
	OK(mprotect(p + n * PAGE, PAGE, PROT_READ));
	EQ(load(p + n * PAGE), 0);
	OK(munmap(p, MANY * PAGE));
	OK(munmap(pages_private(1), PAGE));
	return test_done();
}
