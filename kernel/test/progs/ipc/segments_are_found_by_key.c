/* NEEDS: MEM=64M CPUS=1,2 TIMEOUT=60 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * System V shared memory: a key leads all to the same bytes; fork, exec, exit and unmap
 * count as they should; what is removed goes with its last mapping, and not before; maps
 * shows it; and it can be attached where, and as, one wants.
 */
#include "lib/host.h"
#include <sys/shm.h>

#define BYTES (5 * PAGE + 100)

static long
attached(int id)
{
	struct shmid_ds ds;

	OK(shmctl(id, IPC_STAT, &ds));
	return (long)ds.shm_nattch;
}

static bool
maps_have(const char *word)
{
	static char text[65536];
	size_t n = 0;
	ssize_t r;
	int fd = OK(open("/proc/self/maps", O_RDONLY));

	while ((r = OK(read(fd, text + n, sizeof(text) - 1 - n))) > 0)
		n += (size_t)r;
	close(fd);
	text[n] = 0;
	return strstr(text, word) != NULL;
}

static void
by_key(void)
{
	key_t key = 0x4d000000 | getpid();
	char word[32];
	struct shmid_ds ds;
	char *p, *q;
	pid_t pid;
	int id;

	ERR(shmget(key, BYTES, 0600), ENOENT);
	id = OK(shmget(key, BYTES, IPC_CREAT | IPC_EXCL | 0600));
	ERR(shmget(key, BYTES, IPC_CREAT | IPC_EXCL | 0600), EEXIST);
	EQ(shmget(key, BYTES, IPC_CREAT | 0600), id);
	EQ(shmget(key, 1, 0), id);
	ERR(shmget(key, BYTES + 1, 0), EINVAL);
	p = shmat(id, NULL, 0);
	CHECK(p != (void *)-1);
	strcpy(p, "hello");
	pid = OK(fork());
	if (pid == 0) {
		EQ(attached(id), 2);
		q = shmat(OK(shmget(key, 0, 0)), NULL, SHM_RDONLY);
		EQ(strcmp(q, "hello"), 0);
		EQ(attached(id), 3);
		ERR(mprotect(q, PAGE, PROT_READ | PROT_WRITE), EACCES);
		p[BYTES - 1] = 'x';
		EQ(q[BYTES - 1], 'x');
		OK(shmdt(q));
		EQ(attached(id), 2);
		execl("/proc/self/exe", "none", NULL);
		_exit(1);
	}
	REAP(pid, 0);
	EQ(p[BYTES - 1], 'x');
	OK(shmctl(id, IPC_STAT, &ds));
	EQ(ds.shm_nattch, 1);
	EQ(ds.shm_segsz, BYTES);
	EQ(ds.shm_cpid, getpid());
	EQ(ds.shm_perm.mode, 0600);
	EQ(ds.shm_perm.__key, key);
	snprintf(word, sizeof(word), "/SYSV%08x (deleted)", (unsigned)key);
	CHECK(maps_have(word));
	/* Removed, it stays as long as somebody has it. */
	OK(shmctl(id, IPC_RMID, NULL));
	ERR(shmget(key, 0, 0), ENOENT);
	OK(shmctl(id, IPC_STAT, &ds));
	EQ(ds.shm_perm.mode, 0600 | 01000);
	EQ(ds.shm_perm.__key, IPC_PRIVATE);
	q = shmat(id, NULL, 0);
	EQ(q[BYTES - 1], 'x');
	OK(shmdt(p));
	EQ(q[0], 'h');
	OK(shmdt(q));
	ERR(shmctl(id, IPC_STAT, &ds), EINVAL);
	ERR(shmdt(q), EINVAL);
}

static struct shmid_ds
look(int id)
{
	struct shmid_ds ds;

	OK(shmctl(id, IPC_STAT, &ds));
	return ds;
}

/* Who attached or detached last: by fork, exit and munmap as by the calls. */
static void
last_ones(void)
{
	int id = OK(shmget(IPC_PRIVATE, PAGE, 0600));
	char *p, *q;
	pid_t pid;

	EQ(look(id).shm_lpid, 0);
	EQ(look(id).shm_atime, 0);
	p = shmat(id, NULL, 0);
	CHECK(p != (void *)-1);
	EQ(look(id).shm_lpid, getpid());
	CHECK(look(id).shm_atime != 0);
	EQ(look(id).shm_dtime, 0);
	pid = OK(fork());
	if (pid == 0)
		_exit(0);
	REAP(pid, 0);
	EQ(look(id).shm_lpid, pid);
	CHECK(look(id).shm_dtime != 0);
	q = shmat(id, NULL, SHM_RDONLY);
	EQ(look(id).shm_lpid, getpid());
	pid = OK(fork());
	if (pid == 0) {
		OK(munmap(p, PAGE));
		EQ(look(id).shm_lpid, getpid());
		OK(shmdt(q));
		_exit(0);
	}
	REAP(pid, 0);
	EQ(look(id).shm_lpid, pid);
	OK(munmap(p, PAGE));
	EQ(look(id).shm_lpid, getpid());
	OK(shmdt(q));
	EQ(look(id).shm_nattch, 0);
	OK(shmctl(id, IPC_RMID, NULL));
}

