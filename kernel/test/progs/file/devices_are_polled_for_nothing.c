/* NEEDS: MEM=64M CPUS=1,2 TIMEOUT=20 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * A device that is always ready is waited for as well: for what it never has, until
 * the time is over.
 */
#include "lib/test.h"

static const char *const names[] = { "/dev/null", "/dev/zero", "/dev/full",
	"/dev/random", "/dev/urandom" };
#define NAMES (sizeof(names) / sizeof(names[0]))

/* Other calls leave other bytes on the kernel's stack. */
static void
leave_bytes(int round)
{
	char buf[512];
	struct stat st;
	int fd = OK(open("/proc/self/maps", O_RDONLY));

	if (round % 2 == 0)
		CHECK(read(fd, buf, 1 + round * 50 % sizeof(buf)) > 0);
	if (round % 3 == 0)
		OK(fstat(fd, &st));
	if (round % 4 == 0)
		CHECK(getcwd(buf, sizeof(buf)) != NULL);
	OK(close(fd));
}

int
main(void)
{
	struct pollfd p[NAMES];

	for (size_t i = 0; i < NAMES; i++)
		p[i] = (struct pollfd){ OK(open(names[i], O_RDONLY)), POLLPRI, 0 };
	for (int round = 0; round < 24; round++)
		for (size_t i = 0; i < NAMES; i++) {
			leave_bytes(round);
			EQ(poll(&p[i], 1, 1), 0);
			EQ(poll(p, NAMES, 1), 0);
		}
	return test_done();
}
