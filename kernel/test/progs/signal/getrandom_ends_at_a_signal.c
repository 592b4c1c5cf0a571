/* NEEDS: MEM=128M CPUS=1,2 TIMEOUT=30 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * getrandom of very much ends at a signal, behind a whole page; up to a page
 * comes whole.  The handler does not wait for the rest.
 */
#include "lib/test.h"
#include <sys/random.h>

#define BIG (1024 * MIB)
#define PIECE (16 * MIB)

static volatile int handled;

static void
handler(int signo)
{
	(void)signo;
	handled++;
}

int
main(void)
{
	const struct itimerval often = { { 0, 20000 }, { 0, 20000 } };
	const struct itimerval none = { 0 };
	struct sigaction sa = { .sa_handler = handler };
	int fd = OK(memfd_create("one", 0));
	char *p = mmap(NULL, BIG, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS |
	    MAP_NORESERVE, -1, 0);
	ssize_t n;

	CHECK(p != MAP_FAILED);
	/* One object in many places: much address space, little memory. */
	OK(ftruncate(fd, PIECE));
	for (size_t at = 0; at < BIG; at += PIECE)
		CHECK(mmap(p + at, PIECE, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_FIXED, fd, 0) == p + at);
	OK(sigaction(SIGALRM, &sa, NULL));
	OK(setitimer(ITIMER_REAL, &often, NULL));
	n = OK(getrandom(p, BIG, 0));
	OK(setitimer(ITIMER_REAL, &none, NULL));
	CHECK(handled > 0);
	CHECK(n > 0 && (size_t)n < BIG);
	EQ(n % PAGE, 0);
	EQ(getrandom(p, PAGE, 0), PAGE);
	return test_done();
}
