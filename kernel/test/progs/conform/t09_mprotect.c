/* NEEDS: MEM=256M CPUS=1,4 TIMEOUT=30 SWEEP=two KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * T9: mprotect on anonymous memory: W off and on, PROT_NONE and back keeps
 * the data, NX, ACCERR, split and merge as lines of maps, ENOMEM on a hole.
 */
#include "lib/trap.h"
#include <pthread.h>

#define PAGES 32

static int
maps_lines(const char *from, const char *to)
{
	FILE *f = fopen("/proc/self/maps", "r");
	unsigned long start, end;
	char line[300];
	int n = 0;

	CHECK(f != NULL);
	while (fgets(line, sizeof(line), f) != NULL) {
		EQ(sscanf(line, "%lx-%lx", &start, &end), 2);
		n += start < (uintptr_t)to && end > (uintptr_t)from;
	}
	fclose(f);
	return n;
}

static void
rights(char *p)
{
	memset(p, 'd', PAGES * PAGE);
	OK(mprotect(p, PAGES * PAGE, PROT_READ));
	TRAP(store(p + 5000, 1), SIGSEGV, SEGV_ACCERR, p + 5000);
	EQ(load(p + 5000), 'd');
	OK(mprotect(p, PAGES * PAGE, PROT_READ | PROT_WRITE));
	store(p + 5000, 'e');
	OK(mprotect(p, PAGES * PAGE, PROT_NONE));
	TRAP(load(p + 5000), SIGSEGV, SEGV_ACCERR, p + 5000);
	TRAP(store(p + 1, 1), SIGSEGV, SEGV_ACCERR, p + 1);
	ERR(write(STDOUT_FILENO, p, 0) + read(-1, p, 1), EBADF);
	OK(mprotect(p, PAGES * PAGE, PROT_READ));
	EQ(load(p + 5000), 'e');
	EQ(load(p + 31 * PAGE), 'd');
	printf("W off and on, NONE and back: data kept, ACCERR\n");
}

static void
execute(char *p)
{
	static const unsigned char ret42[] = { 0xb8, 42, 0, 0, 0, 0xc3 };
	int (*volatile fn)(void) = (int (*)(void))(void *)p;

	OK(mprotect(p, PAGE, PROT_READ | PROT_WRITE));
	memcpy(p, ret42, sizeof(ret42));
	TRAP(fn(), SIGSEGV, SEGV_ACCERR, p);
	OK(mprotect(p, PAGE, PROT_READ | PROT_EXEC));
	EQ(fn(), 42);
	TRAP(store(p, 1), SIGSEGV, SEGV_ACCERR, p);
	printf("execute needs PROT_EXEC\n");
	OK(mprotect(p, PAGES * PAGE, PROT_READ | PROT_WRITE));
}

static void
split_merge(void)
{
	char *hole = pages_private(PAGES + 2), *p = hole + PAGE;

	OK(munmap(hole, PAGE));
	OK(munmap(p + PAGES * PAGE, PAGE));
	EQ(maps_lines(p, p + PAGES * PAGE), 1);
	OK(mprotect(p + 4 * PAGE, 4 * PAGE, PROT_READ));
	EQ(maps_lines(p, p + PAGES * PAGE), 3);
	OK(mprotect(p + 20 * PAGE, PAGE, PROT_NONE));
	EQ(maps_lines(p, p + PAGES * PAGE), 5);
	OK(mprotect(p + 4 * PAGE, 4 * PAGE, PROT_READ | PROT_WRITE));
	EQ(maps_lines(p, p + PAGES * PAGE), 3);
	OK(mprotect(p, PAGES * PAGE, PROT_READ | PROT_WRITE));
	EQ(maps_lines(p, p + PAGES * PAGE), 1);
	printf("split 1, 3, 5 lines; merged 3, 1\n");
	OK(munmap(p, PAGES * PAGE));
}

static void
holes(char *p)
{
	OK(munmap(p + 8 * PAGE, PAGE));
	ERR(mprotect(p, 16 * PAGE, PROT_READ), ENOMEM);
	TRAP(store(p + 7 * PAGE, 1), SIGSEGV, SEGV_ACCERR, p + 7 * PAGE);
	store(p + 9 * PAGE, 1);
	OK(mprotect(p + 8 * PAGE, 0, PROT_READ));
	ERR(syscall(SYS_mprotect, p + 1, PAGE, PROT_READ), EINVAL);
	ERR(mprotect(p, PAGE, 0x100), EINVAL);
	ERR(mprotect(p, PAGE, PROT_GROWSDOWN | PROT_READ), EINVAL);
	ERR(mprotect(p, PAGE, PROT_GROWSDOWN | PROT_GROWSUP), EINVAL);
	OK(mprotect(p, PAGE, PROT_READ | 8));
	printf("hole: ENOMEM after the pages before it; wrong: EINVAL\n");
}

static char *flip_page;
static volatile int flip_stop;

static void *
flip_writer(void *arg)
{
	while (!flip_stop)
		if (TRAPPED(store(flip_page, 'w')) != 0)
			EQ(trap_info.code, SEGV_ACCERR);
	return arg;
}

/* When mprotect has returned, no store of another CPU arrives any more. */
static void
two_threads(char *p)
{
	pthread_t thread;

	flip_page = p;
	EQ(pthread_create(&thread, NULL, flip_writer, NULL), 0);
	for (int i = 0; i < rounds(50); i++) {
		OK(mprotect(p, PAGE, PROT_READ | PROT_WRITE));
		sched_yield();
		store(p, 'm');
		OK(mprotect(p, PAGE, PROT_READ));
		int seen = load(p);
		for (int k = 0; k < 50; k++)
			EQ(load(p), seen);
	}
	flip_stop = 1;
	EQ(pthread_join(thread, NULL), 0);
	printf("W off reaches the other thread at once\n");
}

static void
after_fork(void)
{
	char *p = pages_private(2);
	pid_t pid;

	memset(p, 'f', 2 * PAGE);
	OK(mprotect(p, 2 * PAGE, PROT_READ));
	pid = OK(fork());
	if (pid == 0) {
		OK(mprotect(p, 2 * PAGE, PROT_READ | PROT_WRITE));
		store(p, 'c');
		sleep_ms(20);
		EQ(load(p), 'c');
		EQ(load(p + PAGE), 'f');
		_exit(0);
	}
	OK(mprotect(p, PAGE, PROT_READ | PROT_WRITE));
	EQ(load(p), 'f');
	store(p, 'p');
	REAP(pid, 0);
	EQ(load(p), 'p');
	printf("RO to RW after fork still copies\n");
}

int
main(void)
{
	char *p;

	setvbuf(stdout, NULL, _IONBF, 0);
	trap_catch(0);
	split_merge();
	p = pages_private(PAGES);
	rights(p);
	execute(p);
	two_threads(p);
	OK(mprotect(p, PAGE, PROT_READ | PROT_WRITE));
	holes(p);
	after_fork();
	return test_done();
}
