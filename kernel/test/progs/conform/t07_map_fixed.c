/* NEEDS: MEM=256M CPUS=1,4 TIMEOUT=30 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * T7: MAP_FIXED takes the place of the middle of private, shared and file
 * mappings; MAP_FIXED_NOREPLACE does not; a failure leaves the old map.
 */
#include "lib/file.h"
#include "lib/host.h"
#include "lib/trap.h"

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif
#define N 12
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)

static int file;

/* New pages over the pages 4 to 7 of p, which held who + i. */
static void
replaced(const char *what, char *p, int who)
{
	char *mid = p + 4 * PAGE;

	CHECK(mmap(mid, 4 * PAGE, RW, ANON | MAP_FIXED, -1, 0) == mid);
	for (int i = 0; i < N; i++)
		EQ(load(p + i * PAGE), i < 4 || i > 7 ? who + i : 0);
	memset(mid, 'n', 4 * PAGE);
	CHECK(mmap(mid, 2 * PAGE, RW, MAP_PRIVATE | MAP_FIXED, file,
	          PAGE) == mid);
	for (int i = 0; i < N; i++)
		EQ(load(p + i * PAGE), i < 4 || i > 7 ? who + i :
		    i < 6 ? 'f' + i - 3 : 'n');
	CHECK(mmap(mid + PAGE, 2 * PAGE, RW, MAP_SHARED | MAP_FIXED, file,
	          5 * PAGE) == mid + PAGE);
	EQ(load(mid), 'f' + 1);
	EQ(load(mid + PAGE), 'f' + 5);
	EQ(load(mid + 2 * PAGE), 'f' + 6);
	EQ(load(mid + 3 * PAGE), 'n');
	printf("the middle of a %s mapping is replaced\n", what);
	OK(munmap(p, N * PAGE));
}

static void
each_kind(void)
{
	char *p = pages_private(N), *s = pages_shared(N);
	int fd = file_stamped("t07", N, 'A');

	for (int i = 0; i < N; i++) {
		store(p + i * PAGE, 'a' + i);
		store(s + i * PAGE, 'B' + i);
	}
	replaced("private", p, 'a');
	replaced("shared", s, 'B');
	replaced("private file", file_map(fd, 0, N, RW, MAP_PRIVATE), 'A');
	replaced("shared file", file_map(fd, 0, N, RW, MAP_SHARED), 'A');
	for (int i = 0; i < N; i++)
		EQ(file_byte(fd, i * PAGE), 'A' + i);
	printf("the file keeps its bytes\n");
	close(fd);
}

/* What the other process has is not replaced. */
static void
across_fork(void)
{
	char *p = pages_shared(N), *q = pages_private(N);
	pid_t pid;

	memset(p, 's', N * PAGE);
	memset(q, 'p', N * PAGE);
	pid = OK(fork());
	if (pid == 0) {
		CHECK(mmap(p, N * PAGE, RW, ANON | MAP_FIXED, -1, 0) == p);
		CHECK(mmap(q, N * PAGE, RW, ANON | MAP_FIXED, -1, 0) == q);
		for (int i = 0; i < N; i++)
			EQ(load(p + i * PAGE) + load(q + i * PAGE), 0);
		memset(p, 'x', N * PAGE);
		memset(q, 'x', N * PAGE);
		_exit(0);
	}
	REAP(pid, 0);
	for (int i = 0; i < N; i++) {
		EQ(load(p + i * PAGE), 's');
		EQ(load(q + i * PAGE), 'p');
	}
	printf("replaced in the child, whole in the parent\n");
	OK(munmap(p, N * PAGE));
	OK(munmap(q, N * PAGE));
}

static void
no_replace(void)
{
	int flags = ANON | MAP_FIXED_NOREPLACE;
	char *p = pages_private(N);

	memset(p, 'k', N * PAGE);
	ERR(mmap(p, PAGE, RW, flags, -1, 0), EEXIST);
	ERR(mmap(p + (N - 1) * PAGE, 4 * PAGE, RW, flags, -1, 0), EEXIST);
	OK(munmap(p + 4 * PAGE, 4 * PAGE));
	ERR(mmap(p + 4 * PAGE, 5 * PAGE, RW, flags, -1, 0), EEXIST);
	CHECK(mmap(p + 4 * PAGE, 4 * PAGE, RW, flags, -1, 0) == p + 4 * PAGE);
	for (int i = 0; i < N; i++)
		EQ(load(p + i * PAGE), i < 4 || i > 7 ? 'k' : 0);
	printf("FIXED_NOREPLACE: EEXIST, or the hole is filled\n");
	OK(munmap(p, N * PAGE));
}

static void
failures(void)
{
	char *p = pages_private(N);
	int r = OK(open("/proc/self/exe", O_RDONLY));

	memset(p, 'k', N * PAGE);
	ERR(mmap(p + 1, PAGE, RW, ANON | MAP_FIXED, -1, 0), EINVAL);
	ERR(mmap(p, 0, RW, ANON | MAP_FIXED, -1, 0), EINVAL);
	ERR(mmap(p, PAGE, RW, MAP_PRIVATE | MAP_FIXED, -1, 0), EBADF);
	ERR(mmap(p, PAGE, RW, MAP_SHARED | MAP_FIXED, r, 0), EACCES);
	ERR(mmap(p, PAGE, RW, MAP_PRIVATE | MAP_FIXED, file, 1), EINVAL);
	ERR(mmap(p, PAGE, RW, MAP_ANONYMOUS | MAP_FIXED, -1, 0), EINVAL);
	ERR(mmap((void *)(0UL - (1UL << 46)), PAGE, RW, ANON | MAP_FIXED, -1,
	        0), ENOMEM);
	if (!has_five_levels())
		ERR(mmap(p, 1UL << 47, RW, ANON | MAP_FIXED, -1, 0), ENOMEM);
	for (int i = 0; i < N; i++)
		EQ(load(p + i * PAGE), 'k');
	printf("a failure leaves the old mapping\n");
	OK(munmap(p, N * PAGE));
	close(r);
}

int
main(int argc, char **argv)
{
	file_args(argc, argv);
	trap_catch(0);
	file = file_stamped("t07f", 8, 'f');
	each_kind();
	across_fork();
	no_replace();
	failures();
	return test_done();
}
