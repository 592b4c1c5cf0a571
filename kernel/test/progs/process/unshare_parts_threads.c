/* NEEDS: MEM=32M CPUS=1,2 TIMEOUT=20 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * unshare: a thread has descriptors and a place of its own from then on, and the
 * others keep theirs; memory and handlers are parted only where nobody shares them.
 * Semaphores that would be given back at the end are given back.
 */
#include "lib/test.h"
#include <pthread.h>
#include <sched.h>
#include <sys/sem.h>

static int fd;

static void *
parts(void *unused)
{
	char at[64];

	(void)unused;
	ERR(unshare(CLONE_VM), EINVAL);
	ERR(unshare(CLONE_SIGHAND), EINVAL);
	OK(unshare(CLONE_FS));
	OK(chdir("/proc"));
	OK(fcntl(fd, F_GETFD));
	OK(unshare(CLONE_FILES | CLONE_FS));
	OK(close(fd));
	CHECK(getcwd(at, sizeof(at)) != NULL && strcmp(at, "/proc") == 0);
	return NULL;
}

static void
semaphores(void)
{
	int id = OK(semget(IPC_PRIVATE, 1, 0600));
	struct sembuf up = { 0, 1, SEM_UNDO };

	OK(semop(id, &up, 1));
	EQ(semctl(id, 0, GETVAL), 1);
	OK(unshare(CLONE_SYSVSEM | CLONE_FS));
	EQ(semctl(id, 0, GETVAL), 0);
	OK(unshare(CLONE_SYSVSEM));
	OK(semctl(id, 0, IPC_RMID));
}

int
main(void)
{
	pthread_t t;
	char at[64];

	fd = OK(dup(1));
	OK(chdir("/"));
	OK(unshare(0));
	OK(unshare(CLONE_VM | CLONE_SIGHAND | CLONE_THREAD));
	ERR(unshare(0x80000000), EINVAL);
	ERR(unshare(CLONE_PARENT), EINVAL);
	semaphores();
	EQ(pthread_create(&t, NULL, parts, NULL), 0);
	EQ(pthread_join(t, NULL), 0);
	OK(fcntl(fd, F_GETFD));
	CHECK(getcwd(at, sizeof(at)) != NULL && strcmp(at, "/") == 0);
	return test_done();
}
