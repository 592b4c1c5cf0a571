/* NEEDS: MEM=256M CPUS=1,4 TIMEOUT=30 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * T10: mremap of anonymous memory: grow in place, move, shrink, FIXED,
 * old length 0 of a shared mapping, DONTUNMAP, after fork, wrong arguments.
 */
#include "lib/host.h"
#include "lib/smaps.h"
#include "lib/trap.h"

#define N 16UL

static void
stamp(char *p, int n, int who)
{
	for (int i = 0; i < n; i++)
		p[i * PAGE] = who + i;
}

static void
verify(const char *p, int n, int who)
{
	for (int i = 0; i < n; i++)
		EQ(p[i * PAGE], (char)(who + i));
}

/* A reservation of n pages, all unmapped again but the first few. */
static char *
with_room(int used, int total)
{
	char *p = pages_private(total);

	OK(munmap(p + used * PAGE, (total - used) * PAGE));
	return p;
}

static void
grow_and_shrink(void)
{
	char *p = with_room(N, 3 * N);

	stamp(p, N, 10);
	CHECK(mremap(p, N * PAGE, 2 * N * PAGE, 0) == p);
	verify(p, N, 10);
	EQ(load(p + N * PAGE), 0);
	printf("grown in place\n");
	CHECK(mremap(p, 2 * N * PAGE, 4 * PAGE, 0) == p);
	verify(p, 4, 10);
	TRAP(load(p + 4 * PAGE), SIGSEGV, SEGV_MAPERR, p + 4 * PAGE);
	printf("shrunk\n");
	CHECK(mremap(p, 4 * PAGE, N * PAGE, 0) == p);
	EQ(load(p + 4 * PAGE), 0);
	verify(p, 4, 10);
	OK(munmap(p, N * PAGE));
}

static void
move(void)
{
	char *p = pages_private(2 * N), *q;

	stamp(p, 2 * N, 20);
	ERR(mremap(p, N * PAGE, 2 * N * PAGE, 0), ENOMEM); /* blocked */
	q = mremap(p, N * PAGE, 3 * N * PAGE, MREMAP_MAYMOVE);
	CHECK(q != MAP_FAILED && q != p);
	verify(q, N, 20);
	EQ(load(q + N * PAGE), 0);
	TRAP(load(p), SIGSEGV, SEGV_MAPERR, p);
	verify(p + N * PAGE, N, 20 + N);
	printf("moved with its bytes\n");
	CHECK(mremap(q, N * PAGE, N * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
	          p + N * PAGE) == p + N * PAGE);
	verify(p + N * PAGE, N, 20);
	TRAP(load(q), SIGSEGV, SEGV_MAPERR, q);
	EQ(load(q + N * PAGE), 0);
	printf("moved onto another mapping\n");
	OK(munmap(p + N * PAGE, N * PAGE));
	OK(munmap(q + N * PAGE, 2 * N * PAGE));
}

/* Pages cross from one table to others: 600 pages at odd offsets. */
static void
move_far(void)
{
	char *p = pages_private(600), *q = pages_private(2000);
	char *to = q + 777 * PAGE;

	for (int i = 0; i < 600; i += 3)
		store(p + i * PAGE, i);
	CHECK(mremap(p, 600 * PAGE, 600 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
	          to) == to);
	for (int i = 0; i < 600; i++)
		EQ(load(to + i * PAGE), i % 3 ? 0 : i & 0xff);
	printf("600 pages, a third of them touched, moved\n");
	OK(munmap(q, 2000 * PAGE));
}

static void
across_fork(void)
{
	char *p = pages_private(N), *q;
	pid_t pid;

	stamp(p, N, 30);
	pid = OK(fork());
	if (pid == 0) {
		q = mremap(p, N * PAGE, 2 * N * PAGE, MREMAP_MAYMOVE);
		CHECK(q != MAP_FAILED);
		verify(q, N, 30);
		stamp(q, N, 40);
		verify(q, N, 40);
		_exit(0);
	}
	q = mremap(p, N * PAGE, N * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
	    pages_private(N));
	CHECK(q != MAP_FAILED);
	verify(q, N, 30);
	REAP(pid, 0);
	verify(q, N, 30);
	stamp(q, N, 50);
	verify(q, N, 50);
	printf("after fork: each moves its own view\n");
	OK(munmap(q, N * PAGE));
}

/* p grows over what it once had, which its child has still: zeros. */
static void
cut_and_regrow(char *p)
{
	EQ(mremap(p, N * PAGE, N / 2 * PAGE, 0), p);
	EQ(mremap(p, N / 2 * PAGE, 2 * N * PAGE, 0), p);
	verify(p, N / 2, 1);
	for (unsigned i = N / 2; i < 2 * N; i++)
		EQ(p[i * PAGE], 0);
	stamp(p, 2 * N, 50);
	OK(munmap(p, 4 * PAGE));
	EQ(mmap(p, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS |
	    MAP_FIXED, -1, 0), p);
	for (unsigned i = 0; i < 4; i++)
		EQ(p[i * PAGE], 0);
	verify(p + 4 * PAGE, 2 * N - 4, 54);
}

