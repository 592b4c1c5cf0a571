/* NEEDS: MEM=32M CPUS=1,2 TIMEOUT=20 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * /proc/TID of a thread that does not lead is there by its name, but in no list;
 * it tells of that thread, and is gone with it.  The links of "task" count threads; a
 * zombie is one.
 */
#include "lib/test.h"
#include <dirent.h>
#include <sys/wait.h>

static volatile int tid, end;
static char stack[16 * KIB] __attribute__((aligned(16)));

static int
run(void *arg)
{
	tid = (int)syscall(SYS_gettid);
	while (end == 0)
		sched_yield();
	return arg != NULL;
}

/* The number behind a word of /proc/TID/status. */
static int
status_of(int id, const char *word)
{
	char path[64], line[256];
	int v = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", id);
	f = fopen(path, "r");
	CHECK(f != NULL);
	while (fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, word, strlen(word)) == 0)
			v = atoi(line + strlen(word));
	fclose(f);
	return v;
}

static bool
is_listed(const char *dir, int id)
{
	struct dirent *e;
	bool seen = false;
	DIR *d = opendir(dir);

	CHECK(d != NULL);
	while ((e = readdir(d)) != NULL)
		seen |= atoi(e->d_name) == id;
	closedir(d);
	return seen;
}

/* By a descriptor as well, whatever there was when it was opened. */
static void
has_links(int fd, const char *dir, nlink_t n)
{
	struct stat st;

	OK(stat(dir, &st));
	EQ(st.st_nlink, n);
	OK(fstat(fd, &st));
	EQ(st.st_nlink, n);
}

static void
zombie(void)
{
	pid_t pid = OK(fork());
	siginfo_t si;
	char path[64];
	int fd;

	if (pid == 0)
		_exit(0);
	OK(waitid(P_PID, (id_t)pid, &si, WEXITED | WNOWAIT));
	EQ(status_of(pid, "Threads:"), 1);
	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	EQ(is_listed(path, pid), 1);
	fd = OK(open(path, O_RDONLY));
	has_links(fd, path, 3);
	snprintf(path, sizeof(path), "/proc/%d/task/%d/status", pid, pid);
	OK(access(path, F_OK));
	REAP(pid, 0);
	ERR(access(path, F_OK), ENOENT);
	OK(close(fd));
}

int
main(void)
{
	int fd = OK(open("/proc/self/task", O_RDONLY));
	struct stat st;
	char path[64];

	zombie();
	has_links(fd, "/proc/self/task", 3);
	OK(clone(run, stack + sizeof(stack), CLONE_VM | CLONE_FS | CLONE_FILES |
	    CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM, NULL));
	while (tid == 0)
		sched_yield();
	CHECK(tid != getpid());
	has_links(fd, "/proc/self/task", 4);
	EQ(status_of(tid, "Pid:"), tid);
	EQ(status_of(tid, "Tgid:"), getpid());
	EQ(is_listed("/proc", tid), 0);
	EQ(is_listed("/proc", getpid()), 1);
	EQ(is_listed("/proc/self/task", tid), 1);
	snprintf(path, sizeof(path), "/proc/%d/task", tid);
	EQ(is_listed(path, tid), 1);
	EQ(is_listed(path, getpid()), 1);
	snprintf(path, sizeof(path), "/proc/%d", tid);
	end = 1;
	for (int i = 0; access(path, F_OK) == 0; i++) {
		CHECK(i < 5000);
		sleep_ms(1);
	}
	ERR(access(path, F_OK), ENOENT);
	for (int i = 0; OK(fstat(fd, &st)) == 0 && st.st_nlink != 3; i++) {
		CHECK(i < 5000);
		sleep_ms(1);
	}
	return test_done();
}
