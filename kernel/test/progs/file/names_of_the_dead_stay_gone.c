/* NEEDS: MEM=64M CPUS=1,4 TIMEOUT=60 SWEEP=no KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * A directory that was removed, or renamed over, has no names and gets none,
 * whoever holds it open: not those that it had, not "x" after its number is
 * another's; and a name that was just made is what was made.
 *
 * Argument: a folder (/tmp), so that a disk's is tried, too (ext2_names.sh).
 */
#include "lib/host.h"

#define LOOKERS 3
#define ROUNDS 40

static int
touch(const char *name)
{
	int fd = OK(open(name, O_CREAT | O_RDWR | O_EXCL, 0644));

	EQ(write(fd, name, strlen(name)), strlen(name));
	return fd;
}

/* d is open and has no links: every call that takes a name in it. */
static void
has_no_names(int d, const char *old)
{
	char buf[512];
	struct stat st;

	ERR(openat(d, old, O_RDWR), ENOENT);
	ERR(openat(d, old, O_RDONLY | O_PATH), ENOENT);
	ERR(openat(d, old, O_CREAT | O_RDWR, 0600), ENOENT);
	ERR(openat(d, "new", O_CREAT | O_RDWR, 0600), ENOENT);
	ERR(fstatat(d, old, &st, AT_SYMLINK_NOFOLLOW), ENOENT);
	ERR(readlinkat(d, old, buf, sizeof buf), ENOENT);
	ERR(unlinkat(d, old, 0), ENOENT);
	ERR(unlinkat(d, old, AT_REMOVEDIR), ENOENT);
	ERR(mkdirat(d, old, 0700), ENOENT);
	ERR(mkdirat(d, "new", 0700), ENOENT);
	ERR(symlinkat("a", d, "new"), ENOENT);
	ERR(mknodat(d, "new", S_IFIFO | 0600, 0), ENOENT);
	ERR(linkat(AT_FDCWD, "other", d, "new", 0), ENOENT);
	ERR(linkat(d, old, AT_FDCWD, "again", 0), ENOENT);
	ERR(renameat(d, old, AT_FDCWD, "again"), ENOENT);
	ERR(renameat(d, old, d, "again"), ENOENT);
	ERR(renameat(AT_FDCWD, "other", d, "new"), ENOENT);
	ERR(renameat(AT_FDCWD, "otherdir", d, "new"), ENOENT);
	ERR(syscall(SYS_getdents64, d, buf, sizeof buf), ENOENT);
	OK(fstat(d, &st));
	EQ(st.st_nlink, 0);
}

/* What is above is still there. */
static void
knows_its_parent(int d)
{
	struct stat up, here;

	OK(fstatat(d, "..", &up, 0));
	OK(stat(".", &here));
	EQ(up.st_ino, here.st_ino);
	OK(fstatat(d, "../other", &up, 0));
}

/* Other inodes come and go, and with them the numbers of the dead. */
static void
reuse_numbers(void)
{
	int fd, i;

	OK(mkdir("E", 0700));
	OK(rmdir("E"));
	for (i = 0; i < 3; i++) {
		fd = touch("f");
		OK(unlink("f"));
		OK(close(fd));
	}
	sync_folder(".");
	OK(mkdir("E", 0700));
	OK(rmdir("E"));
}

static void
removed(void)
{
	int d, fd;

	OK(mkdir("D", 0755));
	d = OK(open("D", O_RDONLY | O_DIRECTORY));
	OK(close(touch("D/x")));
	sync_folder(".");
	OK(unlink("D/x"));
	OK(rmdir("D"));
	has_no_names(d, "x");
	reuse_numbers();
	has_no_names(d, "x");
	knows_its_parent(d);
	OK(close(d));

	/* A name whose file lives on under another. */
	OK(mkdir("D", 0755));
	d = OK(open("D", O_RDONLY | O_DIRECTORY));
	fd = touch("D/x");
	OK(link("D/x", "lives"));
	OK(symlink("x", "D/l"));
	sync_folder(".");
	OK(unlink("D/x"));
	OK(unlink("D/l"));
	OK(rmdir("D"));
	has_no_names(d, "x");
	has_no_names(d, "l");
	OK(unlink("lives"));
	OK(close(fd));
	reuse_numbers();
	has_no_names(d, "x");
	OK(close(d));
}

