/* NEEDS: MEM=64M CPUS=1,2 TIMEOUT=30 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * /proc/PID/task/TID tells of that thread: where it stands, what it has open,
 * the time and the faults that it has had.  /proc/TID has the process's times.
 */
#include "lib/test.h"

#define BUSY_MS 200
#define PAGES 100
#define FD 90

static char text[4096];
static volatile int tid, stage;

/* Not this C library's idea of a thread: its own place, its own descriptors. */
#define APART (CLONE_VM | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM)
#define TOGETHER (APART | CLONE_FS | CLONE_FILES)

static void
until(int at)
{
	while (stage < at)
		sleep_ms(1); /* its CPU time is looked at */
}

static void
touch_and_count(int pages, long ms)
{
	volatile char *p = pages_private(pages);
	uint64_t end;

	for (int i = 0; i < pages; i++)
		p[i * PAGE] = 1;
	end = now_ns() + ms * 1000000UL;
	while (now_ns() < end)
		continue;
	OK(munmap((void *)p, pages * PAGE));
}

/* A thread that stands in / and has FD open; or works. */
static int
elsewhere(void *arg)
{
	OK(chdir("/proc"));
	EQ(dup2(OK(open("/dev/null", O_RDONLY)), FD), FD);
	tid = (int)syscall(SYS_gettid);
	until(1);
	return arg != NULL;
}

/* What getrusage says of the calling one. */
static long
own_faults(void)
{
	struct rusage ru;

	OK(getrusage(RUSAGE_THREAD, &ru));
	return ru.ru_minflt;
}

static int
idle(void *arg)
{
	char link[256];

	/* Its own, by the name for it. */
	LE(1, OK(readlink("/proc/thread-self/exe", link, sizeof(link))));
	LE(1, OK(readlink("/proc/thread-self/cwd", link, sizeof(link))));
	LE(1, OK(readlink("/proc/thread-self/root", link, sizeof(link))));
	tid = (int)syscall(SYS_gettid);
	until(1);
	LE(own_faults(), PAGES - 1);
	touch_and_count(PAGES, rounds(BUSY_MS) / 4);
	LE(PAGES, own_faults());
	stage = 2;
	until(3);
	return arg != NULL;
}

static void
start(int (*fn)(void *), int flags)
{
	static char stack[3][64 * KIB] __attribute__((aligned(16)));
	static int n;

	tid = stage = 0;
	OK(clone(fn, stack[n++] + sizeof(stack[0]), flags, NULL));
	while (tid == 0)
		sched_yield();
	CHECK(tid != getpid());
}

static void
finish(int at)
{
	char path[64];

	stage = at;
	snprintf(path, sizeof(path), "/proc/self/task/%d", tid);
	for (int i = 0; access(path, F_OK) == 0; i++) {
		CHECK(i < 5000);
		sleep_ms(1);
	}
}

static const char *
link_of(const char *dir, int id, const char *name)
{
	char path[64];
	long n;

	snprintf(path, sizeof(path), "%s/%d/%s", dir, id, name);
	n = OK(readlink(path, text, sizeof(text) - 1));
	text[n] = '\0';
	return text;
}

static bool
has_fd(const char *dir, int id)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%d/fd/%d", dir, id, FD);
	return lstat(path, &st) == 0;
}

static void
places(void)
{
	char here[256];

	CHECK(getcwd(here, sizeof(here)) != NULL);
	start(elsewhere, APART);
	EQ(strcmp(link_of("/proc/self/task", tid, "cwd"), "/proc"), 0);
	EQ(strcmp(link_of("/proc", tid, "cwd"), "/proc"), 0);
	EQ(strcmp(link_of("/proc/self/task", getpid(), "cwd"), here), 0);
	EQ(strcmp(link_of("/proc", getpid(), "cwd"), here), 0);
	EQ(strcmp(link_of("/proc/self/task", tid, "root"), "/"), 0);
	EQ(has_fd("/proc/self/task", tid), 1);
	EQ(has_fd("/proc", tid), 1);
	EQ(has_fd("/proc/self/task", getpid()), 0);
	EQ(has_fd("/proc", getpid()), 0);
	finish(1);
}

/* Any thread's number will do to set what is the process's. */
static void
score(void)
{
	char path[64];
	int r;

	start(elsewhere, APART);
	snprintf(path, sizeof(path), "/proc/self/task/%d/oom_score_adj", tid);
	r = proc_write(path, "17");
	if (on_vadose() || r != -EACCES) { /* a container began above that */
		EQ(r, 0);
		EQ(OK(read(OK(open("/proc/self/oom_score_adj", O_RDONLY)), text,
		       9)), 3);
		EQ(atoi(text), 17);
	}
	finish(1);
}

struct times {
	unsigned long faults, ms; /* those in user mode, and all time */
};

static struct times
times_of(const char *dir, int id)
{
	struct times t;
	unsigned long ut, st;
	char path[64];
	int fd;
	long n;

	snprintf(path, sizeof(path), "%s/%d/stat", dir, id);
	fd = OK(open(path, O_RDONLY));
	n = OK(read(fd, text, sizeof(text) - 1));
	text[n] = '\0';
	OK(close(fd));
	EQ(sscanf(strrchr(text, ')'), ") %*c %*d %*d %*d %*d %*d %*u %lu %*u "
	    "%*u %*u %lu %lu", &t.faults, &ut, &st), 3);
	t.ms = (ut + st) * 10;
	return t;
}

static void
times(void)
{
	struct times all, mine, its, by_tid;
	int me = getpid();

	touch_and_count(PAGES, rounds(BUSY_MS));
	start(idle, TOGETHER);
	its = times_of("/proc/self/task", tid);
	LE(its.faults, PAGES - 1);
	LE(its.ms, rounds(BUSY_MS) / 2);
	mine = times_of("/proc/self/task", me);
	LE(PAGES, mine.faults);
	stage = 1;
	until(2);
	its = times_of("/proc/self/task", tid);
	mine = times_of("/proc/self/task", me);
	all = times_of("/proc", me);
	by_tid = times_of("/proc", tid);
	LE(PAGES, its.faults);
	LE(mine.faults + its.faults, all.faults + 5);
	LE(all.faults, by_tid.faults + 5);
	LE(mine.ms, all.ms);
	LE(mine.ms, by_tid.ms);
	finish(3);
}

int
main(void)
{
	places();
	score();
	times();
	return test_done();
}
