/* NEEDS: MEM=32M CPUS=1 TIMEOUT=60 SWEEP=no KIND=exact */
/*
 * Under each design a store that nobody pays for keeps no frame, record or charge,
 * and a copy of a page of a file no pin on it.
 */
#include "lib/design.h"
#include "lib/events.h"
#include "lib/trap.h"

/* NORESERVE pages up to the limit; the one too many is refused several times. */
static void
over_the_limit(void)
{
	size_t n, i, again;
	char *p;

	snap_all(0);
	n = snap_get(0, "commit.limit") - snap_get(0, "commit.total") + 1000;
	p = mmap(NULL, n * PAGE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	CHECK(p != MAP_FAILED);
	for (i = 0; i < n && TRAPPED(store(p + i * PAGE, i)) == 0; i++)
		;
	CHECK(i < n);
	for (again = 0; again < 20; again++)
		TRAP(store(p + i * PAGE, 1), SIGBUS, BUS_ADRERR, p + i * PAGE);
	OK(munmap(p, n * PAGE));
}

static void
of_a_file(void)
{
	int fd = OK(open("/tmp/refused", O_RDWR | O_CREAT | O_TRUNC, 0600));
	char *p;

	OK(ftruncate(fd, 8 * PAGE));
	EQ(pwrite(fd, "f", 1, PAGE), 1);
	p = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	CHECK(p != MAP_FAILED);
	EQ(load(p + PAGE), 'f');
	for (size_t i = 0; i < 8; i++)
		store(p + i * PAGE, 'p');
	OK(munmap(p, 8 * PAGE));
	OK(close(fd));
	OK(unlink("/tmp/refused"));
}

int
main(int argc, char **argv)
{
	if (on_vadose() && under_each_design(argc, argv))
		return test_done();
	snap_init();
	trap_catch(0);
	for (int round = 0; round < 2; round++) {
		if (on_vadose())
			over_the_limit();
		of_a_file();
		if (round == 0)
			leak_mark();
	}
	leak_diff();
	return test_done();
}
