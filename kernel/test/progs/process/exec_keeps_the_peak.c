/* NEEDS: MEM=64M CPUS=1 TIMEOUT=20 KIND=exact */
/*
 * The most memory that a process has had counts what it had before it became
 * another program.
 */
#include "lib/test.h"
#include <sys/resource.h>
#include <sys/wait.h>

#define BYTES (8 * MIB)

int
main(int argc, char **argv)
{
	char *const again[] = { argv[0], "small", NULL };
	struct rusage ru;
	pid_t pid;
	char *p;

	if (argc > 1)
		return 0;
	pid = OK(fork());
	if (pid == 0) {
		p = mmap(NULL, BYTES, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		CHECK(p != MAP_FAILED);
		memset(p, 1, BYTES);
		execv("/proc/self/exe", again);
		_exit(1);
	}
	REAP(pid, 0);
	OK(getrusage(RUSAGE_CHILDREN, &ru));
	/* Linux counts by CPU, and may be some batches of 32 pages short. */
	CHECK(ru.ru_maxrss >= (long)(BYTES / KIB * (on_vadose() ? 4 : 3) / 4));
	return test_done();
}
