/* NEEDS: MEM=64M CPUS=1 TIMEOUT=20 KIND=exact */
/*
 * /proc/self/fd/N is the open file itself, whatever became of its name, and so
 * are exe, cwd and root; O_PATH, O_TMPFILE with a first link, a removed working
 * directory.
 */
#include "lib/host.h"
#include <sys/ioctl.h>
#include <sys/sendfile.h>

static char text[4200], name[64];

static const char *
link_of(int fd)
{
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	return name;
}

static void
deleted(void)
{
	struct stat a, b;
	int fd, again, n;

	make_file("f", "content", 7, 0644);
	fd = OK(open("f", O_RDONLY));
	n = OK(readlink(link_of(fd), text, sizeof(text)));
	CHECK(n > 2 && memcmp(text + n - 2, "/f", 2) == 0);
	OK(unlink("f"));
	n = OK(readlink(link_of(fd), text, sizeof(text)));
	CHECK(n > 10 && memcmp(text + n - 10, " (deleted)", 10) == 0);
	again = OK(open(link_of(fd), O_RDWR));
	OK(fstat(fd, &a));
	OK(stat(link_of(fd), &b));
	EQ(a.st_ino, b.st_ino);
	EQ(a.st_nlink, 0);
	EQ(write(again, "C", 1), 1);
	EQ(pread(fd, text, 8, 0), 7);
	EQ(text[0], 'C');
	OK(lstat(link_of(fd), &b));
	CHECK(S_ISLNK(b.st_mode));
	OK(close(again));
	OK(close(fd));
	ERR(open(link_of(fd), O_RDONLY), ENOENT);
}

static void
pipes(void)
{
	int fd[2], again, n;

	OK(pipe(fd));
	n = OK(readlink(link_of(fd[0]), text, sizeof(text)));
	EQ(memcmp(text, "pipe:[", 6), 0);
	EQ(text[n - 1], ']');
	again = OK(open(link_of(fd[1]), O_WRONLY));
	EQ(write(again, "via", 3), 3);
	EQ(read(fd[0], text, 10), 3);
	OK(close(again));
	OK(close(fd[1]));
	EQ(read(fd[0], text, 1), 0);
	OK(close(fd[0]));
}

static void
paths(void)
{
	struct stat st;
	int fd, dir;

	make_file("f", "x", 1, 0600);
	fd = OK(open("f", O_PATH));
	ERR(read(fd, text, 1), EBADF);
	ERR(syscall(SYS_fchmod, fd, 0644), EBADF);
	ERR(ioctl(fd, 0x5401, text), EBADF);
	OK(fstat(fd, &st));
	EQ(st.st_size, 1);
	OK(fstatat(fd, "", &st, AT_EMPTY_PATH));
	EQ(fcntl(fd, F_GETFL) & O_PATH, O_PATH);
	OK(close(open(link_of(fd), O_RDONLY)));
	OK(close(fd));
	OK(symlink("f", "l"));
	fd = OK(open("l", O_PATH | O_NOFOLLOW));
	EQ(readlinkat(fd, "", text, 10), 1);
	OK(close(fd));
	dir = OK(open(".", O_RDONLY));
	OK(unlinkat(dir, "l", 0));
	OK(unlink("f"));
	fd = OK(open(".", O_TMPFILE | O_RDWR, 0600));
	OK(fstat(fd, &st));
	EQ(st.st_nlink, 0);
	EQ(write(fd, "tmp", 3), 3);
	OK(linkat(AT_FDCWD, link_of(fd), dir, "named", AT_SYMLINK_FOLLOW));
	OK(stat("named", &st));
	EQ(st.st_nlink * 10 + st.st_size, 13);
	OK(unlink("named"));
	ERR(linkat(AT_FDCWD, link_of(fd), dir, "named", AT_SYMLINK_FOLLOW),
	    ENOENT);
	ERR(open(".", O_TMPFILE | O_RDONLY, 0600), EINVAL);
	OK(close(fd));
	OK(close(dir));
}

static void
removed_directory(void)
{
	char up[4200];

	CHECK(getcwd(up, sizeof(up)) != NULL);
	OK(mkdir("gone", 0755));
	OK(chdir("gone"));
	OK(rmdir("../gone"));
	ERR(getcwd(text, sizeof(text)) == NULL ? -1 : 0, ENOENT);
	ERR(open("new", O_CREAT | O_WRONLY, 0644), ENOENT);
	ERR(mkdir("new", 0755), ENOENT);
	ERR(open("f", O_RDONLY), ENOENT);
	OK(chdir(".."));
	CHECK(getcwd(text, sizeof(text)) != NULL);
	EQ(strcmp(text, up), 0);
}

