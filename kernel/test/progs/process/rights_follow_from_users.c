/* NEEDS: MEM=64M CPUS=1 TIMEOUT=20 KIND=exact */
/*
 * capget says what the users give: root has all, who may become root again is
 * permitted all, others have nothing.  capset takes what is so already.  unshare parts
 * descriptors and places.
 */
#include "lib/test.h"
#include <pthread.h>

#define VERSION 0x20080522u
#define ALL 0x1ffffffffffull

struct words {
	uint32_t effective, permitted, inheritable;
};

struct rights {
	uint64_t effective, permitted, inheritable;
};

static struct rights
rights_of(pid_t pid)
{
	uint32_t head[2] = { VERSION, (uint32_t)pid };
	struct words w[2];

	OK(syscall(SYS_capget, head, w));
	return (struct rights){ w[0].effective | (uint64_t)w[1].effective << 32,
		w[0].permitted | (uint64_t)w[1].permitted << 32,
		w[0].inheritable | (uint64_t)w[1].inheritable << 32 };
}

static int
set_rights(uint64_t effective, uint64_t permitted)
{
	uint32_t head[2] = { VERSION, 0 };
	struct words w[2] = { { (uint32_t)effective, (uint32_t)permitted, 0 },
		{ (uint32_t)(effective >> 32), (uint32_t)(permitted >> 32), 0 } };

	return (int)syscall(SYS_capset, head, w);
}

static void
rights(void)
{
	struct rights r = rights_of(0);
	uint32_t head[2] = { 1, 0 };

	ERR(syscall(SYS_capget, head, &r), EINVAL);
	EQ(head[0], VERSION);
	EQ(r.effective, r.permitted);
	OK(set_rights(r.effective, r.permitted));
	OK(setresuid((uid_t)-1, 1000, (uid_t)-1)); /* root, put aside */
	r = rights_of(getpid());
	EQ(r.effective, 0);
	CHECK(r.permitted != 0);
	OK(set_rights(0, r.permitted));
	OK(setresuid((uid_t)-1, 0, (uid_t)-1));
	r = rights_of(0);
	EQ(r.effective, r.permitted);
	OK(setresuid(1000, 1000, 1000));
	r = rights_of(0);
	EQ(r.effective | r.permitted | r.inheritable, 0);
	OK(set_rights(0, 0));
	ERR(set_rights(0, 1), EPERM);
	ERR(set_rights(1, 1), EPERM);
	if (on_vadose())
		EQ(rights_of(1).effective, ALL);
}

/* Here alone: what is had cannot be given up. */
static void
refused(void)
{
	EQ(rights_of(0).effective, ALL);
	ERR(set_rights(0, ALL), EPERM);
	ERR(set_rights(1, 1), EPERM);
	EQ(rights_of(0).effective, ALL);
}

static int fd_of_thread = -1;
static char place[256];

static void *
parts(void *arg)
{
	ERR(syscall(SYS_unshare, CLONE_THREAD), EINVAL);
	ERR(syscall(SYS_unshare, CLONE_VM), EINVAL);
	OK(syscall(SYS_unshare, CLONE_FILES | CLONE_FS));
	fd_of_thread = OK(dup(0));
	OK(chdir("/proc"));
	umask(0);
	return NULL;
}

static void
places(void)
{
	char now[256];
	pthread_t t;

	CHECK(getcwd(place, sizeof(place)) != NULL);
	umask(022);
	EQ(pthread_create(&t, NULL, parts, NULL), 0);
	EQ(pthread_join(t, NULL), 0);
	ERR(fcntl(fd_of_thread, F_GETFD), EBADF);
	CHECK(getcwd(now, sizeof(now)) != NULL);
	EQ(strcmp(now, place), 0);
	EQ(umask(022), 022);
}

int
main(void)
{
	places();
	if (on_vadose())
		refused();
	pid_t pid = getuid() == 0 ? OK(fork()) : -1;

	if (pid == 0) {
		rights();
		_exit(0);
	}
	if (pid > 0)
		REAP(pid, 0);
	return test_done();
}
