/* NEEDS: MEM=96M CPUS=1,2 TIMEOUT=120 SWEEP=few KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * A process has at most 65530 mappings: then mmap and the calls that
 * split are ENOMEM, and nothing is changed; munmap makes room again.  mremap stops
 * a little earlier, as on Linux.
 */
#include "lib/trap.h"

#define MANY 70000
#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

#define WHOLE (260 * MIB)

static char *p, *whole;

/* What counts: what the kernel shows beyond the user's half does not. */
static long
mappings(void)
{
	static char text[PAGE];
	int fd = OK(open("/proc/self/maps", O_RDONLY));
	bool begins = true;
	long n = 0, len;

	while ((len = OK(read(fd, text, sizeof(text)))) != 0)
		for (long i = 0; i < len; i++) {
			n += begins && text[i] != 'f';
			begins = text[i] == '\n';
		}
	OK(close(fd));
	return n;
}

/* So many are left: the first ones are given up, others made. */
static void
make_left(long n)
{
	static long given;
	long more;

	for (int i = 0; i < 6; i++, given += 2)
		OK(mprotect(p + given * PAGE, PAGE, PROT_NONE));
	for (more = n - mappings(); more > 0; more--)
		CHECK(mmap(NULL, PAGE, more % 2 ? PROT_EXEC : PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
	EQ(mappings(), n);
}

/* A move makes three more for a moment, one that is told where to go five. */
static void
moves_leave_room(long limit)
{
	char *at = p + 100 * PAGE;

	make_left(limit);
	/* One that is changed as a whole is not split, however many tables it has. */
	OK(mprotect(whole, WHOLE, PROT_EXEC));
	EQ(mappings(), limit);
	ERR((long)mmap(p + (MANY - 40) * PAGE, PAGE, PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0), ENOMEM);
	make_left(limit - 3);
	ERR((long)mremap(at, PAGE, 2 * PAGE, MREMAP_MAYMOVE), ENOMEM);
	make_left(limit - 4);
	CHECK(mremap(at, PAGE, 2 * PAGE, MREMAP_MAYMOVE) != MAP_FAILED);
	make_left(limit - 5);
	at += 2 * PAGE;
	ERR((long)mremap(at, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL),
	    ENOMEM);
	make_left(limit - 6);
	CHECK(mremap(at, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL) !=
	    MAP_FAILED);
}

int
main(void)
{
	long limit = 65530, n, k;
	FILE *f = fopen("/proc/sys/vm/max_map_count", "r");

	if (f != NULL) {
		EQ(fscanf(f, "%ld", &limit), 1);
		fclose(f);
	}
	if (limit > 66000)
		return 0; /* this Linux allows more */
	trap_catch(0);
	p = mmap(NULL, MANY * PAGE, PROT_NONE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	CHECK(p != MAP_FAILED);
	whole = mmap(NULL, WHOLE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	CHECK(whole != MAP_FAILED);
	for (size_t i = 0; i < WHOLE; i += 2 * MIB)
		EQ(load(whole + i), 0);
	for (n = 0; n < MANY; n += 2)
		if (mprotect(p + n * PAGE, PAGE, PROT_READ) != 0)
			break;
	EQ(errno, ENOMEM);
	CHECK(n > limit - 100 && n <= limit);
	TRAP(load(p + n * PAGE), SIGSEGV, SEGV_ACCERR, p + n * PAGE);
	EQ(load(p), 0);
	/* Mappings that cannot be merged, until one is refused. */
	for (k = 0; k < 8; k++)
		if (mmap(NULL, PAGE, k % 2 ? PROT_EXEC : PROT_WRITE,
		        MAP_SHARED | MAP_ANONYMOUS, -1, 0) == MAP_FAILED)
			break;
	EQ(errno, ENOMEM);
	CHECK(k < 8);
	/* A hole in the last one, which is large, would be one more; an end is none. */
	for (k = 0; k < 8 && munmap(p + (MANY - 3 - 2 * k) * PAGE, PAGE) == 0; k++)
		;
	EQ(errno, ENOMEM);
	CHECK(k < 8);
	/* To madvise ENOMEM would be a hole. */
	ERR(madvise(p + (MANY - 40) * PAGE, PAGE, MADV_DONTFORK), EAGAIN);
	/* So would one that mremap leaves: what it cuts off, or where it goes to. */
	ERR((long)mremap(p + (MANY - 40) * PAGE, 2 * PAGE, PAGE, 0), ENOMEM);
	ERR((long)mremap(p, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
	    p + (MANY - 40) * PAGE), ENOMEM);
	ERR(munmap(p + (MANY - 40) * PAGE, PAGE), ENOMEM);
	moves_leave_room(limit);
	OK(munmap(p + (MANY - 1) * PAGE, PAGE));
	OK(munmap(p, 100 * PAGE));
	OK(mprotect(p + n * PAGE, PAGE, PROT_READ));
	EQ(load(p + n * PAGE), 0);
	OK(munmap(p, MANY * PAGE));
	OK(munmap(pages_private(1), PAGE));
	return test_done();
}
