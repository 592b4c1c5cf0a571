/* NEEDS: MEM=64M CPUS=1,4 TIMEOUT=60 SWEEP=no APPEND=frames=8M KIND=exact,bounded */
/* BOUNDED: who ends first on four CPUs is chance; all are one piece when all have ended */
/*
 * Design frames: process 0 ends before its children, at any moment; when the last of them
 * has ended, what they had is one piece again, for whoever comes next.
 */
#include "lib/frames.h"
#include <sys/wait.h>

/* Process 0: cuts its memory into crumbs, has children that wait for their start, ends. */
static int
crumbs(int kills)
{
	int child[3], i;

	for (i = 0; i < 3; i++) {
		child[i] = OK(f_proc(f_cut(2)));
		OK(f_give(f_cut(1), child[i]));
	}
	for (i = 0; i < 40; i++)
		OK(f_cut(1 + (size_t)i % 3));
	for (i = 0; i < kills; i++)
		OK(kill(child[i], SIGKILL));
	return 0;
}

/* How many frames process 0's record has. */
static int
pieces(void)
{
	static char text[1 << 16];
	char *at;
	int fd = OK(open("/proc/vm/owners", O_RDONLY)), n = 0;

	n = OK((int)read(fd, text, sizeof(text) - 1));
	text[n] = 0;
	close(fd);
	at = strstr(text, "process 0 record 0 frames ");
	CHECK(at != NULL);
	return atoi(at + 26);
}

int
main(int argc, char **argv)
{
	int round, waits, status;
	pid_t pid;

	if (argc > 1)
		return crumbs(atoi(argv[1]));
	under_design(DESIGN_FRAMES, argv);
	for (round = 0; round < 8; round++) {
		char kills[2] = { (char)('0' + round % 4), 0 };

		pid = OK(fork());
		if (pid == 0)
			execl("/proc/self/exe", "again", kills, NULL);
		EQ(waitpid(pid, &status, 0), pid);
		EQ(status, 0);
		for (waits = 0; pieces() != 1 && waits < 500; waits++)
			usleep(10000);
		EQ(pieces(), 1);
	}
	printf("ok\n");
	return 0;
}