/* Parts, places, and two side by side. */
static void
places(void)
{
	int id = OK(shmget(IPC_PRIVATE, 4 * PAGE, 0600));
	char *room = mmap(NULL, 64 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *p, *q;

	ERR((long)shmat(id, room, 0), EINVAL);
	EQ((long)shmat(id, room, SHM_REMAP), (long)room);
	EQ((long)shmat(id, room + 4 * PAGE + 5, SHM_REMAP | SHM_RND), (long)room + 4 * (long)PAGE);
	ERR((long)shmat(id, room + 5, SHM_REMAP), EINVAL);
	ERR((long)shmat(id, NULL, SHM_REMAP), EINVAL);
	EQ(attached(id), 2);
	*(volatile char *)room = 7;
	EQ(*(volatile char *)(room + 4 * PAGE), 7);
	/* A hole: two parts are left, and one shmdt takes both. */
	OK(munmap(room + PAGE, PAGE));
	EQ(attached(id), 3);
	ERR(shmdt(room + 2 * PAGE), EINVAL);
	OK(shmdt(room));
	EQ(attached(id), 1);
	OK(munmap(room + 4 * PAGE, 4 * PAGE));
	EQ(attached(id), 0);
	p = shmat(id, NULL, SHM_EXEC);
	CHECK(p != (void *)-1);
	memcpy(p, "\xb8\x2a\0\0\0\xc3", 6);
	EQ(((int (*)(void))p)(), 42);
	q = mremap(p, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, room + 20 * PAGE);
	EQ((long)q, (long)room + 20 * (long)PAGE);
	EQ(attached(id), 1);
	OK(shmdt(q));
	OK(shmctl(id, IPC_RMID, NULL));
	ERR(shmctl(id, IPC_RMID, NULL), EINVAL);
}

/* Another user: by the bits. */
static void
others(void)
{
	int id = OK(shmget(IPC_PRIVATE, PAGE, 0640)), i;
	struct shmid_ds ds;
	pid_t pid;

	if (geteuid() != 0)
		return;
	pid = OK(fork());
	if (pid == 0) {
		OK(setresgid(4713, 4713, 4713));
		OK(setresuid(4713, 4713, 4713));
		ERR((long)shmat(id, NULL, SHM_RDONLY), EACCES);
		ERR(shmctl(id, IPC_STAT, &ds), EACCES);
		ERR(shmctl(id, IPC_RMID, NULL), EPERM);
		_exit(0);
	}
	REAP(pid, 0);
	OK(shmctl(id, IPC_STAT, &ds));
	ds.shm_perm.uid = (uid_t)-1; /* nobody's number */
	ERR(shmctl(id, IPC_SET, &ds), EINVAL);
	ds.shm_perm.uid = 0;
	ds.shm_perm.gid = (gid_t)-1;
	ERR(shmctl(id, IPC_SET, &ds), EINVAL);
	ds.shm_perm.gid = 0;
	ds.shm_perm.uid = 4713;
	ds.shm_perm.mode = 0400;
	OK(shmctl(id, IPC_SET, &ds));
	pid = OK(fork());
	if (pid == 0) {
		OK(setresuid(4713, 4713, 4713));
		CHECK(shmat(id, NULL, SHM_RDONLY) != (void *)-1);
		ERR((long)shmat(id, NULL, 0), EACCES);
		OK(shmctl(id, IPC_RMID, NULL));
		_exit(0);
	}
	REAP(pid, 0);
	ERR(shmctl(id, IPC_STAT, &ds), EINVAL);
	/* As many as there may be; then they go, and all can be had again. */
	pid = OK(fork());
	if (pid == 0) {
		OK(setresuid(4714, 4714, 4714));
		for (i = 0; i < 5000; i++)
			if (shmget(IPC_PRIVATE, 1, 0600) < 0)
				break;
		ERR(shmget(IPC_PRIVATE, 1, 0600), ENOSPC);
		CHECK(i >= 512);
		for (i = OK(shmctl(0, SHM_INFO, (void *)&ds)); i >= 0; i--) {
			id = shmctl(i, SHM_STAT, &ds);
			if (id >= 0 && ds.shm_perm.cuid == 4714)
				OK(shmctl(id, IPC_RMID, NULL));
		}
		OK(shmctl(OK(shmget(IPC_PRIVATE, 1, 0600)), IPC_RMID, NULL));
		_exit(0);
	}
	REAP(pid, 0);
}

/* What nobody has mapped keeps its bytes; killed or not, they are counted out. */
static void
stays(void)
{
	int id = OK(shmget(IPC_PRIVATE, 8 * MIB, 0600)), i;
	char *p;
	pid_t pid = OK(fork());

	if (pid == 0) {
		p = shmat(id, NULL, 0);
		for (i = 0; i < 8 << 20; i += (int)PAGE)
			p[i] = (char)(i >> 12);
		raise(SIGKILL);
	}
	EQ(waitpid(pid, &i, 0), pid);
	EQ(i, SIGKILL);
	EQ(attached(id), 0);
	p = shmat(id, NULL, 0);
	OK(shmctl(id, IPC_RMID, NULL));
	for (i = 0; i < 8 << 20; i += (int)PAGE)
		EQ(p[i], (char)(i >> 12));
	if (fork() == 0)
		_exit(p[PAGE]);
	OK(wait(&i));
	EQ(WEXITSTATUS(i), 1);
	OK(shmdt(p));
}

int
main(int argc, char **argv)
{
	(void)argc;
	if (strcmp(argv[0], "none") == 0)
		return maps_have("/SYSV");
	by_key();
	last_ones();
	places();
	others();
	stays();
	return test_done();
}
