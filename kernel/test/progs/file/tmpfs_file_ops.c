/* NEEDS: MEM=64M CPUS=1,2 TIMEOUT=20 KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * Files of the root: create, write, seek, holes, append, truncate, read at
 * an offset, vectors, links, rename, unlinked files that stay open; a directory
 * in memory is as long as it has names.
 */
#include "lib/host.h"
#include <sys/mount.h>
#include <sys/uio.h>

static void
bytes(void)
{
	struct iovec v[3];
	struct stat st;
	char buf[64];
	int fd = OK(open("f", O_RDWR | O_CREAT | O_EXCL, 0640));

	ERR(open("f", O_RDWR | O_CREAT | O_EXCL, 0640), EEXIST);
	EQ(write(fd, "hello world", 11), 11);
	EQ(pwrite(fd, "J", 1, 0), 1);
	EQ(lseek(fd, -5, SEEK_END), 6);
	EQ(read(fd, buf, 64), 5);
	EQ(memcmp(buf, "world", 5), 0);
	EQ(read(fd, buf, 64), 0);
	EQ(pread(fd, buf, 5, 0), 5);
	EQ(memcmp(buf, "Jello", 5), 0);
	EQ(lseek(fd, 100000, SEEK_SET), 100000);
	EQ(read(fd, buf, 1), 0);
	EQ(write(fd, "end", 3), 3);
	OK(fstat(fd, &st));
	EQ(st.st_size, 100003);
	EQ(st.st_mode, S_IFREG | 0640);
	EQ(st.st_nlink, 1);
	CHECK(st.st_blocks < 100);
	EQ(pread(fd, buf, 4, 50000), 4);
	EQ(memcmp(buf, "\0\0\0", 4), 0);
	OK(ftruncate(fd, 5));
	OK(ftruncate(fd, 10));
	EQ(pread(fd, buf, 64, 0), 10);
	EQ(memcmp(buf, "Jello\0\0\0\0", 10), 0);
	v[0] = (struct iovec){ "ab", 2 };
	v[1] = (struct iovec){ NULL, 0 };
	v[2] = (struct iovec){ "cde", 3 };
	OK(lseek(fd, 0, SEEK_SET));
	EQ(writev(fd, v, 3), 5);
	v[0] = (struct iovec){ buf, 1 };
	v[1] = (struct iovec){ buf + 10, 3 };
	OK(lseek(fd, 0, SEEK_SET));
	EQ(readv(fd, v, 2), 4);
	EQ(buf[0] + buf[10] + buf[12], 'a' + 'b' + 'd');
	ERR(readv(fd, v, -1), EINVAL);
	EQ(readv(fd, v, 0), 0);
	ERR(lseek(fd, -1, SEEK_SET), EINVAL);
	ERR(lseek(fd, 0, 99), EINVAL);
	ERR(pread(fd, buf, 1, -1), EINVAL);
	OK(close(fd));
	fd = OK(open("f", O_WRONLY | O_APPEND));
	EQ(write(fd, "!", 1), 1);
	EQ(lseek(fd, 0, SEEK_CUR), 11);
	ERR(read(fd, buf, 1), EBADF);
	OK(close(fd));
	fd = OK(open("f", O_RDONLY | O_TRUNC));
	OK(fstat(fd, &st));
	EQ(st.st_size, 0);
	OK(close(fd));
}

static void
big(void)
{
	const int size = rounds(1 << 20);
	unsigned *out = malloc(size), *in = malloc(size);
	int fd = OK(open("big", O_RDWR | O_CREAT, 0644));

	for (unsigned i = 0; i < (unsigned)size / 4; i++)
		out[i] = i * 2654435761u;
	for (int at = 0; at < size; at += 10007) {
		int n = size - at < 10007 ? size - at : 10007;

		EQ(write(fd, (char *)out + at, n), n);
	}
	EQ(pread(fd, in, size, 0), size);
	EQ(memcmp(in, out, size), 0);
	free(in);
	free(out);
	OK(unlink("big"));
	EQ(pread(fd, &fd + 1 - 1, 0, 0), 0);
	EQ(lseek(fd, 0, SEEK_END), size); /* unlinked, still there */
	OK(close(fd));
	ERR(open("big", O_RDONLY), ENOENT);
}

