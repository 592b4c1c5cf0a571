/* NEEDS: MEM=64M CPUS=1,2 TIMEOUT=20 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * exec copies each argument whole, wherever in its pages it begins and ends:
 * the zero byte may be the last of a page, or the first of the next one, which
 * holds other text behind it.
 */
#include "lib/test.h"
#include <sys/auxv.h>

static const int lengths[] = { 1, 6, 4000, PAGE - 1, PAGE, PAGE + 1, 9000 };

enum { LENGTHS = sizeof(lengths) / sizeof(*lengths) };

static char
letter(long i)
{
	return 'a' + i % 23;
}

/* A string of n letters whose zero byte lies off bytes behind a page's start. */
static char *
string_ending_at(long n, long off)
{
	char *p = pages_private(5), *s = p + 3 * PAGE + off - n;

	memset(p, 'Z', 5 * PAGE);
	for (long i = 0; i < n; i++)
		s[i] = letter(i);
	s[n] = 0;
	return s;
}

static void
after(char **argv)
{
	for (int i = 0; i < 2 * LENGTHS; i++) {
		const char *s = argv[1 + i];

		EQ(strlen(s), lengths[i % LENGTHS]);
		for (long k = 0; s[k] != 0; k++)
			EQ(s[k], letter(k));
	}
	CHECK(argv[1 + 2 * LENGTHS] == NULL);
}

static void
before(long off)
{
	char *argv[2 * LENGTHS + 2] = { "x" };

	for (int i = 0; i < 2 * LENGTHS; i++)
		argv[1 + i] = string_ending_at(lengths[i % LENGTHS],
		    i < LENGTHS ? off : -off);
	execv((char *)getauxval(AT_EXECFN), argv);
	FAIL("exec: errno %d", errno);
}

int
main(int argc, char **argv)
{
	if (argc > 1) {
		after(argv);
		return 0;
	}
	for (long off = 0; off < 3; off++) {
		pid_t pid = OK(fork());

		if (pid == 0)
			before(off);
		REAP(pid, 0);
	}
	return test_done();
}
