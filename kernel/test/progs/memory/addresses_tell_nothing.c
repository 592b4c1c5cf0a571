/* NEEDS: MEM=64M CPUS=1 TIMEOUT=20 KIND=exact */
/*
 * The places of the stack, of mappings, of the heap are chosen each by itself:
 * who learns one does not know another.  Where addresses are not chosen at random
 * (boot word norandom), all are the same in each program.
 */
#include "lib/test.h"

#define RUNS 6

struct places {
	unsigned long stack, map, heap;
};

/* Of a new program: where its stack ends, and what is mapped first. */
static void
tell(void)
{
	char line[512];
	struct places at = { .heap = (unsigned long)sbrk(0) };
	FILE *f = fopen("/proc/self/maps", "r");
	unsigned long end;

	CHECK(f != NULL);
	while (fgets(line, sizeof(line), f) != NULL)
		if (strstr(line, "[stack]") != NULL &&
		    sscanf(line, "%*x-%lx", &end) == 1)
			at.stack = end;
	CHECK(fclose(f) == 0 && at.stack != 0);
	at.map = (unsigned long)mmap(NULL, 64 * MIB, PROT_NONE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	EQ(write(STDOUT_FILENO, &at, sizeof(at)), sizeof(at));
}

static void
ask(char *self, struct places *at)
{
	int fd[2];
	pid_t pid;

	OK(pipe(fd));
	pid = OK(fork());
	if (pid == 0) {
		OK(dup2(fd[1], STDOUT_FILENO));
		execl("/proc/self/exe", self, "tell", NULL);
		_exit(127);
	}
	EQ(read(fd[0], at, sizeof(*at)), sizeof(*at));
	REAP(pid, 0);
	OK(close(fd[0]));
	OK(close(fd[1]));
}

/* How many pairs of runs have the same value. */
static int
same(const unsigned long *value)
{
	int n = 0;

	for (int i = 0; i < RUNS; i++)
		for (int k = 0; k < i; k++)
			n += value[i] == value[k];
	return n;
}

int
main(int argc, char **argv)
{
	unsigned long stack[RUNS], map[RUNS], heap[RUNS];
	struct places at;
	int all;

	if (argc > 1) {
		tell();
		return 0;
	}
	for (int i = 0; i < RUNS; i++) {
		ask(argv[0], &at);
		CHECK(at.map + 64 * MIB < at.stack);
		stack[i] = at.stack;
		map[i] = at.stack - at.map;
		heap[i] = at.map - at.heap;
	}
	all = same(stack);
	CHECK(all == 0 || all == RUNS * (RUNS - 1) / 2);
	EQ(same(map), all);
	EQ(same(heap), all);
	return test_done();
}
