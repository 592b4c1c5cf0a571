/* NEEDS: MEM=64M CPUS=1,2 TIMEOUT=20 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * getdents64 lists every name once, with type and inode, in pieces of any
 * size, from the beginning again after lseek, with dot and dot-dot; of two who
 * list by one descriptor each gets what the other does not.
 */
#include "lib/test.h"
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

int
main(void)
{
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
	for (int i = 0; i < FILES; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		OK(unlink(name));
	}
	OK(rmdir("dir"));
	leave_tmp();
	return test_done();
}
