/* NEEDS: MEM=64M CPUS=1,2 TIMEOUT=60 SWEEP=few KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * Root says how many mappings a process may have: fewer or more from the next
 * call on; who has more keeps them.  Others may read it.
 *
 * Only in a guest: on Linux it would be the host's.
 */
#include "lib/test.h"

#define FILE_MAX "/proc/sys/vm/max_map_count"
#define MANY 4000

static long
limit(void)
{
	char text[32] = "";
	int fd = OK(open(FILE_MAX, O_RDONLY));

	CHECK(read(fd, text, sizeof(text) - 1) > 0);
	close(fd);
	return strtol(text, NULL, 10);
}

/* Each other page becomes a mapping of its own, until one is refused. */
static long
split(char *p, long from)
{
	long n = from;

	while (n < MANY && mprotect(p + n * PAGE, PAGE, PROT_READ) == 0)
		n += 2;
	if (n < MANY)
		EQ(errno, ENOMEM);
	return n;
}

/* Lines of maps; read without memory of malloc, which may be a mapping more. */
static long
mappings(void)
{
	int fd = OK(open("/proc/self/maps", O_RDONLY));
	static char text[4096];
	long n = 0, got;

	while ((got = OK(read(fd, text, sizeof(text)))) > 0)
		for (long i = 0; i < got; i++)
			n += text[i] == '\n';
	OK(close(fd));
	return n;
}

static void
set(long max)
{
	char text[32];

	snprintf(text, sizeof(text), "%ld", max);
	EQ(proc_write(FILE_MAX, text), 0);
}

/* mmap makes one more than can be split; a move wants room for three. */
static void
edges(void)
{
	char *p = mmap(NULL, 3 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	long n = mappings();
	pid_t pid = OK(fork());

	if (pid != 0) {
		REAP(pid, 0);
		OK(munmap(p, 3 * PAGE));
		return;
	}
	set(n + 3);
	CHECK(mremap(p, PAGE, 2 * PAGE, MREMAP_MAYMOVE) == MAP_FAILED);
	EQ(errno, ENOMEM);
	set(n + 4);
	CHECK(mremap(p, PAGE, 2 * PAGE, MREMAP_MAYMOVE) != MAP_FAILED);
	set(n + 20);
	while (mmap(NULL, PAGE, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0) !=
	    MAP_FAILED)
		;
	EQ(errno, ENOMEM);
	EQ(mappings(), n + 21);
	_exit(0);
}

int
main(void)
{
	long before, n, more;
	pid_t pid;
	char *p;

	if (!on_vadose())
		return 0;
	before = limit();
	EQ(before, 65530);
	p = mmap(NULL, MANY * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(p != MAP_FAILED);
	EQ(proc_write(FILE_MAX, "1000\n"), 0);
	EQ(limit(), 1000);
	n = split(p, 0);
	CHECK(n > 900 && n <= 1000);
	EQ(proc_write(FILE_MAX, "2000"), 0);
	more = split(p, n);
	CHECK(more > n + 900 && more <= 2000);
	/* A child has what its parent has, and no more either. */
	pid = OK(fork());
	if (pid == 0) {
		EQ(split(p, more), more);
		_exit(0);
	}
	REAP(pid, 0);
	/* Below what there is: nothing is taken away, nothing comes. */
	EQ(proc_write(FILE_MAX, "10"), 0);
	ERR((long)mmap(NULL, PAGE, PROT_EXEC, MAP_SHARED | MAP_ANONYMOUS, -1, 0), ENOMEM);
	EQ(*(volatile char *)p, 0);
	OK(munmap(p, 100 * PAGE));
	EQ(proc_write(FILE_MAX, "-1"), -EINVAL);
	EQ(proc_write(FILE_MAX, "2147483648"), -EINVAL);
	EQ(proc_write(FILE_MAX, "many"), -EINVAL);
	EQ(limit(), 10);
	/* More than Linux gives without being asked. */
	EQ(proc_write(FILE_MAX, "2147483647"), 0);
	EQ(limit(), 2147483647);
	EQ(split(p, more), MANY);
	pid = OK(fork());
	if (pid == 0) {
		OK(setuid(1000));
		EQ(proc_write(FILE_MAX, "65530"), -EACCES);
		EQ(limit(), 2147483647);
		_exit(0);
	}
	REAP(pid, 0);
	edges();
	EQ(proc_write(FILE_MAX, "65530"), 0);
	OK(munmap(p, MANY * PAGE));
	return test_done();
}
