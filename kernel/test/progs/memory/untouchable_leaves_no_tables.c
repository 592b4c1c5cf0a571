/* NEEDS: MEM=64M CPUS=1 TIMEOUT=30 KIND=exact */
/*
 * A touch that cannot be paid for leaves no page tables: else a program could fill the
 * memory with those that lead to nothing.
 */
#include "lib/trap.h"

#define PLACES 600

/* Of this process; without memory for it. */
static long
tables(void)
{
	static char text[64 << 10];
	int fd = OK(open("/proc/self/events", O_RDONLY));
	size_t n = 0;
	ssize_t r;
	char *at;

	while ((r = OK(read(fd, text + n, sizeof(text) - 1 - n))) > 0)
		n += r;
	text[n] = '\0';
	OK(close(fd));
	at = strstr(text, "table.live ");
	CHECK(at != NULL);
	return atol(at + strlen("table.live "));
}

/* All that may be promised is. */
static void
promise_all(void)
{
	for (size_t n = GIB; n >= PAGE;)
		if (mmap(NULL, n, PROT_READ | PROT_WRITE,
		        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED)
			n /= 2;
}

int
main(void)
{
	long before, refused = 0;
	char *p;

	if (!on_vadose())
		return 0;
	before = tables();
	trap_catch(0);
	p = mmap(NULL, PLACES * GIB, PROT_READ,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	CHECK(p != MAP_FAILED);
	promise_all();
	for (long i = 0; i < PLACES; i++)
		refused += TRAPPED(load(p + i * GIB)) == SIGBUS;
	CHECK(refused > PLACES / 2);
	LE(tables(), before + 8 + 2 * (PLACES - refused));
	return test_done();
}
