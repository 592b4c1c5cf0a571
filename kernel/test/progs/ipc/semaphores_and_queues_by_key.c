/* NEEDS: MEM=64M CPUS=1,2 TIMEOUT=60 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * System V semaphores and queues: steps are all done or none, who cannot go on sleeps
 * and is told of a removal, the end of a process gives back; messages come by type, in
 * order, whole; what somebody sleeps for is his at once; and both are bounded.
 */
#include "lib/host.h"
#include "lib/sleeps.h"
#include <pthread.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>

struct message {
	long type;
	char text[8192];
};

static int
value(int id, int num)
{
	return OK(semctl(id, num, GETVAL));
}

static void
steps(void)
{
	struct sembuf both[2] = { { 0, -1, IPC_NOWAIT }, { 1, -1, IPC_NOWAIT } };
	struct sembuf zero = { 0, 0, IPC_NOWAIT }, much = { 2, 32767, 0 };
	unsigned short all[3] = { 1, 0, 5 }, seen[3];
	struct semid_ds ds;
	int id = OK(semget(IPC_PRIVATE, 3, 0600));

	EQ(semctl(id, 0, SETALL, all), 0);
	ERR(semop(id, both, 2), EAGAIN);
	EQ(value(id, 0), 1);
	ERR(semop(id, &zero, 1), EAGAIN);
	OK(semctl(id, 1, SETVAL, 1));
	OK(semop(id, both, 2));
	OK(semop(id, &zero, 1));
	OK(semctl(id, 0, GETALL, seen));
	EQ(seen[0], 0);
	EQ(seen[1], 0);
	EQ(seen[2], 5);
	ERR(semop(id, &much, 1), ERANGE);
	EQ(value(id, 2), 5);
	EQ(semctl(id, 0, GETPID), getpid());
	ERR(semctl(id, 3, GETVAL), EINVAL);
	ERR(semctl(id, 0, SETVAL, 32768), ERANGE);
	both[0].sem_num = 3;
	ERR(semop(id, both, 1), EFBIG);
	OK(semctl(id, 0, IPC_STAT, &ds));
	EQ(ds.sem_nsems, 3);
	OK(semctl(id, 0, IPC_RMID));
	ERR(semctl(id, 0, IPC_RMID), EINVAL);
}

/* Two processes take turns; one is killed in its own. */
static void
turns(void)
{
	struct sembuf down = { 0, -1, 0 }, up = { 1, 1, 0 };
	struct sembuf undo = { 0, -1, SEM_UNDO };
	struct timespec some = { 0, 20000000 };
	int id = OK(semget(IPC_PRIVATE, 2, 0600)), i, status;
	pid_t pid = OK(fork());

	if (pid == 0) {
		for (i = 0; i < 1000; i++) {
			OK(semop(id, &down, 1));
			OK(semop(id, &up, 1));
		}
		_exit(0);
	}
	down.sem_num = 1;
	up.sem_num = 0;
	for (i = 0; i < 1000; i++) {
		OK(semop(id, &up, 1));
		OK(semop(id, &down, 1));
	}
	REAP(pid, 0);
	EQ(value(id, 0) + value(id, 1), 0);
	ERR(semtimedop(id, &down, 1, &some), EAGAIN);
	OK(semctl(id, 0, SETVAL, 1));
	pid = OK(fork());
	if (pid == 0) {
		OK(semop(id, &undo, 1));
		OK(semop(id, &down, 1));
		_exit(1);
	}
	process_sleeps(pid);
	EQ(value(id, 0), 0);
	EQ(semctl(id, 1, GETNCNT), 1);
	EQ(semctl(id, 0, GETZCNT), 0);
	OK(kill(pid, SIGKILL));
	EQ(waitpid(pid, &status, 0), pid);
	EQ(value(id, 0), 1);
	EQ(semctl(id, 1, GETNCNT), 0);
	pid = OK(fork());
	if (pid == 0) {
		ERR(semop(id, &down, 1), EIDRM);
		_exit(0);
	}
	process_sleeps(pid);
	OK(semctl(id, 0, IPC_RMID));
	REAP(pid, 0);
}

/* A process that sleeps until it can do the steps; it ends with the error. */
static pid_t
stepper(int id, struct sembuf *steps, size_t n)
{
	struct timespec some = { 30, 0 };
	pid_t pid = OK(fork());

	if (pid == 0)
		_exit(semtimedop(id, steps, n, &some) == 0 ? 0 : errno);
	process_sleeps(pid);
	return pid;
}

