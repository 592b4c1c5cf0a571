/* NEEDS: MEM=64M CPUS=1 TIMEOUT=90 TURN=3 KIND=exact */
/*
 * What was opened in /proc/PID belongs to that process: when it has ended,
 * and also when another process has its number, all of it is gone.
 */
#include "lib/test.h"

#define TRIES 70000
#define NEAR 30

static const char *const files[] = { "comm", "stat", "status", "maps",
	"oom_score_adj" };
#define FILES (sizeof(files) / sizeof(files[0]))

static int fd[FILES], dir, fds, thread_comm;

static void
open_all(pid_t pid)
{
	char path[64], byte;

	for (size_t i = 0; i < FILES; i++) {
		snprintf(path, sizeof(path), "/proc/%d/%s", pid, files[i]);
		fd[i] = OK(open(path, i == 0 || i == 4 ? O_RDWR : O_RDONLY));
		EQ(pread(fd[i], &byte, 1, 0), 1);
	}
	snprintf(path, sizeof(path), "/proc/%d", pid);
	dir = OK(open(path, O_RDONLY | O_DIRECTORY));
	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	fds = OK(open(path, O_RDONLY | O_DIRECTORY));
	snprintf(path, sizeof(path), "/proc/%d/task/%d/comm", pid, pid);
	thread_comm = OK(open(path, O_RDONLY));
}

/* Which of the two depends on how far the kernel has come. */
#define GONE(call)                                                             \
	do {                                                                   \
		EQ(call, -1);                                                  \
		CHECK(errno == ENOENT || errno == ESRCH);                      \
	} while (0)

static void
all_is_gone(void)
{
	char buf[512], link[8];

	for (size_t i = 0; i < FILES; i++)
		ERR(pread(fd[i], buf, 1, 0), ESRCH);
	ERR(pread(thread_comm, buf, 1, 0), ESRCH);
	ERR(write(fd[0], "x", 1), ESRCH);
	ERR(write(fd[4], "7", 1), ESRCH);
	GONE(openat(dir, "comm", O_RDONLY));
	GONE(openat(dir, "task", O_RDONLY));
	GONE(openat(fds, "1", O_RDONLY));
	GONE(readlinkat(dir, "exe", link, sizeof(link)));
	GONE(syscall(SYS_getdents64, fds, buf, sizeof(buf)));
	GONE(syscall(SYS_getdents64, dir, buf, sizeof(buf)));
}

static pid_t
sleeper(void)
{
	pid_t pid = OK(fork());

	while (pid == 0)
		pause();
	return pid;
}

/* A process of this number; 0: there was none among so many. */
static pid_t
again(pid_t want)
{
	char word[16];
	pid_t pid;

	snprintf(word, sizeof(word), "%d", want - 1);
	if (on_vadose())
		signal(SIGCHLD, SIG_IGN); /* nobody waits for the others */
	for (int i = 0; i < (on_vadose() ? TRIES : 20); i++) {
		if (!on_vadose())
			(void)proc_write("/proc/sys/kernel/ns_last_pid", word);
		pid = OK(vfork());
		if (pid == 0)
			_exit(0);
		if (pid == want)
			return pid; /* a zombie, which has a comm, too */
		if (pid < want && pid > want - NEAR)
			signal(SIGCHLD, SIG_DFL);
	}
	return 0;
}

int
main(void)
{
	pid_t pid;

	for (int i = 0; i < NEAR; i++) /* a number with others before it */
		if (OK(vfork()) == 0)
			_exit(0);
	while (wait(NULL) > 0)
		continue;
	pid = sleeper();
	open_all(pid);
	OK(kill(pid, SIGKILL));
	REAP_SIGNAL(pid, SIGKILL);
	all_is_gone();
	if (is_watched())
		return test_done(); /* it takes seconds until numbers return */
	if (again(pid) != 0) {
		all_is_gone();
		REAP(pid, 0);
	} else {
		CHECK(!on_vadose());
	}
	return test_done();
}
