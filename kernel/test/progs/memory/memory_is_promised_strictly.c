/* NEEDS: MEM=32M CPUS=1,2 TIMEOUT=60 SWEEP=few KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * Every promise can be kept: what cannot be is ENOMEM when it is asked
 * for, and nothing has changed then; NORESERVE pays when it is touched.
 */
#include "lib/events.h"
#include "lib/trap.h"

static size_t
pages_left(void)
{
	snap_all(0);
	return snap_get(0, "commit.limit") - snap_get(0, "commit.total");
}

static void *
try_map(size_t pages, int prot, int flags)
{
	return mmap(NULL, pages * PAGE, prot,
	    MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
}

static void
fork_needs_a_promise(void)
{
	size_t n = pages_left() * 2 / 3;
	char *p = pages_private(n);
	pid_t pid;

	for (size_t i = 0; i < n; i += 100)
		store(p + i * PAGE, 1);
	snap_all(1);
	ERR(fork(), ENOMEM);
	snap_all(2);
	DELTA_EQ(1, 2, "commit.total", 0);
	DELTA_EQ(1, 2, "fmo.live", 0);
	CHECK(snap_delta(1, 2, "commit.fail") > 0);
	for (size_t i = 0; i < n; i += 100)
		EQ(load(p + i * PAGE), 1);
	check_vm();
	OK(madvise(p, n * PAGE, MADV_DONTFORK));
	pid = OK(fork());
	if (pid == 0)
		_exit(0);
	REAP(pid, 0);
	OK(munmap(p, n * PAGE));
}

static void
calls(void)
{
	size_t left = pages_left();
	char *p = try_map(left + 10, PROT_READ | PROT_WRITE, 0), *q;

	CHECK(p == MAP_FAILED && errno == ENOMEM);
	p = try_map(left + 10, PROT_NONE, 0);
	CHECK(p != MAP_FAILED);
	ERR(mprotect(p, (left + 10) * PAGE, PROT_READ | PROT_WRITE), ENOMEM);
	TRAP(load(p), SIGSEGV, SEGV_ACCERR, p);
	OK(munmap(p, (left + 10) * PAGE));
	p = pages_private(10);
	memset(p, 'k', 10 * PAGE);
	ERR(mremap(p, 10 * PAGE, (left + 100) * PAGE, MREMAP_MAYMOVE) ==
	        MAP_FAILED ? -1 : 0, ENOMEM);
	EQ(load(p + 9 * PAGE), 'k');
	/* A MAP_FIXED that is refused leaves what was there. */
	q = try_map(left + 100, PROT_READ | PROT_WRITE, MAP_NORESERVE);
	CHECK(q != MAP_FAILED);
	store(q + 5 * PAGE, 'q');
	CHECK(mmap(q, (left + 100) * PAGE, PROT_READ | PROT_WRITE,
	          MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
	    MAP_FAILED);
	EQ(load(q + 5 * PAGE), 'q');
	OK(munmap(q, (left + 100) * PAGE));
	OK(munmap(p, 10 * PAGE));
}

/* NORESERVE pages up to the limit, then SIGBUS at the one too many. */
static void
touch_too_many(void)
{
	size_t n = pages_left() + 1000, i;
	char *p = try_map(n, PROT_READ | PROT_WRITE, MAP_NORESERVE);

	CHECK(p != MAP_FAILED);
	for (i = 0; i < n; i++)
		if (TRAPPED(store(p + i * PAGE, i)) != 0)
			break;
	EQ(trap_info.signo, SIGBUS);
	EQ(trap_info.code, BUS_ADRERR);
	EQ(trap_info.addr, (uintptr_t)p + i * PAGE);
	CHECK(i > n / 2);
	for (size_t k = 0; k < i; k++)
		EQ(load(p + k * PAGE), k & 0xff);
	OK(munmap(p, n * PAGE));
}

int
main(void)
{
	size_t before;

	snap_init();
	trap_catch(0);
	before = pages_left();
	for (int round = 0; round < (is_watched() ? 1 : 2); round++) {
		fork_needs_a_promise();
		calls();
		touch_too_many();
		/* With swap idle tables of others may go: then there is more. */
		CHECK(pages_left() >= before);
		if (is_mine_to_check())
			EQ(pages_left(), before);
		if (round == 0)
			leak_mark();
	}
	leak_diff();
	return test_done();
}
