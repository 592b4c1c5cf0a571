/* NEEDS: MEM=64M CPUS=1,2 TIMEOUT=20 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * pipe-user-pages-soft: a user with that much in pipes gets small ones and may
 * not make them larger; -hard: he gets none.  FIFOs count, what is closed does
 * not, nor is root counted.  pipe-max-size holds for users only.
 */
#include "lib/test.h"

#define USER 1234
#define SYS "/proc/sys/fs/"

static char old_soft[32], old_hard[32], old_max[32];
static int fd[64][2];

static void
sys_read(const char *path, char *buf)
{
	int f = OK(open(path, O_RDONLY));
	long n = OK(read(f, buf, 31));

	buf[n] = '\0';
	OK(close(f));
}

static long
new_pipe(int i)
{
	OK(pipe(fd[i]));
	return fcntl(fd[i][0], F_GETPIPE_SZ);
}

static void
close_pipe(int i)
{
	OK(close(fd[i][0]));
	OK(close(fd[i][1]));
}

/* soft 64 pages, hard 70. */
static void
as_user(void)
{
	int rd, wr;

	for (int i = 0; i < 4; i++)
		EQ(new_pipe(i), 65536);
	EQ(new_pipe(4), 8192);
	ERR(fcntl(fd[4][1], F_SETPIPE_SZ, 16384), EPERM);
	EQ(fcntl(fd[4][1], F_SETPIPE_SZ, 4096), 4096);
	EQ(new_pipe(5), 8192);
	EQ(new_pipe(6), 8192);
	ERR(pipe(fd[7]), ENFILE);
	EQ(fcntl(fd[0][0], F_SETPIPE_SZ, 4096), 4096);
	EQ(new_pipe(7), 8192);
	close_pipe(7);
	close_pipe(0);
	close_pipe(1);
	EQ(new_pipe(0), 65536);
	OK(mkfifo("f", 0600));
	for (int i = 0; i < 3; i++) {
		rd = OK(open("f", O_RDONLY | O_NONBLOCK));
		EQ(fcntl(rd, F_GETPIPE_SZ), 8192);
		wr = OK(open("f", O_WRONLY));
		EQ(write(wr, "x", 1), 1);
		OK(close(rd));
		OK(close(wr)); /* what is in it is gone, and its place is free */
	}
	for (int i = 0; i < 7; i++)
		if (i != 1)
			close_pipe(i);
	ERR(fcntl((new_pipe(0), fd[0][0]), F_SETPIPE_SZ, 131072 + 1), EPERM);
	EQ(fcntl(fd[0][0], F_SETPIPE_SZ, 100000), 131072);
	EQ(fcntl(fd[0][0], F_GETPIPE_SZ), 131072);
	close_pipe(0);
	OK(unlink("f"));
}

static void
as_root(void)
{
	for (int i = 0; i < 16; i++)
		EQ(new_pipe(i), 65536);
	EQ(fcntl(fd[0][0], F_SETPIPE_SZ, 200000), 262144);
	ERR(fcntl(fd[0][0], F_SETPIPE_SZ, 1u << 31 | 1), EINVAL);
	for (int i = 0; i < 16; i++)
		close_pipe(i);
}

/* On Linux with any argument: these limits are of the whole machine. */
int
main(int argc, char **argv)
{
	char text[32];
	pid_t pid;

	if (getuid() != 0 || (!on_vadose() && argc < 2))
		return 0;
	sys_read(SYS "pipe-user-pages-soft", old_soft);
	sys_read(SYS "pipe-user-pages-hard", old_hard);
	sys_read(SYS "pipe-max-size", old_max);
	enter_tmp();
	OK(chmod(".", 0777));
	if (proc_write(SYS "pipe-user-pages-soft", "64") != 0)
		return leave_tmp(), 0; /* a container may not */
	EQ(proc_write(SYS "pipe-user-pages-hard", "70"), 0);
	EQ(proc_write(SYS "pipe-max-size", "100000"), 0);
	EQ(proc_write(SYS "pipe-max-size", "100"), 0);
	sys_read(SYS "pipe-max-size", text);
	EQ(atoi(text), PAGE);
	EQ(proc_write(SYS "pipe-max-size", "100000"), 0);
	pid = OK(fork());
	if (pid == 0) {
		OK(setresuid(USER, USER, USER));
		as_user();
		_exit(0);
	}
	REAP(pid, 0);
	as_root();
	EQ(proc_write(SYS "pipe-max-size", "2147483649"), -EINVAL);
	EQ(proc_write(SYS "pipe-max-size", "16384"), 0);
	pid = OK(fork());
	if (pid == 0) {
		EQ(new_pipe(0), 65536);
		OK(setresuid(USER, USER, USER));
		EQ(new_pipe(1), 16384);
		_exit(0);
	}
	REAP(pid, 0);
	EQ(proc_write(SYS "pipe-user-pages-soft", old_soft), 0);
	EQ(proc_write(SYS "pipe-user-pages-hard", old_hard), 0);
	EQ(proc_write(SYS "pipe-max-size", old_max), 0);
	leave_tmp();
	return test_done();
}
