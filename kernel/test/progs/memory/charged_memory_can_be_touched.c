/* NEEDS: MEM=48M CPUS=2 TIMEOUT=60 SWEEP=no KIND=bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * Shared memory that was promised can be touched, whoever asks and how small its
 * pieces are: the tables of its objects are promised with them.  Only those of
 * the page table are paid for when they are made; a few pages are left for them.
 * And a handler whose stack is there runs when there is no memory at all.
 */
#include "lib/test.h"

#define PIECE 16 /* pages */
#define MOST 4096
#define LEFT 8   /* pieces given back */
#define USER 1000

static char *pieces[MOST];

static int
fill(void)
{
	int n = 0;

	for (; n < MOST; n++) {
		pieces[n] = mmap(NULL, PIECE * PAGE, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		if (pieces[n] == MAP_FAILED)
			break;
	}
	if (on_vadose())
		CHECK(n > 100 && n < MOST);
	for (int i = 0; i < LEFT; i++)
		OK(munmap(pieces[--n], PIECE * PAGE));
	for (int i = 0; i < n; i++)
		memset(pieces[i], i, PIECE * PAGE);
	for (int i = 0; i < n; i++)
		EQ((unsigned char)pieces[i][PIECE * PAGE - 1], i & 255);
	return 0;
}

static sigjmp_buf refused;

static void
on_bus(int sig)
{
	siglongjmp(refused, sig);
}

/* Touch memory that nobody has promised, to the end. */
static void
handler_runs(void)
{
	static char stack[65536];
	stack_t alt = { stack, 0, sizeof(stack) };
	struct sigaction act = { .sa_handler = on_bus, .sa_flags = SA_ONSTACK };
	volatile char *p = mmap(NULL, GIB, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	CHECK(p != MAP_FAILED);
	memset(stack, 1, sizeof(stack));
	OK(sigaltstack(&alt, NULL));
	OK(sigaction(SIGBUS, &act, NULL));
	for (volatile int i = 0; i < 8; i++)
		if (sigsetjmp(refused, 1) == 0) {
			for (unsigned long at = 0; at < GIB; at += PAGE)
				p[at] = 1;
			FAIL("all of it was there");
		}
}

int
main(void)
{
	if (on_vadose()) {
		pid_t pid = OK(fork());

		if (pid == 0) {
			OK(setresuid(USER, USER, USER));
			handler_runs();
			_exit(0);
		}
		REAP(pid, 0);
	}
	for (int user = 0; user < 2; user++) {
		pid_t pid = OK(fork());

		if (pid == 0) {
			if (user == 1 && getuid() == 0)
				OK(setresuid(USER, USER, USER));
			_exit(fill());
		}
		REAP(pid, 0);
	}
	return test_done();
}
