/* NEEDS: MEM=64M CPUS=1,2 TIMEOUT=30 */
/*
 * The calls change the user and group of the thread that makes them; that all
 * threads of a process have the same is the C library's doing.  So setuid(0)
 * of each thread of a set-uid program leaves its real user as it was.
 */
#include "lib/test.h"
#include <pthread.h>

#define USER 1000
#define OTHER 2000
#define TOGETHER (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | \
                  CLONE_THREAD | CLONE_SYSVSEM)

static volatile int stage, tid;
static char file[64], program[64];

static void
until(int at)
{
	while (stage < at)
		sched_yield();
}

/* Not by the C library, which would tell the other threads. */
static int
set_ids(int real, int eff, int saved)
{
	return syscall(SYS_setresuid, real, eff, saved);
}

static void
ids_are(int real, int eff, int saved)
{
	unsigned r, e, s;

	OK(syscall(SYS_getresuid, &r, &e, &s));
	EQ(r, real);
	EQ(e, eff);
	EQ(s, saved);
}

/* Of the thread, as /proc tells it. */
static int
uid_told(int id)
{
	char path[64], line[128];
	int uid = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%d/status", id);
	f = fopen(path, "r");
	CHECK(f != NULL);
	while (fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, "Uid:", 4) == 0)
			uid = atoi(line + 4);
	fclose(f);
	return uid;
}

static void
start(int (*fn)(void *))
{
	static char stack[64 * KIB] __attribute__((aligned(16)));

	tid = stage = 0;
	OK(clone(fn, stack + sizeof(stack), TOGETHER, NULL));
}

static int
becomes_root(void *arg)
{
	OK(syscall(SYS_setuid, 0));
	ids_are(USER, 0, 0);
	stage = 1;
	until(2);
	return arg != NULL;
}

/* As a set-uid program that has put its rights aside takes them back. */
static int
each_by_itself(void)
{
	OK(set_ids(USER, USER, 0));
	start(becomes_root);
	until(1);
	ids_are(USER, USER, 0);
	OK(syscall(SYS_setuid, 0));
	ids_are(USER, 0, 0);
	stage = 2;
	return 0;
}

static int
serves_a_user(void *arg)
{
	pid_t pid;

	OK(set_ids(USER, USER, USER));
	ERR(open(file, O_RDONLY), EACCES);
	ERR(set_ids(0, 0, 0), EPERM);
	pid = OK(fork());
	if (pid == 0) {
		ids_are(USER, USER, USER);
		_exit(open(file, O_RDONLY) < 0 ? 0 : 9);
	}
	REAP(pid, 0);
	tid = (int)syscall(SYS_gettid);
	until(1);
	return arg != NULL;
}

static int
one_for_a_user(void)
{
	start(serves_a_user);
	while (tid == 0)
		sched_yield();
	OK(close(OK(open(file, O_RDONLY))));
	ids_are(0, 0, 0);
	EQ(uid_told(tid), USER);
	EQ(uid_told(getpid()), 0);
	stage = 1;
	return 0;
}

static int
execs(void *arg)
{
	OK(set_ids(USER, USER, USER));
	execl(program, program, "who", (char *)NULL);
	_exit(98 + (arg != NULL));
}

/* What execs is the process from then on. */
static int
one_execs(void)
{
	start(execs);
	until(9);
	return 9;
}

static void *
looks(void *done)
{
	until(1);
	ids_are(OTHER, OTHER, OTHER);
	return done;
}

/* The C library's call is for all. */
static int
all_at_once(void)
{
	pthread_t thread;

	EQ(pthread_create(&thread, NULL, looks, NULL), 0);
	OK(setresuid(OTHER, OTHER, OTHER));
	stage = 1;
	EQ(pthread_join(thread, NULL), 0);
	return 0;
}

int
main(int argc, char **argv)
{
	int (*const part[])(void) = { each_by_itself, one_for_a_user, one_execs,
		all_at_once };
	pid_t pid;

	if (argc > 1)
		return getuid() == USER && geteuid() == USER ? 0 : 9;
	if (getuid() != 0)
		return 0;
	mkdir("/tmp", 0777);
	snprintf(file, sizeof(file), "/tmp/ids.%d", (int)getpid());
	snprintf(program, sizeof(program), "/tmp/who.%d", (int)getpid());
	make_file(file, "x", 1, 0600);
	copy_self(program);
	for (size_t i = 0; i < sizeof(part) / sizeof(part[0]); i++) {
		pid = OK(fork());
		if (pid == 0)
			_exit(part[i]());
		REAP(pid, 0);
	}
	OK(unlink(file));
	OK(unlink(program));
	return test_done();
}
