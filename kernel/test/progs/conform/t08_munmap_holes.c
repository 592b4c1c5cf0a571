/* NEEDS: MEM=256M CPUS=1,4 TIMEOUT=60 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * T8: a pattern of 1000 holes: an access to a hole is SIGSEGV with MAPERR
 * and the exact address, the pages beside it keep their bytes; unmapping
 * nothing succeeds; the wrong arguments are EINVAL.
 */
#include "lib/host.h"
#include "lib/trap.h"

static long hole_count;
static long span; /* in pages: page, hole, page; the hole is the middle one */

static void
holes(char *p)
{
	long segv = 0;

	for (int i = 0; i < span; i++)
		p[i * PAGE] = i * 7;
	for (int i = 0; i < hole_count; i++) /* in an order that jumps about */
		OK(munmap(p + ((i * 387L) % hole_count * 3 + 1) * PAGE, PAGE));
	for (int i = 0; i < span; i++) {
		if (i % 3 != 1) {
			EQ(p[i * PAGE], (char)(i * 7));
			continue;
		}
		TRAP(load(p + i * PAGE + i % PAGE), SIGSEGV, SEGV_MAPERR,
		    p + i * PAGE + i % PAGE);
		segv++;
	}
	printf("%ld holes answer SIGSEGV, MAPERR, exact address\n", segv);
}

static void
refill(char *p)
{
	for (int i = 0; i < hole_count; i += 2) {
		char *at = p + (i * 3 + 1) * PAGE;
		void *r = mmap(at, PAGE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

		CHECK(r == at);
		EQ(load(at), 0);
	}
	printf("refilled holes read zero\n");
	OK(munmap(p, span * PAGE)); /* across holes and mappings */
	TRAP(load(p), SIGSEGV, SEGV_MAPERR, p);
	TRAP(store(p + span * PAGE - 1, 1), SIGSEGV, SEGV_MAPERR,
	    p + span * PAGE - 1);
	OK(munmap(p, span * PAGE)); /* nothing is left */
	printf("munmap over holes and over nothing: 0\n");
}

static void
after_fork(void)
{
	char *p = pages_private(64);
	pid_t pid;

	memset(p, 'f', 64 * PAGE);
	pid = OK(fork());
	if (pid == 0) {
		OK(munmap(p + 16 * PAGE, 16 * PAGE));
		TRAP(load(p + 16 * PAGE), SIGSEGV, SEGV_MAPERR, p + 16 * PAGE);
		EQ(p[15 * PAGE], 'f');
		EQ(p[32 * PAGE], 'f');
		_exit(0);
	}
	REAP(pid, 0);
	for (int i = 0; i < 64; i++)
		EQ(p[i * PAGE], 'f');
	printf("holes of a child are the child's\n");
}

static void
last_page(void)
{
	char *p = pages_private(40);

	for (int n = 1; n <= rounds(38); n++) {
		char *at = mmap(p, n * PAGE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

		memset(at, n, n * PAGE);
		OK(munmap(at, n * PAGE));
		TRAP(load(at + (n - 1) * PAGE), SIGSEGV, SEGV_MAPERR,
		    at + (n - 1) * PAGE);
		TRAP(load(at), SIGSEGV, SEGV_MAPERR, at);
		EQ(load(p + n * PAGE), 0);
	}
	printf("first and last page of each length are gone at once\n");
}

static void
overlap(void)
{
	char *seen[64];

	for (int i = 0; i < 64; i++) {
		seen[i] = pages_private(1 + i % 3);
		memset(seen[i], i, PAGE * (1 + i % 3));
		if (i % 4 == 3)
			OK(munmap(seen[i - 2], PAGE * (1 + (i - 2) % 3)));
	}
	for (int i = 0; i < 64; i++)
		if (i % 4 != 1)
			EQ(seen[i][PAGE * (i % 3)], i);
	printf("new mappings do not overlap old ones\n");
}

int
main(void)
{
	char *p;

	setvbuf(stdout, NULL, _IONBF, 0);
	trap_catch(0);
	hole_count = rounds(1000);
	span = hole_count * 3;
	p = pages_private(span);
	holes(p);
	refill(p);
	after_fork();
	last_page();
	overlap();
	ERR(munmap(p, 0), EINVAL);
	ERR(munmap(p + 1, PAGE), EINVAL);
	if (!has_five_levels()) {
		ERR(munmap((void *)(1UL << 47), PAGE), EINVAL);
		ERR(munmap((void *)0x7ffffffff000UL, 2 * PAGE), EINVAL);
	}
	ERR(munmap(p, 1UL << 62), EINVAL);
	printf("wrong arguments: EINVAL\n");
	return test_done();
}
