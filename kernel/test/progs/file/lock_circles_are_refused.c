/* NEEDS: MEM=64M CPUS=1,2 TIMEOUT=20 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * Three processes, each with a record lock that the one before wants: the last
 * to ask gets EDEADLK, and when it lets go the others have their turn.  In one
 * file, and each lock in a file of its own.
 */
#include "lib/sleeps.h"

#define N 3

static int fd[N];

static int
record(int cmd, int type, int i)
{
	struct flock l = { .l_type = type, .l_whence = SEEK_SET,
		.l_start = i, .l_len = 1 };

	return fcntl(fd[i], cmd, &l);
}

/* Byte i is ours; the next one's is wanted. */
static void
child(int i, int ready, int go)
{
	char c;

	OK(record(F_SETLK, F_WRLCK, i));
	EQ(write(ready, "r", 1), 1);
	EQ(read(go, &c, 1), 1);
	_exit(record(F_SETLKW, F_WRLCK, (i + 1) % N) == 0 ? 0 : errno);
}

static void
circle(int files)
{
	int ready[2], go[N][2], status, i;
	char c, name[] = "f0";
	pid_t pid[N];

	OK(pipe(ready));
	for (i = 0; i < N; i++) {
		name[1] = '0' + i % files;
		fd[i] = OK(open(name, O_RDWR | O_CREAT, 0644));
	}
	for (i = 0; i < N; i++) {
		OK(pipe(go[i]));
		pid[i] = OK(fork());
		if (pid[i] == 0)
			child(i, ready[1], go[i][0]);
		EQ(read(ready[0], &c, 1), 1);
	}
	for (i = 0; i < N; i++) {
		EQ(write(go[i][1], "g", 1), 1);
		if (i < N - 1)
			process_sleeps(pid[i]);
	}
	for (i = N - 1; i >= 0; i--) {
		EQ(waitpid(pid[i], &status, 0), pid[i]);
		EQ(WEXITSTATUS(status), i == N - 1 ? EDEADLK : 0);
	}
	for (i = 0; i < N; i++)
		EQ(close(fd[i]) | close(go[i][0]) | close(go[i][1]), 0);
	for (i = 0; i < files; i++) {
		name[1] = '0' + i;
		OK(unlink(name));
	}
	EQ(close(ready[0]) | close(ready[1]), 0);
}

int
main(void)
{
	enter_tmp();
	circle(1);
	circle(N);
	leave_tmp();
	return test_done();
}