/* What somebody sleeps for is his before the call that gives it is over. */
static void
who_sleeps_is_served(void)
{
	struct sembuf down = { 0, -1, 0 }, up = { 0, 1, 0 }, zero = { 0, 0, 0 };
	struct sembuf now = { 0, -1, IPC_NOWAIT }, undo = { 0, -1, SEM_UNDO };
	struct sembuf pass[2] = { { 0, -1, 0 }, { 1, 1, 0 } }, passed = { 1, -1, 0 };
	int id = OK(semget(IPC_PRIVATE, 2, 0600));
	pid_t first = stepper(id, &down, 1), second = stepper(id, &down, 1);

	OK(semop(id, &up, 1));
	EQ(value(id, 0), 0);
	EQ(semctl(id, 0, GETPID), first);
	EQ(semctl(id, 0, GETNCNT), 1);
	ERR(semop(id, &now, 1), EAGAIN);
	REAP(first, 0);
	OK(semctl(id, 0, SETVAL, 1));
	EQ(value(id, 0), 0);
	REAP(second, 0);

	OK(semctl(id, 0, SETVAL, 1));
	first = stepper(id, &zero, 1);
	OK(semop(id, &down, 1));
	OK(semop(id, &up, 1));
	REAP(first, 0);
	OK(semop(id, &down, 1));

	first = stepper(id, &passed, 1);
	second = stepper(id, pass, 2);
	OK(semop(id, &up, 1));
	EQ(value(id, 0), 0);
	EQ(value(id, 1), 0);
	REAP(first, 0);
	REAP(second, 0);

	OK(semop(id, &up, 1));
	first = OK(fork());
	if (first == 0) {
		OK(semop(id, &undo, 1));
		pause();
	}
	process_sleeps(first);
	second = stepper(id, &down, 1);
	OK(kill(first, SIGKILL));
	EQ(waitpid(first, NULL, 0), first);
	EQ(value(id, 0), 0);
	REAP(second, 0);

	first = stepper(id, &down, 1);
	OK(semop(id, &up, 1));
	OK(semctl(id, 0, IPC_RMID));
	REAP(first, 0);
}

#define THREADS 250
static struct sembuf long_way[500];

static void *
go_long_way(void *id)
{
	OK(semop(*(int *)id, long_way, 500));
	return NULL;
}

/* More steps than one call does for others. */
static void
all_are_served(void)
{
	int id = OK(semget(IPC_PRIVATE, 2, 0600)), i;
	struct sembuf up = { 0, THREADS, 0 };
	pthread_t threads[THREADS];
	pthread_attr_t attr;

	for (i = 0; i < 499; i++)
		long_way[i] = (struct sembuf){ 1, i % 2 == 0 ? 1 : -1, 0 };
	long_way[499] = (struct sembuf){ 0, -1, 0 };
	EQ(pthread_attr_init(&attr), 0);
	EQ(pthread_attr_setstacksize(&attr, 32768), 0);
	for (i = 0; i < THREADS; i++)
		EQ(pthread_create(&threads[i], &attr, go_long_way, &id), 0);
	while (semctl(id, 0, GETNCNT) < THREADS)
		sleep_ms(1);
	OK(semop(id, &up, 1));
	for (i = 0; i < THREADS; i++)
		EQ(pthread_join(threads[i], NULL), 0);
	EQ(value(id, 0), 0);
	EQ(value(id, 1), THREADS);
	OK(semctl(id, 0, IPC_RMID));
}

static ssize_t
take(int id, long type, int flags)
{
	struct message m;
	ssize_t n = msgrcv(id, &m, sizeof(m.text), type, flags);

	return n < 0 ? n : m.text[0];
}

static void
put(int id, long type, char c, size_t n)
{
	struct message m = { .type = type, .text = { c } };

	memset(m.text, c, n);
	OK(msgsnd(id, &m, n, IPC_NOWAIT));
}