static void
same_file(const char *a, const char *b)
{
	struct stat sa, sb;

	OK(stat(a, &sa));
	OK(stat(b, &sb));
	EQ(sa.st_ino, sb.st_ino);
	EQ(sa.st_dev, sb.st_dev);
}

/* Where somebody else has taken the name that the link tells. */
static void
removed_place(void)
{
	struct stat st;
	ino_t ino;
	int fd;

	OK(mkdir("gone", 0755));
	OK(mkdir("gone (deleted)", 0755));
	OK(chdir("gone"));
	OK(stat(".", &st));
	ino = st.st_ino;
	OK(rmdir("../gone"));
	fd = OK(open("/proc/self/cwd", O_RDONLY | O_DIRECTORY));
	OK(fstat(fd, &st));
	EQ(st.st_ino, ino);
	EQ(st.st_nlink, 0);
	OK(close(fd));
	OK(access("/proc/self/cwd/../gone (deleted)", F_OK));
	OK(chdir(".."));
	OK(rmdir("gone (deleted)"));
}

static void
far_place(void)
{
	int depth;

	memset(name, 'n', sizeof(name) - 1);
	for (depth = 0; depth < 80; depth++) {
		OK(mkdir(name, 0755));
		OK(chdir(name));
	}
	ERR(readlink("/proc/self/cwd", text, sizeof(text)), ENAMETOOLONG);
	same_file("/proc/self/cwd", ".");
	make_file("/proc/self/cwd/f", "x", 1, 0644);
	OK(unlink("f"));
	while (depth-- > 0) {
		OK(chdir(".."));
		OK(rmdir(name));
	}
}

/* Run as a file whose name somebody else takes. */
static int
as_program(void)
{
	struct stat before, st;

	OK(stat("prog", &before));
	OK(unlink("prog"));
	make_file("prog (deleted)", "other", 5, 0755);
	OK(stat("/proc/self/exe", &st));
	EQ(st.st_ino, before.st_ino);
	EQ(st.st_nlink, 0);
	ERR(open("/proc/self/exe", O_WRONLY), ETXTBSY);
	execl("/proc/self/exe", "again", "again", NULL);
	FAIL("exec of itself: errno %d", errno);
}

static void
removed_program(void)
{
	int from = OK(open("/proc/self/exe", O_RDONLY)), to;
	pid_t pid;

	to = OK(open("prog", O_WRONLY | O_CREAT, 0755));
	while (OK(sendfile(to, from, NULL, 1ul << 20)) > 0)
		;
	OK(close(from));
	OK(close(to));
	pid = OK(fork());
	if (pid == 0) {
		execl("prog", "prog", "prog", NULL);
		FAIL("exec: errno %d", errno);
	}
	REAP(pid, 0);
	OK(unlink("prog (deleted)"));
}

static void
removed_root(void)
{
	int status, p[2];
	char path[64], c;
	pid_t pid;

	OK(mkdir("jail", 0755));
	OK(pipe(p));
	pid = OK(fork());
	if (pid == 0) {
		OK(close(p[1]));
		OK(chroot("jail"));
		EQ(read(p[0], &c, 1), 1); /* it is so: the parent looks */
		_exit(0);
	}
	snprintf(path, sizeof(path), "/proc/%d/root", pid);
	while (stat(path, &(struct stat){ 0 }) == 0 &&
	    readlink(path, text, 2) == 1)
		sleep_ms(1);
	same_file(path, "jail");
	OK(rmdir("jail"));
	OK(close(OK(open(path, O_RDONLY | O_DIRECTORY))));
	EQ(write(p[1], "x", 1), 1);
	EQ(waitpid(pid, &status, 0), pid);
	EQ(status, 0);
	EQ(close(p[0]) | close(p[1]), 0);
}

int
main(int argc, char **argv)
{
	if (argc > 1)
		return strcmp(argv[1], "prog") == 0 ? as_program() : 0;
	enter_tmp();
	deleted();
	pipes();
	paths();
	removed_directory();
	removed_place();
	far_place();
	if (!tmp_forbids(ST_NOEXEC))
		removed_program();
	if (getuid() == 0)
		removed_root();
	leave_tmp();
	return test_done();
}