static void
links(void)
{
	struct stat st;
	char buf[64];

	make_file("one", "1", 1, 0644);
	OK(link("one", "two"));
	OK(stat("two", &st));
	EQ(st.st_nlink, 2);
	OK(unlink("one"));
	OK(stat("two", &st));
	EQ(st.st_nlink, 1);
	OK(symlink("two", "sym"));
	OK(lstat("sym", &st));
	CHECK(S_ISLNK(st.st_mode) && st.st_size == 3);
	EQ(readlink("sym", buf, 64), 3);
	EQ(memcmp(buf, "two", 3), 0);
	EQ(open("sym", O_RDONLY | O_NOFOLLOW) == -1 ? errno : 0, ELOOP);
	OK(close(open("sym", O_RDONLY)));
	OK(rename("two", "three"));
	ERR(open("sym", O_RDONLY), ENOENT);
	make_file("four", "4444", 4, 0644);
	OK(rename("three", "four"));
	OK(stat("four", &st));
	EQ(st.st_size, 1);
	OK(symlink("loop", "loop"));
	ERR(open("loop", O_RDONLY), ELOOP);
	EQ(unlink("four") | unlink("sym") | unlink("loop") | unlink("f"), 0);
}

static void
directories(void)
{
	struct stat st;

	OK(mkdir("d", 0755));
	ERR(mkdir("d", 0755), EEXIST);
	OK(mkdir("d/e", 0755));
	OK(stat("d", &st));
	CHECK(has_links(&st, 3));
	ERR(rmdir("d"), ENOTEMPTY);
	ERR(rename("d", "d/e/x"), EINVAL);
	ERR(unlink("d"), EISDIR);
	OK(rename("d/e", "e"));
	OK(rmdir("d"));
	make_file("e/file", "", 0, 0644);
	ERR(rename("e/file", "e"), EISDIR == 21 ? ENOTEMPTY : 0);
	ERR(rmdir("e/file"), ENOTDIR);
	ERR(rmdir("e/."), EINVAL);
	OK(unlink("e/file"));
	OK(rmdir("e"));
	ERR(chdir("e"), ENOENT);
}

/* A file that had a name in a directory does not hold it when both are gone. */
static void
dead_directory(void)
{
	OK(mkdir("m", 0755));
	(void)own_mounts();
	if (mount("none", "m", "tmpfs", 0, NULL) != 0) {
		EQ(errno, EPERM);
		OK(rmdir("m"));
		return;
	}
	make_file("m/f", "1", 1, 0644);
	make_file("m/g", "2", 1, 0644);
	OK(mkdir("m/d", 0755));
	OK(link("m/f", "m/d/x"));
	OK(unlink("m/d/x"));
	OK(link("m/f", "m/d/y"));
	OK(rename("m/g", "m/d/y"));
	OK(unlink("m/d/y"));
	OK(rmdir("m/d"));
	OK(umount("m"));
	OK(rmdir("m"));
}

static void
is_long(const char *path, long names)
{
	struct stat st;

	OK(stat(path, &st));
	EQ(st.st_size, 20 * (2 + names)); /* the dots, too */
}

static void
directory_sizes(void)
{
	char folder[] = "/dev/shm/vt.XXXXXX";

	CHECK(mkdtemp(folder) != NULL);
	OK(chdir(folder));
	is_long(".", 0);
	make_file("a", "", 0, 0644);
	OK(mkdir("d", 0755));
	OK(link("a", "b"));
	OK(symlink("a", "l"));
	is_long(".", 4);
	is_long("d", 0);
	OK(rename("a", "d/a"));
	is_long(".", 3);
	is_long("d", 1);
	OK(rename("b", "l"));
	is_long(".", 2);
	OK(unlink("d/a"));
	OK(unlink("l"));
	OK(rmdir("d"));
	is_long(".", 0);
	OK(chdir(tmp_folder));
	OK(rmdir(folder));
}

int
main(void)
{
	umask(022);
	enter_tmp();
	bytes();
	big();
	links();
	directories();
	dead_directory();
	directory_sizes();
	leave_tmp();
	return test_done();
}
