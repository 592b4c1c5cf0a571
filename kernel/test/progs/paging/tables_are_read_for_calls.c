/* NEEDS: MEM=32M SWAP=256M CPUS=1,2,4 TIMEOUT=200 SWEEP=few MORE=1,2 TURN=3 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * System calls about memory whose page tables are on swap: one page in each of
 * many blocks of 2 MiB, pushed out, and then every call on blocks of its own.
 * Each must do to what cannot be seen what it does to what can.
 */
#include "lib/events.h"
#include "lib/pressure.h"
#include "lib/smaps.h"
#include "lib/trap.h"

#define BLOCK (2 * MIB)
#define PRESSES 8

enum area {
	A_KEEP, A_UNMAP, A_PROTECT, A_MOVE, A_DROP, A_FREE, A_LOCK, A_PRIVATE,
	A_GROW, A_COUNT
};

static struct hog hog;
static size_t each = 100; /* blocks for one call */
static char *area[A_COUNT];
static int fd;

static char *
place(enum area a, size_t i)
{
	return area[a] + i * BLOCK + (i * 5 % 512) * PAGE;
}

static uint64_t
who(enum area a, size_t i)
{
	return (uint64_t)a << 32 | i;
}

static void
fill(enum area a)
{
	for (size_t i = 0; i < each; i++)
		stamp(place(a, i), who(a, i), 0);
}

static void
verify(enum area a, size_t lo, size_t hi)
{
	for (size_t i = lo; i < hi; i++)
		STAMPED(place(a, i), who(a, i), 0);
}

/* Where tables are a cache they do not go to swap: the pages alone do. */
static bool
tables_are_a_cache(void)
{
	char text[4096];
	int at = OK(open("/proc/self/status", O_RDONLY));
	long n = OK(read(at, text, sizeof(text) - 1));

	close(at);
	text[n] = '\0';
	return strstr(text, "VmDesign:\tuvm") != NULL;
}

/* Until so many tables are out, as far as one can see: Linux does not say. */
static void
push_tables_out(int tables)
{
	long out = 0;

	for (int i = 0; i < PRESSES; i++) {
		hog_press(&hog, meminfo("MemTotal"));
		if (!on_vadose())
			return;
		snap_self(1);
		out = tables_are_a_cache() ? status_kb("VmSwap") / (long)(PAGE / KIB) :
		    snap_get(1, "table.live_out");
		if (out >= tables)
			return;
	}
	FAIL("tables out: %ld", out);
}

static void
try_unmap(void)
{
	char *p = area[A_UNMAP];

	for (size_t i = 0; i < each; i += 2)
		OK(munmap(p + i * BLOCK, BLOCK));
	for (size_t i = 0; i < each; i++) {
		if (i % 2 != 0)
			STAMPED(place(A_UNMAP, i), who(A_UNMAP, i), 0);
		else
			TRAP(*(volatile char *)place(A_UNMAP, i), SIGSEGV,
			    SEGV_MAPERR, place(A_UNMAP, i));
	}
	OK(munmap(p, each * BLOCK));
}

static void
try_protect(void)
{
	OK(mprotect(area[A_PROTECT], each * BLOCK, PROT_READ));
	verify(A_PROTECT, 0, each / 2);
	TRAP(*(volatile char *)place(A_PROTECT, 1) = 1, SIGSEGV, SEGV_ACCERR,
	    place(A_PROTECT, 1));
	OK(mprotect(area[A_PROTECT], each * BLOCK, PROT_NONE));
	OK(mprotect(area[A_PROTECT], each * BLOCK, PROT_READ | PROT_WRITE));
	verify(A_PROTECT, 0, each);
	for (size_t i = 0; i < each; i++)
		stamp(place(A_PROTECT, i), who(A_PROTECT, i), 0);
}

