/* NEEDS: MEM=64M CPUS=1,2 TIMEOUT=200 ARGS=1:30 SWEEP=no MORE=2 TURN=3 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * Every allocation fails once: for each point and each workload, hit 1 of
 * the point fails, then hit 2, and so on.  The workload ends well or with a
 * clean error (ENOMEM and its like, SIGBUS, SIGKILL in exec); no invariant
 * breaks and nothing leaks.  Arguments: seed:most (of failures per pair).
 */
#include "lib/test.h"
#include <pthread.h>

#define CLEAN 3 /* exit code: a call said that there is no memory */
#define PAGES 300

static char inject_text[4096];

static void
arm(const char *point, long n, pid_t pid)
{
	char spec[64];

	snprintf(spec, sizeof(spec), "%s:%ld:0:1:%d", point, n, (int)pid);
	EQ(proc_write("/proc/vm/inject", spec), 0);
}

/* The number behind key in the line of this point. */
static long
armed_value(const char *point, const char *key)
{
	int fd = OK(open("/proc/vm/inject", O_RDONLY));
	long n = OK(read(fd, inject_text, sizeof(inject_text) - 1));
	char *at;

	inject_text[n] = '\0';
	OK(close(fd));
	at = strstr(inject_text, point);
	at = at ? strstr(at, key) : NULL;
	CHECK(at != NULL);
	return strtol(at + strlen(key), NULL, 10);
}

/* A call of a workload: no memory is an honest answer. */
static long
may(long r)
{
	if (r != -1)
		return r;
	if (errno == ENOMEM || errno == EAGAIN || errno == ENFILE ||
	    errno == ENOSPC || errno == ENOBUFS || errno == EMFILE)
		_exit(CLEAN);
	FAIL("a call without memory: expected ENOMEM, seen errno %d (%s)",
	    errno, strerror(errno));
}

static char *
may_map(size_t n, int flags)
{
	return (char *)may((long)mmap(NULL, n * PAGE, PROT_READ | PROT_WRITE,
	    flags | MAP_ANONYMOUS, -1, 0));
}

static void
work_memory(void)
{
	char *p = may_map(PAGES, MAP_PRIVATE), *q;
	char *base = (char *)syscall(SYS_brk, 0);

	memset(p, 'm', PAGES * PAGE);
	may(mprotect(p + 10 * PAGE, 10 * PAGE, PROT_READ));
	EQ(p[15 * PAGE], 'm');
	may(madvise(p + 40 * PAGE, 10 * PAGE, MADV_DONTFORK));
	may(munmap(p + 60 * PAGE, 3 * PAGE));
	q = (char *)may((long)mremap(p, 5 * PAGE, 50 * PAGE, MREMAP_MAYMOVE));
	EQ(q[4 * PAGE], 'm');
	EQ(q[5 * PAGE], 0);
	may(munmap(q, 50 * PAGE));
	q = may_map(20, MAP_SHARED);
	memset(q, 's', 20 * PAGE);
	may(munmap(q, 20 * PAGE));
	q = may_map(GIB * 10 / PAGE, MAP_PRIVATE | MAP_NORESERVE);
	q[5 * GIB] = 1;
	may(munmap(q, 10 * GIB));
	if ((char *)syscall(SYS_brk, base + 20 * PAGE) == base + 20 * PAGE)
		memset(base, 'b', 20 * PAGE);
	EQ(p[299 * PAGE], 'm');
	may(munmap(p + 100 * PAGE, 200 * PAGE));
}

static void
work_fork(void)
{
	char *p = may_map(PAGES, MAP_PRIVATE);

	memset(p, 'o', PAGES * PAGE);
	for (int i = 0; i < 3; i++) {
		pid_t pid = may(fork());

		if (pid == 0) {
			for (int k = 0; k < PAGES; k += 2)
				p[k * PAGE] = 'c';
			for (int k = 1; k < PAGES; k += 2)
				EQ(p[k * PAGE], i ? 'p' : 'o');
			_exit(0);
		}
		for (int k = 1; k < PAGES; k += 2)
			p[k * PAGE] = 'p';
		REAP(pid, 0);
		for (int k = 0; k < PAGES; k++)
			EQ(p[k * PAGE], k % 2 ? 'p' : 'o');
	}
}

