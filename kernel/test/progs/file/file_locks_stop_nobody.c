/* NEEDS: MEM=64M CPUS=1 ICOUNT=1 APPEND=locks=1 TIMEOUT=120 KIND=exact */
/*
 * A file with 5,000 record locks, and 60 processes of which each waits for the
 * next one's.  Locks that are none of theirs, in this file and in others, do not
 * wake them, and no spin lock is held for as long as many locks take.
 */
#include "lib/sleeps.h"

#define LOCKS 5000
#define WAITERS 60
#define CALLS 100
#define THEIRS 1000000 /* their bytes begin there */
#define HELD_NS 500000 /* all locks for each of the chain: 4,500,000 */

static int fd, other;
static pid_t pid[WAITERS];

static int
record(int f, int cmd, int type, long start)
{
	struct flock l = { .l_type = type, .l_whence = SEEK_SET,
		.l_start = start, .l_len = 1 };

	return fcntl(f, cmd, &l);
}

/* The next one's byte, then no more; the last one's is the parent's. */
static void
child(int i, int ready)
{
	OK(record(fd, F_SETLK, F_WRLCK, THEIRS + i));
	EQ(write(ready, "r", 1), 1);
	OK(record(fd, F_SETLKW, F_WRLCK, i == 0 ? 0 : THEIRS + i - 1));
	_exit(0);
}

/* CPU time of all who wait. */
static uint64_t
time_of_waiters(void)
{
	struct timespec ts;
	uint64_t sum = 0;
	clockid_t c;

	for (int i = 0; i < WAITERS; i++) {
		EQ(clock_getcpuclockid(pid[i], &c), 0);
		OK(clock_gettime(c, &ts));
		sum += ts.tv_sec * 1000000000ul + ts.tv_nsec;
	}
	return sum;
}

/* The longest that a lock of a class has been held. */
static long
held_ns(const char *class)
{
	char line[512], name[64];
	FILE *f = fopen("/proc/vm/locks", "r");
	long ns = -1;
	char *at;

	CHECK(f != NULL);
	snprintf(name, sizeof(name), "class=%s ", class);
	while (ns < 0 && fgets(line, sizeof(line), f) != NULL) {
		at = strstr(line, "max_held_ns=");
		if (strncmp(line, name, strlen(name)) == 0 && at != NULL)
			ns = atol(at + strlen("max_held_ns="));
	}
	fclose(f);
	return ns;
}

int
main(void)
{
	int ready[2], i;
	uint64_t t;
	char c;

	enter_tmp();
	fd = OK(open("f", O_RDWR | O_CREAT, 0644));
	other = OK(open("g", O_RDWR | O_CREAT, 0644));
	OK(pipe(ready));
	for (i = 0; i < LOCKS; i++)
		OK(record(fd, F_SETLK, F_WRLCK, 2 * i));
	for (i = 0; i < WAITERS; i++) {
		pid[i] = OK(fork());
		if (pid[i] == 0)
			child(i, ready[1]);
		EQ(read(ready[0], &c, 1), 1);
		process_sleeps(pid[i]);
	}
	t = time_of_waiters();
	for (i = 0; i < CALLS; i++) {
		OK(record(fd, F_SETLK, F_WRLCK, 2 * i + 1));
		OK(record(fd, F_SETLK, F_UNLCK, 2 * i + 1));
		OK(record(other, F_SETLK, F_WRLCK, i));
		OK(record(other, F_SETLK, F_UNLCK, i));
	}
	LE(time_of_waiters() - t, 1000000);
	OK(record(fd, F_SETLK, F_UNLCK, 0));
	for (i = 0; i < WAITERS; i++)
		REAP(pid[i], 0);
	if (on_vadose())
		LE(held_ns("leaf"), HELD_NS);
	EQ(close(fd) | close(other) | unlink("f") | unlink("g"), 0);
	leave_tmp();
	return test_done();
}
