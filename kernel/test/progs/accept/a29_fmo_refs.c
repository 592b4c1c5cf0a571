/* NEEDS: MEM=64M CPUS=1,4 TIMEOUT=30 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * A29: a process counts its own words into a forked memory object: munmap
 * in the child lowers only the child's count; exec drops its reference.
 */
#include "../lib/vmtext.h"
#include <sys/auxv.h>

#define PAGES 150

static volatile int *turn;
static char *area;
static int *pipe_fd;

static int
child(void *arg)
{
	char *argv[] = { "a29", "wait", NULL };

	turn_wait(turn, 1);
	OK(munmap(area, PAGES * PAGE));
	turn_give(turn, 2);
	turn_wait(turn, 3);
	OK(dup2(pipe_fd[0], 0));
	close(pipe_fd[1]);
	execv((char *)getauxval(AT_EXECFN), argv);
	return arg == NULL;
}

static long
nptes(pid_t pid)
{
	return sum_key(text_of(pid, "fmo"), "base=", " nptes=");
}

static int
body(void)
{
	char *stack = shared_stack();
	long mine, its;
	pid_t pid;

	memset(area, 1, PAGES * PAGE);
	snap_all(1);
	pid = fork_on(child, NULL, stack);
	mine = nptes(0);
	its = nptes(pid);
	EQ(its, mine);
	turn_give(turn, 1);
	turn_wait(turn, 2);
	EQ(nptes(pid), its - PAGES);
	EQ(nptes(0), mine);
	snap_all(2);
	DELTA_EQ(1, 2, "fmo.refs_live", 2);
	turn_give(turn, 3);
	while (count_lines(text_of(pid, "fmo")) != 0)
		sched_yield();
	/* The new space is there; the old one is given up right after. */
	for (int i = 0; i < 500; i++) {
		snap_all(3);
		if (snap_delta(2, 3, "fmo.refs_live") == -1)
			break;
		sleep_ms(2);
	}
	DELTA_EQ(2, 3, "fmo.refs_live", -1);
	EQ(nptes(0), mine);
	EQ(write(pipe_fd[1], "x", 1), 1);
	REAP(pid, 0);
	return test_done();
}

int
main(int argc, char **argv)
{
	char c;

	if (argc > 1)
		return read(0, &c, 1) != 1 || strcmp(argv[1], "wait") != 0;
	snap_init();
	text_init();
	turn = (int *)pages_shared(1);
	*turn = 0;
	area = pages_private(PAGES);
	pipe_fd = (int *)pages_shared(1);
	OK(pipe(pipe_fd));
	return run_on_shared_stack(body);
}