static void
regrown(int flags)
{
	char *p = mmap(NULL, 3 * N * PAGE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
	int go[2];
	pid_t pid;
	char c;

	CHECK(p != MAP_FAILED);
	OK(munmap(p + N * PAGE, 2 * N * PAGE));
	stamp(p, N, 1);
	OK(pipe(go));
	pid = OK(fork());
	if (pid == 0) {
		EQ(read(go[0], &c, 1), 1);
		verify(p, N, 1);
		cut_and_regrow(p);
		_exit(0);
	}
	cut_and_regrow(p);
	EQ(write(go[1], "", 1), 1);
	REAP(pid, 0);
	verify(p + 4 * PAGE, 2 * N - 4, 54);
	OK(munmap(p, 2 * N * PAGE));
	OK(close(go[0]));
	OK(close(go[1]));
}

static void
shared(void)
{
	char *p = pages_shared(N), *q;

	stamp(p, N, 60);
	q = mremap(p, 0, N * PAGE, MREMAP_MAYMOVE);
	CHECK(q != MAP_FAILED && q != p);
	verify(q, N, 60);
	store(q, 'S');
	EQ(load(p), 'S');
	ERR(mremap(p, 0, N * PAGE, 0), ENOMEM);
	printf("old length 0: a second mapping of the shared object\n");
	OK(munmap(p, N * PAGE));
	EQ(load(q), 'S');
	OK(munmap(q, N * PAGE));
}

static void
dontunmap(void)
{
	char *p = pages_private(N), *q;

	stamp(p, N, 70);
	q = mremap(p, N * PAGE, N * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP,
	    NULL);
	CHECK(q != MAP_FAILED && q != p);
	verify(q, N, 70);
	for (unsigned i = 0; i < N; i++)
		EQ(load(p + i * PAGE), 0);
	ERR(mremap(p, N * PAGE, 2 * N * PAGE,
	        MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL), EINVAL);
	ERR(mremap(p, N * PAGE, N * PAGE, MREMAP_DONTUNMAP, NULL), EINVAL);
	printf("DONTUNMAP: the old range reads zero\n");
	OK(munmap(p, N * PAGE));
	OK(munmap(q, N * PAGE));
	/* Of the middle: what stays is one mapping. */
	p = pages_apart(N);
	stamp(p, N, 80);
	q = mremap(p + 4 * PAGE, 4 * PAGE, 4 * PAGE,
	    MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);
	CHECK(q != MAP_FAILED);
	verify(q, 4, 84);
	EQ(smaps_kb(p, N, NULL), 1);
	OK(munmap(p, N * PAGE));
	OK(munmap(q, 4 * PAGE));
}

static void
wrong(void)
{
	char *p = pages_private(N), *far = pages_private(4 * N);

	ERR(mremap(p, PAGE, 0, 0), EINVAL);
	ERR(mremap(p + 1, PAGE, PAGE, 0), EINVAL);
	ERR(mremap(p, PAGE, PAGE, 0x80), EINVAL);
	ERR(mremap(p, PAGE, PAGE, MREMAP_FIXED, far), EINVAL);
	ERR(mremap(p, N * PAGE, N * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
	        p + PAGE), EINVAL);
	ERR(mremap(p, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, far + 1),
	    EINVAL);
	ERR(mremap(p, 0, PAGE, MREMAP_MAYMOVE), EINVAL);
	OK(munmap(far, 4 * N * PAGE));
	ERR(mremap(far, PAGE, 2 * PAGE, MREMAP_MAYMOVE), EFAULT);
	OK(mprotect(p + 4 * PAGE, 4 * PAGE, PROT_READ));
	ERR(mremap(p, 8 * PAGE, 32 * PAGE, MREMAP_MAYMOVE), EFAULT);
	if (overcommit_mode() != 1)
		ERR(mremap(p, PAGE, 1UL << 46, MREMAP_MAYMOVE), ENOMEM);
	printf("wrong arguments: EINVAL, EFAULT, ENOMEM\n");
}

int
main(void)
{
	setvbuf(stdout, NULL, _IONBF, 0);
	trap_catch(0);
	grow_and_shrink();
	move();
	move_far();
	across_fork();
	regrown(0);
	regrown(MAP_NORESERVE);
	printf("after fork: what is cut off and grown again is new\n");
	shared();
	dontunmap();
	wrong();
	return test_done();
}
