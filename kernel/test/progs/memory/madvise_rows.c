/* NEEDS: MEM=64M CPUS=1 TIMEOUT=20 KIND=exact */
/*
 * madvise: hints are accepted, WIPEONFORK and DONTFORK do what they say,
 * wrong arguments are refused even for length 0; no mapping may have huge pages.
 */
#include "lib/trap.h"

#define COLLAPSE 25 /* MADV_COLLAPSE: not in all libraries' headers */

/* Known, but not to be had: of no length it is granted, as any other. */
static void
nothing_collapses(char *p)
{
	ERR(madvise(p, PAGE, COLLAPSE), EINVAL);
	ERR(madvise(p + 1, 0, COLLAPSE), EINVAL);
	/* A Linux may be made without. */
	if (on_vadose() || access("/sys/kernel/mm/transparent_hugepage", F_OK) == 0) {
		OK(madvise(p, 0, COLLAPSE));
		ERR(madvise((void *)PAGE, PAGE, COLLAPSE), ENOMEM);
	}
}

int
main(void)
{
	static const int hints[] = { MADV_NORMAL, MADV_RANDOM, MADV_SEQUENTIAL,
		MADV_WILLNEED, MADV_DONTDUMP, MADV_DODUMP, MADV_COLD,
		MADV_PAGEOUT };
	char *p = pages_private(8), *s = pages_shared(2);
	pid_t pid;

	trap_catch(0);
	memset(p, 'm', 8 * PAGE);
	for (size_t i = 0; i < sizeof(hints) / sizeof(hints[0]); i++) {
		OK(madvise(p, 8 * PAGE, hints[i]));
		EQ(load(p + 7 * PAGE), 'm');
	}
	ERR(madvise(p, PAGE, 12345), EINVAL);
	ERR(madvise(p, 0, 12345), EINVAL);
	nothing_collapses(p);
	ERR(madvise(p + 5, PAGE, MADV_DONTNEED), EINVAL);
	ERR(madvise(s, PAGE, MADV_WIPEONFORK), EINVAL);
	ERR(madvise(s, PAGE, MADV_FREE), EINVAL);
	OK(madvise(p, 0, MADV_DONTFORK));
	OK(madvise(p, PAGE, MADV_DONTFORK));
	OK(madvise(p + PAGE, PAGE, MADV_WIPEONFORK));
	OK(madvise(p + 2 * PAGE, PAGE, MADV_WIPEONFORK));
	OK(madvise(p + 2 * PAGE, PAGE, MADV_KEEPONFORK));
	OK(munmap(p + 5 * PAGE, PAGE));
	ERR(madvise(p + 4 * PAGE, 3 * PAGE, MADV_DONTFORK), ENOMEM);
	pid = OK(fork());
	if (pid == 0) {
		TRAP(load(p), SIGSEGV, SEGV_MAPERR, p);
		EQ(load(p + PAGE), 0);
		EQ(load(p + 2 * PAGE), 'm');
		EQ(load(p + 3 * PAGE), 'm');
		TRAP(load(p + 4 * PAGE), SIGSEGV, SEGV_MAPERR, p + 4 * PAGE);
		TRAP(load(p + 6 * PAGE), SIGSEGV, SEGV_MAPERR, p + 6 * PAGE);
		EQ(load(p + 7 * PAGE), 'm');
		store(p + PAGE, 'c');
		pid = OK(fork()); /* the flag is inherited */
		if (pid == 0) {
			EQ(load(p + PAGE), 0);
			_exit(0);
		}
		REAP(pid, 0);
		EQ(load(p + PAGE), 'c');
		_exit(0);
	}
	REAP(pid, 0);
	EQ(load(p), 'm');
	EQ(load(p + PAGE), 'm');
	OK(madvise(p, PAGE, MADV_FREE));
	CHECK(load(p) == 0 || load(p) == 'm');
	store(p, 'n');
	EQ(load(p), 'n');
	return test_done();
}
