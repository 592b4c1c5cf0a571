/* NEEDS: MEM=32M CPUS=1,2 TIMEOUT=20 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * MREMAP_DONTUNMAP: what was private has gone with the mapping, what stays shows
 * the object again, or zeros.  MADV_DONTNEED_LOCKED: the same, of locked memory.
 */
#include "lib/test.h"

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif
#define DONTNEED_LOCKED 24
#define RW (PROT_READ | PROT_WRITE)

static char *
moved(char *p, size_t n)
{
	char *q = mremap(p, n, n, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);

	CHECK(q != MAP_FAILED && q != p);
	return q;
}

static char *
of_file(int fd, int flags)
{
	char *p = mmap(NULL, 3 * PAGE, RW, flags, fd, 0);

	CHECK(p != MAP_FAILED);
	return p;
}

static void
shared_is_seen_at_both(char *p)
{
	char *q;

	memset(p, 1, 2 * PAGE);
	q = moved(p, 2 * PAGE);
	EQ(q[0], 1);
	EQ(p[PAGE], 1);
	q[PAGE] = 2;
	p[0] = 3;
	EQ(p[PAGE], 2);
	EQ(q[0], 3);
	OK(munmap(p, 2 * PAGE));
	EQ(q[0], 3);
	OK(munmap(q, 2 * PAGE));
}

static void
private_goes(int fd)
{
	char *p = of_file(fd, MAP_PRIVATE), *q;

	p[0] = 'p';
	EQ(p[PAGE], 'f');
	q = moved(p, 2 * PAGE);         /* a part of the mapping */
	EQ(q[0], 'p');
	EQ(q[PAGE], 'f');
	EQ(p[0], 'f');
	p[0] = 'n';
	EQ(q[0], 'p');
	EQ(p[2 * PAGE], 'f');
	pid_t pid = OK(fork());
	if (pid == 0) {
		EQ(p[0], 'n');
		EQ(q[0], 'p');
		_exit(0);
	}
	REAP(pid, 0);
	OK(munmap(p, 3 * PAGE));
	OK(munmap(q, 2 * PAGE));
}

static void
locked_is_emptied(int fd)
{
	char *p = pages_private(3), *f = of_file(fd, MAP_PRIVATE);

	memset(p, 1, 3 * PAGE);
	OK(mlock(p, 3 * PAGE));
	ERR(madvise(p, PAGE, MADV_DONTNEED), EINVAL);
	OK(madvise(p + PAGE, PAGE, DONTNEED_LOCKED));
	EQ(p[0], 1);
	EQ(p[PAGE], 0);
	p[PAGE] = 2;
	OK(madvise(p, 3 * PAGE, DONTNEED_LOCKED));
	OK(munlock(p, 3 * PAGE));
	EQ(p[PAGE], 0);
	f[0] = 'p';
	OK(mlock(f, PAGE));
	OK(madvise(f, PAGE, DONTNEED_LOCKED));
	EQ(f[0], 'f');
	OK(madvise(f + PAGE, PAGE, DONTNEED_LOCKED)); /* not locked: as without */
	OK(munmap(f, 3 * PAGE));
	OK(munmap(p, 3 * PAGE));
}

int
main(void)
{
	static char text[3 * PAGE];
	int fd;

	enter_tmp();
	memset(text, 'f', sizeof(text));
	make_file("f", text, sizeof(text), 0600);
	fd = OK(open("f", O_RDWR));
	shared_is_seen_at_both(pages_shared(2));
	private_goes(fd);
	locked_is_emptied(fd);
	shared_is_seen_at_both(of_file(fd, MAP_SHARED));
	OK(close(fd));
	OK(unlink("f"));
	leave_tmp();
	return test_done();
}