/* Not a whole number of tables away: each goes to two. */
static void
try_move(void)
{
	size_t n = each * BLOCK;
	char *to = mmap(NULL, n + BLOCK, PROT_NONE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	CHECK(to != MAP_FAILED);
	to += 100 * PAGE;
	EQ((uintptr_t)mremap(area[A_MOVE], n, n, MREMAP_MAYMOVE | MREMAP_FIXED,
	    to), (uintptr_t)to);
	area[A_MOVE] = to;
	verify(A_MOVE, 0, each);
}

static void
try_advice(void)
{
	OK(madvise(area[A_DROP], each * BLOCK, MADV_DONTNEED));
	for (size_t i = 0; i < each; i++)
		CHECK(is_zero_page(place(A_DROP, i)));
	OK(madvise(area[A_FREE], each * BLOCK, MADV_FREE));
	for (size_t i = 0; i < each; i++)
		if (!is_zero_page(place(A_FREE, i)))
			STAMPED(place(A_FREE, i), who(A_FREE, i), 0);
}

static void
try_lock(void)
{
	struct rlimit big = { 64 * MIB, 64 * MIB };

	OK(setrlimit(RLIMIT_MEMLOCK, &big));
	for (size_t i = 0; i < each / 10; i++)
		OK(mlock(place(A_LOCK, i), PAGE));
	verify(A_LOCK, 0, each / 10);
	for (size_t i = 0; i < each / 10; i++)
		OK(munlock(place(A_LOCK, i), PAGE));
	verify(A_LOCK, 0, each);
}

/* Private copies behind the end of the file go, though their tables are out. */
static void
try_truncate(void)
{
	OK(ftruncate(fd, each / 2 * BLOCK));
	verify(A_PRIVATE, 0, each / 2);
	TRAP(*(volatile char *)place(A_PRIVATE, each / 2), SIGBUS, BUS_ADRERR,
	    place(A_PRIVATE, each / 2));
	OK(ftruncate(fd, each * BLOCK));
	for (size_t i = each / 2; i < each; i++)
		CHECK(is_zero_page(place(A_PRIVATE, i)));
	verify(A_PRIVATE, 0, each / 2);
}

static void
try_grow(void)
{
	char *p = mremap(area[A_GROW], each * BLOCK, (each + 4) * BLOCK,
	    MREMAP_MAYMOVE);

	CHECK(p != MAP_FAILED);
	area[A_GROW] = p;
	verify(A_GROW, 0, each);
	CHECK(is_zero_page(p + (each + 3) * BLOCK));
}

/* Two generations, tables of all three on their way. */
static void
try_fork(void)
{
	pid_t pid = OK(fork()), grandchild;

	if (pid != 0) {
		REAP(pid, 0);
		verify(A_KEEP, 0, each);
		return;
	}
	hog_press(&hog, meminfo("MemTotal"));
	verify(A_KEEP, 0, each / 2);
	for (size_t i = 0; i < each; i += 3)
		stamp(place(A_KEEP, i), 7, i);
	grandchild = OK(fork());
	for (size_t i = 0; i < each; i++) {
		if (i % 3 == 0)
			STAMPED(place(A_KEEP, i), 7, i);
		else
			STAMPED(place(A_KEEP, i), who(A_KEEP, i), 0);
	}
	if (grandchild != 0)
		REAP(grandchild, 0);
	_exit(0);
}

/* What is out counts as on swap; pagemap finds it. */
static void
try_files(void)
{
	uint64_t word;

	pagemap_read(place(A_KEEP, 3), 1, &word);
	CHECK((word & (PM_SWAPPED | PM_PRESENT)) != 0);
	if (on_vadose())
		LE(each * PAGE / KIB, status_kb("VmSwap"));
}

int
main(void)
{
	int prot = PROT_READ | PROT_WRITE;

	need_swap();
	each = rounds(each);
	if (on_vadose())
		snap_init();
	trap_catch(0);
	fd = OK(memfd_create("cut", 0));
	OK(ftruncate(fd, each * BLOCK));
	hog = hog_start();
	for (int a = 0; a < A_COUNT; a++) {
		area[a] = mmap(NULL, each * BLOCK, prot, MAP_NORESERVE |
		    MAP_PRIVATE | (a == A_PRIVATE ? 0 : MAP_ANONYMOUS),
		    a == A_PRIVATE ? fd : -1, 0);
		CHECK(area[a] != MAP_FAILED);
		fill(a);
	}
	push_tables_out(A_COUNT * each * 8 / 10);
	check_vm();
	try_files();
	try_unmap();
	try_protect();
	try_move();
	try_advice();
	try_lock();
	try_truncate();
	try_grow();
	check_vm();
	if (!is_watched())
		push_tables_out(A_COUNT * each / 2);
	try_fork();
	try_move();
	OK(munmap(area[A_KEEP], each * BLOCK));
	hog_end(&hog);
	return test_done();
}
