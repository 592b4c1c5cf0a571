/* NEEDS: MEM=64M CPUS=1,2 TIMEOUT=20 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * When users have all the open files that there may be (file-max), they get
 * ENFILE from every call that opens one, and root goes on; file-nr tells.
 */
#include "lib/test.h"

#define USER 1234
#define SYS "/proc/sys/fs/"

static long
number(const char *path, int which)
{
	long v[3] = { -1, -1, -1 };
	FILE *f = fopen(path, "r");

	CHECK(f != NULL);
	EQ(fscanf(f, "%ld %ld %ld", &v[0], &v[1], &v[2]) > which, 1);
	fclose(f);
	return v[which];
}

static void
fill_up(int tell)
{
	int fd[2];
	long n = 0;

	while (open("/", O_RDONLY) >= 0)
		n++;
	EQ(errno, ENFILE);
	CHECK(n > 0);
	ERR(pipe(fd), ENFILE);
	ERR(open("/proc/self/stat", O_RDONLY), ENFILE);
	ERR(memfd_create("m", 0), ENFILE);
	ERR(open("/dev/null", O_RDONLY), ENFILE);
	OK(dup(0)); /* makes no open file */
	EQ(write(tell, "x", 1), 1);
	pause();
}

/* On Linux with any argument: the limit is of the whole machine. */
int
main(int argc, char **argv)
{
	struct rlimit many = { 4096, 4096 };
	int told[2], fd[2], own;
	long before, max;
	char word[32], c;
	pid_t pid;

	if (getuid() != 0 || (!on_vadose() && argc < 2))
		return 0;
	max = number(SYS "file-max", 0);
	before = number(SYS "file-nr", 0);
	CHECK(before > 0 && before < max);
	EQ(number(SYS "file-nr", 2), max);
	if (on_vadose()) {
		struct rlimit all;

		OK(getrlimit(RLIMIT_NOFILE, &all));
		CHECK(max > (long)all.rlim_cur * 4);
	}
	snprintf(word, sizeof(word), "%ld", before + 300);
	if (proc_write(SYS "file-max", word) != 0)
		return 0; /* a container may not */
	EQ(number(SYS "file-max", 0), before + 300);
	own = OK(open("/", O_RDONLY));
	OK(pipe(told));
	pid = OK(fork());
	if (pid == 0) {
		OK(setrlimit(RLIMIT_NOFILE, &many));
		OK(setresuid(USER, USER, USER));
		fill_up(told[1]);
	}
	EQ(read(told[0], &c, 1), 1);
	OK(pipe(fd));
	OK(close(OK(open("/", O_RDONLY))));
	CHECK(number(SYS "file-nr", 0) >= before + 300);
	OK(kill(pid, SIGKILL));
	REAP_SIGNAL(pid, SIGKILL);
	snprintf(word, sizeof(word), "%ld", max);
	EQ(proc_write(SYS "file-max", word), 0);
	OK(close(own));
	return test_done();
}