static void
renamed_over(void)
{
	int d;

	OK(mkdir("D", 0755));
	OK(mkdir("N", 0755));
	OK(close(touch("N/x")));
	OK(close(touch("D/x")));
	d = OK(open("D", O_RDONLY | O_DIRECTORY));
	sync_folder(".");
	OK(unlink("D/x"));
	OK(rename("N", "D"));
	has_no_names(d, "x");
	reuse_numbers();
	has_no_names(d, "x");
	OK(access("D/x", R_OK));
	OK(close(d));
	OK(unlink("D/x"));
	OK(rmdir("D"));
}

/* No name that somebody has chosen is in the way of a rename. */
static void
any_name_is_free(void)
{
	char name[64];
	struct stat st;
	int i;

	OK(mkdir("D", 0755));
	OK(close(touch("D/first")));
	for (i = 0; i < 100; i++) {
		snprintf(name, sizeof name, "D/a-name-that-fills-%d", i);
		OK(close(touch(name)));
	}
	OK(close(touch("D/last")));
	sync_folder(".");
	OK(stat("D/last", &st));
	snprintf(name, sizeof name, "D/.gone-%lu", (unsigned long)st.st_ino);
	OK(close(touch(name)));
	sync_folder(".");
	OK(rename("D/first", "D/last"));
	OK(access("D/last", R_OK));
	OK(unlink(name));
	OK(unlink("D/last"));
	for (i = 0; i < 100; i++) {
		snprintf(name, sizeof name, "D/a-name-that-fills-%d", i);
		OK(unlink(name));
	}
	OK(rmdir("D"));
}

/* From inside, by the working directory and by /proc. */
static void
from_inside(void)
{
	int here = OK(open(".", O_RDONLY | O_DIRECTORY)), d;
	char path[64];

	OK(mkdir("D", 0755));
	OK(close(touch("D/x")));
	d = OK(open("D", O_RDONLY | O_DIRECTORY));
	sync_folder(".");
	OK(chdir("D"));
	OK(unlink("x"));
	OK(rmdir("../D"));
	ERR(open("x", O_RDWR), ENOENT);
	ERR(open("./x", O_RDWR | O_CREAT, 0600), ENOENT);
	ERR(mkdir("x", 0700), ENOENT);
	snprintf(path, sizeof path, "/proc/self/fd/%d/x", d);
	ERR(open(path, O_RDWR), ENOENT);
	ERR(open("/proc/self/cwd/x", O_RDWR), ENOENT);
	OK(fchdir(here));
	OK(close(here));
	OK(close(d));
}

/* Looks A/x and B/x up without end. */
static void
look(void)
{
	static const char *const names[] = { "A/x", "B/x", "A", "B" };
	unsigned i;
	int fd;

	for (i = 0;; i++) {
		fd = open(names[i % 4], O_RDONLY);
		if (fd >= 0)
			close(fd);
	}
}

static void
is_dir(const char *name)
{
	struct stat st;

	OK(stat(name, &st));
	EQ(st.st_mode & S_IFMT, S_IFDIR);
	CHECK(has_links(&st, 2));
}

static void
raced(void)
{
	pid_t pid[LOOKERS];
	long i;

	for (i = 0; i < LOOKERS; i++) {
		pid[i] = OK(fork());
		if (pid[i] == 0)
			look();
	}
	for (i = 0; i < rounds(ROUNDS); i++) {
		OK(mkdir("A", 0700));
		is_dir("A");
		OK(close(touch("A/x")));
		OK(mkdir("B", 0700));
		is_dir("B");
		OK(link("A/x", "B/x"));
		if (i % 8 == 0)
			sync_folder(".");
		OK(unlink("A/x"));
		OK(rename("B/x", "A/x"));
		OK(rmdir("B"));
		OK(unlink("A/x"));
		OK(rmdir("A"));
	}
	for (i = 0; i < LOOKERS; i++) {
		OK(kill(pid[i], SIGKILL));
		REAP_SIGNAL(pid[i], SIGKILL);
	}
}

int
main(int argc, char **argv)
{
	if (argc > 1)
		OK(chdir(argv[1]));
	else
		enter_tmp();
	OK(close(touch("other")));
	OK(mkdir("otherdir", 0755));
	removed();
	renamed_over();
	any_name_is_free();
	from_inside();
	raced();
	OK(unlink("other"));
	OK(rmdir("otherdir"));
	if (argc <= 1)
		leave_tmp();
	return test_done();
}
