/* NEEDS: MEM=64M CPUS=1,2 TIMEOUT=20 SWEEP=no KIND=exact,bounded */
/* BOUNDED: several CPUs run in any order */
/*
 * renameat2(RENAME_EXCHANGE): two names change places, whatever they lead to, in
 * one step; and a directory whose dot-dot changes must be writable for who moves
 * it, with and without that flag.
 *
 * Argument: the folder (/tmp).  Where the file system cannot do it, as Linux'
 * ext2, the answer is EINVAL and nothing has changed.
 */
#include "lib/host.h"
#include <dirent.h>

#define USER 1000
#define NOREPLACE 1
#define EXCHANGE 2

static char dir[128];
static bool can;

static int
swap(const char *a, const char *b)
{
	return (int)syscall(SYS_renameat2, AT_FDCWD, a, AT_FDCWD, b, EXCHANGE);
}

static struct stat
of(const char *path)
{
	struct stat st;

	OK(lstat(path, &st));
	return st;
}

static void
make(const char *path)
{
	OK(close(OK(open(path, O_WRONLY | O_CREAT | O_EXCL, 0644))));
}

/* Number of inode of a name, as its directory lists it. */
static ino_t
listed(const char *folder, const char *name)
{
	DIR *d = opendir(folder);
	struct dirent *e;
	ino_t ino = 0;

	CHECK(d != NULL);
	while ((e = readdir(d)) != NULL)
		if (strcmp(e->d_name, name) == 0)
			ino = e->d_ino;
	OK(closedir(d));
	return ino;
}

/* One exchange, looked at from all sides; exchanged back. */
static void
exchanged(const char *a, const char *b)
{
	struct stat wasa = of(a), wasb = of(b);

	if (!can) {
		ERR(swap(a, b), EINVAL);
	} else {
		OK(swap(a, b));
		EQ(of(a).st_ino, wasb.st_ino);
		EQ(of(b).st_ino, wasa.st_ino);
		EQ(of(a).st_nlink, wasb.st_nlink);
		CHECK(of(b).st_ctim.tv_sec >= wasa.st_ctim.tv_sec);
		OK(swap(b, a));
	}
	EQ(of(a).st_ino, wasa.st_ino);
	EQ(of(b).st_ino, wasb.st_ino);
}

static void
answers(void)
{
	EQ(syscall(SYS_renameat2, AT_FDCWD, "f", AT_FDCWD, "g",
	       NOREPLACE | EXCHANGE), -1);
	EQ(errno, EINVAL);
	ERR(swap("f", "none"), ENOENT);
	ERR(swap("none", "f"), ENOENT);
	ERR(swap("d", "d/e"), EINVAL);
	ERR(swap("d/e", "d"), EINVAL);
	ERR(swap("d/e/x", "d"), EINVAL);
	ERR(swap("f/", "d"), ENOTDIR);
	ERR(swap("d", "f/"), ENOTDIR);
	ERR(swap("d/.", "f"), EBUSY);
	ERR(swap("f", "d/.."), EBUSY);
	ERR(swap("f", "/proc/self/comm"), EXDEV);
	OK(swap("f", "f"));
	OK(link("f", "h"));
	OK(swap("f", "h"));
	EQ(of("f").st_nlink, 2);
	OK(unlink("h"));
}

static void
kinds(void)
{
	OK(symlink("f", "link"));
	OK(mkfifo("fifo", 0600));
	exchanged("f", "g");
	exchanged("f", "link");
	exchanged("fifo", "link");
	exchanged("f", "d/e/x");
	exchanged("d", "f");
	exchanged("d/e", "f");
	exchanged("d/e", "c");
	exchanged("d/", "c/");
}

static void
counted(const char *name, nlink_t n)
{
	struct stat st = of(name);

	CHECK(has_links(&st, n));
}

