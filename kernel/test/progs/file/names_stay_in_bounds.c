/* NEEDS: MEM=64M CPUS=1,2,4 TIMEOUT=60 KIND=exact,bounded ARGS=400 */
/* BOUNDED: several CPUs run in any order */
/*
 * openat2 within a directory: what leads out does not, by dots, links and mounts; and
 * not while others move the directories in which the walk stands.
 */
#include "lib/host.h"
#include "lib/test.h"

struct how {
	uint64_t flags, mode, resolve;
};

#define NO_XDEV 1
#define NO_MAGICLINKS 2
#define NO_SYMLINKS 4
#define BENEATH 8
#define IN_ROOT 16

static int
open_in(int dir, const char *path, uint64_t flags, uint64_t resolve)
{
	struct how how = { flags, 0, resolve };

	return (int)syscall(437, dir, path, &how, sizeof(how));
}

/* The file has this text. */
static void
says(int fd, const char *text)
{
	char got[16] = "";

	CHECK(fd >= 0);
	OK(read(fd, got, sizeof(got) - 1));
	CHECK(strcmp(got, text) == 0);
	OK(close(fd));
}

static void
make(const char *path, const char *text)
{
	int fd = OK(open(path, O_CREAT | O_EXCL | O_WRONLY, 0644));

	EQ(write(fd, text, strlen(text)), (long)strlen(text));
	OK(close(fd));
}

static void
links_and_dots(int root)
{
	says(open_in(root, "a/b/../../in", 0, BENEATH), "in");
	says(open_in(root, "a/up/in", 0, BENEATH), "in");
	says(open_in(root, "/in", 0, IN_ROOT), "in");
	says(open_in(root, "../../in", 0, IN_ROOT), "in");
	says(open_in(root, "a/abs", 0, IN_ROOT), "in");
	says(open_in(root, "a/out", 0, IN_ROOT), "in"); /* ../../in of a */
	says(open_in(root, "a/out", 0, 0), "out");
	ERR(open_in(root, "a/out", 0, BENEATH), EXDEV);
	ERR(open_in(root, "a/abs", 0, BENEATH), EXDEV);
	ERR(open_in(root, "a/../../in", 0, BENEATH), EXDEV);
	ERR(open_in(root, "a/up/in", 0, NO_SYMLINKS), ELOOP);
	ERR(open_in(root, "../in", 0, BENEATH | NO_SYMLINKS), EXDEV);
}

static void
mounts(void)
{
	int root;

	if (!own_mounts() || mount("none", "root/m", "tmpfs", 0, NULL) != 0)
		return;
	root = OK(open("root", O_PATH | O_DIRECTORY)); /* of these mounts */
	make("root/m/f", "m");
	says(open_in(root, "m/f", 0, BENEATH), "m");
	says(open_in(root, "m/../in", 0, IN_ROOT), "in");
	ERR(open_in(root, "m/f", 0, NO_XDEV), EXDEV);
	ERR(open_in(root, "m", 0, NO_XDEV), EXDEV);
	says(open_in(root, "a/../in", 0, NO_XDEV), "in");
	OK(close(root));
	OK(unlink("root/m/f"));
	OK(umount("root/m"));
}

/* Until told to end, a directory goes out of the root and back. */
static void
mover(int stop)
{
	struct pollfd p = { stop, POLLIN, 0 };

	while (poll(&p, 1, 0) == 0) {
		OK(rename("root/a/b", "away/b"));
		OK(rename("away/b", "root/a/b"));
	}
	_exit(0);
}

/* Above the root there is another "in": nobody may ever see it. */
static void
race(int root, long n)
{
	static const char *const paths[] = { "a/b/../../in", "a/b/c/../../../in",
		"a/b/../in", "a/b/c/../../in" };
	int stop[2];
	pid_t pid;

	OK(pipe(stop));
	pid = OK(fork());
	if (pid == 0)
		mover(stop[0]);
	for (long i = 0; i < n; i++) {
		int fd = open_in(root, paths[i % 4], 0,
		    i % 3 == 0 ? BENEATH : IN_ROOT);

		if (fd >= 0)
			says(fd, "in");
		else
			CHECK(errno == ENOENT || errno == EAGAIN || errno == EXDEV);
	}
	EQ(write(stop[1], "x", 1), 1);
	REAP(pid, 0);
	OK(close(stop[0]));
	OK(close(stop[1]));
}

int
main(int argc, char **argv)
{
	int root;

	enter_tmp();
	OK(mkdir("root", 0755));
	OK(mkdir("root/a", 0755));
	OK(mkdir("root/a/b", 0755));
	OK(mkdir("root/a/b/c", 0755));
	OK(mkdir("root/m", 0755));
	OK(mkdir("away", 0755));
	make("in", "out");
	make("root/in", "in");
	OK(symlink("..", "root/a/up"));
	OK(symlink("/in", "root/a/abs"));
	OK(symlink("../../in", "root/a/out"));
	root = OK(open("root", O_PATH | O_DIRECTORY));
	links_and_dots(root);
	race(root, argc > 1 ? atol(argv[1]) : 400);
	OK(close(root));
	mounts();
	OK(unlink("root/a/up"));
	OK(unlink("root/a/abs"));
	OK(unlink("root/a/out"));
	OK(unlink("root/in"));
	OK(unlink("in"));
	OK(rmdir("root/m"));
	OK(rmdir("root/a/b/c"));
	OK(rmdir("root/a/b"));
	OK(rmdir("root/a"));
	OK(rmdir("root"));
	OK(rmdir("away"));
	leave_tmp();
	return test_done();
}
