/* NEEDS: MEM=64M CPUS=1 TIMEOUT=20 KIND=exact */
/*
 * However small the stack may be, 128 KiB of strings are taken, as long as the
 * stack has room for them; a large one gives a quarter, up to 6 MiB.
 */
#include "lib/test.h"
#include <sys/resource.h>

#define STRING (10 * KIB)

/* A program with so many strings, on a stack of so many bytes; errno or 0. */
static int
start(int strings, rlim_t stack)
{
	static char text[STRING];
	char *argv[64] = { "program", "started" };
	struct rlimit rl = { stack, stack };
	pid_t pid = OK(fork());
	int status;

	if (pid == 0) {
		memset(text, 'a', STRING - 1);
		for (int i = 0; i < strings; i++)
			argv[2 + i] = text;
		OK(setrlimit(RLIMIT_STACK, &rl));
		execve("/proc/self/exe", argv, (char *[]){ NULL });
		_exit(errno);
	}
	status = reap(pid);
	CHECK(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* So many empty arguments, and as many variables; errno or 0. */
static int
pointers(int n)
{
	struct rlimit rl = { MIB, MIB }; /* a quarter is for them and their pointers */
	pid_t pid = OK(fork());
	char **list;
	int status;

	if (pid == 0) {
		list = calloc((size_t)n + 1, sizeof(*list));
		for (int i = 0; i < n; i++)
			list[i] = "";
		OK(setrlimit(RLIMIT_STACK, &rl));
		execve("/proc/self/exe", list, list);
		_exit(errno);
	}
	status = reap(pid);
	CHECK(WIFEXITED(status));
	return WEXITSTATUS(status);
}

int
main(int argc, char **argv)
{
	(void)argv;
	if (argc > 1)
		return 0;
	EQ(start(1, 8 * MIB), 0);
	EQ(start(3, 64 * KIB), 0);    /* a quarter: 16 KiB */
	EQ(start(9, 256 * KIB), 0);   /* a quarter: 64 KiB */
	EQ(start(14, 256 * KIB), E2BIG);
	EQ(start(7, 64 * KIB), E2BIG); /* not all of it */
	EQ(start(20, MIB), 0);        /* a quarter: 256 KiB */
	EQ(start(28, MIB), E2BIG);
	EQ(pointers(14500), 0);
	EQ(pointers(14600), E2BIG);
	EQ(pointers(17000), E2BIG);
	EQ(pointers(40000), E2BIG);
	return test_done();
}
