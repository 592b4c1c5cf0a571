/* NEEDS: MEM=64M CPUS=1,2 TIMEOUT=20 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * PRIO_PROCESS is one thread, also with the number of the first; what that one
 * gets the others do not get, and what they have does not stand in its way.  So is the
 * number of ioprio_set(2); new threads and processes have what their maker has.
 */
#include "lib/test.h"
#include <pthread.h>
#include <sys/resource.h>

#define OF_THREAD 1              /* of ioprio_set(2) */
#define OF_GROUP 2
#define BEST_EFFORT(level) (2 << 13 | (level))

static pthread_barrier_t set, asked;
static pid_t worker;

static long
ioprio(int which, pid_t who)
{
	return syscall(SYS_ioprio_get, which, who);
}

static void *
work(void *arg)
{
	worker = (pid_t)syscall(SYS_gettid);
	OK(setpriority(PRIO_PROCESS, (id_t)worker, 10));
	EQ(ioprio(OF_THREAD, 0), BEST_EFFORT(2));
	OK(syscall(SYS_ioprio_set, OF_THREAD, 0, BEST_EFFORT(7)));
	pthread_barrier_wait(&set);
	pthread_barrier_wait(&asked);
	return arg;
}

static void
one_thread(void)
{
	pthread_t t;
	pid_t pid;

	pthread_barrier_init(&set, NULL, 2);
	pthread_barrier_init(&asked, NULL, 2);
	/* Its maker had one, perhaps, and so has the group. */
	OK(setpgid(0, 0));
	OK(syscall(SYS_ioprio_set, OF_THREAD, 0, 0));
	EQ(ioprio(OF_THREAD, 0), 0);
	OK(syscall(SYS_ioprio_set, OF_THREAD, 0, BEST_EFFORT(2)));
	EQ(pthread_create(&t, NULL, work, NULL), 0);
	pthread_barrier_wait(&set);
	OK(setresuid(1000, 1000, 1000));
	EQ(getpriority(PRIO_PROCESS, 0), 0);
	OK(setpriority(PRIO_PROCESS, (id_t)getpid(), 5));
	EQ(getpriority(PRIO_PROCESS, (id_t)getpid()), 5);
	EQ(getpriority(PRIO_PROCESS, (id_t)worker), 10);
	EQ(getpriority(PRIO_PGRP, 0) <= 5, 1); /* all threads of all processes */
	ERR(setpriority(PRIO_PROCESS, (id_t)worker, 6), EACCES);
	EQ(ioprio(OF_THREAD, worker), BEST_EFFORT(7));
	EQ(ioprio(OF_THREAD, getpid()), BEST_EFFORT(2));
	EQ(ioprio(OF_GROUP, 0), BEST_EFFORT(2));
	pid = OK(fork());
	if (pid == 0)
		_exit(ioprio(OF_THREAD, 0) == BEST_EFFORT(2) ? 0 : 1);
	REAP(pid, 0);
	pthread_barrier_wait(&asked);
	EQ(pthread_join(t, NULL), 0);
}

int
main(void)
{
	pid_t pid;

	if (geteuid() != 0)
		return test_done();
	/* Under nice it began elsewhere, and a container's root cannot go back. */
	if (setpriority(PRIO_PROCESS, 0, 0) != 0) {
		CHECK(errno == EACCES && !on_vadose());
		return test_done();
	}
	pid = OK(fork());
	if (pid == 0) {
		one_thread();
		_exit(0);
	}
	REAP(pid, 0);
	ERR(getpriority(PRIO_PROCESS, 0x3fffffff), ESRCH);
	return test_done();
}