/* Counts of links, dot-dot, and where a process stands, follow a directory. */
static void
directories_have_new_parents(void)
{
	char cwd[256], want[256];

	if (!can)
		return;
	counted("d", 3);
	counted("c", 2);
	OK(chdir("d/e"));
	OK(swap("../../f", "../e"));
	CHECK(getcwd(cwd, sizeof(cwd)) != NULL);
	snprintf(want, sizeof(want), "%s/f", dir);
	EQ(strcmp(cwd, want), 0);
	EQ(of("..").st_ino, of(dir).st_ino);
	OK(chdir(".."));
	counted("d", 2);
	EQ(listed(".", "f"), of("f").st_ino);
	EQ(listed("d", "e"), of("d/e").st_ino);
	CHECK(S_ISREG(of("d/e").st_mode) && S_ISREG(of("f/x").st_mode));
	ERR(rmdir("d"), ENOTEMPTY);
	OK(swap("f", "d/e"));
	counted("d", 3);
}

static void
as_user(void)
{
	OK(syscall(SYS_setgroups, 0, NULL));
	OK(setresgid(USER, USER, USER));
	OK(setresuid(USER, USER, USER));
	OK(mkdir("open/a", 0700));
	OK(mkdir("open/b", 0700));
	OK(mkdir("open/a/firm", 0500));
	OK(mkdir("open/b/loose", 0700));
	ERR(rename("open/a/firm", "open/b/firm"), EACCES);
	ERR(rename("open/a/firm", "open/b/loose"), EACCES);
	ERR(swap("open/a/firm", "open/b/loose"), EACCES);
	ERR(swap("open/b/loose", "open/a/firm"), EACCES);
	OK(rename("open/a/firm", "open/a/still"));
	OK(chmod("open/a/still", 0700));
	OK(rename("open/a/still", "open/b/still"));
	ERR(swap("sticky/root", "open/b"), EPERM);
	ERR(swap("open/b", "sticky/root"), EPERM);
	ERR(swap("f", "open/b"), EACCES);
	_exit(0);
}

static void
rights(void)
{
	pid_t pid;

	if (geteuid() != 0)
		return;
	OK(mkdir("open", 0700));
	OK(chown("open", USER, USER));
	OK(mkdir("sticky", 0700));
	OK(chmod("sticky", 01777));
	make("sticky/root");
	pid = OK(fork());
	if (pid == 0)
		as_user();
	REAP(pid, 0);
	OK(rmdir("open/a"));
	OK(rmdir("open/b/loose"));
	OK(rmdir("open/b/still"));
	OK(rmdir("open/b"));
	OK(rmdir("open"));
	OK(unlink("sticky/root"));
	OK(rmdir("sticky"));
}

/* Who looks meanwhile finds both names, each time. */
static void
in_one_step(void)
{
	pid_t pid;

	if (!can)
		return;
	pid = OK(fork());
	if (pid == 0) {
		for (int i = 0; i < 2000; i++)
			OK(swap("f", "d/e"));
		_exit(0);
	}
	while (waitpid(pid, NULL, WNOHANG) == 0) {
		OK(access("f", F_OK));
		OK(access("d/e", F_OK));
	}
}

int
main(int argc, char **argv)
{
	snprintf(dir, sizeof(dir), "%s/places.%d", argc > 1 ? argv[1] : "/tmp",
	    (int)getpid());
	OK(mkdir(dir, 0755));
	OK(chmod(dir, 0755)); /* whatever the umask is */
	OK(chdir(dir));
	make("f");
	make("g");
	OK(mkdir("d", 0755));
	OK(mkdir("d/e", 0755));
	OK(mkdir("c", 0755));
	make("d/e/x");
	can = swap("f", "g") == 0;
	CHECK(can || (errno == EINVAL && argc > 1));
	answers();
	kinds();
	directories_have_new_parents();
	rights();
	in_one_step();
	OK(unlink("d/e/x"));
	OK(rmdir("d/e"));
	OK(rmdir("d"));
	OK(rmdir("c"));
	for (const char *const *p = (const char *const[]){ "f", "g", "link",
	         "fifo", NULL }; *p != NULL; p++)
		OK(unlink(*p));
	OK(chdir("/"));
	OK(rmdir(dir));
	return test_done();
}
