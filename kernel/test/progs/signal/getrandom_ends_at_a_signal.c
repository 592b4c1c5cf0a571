/* NEEDS: MEM=128M CPUS=1,2 TIMEOUT=30 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * getrandom of very much ends at a signal, behind a whole page; up to a page
 * comes whole.  So does a read of /dev/zero.  The handler does not wait for the
 * rest.
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

static ssize_t
random_bytes(char *p, size_t n)
{
	return getrandom(p, n, 0);
}

static ssize_t
zeros(char *p, size_t n)
{
	int fd = OK(open("/dev/zero", O_RDONLY));
	ssize_t r = read(fd, p, n);

	OK(close(fd));
	return r;
}

static void
ends_at_a_signal(ssize_t (*get)(char *, size_t), char *p)
{
	const struct itimerval often = { { 0, 20000 }, { 0, 20000 } };
	const struct itimerval none = { 0 };
	ssize_t n;

	handled = 0;
	OK(setitimer(ITIMER_REAL, &often, NULL));
	n = OK(get(p, BIG));
	OK(setitimer(ITIMER_REAL, &none, NULL));
	CHECK(handled > 0);
	CHECK(n > 0 && (size_t)n < BIG);
	EQ(n % PAGE, 0);
	EQ(get(p, PAGE), PAGE);
}

int
main(void)
{
	struct sigaction sa = { .sa_handler = handler };
	int fd = OK(memfd_create("one", 0));
	char *p = mmap(NULL, BIG, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS |
	    MAP_NORESERVE, -1, 0);

	CHECK(p != MAP_FAILED);
	/* One object in many places: much address space, little memory. */
	OK(ftruncate(fd, PIECE));
	for (size_t at = 0; at < BIG; at += PIECE)
		CHECK(mmap(p + at, PIECE, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_FIXED, fd, 0) == p + at);
	OK(sigaction(SIGALRM, &sa, NULL));
	ends_at_a_signal(random_bytes, p);
	ends_at_a_signal(zeros, p);
	return test_done();
}
