/* NEEDS: MEM=64M CPUS=1 TIMEOUT=20 KIND=exact */
/*
 * getdents64 lists every name once, with type and inode, in pieces of any
 * size, from the beginning again after lseek, with dot and dot-dot.
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
	OK(close(fd));
	for (int i = 0; i < FILES; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		OK(unlink(name));
	}
	OK(rmdir("dir"));
	leave_tmp();
	return test_done();
}
