/* NEEDS: MEM=64M CPUS=1,2 TIMEOUT=20 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * getdents64 lists every name once, with type and inode, in pieces of any
 * size, from the beginning again after lseek, with dot and dot-dot; of two who
 * list by one descriptor each gets what the other does not.  Of /proc the types and
 * inodes agree, too, with what stat says.
 */
#include "lib/test.h"
#include <pthread.h>
#include <dirent.h>

#define FILES 100

struct entry {
	uint64_t ino;
	int64_t off;
	unsigned short reclen;
	unsigned char type;
	char name[];
};

static int seen[FILES], dots;

static int
list(int fd, size_t size)
{
	char buf[4096] __attribute__((aligned(8)));
	int total = 0;
	long n;

	memset(seen, 0, sizeof(seen));
	dots = 0;
	while ((n = OK(syscall(SYS_getdents64, fd, buf, size))) > 0) {
		for (long at = 0; at < n;) {
			struct entry *e = (void *)(buf + at);
			struct stat st;

			if (e->name[0] == 'f')
				seen[atoi(e->name + 1)]++;
			else if (e->name[0] == '.')
				dots++;
			EQ(e->type, e->name[0] == 'f' ? DT_REG : DT_DIR);
			OK(fstatat(fd, e->name, &st, 0));
			EQ(st.st_ino, e->ino);
			EQ(e->reclen % 8, 0);
			total++;
			at += e->reclen;
		}
	}
	for (int i = 0; i < FILES; i++)
		EQ(seen[i], 1);
	EQ(dots, 2);
	return total;
}

/* Name by name, until there is none.  How many times was each seen? */
static void
take_part(int fd, int *times)
{
	char buf[40] __attribute__((aligned(8)));
	struct entry *e = (void *)buf;

	while (OK(syscall(SYS_getdents64, fd, buf, sizeof(buf))) > 0)
		if (e->name[0] == 'f')
			__atomic_add_fetch(&times[atoi(e->name + 1)], 1,
			    __ATOMIC_RELAXED);
}

static void
two_at_once(int fd)
{
	int *times = (int *)pages_shared(1);
	pid_t pid;

	for (long i = rounds(40); i > 0; i--) {
		memset(times, 0, FILES * sizeof(*times));
		OK(lseek(fd, 0, SEEK_SET));
		pid = OK(fork());
		take_part(fd, times);
		if (pid == 0)
			_exit(0);
		REAP(pid, 0);
		for (int k = 0; k < FILES; k++)
			EQ(times[k], 1);
	}
	OK(munmap(times, PAGE));
}

/* Where nothing else is mounted; who has ended meanwhile is not asked. */
static void
agrees(const char *dir)
{
	char buf[4096] __attribute__((aligned(8)));
	int fd = OK(open(dir, O_RDONLY | O_DIRECTORY)), asked = 0;
	struct stat st, own;
	long n, at;

	OK(fstat(fd, &own));
	while ((n = OK(syscall(SYS_getdents64, fd, buf, sizeof(buf)))) > 0)
		for (at = 0; at < n; at += ((struct entry *)(buf + at))->reclen) {
			struct entry *e = (void *)(buf + at);

			if (fstatat(fd, e->name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
			    st.st_dev != own.st_dev)
				continue;
			if (st.st_ino != e->ino || IFTODT(st.st_mode) != e->type)
				FAIL("%s/%s: %lu, but %lu", dir, e->name,
				    (unsigned long)e->ino, (unsigned long)st.st_ino);
			asked++;
		}
	LE(3, asked);
	OK(close(fd));
}

/* Own descriptors and processes of /proc, a few at a time: none twice, none left out. */
static void
numbers(const char *dir, int low, int high)
{
	char buf[80] __attribute__((aligned(8)));
	int fd = OK(open(dir, O_RDONLY | O_DIRECTORY)), times[64] = { 0 }, v;
	long n, at;

	while ((n = OK(syscall(SYS_getdents64, fd, buf, sizeof(buf)))) > 0)
		for (at = 0; at < n; at += ((struct entry *)(buf + at))->reclen) {
			v = atoi(((struct entry *)(buf + at))->name) - low;
			if (v >= 0 && v <= high - low)
				times[v]++;
		}
	for (v = 0; v <= high - low; v++)
		EQ(times[v], 1);
	OK(close(fd));
}

static void *
stays(void *gate)
{
	char c;

	(void)!read(*(int *)gate, &c, 1);
	return NULL;
}

static void
numbers_of_proc(void)
{
	int fd[40], p[2];
	pthread_t t[8];

	for (int i = 0; i < 40; i++)
		fd[i] = OK(dup(0));
	numbers("/proc/self/fd", fd[0], fd[39]);
	numbers("/proc/self/fdinfo", fd[0], fd[39]);
	for (int i = 0; i < 40; i++)
		OK(close(fd[i]));
	OK(pipe(p));
	for (int i = 0; i < 8; i++)
		EQ(pthread_create(&t[i], NULL, stays, &p[0]), 0);
	numbers("/proc/self/task", getpid(), getpid());
	numbers("/proc", 1, 1);
	numbers("/proc", getpid(), getpid());
	OK(close(p[1]));
	for (int i = 0; i < 8; i++)
		EQ(pthread_join(t[i], NULL), 0);
	OK(close(p[0]));
}

int
main(void)
{
	static const char *const dirs[] = { "/proc", "/proc/self", "/proc/self/fd",
		"/proc/self/task", "/proc/sys", "/proc/sys/kernel" };
	char name[32];
	int fd;

	enter_tmp();
	for (int i = 0; i < FILES; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		make_file(name, name, 1, 0644);
	}
	OK(mkdir("dir", 0755));
	fd = OK(open(".", O_RDONLY | O_DIRECTORY));
	EQ(list(fd, 4096), FILES + 3);
	EQ(syscall(SYS_getdents64, fd, name, 32), 0);
	OK(lseek(fd, 0, SEEK_SET));
	EQ(list(fd, 40), FILES + 3);
	two_at_once(fd);
	OK(close(fd));
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		agrees(dirs[i]);
	numbers_of_proc();
	for (int i = 0; i < FILES; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		OK(unlink(name));
	}
	OK(rmdir("dir"));
	leave_tmp();
	return test_done();
}