static void
types(void)
{
	int id = OK(msgget(IPC_PRIVATE, 0600));
	struct message m;
	struct msqid_ds ds;

	ERR(msgrcv(id, &m, 1, 0, IPC_NOWAIT), ENOMSG);
	put(id, 3, 'a', 10);
	put(id, 1, 'b', 5000);
	put(id, 2, 'c', 1);
	put(id, 3, 'd', 1);
	OK(msgctl(id, IPC_STAT, &ds));
	EQ(ds.msg_qnum, 4);
	EQ(ds.msg_cbytes, 5012);
	EQ(take(id, 2, IPC_NOWAIT), 'c');
	ERR(take(id, 2, IPC_NOWAIT), ENOMSG);
	EQ(take(id, 3, MSG_EXCEPT | IPC_NOWAIT), 'b');
	ERR(msgrcv(id, &m, 5, 0, IPC_NOWAIT), E2BIG);
	EQ(msgrcv(id, &m, 5, -3, MSG_NOERROR | IPC_NOWAIT), 5);
	EQ(m.type, 3);
	EQ(m.text[4], 'a');
	EQ(take(id, 0, IPC_NOWAIT), 'd');
	put(id, 1, 'x', 8192);
	put(id, 1, 'y', 8192);
	m.type = 1;
	ERR(msgsnd(id, &m, 1, IPC_NOWAIT), EAGAIN);
	ERR(msgsnd(id, &m, 8193, IPC_NOWAIT), EINVAL);
	EQ(msgrcv(id, &m, 8192, 1, 0), 8192);
	EQ(m.text[0], 'x');
	EQ(m.text[8191], 'x');
	OK(msgctl(id, IPC_RMID, NULL));
}

/* Through a queue that is full: all come, in order; and the end. */
static void
through(void)
{
	int id = OK(msgget(IPC_PRIVATE, 0600)), i;
	struct message m = { .type = 1 };
	pid_t pid = OK(fork());

	if (pid == 0) {
		for (i = 0; i < 300; i++) {
			memcpy(m.text, &i, sizeof(i));
			OK(msgsnd(id, &m, (size_t)(i * 27 % 8000) + 4, 0));
		}
		ERR(msgrcv(id, &m, 1, 77, 0), EIDRM);
		_exit(0);
	}
	for (i = 0; i < 300; i++) {
		EQ(msgrcv(id, &m, sizeof(m.text), 0, 0), i * 27 % 8000 + 4);
		EQ(memcmp(m.text, &i, sizeof(i)), 0);
	}
	process_sleeps(pid);
	OK(msgctl(id, IPC_RMID, NULL));
	REAP(pid, 0);
}

/* A process that sleeps for a message; it ends with the error. */
static pid_t
reader(int id, size_t room)
{
	struct message m;
	pid_t pid = OK(fork());

	if (pid == 0)
		_exit(msgrcv(id, &m, room, 0, 0) == 3 ? 0 : errno);
	process_sleeps(pid);
	return pid;
}

/* A message is his who sleeps for it, though the queue goes before he runs. */
static void
who_sleeps_has_the_message(void)
{
	int id = OK(msgget(IPC_PRIVATE, 0600));
	pid_t small = reader(id, 1), first = reader(id, 3), second = reader(id, 3);
	struct msqid_ds ds;

	put(id, 1, 'a', 3);
	OK(msgctl(id, IPC_STAT, &ds));
	EQ(ds.msg_qnum, 0);
	EQ(ds.msg_lrpid, first);
	ERR(take(id, 0, IPC_NOWAIT), ENOMSG);
	REAP(small, E2BIG);
	REAP(first, 0);
	put(id, 1, 'b', 3);
	OK(msgctl(id, IPC_RMID, NULL));
	REAP(second, 0);
}

/* Empty messages in all the queues that one may have. */
static void
full(void)
{
	static int ids[5000];
	struct message m = { .type = 1 };
	int n, i, sent = 0;
	pid_t pid;

	if (geteuid() != 0 || !on_vadose())
		return;
	pid = OK(fork());
	if (pid != 0) {
		REAP(pid, 0);
		return;
	}
	OK(setresuid(4715, 4715, 4715));
	for (n = 0; n < 5000; n++)
		if ((ids[n] = msgget(IPC_PRIVATE, 0600)) < 0)
			break;
	EQ(errno, ENOSPC);
	CHECK(n >= 512);
	for (i = 0; i < n; i++)
		while (sent < 1 << 20 && msgsnd(ids[i], &m, 0, IPC_NOWAIT) == 0)
			sent++;
	LE(sent, 200000);
	ERR(msgsnd(ids[n - 1], &m, 0, IPC_NOWAIT), ENOMEM);
	for (i = 0; i < n; i++)
		OK(msgctl(ids[i], IPC_RMID, NULL));
	_exit(0);
}

int
main(void)
{
	steps();
	turns();
	who_sleeps_is_served();
	all_are_served();
	types();
	through();
	who_sleeps_has_the_message();
	full();
	return test_done();
}