static void
work_files(void)
{
	static char block[20000];
	int fd, p[2];

	may(mkdir("/tmp/sweep", 0755));
	fd = may(open("/tmp/sweep/file", O_RDWR | O_CREAT, 0644));
	may(write(fd, block, sizeof(block)));
	may(ftruncate(fd, 100));
	may(pipe(p));
	may(write(p[1], block, 5000));
	may(read(p[0], block, 5000));
	may(symlink("file", "/tmp/sweep/link"));
	may(dup2(fd, 90));
	struct pollfd pf = { p[0], POLLIN, 0 };
	may(poll(&pf, 1, 1));
	may(open("/proc/self/maps", O_RDONLY));
}

static void
work_exec(void)
{
	char *argv[] = { "busybox", "sh", "-c", "echo x | cat >/dev/null",
		NULL };

	execv("/bin/busybox", argv);
	may(-1);
}

static void *
thread(void *arg)
{
	volatile char frame[9000];

	frame[0] = frame[8999] = 1;
	return arg;
}

static void
work_threads(void)
{
	union sigval v = { .sival_int = 1 };
	pthread_t t[4];
	sigset_t set;

	for (int i = 0; i < 4; i++)
		if ((errno = pthread_create(&t[i], NULL, thread, NULL)) != 0)
			may(-1);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	sigfillset(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	may(sigqueue(getpid(), 40, v));
	may(sigqueue(getpid(), 41, v));
}

static void (*const workloads[])(void) = { work_memory, work_fork, work_files,
	work_exec, work_threads };
static const char *const workload_names[] = { "memory", "fork", "files",
	"exec", "threads" };
static const char *const points[] = { "FI_FRAME", "FI_SLAB", "FI_KPAGED",
	"FI_COMMIT" };

static void
clean_up(void)
{
	unlink("/tmp/sweep/file");
	unlink("/tmp/sweep/link");
	rmdir("/tmp/sweep");
}

/* One run in which hit n of the point fails; was there such a hit? */
static bool
run(int w, const char *point, long n)
{
	pid_t pid = OK(fork());
	bool fired;
	int status;

	if (pid == 0) {
		setpgid(0, 0);
		arm(point, n, getpid());
		workloads[w]();
		_exit(0);
	}
	status = reap(pid);
	fired = armed_value(point, "fired=") > 0;
	EQ(proc_write("/proc/vm/inject", "off"), 0);
	kill(-pid, SIGKILL);
	while (waitpid(-1, NULL, 0) > 0)
		continue;
	clean_up();
	if (status == 0 || status == CLEAN << 8 ||
	    status == SIGBUS || (w == 3 && WIFSIGNALED(status)) ||
	    (w == 3 && WIFEXITED(status)) ||
	    (status == SIGSEGV && strcmp(point, "FI_COMMIT") == 0))
		return fired;
	FAIL("%s, %s:%ld: status %#x", workload_names[w], point, n, status);
}

static void
sweep(int w, const char *point, long most)
{
	long hits, step;
	pid_t pid = OK(fork());

	if (pid == 0) {
		arm(point, 1000000000, getpid());
		workloads[w]();
		_exit(0);
	}
	REAP(pid, 0);
	hits = armed_value(point, "hits=");
	EQ(proc_write("/proc/vm/inject", "off"), 0);
	clean_up();
	step = hits / most + 1;
	run(w, point, 1);
	leak_mark();
	for (long n = 1; n <= hits; n += step)
		run(w, point, n);
	check_vm();
	if (on_vadose() && proc_write("/proc/vm/check", "diff") != 0)
		FAIL("%s, %s: a failure of hits 1 to %ld leaks",
		    workload_names[w], point, hits);
}

int
main(int argc, char **argv)
{
	uint64_t seed = 1;
	long most = 30;

	if (!on_vadose()) {
		printf("skipped: needs /proc/vm/inject\n");
		return 0;
	}
	mkdir("/tmp", 0777);
	OK(prctl(PR_SET_CHILD_SUBREAPER, 1));
	seed_count(argc, argv, &seed, &most);
	for (size_t w = 0; w < sizeof(workloads) / sizeof(workloads[0]); w++)
		for (size_t p = 0; p < sizeof(points) / sizeof(points[0]); p++)
			sweep(w, points[p], most);
	return test_done();
}
